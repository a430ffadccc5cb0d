// What a site in TypeScript writes; compiled, never run.

import { Unisono, UnisonoError, decode, encode } from 'unisono';
import type { Consent, Placement, Policy, ProfileEvent, RecommendRequest, RecommendResponse } from 'unisono';

const event: ProfileEvent = {
  event_id: 'e1', ts_ms: 1_509_000_000_000, type: 'purchase', channel: 'store', item_id: '123', quantity: 1, price: 2.5,
};
const placements: Placement[] = [{ id: 'main', kind: 'for_you', k: 20, allow: ['sensitive'] }];
const consents: Consent[] = [{ purpose: 'offers', granted: false, ts_ms: 1 }];
const policy: Policy = { version: 1, consent: { defaults: { training: false } }, retention_days: { view: 90 } };
const request: RecommendRequest = {
  now_ms: 1_509_494_400_000n,
  profile: { events: [event], state: new Uint8Array() },
  context: { channel: 'corner_shop', store_id: null, cart: [] },
  placements,
};

export async function page(module: WebAssembly.Module): Promise<RecommendResponse> {
  using unisono = await Unisono.load({ module, policy, model: fetch('/shop.unisono'), moduleId: '00' });
  const id: string | null = unisono.moduleId;
  const bytes: Uint8Array = unisono.recommendBytes(encode(request));
  const applied = unisono.profileApply({ now_ms: 1, events: [event], consents });
  for (const result of applied.results) if (result.status === 'refused') console.error(result.code, result.field);
  const { state } = unisono.profileMerge({ states: [applied.state] });
  const found = unisono.profileComponent({ profile_id: 'p1', profiles: [{ profile_id: 'p1', state }] });
  unisono.profileErase({ state: unisono.profileErase({ ts_ms: 1, now_ms: 1 }).state, ts_ms: 2, now_ms: 2 });
  const [first] = unisono.profileExport({ profile_id: found.unit_id, state, now_ms: 1, purpose: 'training' }).events;
  if (first?.carried) console.log(first.item_id, unisono.policyId);
  try {
    return unisono.recommend(request);
  } catch (error) {
    if (error instanceof UnisonoError && error.code === 'unknown_placement') console.error(error.field, id);
    return decode(bytes);
  }
}

// @ts-expect-error A placement without `k` is no placement.
export const incomplete: Placement = { id: 'main', kind: 'for_you' };
// @ts-expect-error Only published purposes exist.
export const aim: Consent = { purpose: 'profit', granted: true, ts_ms: 1 };
// @ts-expect-error Only published kinds exist.
export const unknown: Placement = { id: 'main', kind: 'for_me', k: 1 };
// @ts-expect-error Objects are made by `load`.
export const made = new Unisono();

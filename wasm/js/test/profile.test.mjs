import assert from 'node:assert/strict';
import test from 'node:test';
import { Unisono } from '../../pkg/index.js';
import { failsWith, model, needsModel } from './support.mjs';

const now_ms = 1_509_494_400_000;
const OPT_IN = { version: 1, consent: { defaults: { personalization: false, offers: false, measurement: false, training: false } } };

const bought = (event_id, item_id) => ({ event_id, ts_ms: now_ms - 1_000, type: 'purchase', channel: 'store', item_id });
const request = (profile) => ({ now_ms, profile, placements: [{ id: 'main', kind: 'buy_again', k: 3 }] });
const itemsOf = (page) => page.placements[0].recommendations.map(({ item_id }) => item_id);

test('a policy of opting in stores nothing before a consent, and uses what is stored after it', needsModel, async () => {
  const unisono = await Unisono.load({ model, policy: { ...OPT_IN, host: { gpc: ['training'] } } });
  assert.match(unisono.policyId, /^[0-9a-f]{64}$/);
  const events = [bought('e1', 'tea')];
  const before = unisono.profileApply({ now_ms, events });
  assert.deepEqual(before.results, [{ status: 'withheld' }]);
  assert.deepEqual(before.warnings, [{ code: 'events_without_consent', count: 1 }]);
  const consents = [{ purpose: 'personalization', granted: true, ts_ms: now_ms }, { purpose: 'cross_channel', granted: true, ts_ms: now_ms }];
  const { state, results } = unisono.profileApply({ now_ms, state: before.state, events, consents });
  assert.deepEqual(results, [{ status: 'accepted' }]);
  assert.deepEqual(itemsOf(unisono.recommend(request({ state }))), ['tea']);
  const withdrawn = { state, consents: [{ purpose: 'personalization', granted: false, ts_ms: now_ms }] };
  assert.deepEqual(itemsOf(unisono.recommend(request(withdrawn))), [], 'of one moment, withheld wins');
});

test('a policy that can not be read is refused with its field, and nothing stays loaded', needsModel, async () => {
  await failsWith('policy_invalid', () => Unisono.load({ model, policy: { version: 2 } }), 'version');
  await failsWith('unknown_purpose', () => Unisono.load({ model, policy: { version: 1, consent: { event_purposes: { view: ['profit'] } } } }));
  // More often than an instance has handles.
  for (let round = 0; round < 70; round += 1) {
    await failsWith('model_truncated', () => Unisono.load({ model: model.subarray(0, 40), policy: { version: 1 } }));
  }
  (await Unisono.load({ model, policy: { version: 1 } })).free();
});

test('linked profiles answer as one, an erased one as a stranger', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  assert.equal(unisono.policyId, null);
  const linkedTo = (profile_id, linked = true, ts_ms = 1) => [{ profile_id, linked, ts_ms }];
  const a = unisono.profileApply({ now_ms, events: [bought('e1', 'tea')], links: linkedTo('b') }).state;
  const b = unisono.profileApply({ now_ms, events: [bought('e2', 'milk')], links: linkedTo('a') }).state;
  const found = unisono.profileComponent({ profile_id: 'a', profiles: [{ profile_id: 'a', state: a }] });
  assert.deepEqual(found.needs, ['b']);
  const profile = { profile_id: 'a', state: a, linked: [{ profile_id: 'b', state: b }] };
  assert.deepEqual(itemsOf(unisono.recommend(request(profile))).sort(), ['milk', 'tea']);
  const apart = unisono.profileApply({ now_ms, state: b, links: linkedTo('a', false) }).state;
  assert.deepEqual(itemsOf(unisono.recommend(request({ ...profile, linked: [{ profile_id: 'b', state: apart }] }))), ['tea']);
  const erased = unisono.profileErase({ state: a, ts_ms: now_ms, now_ms }).state;
  assert.deepEqual(unisono.recommend(request({ state: erased })), unisono.recommend(request({})));
  const late = unisono.profileApply({ now_ms, state: erased, events: [bought('e1', 'tea')] });
  assert.deepEqual(late.results, [{ status: 'erased' }]);
  assert.deepEqual(late.state, erased);
  const exported = unisono.profileExport({ profile_id: 'a', state: a, now_ms });
  assert.deepEqual(exported.events, [{ ...bought('e1', 'tea'), profile_id: 'a' }]);
  assert.deepEqual(exported.marks, [{ day_ms: Math.floor((now_ms - 1_000) / 86_400_000) * 86_400_000, item_id: 'tea', type: 'purchase', channel: 'store' }]);
  assert.deepEqual(exported.links, [{ profile_id: 'b', linked: true, ts_ms: 1, writer: '' }]);
});

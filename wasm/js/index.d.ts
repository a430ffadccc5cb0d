/**
 * Unisono: one recommender that gives the same answer in every channel.
 *
 * ```js
 * import { Unisono } from 'unisono';
 * const unisono = await Unisono.load({ model: '/models/shop.unisono' });
 * const page = unisono.recommend({
 *   now_ms: Date.now(),
 *   profile: { events: [{ event_id: 'e1', ts_ms: Date.now() - 86_400_000, type: 'purchase', channel: 'web', item_id: '123' }] },
 *   placements: [{ id: 'main', kind: 'for_you', k: 10 }],
 * });
 * ```
 *
 * Times are Unix milliseconds UTC. Ids are 1 to 128 bytes of UTF-8. Fields that are absent, `undefined` or `null` are
 * the same. Limits are those of the module; beyond them `limit_exceeded` names the limit.
 *
 * @packageDocumentation
 */

/** A whole number; a bigint where it lies beyond 2^53. */
export type Integer = number | bigint;

/** A value, or a promise of it. */
export type Awaitable<T> = T | PromiseLike<T>;

/** Bytes, or where they come from. A string is a URL: absolute, or relative to the page. */
export type Source = string | URL | ArrayBuffer | ArrayBufferView | Response;

/** What {@link Unisono.load} takes. */
export interface LoadOptions {
  /** The model file. A download whose length is known goes into the module's memory chunk by chunk. */
  model: Awaitable<Source>;
  /** What the shop decides: consent, retention. Default: everything is allowed until the customer says otherwise. */
  policy?: Policy;
  /**
   * The module. Default: `unisono.wasm` beside this package. Runtimes that compile no Wasm at run time (workerd) take
   * the `WebAssembly.Module` of their configuration.
   */
  module?: Awaitable<Source | WebAssembly.Module>;
  /**
   * SHA-256 of the module, 64 lower-case hexadecimal digits. Bytes that have another one are refused
   * (`module_mismatch`). For a `WebAssembly.Module`, whose bytes can't be seen, it is taken as given.
   */
  moduleId?: string;
}

/**
 * A model in an instance of the module.
 *
 * Objects with the same module share one instance, each with a model of its own. An instance holds up to 64 models and
 * serves one call at a time (calls are synchronous). When a call traps, the instance is thrown away, and all objects
 * that share it fail with `instance_trapped` from then on; a new `load` starts a new one.
 */
export class Unisono {
  private constructor();

  /** Loads module, model and policy. */
  static load(options: LoadOptions): Promise<Unisono>;

  /**
   * SHA-256 of the module's bytes, 64 lower-case hexadecimal digits. Null where they were never seen (a
   * `WebAssembly.Module` without `moduleId`) or where the page has no WebCrypto (plain HTTP).
   */
  readonly moduleId: string | null;

  /** The model's id, 64 lower-case hexadecimal digits. */
  readonly modelId: string;

  /** The policy's id, 64 lower-case hexadecimal digits; null for the default policy. */
  readonly policyId: string | null;

  /**
   * Recommends for all placements of one page.
   *
   * @throws {UnisonoError} What the module says of the request, with its `field`.
   */
  recommend(request: RecommendRequest): RecommendResponse;

  /**
   * The same in bytes: a MessagePack request to the module's response, untouched. An error is in the response, under
   * the key `error`. Equal requests give equal bytes in every runtime.
   */
  recommendBytes(request: Uint8Array): Uint8Array;

  /** Applies events, consents, traits and links to a profile state, which stays small whatever is applied. */
  profileApply(input: ProfileApply): ProfileApplied;

  /**
   * Merges states of one profile from several places; the order never matters. A join of more than 4 MiB less 64 KiB, its
   * consents not counted, is refused with `limit_exceeded` at `state`: the states that were given are still good.
   */
  profileMerge(input: ProfileMerge): ProfileMerged;

  /**
   * Erases: everything at or before a moment goes, and whatever of that time a later merge or event brings. The state that
   * is left says nothing but when.
   */
  profileErase(input: ProfileErase): ProfileMerged;

  /** A state as people read it, or what one purpose may use of it. */
  profileExport(input: ProfileExport): ProfileExported;

  /**
   * What a portable token is to carry: the newest day marks and events, without prices and ids, of what personalization may
   * use across channels. `unisono/token.js` signs it.
   */
  tokenWrite(input: TokenWrite): TokenWritten;

  /** Joins what a token carries; `unisono/token.js` checks its signature first. An original is never counted twice. */
  tokenApply(input: TokenApply): ProfileMerged;

  /** Which profiles are of one customer. */
  profileComponent(input: ProfileComponent): ProfileComponentFound;

  /** Gives the model's memory back. The object is of no use afterwards; a second call does nothing. */
  free(): void;

  /** As {@link Unisono.free}, for `using`. */
  [Symbol.dispose](): void;
}

/** Something that a program can react to. */
export class UnisonoError extends Error {
  constructor(code: string, message: string, about?: { field?: string; requestId?: string | null; cause?: unknown });
  readonly name: 'UnisonoError';
  /** Never changes its meaning. */
  readonly code: ErrorCode | (string & {});
  /** Where it is wrong, as `placements[0].kind`; empty when the whole input is meant. */
  readonly field: string;
  /** The request's id where the module could read it. */
  readonly request_id: string | null;
}

/** Encodes a plain value as MessagePack, as {@link Unisono.recommend} does with a request. */
export function encode(value: unknown): Uint8Array;

/** Decodes MessagePack, as {@link Unisono.recommend} does with a response. */
export function decode(bytes: Uint8Array): any;

/** The codes of this package, and of the module. */
export type ErrorCode =
  // of this package
  | 'invalid_source' | 'fetch_failed' | 'module_invalid' | 'module_mismatch' | 'instance_trapped' | 'freed'
  // of the module
  | 'invalid_msgpack' | 'trailing_bytes' | 'invalid_utf8' | 'invalid_type' | 'missing_field' | 'duplicate_key'
  | 'out_of_range' | 'invalid_id' | 'invalid_channel' | 'invalid_currency' | 'limit_exceeded' | 'unknown_event_type'
  | 'unknown_purpose' | 'policy_invalid' | 'register_erased' | 'unknown_placement' | 'unknown_gate' | 'duplicate_placement' | 'event_from_future' | 'profile_mismatch'
  | 'profile_version_unsupported' | 'profile_invalid' | 'model_truncated' | 'model_version_unsupported'
  | 'model_root_invalid' | 'model_section_missing' | 'model_section_invalid' | 'model_section_hash'
  | 'model_index_out_of_range' | 'model_ranges_unsupported' | 'unknown_handle' | 'handles_exhausted'
  | 'allocation_refused' | 'token_invalid' | 'token_version_unsupported' | 'token_expired' | 'token_foreign';

/** Everything that the answer depends on, besides the model. At most 8 MiB of MessagePack. */
export interface RecommendRequest {
  /** Comes back with the response. */
  request_id?: string | null;
  /** The moment of the decision, 0 to 10,413,792,000,000 (the year 2300). */
  now_ms: Integer;
  /** Whose page it is; absent for a visitor of whom nothing is known. */
  profile?: ProfileInput | null;
  /** Where it is shown. */
  context?: Context | null;
  /** The page's lists, in the order in which they choose; 1 to 32. No item stands in two of them. */
  placements: Placement[];
  /** For exploration; the same seed, the same draw. Default 0. */
  seed?: Integer | null;
  /** Return explanations, and what was left out. Default false. */
  explain?: boolean | null;
  /** Return calibrated probabilities, where the model has them. Default false. */
  probability?: boolean | null;
}

/** A profile as it travels: events, a state, or both, which are joined. */
export interface ProfileInput {
  profile_id?: string | null;
  /** In any order, at most 10,000. */
  events?: ProfileEvent[] | null;
  /** A state that `profileApply` or `profileMerge` returned; at most 4 MiB. */
  state?: Uint8Array | null;
  /** Consents beside those of the state; the newer word counts. */
  consents?: Consent[] | null;
  /** States of profiles that may be linked with this one; those that are not are passed over. Needs `profile_id`. */
  linked?: LinkedProfile[] | null;
}

/** What data may be used for. */
export type Purpose = 'personalization' | 'offers' | 'cross_channel' | 'measurement' | 'training';

/** A consent, granted or withheld. Of two words on one purpose and channel the later counts, and of one time the withheld one. */
export interface Consent {
  purpose: Purpose;
  /** Absent: all channels. For a channel the newer of its own word and of that on all channels counts. */
  channel?: Channel | null;
  granted: boolean;
  ts_ms: Integer;
  /** Who wrote it; decides between two of one time. */
  writer?: string | null;
}

/** Something that is known of a customer, under one purpose. */
export interface Trait {
  name: string;
  /** Absent or null: taken back. */
  value?: string | boolean | Integer | null;
  purpose: Purpose;
  ts_ms: Integer;
  writer?: string | null;
}

/** That another profile is of the same customer, or no longer. It counts while both profiles hold it. */
export interface Link {
  profile_id: string;
  linked: boolean;
  ts_ms: Integer;
  writer?: string | null;
}

/** Another profile with its state; no bytes for one of which nothing is known. */
export interface LinkedProfile {
  profile_id: string;
  state: Uint8Array;
}

/** What the shop decides; what is absent is as in the default policy. */
export interface Policy {
  version: 1;
  consent?: {
    /** What holds for a purpose where the customer has said nothing. Default: true. */
    defaults?: Partial<Record<Purpose, boolean>>;
    /** Which purposes may look at events of a type. */
    event_purposes?: Partial<Record<EventType, Purpose[]>>;
    /** Whether what no purpose may use any more is only masked, or erased with the next event. Default `mask`. */
    on_withdrawal?: 'mask' | 'erase';
  };
  /** Days that events of a type are used and kept. */
  retention_days?: Partial<Record<EventType, Integer>>;
}

/** Where and how the page is shown. */
export interface Context {
  /** Default `web`. */
  channel?: Channel | null;
  /** The store, where there is one. */
  store_id?: string | null;
  /** Local time minus UTC in minutes, -1,080 to 1,080. Default 0. */
  utc_offset_min?: Integer | null;
  /** Items in the cart, at most 500. */
  cart?: string[] | null;
}

/** What a placement shows. */
export type PlacementKind =
  /** what this customer is likely to want next */
  | 'for_you'
  /** what others bought with `items`, or the cart; the same whoever asks */
  | 'similar'
  /** what completes `items`, or the cart, for this customer */
  | 'bought_together'
  /** what sells most at present */
  | 'trending'
  /** what this customer bought before and may need again */
  | 'buy_again'
  /** what this customer looked at last */
  | 'recently_viewed'
  /** offers, by the customer's own spend on what they cover */
  | 'offers'
  /** `candidates`, best first */
  | 'rerank';

/** One list on the page. */
export interface Placement {
  /** Unique within the request. */
  id: string;
  kind: PlacementKind;
  /** Recommendations wanted, 1 to 1,000. */
  k: Integer;
  /** What to start from (`similar`, `bought_together`), at most 500. */
  items?: string[] | null;
  /** What to choose among (`rerank`, `offers`), at most 10,000. */
  candidates?: string[] | null;
  /** What must not appear, at most 10,000. */
  exclude?: string[] | null;
  /** Leave out what the profile bought before. Default false. */
  exclude_bought?: boolean | null;
  /** Only items of this category or below it; levels are separated by `/`. */
  category?: string | null;
  /** Opens gates that are closed: items that reveal something about who sees them, items that not everyone may buy. */
  allow?: ('sensitive' | 'restricted')[] | null;
  /**
   * How strongly products of one category avoid each other, 0 to 1 with up to three decimals: at 0 the score alone ranks, at 1
   * the categories alone. Absent: as the model says. `trending`, `recently_viewed` and `offers` are never reordered.
   */
  diversity?: number | null;
}

/** Where something happens. A shop may add names of its own: 1 to 32 lower-case letters, digits and underscores. */
export type Channel =
  | 'web' | 'app' | 'store' | 'kiosk' | 'call_center' | 'chat' | 'whatsapp' | 'telegram' | 'email' | 'sms' | 'push'
  | 'social' | 'marketplace' | 'voice' | (string & {});

/** What a profile did, or what was shown to it. */
export type EventType =
  | 'view' | 'search' | 'cart_add' | 'cart_remove' | 'wishlist_add' | 'purchase' | 'return' | 'reservation' | 'pickup'
  | 'rating' | 'impression' | 'click' | 'offer_shown' | 'offer_clicked' | 'offer_redeemed' | 'message_sent'
  | 'message_opened' | 'message_clicked' | 'contact';

/** One event. */
export interface ProfileEvent {
  /** The same id of the same type and channel is one event. */
  event_id: string;
  /** When; at most ten minutes after the request's `now_ms`. */
  ts_ms: Integer;
  type: EventType;
  channel: Channel;
  item_id?: string | null;
  /** Above 0, with up to three decimals. Default 1. */
  quantity?: number | null;
  /** Of one unit, 0 or more, with up to six decimals. */
  price?: number | null;
  /** ISO 4217; absent means the shop's. Amounts of different currencies are never added. */
  currency?: string | null;
  order_id?: string | null;
  session_id?: string | null;
  store_id?: string | null;
  offer_id?: string | null;
  /** The placement of an impression or click. */
  placement?: string | null;
  /** Within the placement, 1 to 100,000. */
  rank?: Integer | null;
  /** The decision that showed it. */
  decision_id?: string | null;
  /** At most 512 bytes, as the texts below. */
  device?: string | null;
  /** Where the visitor came from (utm, influencer, affiliate). */
  source?: string | null;
  /** Search words. */
  query?: string | null;
  /** A rating or satisfaction. */
  value?: number | null;
  /** Of a contact. */
  topic?: string | null;
  /** Of a contact. */
  outcome?: string | null;
  /** -1 to 1, given by the shop's system. */
  sentiment?: number | null;
  /** Of a contact, milliseconds. */
  wait_ms?: Integer | null;
  /** Local time minus UTC in minutes, -1,080 to 1,080. */
  utc_offset_min?: Integer | null;
  /** Where given, the profile's own. */
  profile_id?: string | null;
}

/** One page, decided. */
export interface RecommendResponse {
  request_id: string | null;
  /** 64 hexadecimal digits. */
  model_id: string;
  /** SHA-256 over everything that the answer depends on: equal decisions, equal ids. */
  decision_id: string;
  overlay_version: Integer | null;
  /** In the order of the request. */
  placements: PlacementResponse[];
  warnings: Warning[];
}

/** One list, decided. */
export interface PlacementResponse {
  id: string;
  /** Best first. */
  recommendations: Recommendation[];
  /** What was left out and why; with `explain`. */
  excluded?: Excluded[];
  /** Why nothing is recommended; there exactly when nothing is. */
  empty_reason?: EmptyReason;
  warnings: Warning[];
}

/** One recommended item, or offer (in placements of kind `offers`). */
export interface Recommendation {
  item_id?: string;
  offer_id?: string;
  /** From 1. */
  rank: number;
  /** An exact sum of look-ups. It orders, unless diversity moves an item, and is no probability. */
  score: number;
  /** The model's estimate of the chance that the customer's next order (or view) is of it, 0 to 1; with `probability`. */
  probability?: number;
  /** What speaks for it most. */
  reasons: Reason[];
  /** With `explain`. */
  explanation?: Explanation;
}

/** The sum behind a score: `score * 2 ** scale_bits` is `base` plus all `points`, exactly, as integers. */
export interface Explanation {
  base: Integer;
  scale_bits: number;
  parts: { feature: string; value: Integer; points: Integer }[];
}

/** Why something is recommended. */
export type Reason =
  | 'bought_often' | 'bought_before' | 'goes_with_cart' | 'goes_with_history' | 'bought_next' | 'popular'
  | 'viewed_before' | 'spend_on_covered' | 'like_given' | 'given' | (string & {});

/** One thing that was left out. */
export interface Excluded {
  item_id?: string;
  offer_id?: string;
  reason: Exclusion;
}

/** Why something was left out. */
export type Exclusion =
  | 'excluded' | 'already_on_page' | 'in_cart' | 'bought' | 'other_category' | 'not_in_channel' | 'not_yet_available'
  | 'no_longer_available' | 'sensitive' | 'restricted' | 'unknown_item' | 'consent_withheld' | 'cap_reached' | 'unknown_offer'
  | (string & {});

/** Why a list is empty. */
export type EmptyReason =
  | 'no_history' | 'nothing_given' | 'no_offers' | 'no_items' | 'all_excluded' | (string & {});

/** What was noticed on the way and did not stop the answer. */
export interface Warning {
  code:
    | 'unknown_field' | 'consent_withheld' | 'events_without_consent' | 'events_expired' | 'links_beyond_bound' | 'links_not_given'
    | 'token_marks_left_out' | 'token_events_left_out' | 'duplicate_event' | 'events_beyond_bound' | 'marks_beyond_bound' | 'history_item_unknown'
    | 'seed_item_unknown' | 'category_unknown' | 'other_currency' | 'fewer_than_k' | 'excluded_not_listed'
    | (string & {});
  /** How often, at least 1. */
  count: number;
  field?: string;
}

/** Events for a profile state. */
export interface ProfileApply {
  /** Events more than ten minutes after it are refused. */
  now_ms: Integer;
  /** Where given, an event that names another profile is refused. */
  profile_id?: string | null;
  /** Absent for a new profile. */
  state?: Uint8Array | null;
  /** At most 10,000. */
  events?: ProfileEvent[] | null;
  traits?: Trait[] | null;
  consents?: Consent[] | null;
  links?: Link[] | null;
}

/** A new state, and what became of each event, in their order. */
export interface ProfileApplied {
  state: Uint8Array;
  /**
   * `duplicate`: its type and channel hold the id already; `withheld`: no purpose may use it, so it is not stored; `erased`:
   * of the time of an erasure or before; `expired`: older than the policy keeps it.
   */
  results: (
    | { status: 'accepted' | 'duplicate' | 'withheld' | 'erased' | 'expired' }
    | { status: 'refused'; code: ErrorCode | (string & {}); message: string; field: string }
  )[];
  /** Traits, consents and links that were not taken. */
  refused: { code: ErrorCode | (string & {}); message: string; field: string }[];
  /** Of the accepted events: unknown fields, copies, and what lay beyond the bounds of a profile. */
  warnings: Warning[];
}

/** States of one profile, at most 16. */
export interface ProfileMerge {
  states: Uint8Array[];
}

/** Their join. */
export interface ProfileMerged {
  state: Uint8Array;
  /** Unknown fields, copies of one event, and what lay beyond the bounds of a profile. */
  warnings: Warning[];
}

/** What to erase. */
export interface ProfileErase {
  state?: Uint8Array | null;
  /**
   * Everything at or before it goes, and marks of its UTC day. At most ten minutes after `now_ms`. Absent: all that the state
   * holds, also what a clock that runs ahead has written.
   */
  ts_ms?: Integer | null;
  now_ms: Integer;
}

/** What to export. */
export interface ProfileExport {
  profile_id?: string | null;
  state: Uint8Array;
  now_ms: Integer;
  /** Only what this purpose may use, in whatever channel it happened. */
  purpose?: Purpose | null;
}

/** A state, readable. */
export interface ProfileExported {
  profile_id: string | null;
  events: (ProfileEvent & { carried?: true })[];
  /** On which UTC day, by the moment at which it begins, what happened to which item where. */
  marks: { day_ms: Integer; item_id: string; type: EventType; channel: Channel }[];
  traits: Trait[];
  consents: Consent[];
  links: Link[];
  erased_ms: Integer | null;
}

/** Profiles with their states, among which to look for one customer's. */
export interface ProfileComponent {
  profile_id: string;
  /** At most 256. */
  profiles: LinkedProfile[];
}

/** One customer's profiles. */
export interface ProfileComponentFound {
  /** Ascending, at most 16. */
  profile_ids: string[];
  /** Profiles whose states must be given too: ask again with them until this is empty. */
  needs: string[];
  /** What experiments assign: one for all of them. */
  unit_id: string;
  warnings: Warning[];
}

/** What a token is to carry. */
export interface TokenWrite {
  state: Uint8Array;
  now_ms: Integer;
  expires_ms: Integer;
  /** For whom: another shop refuses the token. */
  shop: string;
  /** Which key signs it. */
  key_id: string;
  /** Of the payload. Default 1,472, which fits 2,048 characters with its signature. */
  bytes_max?: Integer | null;
}

/** The payload of a token, to be signed. */
export interface TokenWritten {
  payload: Uint8Array;
  /** What found no room. */
  warnings: Warning[];
}

/** The payload of a token, its signature checked. */
export interface TokenApply {
  state?: Uint8Array | null;
  payload: Uint8Array;
  now_ms: Integer;
  shop: string;
}

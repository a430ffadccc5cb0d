// The module's codes in words for visitors. A code that is not listed is shown as it is, without its underscores.

const SHELF = {
  bought_together: ["Goes with your cart", "What others buy together with it"],
  buy_again: ["Buy again", "Usual products, most likely due first"],
  for_you: ["New for you", "Never bought before, close to your habits"],
  trending: ["Trending", "What most customers buy at present"],
  offers: ["Your offers", "By what you spend on the products they cover"],
};

const LIST = {
  seen: ["Seen lately", "Nothing looked at yet"],
  cart: ["Goes with the cart", "Nothing goes with it"],
  again: ["Buy again", "Nothing bought yet"],
  next: ["For you", "Nothing to choose from"],
};

const CHANNEL = { app: "App", store: "Till", call_center: "Call centre" };

const EVENT = {
  view: "Looked at",
  cart_add: "Put in the cart:",
  cart_remove: "Took out of the cart:",
  purchase: "Bought",
  impression: "Was offered",
  click: "Said yes to",
  offer_redeemed: "Redeemed an offer on",
};

const PURPOSE = {
  personalization: ["Choose products for me", "personalization"],
  offers: ["Choose offers for me", "offers"],
  cross_channel: ["Carry over between channels", "cross_channel"],
  measurement: ["Count what was shown", "measurement"],
  training: ["Learn from what I do", "training"],
};

const REASON = {
  bought_often: "you buy it often",
  bought_before: "you bought it before",
  goes_with_cart: "goes with your cart",
  goes_with_history: "goes with what you buy",
  bought_next: "often bought next",
  popular: "popular now",
  viewed_before: "you looked at it",
  spend_on_covered: "you spend on these products",
  like_given: "of the same kind",
  given: "on the list",
};

const EXCLUSION = {
  excluded: "excluded by the page",
  already_on_page: "already on the page",
  in_cart: "in the cart",
  bought: "bought before",
  other_category: "in another category",
  not_in_channel: "not valid in this channel",
  not_yet_available: "not available yet",
  no_longer_available: "no longer available",
  consent_withheld: "not known how often redeemed, without consent",
  sensitive: "sensitive",
  restricted: "restricted",
  unknown_item: "unknown to the model",
  cap_reached: "redeemed as often as allowed",
  unknown_offer: "unknown offers",
};

const EMPTY = {
  no_history: "No purchases yet, so nothing to choose from.",
  nothing_given: "Nothing was given to choose from.",
  no_offers: "This shop has no offers.",
  no_items: "This shop has no products.",
  all_excluded: "Everything that could stand here was left out by a rule.",
};

const WARNING = {
  unknown_field: "unknown fields of the request, passed over",
  consent_withheld: "of the purposes withheld here",
  duplicate_event: "events that came twice, counted once",
  events_beyond_bound: "older events, kept as purchase days only",
  marks_beyond_bound: "oldest purchase days, left out",
  history_item_unknown: "products of the history that the model does not know",
  seed_item_unknown: "products of the cart that the model does not know",
  category_unknown: "categories that the model does not know",
  other_currency: "amounts of another currency, not added",
  fewer_than_k: "places that nothing was left for",
  excluded_not_listed: "more left out than listed",
};

const FEATURE = {
  own_strength: "how often and how lately you bought it, against your strongest product",
  own_strength_raw: "how often and how lately you bought it",
  content_score: "same category and brand",
  own_days: "days on which you bought it",
  category_repeat: "how often buyers come back to its category",
  brand_decay_90: "bought of its brand in the last months",
  own_channel_share: "share of your purchases of it in this channel (‰)",
  own_store_share: "share of your purchases of it in this store (‰)",
  last_visit_here: "you were last here",
  own_share: "share of your shopping days (‰)",
  own_age: "days since you last bought it",
  own_visits_since: "shopping days since then",
  own_gap: "days between your purchases of it",
  own_due: "how due it is (256 = now)",
  own_decay_7: "bought in the last week or so",
  own_decay_90: "bought in the last months",
  own_decay_365: "bought in the last year",
  own_category_share: "share of what you buy in its category (‰)",
  bought_score: "others buy it with what you buy",
  next_score: "others buy it after what you bought",
  cart_score: "others buy it with your cart",
  cart_score_raw: "others buy it with your cart, absolute",
  popularity_recent: "customers of the last 28 days",
  popularity_week: "customers of the last 7 days",
  popularity_all: "customers in all",
  popularity_trend: "trend of the week (256 = steady)",
  popularity_channel: "customers in this channel, 28 days",
  repeat_rate: "share of customers who come back to it",
  category_decay_90: "what you buy in its category",
  viewed_age: "hours since you looked at it",
  viewed_count: "times you looked at it",
  visits: "your shopping days",
  days_since_visit: "days since your last shopping day",
  spend_on_covered: "your spend on what it covers (millionths)",
};

const plain = (code) => String(code).replaceAll("_", " ");
const from = (table) => (code) => table[code] ?? plain(code);

export const shelfWords = (kind) => SHELF[kind] ?? [plain(kind), ""];
export const listWords = (id) => LIST[id] ?? [plain(id), ""];
export const channelWords = from(CHANNEL);
export const purposeWords = (purpose) => PURPOSE[purpose] ?? [plain(purpose), purpose];
export const reasonWords = from(REASON);
export const exclusionWords = from(EXCLUSION);
export const emptyWords = from(EMPTY);
export const warningWords = from(WARNING);
export const featureWords = from(FEATURE);

/** One touchpoint, one event or all that was bought together, in a sentence. */
export function touchWords(events, titleOf) {
  const [event] = events;
  const title = event.item_id ? titleOf(event.item_id) : "";
  if (events.length > 1) return `Bought ${count(events.length)} products`;
  if (event.type === "contact" && event.item_id) return `Said ${event.outcome === "refused" ? "no" : event.outcome} to ${title}`;
  if (event.type === "contact") return event.outcome ? `${event.topic}: ${event.outcome}` : `Asked: ${event.topic}`;
  return `${EVENT[event.type] ?? capital(plain(event.type))} ${title}`;
}

/** How long ago, in the largest unit that fits. */
export function ago(ms) {
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return "now";
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ago`;
  return `${count(Math.floor(minutes / 1440))} days ago`;
}

export const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

/** A title as a shop window writes it: registers of tills shout. */
export function titleWords(title) {
  if (title !== title.toUpperCase()) return title;
  const quiet = title.toLowerCase();
  return quiet.charAt(0).toUpperCase() + quiet.slice(1);
}

const whole = new Intl.NumberFormat("en");
/** 4213 as `4,213`; also for BigInt. */
export const count = (number) => whole.format(number);

/** Bytes as `38 KB` or `2.1 MB`, in thousands. */
export function size(bytes) {
  return bytes < 1e6 ? `${count(Math.ceil(bytes / 1e3))} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** Milliseconds as `1.2 ms`. */
export const time = (ms) => `${ms.toFixed(1)} ms`;

/** A probability as `61 %`, `4.2 %` or `under 0.1 %`. */
export function chance(probability) {
  const percent = probability * 100;
  if (percent < 0.1) return "under 0.1 %";
  return `${percent.toFixed(percent < 10 ? 1 : 0)} %`;
}

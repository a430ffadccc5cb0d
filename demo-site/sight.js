// What may be seen of a customer: for a visit in one channel, and by each purpose.

/** The channel that both devices ask about: the phone is in its owner's hand, in the store. */
export const VISIT = "store";

/** Where the customer is met, each with its own consents. */
export const CHANNELS = ["app", "store", "call_center"];

export const PURPOSES = ["personalization", "offers", "cross_channel", "measurement", "training"];

/**
 * Reads the linked states as one. What a purpose may use is the module's word; what of it crosses from one channel to another
 * for this visit follows from the consents.
 * @returns {{events: object[], seen: object[], masked: number, uses: Map<string, {may: number, could: number}>,
 *   granted: (purpose: string, channel: string) => boolean}} `seen` is what may choose products for this visit, `masked` how many
 *   more could if nothing were withheld; `uses` says the same of each purpose
 */
export function sightOf(engine, devices, nowMs) {
  const joined = engine.merge(devices.map((device) => device.state));
  const { events, consents } = engine.read(joined, nowMs);
  const granted = (purpose, channel) => isGranted(consents, purpose, channel);
  const crosses = (channel) => channel === VISIT || (granted("cross_channel", channel) && granted("cross_channel", VISIT));
  const unmasked = withAllGranted(engine, joined, nowMs);
  const use = (purpose) => ({ may: engine.read(joined, nowMs, purpose).events.length, could: engine.read(unmasked, nowMs, purpose).events.length });
  const uses = new Map(PURPOSES.map((purpose) => [purpose, use(purpose)]));
  // No event serves this purpose for itself: it says which of them count in another channel.
  uses.set("cross_channel", { may: events.filter((event) => crosses(event.channel)).length, could: events.length });
  const personal = granted("personalization", VISIT) ? engine.read(joined, nowMs, "personalization").events : [];
  const seen = personal.filter((event) => crosses(event.channel));
  return { events, seen, masked: uses.get("personalization").could - seen.length, uses, granted };
}

/** The state as it would be if the customer now allowed everything; it is only looked at. */
function withAllGranted(engine, state, nowMs) {
  const later = nowMs + 1;
  const consents = PURPOSES.flatMap((purpose) => CHANNELS.map((channel) => ({ purpose, channel, granted: true, ts_ms: later })));
  return engine.apply({ now_ms: later, state, consents }).state;
}

/** The newest word for the channel or for all; of one moment, the one that withholds. Without a word, the default policy. */
function isGranted(consents, purpose, channel) {
  const words = consents.filter((word) => word.purpose === purpose && (!word.channel || word.channel === channel));
  const newest = Math.max(...words.map((word) => Number(word.ts_ms)));
  return words.filter((word) => Number(word.ts_ms) === newest).every((word) => word.granted);
}

/** What lies in the cart: put in, and neither taken out nor bought since. */
export function cartOf(events) {
  const cart = new Set();
  for (const event of inOrder(events)) {
    if (event.type === "cart_add") cart.add(event.item_id);
    if (event.type === "cart_remove" || event.type === "purchase") cart.delete(event.item_id);
  }
  return [...cart];
}

/** What the customer refused when it was offered. */
export const refusedOf = (events) =>
  [...new Set(events.filter((event) => event.type === "contact" && event.outcome === "refused" && event.item_id).map((event) => event.item_id))];

/** Contacts that nobody has closed, newest first; all of one conversation share a session. */
export function openContacts(events) {
  const contacts = events.filter((event) => event.type === "contact" && event.session_id);
  const closed = new Set(contacts.filter((event) => event.outcome).map((event) => event.session_id));
  return inOrder(contacts.filter((event) => !closed.has(event.session_id))).reverse();
}

/** The newest touchpoints, newest first; what was bought together is one. */
export function touchpoints(events, most) {
  const groups = new Map();
  for (const event of inOrder(events).reverse()) {
    const key = event.type === "purchase" && event.order_id ? `${event.channel} ${event.order_id}` : `${event.channel} ${event.type} ${event.event_id}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(event);
    if (groups.size > most) break;
  }
  return [...groups.values()].slice(0, most);
}

const inOrder = (events) => [...events].sort((a, b) => Number(a.ts_ms) - Number(b.ts_ms));

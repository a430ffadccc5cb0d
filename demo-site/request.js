// What this page asks for: the customer's request with the page's placements, channel and cart.

/** The page's lists in the order in which they choose; an item that one shows is not shown again by a later one. */
export const SHELVES = [
  { id: "cart", kind: "bought_together", k: 5 },
  { id: "again", kind: "buy_again", k: 5 },
  { id: "new", kind: "for_you", k: 5, exclude_bought: true },
  { id: "trending", kind: "trending", k: 5 },
  { id: "offers", kind: "offers", k: 4 },
];

/**
 * @param {object} base the customer's own request, with the history
 * @param {string} channel
 * @param {string[]} cart item ids
 */
export function pageRequest(base, channel, cart) {
  return {
    ...base,
    context: { ...base.context, channel, cart },
    // Without a cart there is nothing to complete.
    placements: SHELVES.filter((shelf) => shelf.id !== "cart" || cart.length > 0),
    explain: true,
    probability: true,
  };
}

const DAY_MS = 86_400_000;

/**
 * A customer's habits, counted from the history in the request.
 * @returns {{visits: number, items: number, daysSince: number | null, favourites: string[]}} up to six favourites, best first
 */
export function habitsOf(request) {
  const bought = (request.profile?.events ?? []).filter((event) => event.type === "purchase");
  const dayOf = (event) => Math.floor(event.ts_ms / DAY_MS);
  const daysByItem = new Map();
  for (const event of bought) {
    if (!event.item_id) continue;
    if (!daysByItem.has(event.item_id)) daysByItem.set(event.item_id, new Set());
    daysByItem.get(event.item_id).add(dayOf(event));
  }
  const byDays = [...daysByItem].sort((a, b) => b[1].size - a[1].size || (a[0] < b[0] ? -1 : 1));
  const latest = bought.reduce((newest, event) => Math.max(newest, event.ts_ms), 0);
  return {
    visits: new Set(bought.map((event) => event.order_id ?? dayOf(event))).size,
    items: daysByItem.size,
    daysSince: latest > 0 ? Math.max(0, Math.floor((request.now_ms - latest) / DAY_MS)) : null,
    favourites: byDays.slice(0, 6).map(([id]) => id),
  };
}

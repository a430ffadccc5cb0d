// What both devices ask: the lists of a visit to the store. Only whose question it is differs until they are paired.

import { VISIT } from "./sight.js";

/** The lists in the order in which they choose; an item that one shows is not shown again by a later one. */
export const LISTS = ["seen", "cart", "again", "next"];

/**
 * @param {number} nowMs
 * @param {string[]} cart item ids
 * @param {string[]} refused item ids that the customer said no to
 */
export function question(nowMs, cart, refused) {
  const exclude = refused.length > 0 ? { exclude: refused } : {};
  const lists = {
    seen: { kind: "recently_viewed", k: 2, ...exclude },
    cart: { kind: "bought_together", k: 2, ...exclude },
    again: { kind: "buy_again", k: 3, ...exclude },
    next: { kind: "for_you", k: 5, exclude_bought: true, ...exclude },
  };
  const asked = LISTS.filter((id) => id !== "cart" || cart.length > 0);
  return {
    now_ms: nowMs,
    context: { channel: VISIT, cart },
    placements: asked.map((id) => ({ id, ...lists[id] })),
    explain: true,
    probability: true,
  };
}

/** What an answer shows, as `{list: [item id, ...]}`. */
export const shownBy = (response) =>
  Object.fromEntries((response.placements ?? []).map((list) => [list.id, list.recommendations.map((one) => one.item_id)]));

// The lists of a device: the same drawing for the phone and the till, so that the eye can compare them.

import { element } from "../dom.js";
import { chance, listWords, reasonWords } from "../words.js";

/**
 * @param {HTMLElement} into
 * @param {object} response
 * @param {{titleOf: (id: string) => string, fresh: Set<string>, opened?: string | null, onOpen?: (one: object, list: string) => void,
 *   actions?: (one: object, list: string) => [string, () => void][]}} how `fresh` holds what was not there before; without
 *   `onOpen` the products are text, with it buttons
 */
export function showLists(into, response, how) {
  if (response.error) {
    into.replaceChildren(element("p.refused", {}, `Refused: ${response.error.code}, ${response.error.message}.`));
    return;
  }
  into.replaceChildren(...response.placements.map((list) => drawn(list, how)));
}

function drawn(list, how) {
  const [title, nothing] = listWords(list.id);
  const rows = list.recommendations.map((one) => row(one, list.id, how));
  const body = rows.length > 0 ? element("ol", {}, ...rows) : element("p.nothing", {}, nothing);
  return element("section.list", { "data-list": list.id }, element("h3", {}, title), body);
}

function row(one, list, { titleOf, fresh, opened, onOpen, actions }) {
  const title = titleOf(one.item_id);
  const inside = [
    tile(one.item_id, title),
    element("span.title", {}, title),
    element("span.reason", {}, one.reasons.slice(0, 2).map(reasonWords).join(", ")),
    one.probability == null ? null : element("span.chance", { title: "Chance that the next order holds it" }, chance(one.probability)),
  ];
  const isOpen = opened === one.item_id;
  const head = onOpen
    ? element("button.product", { type: "button", "aria-expanded": String(isOpen), onclick: () => onOpen(one, list) }, ...inside)
    : element("div.product", {}, ...inside);
  const buttons = isOpen ? actions(one, list).map(([name, onclick]) => element("button", { type: "button", onclick }, name)) : [];
  const item = element("li", { "data-item": one.item_id }, head, isOpen ? element("div.actions", {}, ...buttons) : null);
  if (fresh.has(one.item_id)) item.classList.add("fresh");
  return item;
}

/** A tile in a colour of the product's own: pictures are not in the data. */
export function tile(id, title) {
  const made = element("span.tile", { "aria-hidden": "true" }, title.charAt(0));
  let hue = 0;
  for (const letter of title) hue = (hue * 31 + letter.codePointAt(0)) % 360;
  made.style.setProperty("--hue", String(hue));
  return made;
}

// The page's lists: products with their reason, chance and exact explanation.

import { byId, element } from "../dom.js";
import { SHELVES } from "../request.js";
import { chance, count, emptyWords, exclusionWords, reasonWords, shelfWords, warningWords } from "../words.js";
import { explanation } from "./explanation.js";

/** Where the lists stand, which is not the order in which they choose. */
const ORDER = ["again", "new", "cart", "trending", "offers"];
const kindOf = new Map(SHELVES.map((shelf) => [shelf.id, shelf.kind]));

export function showShelves(response, titleOf, onAdd) {
  if (response.error) {
    const { code, message, field } = response.error;
    byId("shelves").replaceChildren(element("p.refused", {}, `The module refused the request: ${code} at \`${field}\`, ${message}.`));
    return;
  }
  const shown = [...response.placements]
    .filter((placement) => placement.empty_reason !== "no_offers")
    .sort((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
  byId("shelves").replaceChildren(...shown.map((placement) => shelf(placement, titleOf, onAdd)));
}

/** What the module noticed on the way, in one sentence. */
export function showNotes(response) {
  const noted = (response.warnings ?? []).map((warning) => `${count(warning.count)} ${warningWords(warning.code)}`);
  byId("notes").textContent = noted.length > 0 ? `The module also noticed: ${noted.join("; ")}.` : "";
}

function shelf(placement, titleOf, onAdd) {
  const [title, meaning] = shelfWords(kindOf.get(placement.id));
  const heading = `shelf-${placement.id}`;
  const items = placement.recommendations.map((one) => item(one, titleOf, onAdd));
  return element(
    "section.shelf",
    { "aria-labelledby": heading },
    element("h3", { id: heading }, title),
    element("p.meaning", {}, meaning),
    items.length > 0
      ? element("ol", {}, ...items)
      : element("p.empty", {}, emptyWords(placement.empty_reason ?? "nothing here")),
    leftOut(placement),
  );
}

function item(one, titleOf, onAdd) {
  const isOffer = one.offer_id != null;
  const id = one.offer_id ?? one.item_id;
  const title = titleOf(id);
  const reasons = one.reasons.map(reasonWords).join(", ");
  const inside = [
    element("span.title", {}, title),
    element("span.reason", {}, reasons),
    // The sign stands for the button; its label says it in words.
    isOffer ? null : element("span.plus", { "aria-hidden": "true" }, "+"),
  ];
  const head = isOffer
    ? element("div.pick", {}, ...inside)
    : element("button.pick", { type: "button", "aria-label": `Add ${title} to the cart: ${reasons}`, onclick: () => onAdd(id) }, ...inside);
  return element("li", {}, head, why(one));
}

function why(one) {
  const known = one.probability != null;
  const figure = known ? `${chance(one.probability)} chance` : `score ${one.score.toLocaleString("en", { maximumFractionDigits: 2 })}`;
  const summary = element("summary", {}, known ? bar(one.probability) : null, element("span.figure", {}, figure), element("span.ask", {}, "Why?"));
  const details = element("details", {}, summary);
  // Built when asked for: most are never opened.
  details.addEventListener("toggle", () => details.append(explanation(one)), { once: true });
  return details;
}

function bar(probability) {
  const made = element("span.meter", { "aria-hidden": "true" });
  made.style.setProperty("--share", `${(probability * 100).toFixed(2)}%`);
  return made;
}

/** Nothing is dropped in silence: what a rule left out, counted by rule. */
function leftOut(placement) {
  const counts = new Map();
  for (const { reason } of placement.excluded ?? []) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const parts = [...counts].sort((a, b) => b[1] - a[1]).map(([reason, n]) => `${count(n)} ${exclusionWords(reason)}`);
  const more = placement.warnings.find((warning) => warning.code === "excluded_not_listed");
  if (more) parts.push(`${count(more.count)} more`);
  return parts.length > 0 ? element("p.left-out", {}, `Left out: ${parts.join(", ")}`) : null;
}

// The exact sum behind a score, as a table that the visitor can add up.

import { element } from "../dom.js";
import { count, featureWords } from "../words.js";

export function explanation(one) {
  const given = one.explanation;
  if (!given) return element("p.sum", {}, "The module gave no explanation.");
  const points = (value) => element("td.number", {}, signed(value));
  const rows = given.parts.map((part) =>
    element("tr", {}, element("th", { scope: "row" }, featureWords(part.feature)), element("td.number", {}, count(part.value)), points(part.points)),
  );
  const base = element("tr", {}, element("th", { scope: "row" }, "where every product starts"), element("td"), points(given.base));
  const total = given.parts.reduce((sum, part) => sum + BigInt(part.points), BigInt(given.base));
  const head = element("tr", {}, ...["Because of", "Value", "Points"].map((text) => element("th", { scope: "col" }, text)));
  const foot = element("tr", {}, element("th", { scope: "row" }, "Sum"), element("td"), points(total));
  return element(
    "div.explanation",
    {},
    element("table", {}, element("thead", {}, head), element("tbody", {}, base, ...rows), element("tfoot", {}, foot)),
    element("p.sum", {}, `Id ${one.offer_id ?? one.item_id}. `, check(total, given.scale_bits, one.score)),
  );
}

/** Says whether the parts add up to the score; both are exact, so `===` is the right comparison. */
function check(total, scaleBits, score) {
  const adds = Number(total) / 2 ** scaleBits === score;
  const sum = `${count(total)} / 2^${scaleBits} = ${Number(total) / 2 ** scaleBits}`;
  return adds ? `${sum}: exactly the score.` : `${sum}, but the score is ${score}: the parts do not add up.`;
}

function signed(value) {
  return value > 0 ? `+${count(value)}` : count(value).replace("-", "−");
}

// What the last step changed in the till's lists, and why.

import { byId, element } from "../dom.js";
import { count, warningWords } from "../words.js";

/**
 * @param {{what: string, why?: string, first: boolean, gone: string[], come: string[], masked: number, events: number, warnings: object[], told?: string[]}} change
 *   titles of what left and what came
 */
export function showChange({ what, why, first, gone, come, masked, events, warnings, told = [] }) {
  const noted = warnings.map((warning) => element("li.noted", {}, element("code", {}, warning.code), ` ${count(warning.count)} ${warningWords(warning.code)}`));
  const facts = [
    ...titles("out", "−", "Left", gone),
    ...titles("in", "+", "New", come),
    masked > 0 ? element("li.masked", {}, element("b", {}, `${count(masked)} of ${count(events)}`), " events are masked, and kept") : null,
    ...noted,
    ...told.map((text) => element("li.told", {}, text)),
  ].filter(Boolean);
  byId("change").replaceChildren(
    element("h2", { id: "change-title" }, what),
    why ? element("p.how", {}, why) : "",
    facts.length > 0 ? element("ul", {}, ...facts) : first ? "" : element("p.how", {}, "The lists stay as they are."),
  );
}

/** The first few by name, the others counted. */
function titles(kind, glyph, word, list) {
  const shown = list.slice(0, 3).map((title) => element(`li.${kind}`, {}, element("span", { "aria-label": word }, glyph), ` ${title}`));
  if (list.length > 3) shown.push(element(`li.${kind}`, {}, element("span", { "aria-label": word }, glyph), ` ${count(list.length - 3)} more`));
  return shown;
}

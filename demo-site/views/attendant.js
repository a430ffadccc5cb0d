// The attendant's desk: touchpoints over all channels, open contacts, and what to offer next.

import { byId, element } from "../dom.js";
import { openContacts, touchpoints } from "../sight.js";
import { ago, capital, chance, channelWords, listWords, reasonWords, touchWords } from "../words.js";
import { explanation } from "./explanation.js";
import { tile } from "./lists.js";

const TOUCHPOINTS = 5;

/**
 * @param {object[]} events what may be seen of the customer
 * @param {{one: object, list: string} | null} next the next best recommendation
 * @param {{titleOf: Function, nowMs: number, offered: boolean, onOffer: Function, onAccept: Function, onRefuse: Function, onClose: Function}} how
 */
export function showAttendant(events, next, how) {
  const focused = document.activeElement?.id;
  byId("attendant").replaceChildren(best(next, how), contacts(events, how), touched(events, how));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function best(next, { titleOf, offered, onOffer, onAccept, onRefuse }) {
  if (!next) return element("section", {}, element("h3", {}, "Next best"), element("p.nothing", {}, "Nothing is left to offer."));
  const { one, list } = next;
  const title = titleOf(one.item_id);
  const why = element("details", {}, element("summary", {}, "Why?"));
  why.addEventListener("toggle", () => why.append(explanation(one)), { once: true });
  const button = (id, name, onclick, more = {}) => element("button", { type: "button", id, onclick: () => onclick(one, list), ...more }, name);
  return element(
    "section.best",
    {},
    element("h3", {}, "Next best"),
    element("div.product", {}, tile(one.item_id, title), element("span.title", { id: "best-title" }, title), element("span.reason", {}, capital(one.reasons.map(reasonWords).join(", "))), one.probability == null ? null : element("span.chance", {}, chance(one.probability))),
    element(
      "p.row",
      {},
      button("offered", offered ? "Offered ✓" : "Offered", onOffer, { "aria-pressed": String(offered) }),
      button("accepted", "Accepted", onAccept),
      button("refused", "Refused", onRefuse),
      element("span.how", {}, `rank ${one.rank} of “${listWords(list)[0]}”`),
    ),
    why,
  );
}

function contacts(events, { nowMs, onClose }) {
  const open = openContacts(events);
  const rows = open.map((contact) =>
    element(
      "li",
      {},
      badge(contact.channel),
      element("span.title", {}, contact.topic ?? "Contact"),
      element("span.reason", {}, ago(nowMs - Number(contact.ts_ms))),
      element("button", { type: "button", id: `close-${contact.session_id}`, onclick: () => onClose(contact) }, "Solved"),
    ),
  );
  const body = rows.length > 0 ? element("ul.touches", { id: "contacts" }, ...rows) : element("p.nothing", { id: "contacts" }, "None. “Ask for help” in the app opens one.");
  return element("section", {}, element("h3", {}, `Open contacts${open.length > 0 ? ` (${open.length})` : ""}`), body);
}

function touched(events, { titleOf, nowMs }) {
  const rows = touchpoints(events, TOUCHPOINTS).map((group) =>
    element("li", {}, badge(group[0].channel), element("span.title", {}, touchWords(group, titleOf)), element("span.reason", {}, ago(nowMs - Number(group[0].ts_ms)))),
  );
  const body = rows.length > 0 ? element("ol.touches", { id: "touches" }, ...rows) : element("p.nothing", { id: "touches" }, "Nothing that may be seen.");
  return element("section", {}, element("h3", {}, "Last five touchpoints"), body);
}

const badge = (channel) => element("span.badge", { "data-channel": channel }, channelWords(channel));

// The switches: one for each purpose in each channel, and how many events each purpose may use.

import { byId, element } from "../dom.js";
import { CHANNELS, PURPOSES } from "../sight.js";
import { channelWords, count, purposeWords } from "../words.js";

/** @param {(changes: {purpose: string, channel: string, granted: boolean}[]) => void} onChange */
export function showConsents(sight, onChange) {
  const focused = document.activeElement?.id;
  const head = element(
    "tr",
    {},
    element("th", { scope: "col" }, "Purpose"),
    ...CHANNELS.map((channel) => element("th", { scope: "col" }, channelWords(channel))),
    element("th", { scope: "col" }, "Events in use"),
  );
  byId("consents").replaceChildren(element("thead", {}, head), element("tbody", {}, ...PURPOSES.map((purpose) => row(purpose, sight, onChange))));
  // The switch that was pressed is a new one now: keyboards go on from it.
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function row(purpose, sight, onChange) {
  const [name, code] = purposeWords(purpose);
  const cells = CHANNELS.map((channel) => {
    const granted = sight.granted(purpose, channel);
    const change = () => onChange([{ purpose, channel, granted: !granted }]);
    const box = element("input.switch", {
      type: "checkbox",
      role: "switch",
      id: `switch-${purpose}-${channel}`,
      checked: granted,
      "aria-label": `${name}, ${channelWords(channel)}`,
      onchange: change,
    });
    return element("td", {}, box);
  });
  const { may, could } = sight.uses.get(purpose);
  const figure = element("td.used", {}, `${count(may)} of ${count(could)}`);
  if (may < could) figure.classList.add("less");
  return element("tr", {}, element("th", { scope: "row" }, name, element("code", {}, code)), ...cells, figure);
}

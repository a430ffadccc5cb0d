// What the host's store holds of the customer, as people read it and as a file.

import { byId, element } from "../dom.js";
import { count } from "../words.js";

let address = null;

/** @param {object[] | null} profiles as the host gives them out, without those that it does not know; null while it is away */
export function showStored(profiles, titleOf) {
  if (profiles === null) {
    byId("stored-how").textContent = "The host is away, and its store with it.";
    return;
  }
  const sum = (of) => profiles.reduce((total, profile) => total + (profile[of]?.length ?? 0), 0);
  const erased = profiles.length > 0 && profiles.every((profile) => profile.erased_ms != null && profile.events.length === 0);
  byId("stored-how").textContent =
    profiles.length === 0
      ? "The host’s store knows nothing of this customer."
      : erased
        ? `Only the tombstone: erased at ${new Date(Number(profiles[0].erased_ms)).toLocaleTimeString("en")}. No event, no consent, no link.`
        : `${count(sum("events"))} events, ${count(sum("marks"))} day marks, ${count(sum("consents"))} consents, ${count(sum("links"))} links, in ${count(profiles.length)} ${profiles.length === 1 ? "profile" : "profiles"} of the host’s store.`;
  const text = JSON.stringify({ profiles }, null, 2);
  // The address of the file before would keep its bytes alive.
  if (address) URL.revokeObjectURL(address);
  address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  byId("download").href = address;
  byId("stored").replaceChildren(...profiles.map((profile) => readable(profile, titleOf)));
}

function readable(profile, titleOf) {
  const when = (ms) => new Date(Number(ms)).toLocaleString("en", { dateStyle: "medium", timeStyle: "short" });
  const newest = [...profile.events].sort((a, b) => Number(b.ts_ms) - Number(a.ts_ms));
  const rows = newest.map((event) =>
    element("tr", {}, ...[when(event.ts_ms), event.channel, event.type, event.item_id ? titleOf(event.item_id) : (event.topic ?? ""), rest(event)].map((text) => element("td", {}, text))),
  );
  const says = [
    ...profile.consents.map((word) => `${word.granted ? "allowed" : "withheld"}: ${word.purpose}, ${word.channel || "all channels"}, ${when(word.ts_ms)}`),
    ...profile.links.map((link) => `${link.linked ? "linked with" : "no longer linked with"} ${link.profile_id}, ${when(link.ts_ms)}`),
    ...(profile.erased_ms == null ? [] : [`erased: everything until ${when(profile.erased_ms)}`]),
  ];
  const head = element("tr", {}, ...["When", "Where", "What", "Of", "With"].map((text) => element("th", { scope: "col" }, text)));
  return element(
    "section",
    {},
    element("h3", {}, element("code", {}, profile.profile_id)),
    says.length > 0 ? element("ul", {}, ...says.map((text) => element("li", {}, text))) : null,
    rows.length > 0 ? element("div.scroll", { tabindex: "0", role: "region", "aria-label": `Events of ${profile.profile_id}` }, element("table", {}, element("thead", {}, head), element("tbody", {}, ...rows))) : null,
  );
}

const NAMED = new Set(["event_id", "ts_ms", "channel", "type", "item_id", "profile_id", "topic"]);

/** All other fields, by name. */
const rest = (event) =>
  Object.entries(event)
    .filter(([key, value]) => !NAMED.has(key) && value != null)
    .map(([key, value]) => `${key} ${value}`)
    .join(", ");

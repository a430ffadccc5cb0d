// What the customer allows.

import { CHANNELS, PURPOSES, VISIT } from "../sight.js";
import { channelWords, purposeWords } from "../words.js";

export function consentSteps(visit) {
  /** @param {{purpose: string, channel: string, granted: boolean}[]} changes all of one kind, granted or withdrawn */
  function change(changes) {
    const [{ purpose, channel, granted }] = changes;
    const one = changes.length === 1;
    const what = one ? `${purposeWords(purpose)[0]}, ${channelWords(channel)}` : "everything, everywhere";
    const work = async (nowMs) => {
      const consents = changes.map((word) => ({ ...word, ts_ms: nowMs }));
      // Into each profile of the customer: what is stored in one is that profile's own consents' business.
      for (const device of visit.customer.devices) visit.record(device, nowMs, { consents });
      if (granted) return "What was masked counts again.";
      return one ? reasonOf(purpose, channel) : "Nothing may be used any more: both see a stranger.";
    };
    return visit.step(`${granted ? "Allowed" : "Withdrawn"}: ${what}`, work, granted ? undefined : "3");
  }

  const everything = (granted) => change(PURPOSES.flatMap((purpose) => CHANNELS.map((channel) => ({ purpose, channel, granted }))));
  return { change, everything };
}

function reasonOf(purpose, channel) {
  const where = channelWords(channel).toLowerCase();
  const here = channel === VISIT;
  if (purpose === "cross_channel") return here ? "The till may see only what happened at the till." : `What happened in the ${where} stays in the ${where}.`;
  if (purpose === "personalization") return here ? "For a visit to the store the customer is a stranger." : `What happened in the ${where} chooses no products any more.`;
  return "It serves another purpose than choosing these products.";
}

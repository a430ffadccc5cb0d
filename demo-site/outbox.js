// What was recorded and is still to be told to the host, in order. A host that is away hears it later: to say it twice does
// no harm.

import { isMissing, sendConsents, sendEvents, sendLinks } from "./host.js";

const WAYS = {
  events: (_, list) => sendEvents(list),
  consents: sendConsents,
  links: sendLinks,
};

export class Outbox {
  /** @param {{way: string, profileId: string, list: object[]}[]} waiting */
  constructor(waiting = []) {
    this.waiting = waiting;
  }

  put(way, profileId, list) {
    this.waiting.push({ way, profileId, list });
  }

  /**
   * Sends what waits. What the host refuses is not sent again.
   * @returns {Promise<string[]>} what went wrong, in words
   */
  async send() {
    const told = [];
    while (this.waiting.length > 0) {
      const { way, profileId, list } = this.waiting[0];
      try {
        const answer = await WAYS[way](profileId, list);
        const refused = [...(answer.results ?? []).filter((result) => result.status === "refused"), ...(answer.refused ?? [])];
        told.push(...refused.map((one) => `The host did not take it: ${one.code}, ${one.message}`));
      } catch (error) {
        if (error.status === 0 || error.status >= 500 || isMissing(error)) return [...told, `The host did not hear it yet: ${error.message}`];
        told.push(`The host refused: ${error.message}`);
      }
      this.waiting.shift();
    }
    return told;
  }
}

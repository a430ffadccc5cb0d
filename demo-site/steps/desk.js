// What happens at the till and in the call centre.

import { cartOf } from "../sight.js";
import { count } from "../words.js";

const CALL = { channel: "call_center" };

export function deskSteps(visit) {
  const event = (nowMs, type, more) => visit.event(visit.till, nowMs, type, more);
  const title = (one) => visit.titleOf(one.item_id);
  /** Where a recommendation stood when the attendant spoke of it. */
  const placed = (one, list) => ({ ...CALL, item_id: one.item_id, placement: list, rank: one.rank, decision_id: visit.last.atTill.decision_id });

  function record(what, eventsAt, why) {
    return visit.step(what, async (nowMs) => {
      visit.record(visit.till, nowMs, { events: eventsAt(nowMs) });
      return why;
    });
  }

  return {
    pay() {
      const cart = cartOf(visit.last.tillSight.seen);
      const order_id = crypto.randomUUID();
      const what = `Paid at the till: ${count(cart.length)} ${cart.length === 1 ? "product" : "products"}`;
      return record(what, (nowMs) => cart.map((item_id) => event(nowMs, "purchase", { item_id, order_id })), "Bought things move on to “Buy again”.");
    },

    offer(one, list) {
      const about = placed(one, list);
      visit.offered = one.item_id;
      return record(`Offered: ${title(one)}`, (nowMs) => [event(nowMs, "impression", about)], "Recorded as an impression, with its decision, place and rank.");
    },

    accept(one, list) {
      const about = placed(one, list);
      const both = (nowMs) => [event(nowMs, "click", about), event(nowMs, "cart_add", about)];
      return record(`Accepted: ${title(one)}`, both, "Recorded as a click, and in the cart: at the till and in the app.");
    },

    refuse(one, list) {
      const about = { ...placed(one, list), topic: "recommendation", outcome: "refused", session_id: crypto.randomUUID() };
      return record(`Refused: ${title(one)}`, (nowMs) => [event(nowMs, "contact", about)], "Recorded as a contact with this outcome. Nobody offers it again, in any channel that may know.");
    },

    solve({ topic, session_id }) {
      const closing = { ...CALL, topic, session_id, outcome: "solved" };
      return record(`Solved: ${topic}`, (nowMs) => [event(nowMs, "contact", closing)], "Closed by an event of its own; what was asked stays as it was.");
    },
  };
}

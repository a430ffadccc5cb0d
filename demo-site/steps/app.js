// What happens on the phone.

const HELP = "Where is my order?";

export function appSteps(visit) {
  function see(type, one, list, what) {
    const order = type === "purchase" ? { order_id: crypto.randomUUID() } : {};
    const about = { item_id: one.item_id, placement: list, rank: one.rank, decision_id: visit.last.onPhone.decision_id, ...order };
    const work = async (nowMs) => {
      const { results } = visit.record(visit.phone, nowMs, { events: [visit.event(visit.phone, nowMs, type, about)] });
      if (type === "purchase") visit.opened = null;
      if (results[0].status === "withheld") return "Nothing of it was stored: no purpose may use it.";
      return visit.isPaired ? "Phone and till know it at once." : "Only the phone knows it yet.";
    };
    return visit.step(`${what}: ${visit.titleOf(one.item_id)}`, work, "1");
  }

  return {
    /** Opens a product, which is a look at it. */
    open(one, list) {
      visit.opened = one.item_id;
      return see("view", one, list, "Looked at in the app");
    },

    actions: (one, list) => [
      ["Put in the cart", () => see("cart_add", one, list, "Put in the cart in the app")],
      ["Buy now", () => see("purchase", one, list, "Bought in the app")],
    ],

    askHelp: () =>
      visit.step(`Asked in the app: ${HELP}`, async (nowMs) => {
        const contact = visit.event(visit.phone, nowMs, "contact", { topic: HELP, session_id: crypto.randomUUID() });
        visit.record(visit.phone, nowMs, { events: [contact] });
        return visit.isPaired ? "The attendant sees it at once." : "The attendant sees it once phone and till are paired.";
      }),
  };
}

// What stands around the lists: who decided, the buttons of both devices, the cart, and the steps that the page invites to.

import { byId, element } from "../dom.js";
import { count, time } from "../words.js";

export function showFrame(visit, cart, onPay) {
  const { here, there } = visit.last;
  const paired = visit.isPaired;
  byId("phone-how").textContent = `Decided here in ${time(here.ms)}`;
  byId("till-how").textContent = there.unreachable ? "The host is away: decided here" : `Decided by the host in ${time(there.ms)}`;
  byId("show-code").textContent = paired ? "Unpair" : "Show my code";
  byId("show-code").classList.toggle("primary", !paired);
  byId("scan-form").hidden = paired;
  byId("paired-with").hidden = !paired;
  byId("play").hidden = paired || visit.done.has("2");
  showBasket(cart.map(visit.titleOf), onPay);
  showSteps(visit.done);
}

function showBasket(cart, onclick) {
  const more = cart.length > 2 ? ` and ${count(cart.length - 2)} more` : "";
  const words = cart.length === 0 ? "The cart is empty" : `Cart: ${cart.slice(0, 2).join(", ")}${more}`;
  byId("basket").replaceChildren(element("span", {}, words), element("button.primary", { type: "button", id: "pay", onclick, disabled: cart.length === 0 }, "Pay"));
}

/** Marks what was done, and what is to be tried next. */
function showSteps(done) {
  const items = [...byId("steps").children];
  const current = items.findIndex((_, at) => !done.has(String(at + 1)));
  items.forEach((item, at) => {
    item.dataset.state = done.has(String(at + 1)) ? "done" : at === current ? "now" : "later";
    if (at === current) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

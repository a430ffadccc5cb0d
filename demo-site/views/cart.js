// The cart: what is in it, each with a button that takes it out.

import { byId, element } from "../dom.js";

export function showCart(cart, titleOf, onRemove) {
  const parts =
    cart.length === 0
      ? [element("p.hint", {}, "The cart is empty. Press a product to add it: every list below is decided anew, in both places.")]
      : [
          element("h3", {}, `Cart (${cart.length})`),
          element("ul", {}, ...cart.map((id) => chip(titleOf(id), () => onRemove(id)))),
        ];
  byId("cart").replaceChildren(...parts);
}

function chip(title, onclick) {
  const remove = element("button", { type: "button", "aria-label": `Take ${title} out of the cart`, onclick }, "×");
  return element("li", {}, title, remove);
}

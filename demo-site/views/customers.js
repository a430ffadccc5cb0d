// The customers as cards: radio buttons underneath, so that arrow keys work and readers know how many there are.

import { byId, element } from "../dom.js";
import { habitsOf } from "../request.js";
import { count } from "../words.js";

/** Shows the cards, picks the first. */
export function showCustomers(customers, titleOf, onPick) {
  const cards = customers.map((customer, index) => {
    const radio = element("input", { type: "radio", name: "customer", value: index, onchange: () => onPick(customer) });
    return element("label.customer", {}, radio, element("strong", {}, customer.label), ...habits(customer, titleOf));
  });
  byId("customers").replaceChildren(...cards);
  const first = byId("customers").querySelector("input");
  if (first) {
    first.checked = true;
    onPick(customers[0]);
  }
}

function habits(customer, titleOf) {
  const { visits, items, daysSince, favourites } = habitsOf(customer.request);
  if (visits === 0) return [element("span.figures", {}, "No purchases yet")];
  const figures = `${count(visits)} ${visits === 1 ? "visit" : "visits"}, ${count(items)} products, ${since(daysSince)}`;
  // Several products may share a title; one line of it says enough.
  const list = [...new Set(favourites.map(titleOf))].slice(0, 3).map((title) => element("li", {}, title));
  return [element("span.figures", {}, figures), element("ul", { "aria-label": "Favourites" }, ...list)];
}

function since(days) {
  if (days === 0) return "last today";
  return days === 1 ? "last yesterday" : `last ${count(days)} days ago`;
}

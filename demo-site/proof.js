// The page: who is shopping, what is in the cart, and what module and host say to that.

import { byId, element } from "./dom.js";
import { startEngine } from "./engine.js";
import { askHost } from "./host.js";
import { pageRequest } from "./request.js";
import { size, titleWords } from "./words.js";
import { showCart } from "./views/cart.js";
import { showCustomers } from "./views/customers.js";
import { Proof } from "./views/proof.js";
import { showNotes, showShelves } from "./views/shelves.js";

const proof = new Proof();
const state = { customer: null, channel: "web", cart: [] };
let engine;
let titles = {};
// Answers of the host may come after the visitor has moved on; only the newest turn is shown.
let turn = 0;

const titleOf = (id) => (titles[id] ? titleWords(titles[id]) : `No. ${id}`);

async function start() {
  const [started, data] = await Promise.all([startEngine(), fetchCustomers()]);
  engine = started;
  titles = data.titles ?? {};
  await proof.setModule(engine);
  byId("lead").textContent =
    `Your browser chose the products below by itself, with a module of ${size(engine.module.length)} and a model of ` +
    `${size(engine.modelLength)}. A server was sent the same request and chose too. This page compares the two answers byte by byte.`;
  byId("channel").addEventListener("change", (event) => {
    state.channel = event.target.value;
    decide();
  });
  byId("again").addEventListener("click", decide);
  byId("controls").hidden = false;
  showCustomers(data.customers, titleOf, pick);
}

async function fetchCustomers() {
  const response = await fetch("./customers.json");
  if (!response.ok) throw new Error(`customers.json answered ${response.status}; \`cargo xtask demo\` makes it`);
  return response.json();
}

function pick(customer) {
  state.customer = customer;
  state.cart = [];
  state.channel = customer.request.context?.channel ?? "web";
  byId("shop-title").textContent = `The page of ${customer.label}`;
  const select = byId("channel");
  if (![...select.options].some((option) => option.value === state.channel)) {
    select.append(element("option", { value: state.channel }, state.channel));
  }
  select.value = state.channel;
  decide();
}

function addToCart(id) {
  state.cart = [...state.cart, id];
  decide();
  // The button that was pressed has moved on with the new decision: keyboards go on from the cart.
  byId("cart").querySelector("li:last-of-type button")?.focus({ preventScroll: true });
}

function removeFromCart(id) {
  state.cart = state.cart.filter((other) => other !== id);
  decide();
  byId("cart").querySelector("button")?.focus({ preventScroll: true });
}

/** One turn: the same bytes to the module in the page and to the host, and both answers to the proof. */
async function decide() {
  const mine = (turn += 1);
  const request = engine.encode(pageRequest(state.customer.request, state.channel, state.cart));
  const here = engine.answer(request);
  const response = engine.decode(here.bytes);
  showCart(state.cart, titleOf, removeFromCart);
  showShelves(response, titleOf, addToCart);
  showNotes(response);
  proof.begin(here, request.length);
  const there = await askHost(request).catch((error) => ({ unreachable: error.message }));
  if (mine === turn) await proof.finish(there);
}

start().catch((error) => {
  console.error(error);
  proof.fail(error.message);
});

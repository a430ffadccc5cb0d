// The page: a phone, a till and an attendant, who meet one customer.

import { byId, element } from "./dom.js";
import { Device, customerOf } from "./device.js";
import { startEngine } from "./engine.js";
import { askHost, eraseStored, isMissing, pairingCode, redeemCode, storedProfile } from "./host.js";
import { keep, recall } from "./keep.js";
import { Outbox } from "./outbox.js";
import { question, shownBy } from "./question.js";
import { CHANNELS, PURPOSES, VISIT, cartOf, refusedOf, sightOf } from "./sight.js";
import { capital, channelWords, count, purposeWords, time, titleWords } from "./words.js";
import { showAttendant } from "./views/attendant.js";
import { showChange } from "./views/change.js";
import { showConsents } from "./views/consents.js";
import { showLists } from "./views/lists.js";
import { hidePairing, showPairing } from "./views/pairing.js";
import { Sign } from "./views/sign.js";
import { showStored } from "./views/stored.js";

const DAY_MS = 86_400_000;
/** Whom the till meets first: enough history to tell them from a stranger. */
const CARDS = 8;
/** Between the steps that the page takes by itself. */
const PAUSE_MS = 1200;
const HELP = "Where is my order?";
const ATTENDANT = "call_center";

const sign = new Sign();
let engine, cards, titles, phone, till, outbox, erased;
/** The code that the phone shows now; `own` where this host has no pairing. */
let pairing = null;
/** The product that is open on the phone, and the one that the attendant offered. */
let opened = null;
let offered = null;
/** What the lists showed before, and the steps that the visitor has taken. */
let before = { phone: new Set(), till: new Set() };
let done = new Set();
let last = null;
/** Steps are taken one after another, however fast the buttons are pressed. */
let turn = Promise.resolve();

const titleOf = (id) => (titles[id] ? titleWords(titles[id]) : `No. ${id}`);
const isPaired = () => customerOf(engine, phone, [till]).devices.length > 1;

async function start() {
  const [started, data, kept] = await Promise.all([startEngine(), fetchCustomers(), recall()]);
  engine = started;
  titles = data.titles ?? {};
  cards = data.customers.filter((card) => card.request.profile.events.length > 40).slice(0, CARDS);
  byId("card").replaceChildren(...cards.map((card, at) => element("option", { value: at }, card.label)), element("option", { value: -1 }, "A new card, nothing bought yet"));
  listen();
  // A store that was emptied meanwhile knows nothing of what was kept here: then both begin anew.
  const goesOn = kept && (await storedProfile(kept.till.id).then((found) => found !== null, () => true));
  if (goesOn) await resume(kept);
  else await begin(Math.min(3, cards.length - 1));
}

async function fetchCustomers() {
  const response = await fetch("./customers.json");
  if (!response.ok) throw new Error(`customers.json answered ${response.status}; \`cargo xtask demo\` makes it`);
  return response.json();
}

async function resume(kept) {
  phone = new Device(engine, kept.phone);
  till = new Device(engine, kept.till);
  outbox = new Outbox(kept.outbox);
  erased = kept.erased;
  done = new Set(kept.done);
  byId("card").value = String(kept.card);
  await step("You are back", async () => "The phone kept its profile, and nothing else.");
}

/** A new phone, and the card's history at the till; ids of their own, so that every visitor begins anew. */
async function begin(at) {
  const card = cards[at];
  const own = crypto.randomUUID().slice(0, 8);
  phone = new Device(engine, { id: `app-${own}`, channel: "app" });
  till = new Device(engine, { id: `card-${own}`, channel: VISIT });
  outbox = new Outbox();
  erased = false;
  done = new Set();
  byId("card").value = String(at);
  await step("A phone and a till", async (nowMs) => {
    for (const device of [phone, till]) device.apply(nowMs, {});
    if (card) record(till, nowMs, { events: moved(card.request, nowMs) });
    return card ? `The app is new. The till knows the card: ${card.label}.` : "The app is new, and so is the card.";
  });
}

/** The card's history as if it had ended today: whole days later, the same hours. */
function moved(request, nowMs) {
  const later = Math.floor((nowMs - request.now_ms) / DAY_MS) * DAY_MS;
  return request.profile.events.map((event) => ({ ...event, ts_ms: event.ts_ms + later, profile_id: till.id }));
}

/** Adds to the device's profile now, and to the host's as soon as it listens. */
function record(device, nowMs, what) {
  const applied = device.apply(nowMs, what);
  for (const [way, list] of Object.entries(what)) outbox.put(way, device.id, list);
  if (what.events?.length > 0) erased = false;
  return applied;
}

function event(device, nowMs, type, more) {
  return { event_id: crypto.randomUUID(), ts_ms: nowMs, type, channel: device.channel, profile_id: device.id, ...more };
}

/**
 * One step: something happens, then both are asked again.
 * @param {string} what in words
 * @param {(nowMs: number) => Promise<string | undefined>} work does it and says why the lists change
 */
function step(what, work, tried) {
  const mine = turn.then(async () => {
    document.body.dataset.settled = "false";
    const nowMs = Date.now();
    let why;
    try {
      why = await work(nowMs);
      if (tried) done.add(tried);
    } catch (error) {
      why = `${capital(error.message)}.`;
    }
    await decide(what, why, nowMs);
  });
  turn = mine.catch(fail);
  return turn;
}

async function decide(what, why, nowMs) {
  const told = await outbox.send();
  await keep({ phone: phone.kept, till: till.kept, card: Number(byId("card").value), outbox: outbox.waiting, erased, done: [...done] });
  const customer = customerOf(engine, phone, [till]);
  const paired = customer.devices.length > 1;
  const phase = erased ? "erased" : paired ? "paired" : "apart";
  const sight = sightOf(engine, customer.devices, nowMs);
  const tillSight = paired ? sight : sightOf(engine, [till], nowMs);
  const asked = (of) => question(nowMs, cartOf(of.seen), refusedOf(of.seen));
  const answer = (of, profile) => engine.answer(engine.encode({ ...asked(of), profile }));
  const here = answer(sight, customer.profile);
  // Once erased, the till asks for the one who was there before, and is compared with someone whom nobody has ever seen.
  const tillAsks = paired || erased ? customer.asId : till.id;
  const there = await askHost(engine.encode({ ...asked(tillSight), profile_id: tillAsks })).catch((error) => ({ unreachable: capital(error.message) }));
  const atTill = there.unreachable ? answer(tillSight, customerOf(engine, till, [phone]).profile) : there;
  last = { nowMs, sight, tillSight, paired, here: engine.decode(here.bytes), there: engine.decode(atTill.bytes) };
  byId("phone-how").textContent = `Decided here in ${time(here.ms)}`;
  byId("till-how").textContent = there.unreachable ? "The host is away: decided at the till" : `Decided by the host in ${time(there.ms)}`;
  draw();
  const shown = { phone: idsOf(last.here), till: idsOf(last.there) };
  showChange({ what, first: before.till.size === 0, why, told, ...difference(shown), masked: sight.masked, events: sight.events.length, warnings: last.there.warnings ?? [] });
  before = shown;
  await sign.compare(phase, erased ? answer(sight, { profile_id: customer.asId }) : here, there);
  showStored(await stored(), titleOf);
  document.body.dataset.settled = "true";
}

const idsOf = (response) => new Set(Object.values(shownBy(response)).flat());

/** What left and what came, over both devices. */
function difference(shown) {
  const [was, is] = [before, shown].map((both) => new Set([...both.phone, ...both.till]));
  const missing = (from, other) => [...from].filter((id) => !other.has(id)).map(titleOf);
  // The first lists of all are no change.
  return was.size === 0 ? { gone: [], come: [] } : { gone: missing(was, is), come: missing(is, was) };
}

function draw() {
  const { nowMs, sight, tillSight, paired, here, there } = last;
  const fresh = (was, response) => new Set(was.size === 0 ? [] : [...idsOf(response)].filter((id) => !was.has(id)));
  showLists(byId("phone-lists"), here, { titleOf, fresh: fresh(before.phone, here), opened, onOpen: open, actions });
  showLists(byId("till-lists"), there, { titleOf, fresh: fresh(before.till, there) });
  showBasket(cartOf(tillSight.seen));
  showConsents(sight, consent);
  const best = nextBest(there);
  const desk = { titleOf, nowMs, offered: offered === best?.one.item_id, onOffer: offer, onAccept: accept, onRefuse: refuse, onClose: solve };
  showAttendant(tillSight.seen, best, desk);
  byId("show-code").textContent = paired ? "Unpair" : "Show my code";
  byId("show-code").classList.toggle("primary", !paired);
  byId("scan-form").hidden = paired;
  byId("paired-with").hidden = !paired;
  byId("play").hidden = paired || done.has("2");
  showSteps();
}

function showSteps() {
  const current = [..."1234"].find((number) => !done.has(number));
  [...byId("steps").children].forEach((item, at) => {
    const number = String(at + 1);
    item.dataset.state = done.has(number) ? "done" : number === current ? "now" : "later";
    if (number === current) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  });
}

function showBasket(cart) {
  const words = cart.length === 0 ? "The cart is empty" : `Cart: ${cart.slice(0, 2).map(titleOf).join(", ")}${cart.length > 2 ? ` and ${count(cart.length - 2)} more` : ""}`;
  byId("basket").replaceChildren(element("span", {}, words), element("button.primary", { type: "button", id: "pay", onclick: pay, disabled: cart.length === 0 }, "Pay"));
}

// What happens on the phone.

function open(one, list) {
  opened = opened === one.item_id ? null : one.item_id;
  if (opened === null) return draw();
  return see("view", one, list, "Looked at in the app", "1");
}

function actions(one, list) {
  return [
    ["Put in the cart", () => see("cart_add", one, list, "Put in the cart in the app", "1")],
    ["Buy now", () => see("purchase", one, list, "Bought in the app", "1")],
  ];
}

function see(type, one, list, what, tried) {
  const { decision_id } = last.here;
  const order = type === "purchase" ? { order_id: crypto.randomUUID() } : {};
  return step(
    `${what}: ${titleOf(one.item_id)}`,
    async (nowMs) => {
      const { results } = record(phone, nowMs, { events: [event(phone, nowMs, type, { item_id: one.item_id, placement: list, rank: one.rank, decision_id, ...order })] });
      if (type === "purchase") opened = null;
      if (results[0].status === "withheld") return "Nothing of it was stored: no purpose may use it.";
      return isPaired() ? "Phone and till know it at once." : "Only the phone knows it yet.";
    },
    tried,
  ).then(() => document.querySelector(`#phone-lists [data-item="${CSS.escape(one.item_id)}"] button`)?.focus({ preventScroll: true }));
}

function askHelp() {
  return step(`Asked in the app: ${HELP}`, async (nowMs) => {
    record(phone, nowMs, { events: [event(phone, nowMs, "contact", { topic: HELP, session_id: crypto.randomUUID() })] });
    return isPaired() ? "The attendant sees it at once." : "The attendant sees it once phone and till are paired.";
  });
}

// Pairing: the phone shows a code that is good once, the till takes it.

async function showCode() {
  if (isPaired()) return unpair();
  try {
    pairing = await pairingCode(phone.id).catch((error) => {
      if (!isMissing(error)) throw error;
      const code = crypto.randomUUID().slice(0, 13);
      return { own: true, code, expires_ms: Date.now() + 600_000, note: "Made in this page, because this host has no pairing codes." };
    });
    await showPairing(pairing, hideCode);
    byId("scan-told").textContent = "The phone shows its code: scan it.";
  } catch (error) {
    byId("scan-told").textContent = `No code: ${error.message}.`;
  }
}

function hideCode() {
  pairing = null;
  hidePairing();
  byId("scan-told").textContent = "";
  byId("show-code").focus({ preventScroll: true });
}

async function scan() {
  if (!pairing) {
    byId("scan-told").textContent = "No phone shows a code yet. Press “Show my code” on the phone.";
    return;
  }
  byId("code").value = pairing.code;
  return redeem();
}

async function redeem() {
  const code = byId("code").value.trim();
  if (code === "") return;
  try {
    const nowMs = Date.now();
    const own = pairing?.own && pairing.code === code;
    const found = own ? { profile_id: phone.id, ts_ms: nowMs } : await redeemCode(code, till.id);
    byId("code").value = "";
    hideCode();
    await step("Paired by the code", async () => link(found, own), "2");
  } catch (error) {
    byId("scan-told").textContent = isMissing(error) ? "No phone here shows this code." : `Not taken: ${error.message}.`;
  }
}

/** The link as both sides hold it: in the phone, in the till, and, where the host has not written it, there. */
function link(found, own) {
  const tsMs = Number(found.ts_ms ?? Date.now());
  const side = (other) => ({ links: [{ profile_id: other.id, linked: true, ts_ms: tsMs }] });
  phone.apply(tsMs, side(till));
  till.apply(tsMs, side(phone));
  if (own) outbox.put("links", till.id, side(phone).links);
  erased = false;
  return "Two profiles, read as one: what the app saw counts at the till, what the till sold counts in the app.";
}

/** Takes the first two steps by itself, slowly enough to follow. */
async function play() {
  byId("play").disabled = true;
  const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const one = last.here.placements.find((list) => list.id === "next")?.recommendations[0];
  if (one && !done.has("1")) await open(one, "next");
  await pause();
  await showCode();
  await pause();
  await scan();
  byId("play").disabled = false;
}

function unpair() {
  return step("Unpaired", async (nowMs) => {
    for (const [device, other] of [[phone, till], [till, phone]]) device.apply(nowMs, { links: [{ profile_id: other.id, linked: false, ts_ms: nowMs }] });
    outbox.put("links", phone.id, [{ profile_id: till.id, linked: false, ts_ms: nowMs }]);
    return "Two profiles again, each as it would be had they never met: nothing was poured together.";
  });
}

// What the customer allows.

function consent(changes) {
  const [{ purpose, channel, granted }] = changes;
  const one = `${purposeWords(purpose)[0]}, ${channelWords(channel)}`;
  const word = granted ? "Allowed" : "Withdrawn";
  return step(
    changes.length === 1 ? `${word}: ${one}` : `${word}: everything, everywhere`,
    async (nowMs) => {
      record(phone, nowMs, { consents: changes.map((change) => ({ ...change, ts_ms: nowMs })) });
      if (granted) return "What was masked counts again.";
      return changes.length === 1 ? reasonOf(purpose, channel) : "Nothing may be used any more: both see a stranger.";
    },
    granted ? undefined : "3",
  );
}

function reasonOf(purpose, channel) {
  const where = channelWords(channel).toLowerCase();
  if (purpose === "cross_channel") return channel === VISIT ? "The till may see only what happened at the till." : `What happened in the ${where} stays in the ${where}.`;
  if (purpose === "personalization") return channel === VISIT ? "For a visit to the store the customer is a stranger." : `What happened in the ${where} chooses no products any more.`;
  return "It serves another purpose than choosing these products.";
}

const everything = (granted) => PURPOSES.flatMap((purpose) => CHANNELS.map((channel) => ({ purpose, channel, granted })));

// What happens at the till and in the call centre.

function pay() {
  const cart = cartOf(last.tillSight.seen);
  return step(`Paid at the till: ${count(cart.length)} ${cart.length === 1 ? "product" : "products"}`, async (nowMs) => {
    const order_id = crypto.randomUUID();
    record(till, nowMs, { events: cart.map((item_id) => event(till, nowMs, "purchase", { item_id, order_id })) });
    return "Bought things move on to “Buy again”.";
  });
}

/** The best that is not in the list of what was seen already: first what completes the cart, then what is new, then the usual. */
function nextBest(response) {
  for (const list of ["cart", "next", "again"]) {
    const one = response.placements?.find((placement) => placement.id === list)?.recommendations[0];
    if (one) return { one, list };
  }
  return null;
}

function attend(type, one, list, more = {}) {
  return (nowMs) => ({
    ...event(till, nowMs, type, { item_id: one.item_id, placement: list, rank: one.rank, decision_id: last.there.decision_id, ...more }),
    channel: ATTENDANT,
  });
}

function offer(one, list) {
  const made = attend("impression", one, list);
  return step(`Offered: ${titleOf(one.item_id)}`, async (nowMs) => {
    record(till, nowMs, { events: [made(nowMs)] });
    offered = one.item_id;
    return "Recorded as an impression, with its decision, place and rank.";
  });
}

function accept(one, list) {
  const made = [attend("click", one, list), attend("cart_add", one, list)];
  return step(`Accepted: ${titleOf(one.item_id)}`, async (nowMs) => {
    record(till, nowMs, { events: made.map((make) => make(nowMs)) });
    return "It is in the cart, at the till and in the app.";
  });
}

function refuse(one, list) {
  const made = attend("contact", one, list, { topic: "recommendation", outcome: "refused", session_id: crypto.randomUUID() });
  return step(`Refused: ${titleOf(one.item_id)}`, async (nowMs) => {
    record(till, nowMs, { events: [made(nowMs)] });
    return "Nobody offers it again, in any channel that may know.";
  });
}

function solve(contact) {
  return step(`Solved: ${contact.topic}`, async (nowMs) => {
    const closing = { ...event(till, nowMs, "contact", { topic: contact.topic, outcome: "solved", session_id: contact.session_id }), channel: ATTENDANT };
    record(till, nowMs, { events: [closing] });
    return "Closed by an event of its own; what was asked stays as it was.";
  });
}

// What is stored.

/** The customer's profiles as the host's store holds them, or null while the host is away. */
async function stored() {
  const told = [phone, till].filter((device) => holds(engine.read(device.state, Date.now())));
  const found = await Promise.all(told.map((device) => storedProfile(device.id))).catch(() => null);
  return found && found.filter((profile) => profile !== null);
}

const holds = ({ events, consents, links, erased_ms: erasedMs }) => erasedMs != null || events.length + consents.length + links.length > 0;

function erase() {
  return step(
    "Erased",
    async () => {
      const whole = isPaired();
      const { erased_ms: erasedMs } = await eraseStored(phone.id);
      for (const device of whole ? [phone, till] : [phone]) device.erase(erasedMs);
      erased = true;
      opened = offered = null;
      return `Gone on the phone${whole ? ", at the till" : ""} and in the store. A tombstone stays, so that late copies bring nothing back.`;
    },
    "4",
  );
}

async function anew(at) {
  hidePairing();
  opened = offered = pairing = null;
  before = { phone: new Set(), till: new Set() };
  await begin(at);
}

function listen() {
  byId("show-code").addEventListener("click", showCode);
  byId("ask-help").addEventListener("click", askHelp);
  byId("sheet").addEventListener("keydown", (pressed) => pressed.key === "Escape" && hideCode());
  byId("scan").addEventListener("click", scan);
  byId("play").addEventListener("click", play);
  byId("scan-form").addEventListener("submit", (submitted) => {
    submitted.preventDefault();
    redeem();
  });
  byId("card").addEventListener("change", (changed) => anew(Number(changed.target.value)));
  byId("withdraw-all").addEventListener("click", () => consent(everything(false)));
  byId("grant-all").addEventListener("click", () => consent(everything(true)));
  byId("erase").addEventListener("click", erase);
  byId("anew").addEventListener("click", () => anew((Number(byId("card").value) + 1) % cards.length));
  byId("show-stored").addEventListener("click", () => {
    const hidden = byId("stored").toggleAttribute("hidden");
    byId("show-stored").setAttribute("aria-expanded", String(!hidden));
  });
}

function fail(error) {
  console.error(error);
  sign.show("failed", "Stopped", capital(error.message));
}

start().catch(fail);

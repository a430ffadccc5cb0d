// The page: a phone, a till and an attendant, who meet one customer.

import { askBoth, differenceOf, idsOf } from "./asking.js";
import { byId, element } from "./dom.js";
import { startEngine } from "./engine.js";
import { storedProfile } from "./host.js";
import { keep, recall } from "./keep.js";
import { cartOf } from "./sight.js";
import { appSteps } from "./steps/app.js";
import { consentSteps } from "./steps/consents.js";
import { deskSteps } from "./steps/desk.js";
import { pairingSteps } from "./steps/pairing.js";
import { erase, storedOf } from "./steps/stored.js";
import { showAttendant } from "./views/attendant.js";
import { showChange } from "./views/change.js";
import { showConsents } from "./views/consents.js";
import { showFrame } from "./views/frame.js";
import { showLists } from "./views/lists.js";
import { Sign } from "./views/sign.js";
import { showStored } from "./views/stored.js";
import { Strip } from "./views/strip.js";
import { Visit } from "./visit.js";
import { capital, titleWords } from "./words.js";

/** Cards that the till knows, and the least of events that tell a customer from a stranger. */
const CARDS = 8;
const CARD_EVENTS_MIN = 40;
/** Between the steps that the page takes by itself. */
const PAUSE_MS = 1200;

const strip = new Strip();
const sign = new Sign(strip);
let engine, cards, titles, visit, app, consents, desk, pairing;

const titleOf = (id) => (titles[id] ? titleWords(titles[id]) : `No. ${id}`);

async function start() {
  const [started, data, kept] = await Promise.all([startEngine(), fetchCustomers(), recall()]);
  engine = started;
  titles = data.titles ?? {};
  cards = data.customers.filter((card) => card.request.profile.events.length > CARD_EVENTS_MIN).slice(0, CARDS);
  byId("card").replaceChildren(...cards.map((card, at) => element("option", { value: at }, card.label)), element("option", { value: -1 }, "A new card, nothing bought yet"));
  listen();
  // A store that was emptied meanwhile knows nothing of what was kept here: then both begin anew.
  const goesOn = kept && (await storedProfile(kept.till.id).then((found) => found !== null, () => true));
  if (!goesOn) return begin(latest());
  meet(kept);
  await visit.step("You are back", async () => "Phone and till kept their profiles; nothing else was kept.");
}

async function fetchCustomers() {
  const response = await fetch("./customers.json");
  if (!response.ok) throw new Error(`customers.json answered ${response.status}; \`cargo xtask demo\` makes it`);
  return response.json();
}

/** The card that was at the till last. */
function latest() {
  const last = cards.map((card) => Math.max(...card.request.profile.events.map((event) => event.ts_ms)));
  return last.indexOf(Math.max(...last));
}

/** Someone comes: new, or as a page before this one kept them. */
function meet(kept) {
  pairing?.hide();
  visit = new Visit(engine, { titleOf, onStep: decide, onFail: fail }, kept);
  app = appSteps(visit);
  consents = consentSteps(visit);
  desk = deskSteps(visit);
  pairing = pairingSteps(visit);
  byId("card").value = String(visit.card);
}

function begin(at) {
  meet({ card: at });
  return visit.step("A phone and a till", async (nowMs) => {
    const card = cards[at];
    for (const device of [visit.phone, visit.till]) device.apply(nowMs, {});
    if (card) visit.bring(card.request, nowMs);
    return card ? `The app is new. The till knows the card: ${card.label}.` : "The app is new, and so is the card.";
  });
}

/** After each step: the host hears of it, both are asked, and all is drawn. */
async function decide(what, why, nowMs) {
  const told = await visit.outbox.send();
  await keep(visit.kept);
  const before = visit.last;
  const asked = await askBoth(visit, nowMs);
  visit.last = asked;
  draw(before);
  const { gone, come } = differenceOf(before, asked);
  const { masked, events } = asked.sight;
  const warnings = asked.atTill.warnings ?? [];
  const change = { what, why, told, first: !before, gone: gone.map(titleOf), come: come.map(titleOf), masked, events: events.length, warnings };
  showChange(change);
  strip.changed(change);
  await sign.compare(asked.phase, asked.compared, asked.there);
  showStored(await storedOf(visit), titleOf);
}

function draw(before) {
  const { nowMs, sight, tillSight, onPhone, atTill } = visit.last;
  const focused = document.activeElement?.closest?.("#phone-lists [data-item]")?.dataset.item;
  const fresh = (was, is) => new Set(was ? [...idsOf(is)].filter((id) => !idsOf(was).has(id)) : []);
  const { opened } = visit;
  showLists(byId("phone-lists"), onPhone, { titleOf, fresh: fresh(before?.onPhone, onPhone), opened, onOpen: open, actions: app.actions });
  showLists(byId("till-lists"), atTill, { titleOf, fresh: fresh(before?.atTill, atTill) });
  showFrame(visit, cartOf(tillSight.seen), desk.pay);
  showConsents(sight, consents.change);
  const best = nextBest(atTill);
  const how = { titleOf, nowMs, offered: visit.offered === best?.one.item_id, onOffer: desk.offer, onAccept: desk.accept, onRefuse: desk.refuse, onClose: desk.solve };
  showAttendant(tillSight.seen, best, how);
  // The product that was pressed may stand elsewhere now: keyboards go on from it.
  if (focused) document.querySelector(`#phone-lists [data-item="${CSS.escape(focused)}"] button`)?.focus({ preventScroll: true });
}

function open(one, list) {
  if (visit.opened !== one.item_id) return app.open(one, list);
  visit.opened = null;
  return draw(visit.last);
}

/** What an attendant offers first: what completes the cart, then what is new, then the usual. */
function nextBest(response) {
  for (const list of ["cart", "next", "again"]) {
    const one = response.placements?.find((placement) => placement.id === list)?.recommendations[0];
    if (one) return { one, list };
  }
  return null;
}

/** Takes the first two steps by itself, slowly enough to follow. */
async function play() {
  byId("play").disabled = true;
  const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  const one = visit.last.onPhone.placements.find((list) => list.id === "next")?.recommendations[0];
  if (one && !visit.done.has("1")) await app.open(one, "next");
  await pause();
  await pairing.showOrUnpair();
  await pause();
  await pairing.scan();
  byId("play").disabled = false;
}

function listen() {
  const on = (id, type, work) => byId(id).addEventListener(type, work);
  on("show-code", "click", () => pairing.showOrUnpair());
  on("ask-help", "click", () => app.askHelp());
  on("sheet", "keydown", (pressed) => pressed.key === "Escape" && pairing.hide());
  on("scan", "click", () => pairing.scan());
  on("play", "click", play);
  on("scan-form", "submit", (submitted) => {
    submitted.preventDefault();
    pairing.redeem();
  });
  on("card", "change", (changed) => begin(Number(changed.target.value)));
  on("withdraw-all", "click", () => consents.everything(false));
  on("grant-all", "click", () => consents.everything(true));
  on("erase", "click", () => erase(visit));
  on("anew", "click", () => begin((visit.card + 1) % cards.length));
  on("show-stored", "click", () => {
    const hidden = byId("stored").toggleAttribute("hidden");
    byId("show-stored").setAttribute("aria-expanded", String(!hidden));
  });
}

function fail(error) {
  console.error(error);
  sign.show("failed", "Stopped", capital(error.message));
}

start().catch(fail);

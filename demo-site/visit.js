// The visit: who is here, what has happened, and how one step follows another.

import { Device, customerOf } from "./device.js";
import { Outbox } from "./outbox.js";
import { VISIT } from "./sight.js";
import { capital } from "./words.js";

const DAY_MS = 86_400_000;

export class Visit {
  /** The product that is open on the phone, and the one that the attendant offered. */
  opened = null;
  offered = null;
  /** What the last step led to, for drawing and for the next step; see asking.js. */
  last = null;
  // Steps are taken one after another, however fast the buttons are pressed.
  #turn = Promise.resolve();
  #onStep;
  #onFail;

  /**
   * A new phone and a till; ids of their own, so that every visitor begins anew.
   * @param {object | undefined} kept what a page before this one kept
   */
  constructor(engine, { titleOf, onStep, onFail }, kept) {
    const own = crypto.randomUUID().slice(0, 8);
    this.engine = engine;
    this.titleOf = titleOf;
    this.#onStep = onStep;
    this.#onFail = onFail;
    this.phone = new Device(engine, kept?.phone ?? { id: `app-${own}`, channel: "app" });
    this.till = new Device(engine, kept?.till ?? { id: `card-${own}`, channel: VISIT });
    this.outbox = new Outbox(kept?.outbox);
    this.erased = kept?.erased ?? false;
    this.done = new Set(kept?.done);
    this.card = kept?.card ?? -1;
  }

  get isPaired() {
    return this.customer.devices.length > 1;
  }

  /** The customer as the phone sees them. */
  get customer() {
    return customerOf(this.engine, this.phone, [this.till]);
  }

  /** What is kept over a reload. */
  get kept() {
    const { phone, till, outbox, erased, done, card } = this;
    return { phone: phone.kept, till: till.kept, outbox: outbox.waiting, erased, done: [...done], card };
  }

  /** The card's history as if it had ended today, into the till: whole days later, the same hours. */
  bring(request, nowMs) {
    const later = Math.floor((nowMs - request.now_ms) / DAY_MS) * DAY_MS;
    const events = request.profile.events.map((event) => ({ ...event, ts_ms: event.ts_ms + later, profile_id: this.till.id }));
    this.record(this.till, nowMs, { events });
  }

  /** Adds to the device's profile now, and to the host's as soon as it listens. */
  record(device, nowMs, what) {
    const applied = device.apply(nowMs, what);
    for (const [way, list] of Object.entries(what)) {
      // What no purpose may use is kept nowhere, not even to be told later.
      const kept = way === "events" ? list.filter((_, at) => applied.results[at].status !== "withheld") : list;
      if (kept.length > 0) this.outbox.put(way, device.id, kept);
    }
    // Whoever does or says something is somebody again.
    this.erased = false;
    return applied;
  }

  /** An event on a device, of its channel unless `more` names another. */
  event(device, nowMs, type, more) {
    return { event_id: crypto.randomUUID(), ts_ms: nowMs, type, channel: device.channel, profile_id: device.id, ...more };
  }

  /**
   * One step: something happens, then both are asked again.
   * @param {string} what in words
   * @param {(nowMs: number) => Promise<string | undefined>} work does it and says why the lists change
   * @param {string} [tried] the number of the step that the page invites to
   */
  step(what, work, tried) {
    const mine = this.#turn.then(async () => {
      // Tests wait until it is "true".
      document.body.dataset.settled = "false";
      const nowMs = Date.now();
      let why;
      try {
        why = await work(nowMs);
        if (tried) this.done.add(tried);
      } catch (error) {
        why = `${capital(error.message)}.`;
      }
      await this.#onStep(what, why, nowMs);
      document.body.dataset.settled = "true";
    });
    this.#turn = mine.catch(this.#onFail);
    return this.#turn;
  }
}

// The sign between phone and till. It is taken from the bytes themselves, never from a digest or a flag.

import { byteAt, firstDifference, sha256, withOneByteFlipped } from "../bytes.js";
import { byId, element } from "../dom.js";
import { count, time } from "../words.js";

const GLYPH = { waiting: "…", identical: "=", apart: "≠", different: "≠", stranger: "=", alone: "?", failed: "!" };

/** What is compared, by the phase that the journey is in: names of both sides, and what it means that they agree or not. */
const PHASES = {
  apart: { left: "Phone", right: "Till", same: ["identical", "Identical bytes", "Neither knows anything of anyone"], other: ["apart", "Two strangers", "The phone and the till know nothing of each other yet"] },
  paired: { left: "Phone", right: "Till", same: ["identical", "Identical bytes", "One customer, decided on the phone and at the till"], other: ["different", "DIFFERENT", ""] },
  erased: { left: "Never seen", right: "Erased, by the host", same: ["stranger", "A stranger again", "Erased or never seen: identical bytes"], other: ["different", "DIFFERENT", "The erased profile still shows"] },
};

export class Sign {
  #sign = byId("sign");
  #flipped = false;
  #last = null;
  #strip;

  /** @param {{signed: (state: string, glyph: string, word: string) => void}} strip says the same at the foot */
  constructor(strip) {
    this.#strip = strip;
    const flip = byId("flip");
    flip.addEventListener("click", () => {
      this.#flipped = !this.#flipped;
      flip.setAttribute("aria-pressed", String(this.#flipped));
      if (this.#last) this.compare(...this.#last);
    });
  }

  /**
   * Compares the two answers and says what that means.
   * @param {"apart" | "paired" | "erased"} phase
   * @param {{bytes: Uint8Array, ms: number}} here
   * @param {{bytes: Uint8Array, ms: number} | {unreachable: string}} there
   */
  async compare(phase, here, there) {
    this.#last = [phase, here, there];
    const { left, right, same, other } = PHASES[phase];
    if (there.unreachable) {
      byId("digests").replaceChildren(...(await side(left, here.bytes, here.ms)));
      this.show("alone", "Host unreachable", `${there.unreachable}. The phone decides all the same, and sends later what it recorded.`);
      return;
    }
    const bytes = this.#flipped ? withOneByteFlipped(there.bytes) : there.bytes;
    const at = firstDifference(here.bytes, bytes);
    const [state, word, detail] = at < 0 ? same : this.#flipped && phase !== "apart" ? PHASES.paired.other : other;
    const where = at < 0 ? "" : `First at byte ${count(at)}: ${byteAt(here.bytes, at)} here, ${byteAt(bytes, at)} there.${this.#flipped ? " You flipped one." : ""}`;
    this.show(state, word, state === "different" ? `${this.#flipped ? "" : detail} ${where}` : detail);
    const sides = [...(await side(left, here.bytes, here.ms)), ...(await side(right, bytes, there.ms))];
    if (this.#last?.[2] === there) byId("digests").replaceChildren(...sides);
  }

  show(state, word, detail) {
    this.#sign.dataset.state = state;
    this.#sign.querySelector(".glyph").textContent = GLYPH[state];
    this.#sign.querySelector(".word").textContent = word;
    this.#sign.querySelector(".detail").textContent = detail;
    this.#strip.signed(state, GLYPH[state], word);
  }
}

async function side(name, bytes, ms) {
  const digest = await sha256(bytes);
  const shown = digest ? element("code", { title: `SHA-256 of the answer: ${digest}` }, digest.slice(0, 16)) : "no digest without https";
  return [element("dt", {}, name), element("dd", {}, shown, element("span", {}, ` ${count(bytes.length)} bytes, ${time(ms)}`))];
}

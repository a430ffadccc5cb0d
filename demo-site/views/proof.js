// The two answers side by side, and the sign. The sign is taken from the bytes themselves, never from a digest or a flag.

import { byteAt, firstDifference, sha256, withOneByteFlipped } from "../bytes.js";
import { byId, element } from "../dom.js";
import { count, time } from "../words.js";

/** Most answers come sooner; a sign that changes its colour for a moment would only flicker. */
const PATIENCE_MS = 200;
const GLYPH = { waiting: "…", identical: "=", different: "≠", alone: "?", failed: "!" };

export class Proof {
  #sign = byId("sign");
  #strip = byId("strip");
  #module = { sha256: null, modelId: null };
  #here = null;
  #there = null;
  #requestLength = 0;
  #flipped = false;
  #waiting = 0;

  constructor() {
    const flip = byId("flip");
    flip.addEventListener("click", () => {
      this.#flipped = !this.#flipped;
      flip.setAttribute("aria-pressed", String(this.#flipped));
      if (this.#there) this.finish(this.#there);
    });
    // While the sign is out of sight, a strip at the foot of the window repeats it.
    const watch = new IntersectionObserver(([entry]) => (this.#strip.hidden = entry.isIntersecting));
    watch.observe(this.#sign);
  }

  async setModule(engine) {
    this.#module = { sha256: await sha256(engine.module), modelId: engine.modelId };
  }

  /** The page has answered; the host is being asked. */
  begin(here, requestLength) {
    this.#here = here;
    this.#there = null;
    this.#requestLength = requestLength;
    clearTimeout(this.#waiting);
    const say = () => this.#show("waiting", "Asking the host", `The same ${count(requestLength)} bytes are on their way`);
    this.#waiting = setTimeout(say, PATIENCE_MS);
  }

  /** The host has answered, or is unreachable. */
  async finish(there) {
    clearTimeout(this.#waiting);
    this.#there = there;
    const here = this.#here;
    const digest = await sha256(here.bytes);
    this.#facts("page-facts", digest, here, this.#module, "in the module");
    if (there.unreachable) {
      byId("host-facts").replaceChildren(...fact("Answer", `None: ${there.unreachable}.`));
      this.#show("alone", "Host unreachable", `${capital(there.unreachable)}. The page recommends all the same.`);
      return;
    }
    const bytes = this.#flipped ? withOneByteFlipped(there.bytes) : there.bytes;
    const hostDigest = await sha256(bytes);
    // The visitor may have gone on while the digests were computed.
    if (this.#there !== there) return;
    const ids = { sha256: there.moduleId, modelId: there.modelId };
    this.#facts("host-facts", hostDigest, { bytes, ms: there.ms }, ids, "with the round trip", this.#module);
    this.#compare(here.bytes, bytes);
  }

  /** The page could not start. */
  fail(message) {
    this.#show("failed", "Could not start", capital(message));
  }

  #compare(here, there) {
    const at = firstDifference(here, there);
    if (at < 0) {
      const detail = `All ${count(here.length)} bytes of the answer agree, to a request of ${count(this.#requestLength)} bytes`;
      this.#show("identical", "Identical bytes", detail);
    } else {
      const what = `${byteAt(here, at)} here, ${byteAt(there, at)} there`;
      const why = this.#flipped ? " You flipped it." : "";
      this.#show("different", "DIFFERENT", `First at byte ${count(at)}: ${what}.${why}`);
    }
  }

  #facts(id, digest, answer, { sha256: moduleId, modelId }, where, expected = null) {
    byId(id).replaceChildren(
      ...fact("SHA-256 of the answer", digest ? element("code.digest", {}, digest) : "unknown: digests need https or localhost"),
      ...fact("Time", element("span", {}, element("b", {}, time(answer.ms)), ` ${where}`)),
      ...fact("Answer", `${count(answer.bytes.length)} bytes`),
      ...fact("Module", short(moduleId, expected?.sha256)),
      ...fact("Model", short(modelId, expected?.modelId)),
    );
  }

  #show(state, word, detail) {
    this.#sign.dataset.state = state;
    this.#strip.dataset.state = state;
    this.#sign.querySelector(".glyph").textContent = GLYPH[state];
    this.#sign.querySelector(".word").textContent = word;
    this.#sign.querySelector(".detail").textContent = detail;
    this.#strip.replaceChildren(element("b", {}, `${GLYPH[state]} ${word}`), element("span", {}, detail));
  }
}

function fact(term, description) {
  return [element("dt", {}, term), element("dd", {}, description)];
}

/** The first digits, all of them in the title; beside the expected ones, whether they are the same. */
function short(digits, expected) {
  if (!digits) return "unknown";
  const code = element("code", { title: digits }, `${digits.slice(0, 16)}…`);
  if (!expected) return code;
  return element("span", {}, code, digits === expected ? element("span.same", {}, "the same") : element("b.other", {}, "ANOTHER"));
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

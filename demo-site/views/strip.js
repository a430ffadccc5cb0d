// The strip at the foot of the window: while the sign is out of sight, it says what the sign says and what the last step changed.

import { byId, element } from "../dom.js";
import { count } from "../words.js";

/** How much of the sign must be in sight to be read. */
const SEEN = 0.5;

export class Strip {
  #strip = byId("strip");
  #change = "";

  constructor() {
    const watch = new IntersectionObserver(([entry]) => (this.#strip.hidden = entry.intersectionRatio > SEEN), { threshold: SEEN });
    watch.observe(byId("sign"));
  }

  /** @param {{what: string, gone: unknown[], come: unknown[], masked: number}} change */
  changed({ what, gone, come, masked }) {
    const parts = [gone.length > 0 && `${count(gone.length)} left the lists`, come.length > 0 && `${count(come.length)} came`, masked > 0 && `${count(masked)} events masked`];
    this.#change = [what, ...parts.filter(Boolean)].join(" · ");
  }

  signed(state, glyph, word) {
    this.#strip.dataset.state = state;
    this.#strip.replaceChildren(element("b", {}, `${glyph} ${word}`), element("span", {}, this.#change));
  }
}

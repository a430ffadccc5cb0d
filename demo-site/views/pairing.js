// The sheet on the phone with the one-time code, as a picture and as text.

import { byId, element } from "../dom.js";
import { drawQr } from "../qr.js";

/** Pixels of the picture on the screen, as wide as a hand scanner likes it. */
const PIXELS = 300;

let ticking = 0;

/** @param {{code: string, expires_ms: number, note?: string}} pairing @param {() => void} onClose */
export async function showPairing({ code, expires_ms: expiresMs, note }, onClose) {
  const canvas = element("canvas.qr", { id: "qr", role: "img", "aria-label": "QR code with the pairing code", width: PIXELS, height: PIXELS });
  const left = element("span", { id: "code-left" });
  const drawn = await drawQr(canvas, code);
  byId("sheet").replaceChildren(
    element("h3", { id: "sheet-title" }, "Show this at the till"),
    drawn ? canvas : element("p.how", {}, "The picture needs `npm ci` in demo-site; the code does without."),
    element("p.code", {}, element("code", { id: "code-text" }, code)),
    element("p.how", {}, "Good once. ", left, note ? ` ${note}` : ""),
    element("button", { type: "button", id: "hide-code", onclick: onClose }, "Close"),
  );
  byId("sheet").hidden = false;
  byId("hide-code").focus({ preventScroll: true });
  clearInterval(ticking);
  const tick = () => {
    const seconds = Math.max(0, Math.floor((expiresMs - Date.now()) / 1000));
    left.textContent = seconds > 0 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")} left.` : "It has expired: ask for a new one.";
  };
  ticking = setInterval(tick, 1000);
  tick();
}

export function hidePairing() {
  clearInterval(ticking);
  byId("sheet").hidden = true;
  byId("sheet").replaceChildren();
}

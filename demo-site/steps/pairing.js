// Pairing: the phone shows a code that is good once, the till takes it.

import { byId } from "../dom.js";
import { isMissing, pairingCode, redeemCode } from "../host.js";
import { hidePairing, showPairing } from "../views/pairing.js";

const OWN_CODE_MS = 600_000;

export function pairingSteps(visit) {
  /** The code that the phone shows now; `own` where this host has none to give. */
  let shown = null;
  const tell = (text) => (byId("scan-told").textContent = text);

  async function show() {
    try {
      shown = await pairingCode(visit.phone.id).catch((error) => {
        if (!isMissing(error)) throw error;
        const note = "Made in this page, because this host has no pairing codes.";
        return { own: true, code: crypto.randomUUID().slice(0, 13), expires_ms: Date.now() + OWN_CODE_MS, note };
      });
      await showPairing(shown, hide);
      tell("The phone shows its code: scan it.");
    } catch (error) {
      tell(`No code: ${error.message}.`);
    }
  }

  function hide() {
    shown = null;
    tell("");
    if (byId("sheet").hidden) return;
    hidePairing();
    byId("show-code").focus({ preventScroll: true });
  }

  async function redeem() {
    const code = byId("code").value.trim();
    if (code === "") return;
    try {
      const own = shown?.own && shown.code === code;
      const found = own ? {} : await redeemCode(code, visit.till.id);
      if (!own && found.profile_id !== visit.phone.id) throw new Error("this code was shown by another phone");
      if (found.linked === false) throw new Error("the host did not link the two");
      byId("code").value = "";
      hide();
      await visit.step("Paired by the code", async (nowMs) => pair(Number(found.ts_ms ?? nowMs), own), "2");
    } catch (error) {
      tell(isMissing(error) ? "No phone here shows this code." : `Not taken: ${error.message}.`);
    }
  }

  function pair(tsMs, own) {
    link(true, tsMs);
    // Who redeems a code of the host's has linked there already.
    if (own) tellHost(true, tsMs);
    visit.erased = false;
    return "Two profiles, read as one: what the app saw counts at the till, what the till sold counts in the app.";
  }

  /** A link counts while both sides say so. */
  function link(linked, tsMs) {
    const { phone, till } = visit;
    for (const [device, other] of [[phone, till], [till, phone]]) device.apply(tsMs, { links: [{ profile_id: other.id, linked, ts_ms: tsMs }] });
  }

  const tellHost = (linked, tsMs) => visit.outbox.put("links", visit.till.id, [{ profile_id: visit.phone.id, linked, ts_ms: tsMs }]);

  const unpair = () =>
    visit.step("Unpaired", async (nowMs) => {
      link(false, nowMs);
      tellHost(false, nowMs);
      return "Two profiles again, each as it would be had they never met: nothing was poured together.";
    });

  return {
    hide,
    redeem,
    showOrUnpair: () => (visit.isPaired ? unpair() : show()),
    scan() {
      if (!shown) return tell("No phone shows a code yet. Press “Show my code” on the phone.");
      byId("code").value = shown.code;
      return redeem();
    },
  };
}

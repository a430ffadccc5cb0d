// What the host's store holds of the customer, and its erasure.

import { eraseStored, storedProfile } from "../host.js";

/** The customer's profiles as the host gives them out, or null while it is away. Of whom nothing was recorded, nothing is asked. */
export async function storedOf({ engine, phone, till }) {
  const told = [phone, till].filter((device) => holds(engine.read(device.state, Date.now())));
  const found = await Promise.all(told.map((device) => storedProfile(device.id))).catch(() => null);
  return found && found.filter((profile) => profile !== null);
}

const holds = ({ events, consents, links, erased_ms: erasedMs }) => erasedMs != null || events.length + consents.length + links.length > 0;

/** Erases the customer on every device that knows them, and in the store. */
export function erase(visit) {
  const work = async () => {
    const whole = visit.isPaired;
    const { erased_ms: erasedMs } = await eraseStored(visit.phone.id);
    for (const device of whole ? [visit.phone, visit.till] : [visit.phone]) device.erase(Number(erasedMs));
    visit.erased = true;
    visit.opened = visit.offered = null;
    return `Gone on the phone${whole ? ", at the till" : ""} and in the store. A tombstone stays, so that late copies bring nothing back.`;
  };
  return visit.step("Erased", work, "4");
}

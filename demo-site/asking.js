// Both are asked: the phone answers itself, the till asks the host.

import { customerOf } from "./device.js";
import { askHost } from "./host.js";
import { question, shownBy } from "./question.js";
import { cartOf, refusedOf, sightOf } from "./sight.js";
import { capital } from "./words.js";

/**
 * @typedef {{phase: "apart" | "paired" | "erased", nowMs: number, sight: object, tillSight: object, here: Answer, there: Answer | {unreachable: string},
 *   onPhone: object, atTill: object, compared: Answer}} Asked `onPhone` and `atTill` are the answers as read; `compared` is what the till's is
 *   held against: the phone's answer, or once erased that to someone whom nobody has ever seen
 * @typedef {{bytes: Uint8Array, ms: number}} Answer
 */

/** @returns {Promise<Asked>} */
export async function askBoth(visit, nowMs) {
  const { engine, phone, till, customer } = visit;
  const paired = customer.devices.length > 1;
  const sight = sightOf(engine, customer.devices, nowMs);
  const tillSight = paired ? sight : sightOf(engine, [till], nowMs);
  const asked = (of) => question(nowMs, cartOf(of.seen), refusedOf(of.seen));
  const answer = (of, profile) => engine.answer(engine.encode({ ...asked(of), profile }));
  const here = answer(sight, customer.profile);
  // Once erased, the till asks for the one who was there before.
  const tillAsks = paired || visit.erased ? customer.asId : till.id;
  const there = await askHost(engine.encode({ ...asked(tillSight), profile_id: tillAsks })).catch((error) => ({ unreachable: capital(error.message) }));
  const alone = () => answer(tillSight, customerOf(engine, till, [phone]).profile);
  return {
    phase: visit.erased ? "erased" : paired ? "paired" : "apart",
    nowMs,
    sight,
    tillSight,
    here,
    there,
    onPhone: engine.decode(here.bytes),
    atTill: engine.decode((there.unreachable ? alone() : there).bytes),
    compared: visit.erased ? answer(sight, { profile_id: customer.asId }) : here,
  };
}

/** The ids that an answer shows. */
export const idsOf = (response) => new Set(Object.values(shownBy(response)).flat());

/** What left and what came from one step to the next, over both devices, as ids; the first lists of all are no change. */
export function differenceOf(before, asked) {
  if (!before) return { gone: [], come: [] };
  const [was, is] = [before, asked].map((one) => new Set([...idsOf(one.onPhone), ...idsOf(one.atTill)]));
  return { gone: [...was].filter((id) => !is.has(id)), come: [...is].filter((id) => !was.has(id)) };
}

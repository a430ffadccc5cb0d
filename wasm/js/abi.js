// The module's exports over bytes, as any host calls them: an input lies in a buffer of `alloc`, an answer is
// `(start << 32) | length` and goes back with `free`. The class of this package stands on it.

import { UnisonoError } from './error.js';

/**
 * Calls an export that takes numbers (handles) and one input.
 *
 * @param {any} exports Of an instance of the module.
 * @param {string} name
 * @param {number[]} numbers
 * @param {Uint8Array} input
 * @returns {Uint8Array}
 */
export function call(exports, name, numbers, input) {
  const start = alloc(exports, input.length);
  memory(exports, start, input.length).set(input);
  const packed = exports[name](...numbers, start, input.length);
  exports.free(start, input.length);
  return take(exports, packed);
}

/** A buffer in the module's memory. @param {any} exports @param {number} length @returns {number} Where it starts. */
export function alloc(exports, length) {
  // A wider number would be cut to 32 bits on its way.
  const start = length > 0xffff_ffff ? 0 : exports.alloc(length) >>> 0;
  if (start === 0) throw new UnisonoError('allocation_refused', `the module has no ${length} bytes to give`);
  return start;
}

/** An answer, copied and given back. @param {any} exports @param {bigint} packed @returns {Uint8Array} */
export function take(exports, packed) {
  const [start, length] = [Number(BigInt.asUintN(32, packed >> 32n)), Number(BigInt.asUintN(32, packed))];
  if (start === 0) throw new UnisonoError('allocation_refused', 'the module has no memory for its answer');
  const answer = memory(exports, start, length).slice();
  exports.free(start, length);
  return answer;
}

/** Never kept: the memory is another object each time that it has grown. @param {any} exports @param {number} start @param {number} length */
export function memory(exports, start, length) {
  return new Uint8Array(exports.memory.buffer, start, length);
}

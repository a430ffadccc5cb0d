// A module with the exports of ours that traps on every `recommend`: what no request can make ours do, so that the way
// out of a trap can be tested at all. Assembled by hand.

import { encode } from '../../pkg/index.js';

const I32 = 0x7f;
const I64 = 0x7e;
const END = 0x0b;

const leb = (value) => (value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb(value >>> 7)]);
const vector = (items) => [...leb(items.length), ...items.flat()];
const section = (id, bytes) => [id, ...leb(bytes.length), ...bytes];
const name = (text) => vector([...Buffer.from(text)].map((byte) => [byte]));

/** LEB128 with a sign. */
function signed(value) {
  const byte = Number(value & 0x7fn);
  const rest = value >> 7n;
  return (rest === 0n && byte < 0x40) || (rest === -1n && byte >= 0x40) ? [byte] : [byte | 0x80, ...signed(rest)];
}

const i32 = (value) => [0x41, ...signed(BigInt(value))];
const i64 = (value) => [0x42, ...signed(value)];

/** The length of an input that the module has no memory for. */
export const REFUSED_LENGTH = 77_777;

/** @param {number} abiVersion */
export function trappingModule(abiVersion = 2) {
  const answer = encode({ handle: 1, model_id: 'ab'.repeat(32) });
  const [answerAt, bufferAt] = [1_024, 4_096];
  const functions = [
    ['abi_version', [], [I32], i32(abiVersion)],
    // The buffer, times whether the length is another than the refused one.
    ['alloc', [I32], [I32], [0x20, 0x00, ...i32(REFUSED_LENGTH), 0x47, ...i32(bufferAt), 0x6c]],
    ['free', [I32, I32], [], []],
    ['load_model', [I32, I32], [I64], i64((BigInt(answerAt) << 32n) | BigInt(answer.length))],
    ['drop_handle', [I32], [I32], i32(1)],
    ['recommend', [I32, I32, I32, I32], [I64], [0x00]],
    // No memory for an answer.
    ['profile_merge', [I32, I32], [I64], i64(0n)],
  ];
  const types = functions.map(([, takes, gives]) => [0x60, ...vector(takes.map((one) => [one])), ...vector(gives.map((one) => [one]))]);
  const exports = functions.map(([text], index) => [...name(text), 0x00, ...leb(index)]);
  const bodies = functions.map(([, , , code]) => [...leb(code.length + 2), 0x00, ...code, END]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, vector(types)),
    ...section(3, vector(functions.map((_, index) => leb(index)))),
    ...section(5, vector([[0x00, 0x01]])),
    ...section(7, vector([...exports, [...name('memory'), 0x02, 0x00]])),
    ...section(10, vector(bodies)),
    ...section(11, vector([[0x00, ...i32(answerAt), END, ...vector([...answer].map((byte) => [byte]))]])),
  ]);
}

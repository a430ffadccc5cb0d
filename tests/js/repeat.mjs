// Answers one request many times on one instance: `node repeat.mjs PACKAGE SUITE TIMES`. Prints the bytes of the
// instance's memory after a hundred calls and at the end; fails when an answer differs from the first.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSuite } from './suite.mjs';

const [folder, suiteFile, times] = process.argv.slice(2);
const file = (name) => pathToFileURL(resolve(folder, name));
const { createGlue } = await import(file('glue.js'));
const { decode } = await import(file('index.js'));
const { models, cases } = readSuite(new Uint8Array(await readFile(suiteFile)));
const glue = createGlue();
const exports = await glue({ module_or_path: await WebAssembly.compile(await readFile(file('unisono.wasm'))) });
const start = exports.alloc(models[0].length);
new Uint8Array(exports.memory.buffer, start, models[0].length).set(models[0]);
const packed = BigInt.asUintN(64, exports.load_model(start, models[0].length));
const { handle } = decode(new Uint8Array(exports.memory.buffer, Number(packed >> 32n), Number(packed & 0xffff_ffffn)).slice());

const first = Buffer.from(glue.recommend_bytes(handle, 0, cases[0].input));
let early = 0;
for (let call = 1; call < Number(times); call += 1) {
  const answer = glue.recommend_bytes(handle, 0, cases[0].input);
  if (call === 100) early = exports.memory.buffer.byteLength;
  if (first.compare(answer) !== 0) throw new Error(`answer ${call} differs from the first`);
}
console.log(`${early} ${exports.memory.buffer.byteLength}`);

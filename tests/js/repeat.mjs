// Answers one request many times on one instance: `node repeat.mjs PACKAGE SUITE TIMES`. Prints the bytes of the
// instance's memory after a hundred calls and at the end; fails when an answer differs from the first.

import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { readSuite } from './suite.mjs';

const [folder, suiteFile, times] = process.argv.slice(2);
const file = (name) => pathToFileURL(resolve(folder, name));
const abi = await import(file('abi.js'));
const { decode } = await import(file('index.js'));
const { models, cases } = readSuite(new Uint8Array(await readFile(suiteFile)));
const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(await readFile(file('unisono.wasm'))));
const start = abi.alloc(exports, models[0].length);
abi.memory(exports, start, models[0].length).set(models[0]);
const { handle } = decode(abi.take(exports, exports.load_model(start, models[0].length)));
const recommend = () => abi.call(exports, 'recommend', [handle, 0], cases[0].input);

const first = Buffer.from(recommend());
let early = 0;
for (let call = 1; call < Number(times); call += 1) {
  const answer = recommend();
  if (call === 100) early = exports.memory.buffer.byteLength;
  if (first.compare(answer) !== 0) throw new Error(`answer ${call} differs from the first`);
}
console.log(`${early} ${exports.memory.buffer.byteLength}`);

// Answers a suite in Node: `node node.mjs PACKAGE SUITE ANSWERS`. Prints the SHA-256 of the module.

import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { answerSuite } from './suite.mjs';

const [folder, suite, output] = process.argv.slice(2);
const file = (name) => pathToFileURL(resolve(folder, name));
const { Unisono, decode } = await import(file('index.js'));
const abi = await import(file('abi.js'));
const module = new Uint8Array(await readFile(file('unisono.wasm')));
const { answers, moduleId } = await answerSuite(new Uint8Array(await readFile(suite)), module, { Unisono, abi, decode });
await writeFile(output, answers);
console.log(moduleId);

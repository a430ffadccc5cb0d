// V8's side of side-by-side: loads the npm package, then answers `ROUND CALLS` lines with the nanoseconds that they took.
// Arguments: PACKAGE_FOLDER MODEL_FILE REQUEST_FILE (MessagePack).
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import path from 'node:path';

const [folder, modelFile, requestFile] = process.argv.slice(2);
const { Unisono } = await import(pathToFileURL(path.join(folder, 'index.js')));
const [module, model, request] = await Promise.all(
  [path.join(folder, 'unisono.wasm'), modelFile, requestFile].map((file) => readFile(file)),
);
const unisono = await Unisono.load({ module: new Uint8Array(module), model: new Uint8Array(model) });
const bytes = new Uint8Array(request);
console.log(createHash('sha256').update(unisono.recommendBytes(bytes)).digest('hex'));
for await (const line of createInterface({ input: process.stdin })) {
  const calls = Number(line);
  const start = process.hrtime.bigint();
  for (let call = 0; call < calls; call += 1) unisono.recommendBytes(bytes);
  console.log(String(process.hrtime.bigint() - start));
}

// What an instance's memory holds: before a model, with its bytes in it, loaded, and after many calls. Uses the plain
// exports, as a host does. Arguments: MODULE MODEL REQUEST (MessagePack) CALLS.
import { readFile } from 'node:fs/promises';
import { createHash } from 'node:crypto';

const [moduleFile, modelFile, requestFile, calls = '1000000'] = process.argv.slice(2);
const [module, model, request] = await Promise.all([moduleFile, modelFile, requestFile].map((file) => readFile(file)));
const { instance } = await WebAssembly.instantiate(module, {});
const { memory, alloc, free, load_model, recommend } = instance.exports;
const held = () => memory.buffer.byteLength;
const report = (what, bytes) => console.log(`${what}: ${bytes.toLocaleString('en')} bytes`);

/** Copies bytes into a buffer of the module. */
function put(bytes) {
  const pointer = alloc(bytes.length);
  if (pointer === 0) throw new Error('the module refused the buffer');
  new Uint8Array(memory.buffer, pointer, bytes.length).set(bytes);
  return pointer;
}

/** Copies a result out of the module and gives its buffer back. */
function take(packed) {
  const pointer = Number(BigInt.asUintN(64, packed) >> 32n);
  const length = Number(packed & 0xffff_ffffn);
  const bytes = new Uint8Array(memory.buffer, pointer, length).slice();
  free(pointer, length);
  return bytes;
}

/** After so many calls the memory is to stay as it is. */
const EARLY = 100;
const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

report('model file', model.length);
report('memory of a fresh instance', held());
const buffer = put(model);
const written = held();
report('memory with the file written into it', written);
const loaded = take(load_model(buffer, model.length));
if (Buffer.from(loaded).includes('error')) throw new Error(Buffer.from(loaded).toString('latin1'));
report('memory with the model loaded', held());
const added = held() - written;
report('what loading added', added);
if (added > model.length / 2) {
  console.error('loading made room for more than half the file: does it copy arrays?');
  process.exit(1);
}
// The model's handle is the first value of the answer's map.
const handle = Number(decodeHandle(loaded));
const input = put(request);
const answer = () => take(recommend(handle, 0, input, request.length));
const first = answer();
// The second call may still find the freed pieces of the first too small for it.
for (let call = 1; call < EARLY; call += 1) answer();
const early = held();
let last = first;
for (let call = EARLY; call < Number(calls); call += 1) last = answer();
report(`memory after ${EARLY} calls`, early);
report(`memory after ${Number(calls).toLocaleString('en')} calls`, held());
console.log(`first answer ${digest(first)}`);
console.log(`last answer  ${digest(last)}`);
if (held() !== early || digest(first) !== digest(last)) {
  console.error('the memory grew, or the answer changed');
  process.exit(1);
}

/** The unsigned integer after the key `handle` of a MessagePack map. */
function decodeHandle(bytes) {
  const at = 1 + 1 + 'handle'.length;
  const tag = bytes[at];
  if (tag < 0x80) return tag;
  const width = { 0xcc: 1, 0xcd: 2, 0xce: 4 }[tag];
  return bytes.slice(at + 1, at + 1 + width).reduce((number, byte) => number * 256 + byte, 0);
}

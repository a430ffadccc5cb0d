import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { pathToFileURL } from 'node:url';
import { Unisono } from '../../pkg/index.js';
import { failsWith, model, moduleBytes, needsModel, request, served, sha256 } from './support.mjs';

const ids = (unisono) => unisono.recommend(request()).placements[0].recommendations.map((one) => one.item_id);
const expected = ['coffee', 'milk', 'tea'];

test('bytes that are no model are an error of the module', async () => {
  await failsWith('model_truncated', () => Unisono.load({ model: new Uint8Array() }));
  for (const bytes of [Buffer.from('<!doctype html><p>not found'), new Uint8Array(100), new Uint8Array(64).fill(0xff)]) {
    await failsWith('model_root_invalid', () => Unisono.load({ model: bytes }));
  }
});

test('a model that can not be had is an error with its cause', async () => {
  await failsWith('invalid_source', () => Unisono.load({}), 'model');
  await failsWith('invalid_source', () => Unisono.load({ model: 7 }), 'model');
  await failsWith('invalid_source', () => Unisono.load({ model: 'shop.unisono' }), 'model');
  const missing = await failsWith('fetch_failed', () => Unisono.load({ model: new URL('./none.unisono', import.meta.url) }), 'model');
  assert.equal(missing.cause.code, 'ENOENT');
  await failsWith('fetch_failed', () => Unisono.load({ model: 'http://127.0.0.1:1/' }), 'model');
  await served((_, answer) => answer.writeHead(404).end('no'), async (url) => {
    assert.match((await failsWith('fetch_failed', () => Unisono.load({ model: url }), 'model')).message, /404/);
  });
  await failsWith('fetch_failed', () => Unisono.load({ model: Promise.resolve(new Response('', { status: 500 })) }), 'model');
});

test('a module that is none, or another one, is refused', async () => {
  await failsWith('module_invalid', () => Unisono.load({ module: Buffer.from('<!doctype html>'), model: new Uint8Array() }), 'module');
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  await failsWith('module_mismatch', () => Unisono.load({ module: empty, model: new Uint8Array() }), 'module');
  const wrong = { module: moduleBytes, moduleId: '0'.repeat(64), model: new Uint8Array() };
  await failsWith('module_mismatch', () => Unisono.load(wrong), 'module');
});

test('recommends from a model in bytes, and knows both ids', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  assert.deepEqual(ids(unisono), expected);
  assert.equal(unisono.moduleId, sha256(moduleBytes));
  assert.match(unisono.modelId, /^[0-9a-f]{64}$/);
  assert.equal(unisono.recommend(request()).model_id, unisono.modelId);
});

test('loads from a URL, a file, a response, a promise and any view of bytes', needsModel, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'unisono-'));
  const file = join(directory, 'tiny.unisono');
  await writeFile(file, model);
  const padded = new Uint8Array(model.length + 10);
  padded.set(model, 7);
  await served((_, answer) => answer.end(model), async (url) => {
    const sources = [
      url, new URL(url), fetch(url), await fetch(url), pathToFileURL(file), pathToFileURL(file).href,
      padded.subarray(7, 7 + model.length), new DataView(padded.buffer, 7, model.length),
      Uint8Array.from(model).buffer, new Response(model), Promise.resolve(model),
    ];
    for (const source of sources) {
      const unisono = await Unisono.load({ model: source, module: new Response(moduleBytes) });
      assert.deepEqual(ids(unisono), expected);
      unisono.free();
    }
  });
  await rm(directory, { recursive: true });
});

test('a download in chunks is written as it comes, whatever length its headers tell', needsModel, async () => {
  const chunks = (size) => new ReadableStream({
    start(controller) {
      for (let at = 0; at < model.length; at += size) controller.enqueue(Uint8Array.from(model.subarray(at, at + size)));
      controller.close();
    },
  });
  const lengths = [model.length, 1, 0, model.length - 1, model.length + 1, model.length * 3, 'none', '-1'];
  for (const length of lengths) {
    for (const headers of [{ 'content-length': length }, { 'content-length': length, 'content-encoding': 'br' }]) {
      const unisono = await Unisono.load({ model: new Response(chunks(7), { headers }) });
      assert.deepEqual(ids(unisono), expected, `announced ${length}`);
      unisono.free();
    }
  }
});

test('a download that breaks off is an error, and the next one works', needsModel, async () => {
  const broken = () => new ReadableStream({
    start: (controller) => controller.enqueue(Uint8Array.from(model.subarray(0, 40))),
    pull: (controller) => controller.error(new Error('the line went dead')),
  });
  for (const length of [model.length, 10, 'none']) {
    const response = new Response(broken(), { headers: { 'content-length': length } });
    const error = await failsWith('fetch_failed', () => Unisono.load({ model: response }), 'model');
    assert.equal(error.cause.message, 'the line went dead');
  }
  const unisono = await Unisono.load({ model });
  assert.deepEqual(ids(unisono), expected);
});

test('a compiled module is taken as it is, with the id that the caller gives it', needsModel, async () => {
  const module = await WebAssembly.compile(moduleBytes);
  assert.equal((await Unisono.load({ module, model })).moduleId, null);
  const named = await Unisono.load({ module: await WebAssembly.compile(moduleBytes), moduleId: sha256(moduleBytes), model });
  assert.equal(named.moduleId, sha256(moduleBytes));
  assert.deepEqual(ids(named), expected);
});

import assert from 'node:assert/strict';
import test from 'node:test';
import { Unisono, UnisonoError, decode, encode } from '../../pkg/index.js';
import { failsWith, model, moduleBytes, needsModel, request } from './support.mjs';
import { REFUSED_LENGTH, trappingModule } from './trapping-module.mjs';

/** Loads as often as an instance has handles, and one more. */
const HANDLES_MAX = 64;

test('objects of one module share an instance, each with its own model', needsModel, async () => {
  const first = await Unisono.load({ model });
  const second = await Unisono.load({ model });
  const bytes = encode(request());
  const answer = first.recommendBytes(bytes);
  assert.deepEqual(second.recommendBytes(bytes), answer);
  first.free();
  await failsWith('freed', () => first.recommend(request()));
  assert.deepEqual(second.recommendBytes(bytes), answer);
  first.free();
  second[Symbol.dispose]?.();
  await failsWith('freed', () => second.recommendBytes(bytes));
  await failsWith('freed', () => second.profileApply({}));
});

test('an instance holds 64 models, and a freed one makes room', needsModel, async () => {
  const loads = Array.from({ length: HANDLES_MAX }, () => Unisono.load({ model, module: moduleBytes }));
  const all = await Promise.all(loads);
  await failsWith('handles_exhausted', () => Unisono.load({ model }));
  all[5].free();
  all.push(await Unisono.load({ model }));
  all.forEach((unisono) => unisono.free());
});

test('answers stay the same over many loads', needsModel, async () => {
  const holder = await Unisono.load({ model });
  const answer = holder.recommendBytes(encode(request()));
  for (let round = 0; round < 300; round += 1) {
    const unisono = await Unisono.load({ model });
    assert.deepEqual(unisono.recommendBytes(encode(request())), answer);
    unisono.free();
  }
  holder.free();
});

test('an error of the module has its code, field and request id', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  const error = await failsWith('unknown_placement', () => unisono.recommend(request({ kind: 'for_me' })), 'placements[0].kind');
  assert.ok(error instanceof UnisonoError && error instanceof Error);
  assert.equal(error.request_id, 'r1');
  assert.match(error.message, /for_me/);
  await failsWith('missing_field', () => unisono.recommend({}), 'now_ms');
  for (const now_ms of [NaN, Infinity, 1e300]) {
    await failsWith('out_of_range', () => unisono.recommend({ ...request(), now_ms }), 'now_ms');
  }
  await failsWith('invalid_type', () => unisono.recommend({ ...request(), now_ms: 0.5 }), 'now_ms');
  await failsWith('invalid_type', () => unisono.recommend({ ...request(), now_ms: '1' }), 'now_ms');
  await failsWith('invalid_type', () => unisono.recommend({ ...request(), now_ms: new Date() }), 'now_ms');
  await failsWith('invalid_type', () => unisono.recommendBytes([0x80]));
});

test('recommendBytes gives errors back as the module wrote them', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  const answer = decode(unisono.recommendBytes(encode(request({ kind: 'for_me' }))));
  assert.equal(answer.error.code, 'unknown_placement');
  assert.equal(answer.request_id, 'r1');
  assert.equal(decode(unisono.recommendBytes(Uint8Array.of(0xc1))).error.code, 'invalid_msgpack');
  assert.equal(decode(unisono.recommendBytes(new Uint8Array())).error.code, 'invalid_msgpack');
});

test('an input that is far too large is refused and costs no instance', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  assert.equal(decode(unisono.recommendBytes(new Uint8Array(9 * 1024 * 1024))).error.code, 'limit_exceeded');
  await failsWith('limit_exceeded', () => unisono.recommendBytes(new Uint8Array(65 * 1024 * 1024)));
  assert.equal(unisono.recommend(request()).request_id, 'r1');
});

test('profile states are bytes that come back, merge in any order, and serve a request', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  const day = 86_400_000;
  const now_ms = 1_509_494_400_000;
  const event = (event_id, item_id, days) => ({ event_id, ts_ms: now_ms - days * day, type: 'purchase', channel: 'store', item_id });
  const one = unisono.profileApply({ now_ms, events: [event('e1', 'tea', 9), { ...event('e2', 'milk', 1), quantity: -1 }] });
  assert.deepEqual(one.results[0], { status: 'accepted' });
  assert.deepEqual([one.results[1].status, one.results[1].code, one.results[1].field], ['refused', 'out_of_range', 'quantity']);
  const two = unisono.profileApply({ now_ms, state: one.state, events: [event('e3', 'bread', 2)] });
  const other = unisono.profileApply({ now_ms, events: [event('e4', 'coffee', 3)] });
  const merged = unisono.profileMerge({ states: [two.state, other.state] });
  assert.deepEqual(merged.warnings, []);
  assert.deepEqual(unisono.profileMerge({ states: [other.state, two.state, one.state] }), {
    state: merged.state,
    warnings: [{ code: 'duplicate_event', count: 1 }],
  });
  const again = { ...request({ kind: 'buy_again' }), profile: { state: merged.state } };
  assert.deepEqual(unisono.recommend(again).placements[0].recommendations.map((item) => item.item_id).sort(), ['bread', 'coffee', 'tea']);
  await failsWith('missing_field', () => unisono.profileApply({}), 'now_ms');
  await failsWith('missing_field', () => unisono.profileMerge({ state: [one.state] }), 'states');
  await failsWith('profile_version_unsupported', () => unisono.profileMerge({ states: [Uint8Array.of(0x80)] }), 'states[0].version');
});

test('a trap costs the instance and all its objects, and the next load works', async () => {
  const module = await WebAssembly.compile(trappingModule());
  const load = () => Unisono.load({ module, model: new Uint8Array(8) });
  const [first, second] = [await load(), await load()];
  assert.equal(first.modelId, 'ab'.repeat(32));
  const error = await failsWith('instance_trapped', () => first.recommend(request()));
  assert.ok(error.cause instanceof WebAssembly.RuntimeError);
  await failsWith('instance_trapped', () => first.recommendBytes(encode(request())));
  await failsWith('instance_trapped', () => second.profileMerge({ states: [] }));
  first.free();
  const third = await load();
  await failsWith('instance_trapped', () => third.recommend(request()));
});

test('memory that is refused costs the call, not the instance', async () => {
  const unisono = await Unisono.load({ module: trappingModule(), model: new Uint8Array(8) });
  await failsWith('allocation_refused', () => unisono.recommendBytes(new Uint8Array(REFUSED_LENGTH)));
  await failsWith('allocation_refused', () => unisono.profileMerge({ states: [] }));
  const error = await failsWith('instance_trapped', () => unisono.recommend(request()));
  assert.ok(error.cause instanceof WebAssembly.RuntimeError, 'the instance was alive until then');
});

test('a trap of one module leaves another one alone', needsModel, async () => {
  const unisono = await Unisono.load({ model });
  const trapping = await Unisono.load({ module: trappingModule(), model: new Uint8Array(8) });
  await failsWith('instance_trapped', () => trapping.recommend(request()));
  assert.equal(unisono.recommend(request()).request_id, 'r1');
});

test('a module of another ABI version is refused', async () => {
  const error = await failsWith('module_mismatch', () => Unisono.load({ module: trappingModule(3), model: new Uint8Array() }), 'module');
  assert.match(error.message, /version 3/);
});

test('a load without a model is an error with a code', async () => {
  await failsWith('invalid_source', () => Unisono.load());
  await failsWith('invalid_source', () => Unisono.load({ policy: null }));
});

test('objects are made by load alone', async () => {
  await failsWith('invalid_source', () => new Unisono());
});

import { decode as oracleDecode, encode as oracleEncode } from '@msgpack/msgpack';
import assert from 'node:assert/strict';
import test from 'node:test';
import { decode, encode } from '../../pkg/index.js';
import { failsWith, numbers } from './support.mjs';

const oracle = (value) => Buffer.from(oracleEncode(value, { ignoreUndefined: true }));
const hex = (bytes) => Buffer.from(bytes).toString('hex');

/** A value of any kind, nested up to `depth`. */
function value(next, depth) {
  const edges = [0, 1, 31, 32, 127, 128, 255, 256, 65_535, 65_536, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1];
  const lengths = [0, 1, 15, 16, 31, 32, 33, 255, 256];
  switch (next(depth > 0 ? 10 : 7)) {
    case 0: return null;
    case 1: return next(2) === 0;
    case 2: return edges[next(edges.length)];
    case 3: return -edges[next(edges.length)] || 0;
    case 4: return (next(2 ** 31) - 2 ** 30) / [1, 3, 1024, 1e-9][next(4)];
    case 5: return ['a', 'é', '字', '😀'][next(4)].repeat(lengths[next(lengths.length)]);
    case 6: return Uint8Array.from({ length: lengths[next(lengths.length)] }, () => next(256));
    case 7: return Array.from({ length: next(20) }, () => value(next, depth - 1));
    case 8: return Object.fromEntries(Array.from({ length: next(20) }, (_, at) => [`k${at}`, value(next, depth - 1)]));
    default: return { a: undefined, b: value(next, depth - 1), 'ключ': undefined };
  }
}

test('encodes 5,000 generated values to the bytes of another implementation', () => {
  const next = numbers(1);
  for (let round = 0; round < 5_000; round += 1) {
    const one = value(next, 3);
    assert.equal(hex(encode(one)), hex(oracle(one)));
  }
});

test('decodes what another implementation encodes, and what it encodes itself', () => {
  const next = numbers(2);
  for (let round = 0; round < 5_000; round += 1) {
    const bytes = oracle(value(next, 3));
    assert.deepEqual(decode(bytes), oracleDecode(bytes));
    assert.equal(hex(encode(decode(bytes))), hex(bytes));
  }
});

test('long arrays, objects, texts and binary data take the wider heads', () => {
  const wide = Object.fromEntries(Array.from({ length: 70_000 }, (_, at) => [`k${at}`, at]));
  for (const one of [new Array(70_000).fill(0), wide, 'x'.repeat(70_000), new Uint8Array(70_000), new Array(300).fill(1)]) {
    const bytes = encode(one);
    assert.ok(oracle(one).equals(bytes));
    assert.deepEqual(decode(bytes), one);
  }
});

test('integers beyond 2^53 are bigints both ways, and those within are numbers', () => {
  for (const one of [2n ** 53n, 2n ** 63n, 2n ** 64n - 1n, -(2n ** 53n), -(2n ** 63n), 9_007_199_254_740_993n]) {
    assert.equal(hex(encode(one)), hex(oracleEncode(one, { useBigInt64: true })));
    assert.equal(decode(encode(one)), one);
  }
  for (const one of [0n, 200n, -1n, 2n ** 53n - 1n]) {
    assert.equal(hex(encode(one)), hex(encode(Number(one))));
    assert.equal(decode(encode(one)), Number(one));
  }
  assert.equal(decode(Uint8Array.of(0xcf, 0, 0, 0, 0, 0, 0, 0, 5)), 5);
});

test('whole numbers are integers, whatever they were', () => {
  assert.equal(hex(encode(1.0)), '01');
  assert.equal(hex(encode(-0)), '00');
  assert.equal(hex(encode(1.5)), 'cb3ff8000000000000');
  assert.equal(encode(NaN)[0], 0xcb);
  assert.equal(encode(Infinity)[0], 0xcb);
});

test('floats of four bytes are read', () => {
  assert.equal(decode(Uint8Array.of(0xca, 0x3f, 0xc0, 0, 0)), 1.5);
});

test('fields that are undefined are left out, in arrays they are null', () => {
  assert.deepEqual(decode(encode({ a: undefined, b: 1 })), { b: 1 });
  assert.deepEqual(decode(encode([undefined, 1])), [null, 1]);
});

test('binary data is a copy of the part that a view shows', () => {
  const whole = Uint8Array.of(1, 2, 3, 4);
  assert.deepEqual(decode(encode(whole.subarray(1, 3))), Uint8Array.of(2, 3));
  assert.deepEqual(decode(encode(whole.buffer)), whole);
  const bytes = encode(whole);
  const read = decode(bytes);
  bytes.fill(0);
  assert.deepEqual(read, whole);
});

test('a key named __proto__ is a key', () => {
  const read = decode(encode(JSON.parse('{"__proto__": 1, "a": 2}')));
  assert.deepEqual(Object.keys(read), ['__proto__', 'a']);
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
});

test('what can not be sent is an error that names the field', async () => {
  const cases = [
    ['invalid_type', { a: [{ b: () => {} }] }, 'a[0].b'],
    ['invalid_type', { now_ms: new Date() }, 'now_ms'],
    ['invalid_type', { profile: { events: new Map() } }, 'profile.events'],
    ['invalid_type', new Float64Array(1), ''],
    ['invalid_type', [Symbol('x')], '[0]'],
    ['invalid_utf8', { events: [{}, { item_id: '\ud800' }] }, 'events[1].item_id'],
    ['invalid_utf8', { query: `${'x'.repeat(40)}\udc00` }, 'query'],
    ['invalid_utf8', { ['\ud800']: 1 }, '\ud800'],
    ['out_of_range', { seed: 2n ** 64n }, 'seed'],
    ['out_of_range', { seed: -(2n ** 63n) - 1n }, 'seed'],
  ];
  for (const [code, one, field] of cases) await failsWith(code, () => encode(one), field);
  const cycle = {};
  cycle.self = cycle;
  await failsWith('limit_exceeded', () => encode(cycle));
});

test('bytes that end early, go on, or mean nothing are typed errors', async () => {
  const whole = encode({ a: [1, -200, 1.5, 'text', 'x'.repeat(40), new Uint8Array(3), true, null, 2n ** 60n] });
  for (let length = 0; length < whole.length; length += 1) {
    await failsWith('invalid_msgpack', () => decode(whole.subarray(0, length)));
  }
  await failsWith('trailing_bytes', () => decode(Uint8Array.of(0xc0, 0xc0)));
  await failsWith('invalid_msgpack', () => decode(Uint8Array.of(0xc1)));
  await failsWith('invalid_msgpack', () => decode(Uint8Array.of(0xd4, 1, 1)));
  await failsWith('invalid_msgpack', () => decode(Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)));
  await failsWith('invalid_utf8', () => decode(Uint8Array.of(0xa1, 0xff)));
  await failsWith('invalid_type', () => decode(Uint8Array.of(0x81, 1, 1)));
  await failsWith('limit_exceeded', () => decode(new Uint8Array(100).fill(0x91)));
});

test('random bytes never fail with anything but a typed error', () => {
  const next = numbers(3);
  for (let round = 0; round < 20_000; round += 1) {
    const bytes = Uint8Array.from({ length: next(24) }, () => next(256));
    try {
      decode(bytes);
    } catch (error) {
      assert.equal(error.name, 'UnisonoError', error.stack);
    }
  }
});

// What the tests of the package share.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';

export const moduleBytes = await readFile(new URL('../../pkg/unisono.wasm', import.meta.url));

/** The model of four items that `cargo xtask test` writes, or null when a test file is run by itself. */
export const model = process.env.UNISONO_TINY_MODEL ? await readFile(process.env.UNISONO_TINY_MODEL) : null;

/** How a test that needs the model says that it can't run. */
export const needsModel = { skip: model === null && 'UNISONO_TINY_MODEL names no model; run `cargo xtask test`' };

export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** A request that any model can answer. */
export const request = (placement = {}) => ({
  request_id: 'r1',
  now_ms: 1_509_494_400_000,
  placements: [{ id: 'main', kind: 'trending', k: 3, ...placement }],
});

/** Asserts that `call` fails with a UnisonoError of this code, and gives the error. */
export async function failsWith(code, call, field) {
  let error = null;
  try {
    await call();
  } catch (thrown) {
    error = thrown;
  }
  assert.ok(error !== null, `expected ${code}, but nothing was thrown`);
  assert.equal(error.name, 'UnisonoError', error.stack);
  assert.equal(error.code, code, error.message);
  if (field !== undefined) assert.equal(error.field, field);
  return error;
}

/** Serves `answer` on this machine for as long as `use` runs. */
export async function served(answer, use) {
  const server = createServer(answer);
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  try {
    return await use(`http://127.0.0.1:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  }
}

/** Numbers that look random and are the same in every run (xorshift). */
export function numbers(seed) {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

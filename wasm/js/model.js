// Models on their way into the module: written straight into its memory, without a copy on the way.

import { unlessError } from './error.js';
import { decode } from './msgpack.js';
import { broken, open, readAll } from './source.js';

/** @typedef {Awaited<ReturnType<typeof import('./engine.js').acquire>>} Engine */

/**
 * Loads a model and gives its handle and id.
 *
 * @param {Engine} engine
 * @param {unknown} given What the caller gave as `model`.
 * @returns {Promise<{handle: number, model_id: string}>}
 */
export async function loadModel(engine, given) {
  const { bytes, response } = await open(given, 'model');
  const buffer = bytes === undefined ? await fromResponse(engine, response) : fromBytes(engine, bytes);
  return unlessError(decode(engine.loadModel(buffer.start, buffer.length)));
}

/** @param {Engine} engine @param {Uint8Array} bytes */
function fromBytes(engine, bytes) {
  const start = engine.alloc(bytes.length);
  engine.write(start, bytes);
  return { start, length: bytes.length };
}

/**
 * Writes a download into the module chunk by chunk, where its length is known before.
 *
 * @param {Engine} engine
 * @param {Response} response
 */
async function fromResponse(engine, response) {
  const length = announcedLength(response);
  if (response.body === null || length === null) return fromBytes(engine, await readAll(response, 'model'));
  const start = engine.alloc(length);
  const reader = response.body.getReader();
  let written = 0;
  let beyond = null;
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      if (written + next.value.length > length) {
        beyond = next.value;
        break;
      }
      engine.write(start + written, next.value);
      written += next.value.length;
    }
  } catch (error) {
    engine.free(start, length);
    throw engine.isUsable() ? broken('model', error) : error;
  }
  if (written === length && beyond === null) return { start, length };
  return otherLength(engine, reader, { start, length, written, beyond });
}

/**
 * The header was wrong: proxies announce the length of compressed bytes and hide the encoding. What has come is kept,
 * and the rest is gathered before a buffer of the right length is asked for.
 *
 * @param {Engine} engine
 * @param {ReadableStreamDefaultReader<Uint8Array>} reader
 * @param {{start: number, length: number, written: number, beyond: Uint8Array | null}} begun
 */
async function otherLength(engine, reader, { start, length, written, beyond }) {
  /** @type {Uint8Array[]} */
  const chunks = [engine.read(start, written)];
  engine.free(start, length);
  if (beyond !== null) {
    chunks.push(beyond);
    try {
      for (let next = await reader.read(); !next.done; next = await reader.read()) chunks.push(next.value);
    } catch (error) {
      throw broken('model', error);
    }
  }
  const whole = new Uint8Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return fromBytes(engine, whole);
}

/** The length of the body, where the headers tell it. @param {Response} response */
function announcedLength(response) {
  const encoding = response.headers.get('content-encoding');
  if (encoding !== null && encoding !== 'identity') return null;
  const length = response.headers.get('content-length');
  return length !== null && /^[0-9]{1,15}$/.test(length) ? Number(length) : null;
}

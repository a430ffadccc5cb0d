// Where bytes come from: a URL, a response, or the caller's own memory.

import { UnisonoError } from './error.js';

/**
 * Opens what a caller gave as `module` or `model`.
 *
 * @param {unknown} given A URL (absolute, or relative to the page), bytes, a `Response`, or a promise of one of these.
 * @param {string} what How errors name it.
 * @returns {Promise<{bytes: Uint8Array, response?: undefined} | {bytes?: undefined, response: Response}>}
 */
export async function open(given, what) {
  const source = await given;
  if (typeof source === 'string' || source instanceof URL) return openUrl(toUrl(source, what), what);
  if (source instanceof ArrayBuffer) return { bytes: new Uint8Array(source) };
  if (ArrayBuffer.isView(source)) return { bytes: new Uint8Array(source.buffer, source.byteOffset, source.byteLength) };
  if (isResponse(source)) return { response: checked(source, what) };
  throw new UnisonoError('invalid_source', `\`${what}\` must be a URL, bytes or a Response`, { field: what });
}

/**
 * Opens it and reads it to its end.
 *
 * @param {unknown} given
 * @param {string} what
 * @returns {Promise<Uint8Array>}
 */
export async function read(given, what) {
  const { bytes, response } = await open(given, what);
  return bytes ?? readAll(response, what);
}

/**
 * @param {Response} response
 * @param {string} what
 * @returns {Promise<Uint8Array>}
 */
export async function readAll(response, what) {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (error) {
    throw broken(what, error);
  }
}

/** The error of a download that ended early. @param {string} what @param {unknown} cause */
export function broken(what, cause) {
  return new UnisonoError('fetch_failed', `\`${what}\` broke off`, { field: what, cause });
}

/** @param {string | URL} source @param {string} what */
function toUrl(source, what) {
  const base = globalThis.document?.baseURI ?? globalThis.location?.href;
  try {
    return new URL(source, base);
  } catch (error) {
    const message = `\`${source}\` is no URL; outside a page give a whole one, as \`new URL(path, import.meta.url)\`, or bytes`;
    throw new UnisonoError('invalid_source', message, { field: what, cause: error });
  }
}

/** @param {URL} url @param {string} what */
async function openUrl(url, what) {
  if (url.protocol === 'file:') return { bytes: await readFile(url, what) };
  let response;
  try {
    response = await fetch(url);
  } catch (error) {
    throw new UnisonoError('fetch_failed', `\`${url}\` could not be fetched`, { field: what, cause: error });
  }
  return { response: checked(response, what) };
}

/** Files are for Node, Deno and Bun, whose `fetch` differ on them. @param {URL} url @param {string} what */
async function readFile(url, what) {
  try {
    // A name in a variable: bundlers for the browser must not look for this module.
    const name = 'node:fs/promises';
    const files = await import(/* webpackIgnore: true */ /* @vite-ignore */ name);
    return new Uint8Array(await files.readFile(url));
  } catch (error) {
    throw new UnisonoError('fetch_failed', `\`${url}\` could not be read`, { field: what, cause: error });
  }
}

/** @param {any} source @returns {source is Response} */
function isResponse(source) {
  // Not `instanceof`: a page may bring a `fetch` of its own.
  return typeof source?.arrayBuffer === 'function' && typeof source.ok === 'boolean';
}

/** @param {Response} response @param {string} what */
function checked(response, what) {
  if (response.ok) return response;
  const message = `\`${response.url || what}\` answered with status ${response.status}`;
  throw new UnisonoError('fetch_failed', message, { field: what });
}

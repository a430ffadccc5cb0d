// Bytes: comparing, hashing, showing.

/**
 * The offset of the first byte in which two answers differ, or -1 when they are identical. An answer that ends early
 * differs where it ends.
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
export function firstDifference(a, b) {
  const shared = Math.min(a.length, b.length);
  for (let at = 0; at < shared; at += 1) {
    if (a[at] !== b[at]) return at;
  }
  return a.length === b.length ? -1 : shared;
}

/** The SHA-256 as 64 hexadecimal digits, or null where the browser offers none (it does on https and on localhost). */
export async function sha256(bytes) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A copy with one bit of the byte in the middle turned over. */
export function withOneByteFlipped(bytes) {
  const copy = bytes.slice();
  if (copy.length > 0) copy[copy.length >> 1] ^= 1;
  return copy;
}

/** The byte at an offset as `0x2a`, or `nothing` beyond the end. */
export function byteAt(bytes, offset) {
  return offset < bytes.length ? `0x${bytes[offset].toString(16).padStart(2, "0")}` : "nothing";
}

// Portable tokens by WebCrypto: the same text and the same keys file as the host's (host/src/token).

import { UnisonoError } from './error.js';
import { decode, encode } from './msgpack.js';

/** Versions: what only a signature protects, and what is encrypted. */
const SIGNED = 1;
const ENCRYPTED = 2;

const SIGNATURE_BYTES = 64;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** What stands before the 32 bytes of a private Ed25519 key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
const TOKEN_CHARACTERS_MAX = 24 * 1024;

/** The keys of a shop's tokens: one signs, all check. A page that only checks needs no secret. */
export class TokenKeys {
  #signWith;
  #keys;

  /** Objects are made by {@link TokenKeys.load}. @param {string} signWith @param {Map<string, any>} keys */
  constructor(signWith, keys) {
    this.#signWith = signWith;
    this.#keys = keys;
  }

  /**
   * Reads what the keys file holds; see token.d.ts.
   *
   * @param {{sign_with: string, keys: {key_id: string, seed?: string, public_key?: string, encryption_key?: string}[]}} file
   * @returns {Promise<TokenKeys>}
   */
  static async load(file) {
    const keys = new Map();
    for (const entry of file?.keys ?? []) {
      if (keys.has(entry.key_id)) throw invalidKeys(`the key \`${entry.key_id}\` stands twice`);
      keys.set(entry.key_id, await importKey(entry));
    }
    if (!keys.has(file?.sign_with)) throw invalidKeys(`\`sign_with\` names no key: \`${file?.sign_with}\``);
    return new TokenKeys(file.sign_with, keys);
  }

  /** The id of the key that signs. */
  get signWith() {
    return this.#signWith;
  }

  /**
   * Bytes of payload that leave a token of this many characters: the module's `bytes_max`.
   *
   * @param {number} characters @param {'signed' | 'encrypted'} [form]
   */
  payloadBytes(characters, form = 'signed') {
    const id = new TextEncoder().encode(this.#signWith).length;
    const overhead = form === 'encrypted' ? 2 + 2 + id + 2 + NONCE_BYTES + 3 + TAG_BYTES : 0;
    return Math.max(0, Math.floor((characters * 3) / 4) - SIGNATURE_BYTES - overhead);
  }

  /**
   * The token of a payload that the module wrote for the key that signs.
   *
   * @param {Uint8Array} payload @param {'signed' | 'encrypted'} [form]
   * @returns {Promise<string>}
   */
  async write(payload, form = 'signed') {
    const { keyId } = headOf(payload);
    if (keyId !== this.#signWith) throw unknownKey(keyId, 'is not the one that signs now');
    const key = this.#find(keyId);
    if (!key.signing) throw unknownKey(keyId, "has no `seed`, so that it can't sign");
    const signature = await crypto.subtle.sign('Ed25519', key.signing, /** @type {any} */ (payload));
    const signed = joined(payload, new Uint8Array(signature));
    if (form === 'signed') return toText(signed);
    if (!key.cipher) throw unknownKey(keyId, 'has no `encryption_key`');
    const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
    const sealed = await crypto.subtle.encrypt(gcm(nonce, keyId), key.cipher, /** @type {any} */ (signed));
    return toText(encode([ENCRYPTED, keyId, nonce, new Uint8Array(sealed)]));
  }

  /**
   * The payload of a token: signed by a known key, for this shop, still valid.
   *
   * @param {string} text @param {number} nowMs @param {string} shop
   * @returns {Promise<Uint8Array>}
   */
  async read(text, nowMs, shop) {
    const bytes = fromText(text);
    // A signed token is a MessagePack value and the signature behind it; an encrypted one is a value alone.
    const signed = bytes[1] === SIGNED ? bytes : await this.#decrypt(bytes);
    if (signed.length < SIGNATURE_BYTES) throw malformed('it ends before its signature');
    const payload = signed.slice(0, -SIGNATURE_BYTES);
    const head = headOf(payload);
    const fits = await crypto.subtle.verify('Ed25519', this.#find(head.keyId).verifying, signed.slice(-SIGNATURE_BYTES), payload);
    if (!fits) throw new UnisonoError('token_forged', "the token's signature does not fit");
    if (head.shop !== shop) throw new UnisonoError('token_foreign', `the token belongs to the shop \`${head.shop}\``);
    if (head.expiresMs <= nowMs) throw new UnisonoError('token_expired', `the token expired at \`${head.expiresMs}\``);
    return payload;
  }

  /** @param {Uint8Array} bytes @returns {Promise<Uint8Array>} */
  async #decrypt(bytes) {
    const [version, keyId, nonce, sealed, ...rest] = values(bytes);
    const sound = version === ENCRYPTED && typeof keyId === 'string' && nonce?.length === NONCE_BYTES && rest.length === 0;
    if (!sound || !(sealed instanceof Uint8Array)) throw malformed('its version or its encrypted form is not known');
    const key = this.#find(keyId);
    if (!key.cipher) throw unknownKey(keyId, 'has no `encryption_key`');
    try {
      return new Uint8Array(await crypto.subtle.decrypt(gcm(nonce, keyId), key.cipher, /** @type {any} */ (sealed)));
    } catch (error) {
      throw new UnisonoError('token_forged', "the token's encryption does not fit", { cause: error });
    }
  }

  /** @param {string} keyId */
  #find(keyId) {
    const key = this.#keys.get(keyId);
    if (key === undefined) throw unknownKey(keyId, 'is not one of these keys');
    return key;
  }
}

/** @param {Uint8Array} payload */
function headOf(payload) {
  const [version, keyId, shop, , expiresS] = values(payload);
  if (version !== SIGNED || typeof keyId !== 'string') throw malformed('its payload has no head');
  return { keyId, shop, expiresMs: Number(expiresS) * 1000 };
}

/** @param {Uint8Array} bytes @returns {any[]} */
function values(bytes) {
  try {
    const value = decode(bytes);
    if (Array.isArray(value)) return value;
  } catch (error) {
    throw malformed('it is no MessagePack', error);
  }
  throw malformed('it is no array');
}

/** @param {any} entry */
async function importKey(entry) {
  const key = { signing: /** @type {any} */ (null), verifying: /** @type {any} */ (null), cipher: /** @type {any} */ (null) };
  const bytes = (/** @type {string} */ name) => {
    if (entry[name] === undefined || entry[name] === null) return null;
    try {
      const read = fromText(entry[name]);
      if (read.length === 32) return /** @type {any} */ (read);
    } catch {
      // Said below, without what the field holds.
    }
    throw invalidKeys(`of the key \`${entry.key_id}\`, \`${name}\` is not 32 bytes as base64url without padding`);
  };
  const [seed, encryption] = [bytes('seed'), bytes('encryption_key')];
  let open = bytes('public_key');
  if (seed !== null) {
    key.signing = await crypto.subtle.importKey('pkcs8', joined(PKCS8_HEAD, seed), 'Ed25519', true, ['sign']);
    const own = fromText((await crypto.subtle.exportKey('jwk', key.signing)).x ?? '');
    if (open !== null && toText(open) !== toText(own)) {
      throw invalidKeys(`of the key \`${entry.key_id}\`, \`public_key\` is not that of \`seed\``);
    }
    open = own;
  }
  if (open === null) throw invalidKeys(`of the key \`${entry.key_id}\`, both \`seed\` and \`public_key\` are absent`);
  key.verifying = await crypto.subtle.importKey('raw', open, 'Ed25519', true, ['verify']);
  if (encryption !== null) {
    key.cipher = await crypto.subtle.importKey('raw', encryption, 'AES-GCM', false, ['encrypt', 'decrypt']);
  }
  return key;
}

/** @param {Uint8Array} nonce @param {string} keyId @returns {any} */
function gcm(nonce, keyId) {
  return { name: 'AES-GCM', iv: nonce, additionalData: new TextEncoder().encode(keyId) };
}

/** @param {ArrayLike<number>} a @param {ArrayLike<number>} b @returns {any} */
function joined(a, b) {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}

/** Base64url without padding. @param {Uint8Array} bytes */
function toText(bytes) {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} text @returns {Uint8Array} */
function fromText(text) {
  if (typeof text !== 'string' || text.length > TOKEN_CHARACTERS_MAX || !/^[\w-]*$/.test(text) || text.length % 4 === 1) {
    throw malformed('it is no base64url');
  }
  const bytes = Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (letter) => letter.charCodeAt(0));
  // Bits beyond the last byte must be zero: one token has one text.
  if (toText(bytes) !== text) throw malformed('it is no base64url');
  return bytes;
}

/** @param {string} what @param {unknown} [cause] */
function malformed(what, cause) {
  return new UnisonoError('token_malformed', `the text is no token: ${what}`, { cause });
}

/** @param {string} what */
function invalidKeys(what) {
  return new UnisonoError('token_keys_invalid', `the token keys can't be used: ${what}`);
}

/** @param {string} keyId @param {string} why */
function unknownKey(keyId, why) {
  return new UnisonoError('token_key_unknown', `the key \`${keyId}\` ${why}`);
}

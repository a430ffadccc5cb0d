// MessagePack, both ways, for plain values. Small, because the package has no dependencies; complete for what crosses
// the module's boundary: null, booleans, integers of 64 bits, floats, strings, binary data, arrays and objects.
// Extension types are refused.

import { UnisonoError } from './error.js';

/** Arrays and objects inside each other, at most; a cycle ends here instead of never. */
const DEPTH_MAX = 64;

/** Up to this many characters a loop beats the call of a text codec. */
const SHORT_TEXT = 32;

const LONE_SURROGATE = /\p{Surrogate}/u;

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Encodes a plain value.
 *
 * Numbers without a fraction become integers of the shortest form, so that `1` and `1.0` are the same; bigints are
 * integers of up to 64 bits. Fields that are `undefined` are left out, as in JSON. `Uint8Array` and `ArrayBuffer` are
 * binary data.
 *
 * @param {unknown} value
 * @returns {Uint8Array}
 * @throws {UnisonoError} `invalid_type`, `invalid_utf8`, `out_of_range` or `limit_exceeded`, with the field.
 */
export function encode(value) {
  const writer = new Writer();
  writer.value(value);
  return writer.bytes.slice(0, writer.length);
}

/**
 * Decodes one value, and nothing may follow it. Integers beyond 2^53 become bigints, binary data `Uint8Array`s.
 *
 * @param {Uint8Array} bytes
 * @returns {any}
 * @throws {UnisonoError} `invalid_msgpack`, `trailing_bytes`, `invalid_utf8` or `limit_exceeded`.
 */
export function decode(bytes) {
  const reader = new Reader(bytes);
  let value;
  try {
    value = reader.value(0);
  } catch (error) {
    // Reading beyond the end of a view is a RangeError; whatever else was thrown is ours.
    if (error instanceof UnisonoError) throw error;
    throw new UnisonoError('invalid_msgpack', 'the bytes end too early', { cause: error });
  }
  if (reader.at !== bytes.length) {
    throw new UnisonoError('trailing_bytes', `${bytes.length - reader.at} bytes follow the value`);
  }
  return value;
}

class Writer {
  bytes = new Uint8Array(1024);
  view = new DataView(this.bytes.buffer);
  length = 0;
  /** Names and positions on the way to the value that is being written, for errors. @type {(string | number)[]} */
  path = [];

  /**
   * Makes room for `more` bytes and gives the position of the first; `bytes` and `view` may be others afterwards.
   *
   * @param {number} more
   */
  room(more) {
    const at = this.length;
    this.length += more;
    if (this.length > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.length, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  /** @param {unknown} value */
  value(value) {
    switch (typeof value) {
      case 'string':
        return this.text(value);
      case 'number':
        return Number.isSafeInteger(value) ? this.integer(value) : this.float(value);
      case 'boolean':
        return this.byte(value ? 0xc3 : 0xc2);
      case 'bigint':
        return this.bigint(value);
      case 'undefined':
        return this.byte(0xc0);
      case 'object':
        return value === null ? this.byte(0xc0) : this.object(value);
      default:
        return this.fail('invalid_type', `a ${typeof value} can't be sent`);
    }
  }

  /** @param {object} value */
  object(value) {
    if (this.path.length >= DEPTH_MAX) this.fail('limit_exceeded', `nested deeper than ${DEPTH_MAX}, or within itself`);
    if (Array.isArray(value)) {
      this.head(value.length, 0x90, 15, 0xdc);
      for (let index = 0; index < value.length; index += 1) {
        this.path.push(index);
        this.value(value[index]);
        this.path.pop();
      }
    } else if (value instanceof Uint8Array) {
      this.binary(value);
    } else if (value instanceof ArrayBuffer) {
      this.binary(new Uint8Array(value));
    } else if (Object.prototype.toString.call(value) === '[object Object]') {
      this.fields(/** @type {Record<string, unknown>} */ (value));
    } else {
      this.fail('invalid_type', `a ${value.constructor?.name ?? 'strange object'} can't be sent; send plain objects`);
    }
  }

  /** @param {Record<string, unknown>} object */
  fields(object) {
    const names = Object.keys(object);
    const values = names.map((name) => object[name]);
    const sent = values.reduce((/** @type {number} */ count, value) => (value === undefined ? count : count + 1), 0);
    this.head(sent, 0x80, 15, 0xde);
    names.forEach((name, index) => {
      if (values[index] === undefined) return;
      this.path.push(name);
      this.text(name);
      this.value(values[index]);
      this.path.pop();
    });
  }

  /** @param {string} text */
  text(text) {
    const length = text.length;
    if (length <= SHORT_TEXT && this.asciiText(text)) return;
    if (LONE_SURROGATE.test(text)) this.fail('invalid_utf8', 'the text holds half of a character (a lone surrogate)');
    const bytes = textEncoder.encode(text);
    if (bytes.length <= 31) this.byte(0xa0 | bytes.length);
    else this.sized(bytes.length, 0xd9);
    this.append(bytes);
  }

  /** Writes a short text of ASCII alone; says whether it was one. @param {string} text */
  asciiText(text) {
    const { length } = text;
    const start = this.length;
    let at = this.room(length + 2);
    if (length <= 31) this.bytes[at++] = 0xa0 | length;
    else {
      this.bytes[at++] = 0xd9;
      this.bytes[at++] = length;
    }
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code > 0x7f) {
        this.length = start;
        return false;
      }
      this.bytes[at++] = code;
    }
    this.length = at;
    return true;
  }

  /** @param {Uint8Array} bytes */
  binary(bytes) {
    this.sized(bytes.length, 0xc4);
    this.append(bytes);
  }

  /** @param {Uint8Array} bytes */
  append(bytes) {
    const at = this.room(bytes.length);
    this.bytes.set(bytes, at);
  }

  /** The head of an array or object. @param {number} length @param {number} fixed @param {number} fixedMax @param {number} tag */
  head(length, fixed, fixedMax, tag) {
    if (length <= fixedMax) this.byte(fixed | length);
    else if (length <= 0xffff) this.tagged(tag, 2, length);
    else this.tagged(tag + 1, 4, length);
  }

  /** The head of a long text or of binary data; `tag` is that of one byte of length. @param {number} length @param {number} tag */
  sized(length, tag) {
    if (length <= 0xff) this.tagged(tag, 1, length);
    else if (length <= 0xffff) this.tagged(tag + 1, 2, length);
    else this.tagged(tag + 2, 4, length);
  }

  /** @param {number} value */
  integer(value) {
    if (value >= 0) {
      if (value <= 0x7f) this.byte(value);
      else if (value <= 0xff) this.tagged(0xcc, 1, value);
      else if (value <= 0xffff) this.tagged(0xcd, 2, value);
      else if (value <= 0xffffffff) this.tagged(0xce, 4, value);
      else this.wide(0xcf, BigInt(value));
    } else if (value >= -32) this.byte(value & 0xff);
    else if (value >= -0x80) this.tagged(0xd0, 1, value);
    else if (value >= -0x8000) this.tagged(0xd1, 2, value);
    else if (value >= -0x80000000) this.tagged(0xd2, 4, value);
    else this.wide(0xd3, BigInt(value));
  }

  /** @param {bigint} value */
  bigint(value) {
    const number = Number(value);
    if (Number.isSafeInteger(number)) this.integer(number);
    else if (value >= 0n && value < 1n << 64n) this.wide(0xcf, value);
    else if (value < 0n && value >= -(1n << 63n)) this.wide(0xd3, value);
    else this.fail('out_of_range', `the integer \`${value}\` needs more than 64 bits`);
  }

  /** @param {number} value */
  float(value) {
    const at = this.room(9);
    this.bytes[at] = 0xcb;
    this.view.setFloat64(at + 1, value);
  }

  /** @param {number} byte */
  byte(byte) {
    const at = this.room(1);
    this.bytes[at] = byte;
  }

  /** A tag and a number of `width` bytes. @param {number} tag @param {number} width @param {number} value */
  tagged(tag, width, value) {
    const at = this.room(1 + width);
    this.bytes[at] = tag;
    if (width === 1) this.view.setUint8(at + 1, value);
    else if (width === 2) this.view.setUint16(at + 1, value);
    else this.view.setUint32(at + 1, value);
  }

  /** A tag and a number of eight bytes. @param {number} tag @param {bigint} value */
  wide(tag, value) {
    const at = this.room(9);
    this.bytes[at] = tag;
    this.view.setBigUint64(at + 1, BigInt.asUintN(64, value));
  }

  /** @param {string} code @param {string} message @returns {never} */
  fail(code, message) {
    const field = this.path.reduce((/** @type {string} */ path, step) => {
      if (typeof step === 'number') return `${path}[${step}]`;
      return path === '' ? step : `${path}.${step}`;
    }, '');
    throw new UnisonoError(code, message, { field });
  }
}

class Reader {
  at = 0;

  /** @param {Uint8Array} bytes */
  constructor(bytes) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** @param {number} width */
  uint(width) {
    const at = this.at;
    this.at += width;
    if (width === 1) return this.view.getUint8(at);
    return width === 2 ? this.view.getUint16(at) : this.view.getUint32(at);
  }

  /** @param {number} depth @returns {any} */
  value(depth) {
    const tag = this.uint(1);
    if (tag <= 0x7f) return tag;
    if (tag >= 0xe0) return tag - 0x100;
    if (tag <= 0x8f) return this.object(tag & 15, depth);
    if (tag <= 0x9f) return this.array(tag & 15, depth);
    if (tag <= 0xbf) return this.text(tag & 31);
    return this.tagged(tag, depth);
  }

  /** @param {number} tag @param {number} depth @returns {any} */
  tagged(tag, depth) {
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: case 0xc5: case 0xc6: return this.take(this.uint(1 << (tag - 0xc4))).slice();
      case 0xca: return this.view.getFloat32((this.at += 4) - 4);
      case 0xcb: return this.view.getFloat64((this.at += 8) - 8);
      case 0xcc: case 0xcd: case 0xce: return this.uint(1 << (tag - 0xcc));
      case 0xcf: return narrow(this.view.getBigUint64((this.at += 8) - 8));
      case 0xd0: return this.view.getInt8((this.at += 1) - 1);
      case 0xd1: return this.view.getInt16((this.at += 2) - 2);
      case 0xd2: return this.view.getInt32((this.at += 4) - 4);
      case 0xd3: return narrow(this.view.getBigInt64((this.at += 8) - 8));
      case 0xd9: case 0xda: case 0xdb: return this.text(this.uint(1 << (tag - 0xd9)));
      case 0xdc: case 0xdd: return this.array(this.uint(2 << (tag - 0xdc)), depth);
      case 0xde: case 0xdf: return this.object(this.uint(2 << (tag - 0xde)), depth);
      default: throw new UnisonoError('invalid_msgpack', `the byte 0x${tag.toString(16)} begins no value that is known here`);
    }
  }

  /** @param {number} length */
  take(length) {
    const start = this.at;
    this.at += length;
    if (this.at > this.bytes.length) throw new UnisonoError('invalid_msgpack', 'the bytes end too early');
    return this.bytes.subarray(start, this.at);
  }

  /** @param {number} length @returns {string} */
  text(length) {
    const bytes = this.take(length);
    if (length <= SHORT_TEXT) {
      let text = '';
      let index = 0;
      while (index < length && bytes[index] <= 0x7f) text += String.fromCharCode(bytes[index++]);
      if (index === length) return text;
    }
    try {
      return textDecoder.decode(bytes);
    } catch (error) {
      throw new UnisonoError('invalid_utf8', 'a text is not UTF-8', { cause: error });
    }
  }

  /** @param {number} length @param {number} depth */
  array(length, depth) {
    this.enter(length, depth);
    const values = [];
    for (let index = 0; index < length; index += 1) values.push(this.value(depth + 1));
    return values;
  }

  /** @param {number} length @param {number} depth */
  object(length, depth) {
    this.enter(length * 2, depth);
    /** @type {Record<string, unknown>} */
    const object = {};
    for (let index = 0; index < length; index += 1) {
      const name = this.value(depth + 1);
      if (typeof name !== 'string') throw new UnisonoError('invalid_type', 'a key is not a string');
      const value = this.value(depth + 1);
      // Plain assignment of this one name would replace the object's prototype.
      if (name === '__proto__') Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
      else object[name] = value;
    }
    return object;
  }

  /** Refuses depths and lengths that can't be. @param {number} values @param {number} depth */
  enter(values, depth) {
    if (depth >= DEPTH_MAX) throw new UnisonoError('limit_exceeded', `nested deeper than ${DEPTH_MAX}`);
    // Each value takes a byte at least.
    if (values > this.bytes.length - this.at) throw new UnisonoError('invalid_msgpack', 'the bytes end too early');
  }
}

/** @param {bigint} value */
function narrow(value) {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

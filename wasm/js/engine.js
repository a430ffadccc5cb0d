// Instances of the module: one for each module, shared by all objects of the page, thrown away after a trap.

import * as abi from './abi.js';
import { UnisonoError } from './error.js';
import { read } from './source.js';

/** The exports that this file was written against. */
const ABI_VERSION = 2;

/**
 * Bytes of one input, at most: the largest that any call takes, that of `profileMerge`. The module's own limits name
 * themselves; this one keeps an input that would not even fit its memory from killing the instance.
 */
const INPUT_BYTES_MAX = 16 * (4 * 1024 * 1024 + 8) + 64;

/** Engines, or engines in the making, by the SHA-256 of their module. @type {Map<string, Promise<Engine>>} */
const byDigest = new Map();
/** The same for modules that came compiled, whose bytes no one here has seen. @type {WeakMap<WebAssembly.Module, Promise<Engine>>} */
const byModule = new WeakMap();

/**
 * The engine of a module: the running one, or a new one. Every caller owes it a `release`.
 *
 * @param {unknown} given What the caller gave as `module`.
 * @param {string} [moduleId] What the caller says its SHA-256 is.
 * @returns {Promise<Engine>}
 */
export async function acquire(given, moduleId) {
  const module = await given;
  if (module instanceof WebAssembly.Module) {
    return share(byModule, module, () => start(module, moduleId ?? null));
  }
  const bytes = await read(module, 'module');
  const digest = await sha256(bytes);
  if (digest !== null && moduleId !== undefined && moduleId !== digest) {
    throw new UnisonoError('module_mismatch', `the module has the SHA-256 ${digest}, not ${moduleId}`, { field: 'module' });
  }
  // Without a digest nothing says that two modules are equal, so that neither is shared.
  if (digest === null) return (await start(await compile(bytes), null)).taken();
  return share(byDigest, digest, async () => start(await compile(bytes), digest));
}

/**
 * @template K
 * @param {{get(key: K): Promise<Engine> | undefined, set(key: K, value: Promise<Engine>): unknown, delete(key: K): boolean}} engines
 * @param {K} key
 * @param {() => Promise<Engine>} make
 */
async function share(engines, key, make) {
  const running = await engines.get(key)?.catch(() => null);
  if (running?.isUsable()) return running.taken();
  // Another caller may have begun one while we waited for an engine that turned out to be of no use.
  const begun = engines.get(key);
  if (begun !== undefined && (await begun.catch(() => null))?.isUsable()) return (await begun).taken();
  const starting = make();
  engines.set(key, starting);
  const forget = () => engines.get(key) === starting && engines.delete(key);
  starting.then((engine) => (engine.onEnd = forget), forget);
  return (await starting).taken();
}

/** @param {Uint8Array} bytes @returns {Promise<string | null>} */
async function sha256(bytes) {
  // Pages that came over plain HTTP have no WebCrypto.
  if (globalThis.crypto?.subtle === undefined) return null;
  const digest = await crypto.subtle.digest('SHA-256', /** @type {BufferSource} */ (bytes));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** @param {Uint8Array} bytes */
async function compile(bytes) {
  try {
    return await WebAssembly.compile(/** @type {BufferSource} */ (bytes));
  } catch (error) {
    const message = 'the bytes are no module, or this runtime compiles none (give it a WebAssembly.Module then)';
    throw new UnisonoError('module_invalid', message, { field: 'module', cause: error });
  }
}

/** @param {WebAssembly.Module} module @param {string | null} moduleId */
async function start(module, moduleId) {
  /** @type {any} */
  let exports;
  try {
    ({ exports } = await WebAssembly.instantiate(module));
  } catch (error) {
    throw new UnisonoError('module_invalid', 'the module could not be started', { field: 'module', cause: error });
  }
  const found = exports.abi_version?.();
  if (found !== ABI_VERSION) {
    const message = `the module has the ABI version ${found}, this package needs ${ABI_VERSION}; use the module of the package`;
    throw new UnisonoError('module_mismatch', message, { field: 'module' });
  }
  return new Engine(exports, moduleId);
}

/** One instance of the module. */
class Engine {
  #exports;
  /** What it trapped with. @type {unknown} */
  #trap = null;
  #users = 0;
  /** Called once nobody may share this engine any more. */
  onEnd = () => {};

  /** @param {any} exports @param {string | null} moduleId */
  constructor(exports, moduleId) {
    this.#exports = exports;
    this.moduleId = moduleId;
  }

  isUsable() {
    return this.#trap === null;
  }

  /** Counts one more user. */
  taken() {
    this.#users += 1;
    return this;
  }

  /** Counts one user less; the last one gives the memory back to the runtime. */
  release() {
    this.#users -= 1;
    if (this.#users === 0) this.onEnd();
  }

  /** @param {number} handle @param {number} policy @param {Uint8Array} request @returns {Uint8Array} */
  recommend(handle, policy, request) {
    return this.#call('recommend', [handle, policy], request);
  }

  /** @param {Uint8Array} policy @returns {Uint8Array} */
  loadPolicy(policy) {
    return this.#call('load_policy', [], policy);
  }

  /** @param {number} policy @param {Uint8Array} input @returns {Uint8Array} */
  profileApply(policy, input) {
    return this.#call('profile_apply', [policy], input);
  }

  /** @param {Uint8Array} input @returns {Uint8Array} */
  profileErase(input) {
    return this.#call('profile_erase', [], input);
  }

  /** @param {number} policy @param {Uint8Array} input @returns {Uint8Array} */
  profileExport(policy, input) {
    return this.#call('profile_export', [policy], input);
  }

  /** @param {Uint8Array} input @returns {Uint8Array} */
  profileComponent(input) {
    return this.#call('profile_component', [], input);
  }

  /** @param {Uint8Array} input @returns {Uint8Array} */
  profileMerge(input) {
    return this.#call('profile_merge', [], input);
  }

  /** @param {number} policy @param {Uint8Array} input @returns {Uint8Array} */
  tokenWrite(policy, input) {
    return this.#call('token_write', [policy], input);
  }

  /** @param {number} policy @param {Uint8Array} input @returns {Uint8Array} */
  tokenApply(policy, input) {
    return this.#call('token_apply', [policy], input);
  }

  /** A buffer in the module's memory. @param {number} length @returns {number} Where it starts. */
  alloc(length) {
    return this.#run(() => abi.alloc(this.#exports, length));
  }

  /** @param {number} start @param {number} length As of `alloc`. */
  free(start, length) {
    if (this.isUsable()) this.#run(() => this.#exports.free(start, length));
  }

  /** @param {number} start @param {Uint8Array} bytes */
  write(start, bytes) {
    this.#run(() => abi.memory(this.#exports, start, bytes.length).set(bytes));
  }

  /** A copy of the module's memory. @param {number} start @param {number} length */
  read(start, length) {
    return this.#run(() => abi.memory(this.#exports, start, length).slice());
  }

  /**
   * Loads the model that lies in a buffer of `alloc`, which is the module's from then on.
   *
   * @param {number} start
   * @param {number} length
   * @returns {Uint8Array} The module's answer.
   */
  loadModel(start, length) {
    return this.#run(() => abi.take(this.#exports, this.#exports.load_model(start, length)));
  }

  /** @param {number} handle */
  drop(handle) {
    if (this.isUsable()) this.#run(() => this.#exports.drop_handle(handle));
  }

  /** @param {string} name @param {number[]} handles @param {Uint8Array} input */
  #call(name, handles, input) {
    return this.#run(() => abi.call(this.#exports, name, handles, bounded(input)));
  }

  /**
   * Calls into the module. Whatever is thrown on the way (a trap, a stack that was too small) leaves the instance in no
   * known state, so that it is never called again.
   *
   * @template T
   * @param {() => T} call
   * @returns {T}
   */
  #run(call) {
    if (this.#trap !== null) throw this.#trapped();
    try {
      return call();
    } catch (error) {
      if (error instanceof UnisonoError) throw error;
      this.#trap = error;
      this.onEnd();
      throw this.#trapped();
    }
  }

  #trapped() {
    const message = 'the module trapped, and its instance with all models was thrown away; load again';
    return new UnisonoError('instance_trapped', message, { cause: this.#trap });
  }
}

/** @param {Uint8Array} input */
function bounded(input) {
  if (input.length <= INPUT_BYTES_MAX) return input;
  throw new UnisonoError('limit_exceeded', `${input.length} bytes; input_bytes_max is ${INPUT_BYTES_MAX}`);
}

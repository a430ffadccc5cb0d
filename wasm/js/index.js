// The class that a site uses.

import { acquire } from './engine.js';
import { UnisonoError, unlessError } from './error.js';
import { loadModel } from './model.js';
import { decode, encode } from './msgpack.js';

export { UnisonoError, decode, encode };

/** Drops the models of objects that were forgotten without `free`. */
const forgotten = globalThis.FinalizationRegistry && new FinalizationRegistry(dropModel);

/** @typedef {{engine: Awaited<ReturnType<typeof acquire>>, handle: number, policy: number}} Held */

/** The handle of the policy that needs no loading. */
const DEFAULT_POLICY = 0;

/** @param {Held} held */
function dropModel({ engine, handle, policy }) {
  engine.drop(handle);
  if (policy !== DEFAULT_POLICY) engine.drop(policy);
  engine.release();
}

/** A model, ready to recommend. See index.d.ts for every field of requests and responses. */
export class Unisono {
  #held;
  #modelId;
  #policyId;
  #moduleId;
  #freed = false;

  /** Objects are made by {@link Unisono.load}. @param {any} held @param {string} modelId @param {string | null} policyId */
  constructor(held, modelId, policyId) {
    if (held?.engine === undefined) throw new UnisonoError('invalid_source', 'use `await Unisono.load({ model })`');
    this.#held = held;
    this.#modelId = modelId;
    this.#policyId = policyId;
    this.#moduleId = held.engine.moduleId;
    forgotten?.register(this, held, this);
  }

  /**
   * Loads module, model and policy.
   *
   * @param {{model: unknown, policy?: object, module?: unknown, moduleId?: string}} options
   * @returns {Promise<Unisono>}
   */
  static async load({ model, policy, module, moduleId } = /** @type {any} */ ({})) {
    const engine = await acquire(module ?? ownModule(), moduleId);
    try {
      // The policy first: it is small, and a model that no one may use is not worth fetching.
      const rules = policy === undefined || policy === null ? null : unlessError(decode(engine.loadPolicy(encode(forModule(policy)))));
      const { handle, model_id: modelId } = await loadModel(engine, model).catch((error) => {
        if (rules !== null && engine.isUsable()) engine.drop(rules.handle);
        throw error;
      });
      const held = { engine, handle, policy: rules?.handle ?? DEFAULT_POLICY };
      return new Unisono(held, modelId, rules?.policy_id ?? null);
    } catch (error) {
      engine.release();
      throw error;
    }
  }

  /** SHA-256 of the module, in hexadecimal digits; null where it is not known. */
  get moduleId() {
    return this.#moduleId;
  }

  /** The model's id, in hexadecimal digits. */
  get modelId() {
    return this.#modelId;
  }

  /** The policy's id, in hexadecimal digits; null for the default policy. */
  get policyId() {
    return this.#policyId;
  }

  /** @param {object} request @returns {any} */
  recommend(request) {
    return unlessError(decode(this.recommendBytes(encode(request))));
  }

  /** @param {Uint8Array} request @returns {Uint8Array} */
  recommendBytes(request) {
    const { engine, handle, policy } = this.#use();
    return engine.recommend(handle, policy, checkedBytes(request));
  }

  /** @param {object} input @returns {any} */
  profileApply(input) {
    const { engine, policy } = this.#use();
    return unlessError(decode(engine.profileApply(policy, encode(input))));
  }

  /** @param {object} input @returns {any} */
  profileMerge(input) {
    return unlessError(decode(this.#use().engine.profileMerge(encode(input))));
  }

  /** @param {object} input @returns {any} */
  profileErase(input) {
    return unlessError(decode(this.#use().engine.profileErase(encode(input))));
  }

  /** @param {object} input @returns {any} */
  profileExport(input) {
    const { engine, policy } = this.#use();
    return unlessError(decode(engine.profileExport(policy, encode(input))));
  }

  /** @param {object} input @returns {any} */
  profileComponent(input) {
    return unlessError(decode(this.#use().engine.profileComponent(encode(input))));
  }

  /** @param {object} input @returns {any} */
  tokenWrite(input) {
    const { engine, policy } = this.#use();
    return unlessError(decode(engine.tokenWrite(policy, encode(input))));
  }

  /** @param {object} input @returns {any} */
  tokenApply(input) {
    const { engine, policy } = this.#use();
    return unlessError(decode(engine.tokenApply(policy, encode(input))));
  }

  /** Gives the model's memory back; the object is of no use afterwards. */
  free() {
    if (this.#freed) return;
    this.#freed = true;
    forgotten?.unregister(this);
    dropModel(this.#held);
  }

  // Runtimes without `using` have no such symbol, and then no one can call the method.
  [Symbol.dispose ?? Symbol('dispose')]() {
    this.free();
  }

  #use() {
    if (this.#freed) throw new UnisonoError('freed', 'this object was freed; load again');
    return this.#held;
  }
}

/** A policy without what the host alone reads. @param {object} policy */
function forModule(policy) {
  const { host, ...rules } = /** @type {any} */ (policy);
  return rules;
}

/** The module beside this file. */
function ownModule() {
  try {
    // Written out, so that bundlers see which file belongs to the page.
    return new URL('./unisono.wasm', import.meta.url);
  } catch (error) {
    const message = 'this runtime does not tell where the package lies; give `module` as a WebAssembly.Module';
    throw new UnisonoError('invalid_source', message, { field: 'module', cause: error });
  }
}

/** @param {unknown} bytes @returns {Uint8Array} */
function checkedBytes(bytes) {
  if (bytes instanceof Uint8Array) return bytes;
  throw new UnisonoError('invalid_type', 'recommendBytes takes a Uint8Array; recommend takes an object');
}

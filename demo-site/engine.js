// The recommender in the page: the only file that knows the npm package.

const PACKAGE = "./pkg/index.js";
const MODULE = "./pkg/unisono.wasm";
// The host's model; beside a page without a host a copy may lie.
const MODELS = ["./v1/model", "./model.unisono"];

/**
 * Fetches module and model and starts them.
 * @returns {Promise<Engine>}
 */
export async function startEngine() {
  const [unisono, module, model] = await Promise.all([
    import(PACKAGE).catch((cause) => {
      throw new Error("the package at `pkg/` is missing; build it with `cargo xtask wasm`", { cause });
    }),
    fetchFirst([MODULE], "the module"),
    fetchFirst(MODELS, "the model"),
  ]);
  const loaded = await unisono.Unisono.load({ module, model });
  return new Engine(unisono, loaded, module, model);
}

class Engine {
  #unisono;
  #loaded;

  constructor(unisono, loaded, module, model) {
    this.#unisono = unisono;
    this.#loaded = loaded;
    /** The module's file as it was fetched, for its digest. */
    this.module = module;
    /** Bytes of the model's file. */
    this.modelLength = model.length;
    /** SHA-256 of the model's root, as the module computed it. */
    this.modelId = loaded.modelId;
  }

  /** A request as the bytes that module and host are given. */
  encode(request) {
    return this.#unisono.encode(request);
  }

  /** The module's answer, and the milliseconds that the call took. */
  answer(requestBytes) {
    const start = performance.now();
    const bytes = this.#loaded.recommendBytes(requestBytes);
    return { bytes, ms: performance.now() - start };
  }

  decode(responseBytes) {
    return this.#unisono.decode(responseBytes);
  }

  /** A profile with events, consents and links added: `{state, results, refused, warnings}`. */
  apply(input) {
    return this.#loaded.profileApply(input);
  }

  /** The tombstone of a profile. */
  erase(state, tsMs) {
    return this.#loaded.profileErase({ state, ts_ms: tsMs, now_ms: tsMs }).state;
  }

  /** Several states read as one. */
  merge(states) {
    return this.#loaded.profileMerge({ states }).state;
  }

  /** What a state holds, readable; with a purpose only what that purpose may use. */
  read(state, nowMs, purpose) {
    return this.#loaded.profileExport({ state, now_ms: nowMs, ...(purpose && { purpose }) });
  }

  /** Who belongs together, of these profiles: `{profile_ids, needs, unit_id}`. */
  component(profileId, profiles) {
    return this.#loaded.profileComponent({ profile_id: profileId, profiles });
  }
}

async function fetchFirst(addresses, what) {
  let reason;
  for (const address of addresses) {
    try {
      const response = await fetch(address);
      if (response.ok) return new Uint8Array(await response.arrayBuffer());
      reason = `${address} answered ${response.status}`;
    } catch (error) {
      reason = `${address}: ${error.message}`;
    }
  }
  throw new Error(`can't fetch ${what}: ${reason}`);
}

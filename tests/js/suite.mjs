// The files of suites and answers, and how a suite is answered. The same code runs in Node and in a page; see
// `src/suite.rs` for the formats.

const SUITE = 'UNISUITE';
const ANSWERS = 'UNIANSWR';
const VERSION = 2;
const [RECOMMEND, PROFILE_APPLY, PROFILE_MERGE, LOAD, PROFILE_ERASE, PROFILE_EXPORT, PROFILE_COMPONENT, TOKEN_WRITE, TOKEN_APPLY] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

/** Reads a suite. @param {Uint8Array} bytes */
export function readSuite(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const number = () => ((at += 4), view.getUint32(at - 4, true));
  const block = () => {
    const length = number();
    at += length;
    return bytes.subarray(at - length, at);
  };
  const magic = String.fromCharCode(...bytes.subarray(0, 8));
  at = 8;
  if (magic !== SUITE || number() !== VERSION) throw new Error('no suite of this version');
  const models = Array.from({ length: number() }, block);
  const policies = Array.from({ length: number() }, block);
  const cases = Array.from({ length: number() }, () => {
    at += 1;
    return { call: bytes[at - 1], model: number(), policy: number(), input: block() };
  });
  if (at !== bytes.length) throw new Error('bytes follow the suite');
  return { models, policies, cases };
}

/** Writes a file of answers. @param {Uint8Array[]} answers */
export function writeAnswers(answers) {
  const size = answers.reduce((sum, answer) => sum + 4 + answer.length, 16);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < 8; at += 1) bytes[at] = ANSWERS.charCodeAt(at);
  view.setUint32(8, VERSION, true);
  view.setUint32(12, answers.length, true);
  let at = 16;
  for (const answer of answers) {
    view.setUint32(at, answer.length, true);
    bytes.set(answer, at + 4);
    at += 4 + answer.length;
  }
  return bytes;
}

/**
 * Answers a suite with the npm package: `recommend` and loading through its class, profiles through the same module's
 * functions over bytes, which the class wraps in plain objects.
 *
 * @param {Uint8Array} suiteBytes
 * @param {Uint8Array} moduleBytes
 * @param {{Unisono: any, abi: any, decode: (bytes: Uint8Array) => any}} npmPackage
 * @returns {Promise<{answers: Uint8Array, moduleId: string}>}
 */
export async function answerSuite(suiteBytes, moduleBytes, { Unisono, abi, decode }) {
  const { models, policies, cases } = readSuite(suiteBytes);
  const { exports } = await WebAssembly.instantiate(await WebAssembly.compile(moduleBytes));
  const ask = (name, handles, input) => abi.call(exports, name, handles, input);
  // A model and a policy for each pair that a case names: an instance holds 64 objects, so most are loaded when needed.
  const key = ({ model, policy }) => `${model}/${policy}`;
  const handles = [0, ...policies.map((policy) => decode(ask('load_policy', [], policy)).handle)];
  const rules = [undefined, ...policies.map((policy) => decode(policy))];
  const load = async (model) => {
    try {
      const extra = await Unisono.load({ module: moduleBytes, model });
      const { modelId } = extra;
      extra.free();
      return modelId;
    } catch (error) {
      if (error?.name !== 'UnisonoError') throw error;
      return `${error.code} ${error.field}`;
    }
  };
  const answers = new Array(cases.length);
  for (const pair of new Set(cases.filter(({ call }) => call === RECOMMEND).map(key))) {
    const [model, policy] = pair.split('/').map(Number);
    const loaded = await Unisono.load({ module: moduleBytes, model: models[model], policy: rules[policy] });
    cases.forEach((one, at) => {
      if (one.call === RECOMMEND && key(one) === pair) answers[at] = loaded.recommendBytes(one.input);
    });
    loaded.free();
  }
  for (const [at, { call, policy, input }] of cases.entries()) {
    if (call === RECOMMEND) continue;
    else if (call === PROFILE_APPLY) answers[at] = ask('profile_apply', [handles[policy]], input);
    else if (call === PROFILE_MERGE) answers[at] = ask('profile_merge', [], input);
    else if (call === PROFILE_ERASE) answers[at] = ask('profile_erase', [], input);
    else if (call === PROFILE_EXPORT) answers[at] = ask('profile_export', [handles[policy]], input);
    else if (call === PROFILE_COMPONENT) answers[at] = ask('profile_component', [], input);
    else if (call === TOKEN_WRITE) answers[at] = ask('token_write', [handles[policy]], input);
    else if (call === TOKEN_APPLY) answers[at] = ask('token_apply', [handles[policy]], input);
    else if (call === LOAD) answers[at] = new TextEncoder().encode(await load(input));
    else throw new Error(`no call ${call}`);
  }
  return { answers: writeAnswers(answers), moduleId: await digest(moduleBytes) };
}

/** SHA-256 in hexadecimal digits. @param {Uint8Array} bytes */
async function digest(bytes) {
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

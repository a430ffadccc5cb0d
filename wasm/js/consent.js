// Consent as the page hears it, turned into the registers that a profile keeps: the same as the host's (host/src/consent).

import { UnisonoError } from './error.js';

const PURPOSES = ['personalization', 'offers', 'cross_channel', 'measurement', 'training'];

const GOOGLE_STATES = [
  'ad_storage',
  'ad_user_data',
  'ad_personalization',
  'analytics_storage',
  'personalization_storage',
  'functionality_storage',
  'security_storage',
];

/** What else may stand beside them in a call of `gtag`, and says nothing of consent. */
const GOOGLE_OPTIONS = ['wait_for_update', 'region'];

/** The version of TCF's policies with which disclosed vendors became mandatory (v2.3). */
const POLICY_OF_V2_3 = 5;

const DAY_MS = 86_400_000;

/** Of one moment and key the greater writer counts: the browser's own word outweighs what a consent platform says. */
const GPC_WRITER = 'user_agent';

/** Which outer purposes cover which of ours, where the policy's `host` part says nothing else. */
export const DEFAULT_MAPPING = Object.freeze({
  tcf: {
    1: PURPOSES,
    3: ['offers'],
    4: ['offers'],
    5: ['personalization', 'cross_channel'],
    6: ['personalization'],
    7: ['measurement'],
    8: ['measurement'],
    10: ['training'],
  },
  tcf_vendor: null,
  google_consent: {
    ad_storage: ['offers'],
    ad_user_data: ['offers'],
    ad_personalization: ['offers'],
    analytics_storage: ['measurement', 'training'],
    personalization_storage: ['personalization', 'cross_channel'],
  },
  gpc: ['cross_channel', 'training'],
});

/**
 * The registers of the `TCData` that `__tcfapi('addEventListener', 2, ...)` hands over; none where the GDPR does not
 * apply or the customer has not been asked yet. What a customer has just said (`useractioncomplete`) is of now. Of what a
 * string says from before, only the day is known: what it grants is of that day's beginning, what it withholds of its end.
 *
 * @param {any} tcData @param {number} nowMs @param {any} [options]
 */
export function consentsOfTcf(tcData, nowMs, { channel, mapping } = /** @type {any} */ ({})) {
  if (tcData?.gdprApplies === false || tcData?.eventStatus === 'cmpuishown') return [];
  const table = mappingOf(mapping);
  const vendor = table.tcf_vendor;
  const disclosed = Number(tcData?.tcfPolicyVersion) < POLICY_OF_V2_3 || tcData?.vendor?.disclosedVendors?.[vendor] === true;
  const ofVendor = vendor === null || (tcData?.vendor?.consents?.[vendor] === true && disclosed);
  const isGranted = (/** @type {string} */ name) => ofVendor && tcData?.purpose?.consents?.[name] === true;
  const began = lastUpdated(tcData?.tcString);
  const ended = Math.max(began, Math.min(nowMs, Math.floor(began / DAY_MS) * DAY_MS + DAY_MS - 1));
  const isNew = tcData?.eventStatus === 'useractioncomplete';
  const momentOf = (/** @type {boolean} */ granted) => (isNew ? nowMs : granted ? began : ended);
  const found = registers(table.tcf, isGranted, () => true, channel, began, 'tcf');
  return found.map((one) => ({ ...one, ts_ms: momentOf(one.granted) }));
}

/**
 * The registers of Google Consent Mode v2 states, as given to `gtag('consent', 'update', states)`.
 *
 * @param {any} states @param {number} nowMs @param {any} [options]
 */
export function consentsOfGoogle(states, nowMs, { channel, mapping } = /** @type {any} */ ({})) {
  /** @type {Map<string, boolean>} */
  const given = new Map();
  for (const name of Object.keys(states ?? {}).filter((one) => !GOOGLE_OPTIONS.includes(one))) {
    // A mistyped name would otherwise be a withdrawal that nobody hears of.
    if (!GOOGLE_STATES.includes(name)) {
      const message = `\`${name}\` is no consent state; ${GOOGLE_STATES.join(', ')} are`;
      throw new UnisonoError('google_consent_malformed', message, { field: name });
    }
    if (states[name] !== 'granted' && states[name] !== 'denied') {
      const message = `the consent state \`${name}\` is neither \`granted\` nor \`denied\``;
      throw new UnisonoError('google_consent_malformed', message, { field: name });
    }
    given.set(name, states[name] === 'granted');
  }
  const table = mappingOf(mapping).google_consent;
  return registers(table, (name) => given.get(name) === true, (name) => given.has(name), channel, nowMs, 'google_consent');
}

/**
 * The registers of `navigator.globalPrivacyControl`: true withholds, anything else says nothing.
 *
 * @param {any} globalPrivacyControl @param {number} nowMs @param {any} [options]
 */
export function consentsOfGpc(globalPrivacyControl, nowMs, { channel, mapping } = /** @type {any} */ ({})) {
  if (globalPrivacyControl !== true) return [];
  return registers({ 1: mappingOf(mapping).gpc }, () => false, () => true, channel, nowMs, GPC_WRITER);
}

/**
 * A register for each of our purposes that a given outer one names; granted where all that name it are.
 *
 * @param {Record<string, readonly string[]>} table
 * @param {(name: string) => boolean} isGranted @param {(name: string) => boolean} isGiven
 * @param {string | undefined | null} channel @param {number} tsMs @param {string} writer
 */
function registers(table, isGranted, isGiven, channel, tsMs, writer) {
  const found = [];
  for (const purpose of PURPOSES) {
    const named = Object.keys(table).filter((name) => table[name].includes(purpose));
    if (!named.some(isGiven)) continue;
    found.push({ purpose, ...(channel == null ? {} : { channel }), granted: named.every(isGranted), ts_ms: tsMs, writer });
  }
  return found;
}

/** A key that is there replaces its default whole. @param {any} mapping @returns {any} */
function mappingOf(mapping) {
  // Null and undefined are absent, as everywhere.
  const given = Object.fromEntries(Object.entries(mapping ?? {}).filter(([, value]) => value != null));
  const table = { ...DEFAULT_MAPPING, ...given };
  const lists = [...Object.values(table.tcf), ...Object.values(table.google_consent), table.gpc];
  for (const purpose of lists.flat()) {
    if (!PURPOSES.includes(purpose)) {
      throw new UnisonoError('consent_mapping_invalid', `\`${purpose}\` is no purpose; ${PURPOSES.join(', ')} are`);
    }
  }
  return table;
}

/** When the customer last said something: 36 bits of the string, tenths of a second. @param {any} tcString */
function lastUpdated(tcString) {
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  let tenths = 0;
  for (const letter of String(tcString ?? '').slice(7, 13).padEnd(6, '?')) {
    const six = letters.indexOf(letter);
    if (six < 0) throw new UnisonoError('tcf_malformed', 'the consent string is no TCF string', { field: 'tcString' });
    tenths = tenths * 64 + six;
  }
  return Math.floor(tenths / 10) * 1000;
}

/**
 * Consent as the page hears it, as the registers that `profileApply` and `/v1/consents` take.
 * `import { consentsOfTcf } from 'unisono/consent'`.
 *
 * @packageDocumentation
 */

/** What a profile may be used for. */
export type ConsentPurpose = 'personalization' | 'offers' | 'cross_channel' | 'measurement' | 'training';

/** One consent. */
export interface ConsentRegister {
  purpose: ConsentPurpose;
  /** Absent for all channels. */
  channel?: string;
  granted: boolean;
  /** When the customer said so, Unix milliseconds UTC. */
  ts_ms: number;
  writer: 'tcf' | 'google_consent' | 'user_agent';
}

/** Which outer purposes cover which of ours. A key that is there replaces its default whole. */
export interface ConsentMapping {
  /** Purposes of TCF by number, 1 to 24. */
  tcf?: Record<string, readonly ConsentPurpose[]>;
  /** Your id in the IAB's vendor list: it must have consent too. */
  tcf_vendor?: number | null;
  /** States of Google Consent Mode v2, as `ad_storage`. */
  google_consent?: Record<string, readonly ConsentPurpose[]>;
  /** What Global Privacy Control withholds. */
  gpc?: readonly ConsentPurpose[];
}

/** Where a consent holds, and by which table. */
export interface ConsentOptions {
  channel?: string | null;
  mapping?: ConsentMapping;
}

/** The table where nothing else is said, the same as the host's. */
export const DEFAULT_MAPPING: Required<ConsentMapping>;

/**
 * The registers of the `TCData` of `__tcfapi`; none where the GDPR does not apply or the customer is being asked. What was
 * just said (`useractioncomplete`) is of now; of an older string only the day is known, and of one day the word that
 * withholds counts.
 *
 * @throws {UnisonoError} `tcf_malformed`, `consent_mapping_invalid`.
 */
export function consentsOfTcf(tcData: object, nowMs: number, options?: ConsentOptions): ConsentRegister[];

/**
 * The registers of Google Consent Mode v2 states; those that are not given say nothing.
 *
 * @throws {UnisonoError} `google_consent_malformed`, `consent_mapping_invalid`.
 */
export function consentsOfGoogle(states: object, nowMs: number, options?: ConsentOptions): ConsentRegister[];

/**
 * The registers of `navigator.globalPrivacyControl`.
 *
 * @throws {UnisonoError} `consent_mapping_invalid`.
 */
export function consentsOfGpc(globalPrivacyControl: unknown, nowMs: number, options?: ConsentOptions): ConsentRegister[];

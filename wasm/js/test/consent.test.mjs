import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { consentsOfGoogle, consentsOfGpc, consentsOfTcf } from '../../pkg/consent.js';
import { failsWith } from './support.mjs';

const cases = JSON.parse(await readFile(new URL('../../../host/tests/golden/registers.json', import.meta.url), 'utf8'));

const flags = (ids) => Object.fromEntries((ids ?? []).map((id) => [id, true]));

/** What `__tcfapi` hands over for a string. */
const tcDataOf = ({ tc_string, policy_version, purposes, vendors, disclosed }) => ({
  tcString: tc_string,
  tcfPolicyVersion: policy_version,
  gdprApplies: true,
  eventStatus: 'tcloaded',
  purpose: { consents: flags(purposes), legitimateInterests: {} },
  vendor: { consents: flags(vendors), disclosedVendors: flags(disclosed) },
});

test('the page hears what the host decodes', () => {
  assert.ok(cases.length > 30);
  for (const { said, mapping, channel, now_ms: now, registers } of cases) {
    const options = { channel, mapping };
    const found =
      'tcf' in said
        ? consentsOfTcf(tcDataOf(said.tcf), now, options)
        : 'google' in said
          ? consentsOfGoogle(said.google, now, options)
          : consentsOfGpc(said.gpc === '1', now, options);
    assert.deepEqual(found, registers, JSON.stringify(said));
  }
});

test('nothing is said where the GDPR does not apply, or while the customer is being asked', () => {
  const { said } = cases.find((one) => 'tcf' in one.said);
  assert.deepEqual(consentsOfTcf({ ...tcDataOf(said.tcf), gdprApplies: false }, 0), []);
  assert.deepEqual(consentsOfTcf({ ...tcDataOf(said.tcf), eventStatus: 'cmpuishown' }, 0), []);
  assert.deepEqual(consentsOfGpc(undefined, 0), []);
  const absent = { mapping: { tcf: null, tcf_vendor: undefined, gpc: null } };
  assert.deepEqual(consentsOfTcf(tcDataOf(said.tcf), 0, absent), consentsOfTcf(tcDataOf(said.tcf), 0));
  assert.equal(consentsOfGpc(true, 0, absent).length, 2);
});

test('what the customer has just said is of now, in both directions', () => {
  const now = 1_950_000_000_000;
  for (const { said } of cases.filter((one) => 'tcf' in one.said)) {
    const found = consentsOfTcf({ ...tcDataOf(said.tcf), eventStatus: 'useractioncomplete' }, now);
    assert.deepEqual([...new Set(found.map((one) => one.ts_ms))], [now]);
  }
});

test('what can’t be read is named', async () => {
  for (const tcData of [undefined, {}, { tcString: 'C' }, { tcString: 'COv!!!!!!!!!!!!' }]) {
    await failsWith('tcf_malformed', () => consentsOfTcf(tcData, 0));
  }
  await failsWith('google_consent_malformed', () => consentsOfGoogle({ ad_storage: true }, 0), 'ad_storage');
  await failsWith('google_consent_malformed', () => consentsOfGoogle({ ad_storge: 'denied' }, 0), 'ad_storge');
  assert.deepEqual(consentsOfGoogle({ wait_for_update: 500, region: ['BR'] }, 0), []);
  await failsWith('consent_mapping_invalid', () => consentsOfGpc(true, 0, { mapping: { gpc: ['all'] } }));
});

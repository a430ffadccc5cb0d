// Writes tcf.json: TC strings by the IAB's own library, with what was put into them.
//
//     npm install --no-save @iabtcf/core@1.5.6 && node tcf.mjs > tcf.json
//
// The version of the policies tells them apart: 4 is v2.2, 5 is v2.3, which makes the segment of disclosed vendors mandatory.

import { GVL, Segment, TCModel, TCString } from '@iabtcf/core';

const vendors = Object.fromEntries([2, 10, 11, 12, 13, 755, 800, 1200].map((id) => [id, { id, name: `v${id}`, purposes: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], legIntPurposes: [], flexiblePurposes: [], specialPurposes: [], features: [], specialFeatures: [], policyUrl: '' }]));
const purposes = Object.fromEntries(Array.from({ length: 11 }, (_, at) => [at + 1, { id: at + 1, name: `p${at + 1}` }]));
// The library takes the version of the policies from the vendor list.
const listOf = (policy) => new GVL({ gvlSpecificationVersion: 3, vendorListVersion: 120, tcfPolicyVersion: policy, lastUpdated: '2026-01-01T00:00:00Z', purposes, specialPurposes: {}, features: {}, specialFeatures: {}, stacks: {}, vendors, dataCategories: {} });

const all = Object.keys(purposes).map(Number);
const cases = [
  { name: 'v2.2, all purposes', policy: 4, purposes: all, vendors: [2, 10, 755] },
  { name: 'v2.2, none', policy: 4, purposes: [], vendors: [] },
  { name: 'v2.2, storage alone', policy: 4, purposes: [1], vendors: [755] },
  { name: 'v2.2, content but no advertising', policy: 4, purposes: [1, 5, 6, 8, 10], vendors: [755] },
  { name: 'v2.2, advertising but no content', policy: 4, purposes: [1, 2, 3, 4, 7], vendors: [755] },
  { name: 'v2.2, all but storage', policy: 4, purposes: all.slice(1), vendors: [755] },
  { name: 'v2.2, ranges of vendors', policy: 4, purposes: all, vendors: [10, 11, 12, 13, 1200] },
  { name: 'v2.2, without the vendor', policy: 4, purposes: all, vendors: [2] },
  { name: 'v2.2, with the publisher segment', policy: 4, purposes: all, vendors: [755], publisher: [1, 5] },
  { name: 'v2.3, the vendor disclosed', policy: 5, purposes: all, vendors: [755, 1200], disclosed: [2, 755, 1200] },
  { name: 'v2.3, the vendor not disclosed', policy: 5, purposes: all, vendors: [755], disclosed: [2] },
  { name: 'v2.3, disclosed by ranges', policy: 5, purposes: [1, 5, 6], vendors: [755, 800], disclosed: [10, 11, 12, 13, 755] },
  { name: 'v2.3, all segments', policy: 5, purposes: [1, 7, 8, 9, 10, 11], vendors: [755], disclosed: [755], publisher: [1, 7] },
];

const held = (vector) => [...vector].filter(([, has]) => has).map(([id]) => id);

const written = cases.map(({ name, policy, purposes: consented, vendors: consentedVendors, disclosed, publisher }, at) => {
  const model = new TCModel(listOf(policy));
  model.cmpId = 31;
  model.cmpVersion = 2;
  model.consentLanguage = 'PT';
  model.publisherCountryCode = 'BR';
  model.isServiceSpecific = true;
  model.purposeConsents.set(consented);
  model.purposeLegitimateInterests.set([2, 7, 8, 9, 10]);
  model.vendorConsents.set(consentedVendors);
  if (disclosed) model.vendorsDisclosed.set(disclosed);
  if (publisher) model.publisherConsents.set(publisher);
  const updated = new Date(Date.UTC(2026, 2, 1 + at));
  model.created = new Date(Date.UTC(2025, 5, 1));
  model.lastUpdated = updated;
  const parts = TCString.encode(model, { segments: [Segment.CORE, ...(publisher ? [Segment.PUBLISHER_TC] : [])] }).split('.');
  if (disclosed) {
    // The library takes every vendor of its list for disclosed.
    const list = listOf(policy);
    list.narrowVendorsTo(disclosed);
    const other = new TCModel(list);
    other.cmpId = 31;
    other.cmpVersion = 2;
    parts.splice(1, 0, TCString.encode(other, { segments: [Segment.CORE, Segment.VENDORS_DISCLOSED] }).split('.')[1]);
  }
  const text = parts.join('.');
  const read = TCString.decode(text);
  if (read.policyVersion !== policy || read.lastUpdated.getTime() !== updated.getTime()) throw new Error(`${name} does not round-trip`);
  return { name, tc_string: text, policy_version: policy, last_updated_ms: updated.getTime(), purposes: consented, vendors: held(read.vendorConsents), disclosed: disclosed ? held(read.vendorsDisclosed) : null };
});

console.log(JSON.stringify(written, null, 2));

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';
import { TokenKeys } from '../../pkg/token.js';
import { failsWith } from './support.mjs';

const vectors = JSON.parse(await readFile(new URL('./token-vectors.json', import.meta.url), 'utf8'));
const keys = await TokenKeys.load(vectors.keys);
const payload = new Uint8Array(Buffer.from(vectors.payload, 'base64url'));
const { now_ms: now, shop, signed, encrypted } = vectors;

test('tokens of the host are read, and ours are the host’s', async () => {
  assert.deepEqual(await keys.read(signed, now, shop), payload);
  assert.deepEqual(await keys.read(encrypted, now, shop), payload);
  assert.equal(await keys.write(payload), signed, 'Ed25519 has one signature');
  const own = await keys.write(payload, 'encrypted');
  assert.equal(own.length, encrypted.length);
  assert.deepEqual(await keys.read(own, now, shop), payload);
  assert.equal(keys.payloadBytes(2048), 1472);
  const room = keys.payloadBytes(encrypted.length, 'encrypted');
  assert.ok(room >= payload.length - 2 && room <= payload.length + 3);
});

test('who only checks needs no secret', async () => {
  const [{ key_id, public_key }] = vectors.keys.keys;
  const open = await TokenKeys.load({ sign_with: key_id, keys: [{ key_id, public_key }] });
  assert.deepEqual(await open.read(signed, now, shop), payload);
  await failsWith('token_key_unknown', () => open.write(payload));
  await failsWith('token_key_unknown', () => open.read(encrypted, now, shop));
});

test('expired, foreign, forged and unknown tokens are told apart', async () => {
  await failsWith('token_expired', () => keys.read(signed, now + 600_000, shop));
  await failsWith('token_foreign', () => keys.read(signed, now, 'another'));
  const { seed } = vectors.keys.keys[0];
  const renamed = await TokenKeys.load({ sign_with: 'other', keys: [{ key_id: 'other', seed }] });
  await failsWith('token_key_unknown', () => renamed.read(signed, now, shop));
  for (const text of [signed, encrypted]) {
    for (let at = 0; at < text.length; at += 1) {
      const turned = text[at] === 'A' ? 'B' : 'A';
      const codes = ['token_forged', 'token_malformed', 'token_key_unknown'];
      await assert.rejects(keys.read(text.slice(0, at) + turned + text.slice(at + 1), now, shop), (error) => codes.includes(error.code));
    }
    await assert.rejects(keys.read(text.slice(0, 40), now, shop));
  }
  for (const text of ['', 'A', `${signed}=`, ` ${signed}`, 'A'.repeat(30_000), null]) {
    await failsWith('token_malformed', () => keys.read(text, now, shop));
  }
});

test('wrong keys are refused without repeating a secret', async () => {
  const secret = 'c2VjcmV0LXNlY3JldA';
  const [key] = vectors.keys.keys;
  const wrong = [
    [{ key_id: 'k1', seed: secret }],
    [{ key_id: 'k1' }],
    [],
    [key, key],
    [{ ...key, public_key: key.encryption_key }],
  ];
  for (const keys of wrong) {
    const error = await failsWith('token_keys_invalid', () => TokenKeys.load({ sign_with: 'k1', keys }));
    assert.ok(!error.stack.includes(secret) && !error.stack.includes(key.seed));
  }
});

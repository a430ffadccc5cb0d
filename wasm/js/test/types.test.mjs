import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import test from 'node:test';

const types = await readFile(new URL('../../pkg/index.d.ts', import.meta.url), 'utf8');
const source = (file) => readFile(new URL(`../../../core/message/src/${file}`, import.meta.url), 'utf8');

/** The stable words of a table in the source: lines such as `InvalidUtf8 "invalid_utf8" "..."`. */
const words = (text) => [...text.matchAll(/^\s+[A-Z]\w+ (?:\d+ )?"([a-z0-9_]+)"/gm)].map(([, word]) => word);

test('the types name every word of the module', async () => {
  const tables = await Promise.all(['error.rs', 'response.rs'].map(source));
  const all = tables.flatMap(words);
  assert.ok(all.length > 50, `only ${all.length} words were found: do the tables still have this form?`);
  for (const word of all) assert.ok(types.includes(`'${word}'`), `index.d.ts does not name ${word}`);
});

test('the types name every event type and every kind of placement', async () => {
  const numbered = async (file) => [...(await source(file)).matchAll(/[A-Z]\w+ \d+ "([a-z_]+)"/g)];
  const [events, kinds] = await Promise.all(['event.rs', 'request.rs'].map(numbered));
  assert.equal(events.length, 19);
  assert.equal(kinds.length, 8);
  for (const [, word] of [...events, ...kinds]) assert.ok(types.includes(`'${word}'`), `index.d.ts does not name ${word}`);
});

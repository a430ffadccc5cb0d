// Takes the steps of the demo page in Chromium: `node journey.mjs ADDRESS PICTURES BROWSER`. Begins in the app, pairs with the
// till by the QR code, withdraws a consent and grants it again, goes on while the host is away, erases, starts anew. Ends with an error at the first step that
// does not hold; pictures of the page after each step lie in the folder PICTURES.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import jsqr from 'jsqr';
import { chromium } from 'playwright-core';
import { PNG } from 'pngjs';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const STEP_MS_MAX = 20_000;
/** A hand scanner's view of the code. */
const QR_PIXELS = 300;
const QR_BYTES_MAX = 100;

const [address, pictures, browserPath] = process.argv.slice(2);
const profile = await mkdtemp(join(tmpdir(), 'unisono-journey-'));
const options = { executablePath: browserPath, headless: true, args: FLAGS, viewport: { width: 1280, height: 1000 } };
const context = await chromium.launchPersistentContext(profile, options);
const page = await context.newPage();
const faults = [];
/** The step under way, for the message when it does not hold. */
let doing = 'start';
page.setDefaultTimeout(STEP_MS_MAX);
page.on('pageerror', (error) => faults.push(error.message));
page.on('console', (message) => message.text().includes('Content Security Policy') && faults.push(message.text()));

/** The ids that a device shows, of one list or of all. */
const shown = (device, list) =>
  page.$$eval(`#${device}-lists ${list ? `[data-list="${list}"] ` : ''}[data-item]`, (items) => items.map((item) => item.dataset.item));
const digests = () => page.$$eval('#digests code', (codes) => codes.map((code) => code.title));
const signSays = (state) =>
  page.waitForFunction((wanted) => document.getElementById('sign').dataset.state === wanted, state).catch(async () => {
    assert.fail(`the sign does not become \`${state}\`; it says: ${(await page.innerText('#sign')).replaceAll('\n', ' ')}`);
  });
const changeSays = (text) => page.waitForFunction((wanted) => document.getElementById('change-title')?.textContent.startsWith(wanted), text);

/** The events that the browser keeps for a host that has not heard them. */
const waitingEvents = () =>
  page.evaluate(async () => {
    const done = (request) => new Promise((resolve, reject) => Object.assign(request, { onsuccess: () => resolve(request.result), onerror: () => reject(request.error) }));
    const database = await done(indexedDB.open('unisono', 1));
    const record = await done(database.transaction('journey').objectStore('journey').get('now'));
    database.close();
    return record.outbox.filter(({ way }) => way === 'events').flatMap(({ list }) => list);
  });

/** Does something, waits until the page says so, and looks at it. */
async function step(name, act, said, check) {
  doing = name;
  await act();
  await changeSays(said);
  // The comparison follows the lists; what the store holds comes last.
  await page.waitForFunction(() => document.body.dataset.settled === 'true');
  await page.screenshot({ path: join(pictures, `journey-${name}.png`), fullPage: true });
  await check();
  assert.deepEqual(faults, [], 'the page has faults');
  console.log(`the page holds: ${name}`);
}

async function main() {
  let item, code, before;

  await step('strangers', () => page.goto(address), 'A phone and a till', async () => {
    await signSays('apart');
    assert.equal((await shown('phone', 'again')).length, 0, 'a new app knows what was bought');
    assert.ok((await shown('till', 'again')).length > 0, 'the till does not know the card');
    [item] = await shown('phone', 'next');
  });

  await step('begin-in-the-app', () => page.click(`#phone-lists [data-item="${item}"] button`), 'Looked at in the app', async () => {
    assert.deepEqual(await shown('phone', 'seen'), [item], 'the app does not show what was looked at');
    assert.deepEqual(await shown('till', 'seen'), [], 'the till knows the app before they are paired');
  });

  doing = 'qr-code';
  await page.click('#show-code');
  code = await page.textContent('#code-text');
  const canvas = page.locator('#qr');
  const box = await canvas.boundingBox();
  assert.equal(Math.round(box.width), QR_PIXELS, 'the code is not drawn as wide as promised');
  const picture = PNG.sync.read(await canvas.screenshot({ path: join(pictures, 'journey-code.png') }));
  const read = jsqr(new Uint8ClampedArray(picture.data), picture.width, picture.height);
  assert.equal(read?.data, code, `the picture of ${picture.width} pixels does not read as the code`);
  assert.ok(Buffer.byteLength(code) <= QR_BYTES_MAX, 'the code is too long');
  console.log(`the page holds: a QR code of ${picture.width} pixels reads as the pairing code, ${Buffer.byteLength(code)} bytes`);

  await step('go-on-at-the-till', () => page.click('#scan'), 'Paired by the code', async () => {
    await signSays('identical');
    const [phone, till] = await digests();
    assert.equal(phone, till, 'the sign says identical, the digests differ');
    assert.deepEqual(await shown('till', 'seen'), [item], 'the till does not know what was looked at in the app');
    assert.ok((await shown('phone', 'again')).length > 0, 'the app does not know what was bought at the till');
    assert.deepEqual(await shown('phone'), await shown('till'), 'phone and till show different products');
    before = await shown('till');
  });

  doing = 'code-once';
  const body = JSON.stringify({ code, profile_id: 'another-till' });
  const headers = { 'content-type': 'application/json' };
  const again = await fetch(new URL('v1/pairings/redeem', address), { method: 'POST', headers, body });
  const refusal = (await again.json().catch(() => ({}))).error?.code;
  assert.equal(refusal, 'pairing_code_unknown', 'the code is good a second time');
  console.log('the page holds: the code is good once');

  doing = 'flip';
  await page.click('#flip');
  await signSays('different');
  await page.click('#flip');
  await signSays('identical');
  console.log('the page holds: one flipped byte is seen');

  await step('withdraw-carrying-over', () => page.click('#switch-cross_channel-app'), 'Withdrawn', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('till', 'seen'), [], 'the till still shows what was looked at in the app');
    assert.match(await page.textContent('#change .masked'), /^1 of /, 'the page does not count what is masked');
  });
  await step('grant-again', () => page.click('#switch-cross_channel-app'), 'Allowed', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('till'), before, 'granted again, the lists are not as before');
  });
  await step('withdraw-personalization', () => page.click('#switch-personalization-store'), 'Withdrawn', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('till', 'again'), [], 'the till still shows what was bought');
    assert.match(await page.textContent('#change .noted'), /^consent_withheld/, 'the warning is not shown');
  });
  await step('grant-personalization', () => page.click('#switch-personalization-store'), 'Allowed', async () => {
    assert.deepEqual(await shown('till'), before, 'granted again, the lists are not as before');
  });

  const offered = await page.textContent('#best-title');
  await step('offered', () => page.click('#offered'), 'Offered', async () => {
    assert.equal(await page.getAttribute('#offered', 'aria-pressed'), 'true');
  });
  await step('refused', () => page.click('#refused'), `Refused: ${offered}`, async () => {
    await signSays('identical');
    assert.notDeepEqual(await shown('till'), before, 'what was refused changes nothing');
  });
  await step('help', () => page.click('#ask-help'), 'Asked in the app', async () => {
    assert.equal(await page.locator('#contacts li').count(), 1, 'the attendant does not see the open contact');
    assert.equal(await page.locator('#touches li').count(), 5, 'the attendant does not see five touchpoints');
  });

  await context.setOffline(true);
  await step('host-away', () => page.click('#phone-lists [data-list="next"] li:last-child button'), 'Looked at in the app', async () => {
    await signSays('alone');
    assert.ok((await shown('phone')).length > 0, 'without a host the phone decides nothing');
  });
  await context.setOffline(false);
  await step('host-back', () => page.click('#phone-lists .actions button'), 'Put in the cart in the app', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('phone'), await shown('till'), 'the host did not hear what happened while it was away');
  });

  await step('withdraw-everything', () => page.click('#withdraw-all'), 'Withdrawn: everything', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('phone', 'seen'), [], 'the phone still shows what was looked at');
  });
  await context.setOffline(true);
  await step('nothing-is-stored', () => page.click('#phone-lists [data-list="next"] li:last-child button'), 'Looked at in the app', async () => {
    assert.match(await page.textContent('#change'), /Nothing of it was stored/, 'the page does not say that it stored nothing');
    assert.deepEqual(await waitingEvents(), [], 'the browser keeps an event that no purpose may use');
  });
  await context.setOffline(false);
  await step('grant-everything', () => page.click('#grant-all'), 'Allowed: everything', async () => {
    await signSays('identical');
    assert.deepEqual(await shown('phone', 'seen').then((seen) => seen.includes(item)), true, 'what was masked does not count again');
  });

  doing = 'download';
  const downloading = page.waitForEvent('download');
  await page.click('#download');
  const { profiles } = JSON.parse(await readFile(await (await downloading).path(), 'utf8'));
  const looked = profiles.flatMap((one) => one.events).filter((event) => event.type === 'view' && event.item_id === item);
  assert.equal(looked.length, 1, 'what was looked at is not in the download');
  console.log('the page holds: all that is stored, as a file');

  const ids = await page.$$eval('#stored h3', (heads) => heads.map((head) => head.textContent));
  assert.equal(ids.length, 2, 'the store does not hold both profiles');
  await step('erase', () => page.click('#erase'), 'Erased', async () => {
    await signSays('stranger');
    const [stranger, erased] = await digests();
    assert.equal(stranger, erased, 'the answer is not that of a stranger');
    for (const id of ids) {
      const stored = await (await fetch(new URL(`v1/profiles/${id}`, address))).json();
      const rest = ['events', 'marks', 'traits', 'consents', 'links'].map((list) => stored[list].length);
      assert.deepEqual(rest, [0, 0, 0, 0, 0], `more than a tombstone is stored of ${id}`);
      assert.ok(stored.erased_ms > 0, `no tombstone is stored of ${id}`);
    }
  });
  await step('start-anew', () => page.click(`#phone-lists [data-item="${item}"] button`), 'Looked at in the app', async () => {
    await signSays('apart');
    assert.deepEqual(await shown('phone', 'seen'), [item], 'the app does not begin anew');
  });
  await step('reload', () => page.reload(), 'You are back', async () => {
    assert.deepEqual(await shown('phone', 'seen'), [item], 'the phone did not keep its profile');
  });
}

try {
  await main();
} catch (error) {
  await page.screenshot({ path: join(pictures, 'journey-failed.png'), fullPage: true }).catch(() => {});
  console.error(`the page does not hold: ${doing}: ${error.message.trim()}`);
  process.exitCode = 1;
} finally {
  await context.close();
  await rm(profile, { recursive: true, force: true });
}

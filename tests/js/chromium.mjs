// Answers a suite in a page of Chromium: `node chromium.mjs PACKAGE SUITE ANSWERS BROWSER`. Serves package and suite on
// the loopback interface; the page fetches both, takes the SHA-256 of the module that it fetched, answers everything and
// posts the answers back. Prints that SHA-256.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'];
const TYPES = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', wasm: 'application/wasm' };
const PAGE_MS_MAX = 30 * 60 * 1000;

const [folder, suite, output, browserPath] = process.argv.slice(2);
const files = new Map([
  ['/', resolve(import.meta.dirname, 'page.html')],
  ['/suite.mjs', resolve(import.meta.dirname, 'suite.mjs')],
  ['/suite', resolve(suite)],
]);
const npmPackage = JSON.parse(await readFile(resolve(folder, 'package.json'), 'utf8'));
for (const name of npmPackage.files) files.set(`/pkg/${name}`, resolve(folder, name));

const server = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/answers') {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    await writeFile(output, Buffer.concat(chunks));
    return response.end();
  }
  const path = files.get(request.url);
  if (path === undefined) return response.writeHead(404).end();
  const type = TYPES[path.split('.').pop()] ?? 'application/octet-stream';
  return response.writeHead(200, { 'content-type': type }).end(await readFile(path));
});
await new Promise((done) => server.listen(0, '127.0.0.1', done));
const address = `http://127.0.0.1:${server.address().port}/`;

const profile = await mkdtemp(join(tmpdir(), 'unisono-chromium-'));
const context = await chromium.launchPersistentContext(profile, { executablePath: browserPath, headless: true, args: FLAGS });
try {
  const page = await context.newPage();
  page.setDefaultTimeout(PAGE_MS_MAX);
  page.on('pageerror', (error) => console.error(`the page: ${error.message}`));
  await page.goto(address);
  const moduleId = await page.evaluate('window.answered');
  console.log(moduleId);
} finally {
  await context.close();
  server.close();
  await rm(profile, { recursive: true, force: true });
}

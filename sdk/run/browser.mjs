// A real Chromium on a page of our own: the SDK under test runs where it runs in life.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox', // the tests may run as root, where the sandbox cannot
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-default-apps',
  '--disable-sync',
  '--no-first-run',
];

/**
 * Opens a page whose head is `head` and calls `story(page, sent)`.
 * `scripts` maps a path of that page to a file of an installed package; `sent` is what the page had
 * answered by `server` so far, each request taken apart by `decode`.
 */
export async function onPage({ head, scripts = {}, server, decode = () => [] }, story) {
  const site = await serve(head, scripts);
  const executablePath = process.env.HEADWATER_CHROMIUM ?? '/usr/bin/chromium';
  const browser = await chromium.launch({ executablePath, args: FLAGS });
  try {
    const context = await browser.newContext({ locale: 'zh-CN', timezoneId: 'Asia/Shanghai' });
    const page = await context.newPage();
    page.setDefaultTimeout(15_000);
    const problems = [];
    page.on('pageerror', (error) => problems.push(error.message));
    const sent = delivered(page, server, decode);
    await page.goto(`http://127.0.0.1:${site.address().port}/shop?from=test`);
    const result = await story(page, sent);
    if (problems.length > 0) throw new Error(`errors on the page: ${problems.join('; ')}`);
    return result;
  } finally {
    await browser.close();
    site.close();
  }
}

/** The page, its scripts, and 404 for the rest. */
async function serve(head, scripts) {
  const require = createRequire(import.meta.url);
  const files = new Map();
  for (const [path, file] of Object.entries(scripts)) files.set(path, await readFile(require.resolve(file)));
  const html = `<!doctype html><meta charset="utf-8"><title>源头商店</title>${head}<h1>源头商店</h1>`;
  const site = createServer((request, response) => {
    const path = request.url.split('?')[0];
    if (path === '/shop') response.setHeader('content-type', 'text/html').end(html);
    else if (files.has(path)) response.setHeader('content-type', 'text/javascript').end(files.get(path));
    else response.writeHead(404).end();
  });
  await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));
  return site;
}

/** Collects what the page sends to `server` and has had answered with 2xx; listens from before the page loads. */
function delivered(page, server, decode) {
  const messages = [];
  const waiting = [];
  page.on('response', async (response) => {
    const request = response.request();
    if (!response.ok() || !request.url().startsWith(server) || request.method() === 'OPTIONS') return;
    messages.push(...decode(request));
    for (const check of waiting) check();
  });
  return {
    messages,
    /** Resolves when every predicate holds for some delivered message. */
    all: (predicates) =>
      new Promise((resolve, reject) => {
        const missing = () => predicates.filter((holds) => !messages.some(holds));
        const late = () => reject(new Error(`never delivered: ${missing().join(' | ')}`));
        const timer = setTimeout(late, 15_000);
        const check = () => {
          if (missing().length > 0) return;
          clearTimeout(timer);
          resolve();
        };
        waiting.push(check);
        check();
      }),
  };
}

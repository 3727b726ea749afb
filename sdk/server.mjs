// A server of our own for one test run: fresh data directory, port 0, stopped at the end.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const here = fileURLToPath(new URL('.', import.meta.url));
const binary = process.env.HEADWATER_BIN ?? join(here, '../target/debug/headwater');
const writeKey = 'WRITE_KEY_DEMO';
const execute = promisify(execFile);

let directory, server, address, token;

/** Creates a workspace and serves it. */
export async function start() {
  directory = await mkdtemp(join(tmpdir(), 'headwater-sdk-'));
  const workspace = ['--workspace', 'sdk', '--write-key', writeKey, '--sensors-project', 'default'];
  const { stdout } = await execute(binary, ['init', '--data', directory, ...workspace, '--json']);
  token = JSON.parse(stdout).api_token;
  assert.ok(token, `no api_token in ${stdout}`);
  server = spawn(binary, ['serve', '--data', directory, '--listen', '127.0.0.1:0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  address = await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', (code) => reject(new Error(`serve ended with ${code} before it listened`)));
    createInterface({ input: server.stdout }).on('line', (line) => {
      const found = /listening on (http:\/\/\S+)/.exec(line);
      if (found) resolve(found[1]);
    });
  });
}

/** Asks the server to end, waits for it, and removes its data. */
export async function stop() {
  if (server && server.exitCode === null && server.signalCode === null) {
    const ended = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGTERM');
    await ended;
  }
  if (directory) await rm(directory, { recursive: true, force: true });
}

/** Runs one story with its real SDK; gives what it reported. */
export async function run(script, ...person) {
  const interpreter = script.endsWith('.py') ? 'python3' : process.execPath;
  const story = [join(here, 'run', script), address, writeKey, ...person];
  const { stdout } = await execute(interpreter, story, { timeout: 60_000 });
  return JSON.parse(stdout.trim().split('\n').at(-1));
}

/** Waits until everything that was accepted has been processed. */
export async function settled() {
  for (const deadline = Date.now() + 20_000; ; await pause(50)) {
    const { body } = await call('GET', '/api/v1/pipeline');
    if (body.lag_ms === 0) return;
    assert.ok(Date.now() < deadline, `the pipeline still lags after 20 s: ${JSON.stringify(body)}`);
  }
}

/** The party behind an identifier: `{ id, traits }`. */
export async function partyOf(kind, value) {
  const path = `/api/v1/parties/by/${encodeURIComponent(kind)}/${encodeURIComponent(value)}`;
  const { status, body } = await call('GET', path);
  assert.equal(status, 200, `${path} answered ${status} ${JSON.stringify(body)}`);
  return body;
}

/** The party's newest events, one page. */
export async function timelineOf(id) {
  const { status, body } = await call('GET', `/api/v1/parties/${encodeURIComponent(id)}/timeline`);
  assert.equal(status, 200, `timeline answered ${status} ${JSON.stringify(body)}`);
  return body.items;
}

/** One request with the workspace's token, unless told otherwise. */
export async function call(method, path, { body, token: bearer = token } = {}) {
  const headers = { 'content-type': 'application/json', ...(bearer && { authorization: `Bearer ${bearer}` }) };
  const answer = await fetch(address + path, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  const isJson = /json/.test(answer.headers.get('content-type') ?? '');
  return { status: answer.status, body: isJson ? JSON.parse(text) : text };
}

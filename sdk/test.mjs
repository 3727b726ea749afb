// The real SDKs against a real server: each sends one person's story, and the server must know one person.
//
// `cargo xtask e2e` builds the binary and runs this. HEADWATER_BIN overrides which binary is started.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { readFile } from 'node:fs/promises';
import { call, partyOf, run, settled, start, stop, timelineOf } from './server.mjs';

const STORIES = [
  'segment-node.mjs',
  'rudder-node.mjs',
  'segment-browser.mjs',
  'segment-snippet.mjs',
  'sensors-browser.mjs',
  'sensors-node.mjs',
  'sensors-python.py',
];

before(start, { timeout: 60_000 });
after(stop);

for (const script of STORIES) {
  test(`${script}: one person appears with every identifier, trait and event`, { timeout: 90_000 }, async () => {
    const story = await run(script);
    await settled();
    const party = await theOneParty(story.identifiers);
    for (const [field, expected] of Object.entries(story.traits)) {
      assert.deepEqual(party.traits[field], expected, `trait ${field}`);
    }
    const events = (await timelineOf(party.id)).map((item) => item.event);
    for (const event of story.events) {
      assert.equal(events.filter((name) => name === event).length, 1, `${event} once in ${events}`);
    }
  });
}

test('two SDKs that speak of one person meet in one party', { timeout: 90_000 }, async () => {
  const person = 'shared';
  const segment = await run('segment-node.mjs', person);
  const sensors = await run('sensors-python.py', person);
  await settled();
  await theOneParty([...segment.identifiers, ...sensors.identifiers]);
});

test('people of different stories stay apart', { timeout: 90_000 }, async () => {
  const first = await run('segment-node.mjs', 'apart-one');
  const second = await run('rudder-node.mjs', 'apart-two');
  await settled();
  const parties = [await theOneParty(first.identifiers), await theOneParty(second.identifiers)];
  assert.notEqual(parties[0].id, parties[1].id);
});

test('an unknown write key is refused and leaves nothing behind', async () => {
  const body = { writeKey: 'NO_SUCH_KEY', batch: [{ type: 'track', userId: 'nobody', event: 'E', messageId: 'm-1' }] };
  const answer = await call('POST', '/v1/batch', { body, token: null });
  assert.equal(answer.status, 401);
  assert.equal((await call('GET', '/api/v1/parties/by/user_id/nobody')).status, 404);
});

test('the embedded analytics.min.js is the pinned package, byte for byte', async () => {
  const kept = await readFile(new URL('browser/analytics.min.js', import.meta.url));
  const published = await readFile(
    new URL('node_modules/@segment/analytics-next/dist/umd/standalone.js', import.meta.url),
  );
  assert.ok(kept.equals(published), 'copy dist/umd/standalone.js to sdk/browser/analytics.min.js');
});

/** Every identifier leads to the same party. */
async function theOneParty(identifiers) {
  const parties = [];
  for (const [kind, value] of identifiers) parties.push(await partyOf(kind, value));
  const ids = new Set(parties.map((party) => party.id));
  const seen = identifiers.map(([kind, value], index) => `${kind} ${value}: ${parties[index].id}`);
  assert.equal(ids.size, 1, `one party behind\n${seen.join('\n')}`);
  return parties[0];
}

// What every story shares: its arguments, its person, and how it reports what it sent.

const [server, writeKey, person] = process.argv.slice(2);

/** `node run/<sdk>.mjs <server> <write key> [person]`; equal names of persons give equal identifiers. */
export function begin(sdk) {
  if (!server || !writeKey) {
    console.error(`usage: node ${process.argv[1]} http://127.0.0.1:8080 WRITE_KEY [person]`);
    process.exit(2);
  }
  return { server: server.replace(/\/$/, ''), writeKey, ...identifiersOf(person ?? sdk) };
}

/** Mobiles are 1990000xxxx, a range nobody owns. */
function identifiersOf(name) {
  let hash = 0;
  for (const byte of Buffer.from(name)) hash = (hash * 31 + byte) % 10000;
  const slug = name.replace(/[^a-z0-9]/gi, '-');
  return {
    userId: `user-${slug}`,
    anonymousId: `visitor-${slug}`,
    earlierId: `earlier-${slug}`,
    email: `${slug}@example.com`,
    phone: `1990000${String(hash).padStart(4, '0')}`,
  };
}

/**
 * The last line a story prints: what the server is expected to know now.
 * identifiers: [kind, value] pairs of one person; traits: field to value; events: names on the timeline.
 */
export function report({ identifiers, traits, events }) {
  console.log(JSON.stringify({ identifiers, traits, events }));
}

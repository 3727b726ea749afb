// What moved in each audience of late: the end of its ledger, read on from where it was read before.

import { call, encode, t } from './ask.js';
import { h, number, time } from './dom.js';

const SHOWN = 4;

/** Per audience: up to where its ledger is read, the latest changes, and how many since the page was opened. */
const recents = new Map();

/** Nothing of what was seen stays. */
export const forgetRecent = () => recents.clear();

/** Reads what is new in an audience's ledger. */
export async function catchUp({ id, seq }, signal) {
  const path = `/api/v1/audiences/${encode(id)}/changes`;
  let recent = recents.get(id);
  const isFirst = !recent;
  if (isFirst) {
    recent = { after: Math.max(0, seq - SHOWN), items: [], entered: 0, left: 0, fresh: 0 };
    recents.set(id, recent);
  }
  recent.fresh = 0;
  while (recent.after < seq) {
    const page = await call(`${path}?limit=200&after_seq=${recent.after}`, signal);
    if (!page.items.length) return;
    recent.items = [...recent.items, ...page.items].slice(-SHOWN);
    recent.after = page.next_seq;
    if (isFirst) continue;
    const entered = page.items.filter((change) => change.entered).length;
    recent.entered += entered;
    recent.left += page.items.length - entered;
    recent.fresh += page.items.length;
  }
}

/** How many came and went since the page was opened. */
export function moved({ id }) {
  const { entered, left } = recents.get(id) ?? {};
  if (!entered && !left) return null;
  const figure = (mood, sign, count) => h('span', { class: `moved ${mood}` }, `${sign}${number(count)}`);
  return h('span', { title: t('sinceOpened') }, figure('came', '+', entered), ' ', figure('went', '−', left));
}

/** The latest to come and go, newest first. `named` makes an element of who it is. */
export function latest({ id }, named) {
  const { items = [], fresh = 0 } = recents.get(id) ?? {};
  if (!items.length) return null;
  const one = ({ party, entered, at, cause }, place) =>
    h('li', { class: `${entered ? 'entered' : 'left'} ${place < fresh ? 'fresh' : ''}`, title: t(`cause.${cause}`) },
      h('span', { class: 'badge' }, t(entered ? 'entered' : 'left')), named(party), time(at, { timeStyle: 'medium' }));
  return h('ol', { class: 'latest', 'aria-label': t('changes') }, [...items].reverse().map(one));
}

// The first page: how the pipeline is doing, what is going by, and who somebody is.
//
// Each panel asks for itself and shows its own trouble, so a token that may not see one thing still shows
// the others.

import {
  MOMENT, at, call, dropToken, encode, every, hasToken, isOver, keepToken, onRefused, state, t, title, trouble,
} from './ask.js';
import { closeAudiences, forgetAudiences, openAudience, openAudiences, showAudiences } from './audiences.js';
import { h, locale, number, speak, time } from './dom.js';

const FIGURES_MS = 2000;
const EVENTS_MS = 1000;
const TYPING_MS = 250;
const RATE_WINDOW_MS = 10_000;
const EVENTS_SHOWN = 60;

/* Figures. */

const figures = { last: null, error: null, samples: [] };

const figuresPoll = every(FIGURES_MS, async () => {
  try {
    figures.last = await call('/api/v1/pipeline');
    figures.error = null;
    const now = performance.now();
    figures.samples.push([now, figures.last.accepted]);
    figures.samples = figures.samples.filter(([when]) => now - when <= RATE_WINDOW_MS);
  } catch (error) {
    if (isOver(error)) return false;
    figures.error = error;
  }
  showFigures();
  return figures.error?.status !== 403;
});

function rate() {
  const [first, last] = [figures.samples[0], figures.samples.at(-1)];
  if (!first || first === last) return 0;
  return Math.max(0, ((last[1] - first[1]) * 1000) / (last[0] - first[0]));
}

function showFigures() {
  if (figures.error) return at('figures').replaceChildren(trouble(figures.error));
  if (!figures.last) return at('figures').replaceChildren(state(t('loading')));
  const { accepted, processed, deduplicated, quarantined, parties, log_head, applied, lag_ms } = figures.last;
  const waiting = Math.max(0, log_head - applied);
  const delay = t('seconds', number(lag_ms / 1000, { maximumFractionDigits: 1 }));
  const figure = (name, value, mood) =>
    h('div', { class: `figure ${mood ?? ''}` }, h('span', { class: 'muted' }, t(name)), h('strong', {}, value));
  at('figures').replaceChildren(
    figure('parties', number(parties), 'first'),
    figure('accepted', number(accepted)),
    figure('processed', number(processed)),
    figure('deduplicated', number(deduplicated)),
    figure('quarantined', number(quarantined), quarantined > 0 ? 'warm' : ''),
    figure('rate', number(rate(), { maximumFractionDigits: rate() < 10 ? 1 : 0 })),
    figure('lag', waiting || lag_ms ? t('entries', number(waiting), delay) : t('upToDate'), waiting ? 'warm' : ''),
  );
}

/* Live events. */

const live = { items: null, error: null, known: null, shown: '' };

const eventsPoll = every(EVENTS_MS, async () => {
  try {
    live.items = (await call('/api/v1/events/recent')).items.slice(0, EVENTS_SHOWN);
    live.error = null;
  } catch (error) {
    if (isOver(error)) return false;
    live.error = error;
    live.shown = '';
  }
  showEvents();
  return live.error?.status !== 403;
});

function showEvents() {
  if (live.error) return at('events').replaceChildren(trouble(live.error));
  if (!live.items) return at('events').replaceChildren(state(t('loading')));
  const key = (item) => `${item.id} ${item.time} ${item.outcome}`;
  const keys = live.items.map(key);
  const shown = locale() + keys.join('\n');
  if (shown === live.shown) return;
  live.shown = shown;
  const isFresh = (item) => live.known && !live.known.has(key(item));
  const row = (item) =>
    h('li', { class: `event ${item.outcome} ${isFresh(item) ? 'fresh' : ''}`, title: item.id },
      h('span', { class: 'name' }, item.event || t('unnamed')),
      h('span', { class: 'badge' }, t(`outcome.${item.outcome}`)),
      h('span', { class: 'muted' }, item.identifier_kind),
      // What could not be read has no time of its own.
      item.time.startsWith('1970-01-01T00:00:00') ? null : time(item.time, MOMENT));
  const list = live.items.length ? h('ol', { class: 'events' }, live.items.map(row)) : state(t('noEvents'));
  at('events').replaceChildren(list);
  live.known = new Set(keys);
}

/* The panel for people: one view at a time, and a new one ends the work of the one before. */

let view = { show: showHint, work: new AbortController() };
let results = null;

function open(show) {
  view.work.abort();
  view = { show, work: new AbortController() };
  return view.work.signal;
}

const fill = (...children) => at('people').replaceChildren(...children);

/** Shows what `load` brings, and loading or trouble until it does. */
async function panel(load, show, retry) {
  const signal = open(() => fill(state(t('loading'))));
  view.show();
  try {
    const loaded = await load(signal);
    view.show = () => show(loaded);
  } catch (error) {
    if (signal.aborted) return;
    view.show = () => fill(trouble(error, retry));
  }
  view.show();
}

function showHint() {
  fill(state(t('hint')));
}

/* Search. */

function search(text) {
  results = null;
  if (location.hash.length > 2) history.pushState(null, '', '#/');
  if (!text) {
    open(showHint);
    return showHint();
  }
  panel((signal) => find(text, signal), (page) => showResults({ text, ...page }), () => search(text));
}

async function find(text, signal) {
  const exact = /^([$A-Za-z_][\w$.-]*):\s*(\S.*)$/.exec(text);
  if (exact) {
    try {
      const path = `/api/v1/parties/by/${encode(exact[1])}/${encode(exact[2])}`;
      return { items: [await call(path, signal)], next: null };
    } catch (error) {
      // No such identifier: perhaps just a text with a colon in it.
      if (error.status !== 404 && error.status !== 422) throw error;
    }
  }
  return call(`/api/v1/parties?limit=20&q=${encode(text)}`, signal);
}

function showResults(page) {
  results = page;
  view.show = () => showResults(page);
  if (!page.items.length) return fill(state(t('nobody', page.text)));
  const list = h('ul', { class: 'results', onkeydown: walk }, page.items.map(result));
  const load = (signal) => call(`/api/v1/parties?limit=20&q=${encode(page.text)}&cursor=${encode(page.next)}`, signal);
  fill(h('h2', {}, t('found', page.text)), list, more(page, load, (added) => {
    page.items.push(...added);
    list.append(...added.map(result));
  }));
}

function result(party) {
  const some = party.identifiers.slice(0, 4);
  return h('li', {}, h('a', { href: `#/party/${encode(party.id)}` },
    h('strong', {}, title(party)),
    h('span', { class: 'muted' }, t('events', number(party.event_count))),
    h('span', { class: 'chips' }, some.map((item) => chip(item)),
      party.identifiers.length > some.length ? h('span', { class: 'muted' }, `+${party.identifiers.length - some.length}`) : null)));
}

const chip = ({ kind, value, is_shared, first_seen }) =>
  h('span', { class: 'chip', title: first_seen ? t('since', first_seen) : null },
    h('span', { class: 'muted' }, kind), ' ', value, is_shared ? h('em', {}, t('shared')) : null);

/** A button for the next page, which takes its own place when there is none. */
function more(page, load, add) {
  const { signal } = view.work;
  const place = h('div', { class: 'more' });
  const offer = () => place.replaceChildren(...(page.next ? [h('button', { type: 'button', onclick: go }, t('more'))] : []));
  const go = async () => {
    place.replaceChildren(state(t('loading')));
    try {
      const next = await load(signal);
      page.next = next.next;
      add(next.items);
      offer();
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(trouble(error, go));
    }
  };
  offer();
  return place;
}

/** Arrow keys go through the results. */
function walk(event) {
  const row = document.activeElement?.closest('li');
  const to = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling ?? at('query') }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  (to?.querySelector?.('a') ?? to)?.focus();
}

/* A person. */

function openParty(id) {
  const path = `/api/v1/parties/${encode(id)}`;
  const load = async (signal) => {
    const [party, page] = await Promise.all([call(path, signal), call(`${path}/timeline`, signal)]);
    return { path: `${path}/timeline`, party, page };
  };
  panel(load, showParty, () => openParty(id));
}

function showParty({ path, party, page }) {
  const span = party.first_seen && party.last_seen
    ? h('p', { class: 'muted' }, t('seen', text(party.first_seen), text(party.last_seen)), ' · ', t('events', number(party.event_count)))
    : null;
  const traits = Object.entries(party.traits ?? {});
  const list = h('ol', { class: 'timeline' });
  const add = (items) => appendDays(list, items);
  add(page.items);
  const load = (signal) => call(`${path}?cursor=${encode(page.next)}`, signal);
  fill(
    results ? h('a', { class: 'back', href: '#/' }, t('back')) : '',
    h('h1', {}, title(party)),
    h('p', { class: 'muted id' }, party.id),
    span ?? '',
    h('h2', {}, t('identifiers')), h('p', { class: 'chips' }, party.identifiers.map(chip)),
    h('h2', {}, t('traits')),
    traits.length ? h('dl', { class: 'traits' }, traits.map(([field, value]) => trait(field, value, party.provenance?.[field]))) : state(t('noTraits')),
    h('h2', {}, t('timeline')),
    page.items.length ? list : state(t('noTimeline')),
    more(page, load, (items) => {
      page.items.push(...items);
      add(items);
    }),
  );
}

const text = (instant) => time(instant, MOMENT).textContent;

function trait(field, value, from) {
  const shown = typeof value === 'string' ? value : JSON.stringify(value);
  const said = from && t('provenance', from.source || '–', text(from.time), from.grade ?? '–', from.identifier_kind || '–');
  return h('div', { tabindex: said ? 0 : null },
    h('dt', {}, field), h('dd', {}, shown, said ? h('span', { class: 'tip', role: 'note' }, said) : null));
}

/** Adds events under the heading of their day; a day that goes on from the page before gets no second one. */
function appendDays(list, items) {
  for (const item of items) {
    const day = time(item.time, { dateStyle: 'full' });
    if (list.dataset.day !== day.textContent) list.append(h('li', { class: 'day' }, day));
    list.dataset.day = day.textContent;
    const detail = item.properties ?? {};
    const head = [
      time(item.time, { timeStyle: 'medium' }), h('span', { class: 'name' }, item.event || t('unnamed')),
      h('span', { class: 'muted' }, item.source ? t('details', item.type ?? '', item.source) : item.type ?? ''),
    ];
    const isEmpty = !Object.keys(detail).length;
    list.append(h('li', {}, isEmpty
      ? h('div', { class: 'line' }, head)
      : h('details', {}, h('summary', { class: 'line' }, head), h('pre', {}, JSON.stringify(detail, null, 2)))));
  }
}

/* Signing in and out, and finding the way. */

async function enter() {
  at('sign-in').hidden = true;
  at('board').hidden = at('sign-out').hidden = at('ways').hidden = false;
  figuresPoll.start();
  eventsPoll.start();
  follow();
  try {
    at('workspace').textContent = (await call('/api/v1/workspace')).name;
  } catch {
    // Only a nicety: a token may lack the permission.
  }
}

function leave(reason) {
  dropToken();
  figuresPoll.stop();
  eventsPoll.stop();
  open(showHint);
  results = null;
  forgetAudiences();
  Object.assign(figures, { last: null, error: null, samples: [] });
  Object.assign(live, { items: null, error: null, known: null, shown: '' });
  // Nothing of what was seen stays in the document or the address.
  for (const id of ['figures', 'events', 'people', 'workspace']) at(id).replaceChildren();
  history.replaceState(null, '', '#/');
  at('query').value = '';
  at('board').hidden = at('sign-out').hidden = at('ways').hidden = true;
  at('sign-in').hidden = false;
  complain(reason);
  at('token').focus();
}

function complain(reason) {
  at('sign-in-trouble').hidden = !reason;
  if (reason) at('sign-in-trouble').dataset.t = reason;
  else delete at('sign-in-trouble').dataset.t;
  at('sign-in-trouble').textContent = reason ? t(reason) : '';
}

function signIn(event) {
  event.preventDefault();
  const given = at('token').value.trim().replace(/^bearer\s+/i, '');
  if (!/^hw_[\x21-\x7e]+$/.test(given)) return complain('tokenForm');
  at('token').value = '';
  keepToken(given);
  complain(null);
  enter();
}

/** Shows what the address says. */
function follow() {
  const audience = /^#\/audience\/(\w+)$/.exec(location.hash);
  const isAudiences = audience !== null || location.hash === '#/audiences';
  at('persons').hidden = isAudiences;
  at('audiences').hidden = !isAudiences;
  at('to-people').ariaCurrent = isAudiences ? null : 'page';
  at('to-audiences').ariaCurrent = isAudiences ? 'page' : null;
  if (isAudiences) {
    open(showHint);
    return audience ? openAudience(audience[1]) : openAudiences();
  }
  closeAudiences();
  const party = /^#\/party\/(\w+)$/.exec(location.hash);
  if (party) return openParty(party[1]);
  const back = results;
  open(back ? () => showResults(back) : showHint);
  view.show();
}

let typing;
at('query').addEventListener('input', () => {
  clearTimeout(typing);
  typing = setTimeout(() => search(at('query').value.trim()), TYPING_MS);
});
at('search').addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typing);
  search(at('query').value.trim());
});
at('query').addEventListener('keydown', (event) => {
  if (event.key !== 'ArrowDown') return;
  event.preventDefault();
  at('people').querySelector('.results a')?.focus();
});
document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest?.('input, textarea, select');
  if (event.key !== '/' || isTyping || event.ctrlKey || event.metaKey || event.altKey || at('board').hidden || at('persons').hidden) return;
  event.preventDefault();
  at('query').select();
});
at('sign-in-form').addEventListener('submit', signIn);
at('sign-out').addEventListener('click', () => leave(null));
window.addEventListener('hashchange', () => hasToken() && follow());
onRefused(() => leave('tokenWrong'));

speak(t, at('language'), () => {
  if (!hasToken()) return;
  showFigures();
  showEvents();
  view.show();
  showAudiences();
});
if (hasToken()) enter();
else leave(null);

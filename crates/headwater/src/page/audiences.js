// Audiences: who is in them, a rule tried while it is typed, and who comes and goes.
//
// One view at a time: the list beside the editor, or one audience. A new view ends the work of the one
// before; what was typed stays until it is saved or the tab is closed.

import { MOMENT, at, call, encode, every, isOver, state, t, title, trouble } from './ask.js';
import { h, locale, number, time } from './dom.js';
import { catchUp, forgetRecent, latest, moved } from './recent.js';
import { explanation } from './why.js';

const LIST_MS = 2000;
const CHANGES_MS = 1000;
const TYPING_MS = 300;
const SAMPLE_PARTIES = 8;
const CHANGES_SHOWN = 100;
const MEMBERS_PAGE = 20;
const NAMES_KEPT = 2000;

const EXAMPLES = [
  ['exampleLoyal', { event: 'Order Completed', window: { last: '365d' }, op: 'gte', value: 2 }],
  ['exampleSpent', { event: 'Order Completed', measure: { sum: 'total' }, window: { last: '365d' }, op: 'gte', value: 500 }],
  ['exampleQuiet', { all: [{ event: 'Order Completed', op: 'gte', value: 1 }, { event: '*', window: { last: '30d' }, op: 'eq', value: 0 }] }],
  ['exampleCart', { sequence: [{ event: 'Product Added' }, { event: 'Order Completed', within: '2h', absent: true }], window: { last: '14d' } }],
  ['exampleTrait', { any: [{ trait: 'city', op: 'in', value: ['临澄', '岫安'] }, { trait: 'gender', op: 'eq', value: 'female' }] }],
];

const draft = { name: '', rule: '', found: null, error: null };
let list = { items: null, error: null };
let view = { work: new AbortController(), show: () => {} };
let asked = new AbortController();
let typing;
const names = new Map();

const fill = (...children) => at('audiences').replaceChildren(...children);
const pretty = (rule) => JSON.stringify(rule, null, 2);

/* One view at a time. */

function open(show) {
  closeAudiences();
  view = { work: new AbortController(), show };
  return view.work.signal;
}

/** Ends what is going on. */
export function closeAudiences() {
  view.work.abort();
  asked.abort();
  clearTimeout(typing);
  view = { work: new AbortController(), show: () => {} };
  listPoll.stop();
  changesPoll.stop();
}

/** Nothing of what was seen or typed stays. */
export function forgetAudiences() {
  closeAudiences();
  Object.assign(draft, { name: '', rule: '', found: null, error: null });
  list = { items: null, error: null };
  names.clear();
  forgetRecent();
  fill();
}

/** Shows the view again, in another language. */
export const showAudiences = () => view.show();

/* The list and the editor. */

export function openAudiences() {
  open(showBoth);
  showBoth();
  listPoll.start();
  if (draft.rule) preview();
}

const listPoll = every(LIST_MS, async () => {
  const { signal } = view.work;
  try {
    const found = [];
    let cursor = '';
    do {
      const page = await call(`/api/v1/audiences?limit=200${cursor}`, signal);
      found.push(...page.items);
      cursor = page.next && `&cursor=${encode(page.next)}`;
    } while (cursor);
    await Promise.all(found.map((audience) => catchUp(audience, signal)));
    list = { items: found, error: null };
  } catch (error) {
    if (isOver(error)) return false;
    list = { items: null, error };
  }
  showList();
  return list.error?.status !== 403;
});

function showBoth() {
  fill(h('div', { class: 'columns editing' },
    h('section', { class: 'card', 'aria-label': t('audiences') },
      h('h2', {}, t('audiences')), h('div', { id: 'audience-list' })),
    editor()));
  showList();
  showFound();
}

function showList() {
  const place = at('audience-list');
  if (!place) return;
  if (list.error) return place.replaceChildren(trouble(list.error, openAudiences));
  if (!list.items) return place.replaceChildren(state(t('loading')));
  if (!list.items.length) return place.replaceChildren(state(t('noAudiences')));
  // The link that has the focus keeps it.
  const focused = document.activeElement?.getAttribute?.('href');
  place.replaceChildren(h('ul', { class: 'results' }, list.items.map(entry)));
  if (focused) place.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus();
}

const entry = (audience) =>
  h('li', {}, h('a', { href: `#/audience/${encode(audience.id)}` },
    h('strong', {}, audience.name), h('span', {}, t('people_count', number(audience.count))),
    h('span', { class: 'chips muted' }, t(`mode.${audience.mode}`), audience.is_filled ? null : badge(t('filling')), moved(audience))),
    latest(audience, named));

const badge = (text) => h('span', { class: 'badge' }, text);

function editor() {
  const name = h('input', { id: 'audience-name', autocomplete: 'off', maxlength: 200, required: true });
  name.value = draft.name;
  name.addEventListener('input', () => void (draft.name = name.value));
  const rule = h('textarea', { id: 'audience-rule', rows: 14, spellcheck: 'false', autocomplete: 'off',
    'aria-describedby': 'audience-found' });
  rule.value = draft.rule;
  rule.addEventListener('input', () => type(rule.value));
  const example = ([key, body]) => h('button', { type: 'button', class: 'chip', onclick: () => {
    rule.value = pretty(body);
    if (!name.value) name.value = draft.name = t(key);
    type(rule.value);
    rule.focus();
  } }, t(key));
  return h('section', { class: 'card', 'aria-label': t('newAudience') },
    h('h2', {}, t('newAudience')),
    h('form', { onsubmit: save },
      h('label', { for: 'audience-name' }, t('audienceName')), name,
      h('p', { class: 'chips examples' }, h('span', { class: 'muted' }, t('examples')), EXAMPLES.map(example)),
      h('label', { for: 'audience-rule' }, t('rule')), rule,
      h('div', { id: 'audience-found', 'aria-live': 'polite' }),
      h('button', { type: 'submit', class: 'primary' }, t('saveLive'))));
}

function type(text) {
  draft.rule = text;
  // What is being counted is no answer to what is written now.
  asked.abort();
  clearTimeout(typing);
  typing = setTimeout(preview, TYPING_MS);
}

/** The rule as it is typed; nothing if it is not JSON, which is said. */
function typed() {
  try {
    return JSON.parse(draft.rule);
  } catch (error) {
    Object.assign(draft, { found: null, error: Object.assign(new Error(t('notJson', error.message)), { status: 422 }) });
    showFound();
    return null;
  }
}

async function preview() {
  asked.abort();
  if (!draft.rule.trim()) {
    Object.assign(draft, { found: null, error: null });
    return showFound();
  }
  const rule = typed();
  if (rule === null) return;
  asked = new AbortController();
  const { signal } = asked;
  at('audience-found')?.classList.add('waiting');
  try {
    const found = await call('/api/v1/audiences/preview', signal, { rule, limit: SAMPLE_PARTIES });
    Object.assign(draft, { found: { ...found, rule }, error: null });
  } catch (error) {
    if (isOver(error)) return;
    Object.assign(draft, { found: null, error });
  }
  showFound();
}

function showFound() {
  const place = at('audience-found');
  if (!place) return;
  place.classList.remove('waiting');
  if (draft.error) return place.replaceChildren(trouble(draft.error, draft.error.status === 422 ? null : preview));
  if (!draft.found) return place.replaceChildren(h('p', { class: 'muted' }, t('ruleHint')));
  const { count, elapsed_ms, sample, rule } = draft.found;
  place.replaceChildren(
    h('p', { class: 'found' }, h('strong', {}, number(count)), ' ', t('found_people'), h('span', { class: 'muted' }, ` · ${number(elapsed_ms)} ms`)),
    h('ul', { class: 'events' }, sample.map((id) => person(id, { rule }))));
}

/** Somebody, and on request why the rule holds for them. */
function person(id, question, ...details) {
  const link = h('a', { href: `#/party/${encode(id)}`, class: 'name' }, names.get(id) ?? id);
  nameOf(id, link);
  const place = h('div', { class: 'why' });
  const ask = h('button', { type: 'button', class: 'plain', 'aria-expanded': 'false', onclick: toggle }, t('why'));
  async function toggle() {
    if (place.childElementCount) {
      ask.setAttribute('aria-expanded', 'false');
      return place.replaceChildren();
    }
    ask.setAttribute('aria-expanded', 'true');
    place.replaceChildren(state(t('loading')));
    const { signal } = view.work;
    try {
      place.replaceChildren(explanation(await call(`/api/v1/parties/${encode(id)}/explain`, signal, question)));
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(trouble(error));
    }
  }
  return h('li', { class: 'event who' }, link, ask, details, place);
}

/** A name in place, or the beginning of an id until it is known. */
function named(id) {
  const element = h('span', { class: 'name' }, names.get(id) ?? `${id.slice(0, 8)}…`);
  nameOf(id, element);
  return element;
}

/** Writes the name of somebody into an element once it is known. */
async function nameOf(id, element) {
  if (names.has(id)) return;
  try {
    const name = title(await call(`/api/v1/parties/${encode(id)}`, view.work.signal));
    if (names.size >= NAMES_KEPT) names.clear();
    names.set(id, name);
    element.textContent = name;
  } catch {
    // The id says it too: a token may not see people.
  }
}

async function save(event) {
  event.preventDefault();
  const rule = typed();
  if (rule === null) return;
  const { signal } = view.work;
  const button = event.target.querySelector('[type=submit]');
  button.disabled = true;
  try {
    const made = await call('/api/v1/audiences', signal, { name: draft.name, mode: 'live', rule });
    Object.assign(draft, { name: '', rule: '', found: null, error: null });
    location.hash = `#/audience/${encode(made.id)}`;
  } catch (error) {
    if (isOver(error)) return;
    Object.assign(draft, { found: null, error });
    showFound();
  } finally {
    button.disabled = false;
  }
}

/* One audience. */

let one = null;

const membersOf = (path) => `${path}/members?limit=${MEMBERS_PAGE}`;

export async function openAudience(id) {
  const path = `/api/v1/audiences/${encode(id)}`;
  const signal = open(() => fill(state(t('loading'))));
  view.show();
  try {
    const [audience, page] = await Promise.all([call(path, signal), call(membersOf(path), signal)]);
    const changes = await call(`${path}/changes?limit=200&after_seq=${Math.max(0, audience.seq - CHANGES_SHOWN)}`, signal);
    one = { path, audience, page, changes: changes.items, after: changes.next_seq, error: null };
    view.show = showOne;
    changesPoll.start();
  } catch (error) {
    if (signal.aborted) return;
    view.show = () => fill(back(), trouble(error, () => openAudience(id)));
  }
  view.show();
}

const changesPoll = every(CHANGES_MS, async () => {
  const { signal } = view.work;
  const { path } = one;
  try {
    const fresh = await call(`${path}/changes?limit=200&after_seq=${one.after}`, signal);
    const audience = await call(path, signal);
    const isNews = fresh.items.length || one.error || audience.count !== one.audience.count
      || audience.is_filled !== one.audience.is_filled || audience.version !== one.audience.version;
    const changes = [...one.changes, ...fresh.items].slice(-CHANGES_SHOWN);
    Object.assign(one, { audience, changes, after: fresh.next_seq, error: null });
    if (isNews) showNews(fresh.items);
    // A first page that was not full is read again; further ones stay as they were read.
    if (fresh.items.length && one.page.items.length < MEMBERS_PAGE) {
      one.page = await call(membersOf(path), signal);
      showMembers();
    }
  } catch (error) {
    if (isOver(error)) return false;
    one.error = error;
    showNews([]);
  }
  return one.error?.status !== 403;
});

const back = () => h('a', { class: 'back', href: '#/audiences' }, t('backToAudiences'));

function showOne() {
  const { audience } = one;
  fill(h('div', { class: 'columns' },
    h('section', { class: 'card', 'aria-label': audience.name },
      back(), h('h1', {}, audience.name), h('p', { class: 'muted id' }, audience.id),
      h('p', { id: 'audience-count', 'aria-live': 'polite' }),
      h('h2', {}, t('rule')), h('pre', { class: 'text' }, audience.text[locale() === 'en' ? 'en' : 'zh']),
      h('details', {}, h('summary', { class: 'muted' }, 'JSON'), h('pre', {}, pretty(audience.rule))),
      h('h2', {}, t('members')), h('div', { id: 'members' })),
    h('aside', { class: 'card live', 'aria-label': t('changes') },
      h('h2', {}, t('changes')), h('ol', { id: 'changes', class: 'events' }), h('div', { id: 'changes-state' }))));
  showMembers();
  showNews(null);
}

function showMembers() {
  const { path, audience, page } = one;
  const members = h('ul', { class: 'events' });
  const add = (items) => members.append(...items.map((member) =>
    person(member.id, { audience: audience.id }, h('span', { class: 'muted' }, t('since_when', moment(member.since))))));
  add(page.items);
  at('members')?.replaceChildren(page.items.length ? members : state(t('noMembers')), moreMembers(path, page, add));
}

const moment = (instant) => time(instant, MOMENT).textContent;

/** Shows what changed: all of it, or what is added to what stands there. */
function showNews(added) {
  const { audience, changes, error } = one;
  if (!at('changes')) return;
  at('audience-count').replaceChildren(h('strong', {}, t('people_count', number(audience.count))), ' · ',
    t(`mode.${audience.mode}`), ' · ', t('version', audience.version),
    audience.is_filled ? '' : badge(t('filling')), audience.is_archived ? badge(t('archived')) : '');
  if (added) at('changes').prepend(...added.map((item) => change(item, 'fresh')).reverse());
  else at('changes').replaceChildren(...changes.map((item) => change(item, '')).reverse());
  while (at('changes').childElementCount > CHANGES_SHOWN) at('changes').lastElementChild.remove();
  const shown = error ? trouble(error) : changes.length ? '' : state(t('noChanges'));
  at('changes-state').replaceChildren(shown);
}

function change({ party, entered, at: when, cause }, mood) {
  const item = person(party, { audience: one.audience.id },
    h('span', { class: 'muted' }, t(`cause.${cause}`)), time(when, MOMENT));
  item.classList.add(entered ? 'entered' : 'left');
  if (mood) item.classList.add(mood);
  item.prepend(h('span', { class: 'badge' }, t(entered ? 'entered' : 'left')));
  return item;
}

function moreMembers(path, page, add) {
  const { signal } = view.work;
  const place = h('div', { class: 'more' });
  const offer = () => place.replaceChildren(...(page.next ? [h('button', { type: 'button', onclick: go }, t('more'))] : []));
  const go = async () => {
    place.replaceChildren(state(t('loading')));
    try {
      const next = await call(`${membersOf(path)}&cursor=${encode(page.next)}`, signal);
      page.next = next.next;
      page.items.push(...next.items);
      add(next.items);
      offer();
    } catch (error) {
      if (!signal.aborted) place.replaceChildren(trouble(error, go));
    }
  };
  offer();
  return place;
}

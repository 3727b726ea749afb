// Asking the API with the tab's token, and the states every panel can be in.

import { h, translator } from './dom.js';
import { words } from './words.js';

const TOKEN = 'headwater.token';

export const t = translator(words);
export const at = (id) => document.getElementById(id);
export const encode = encodeURIComponent;

/** How instants are shown. */
export const MOMENT = { dateStyle: 'medium', timeStyle: 'medium' };

let token = sessionStorage.getItem(TOKEN);
let refused = () => {};

/** The token lives in this tab's session storage. */
export const hasToken = () => token !== null;

export function keepToken(given) {
  token = given;
  sessionStorage.setItem(TOKEN, given);
}

export function dropToken() {
  token = null;
  sessionStorage.removeItem(TOKEN);
}

/** Calls `work` when the server does not know the token. */
export const onRefused = (work) => void (refused = work);

class Trouble extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

/** What was asked under a token that is given up since is not answered any more. */
export const isOver = (error) => error.name === 'AbortError';

/** Asks; with a `body` it is a POST. */
export async function call(path, signal, body) {
  const used = token;
  const headers = { authorization: `Bearer ${used}` };
  if (body) headers['content-type'] = 'application/json';
  const method = body ? 'POST' : 'GET';
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body && JSON.stringify(body), cache: 'no-store', signal });
  } catch (error) {
    if (isOver(error)) throw error;
    throw new Trouble(0, '');
  }
  const json = await answer.json().catch(() => ({}));
  if (answer.status === 401 && used === token) refused();
  if (signal?.aborted || used !== token) throw new DOMException('given up', 'AbortError');
  if (answer.ok) return json;
  throw new Trouble(answer.status, json.detail ?? `HTTP ${answer.status}`);
}

/** Repeats `work`, one run after the other, while the tab is looked at. It ends when `work` says false. */
export function every(ms, work) {
  let run = 0;
  const step = async (mine) => {
    const goesOn = document.hidden || (await work()) !== false;
    if (mine === run && goesOn) setTimeout(() => mine === run && step(mine), ms);
  };
  return { start: () => step(++run), stop: () => void run++ };
}

export const state = (text) => h('p', { class: 'state' }, text);

export function trouble(error, retry) {
  const text =
    error.status === 403 ? t('forbidden', /`(.+)`/.exec(error.message)?.[1] ?? error.message)
    : error.status === 404 ? t('gone')
    : error.status === 0 ? t('offline')
    : t('failed', error.message);
  const again = retry && error.status !== 403 ? h('button', { type: 'button', onclick: retry }, t('retry')) : null;
  return h('div', { class: 'state trouble', role: 'alert' }, h('p', {}, text), again);
}

/** What to call somebody: their name, or else their best identifier. */
export function title(party) {
  const { name, full_name, nickname, $name } = party.traits ?? {};
  const found = [name, full_name, $name, nickname].find((value) => typeof value === 'string' && value);
  return found ?? party.identifiers[0]?.value ?? party.id;
}

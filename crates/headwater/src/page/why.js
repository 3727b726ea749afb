// Why a rule holds for somebody: the tree of its parts.

import { MOMENT, t } from './ask.js';
import { h, time } from './dom.js';

/** An answer of the API as a tree. */
export function explanation(why) {
  const until = why.changes_at ? h('p', { class: 'muted' }, t('canChange'), ' ', time(why.changes_at, MOMENT)) : null;
  return h('div', { class: 'tree' }, h('ul', {}, part(why.evidence)), until);
}

function part(of) {
  const shown = (value) => (typeof value === 'string' ? value : JSON.stringify(value));
  const measured = 'measured' in of ? h('span', {}, ' = ', h('code', {}, of.measured === null ? t('missing') : shown(of.measured))) : null;
  const compared = of.op ? h('span', { class: 'muted' }, ` ${of.op} ${'literal' in of ? shown(of.literal) : ''}`) : null;
  return h('li', { class: of.holds ? 'holds' : 'fails' },
    h('span', { class: 'mark', role: 'img', 'aria-label': t(of.holds ? 'holds' : 'fails') }, of.holds ? '✓' : '✗'), ' ',
    t(`part.${of.kind}`), of.name ? h('strong', {}, ` ${of.name}`) : null, measured, compared,
    of.events?.length ? h('ul', { class: 'muted' }, of.events.map(event)) : null,
    of.provenance ? h('p', { class: 'muted' }, t('said', of.provenance.source ?? '–'), ' ', time(of.provenance.time, MOMENT)) : null,
    of.members?.length ? h('ul', {}, of.members.map(part)) : null);
}

const event = ({ id, event: name, time: when }) => h('li', { title: id }, name ?? id, ' ', when ? time(when, MOMENT) : null);

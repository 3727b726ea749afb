// What both pages share: elements, the language, and prose. Text only ever becomes text nodes.

const KEY = 'headwater.language';
const TAGS = { zh: 'zh-CN', en: 'en' };

let language = localStorage.getItem(KEY);
if (!(language in TAGS)) language = (navigator.language ?? '').toLowerCase().startsWith('zh') ? 'zh' : 'en';

/** The BCP 47 tag of the language shown. */
export const locale = () => TAGS[language];

/** Looks words up in `{zh: {…}, en: {…}}`; `{0}` in a text stands for an argument. */
export function translator(words) {
  return (key, ...args) => words[language][key].replace(/\{(\d)\}/g, (_, n) => args[n]);
}

/** Fills in what the document says only by name, and makes `button` switch the language. */
export function speak(t, button, changed) {
  const fill = () => {
    document.documentElement.lang = locale();
    button.textContent = language === 'zh' ? 'English' : '中文';
    for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
    for (const element of document.querySelectorAll('[data-label]')) element.ariaLabel = t(element.dataset.label);
    for (const element of document.querySelectorAll('[data-hint]')) element.placeholder = t(element.dataset.hint);
  };
  button.addEventListener('click', () => {
    language = language === 'zh' ? 'en' : 'zh';
    localStorage.setItem(KEY, language);
    fill();
    changed();
  });
  fill();
}

/** An element: `h('a', {href, onclick}, 'text', child)`. Attributes that are null or false are left out. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

/** Text with `code` in back-ticks, paragraph by paragraph. */
export function prose(text) {
  return text.split(/\n\s*\n/).map((paragraph) =>
    h('p', {}, paragraph.split('`').map((part, i) => (i % 2 ? h('code', {}, part) : part))),
  );
}

/** An instant in the reader's zone; hovering shows it as it was sent. */
export function time(text, options) {
  const date = new Date(text);
  const shown = Number.isNaN(date.getTime()) ? text : new Intl.DateTimeFormat(locale(), options).format(date);
  return h('time', { datetime: text, title: text }, shown);
}

/** A number with the digits grouped. */
export const number = (value, options) => new Intl.NumberFormat(locale(), options).format(value);

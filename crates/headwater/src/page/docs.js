// The API reference: the OpenAPI document this server answers with, made readable. Asks nobody else.

import { h, prose, speak, translator } from './dom.js';

const t = translator({
  zh: {
    home: '首页', document: 'OpenAPI 文档', loading: '载入中…', failed: '读不到 OpenAPI 文档。', retry: '重试', empty: '文档里还没有接口。',
    parameters: '参数', body: '请求体', optionalBody: '请求体（可省略）', responses: '响应', example: '示例', required: '必填', token: '需要令牌', open: '无需令牌',
    in_path: '路径', in_query: '查询', in_header: '请求头', in_cookie: 'Cookie', other: '其他', otherwise: '其余', list: '{0} 列表', map: '任意键 → {0}', oneOf: '以下之一：{0}', among: '取值 {0}', byDefault: '默认 {0}', deprecated: '已弃用',
  },
  en: {
    home: 'Home', document: 'OpenAPI document', loading: 'Loading…', failed: 'The OpenAPI document cannot be read.', retry: 'Try again', empty: 'The document has no operations yet.',
    parameters: 'Parameters', body: 'Body', optionalBody: 'Body (optional)', responses: 'Responses', example: 'Example', required: 'required', token: 'needs a token', open: 'needs no token',
    in_path: 'path', in_query: 'query', in_header: 'header', in_cookie: 'cookie', other: 'other', otherwise: 'else', list: 'list of {0}', map: 'any key → {0}', oneOf: 'one of: {0}', among: 'one of {0}', byDefault: '{0} by default', deprecated: 'deprecated',
  },
});

const METHODS = ['get', 'post', 'put', 'patch', 'delete'];
/** Schemas may contain themselves. */
const DEPTH_MAX = 5;

const root = document.getElementById('reference');
let spec = null;
let show = showLoading;

/* Schemas. */

/** Follows references and joins the parts of an `allOf`. A schema that may also be null is that schema. */
function resolve(schema = {}) {
  if (schema === true) return {};
  if (schema.$ref) {
    const target = schema.$ref.split('/').slice(1).reduce((at, key) => at?.[unescape(key)], spec);
    return { ...resolve(target), title: schema.$ref.split('/').at(-1), ...without(schema, '$ref') };
  }
  if (schema.allOf) {
    const parts = schema.allOf.map(resolve);
    return {
      ...Object.assign({}, ...parts), ...without(schema, 'allOf'),
      properties: Object.assign({}, ...parts.map((part) => part.properties), schema.properties),
      required: [...parts, schema].flatMap((part) => part.required ?? []),
    };
  }
  const choices = (schema.oneOf ?? schema.anyOf)?.filter((choice) => choice.type !== 'null');
  if (choices?.length === 1) return { ...resolve(choices[0]), ...without(schema, 'oneOf', 'anyOf') };
  return schema;
}

const unescape = (key) => decodeURIComponent(key).replaceAll('~1', '/').replaceAll('~0', '~');
const without = (object, ...keys) => Object.fromEntries(Object.entries(object).filter(([key]) => !keys.includes(key)));

function typeOf(schema) {
  const type = [schema.type ?? []].flat().filter((one) => one !== 'null');
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return t('oneOf', choices.map((choice) => name(resolve(choice))).join(' | '));
  if (type[0] === 'array') return t('list', name(resolve(schema.items)));
  if (schema.additionalProperties && !schema.properties) return t('map', name(resolve(schema.additionalProperties)));
  return type.join(' | ') || (schema.properties ? 'object' : 'any');
}

const name = (schema) => (schema.properties || schema.enum ? schema.title : null) ?? typeOf(schema);

/** The schema whose properties are worth showing under this one. */
function inner(schema) {
  if (schema.properties) return schema;
  if (schema.items) return inner(resolve(schema.items));
  if (schema.additionalProperties) return inner(resolve(schema.additionalProperties));
  return null;
}

function fields(schema, depth = 0) {
  const object = inner(schema);
  if (!object || depth >= DEPTH_MAX) return null;
  const required = new Set(object.required ?? []);
  const rows = Object.entries(object.properties).map(([key, value]) => field(key, value, required.has(key), null, depth));
  return h('dl', { class: 'fields' }, rows);
}

function field(key, schema, isRequired, place, depth) {
  const resolved = resolve(schema);
  const parts = [place, typeOf(resolved), resolved.format].filter(Boolean);
  if (resolved.enum) parts.push(t('among', resolved.enum.filter((value) => value !== null).join(', ')));
  if (resolved.default !== undefined && resolved.default !== null) parts.push(t('byDefault', JSON.stringify(resolved.default)));
  const type = h('p', { class: 'type' }, parts.join(' · '), isRequired ? [' · ', h('b', {}, t('required'))] : null);
  return h('div', {},
    h('dt', {}, h('code', {}, key)),
    h('dd', {}, type, prose(resolved.description ?? '')),
    fields(resolved, depth + 1));
}

/** A value that fits a schema, for the example. */
function sample(schema, depth = 0) {
  const resolved = resolve(schema);
  const given = resolved.example ?? resolved.default ?? resolved.enum?.[0];
  if (given !== undefined && given !== null) return given;
  if (depth >= DEPTH_MAX) return null;
  if (resolved.properties) {
    const required = new Set(resolved.required ?? []);
    const shown = Object.entries(resolved.properties).filter(([key]) => !required.size || required.has(key));
    return Object.fromEntries(shown.map(([key, value]) => [key, sample(value, depth + 1)]));
  }
  const choices = resolved.oneOf ?? resolved.anyOf;
  if (choices) return sample(choices[0], depth + 1);
  const type = [resolved.type ?? 'string'].flat()[0];
  if (type === 'array') return [sample(resolved.items, depth + 1)];
  return { object: {}, integer: 1, number: 1, boolean: true }[type] ?? '…';
}

/* Operations. */

function operation({ method, path, operation }) {
  const body = operation.requestBody && resolve(operation.requestBody);
  const parameters = (operation.parameters ?? []).map(resolve);
  return h('section', { class: 'card operation', id: anchor(operation, method, path) },
    h('h3', {}, operation.summary ?? operation.operationId ?? path),
    h('p', { class: 'path' }, badge(method), path),
    prose(operation.description ?? ''),
    h('p', { class: 'muted' }, t(isOpen(operation) ? 'open' : 'token'), operation.deprecated ? ` · ${t('deprecated')}` : ''),
    parameters.length ? [h('h4', {}, t('parameters')), h('dl', { class: 'fields' }, parameters.map(parameter))] : null,
    body ? [h('h4', {}, t(body.required ? 'body' : 'optionalBody')), content(body)] : null,
    h('h4', {}, t('responses')),
    Object.entries(operation.responses ?? {}).map(([status, reply]) => response(status, resolve(reply))),
    h('h4', {}, t('example')),
    h('pre', {}, curl(method, path, parameters, body, isOpen(operation))));
}

const badge = (method) => h('span', { class: `method ${method}` }, method.toUpperCase());
const anchor = (operation, method, path) => operation.operationId ?? `${method}-${path}`;

/** Whether nothing is asked for: no scheme named, or an empty choice among them. */
function isOpen(operation) {
  const security = operation.security ?? spec.security ?? [];
  return !security.length || security.some((choice) => !Object.keys(choice).length);
}

function parameter({ name, in: place, required, schema, description }) {
  const shown = description ? { ...resolve(schema), description } : resolve(schema);
  return field(name, shown, required, t(`in_${place}`), 0);
}

function content({ content: types = {} }) {
  return Object.values(types).map(({ schema }) => {
    const resolved = resolve(schema);
    return fields(resolved) ?? h('p', { class: 'muted' }, typeOf(resolved));
  });
}

function response(status, reply) {
  const [first] = Object.values(reply.content ?? {});
  const schema = first && resolve(first.schema);
  const label = status === 'default' ? t('otherwise') : status;
  const summary = [h('code', {}, label), ' ', schema ? name(schema) : '', reply.description ? h('span', { class: 'muted' }, ' ', prose(reply.description)) : null];
  const shown = schema && fields(schema);
  if (!shown) return h('p', { class: 'reply' }, summary);
  return h('details', { class: 'reply', open: status.startsWith('2') }, h('summary', {}, summary), shown);
}

function curl(method, path, parameters, body, needsNoToken) {
  const query = parameters.filter((p) => p.in === 'query' && p.required).map((p) => `${p.name}=${encodeURIComponent(sample(p.schema))}`);
  const filled = path.replace(/\{(\w+)\}/g, (_, key) => `$${key.toUpperCase()}`);
  const url = `"${location.origin}${filled}${query.length ? `?${query.join('&')}` : ''}"`;
  const lines = [`curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}${url}`];
  if (!needsNoToken) lines.push('-H "Authorization: Bearer $TOKEN"');
  const [type] = Object.entries(body?.content ?? {});
  if (type) {
    const json = JSON.stringify(sample(type[1].schema)).replaceAll("'", "'\\''");
    lines.push(`-H 'Content-Type: ${type[0]}'`, `-d '${json}'`);
  }
  return lines.join(' \\\n  ');
}

/* The page. */

function showReference() {
  const all = Object.entries(spec.paths ?? {}).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      method, path,
      operation: { ...item[method], parameters: [...(item.parameters ?? []), ...(item[method].parameters ?? [])] },
    })));
  if (!all.length) return root.replaceChildren(h('p', { class: 'state' }, t('empty')));
  const tags = Map.groupBy(all, ({ operation }) => operation.tags?.[0] ?? t('other'));
  const link = ({ method, path, operation }) =>
    h('a', { href: `#${anchor(operation, method, path)}` }, operation.summary ?? path);
  const nav = h('nav', {}, [...tags].map(([tag, list]) => [h('h2', {}, tag), list.map(link)]).flat(2));
  const sections = [...tags].map(([tag, list]) => [h('h2', {}, tag), list.map(operation)]).flat(2);
  const head = [h('h1', {}, `${spec.info?.title ?? 'API'} ${spec.info?.version ?? ''}`), prose(spec.info?.description ?? '')].flat();
  root.replaceChildren(h('div', { class: 'reference' }, nav, h('div', {}, head, sections)));
  // The anchor of the address was not there yet when the page was loaded.
  if (location.hash) document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
}

function showLoading() {
  root.replaceChildren(h('p', { class: 'state' }, t('loading')));
}

function showFailure() {
  const retry = h('button', { type: 'button', onclick: load }, t('retry'));
  root.replaceChildren(h('div', { class: 'state trouble', role: 'alert' }, h('p', {}, t('failed')), retry));
}

async function load() {
  show = showLoading;
  show();
  try {
    const answer = await fetch('/api/v1/openapi.json');
    if (!answer.ok) throw new Error(String(answer.status));
    spec = await answer.json();
    show = showReference;
  } catch {
    show = showFailure;
  }
  show();
}

speak(t, document.getElementById('language'), () => show());
load();

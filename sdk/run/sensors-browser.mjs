// sa-sdk-javascript (神策 Web SDK): pointed here by `server_url`; it turns /sa into /sa.gif by itself.

import { onPage } from './browser.mjs';
import { begin, report } from './support.mjs';

const person = begin('sensors-browser');
const { server, writeKey, userId, email, phone } = person;
const serverUrl = `${server}/sa?project=default&token=${writeKey}`;

/** The form field `data` is Base64 of one record. */
function decode(request) {
  const data = new URLSearchParams(request.postData() ?? new URL(request.url()).search).get('data');
  return data ? [JSON.parse(Buffer.from(data, 'base64').toString('utf8'))] : [];
}

const identities = await onPage(
  {
    head: '<script src="/sensorsdata.js"></script>',
    scripts: { '/sensorsdata.js': 'sa-sdk-javascript/sensorsdata.min.js' },
    server,
    decode,
  },
  async (page, sent) => {
    await page.evaluate(({ serverUrl, userId, email, phone }) => {
      const sensors = window.sensorsDataAnalytic201505;
      sensors.init({ server_url: serverUrl, send_type: 'ajax', show_log: false, is_track_single_page: false, heatmap: {} });
      sensors.quick('autoTrack');
      sensors.track('ViewProduct', { product_id: 'P-1', price: 19.9 });
      sensors.login(userId);
      sensors.setProfile({ name: '陈晨', city: '杭州' });
      sensors.incrementProfile({ points: 120 });
      sensors.appendProfile({ hobby: ['足球', '读书'] });
      sensors.bind('$identity_mobile', phone);
      sensors.bind('$identity_email', email);
      sensors.track('OrderCompleted', { order_id: 'O-5', amount: 199.5 });
    }, { ...person, serverUrl });
    const types = ['track_signup', 'profile_set', 'profile_increment', 'profile_append'];
    const events = ['$pageview', 'ViewProduct', 'OrderCompleted'];
    const bound = ['$identity_mobile', '$identity_email'];
    await sent.all([
      ...types.map((type) => (message) => message.type === type),
      ...events.map((event) => (message) => message.event === event),
      ...bound.map((key) => (message) => message.type === 'track_id_bind' && key in message.identities),
    ]);
    return sent.messages.find((message) => message.event === 'OrderCompleted').identities;
  },
);

report({
  identifiers: [
    ['$identity_login_id', userId],
    ['$identity_anonymous_id', identities.$identity_anonymous_id],
    ['$identity_cookie_id', identities.$identity_cookie_id],
    ['$identity_mobile', phone],
    ['$identity_email', email],
  ],
  traits: { name: '陈晨', city: '杭州', points: 120, hobby: ['足球', '读书'] },
  events: ['$pageview', 'ViewProduct', 'OrderCompleted'],
});

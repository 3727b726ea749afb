// The classic snippet: the page loads analytics.min.js itself from us, and knows no other host.

import { onPage } from './browser.mjs';
import { begin, report } from './support.mjs';

const person = begin('segment-snippet');
const { server, writeKey, userId, email, phone } = person;

// Segment's snippet, shortened to the methods used here. The page view is queued before the script is there.
const snippet = `<script>
  var analytics = (window.analytics = []);
  analytics.methods = ['identify', 'track', 'page', 'group', 'ready'];
  analytics.methods.forEach(function (method) {
    analytics[method] = function () {
      analytics.push([method].concat(Array.prototype.slice.call(arguments)));
      return analytics;
    };
  });
  analytics._writeKey = ${JSON.stringify(writeKey)};
  analytics._cdn = ${JSON.stringify(server)};
  var script = document.createElement('script');
  script.async = true;
  script.src = ${JSON.stringify(`${server}/analytics.js/v1/${writeKey}/analytics.min.js`)};
  document.head.appendChild(script);
  analytics.page('Landing');
</script>`;

const decode = (request) => (request.method() === 'POST' ? [JSON.parse(request.postData())] : []);

const anonymousId = await onPage({ head: snippet, server, decode }, async (page, sent) => {
  await page.evaluate(
    ({ userId, email, phone }) =>
      new Promise((resolve) =>
        window.analytics.ready(() => {
          window.analytics.track('Product Viewed', { product_id: 'P-1', price: 19.9 });
          window.analytics.identify(userId, { name: '赵敏', email, phone, city: '成都' });
          window.analytics.track('Order Completed', { order_id: 'O-4', total: 45, currency: 'CNY' });
          resolve();
        }),
      ),
    person,
  );
  await sent.all([
    (message) => message.type === 'page' && message.name === 'Landing',
    (message) => message.type === 'track' && message.event === 'Product Viewed',
    (message) => message.type === 'identify',
    (message) => message.type === 'track' && message.event === 'Order Completed',
  ]);
  return page.evaluate(() => window.analytics.user().anonymousId());
});

report({
  identifiers: [
    ['user_id', userId],
    ['anonymous_id', anonymousId],
    ['email', email],
    ['mobile', phone],
  ],
  traits: { name: '赵敏', city: '成都' },
  events: ['Landing', 'Product Viewed', 'Order Completed'],
});

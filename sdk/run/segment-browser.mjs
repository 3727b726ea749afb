// @segment/analytics-next as a package: the page fetches its settings from us (`cdnURL`), then sends.

import { onPage } from './browser.mjs';
import { begin, report } from './support.mjs';

const person = begin('segment-browser');
const { userId, email, phone } = person;

const anonymousId = await onPage(
  {
    head: '<script src="/analytics-next.js"></script>',
    scripts: { '/analytics-next.js': '@segment/analytics-next/dist/umd/index.js' },
    server: person.server,
  },
  (page) =>
    page.evaluate(async ({ server, writeKey, userId, email, phone }) => {
      const [analytics] = await window.AnalyticsNext.AnalyticsBrowser.load({ writeKey, cdnURL: server });
      const delivered = async (call) => {
        const context = await call;
        const failure = context.failedDelivery?.();
        if (failure) throw new Error(`not delivered: ${failure.reason}`);
      };
      await delivered(analytics.page('Landing'));
      const visitor = analytics.user().anonymousId();
      await delivered(analytics.track('Product Viewed', { product_id: 'P-1', price: 19.9 }));
      await delivered(analytics.identify(userId, { name: '韩梅梅', email, phone, city: '广州' }));
      await delivered(analytics.group('outlet-7', { name: '七号店' }));
      await delivered(analytics.track('Order Completed', { order_id: 'O-3', total: 30, currency: 'CNY' }));
      return visitor;
    }, person),
);

report({
  identifiers: [
    ['user_id', userId],
    ['anonymous_id', anonymousId],
    ['email', email],
    ['mobile', phone],
  ],
  traits: { name: '韩梅梅', city: '广州' },
  events: ['Landing', 'Product Viewed', 'Order Completed'],
});

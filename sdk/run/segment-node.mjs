// @segment/analytics-node: the server-side SDK of Segment, pointed here by `host`.

import { Analytics } from '@segment/analytics-node';
import { begin, report } from './support.mjs';

const { server, writeKey, userId, anonymousId, earlierId, email, phone } = begin('segment-node');
const analytics = new Analytics({ writeKey, host: server, maxRetries: 2 });
const failures = [];
analytics.on('error', (failure) => failures.push(failure));

const traits = { name: '王小明', email, phone, city: '上海', address: { city: '上海', street: '南京东路 1 号' } };
analytics.track({ anonymousId: earlierId, event: 'Store Visited', properties: { store: 'S-7' } });
analytics.page({ anonymousId, name: 'Landing', properties: { path: '/', title: '源头' } });
analytics.identify({ userId, anonymousId, traits });
analytics.track({ userId, anonymousId, event: 'Product Viewed', properties: { product_id: 'P-1', price: 19.9 } });
analytics.group({ userId, groupId: 'outlet-7', traits: { name: '七号店' } });
analytics.alias({ userId, previousId: earlierId });
analytics.track({ userId, event: 'Order Completed', properties: { order_id: 'O-1', total: 99.75, currency: 'CNY' } });
await analytics.closeAndFlush({ timeout: 10_000 });
if (failures.length > 0) throw new Error(`not delivered: ${JSON.stringify(failures)}`);

report({
  identifiers: [
    ['user_id', userId],
    ['anonymous_id', anonymousId],
    ['anonymous_id', earlierId],
    ['email', email],
    ['mobile', phone],
  ],
  traits: { name: '王小明', city: '上海' },
  events: ['Store Visited', 'Landing', 'Product Viewed', 'Order Completed'],
});

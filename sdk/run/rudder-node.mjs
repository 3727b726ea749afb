// @rudderstack/rudder-sdk-node: gzip bodies that claim to be a form, pointed here by `dataPlaneUrl`.

import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { begin, report } from './support.mjs';

const { server, writeKey, userId, anonymousId, earlierId, email, phone } = begin('rudder-node');
let failure;
const analytics = new RudderAnalytics(writeKey, {
  dataPlaneUrl: server,
  retryCount: 2,
  logLevel: 'error',
  errorHandler: (error) => (failure = error),
});

/** Each call reports its own delivery. */
function sent(call, message) {
  return new Promise((resolve, reject) => analytics[call](message, (error) => (error ? reject(error) : resolve())));
}

const traits = { name: '李雷', email, phone, city: '北京' };
const deliveries = [
  sent('track', { anonymousId: earlierId, event: 'Store Visited', properties: { store: 'S-7' } }),
  sent('page', { anonymousId, name: 'Landing', properties: { path: '/' } }),
  sent('identify', { userId, anonymousId, traits }),
  sent('track', { userId, anonymousId, event: 'Product Viewed', properties: { product_id: 'P-1', price: 19.9 } }),
  sent('group', { userId, groupId: 'outlet-7', traits: { name: '七号店' } }),
  sent('alias', { userId, previousId: earlierId }),
  sent('track', { userId, event: 'Order Completed', properties: { order_id: 'O-2', total: 12.5, currency: 'CNY' } }),
];
await analytics.flush();
await Promise.all(deliveries);
if (failure) throw failure;

report({
  identifiers: [
    ['user_id', userId],
    ['anonymous_id', anonymousId],
    ['anonymous_id', earlierId],
    ['email', email],
    ['mobile', phone],
  ],
  traits: { name: '李雷', city: '北京' },
  events: ['Store Visited', 'Landing', 'Product Viewed', 'Order Completed'],
});
process.exit(0); // the SDK keeps a timer running

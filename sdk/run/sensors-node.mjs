// sa-sdk-node (神策 Node SDK): Base64 of gzip inside a form, pointed here by `submitTo`.

import { begin, report } from './support.mjs';

process.noDeprecation = true; // the SDK still says `new Buffer`
const { default: SensorsAnalytics } = await import('sa-sdk-node');

const { server, userId, anonymousId } = begin('sensors-node');
const sensors = new SensorsAnalytics();
// By project alone, as older installations do; the other stories send a token, too.
const submitter = sensors.submitTo({ url: `${server}/sa?project=default`, gzip: true, timeout: 10_000 });

// One request a record; the submitter emits once for each answer.
let outstanding = 0;
const answered = new Promise((resolve, reject) => {
  submitter.subscribe(() => --outstanding === 0 && resolve(), reject);
});
function send(method, ...details) {
  outstanding += 1;
  sensors[method](...details);
}

// The SDK has no `login`: that an id is a login id is said by a property of Sensors' own. It refuses
// that property in `profileIncrement` and `profileAppend`, whose `userId` would look anonymous.
const known = { $is_login_id: true };
send('track', anonymousId, 'ViewProduct', { product_id: 'P-1', price: 19.9, tags: ['牛奶', '进口'] });
send('trackSignup', userId, anonymousId, { method: 'phone' });
send('profileSet', userId, { ...known, name: '孙悦', city: '武汉' });
send('track', userId, 'OrderCompleted', { ...known, order_id: 'O-6', amount: 66 });
await answered;

report({
  identifiers: [
    ['$identity_login_id', userId],
    ['$identity_anonymous_id', anonymousId],
  ],
  traits: { name: '孙悦', city: '武汉' },
  events: ['ViewProduct', 'OrderCompleted'],
});

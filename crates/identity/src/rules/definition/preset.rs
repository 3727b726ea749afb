//! The rules a workspace starts with: the kinds of the domain, those the SDKs send by themselves, and
//! limits that hold in Chinese retail. Everything here is data a person may change.

use super::{Document, Guard, Kind, LANDLINE, Mirror, Normaliser, Span, Strength, VERSION};
use Normaliser::{Email, LowerPlain, Mobile, Plain, Uscc};

/// Values the wild is full of. All zeros, all nines and eleven equal digits need no line.
const BLOCKED_VALUES: [&str; 13] = [
    "-1",
    "null",
    "(null)",
    "undefined",
    "anonymous",
    "none",
    "nil",
    "nan",
    "unknown",
    "guest",
    "n/a",
    "[object object]",
    "test@*",
];

impl Default for Document {
    fn default() -> Self {
        let mirror = |from: &str, to: &str| Mirror { from: from.to_owned(), to: to.to_owned() };
        Self {
            version: VERSION,
            kinds: kinds(),
            unknown_limit: 5,
            mirrors: vec![
                mirror("$identity_login_id", "user_id"),
                mirror("$identity_mobile", "mobile"),
                mirror("$identity_email", "email"),
                mirror("$identity_member_no", "member_no"),
            ],
            blocked_values: BLOCKED_VALUES.map(str::to_owned).to_vec(),
            soft_limit: Span { limit: 5, window_days: 30 },
            backfill_days: 90,
            recycle_days: 90,
            neighbours_max: 50,
            guards: Guard::ALL.to_vec(),
        }
    }
}

fn kinds() -> Vec<Kind> {
    let mut kinds = hard_kinds();
    kinds.push(soft("payer_hash", Plain, Some(5), None));
    // Cookies before devices: a fact belongs to the narrowest identifier on its record.
    for name in ["anonymous_id", "$identity_anonymous_id", "$identity_cookie_id", "cookie"] {
        kinds.push(soft(name, Plain, Some(10), Some(30)));
    }
    for name in ["device_id", "$identity_android_id", "$identity_ios_id"] {
        kinds.push(soft(name, LowerPlain, Some(5), Some(30)));
    }
    kinds.push(soft("$identity_distinct_id", Plain, Some(5), Some(30)));
    kinds.push(soft(LANDLINE, Mobile, None, None));
    kinds.push(soft("qq", Plain, None, None));
    // Neighbours and offices share an address: it is kept and never links.
    kinds.push(soft("address", Plain, Some(0), None));
    kinds.push(soft("address_hash", Plain, Some(0), None));
    kinds
}

fn hard_kinds() -> Vec<Kind> {
    let mobile = |name| Kind { can_change_hands: true, ..hard(name, Mobile, 3, Some(365)) };
    vec![
        hard("member_no", Plain, 1, None),
        hard("$identity_member_no", Plain, 1, None),
        hard("crm_id", Plain, 1, None),
        hard("user_id", Plain, 1, None),
        hard("$identity_login_id", Plain, 1, None),
        hard("unionid", Plain, 1, None),
        hard("$identity_mp_unionid", Plain, 1, None),
        hard("pos_id", Plain, 5, None),
        hard("app_id", Plain, 5, None),
        hard("web_id", Plain, 5, None),
        hard("mini_id", Plain, 5, None),
        hard("call_id", Plain, 5, None),
        mobile("mobile"),
        mobile("$identity_mobile"),
        hard("external_userid", Plain, 5, None),
        hard("openid", Plain, 10, None),
        hard("$identity_mp_id", Plain, 10, None),
        hard("$identity_mp_*_openid", Plain, 10, None),
        hard("email", Email, 5, Some(365)),
        hard("$identity_email", Email, 5, Some(365)),
        // A legal entity has one code; two licences behind one door are two customers.
        hard("uscc", Uscc, 1, None),
        hard("poi_id", Plain, 1, None),
        hard("contract_no", Plain, 1, None),
    ]
}

fn hard(name: &str, normaliser: Normaliser, limit: u32, window_days: Option<u32>) -> Kind {
    let limit = Some(limit);
    Kind {
        name: name.to_owned(),
        strength: Strength::Hard,
        limit,
        window_days,
        normaliser,
        can_change_hands: false,
    }
}

fn soft(name: &str, normaliser: Normaliser, limit: Option<u32>, window_days: Option<u32>) -> Kind {
    Kind {
        name: name.to_owned(),
        strength: Strength::Soft,
        limit,
        window_days,
        normaliser,
        can_change_hands: false,
    }
}

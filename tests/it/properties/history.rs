//! Random histories: what a few people with shared devices and recycled numbers send in a year and a half.
//!
//! The universe is small on purpose, so that everything meets everything. Messages carry their own ids
//! and times and no send time: what they say does not depend on when they arrive.

use intake::rules::frame::{Frame, Protocol};
use kernel::time::{DAY, HOUR, MILLISECOND, MINUTE};
use kernel::{Instant, SourceNo};
use serde_json::{Map, Value, json};

use super::dice::Dice;

/// When everything arrives: 2026-06-01.
pub(crate) const NOW: Instant = Instant(1_780_272_000_000_000);

/// Events share this position in their request, so that the time of an event does not depend on the
/// request it comes in: later positions are not told apart.
const POSITION: u32 = 999;

/// One message as its sender wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) protocol: Protocol,
    pub(crate) source: u32,
    pub(crate) raw: Vec<u8>,
}

impl Message {
    pub(crate) fn of(protocol: Protocol, source: u32, raw: &Value) -> Self {
        Self { protocol, source, raw: raw.to_string().into_bytes() }
    }

    /// Seeds what happens to this message, whatever happens to others. FNV-1a.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.raw.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }

    /// For people who read a failure.
    pub(crate) fn text(&self) -> String {
        let raw = String::from_utf8_lossy(&self.raw);
        format!("{:?} {} {}", self.protocol, self.source, raw.chars().take(400).collect::<String>())
    }
}

/// How many of each there are; drawn anew for every history.
struct Universe {
    users: usize,
    mobiles: usize,
    emails: usize,
    cookies: usize,
    devices: usize,
    moments: Vec<Instant>,
}

/// A history of about `size` messages.
pub(crate) fn history(dice: &mut Dice, size: usize) -> Vec<Message> {
    let universe = Universe {
        users: 1 + dice.roll(7),
        mobiles: 1 + dice.roll(4),
        emails: 1 + dice.roll(3),
        cookies: 1 + dice.roll(6),
        devices: 1 + dice.roll(3),
        moments: (0..8).map(|_| NOW.plus(-(dice.roll(500) as i64) * DAY - HOUR)).collect(),
    };
    (0..1 + dice.roll(size)).map(|n| universe.message(dice, n)).collect()
}

impl Universe {
    fn message(&self, dice: &mut Dice, n: usize) -> Message {
        let source = 1 + dice.roll(3) as u32;
        match dice.roll(20) {
            0..=4 => Message::of(Protocol::Segment, source, &self.track(dice, n)),
            5..=9 => Message::of(Protocol::Segment, source, &self.identify(dice, n)),
            10 => Message::of(Protocol::Own, source, &self.alias(dice, n)),
            11 => Message::of(Protocol::Segment, source, &self.page_or_group(dice, n)),
            12..=13 => Message::of(Protocol::Sensors, source, &self.sensors_track(dice, n)),
            14..=16 => Message::of(Protocol::Sensors, source, &self.binding(dice, n)),
            17..=18 => Message::of(Protocol::Sensors, source, &self.profile(dice, n)),
            _ => {
                let at = self.time(dice);
                Message::of(Protocol::Sensors, source, &item(dice, at, n))
            }
        }
    }

    fn time(&self, dice: &mut Dice) -> Instant {
        let near = [0, MILLISECOND, 7 * MINUTE, HOUR, 26 * HOUR, 35 * DAY];
        let moment = self.moments[dice.roll(self.moments.len())];
        let at = moment.plus(near[dice.roll(near.len())] * dice.roll(3) as i64);
        Instant(at.0.min(NOW.0))
    }

    fn base(&self, dice: &mut Dice, kind: &str, n: usize) -> Map<String, Value> {
        let mut message = Map::new();
        message.insert("type".into(), kind.into());
        message.insert("messageId".into(), format!("m-{n}").into());
        message.insert("timestamp".into(), self.time(dice).to_string().into());
        let who = dice.roll(4);
        if who != 0 {
            message.insert("anonymousId".into(), format!("cookie-{}", dice.roll(self.cookies)).into());
        }
        if who != 1 {
            // Sometimes nobody: the name of a placeholder is ignored, alone it is refused.
            let user =
                if dice.chance(3) { "undefined".into() } else { format!("u-{}", dice.roll(self.users)) };
            message.insert("userId".into(), user.into());
        }
        if dice.chance(20) {
            let device = json!({ "device": { "id": format!("DEV-{}", dice.roll(self.devices)) } });
            message.insert("context".into(), device);
        }
        message
    }

    fn track(&self, dice: &mut Dice, n: usize) -> Value {
        let mut message = self.base(dice, "track", n);
        message.insert("event".into(), dice.pick(&["Viewed", "Bought", "Paid"]).into());
        let mut properties = json!({ "n": n, "amount": dice.roll(100) });
        if dice.chance(25) {
            properties["channel"] = "store".into();
            properties["store_id"] = format!("s-{}", dice.roll(2)).into();
        }
        message.insert("properties".into(), properties);
        if dice.chance(15) {
            let ids = json!([{ "type": "crm_id", "id": format!("crm-{}", dice.roll(self.users)) },
                             { "type": "loyalty_card", "id": format!("card-{}", dice.roll(3)) }]);
            message.insert("context".into(), json!({ "externalIds": ids }));
        }
        message.into()
    }

    fn identify(&self, dice: &mut Dice, n: usize) -> Value {
        let mut message = self.base(dice, "identify", n);
        let mut traits = Map::new();
        if dice.chance(50) {
            traits.insert("phone".into(), self.mobile(dice).into());
        }
        if dice.chance(40) {
            traits.insert("email".into(), self.email(dice).into());
        }
        if dice.chance(60) {
            let names = ["王伟", "王 伟", "张三", "李娜", "Wei Wang", "王先生", ""];
            traits.insert("name".into(), dice.pick(&names).into());
        }
        if dice.chance(30) {
            traits.insert("birthday".into(), dice.pick(&["1980-01-02", "1981-05-06", "1999-12-31"]).into());
        }
        if dice.chance(10) {
            traits.insert("operator".into(), dice.pick(&["op-1", "op-2"]).into());
        }
        if dice.chance(50) {
            traits.insert("tier".into(), dice.pick(&["gold", "silver", "none"]).into());
        }
        message.insert("traits".into(), traits.into());
        message.into()
    }

    fn alias(&self, dice: &mut Dice, n: usize) -> Value {
        let mut message = self.base(dice, "alias", n);
        message.insert("userId".into(), format!("u-{}", dice.roll(self.users)).into());
        message.insert("previousId".into(), format!("cookie-{}", dice.roll(self.cookies)).into());
        message.into()
    }

    fn page_or_group(&self, dice: &mut Dice, n: usize) -> Value {
        let kind = dice.pick(&["page", "group", "screen"]);
        let mut message = self.base(dice, kind, n);
        message.insert("groupId".into(), format!("g-{}", dice.roll(2)).into());
        message.insert("traits".into(), json!({ "size": dice.roll(9) }));
        message.into()
    }

    fn mobile(&self, dice: &mut Dice) -> String {
        let number = dice.roll(self.mobiles);
        match dice.roll(8) {
            0 => format!("+86 138-0013-800{number}"),
            1 => format!("010-6552800{number}"),
            2 => "99999999999".into(),
            _ => format!("1380013800{number}"),
        }
    }

    fn email(&self, dice: &mut Dice) -> String {
        let number = dice.roll(self.emails);
        if dice.chance(30) {
            format!("Mail{number}@Example.com")
        } else {
            format!("mail{number}@example.com")
        }
    }

    fn sensors(&self, dice: &mut Dice, kind: &str, n: usize) -> Value {
        let time = self.time(dice).millis();
        let mut record = json!({ "type": kind, "time": time, "_track_id": n, "lib": { "$lib": "python" } });
        record["distinct_id"] = match dice.roll(3) {
            0 => format!("u-{}", dice.roll(self.users)).into(),
            _ => format!("cookie-{}", dice.roll(self.cookies)).into(),
        };
        if dice.chance(20) {
            record["login_id"] = format!("u-{}", dice.roll(self.users)).into();
        }
        record
    }

    fn sensors_track(&self, dice: &mut Dice, n: usize) -> Value {
        let mut record = self.sensors(dice, "track", n);
        record["event"] = "Viewed".into();
        record["properties"] = json!({ "n": n, "$is_login_id": dice.chance(40) });
        if dice.chance(50) {
            record["identities"] = self.identities(dice);
        }
        record
    }

    fn binding(&self, dice: &mut Dice, n: usize) -> Value {
        let kind = dice.pick(&["track_id_bind", "track_id_unbind", "track_signup"]);
        let mut record = self.sensors(dice, kind, n);
        if kind == "track_signup" {
            record["distinct_id"] = format!("u-{}", dice.roll(self.users)).into();
            record["original_id"] = format!("cookie-{}", dice.roll(self.cookies)).into();
        } else {
            record["identities"] = self.identities(dice);
        }
        record["properties"] = json!({});
        record
    }

    fn identities(&self, dice: &mut Dice) -> Value {
        let mut all = Map::new();
        for _ in 0..1 + dice.roll(3) {
            let (kind, value) = match dice.roll(6) {
                0 => ("$identity_mobile", self.mobile(dice)),
                1 => ("$identity_email", self.email(dice)),
                2 => ("$identity_login_id", format!("u-{}", dice.roll(self.users))),
                3 => ("$identity_mp_wx_openid", format!("openid-{}", dice.roll(3))),
                4 => ("$identity_android_id", format!("Droid-{}", dice.roll(self.devices))),
                _ => ("$identity_cookie_id", format!("cookie-{}", dice.roll(self.cookies))),
            };
            all.insert(kind.into(), value.into());
        }
        all.into()
    }

    fn profile(&self, dice: &mut Dice, n: usize) -> Value {
        let (kind, properties) = match dice.roll(6) {
            0 => ("profile_set", json!({ "tier": dice.pick(&["gold", "silver"]), "city": "上海" })),
            1 => ("profile_set_once", json!({ "tier": "first", "first_n": n })),
            2 => ("profile_increment", json!({ "score": dice.roll(10), "money": 0.1 })),
            3 => ("profile_append", json!({ "tags": [dice.pick(&["a", "b", "c"]), "d"] })),
            4 => ("profile_unset", json!({ "tier": true })),
            _ => ("profile_delete", json!({})),
        };
        let mut record = self.sensors(dice, kind, n);
        record["properties"] = properties;
        record
    }
}

fn item(dice: &mut Dice, at: Instant, n: usize) -> Value {
    let kind = if dice.chance(20) { "item_delete" } else { "item_set" };
    json!({ "type": kind, "item_type": "book", "item_id": format!("b-{}", dice.roll(2)), "time": at.millis(),
            "properties": { "price": dice.roll(50), "n": n }, "_track_id": n })
}

/// One request with these messages, which are all of one protocol and source.
pub(crate) fn frame(messages: &[Message], received: Instant, receipt: u64) -> Vec<u8> {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&receipt.to_le_bytes());
    let frame = Frame {
        protocol: messages[0].protocol,
        received,
        receipt: bytes,
        source: SourceNo(messages[0].source),
        sent_at: None,
        is_import: false,
        ip: None,
        user_agent: None,
        shared: None,
        first: POSITION,
        events: messages.iter().map(|m| &m.raw[..]).collect(),
    };
    frame.encode()
}

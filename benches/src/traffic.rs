//! Events as a shop's SDKs send them: sessions that begin anonymous and become known.
//!
//! A session is about ten Segment messages: some pages, then an identify with user id, e-mail, mobile and
//! traits, then tracks under both ids, and in half of the sessions a second identify – 15 % of all
//! messages. People come back: the smaller a person's number, the more often. Every 50th session is on a
//! device that somebody else owns, and every 20th message is sent twice. Many sessions run at a time.
//! The seed decides everything.

use std::fmt::Write;

use kernel::Instant;
use kernel::time::{DAY, HOUR, SECOND};

/// What the traffic is like.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mix {
    /// Distinct people possible.
    pub(crate) people: u64,
    /// Whether everybody comes once, in turn; otherwise the first ones come more often.
    pub(crate) is_roll_call: bool,
    /// Messages of a session on average.
    pub(crate) session_messages: u64,
    /// Sessions under way at a time.
    pub(crate) sessions_open: usize,
    /// Messages sent twice, in a hundred.
    pub(crate) duplicate_percent: u64,
    /// Session starts lie in the time before this.
    pub(crate) until: Instant,
    /// Messages over which the starts spread, and how much time they spread over.
    pub(crate) spread: (u64, i64),
}

impl Mix {
    /// The usual traffic of a shop with a million people, within an hour.
    pub(crate) fn shop(messages: u64, until: Instant) -> Self {
        Self {
            people: 1_000_000,
            is_roll_call: false,
            session_messages: 10,
            sessions_open: 2_000,
            duplicate_percent: 5,
            until: until.plus(-HOUR / 2),
            spread: (messages, HOUR),
        }
    }

    /// Everybody comes once and makes a page, an identify and a track: what an import is like, and the
    /// dearest traffic there is, because every third message brings a person with four identifiers.
    pub(crate) fn newcomers(people: u64, until: Instant) -> Self {
        Self {
            people,
            is_roll_call: true,
            session_messages: 3,
            duplicate_percent: 0,
            until: until.plus(-DAY),
            spread: (people * 3, 60 * DAY),
            ..Self::shop(people, until)
        }
    }
}

/// A stream of messages.
pub(crate) struct Traffic {
    mix: Mix,
    draw: Draw,
    open: Vec<Session>,
    recent: Vec<String>,
    messages: u64,
    sessions: u64,
}

struct Session {
    person: u64,
    device: u64,
    at: Instant,
    step: u64,
    steps: u64,
    has_second_identify: bool,
}

/// Copies of a message come within so many messages.
const RECENT: usize = 10_000;
const PAGES: [(&str, &str); 5] = [
    ("Home", "/"),
    ("Category", "/category/milk"),
    ("Product", "/product/1017"),
    ("Cart", "/cart"),
    ("Search", "/search"),
];
pub(crate) const EVENTS: [&str; 5] =
    ["Product Viewed", "Product Added", "Checkout Started", "Order Completed", "Coupon Viewed"];
const CITIES: [&str; 6] = ["上海", "杭州", "成都", "深圳", "北京", "武汉"];
const FAMILIES: [&str; 10] = ["王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周"];
const GIVEN: [&str; 12] = ["小明", "伟", "芳", "娜", "秀英", "敏", "静", "丽", "强", "磊", "洋", "艳"];

impl Traffic {
    /// Traffic of this seed.
    pub(crate) fn new(mix: Mix, seed: u64) -> Self {
        Self { mix, draw: Draw(seed), open: Vec::new(), recent: Vec::new(), messages: 0, sessions: 0 }
    }

    /// The next message's JSON.
    pub(crate) fn message(&mut self) -> String {
        if self.draw.below(100) < self.mix.duplicate_percent && !self.recent.is_empty() {
            let no = self.draw.below(self.recent.len() as u64) as usize;
            return self.recent[no].clone();
        }
        while self.open.len() < self.mix.sessions_open {
            let session = self.session();
            self.open.push(session);
        }
        let no = self.draw.below(self.open.len() as u64) as usize;
        let message = self.step(no);
        if self.open[no].step == self.open[no].steps {
            self.open.swap_remove(no);
        }
        self.messages += 1;
        if self.mix.duplicate_percent > 0 {
            match self.recent.len() < RECENT {
                true => self.recent.push(message.clone()),
                false => self.recent[(self.messages % RECENT as u64) as usize].clone_from(&message),
            }
        }
        message
    }

    fn session(&mut self) -> Session {
        let mix = self.mix;
        let person = match mix.is_roll_call {
            true => self.sessions % mix.people,
            false => {
                let share = self.draw.below(1 << 32) as f64 / (1u64 << 32) as f64;
                ((share * share * mix.people as f64) as u64).min(mix.people - 1)
            }
        };
        self.sessions += 1;
        let done = (self.messages as f64 / mix.spread.0 as f64).min(1.0);
        let jitter = self.draw.below(1_000) as i64 * SECOND / 1_000;
        let steps = match mix.session_messages {
            short @ 0..4 => short,
            usual => usual * 3 / 5 + self.draw.below(usual * 4 / 5 + 1),
        };
        Session {
            person,
            device: if self.draw.below(50) == 0 && !mix.is_roll_call { person ^ 1 } else { person },
            at: mix.until.plus((mix.spread.1 as f64 * (done - 1.0)) as i64 + jitter),
            step: 0,
            steps,
            has_second_identify: steps > 3 && self.draw.below(2) == 0,
        }
    }

    fn step(&mut self, no: usize) -> String {
        let id = self.draw.next();
        let chance = self.draw.next();
        let session = &mut self.open[no];
        let step = session.step;
        session.step += 1;
        session.at = session.at.plus((5 + (chance % 30) as i64) * SECOND);
        let login = session.steps * 3 / 10;
        let mut out = String::with_capacity(640);
        let time = session.at;
        let _ = write!(out, r#"{{"timestamp":"{time}","integrations":{{}},"#);
        if step == login || session.has_second_identify && step == session.steps * 7 / 10 {
            identify(&mut out, session.person, step != login);
        } else if step < login || chance.is_multiple_of(3) {
            let (name, path) = PAGES[(chance >> 8) as usize % PAGES.len()];
            let _ = write!(
                out,
                r#""type":"page","name":"{name}","properties":{{"url":"https://shop.example{path}","path":"{path}","title":"{name}","referrer":"https://www.example.com/"}},"#
            );
        } else {
            track(&mut out, chance);
        }
        if step >= login {
            let _ = write!(out, r#""userId":"u-{}","#, session.person);
        }
        let device = session.device;
        let _ = write!(
            out,
            r#""anonymousId":"anon-{device:08x}-5b1c-4d0e","context":{{"locale":"zh-CN","library":{{"name":"@segment/analytics-node","version":"3.1.0"}}}},"messageId":"node-next-{}-{id:016x}","_metadata":{{"nodeVersion":"v20.20.2","jsRuntime":"node"}}}}"#,
            time.millis()
        );
        out
    }
}

fn identify(out: &mut String, person: u64, is_second: bool) {
    let (family, given) = (FAMILIES[(person % 10) as usize], GIVEN[(person / 10 % 12) as usize]);
    let city = CITIES[(person % 6) as usize];
    let plan = if is_second { "gold" } else { "silver" };
    let _ = write!(
        out,
        r#""type":"identify","traits":{{"name":"{family}{given}","email":"p{person}@mail.example","phone":"+86139{person:08}","plan":"{plan}","createdAt":"2026-01-02T03:04:05.000Z","address":{{"city":"{city}"}}}},"#
    );
}

fn track(out: &mut String, chance: u64) {
    let event = EVENTS[(chance >> 8) as usize % EVENTS.len()];
    let product = (chance >> 16) % 5_000;
    let (yuan, fen) = ((chance >> 32) % 500, (chance >> 48) % 100);
    let _ = write!(
        out,
        r#""event":"{event}","type":"track","properties":{{"product_id":"P{product}","sku":"SKU-{product}","name":"牛奶","category":"乳品","price":{yuan}.{fen:02},"quantity":{},"currency":"CNY"}},"#,
        1 + chance % 4
    );
}

/// SplitMix64: small, and the same everywhere.
pub(crate) struct Draw(pub(crate) u64);

impl Draw {
    /// 64 fresh bits.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }
}

//! The data set of this benchmark: what a million people did in an online shop in 180 days.
//!
//! How often somebody comes is log-normal and their visits of a week are Poisson; what they look at
//! follows Zipf's law over the catalogue; a visit is pages, products, perhaps a cart, a checkout, an
//! order. Some orders come hours after the cart, some people join late, some stay away for good. The
//! seed decides everything, week by week, so that nothing but one batch is ever in memory.

use std::sync::Arc;

use kernel::time::{DAY, HOUR, MINUTE, SECOND};
use kernel::{Instant, Key, NodeNo, PartyNo};
use lake::Event;

use super::catalogue::Catalogue;
use crate::traffic::Draw;

/// Events of the full data set.
pub(crate) const EVENTS: u64 = 50_792_143;
/// People of the full data set; a smaller one has as many events of each.
pub(crate) const PEOPLE: u64 = 1_000_000;
/// When the questions are asked: Monday, 2026-11-02T00:00:00Z. Everything happened before.
pub(crate) const UNTIL: Instant = Instant(20_759 * DAY);
/// Days the data span.
pub(crate) const DAYS: i64 = 180;
/// Changes whenever the same seed would give other events.
pub(crate) const EDITION: u64 = 1;

const SEED: u64 = 0x4865_6164_7761_7465;
/// Weeks before [`UNTIL`], the first one from its third day on.
const WEEKS: i64 = DAYS / 7 + 1;
/// Visits of a person and week: the mean of their logarithm and its deviation.
const VISITS: (f64, f64) = (-1.289, 1.2);
/// More visits are a robot's.
const VISITS_MAX: u64 = 80;
/// How many of 24 × 100 visits begin in each hour of the day, from midnight UTC, people living in +8.
const HOURS: [u64; 24] = [
    80, 95, 105, 120, 130, 110, 95, 90, 95, 100, 110, 140, 180, 210, 200, 150, 85, 45, 25, 15, 10, 15, 35, 60,
];

/// Words an event may have in its columns.
struct Words {
    page_view: Arc<str>,
    product_view: Arc<str>,
    app_opened: Arc<str>,
    search: Arc<str>,
    add_to_cart: Arc<str>,
    email_opened: Arc<str>,
    email_clicked: Arc<str>,
    checkout_started: Arc<str>,
    order_completed: Arc<str>,
    order_refunded: Arc<str>,
    favourite_added: Arc<str>,
    coupon_claimed: Arc<str>,
    signed_in: Arc<str>,
    channels: [Arc<str>; 4],
    sources: [Arc<str>; 4],
}

/// Places in the lists of channels and sources.
const WEB: usize = 0;
const APP: usize = 1;
const MINI_PROGRAM: usize = 2;
const EMAIL: usize = 3;

struct Person {
    /// Mean visits a week.
    visits: f64,
    /// Probability of none.
    none: f64,
    /// First and last moment they may come.
    from: Instant,
    until: Instant,
    channel: usize,
}

/// The shop's people and catalogue.
pub(crate) struct Shop {
    people: Vec<Person>,
    catalogue: Catalogue,
    words: Words,
    events: u64,
}

/// The events, a batch at a time, in ascending weeks.
pub(crate) struct Stream<'s> {
    shop: &'s Shop,
    /// Times all weeks were gone through: a few people may have come too seldom.
    pass: u64,
    week: i64,
    person: usize,
    left: u64,
}

impl Shop {
    /// The shop with so many events.
    pub(crate) fn new(events: u64) -> Self {
        let people = (events * PEOPLE).div_ceil(EVENTS).max(1);
        Self {
            people: (0..people).map(person).collect(),
            catalogue: Catalogue::new(),
            words: Words::new(),
            events,
        }
    }

    /// People, most of whom have events.
    pub(crate) fn people(&self) -> u64 {
        self.people.len() as u64
    }

    /// The events from the first on.
    pub(crate) fn stream(&self) -> Stream<'_> {
        Stream { shop: self, pass: 0, week: 0, person: 0, left: self.events }
    }
}

impl Stream<'_> {
    /// The next batch of at least `count` events, fewer at the end; empty after it. A batch is of one
    /// week, but for what runs over midnight of its Sunday.
    pub(crate) fn batch(&mut self, count: usize) -> Vec<Event> {
        let mut events = Vec::with_capacity(count + 1024);
        while events.len() < count && self.left > 0 {
            let before = events.len();
            visits_of_week(self.shop, self.person, self.week, self.pass, &mut events);
            events.truncate(before + (events.len() - before).min(self.left as usize));
            self.left -= (events.len() - before) as u64;
            self.person += 1;
            if self.person == self.shop.people.len() {
                (self.person, self.week) = (0, self.week + 1);
                if self.week == WEEKS {
                    (self.week, self.pass) = (0, self.pass + 1);
                }
                if !events.is_empty() {
                    break;
                }
            }
        }
        events
    }
}

/// A draw of its own for each person and purpose.
fn draw(person: u64, purpose: u64) -> Draw {
    let mut draw = Draw(SEED ^ (person << 20) ^ purpose);
    draw.next();
    draw
}

/// A number in [0, 1).
fn share(draw: &mut Draw) -> f64 {
    (draw.next() >> 11) as f64 / (1u64 << 53) as f64
}

fn happens(draw: &mut Draw, per_10_000: u64) -> bool {
    draw.below(10_000) < per_10_000
}

fn person(no: u64) -> Person {
    let mut draw = draw(no, u64::MAX >> 44);
    // Box and Muller's way to a normal deviate.
    let radius = (-2.0 * (1.0 - share(&mut draw)).ln()).sqrt();
    let deviate = radius * (std::f64::consts::TAU * share(&mut draw)).cos();
    let visits = (VISITS.0 + VISITS.1 * deviate).exp();
    let start = UNTIL.plus(-DAYS * DAY);
    let joined = if happens(&mut draw, 3_500) { draw.below(DAYS as u64) as i64 * DAY } else { 0 };
    let stays = (-260.0 * (1.0 - share(&mut draw)).ln() * DAY as f64) as i64;
    let channel = match draw.below(100) {
        0..44 => WEB,
        44..86 => APP,
        _ => MINI_PROGRAM,
    };
    let from = start.plus(joined);
    Person { visits, none: (-visits).exp(), from, until: from.plus(stays + 7 * DAY), channel }
}

/// What a person did in a week.
fn visits_of_week(shop: &Shop, no: usize, week: i64, pass: u64, events: &mut Vec<Event>) {
    let person = &shop.people[no];
    let begin = UNTIL.plus((week - WEEKS) * 7 * DAY);
    if person.until < begin || person.from >= begin.plus(7 * DAY) {
        return;
    }
    let mut draw = draw(no as u64, week as u64 + pass * WEEKS as u64);
    let (chance, mut visits) = (share(&mut draw), 0u64);
    let (mut term, mut sum) = (person.none, person.none);
    while chance > sum && visits < VISITS_MAX {
        visits += 1;
        term *= person.visits / visits as f64;
        sum += term;
    }
    for _ in 0..visits {
        let at = begin.plus(moment(&mut draw));
        let channel = if happens(&mut draw, 8_000) { person.channel } else { draw.below(3) as usize };
        if at >= person.from && at < person.until {
            Visit { shop, draw: &mut draw, person: no as u32, at, channel, events }.run();
        }
    }
    if happens(&mut draw, 722) {
        let at = begin.plus(moment(&mut draw));
        if at >= person.from {
            Visit { shop, draw: &mut draw, person: no as u32, at, channel: EMAIL, events }.mail();
        }
    }
}

/// A moment of a week.
fn moment(draw: &mut Draw) -> i64 {
    let day = draw.below(7) as i64;
    let mut place = draw.below(HOURS.iter().sum());
    let mut hour = 0;
    for count in HOURS {
        if place < count {
            break;
        }
        (place, hour) = (place - count, hour + 1);
    }
    day * DAY + hour * HOUR + draw.below(HOUR as u64) as i64
}

/// A visit under way.
struct Visit<'v> {
    shop: &'v Shop,
    draw: &'v mut Draw,
    person: u32,
    at: Instant,
    channel: usize,
    events: &'v mut Vec<Event>,
}

impl Visit<'_> {
    fn run(mut self) {
        let words = &self.shop.words;
        if self.channel == APP {
            self.plain(&words.app_opened);
        }
        if happens(self.draw, 220) {
            self.plain(&words.signed_in);
        }
        self.page();
        while happens(self.draw, 6_090) {
            self.page();
        }
        while happens(self.draw, 2_790) {
            self.search();
        }
        let mut cart: Vec<(usize, u64)> = Vec::new();
        while happens(self.draw, 6_130) {
            self.product(&mut cart);
        }
        if happens(self.draw, 170) {
            self.plain(&words.coupon_claimed);
        }
        let Some(&(sku, _)) = cart.first() else { return };
        if happens(self.draw, 6_200) {
            self.wait(20 * SECOND, 4 * MINUTE);
            let total = cart.iter().map(|(sku, pieces)| self.shop.catalogue.price(*sku) * pieces).sum();
            self.item(&words.checkout_started, sku, total);
            if happens(self.draw, 6_060) {
                if happens(self.draw, 1_200) {
                    self.wait(HOUR, 34 * HOUR);
                }
                self.item(&words.order_completed, sku, total);
                if happens(self.draw, 450) {
                    self.wait(2 * DAY, 6 * DAY);
                    self.item(&words.order_refunded, sku, total);
                }
            }
        }
    }

    fn mail(mut self) {
        let words = &self.shop.words;
        self.plain(&words.email_opened);
        if happens(self.draw, 2_100) {
            self.plain(&words.email_clicked);
        }
    }

    fn product(&mut self, cart: &mut Vec<(usize, u64)>) {
        let words = &self.shop.words;
        let sku = self.shop.catalogue.pick(self.draw);
        let price = self.shop.catalogue.price(sku);
        self.item(&words.product_view, sku, price);
        if happens(self.draw, 240) {
            self.item(&words.favourite_added, sku, price);
        }
        if happens(self.draw, 1_496) {
            let pieces = 1 + self.draw.below(3);
            self.item(&words.add_to_cart, sku, price * pieces);
            cart.push((sku, pieces));
        }
    }

    fn page(&mut self) {
        let category = self.draw.below(60);
        let text = format!(
            r#"{{"path":"/category/{category}","title":"Category {category}","referrer":"https://search.example/","viewport":"390x844","seconds":{},"visit":"{:016x}"}}"#,
            self.draw.below(240),
            self.draw.next()
        );
        let word = &self.shop.words.page_view;
        self.event(word, text);
    }

    fn search(&mut self) {
        let sku = self.shop.catalogue.pick(self.draw);
        let text = format!(
            r#"{{"query":"{} {}","results":{},"page":1,"sort":"relevance","filters":["in_stock","price"],"visit":"{:016x}"}}"#,
            self.shop.catalogue.category(sku),
            sku % 977,
            self.draw.below(400),
            self.draw.next()
        );
        let word = &self.shop.words.search;
        self.event(word, text);
    }

    fn item(&mut self, word: &Arc<str>, sku: usize, cents: u64) {
        let text = format!(
            r#"{{"sku":"SKU-{sku:06}","amount":{}.{:02},"currency":"CNY","category":"{}","brand":"brand-{:03}","position":{},"visit":"{:016x}"}}"#,
            cents / 100,
            cents % 100,
            self.shop.catalogue.category(sku),
            sku % 311,
            self.draw.below(40),
            self.draw.next()
        );
        self.event(word, text);
    }

    fn plain(&mut self, word: &Arc<str>) {
        let text = format!(
            r#"{{"version":"6.{}.{}","device":"device-{:05}","language":"zh-CN","network":"wifi","campaign":"c-{:03}","visit":"{:016x}"}}"#,
            self.draw.below(12),
            self.draw.below(30),
            self.draw.below(2_000),
            self.draw.below(300),
            self.draw.next()
        );
        self.event(word, text);
    }

    /// Adds an event if it is not in the future, and lets some seconds pass.
    fn event(&mut self, word: &Arc<str>, properties: String) {
        let words = &self.shop.words;
        let mut key = [0; 16];
        key[..8].copy_from_slice(&self.draw.next().to_be_bytes());
        key[8..].copy_from_slice(&self.draw.next().to_be_bytes());
        if self.at < UNTIL {
            self.events.push(Event {
                party: PartyNo(self.person),
                node: NodeNo(u64::from(self.person) * 2 + u64::from(self.channel == APP)),
                time: self.at,
                key: Key(key),
                event: Arc::clone(word),
                channel: Some(Arc::clone(&words.channels[self.channel])),
                source: Arc::clone(&words.sources[self.channel]),
                context: Box::default(),
                properties: properties.into_boxed_str(),
            });
        }
        self.wait(SECOND, 90 * SECOND);
    }

    fn wait(&mut self, least: i64, more: i64) {
        self.at = self.at.plus(least + self.draw.below(more as u64) as i64);
    }
}

impl Words {
    fn new() -> Self {
        Self {
            page_view: "page_view".into(),
            product_view: "product_view".into(),
            app_opened: "app_opened".into(),
            search: "search".into(),
            add_to_cart: "add_to_cart".into(),
            email_opened: "email_opened".into(),
            email_clicked: "email_clicked".into(),
            checkout_started: "checkout_started".into(),
            order_completed: "order_completed".into(),
            order_refunded: "order_refunded".into(),
            favourite_added: "favourite_added".into(),
            coupon_claimed: "coupon_claimed".into(),
            signed_in: "signed_in".into(),
            channels: ["web", "app", "mini_program", "email"].map(Arc::from),
            sources: ["shop-web", "shop-app", "shop-mini-program", "mailer"].map(Arc::from),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_events_whatever_the_batch() {
        let shop = Shop::new(20_000);
        let all = |size: usize| {
            let (mut stream, mut all) = (shop.stream(), Vec::new());
            loop {
                let batch = stream.batch(size);
                if batch.is_empty() {
                    return all;
                }
                all.extend(batch);
            }
        };
        let events = all(3_000);
        assert_eq!(events.len(), 20_000);
        assert_eq!(events, all(50_000));
        let ids: HashSet<Key> = events.iter().map(|e| e.key).collect();
        assert_eq!(ids.len(), events.len());
        assert!(events.iter().all(|e| e.time < UNTIL && e.time >= UNTIL.plus(-DAYS * DAY)));
    }

    #[test]
    fn the_shares_of_events_are_those_of_the_full_data_set() {
        let shop = Shop::new(400_000);
        let (mut stream, mut counts) = (shop.stream(), BTreeMap::<Arc<str>, f64>::new());
        loop {
            let batch = stream.batch(100_000);
            if batch.is_empty() {
                break;
            }
            for event in batch {
                *counts.entry(event.event).or_default() += EVENTS as f64 / 400_000.0;
            }
        }
        for (event, millions) in [
            ("page_view", 23.0),
            ("product_view", 14.3),
            ("app_opened", 3.8),
            ("search", 3.5),
            ("add_to_cart", 2.14),
            ("email_opened", 1.19),
            ("checkout_started", 1.06),
            ("order_completed", 0.642),
        ] {
            let ratio = counts[event] / (millions * 1e6);
            assert!((0.9..1.1).contains(&ratio), "{event}: {} instead of {millions} million", counts[event]);
        }
    }
}

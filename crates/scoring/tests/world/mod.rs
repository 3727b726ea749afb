//! Made-up consumers, the same every time.
#![allow(dead_code, reason = "each test uses a part of it")]

use kernel::Instant;
use kernel::time::DAY;
use scoring::facts::{
    Delivery, Field, FollowUp, FollowUpResult, Line, Order, Peer, Relation, Touch, TouchKind,
};
use scoring::{Day, Facts, Money};

pub(crate) const TODAY: Day = Day(20_634);

/// A fixed sequence that looks like chance (SplitMix64).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    pub(crate) fn below(&mut self, count: usize) -> usize {
        (self.unit() * count as f64) as usize
    }

    /// Exponential of mean 1.
    pub(crate) fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }

    /// Gamma of a whole shape and mean 1.
    pub(crate) fn gamma(&mut self, shape: u32) -> f64 {
        (0..shape).map(|_| self.exponential()).sum::<f64>() / f64::from(shape)
    }
}

/// How somebody buys.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// At random, dropping out after any purchase.
    Random,
    /// By a rhythm of its own, and some not at all.
    Rhythm,
}

const CATEGORIES: [&str; 6] = ["tea", "wine", "toys", "shoes", "books", "soap"];
const CHANNELS: [&str; 3] = ["app", "store", "phone"];

pub(crate) fn at(day: Day) -> Instant {
    Instant(i64::from(day.0) * DAY + DAY / 2)
}

pub(crate) fn consumers(count: u64) -> Vec<Facts> {
    let mut dice = Dice(5);
    (0..count).map(|party| consumer(party, &mut dice, Way::Rhythm)).collect()
}

pub(crate) fn consumer(party: u64, dice: &mut Dice, way: Way) -> Facts {
    let start = TODAY.plus(-(200 + dice.below(500) as i32));
    let days = match way {
        Way::Random => random_days(start, dice),
        Way::Rhythm => rhythm_days(start, dice),
    };
    let amount = 20.0 + 100.0 * dice.gamma(3);
    let orders = days.into_iter().map(|day| order(day, amount, dice)).collect();
    let touches = touches(start, dice);
    let city_tier = (1 + dice.below(3)).to_string();
    Facts {
        party,
        peer: Peer { class: (2023 + dice.below(3)).to_string(), city_tier },
        created: Some(start),
        orders,
        touches,
        follow_ups: follow_ups(start, dice),
        deliveries: deliveries(dice),
        fields: fields(dice),
        relation: Relation {
            is_bound: Some(dice.unit() < 0.5),
            has_dedicated_owner: dice.unit() < 0.1,
            consented: (dice.unit() < 0.7).then(|| vec!["sms".to_owned(), "email".to_owned()]),
            ..Relation::default()
        },
        ..Facts::default()
    }
}

fn random_days(start: Day, dice: &mut Dice) -> Vec<Day> {
    // A gamma rate of shape 1 around one purchase in eight weeks; some drop out soon and some late.
    let interval = 56.0 / dice.gamma(1).max(0.02);
    let stays = [0.6, 0.9, 0.97][dice.below(3)];
    let mut days = vec![start];
    let mut place = f64::from(start.0);
    while dice.unit() < stays {
        place += dice.exponential() * interval;
        if place > f64::from(TODAY.0) {
            break;
        }
        days.push(Day(place as i32));
    }
    days.dedup();
    days
}

fn rhythm_days(start: Day, dice: &mut Dice) -> Vec<Day> {
    if dice.unit() < 0.2 {
        return Vec::new();
    }
    let mean = 5.0 + 80.0 * dice.unit();
    let end = if dice.unit() < 0.3 { TODAY.plus(-(dice.below(200) as i32)) } else { TODAY };
    let mut days = Vec::new();
    let mut place = f64::from(start.0);
    while place <= f64::from(end.0) {
        days.push(Day(place as i32));
        place += (mean * dice.gamma(4)).max(1.0);
    }
    days.dedup();
    days
}

fn order(day: Day, amount: f64, dice: &mut Dice) -> Order {
    let net = Money((amount * dice.gamma(6) * 100.0) as i64);
    let discount = if dice.unit() < 0.3 { Money(net.0 / 5) } else { Money::ZERO };
    let category = Some(CATEGORIES[dice.below(6)].to_owned());
    let line = Line { sku: None, category, quantity: 1.0 + dice.below(3) as f64, price: Some(net) };
    let channel = Some(CHANNELS[dice.below(3)].to_owned());
    Order {
        at: at(day),
        day,
        net,
        list: Some(net.plus(discount)),
        discount,
        channel,
        payment_method: None,
        lines: vec![line],
    }
}

fn touches(start: Day, dice: &mut Dice) -> Vec<Touch> {
    const KINDS: [TouchKind; 8] = [
        TouchKind::Page,
        TouchKind::Content,
        TouchKind::ProductView,
        TouchKind::Search,
        TouchKind::Cart,
        TouchKind::StoreVisit,
        TouchKind::Response,
        TouchKind::WakeUp,
    ];
    let span = TODAY.since(start) as usize;
    let mut touches: Vec<Touch> = (0..dice.below(20))
        .map(|_| {
            let day = start.plus(dice.below(span + 1) as i32);
            let category = (dice.unit() < 0.7).then(|| CATEGORIES[dice.below(6)].to_owned());
            Touch {
                kind: KINDS[dice.below(8)],
                at: at(day),
                day,
                hour_of_week: dice.below(168) as u8,
                category,
            }
        })
        .collect();
    touches.sort_by_key(|touch| touch.day);
    touches
}

fn follow_ups(start: Day, dice: &mut Dice) -> Vec<FollowUp> {
    const RESULTS: [FollowUpResult; 4] = [
        FollowUpResult::ConfirmedQuantity,
        FollowUpResult::Interested,
        FollowUpResult::Refused,
        FollowUpResult::Unreached,
    ];
    let span = TODAY.since(start) as usize;
    let mut done: Vec<FollowUp> = (0..dice.below(3))
        .map(|_| FollowUp { day: start.plus(dice.below(span + 1) as i32), result: RESULTS[dice.below(4)] })
        .collect();
    done.sort_by_key(|done| done.day);
    done
}

fn deliveries(dice: &mut Dice) -> Vec<Delivery> {
    let mut deliveries: Vec<Delivery> = (0..dice.below(8))
        .map(|_| Delivery {
            channel: ["sms", "email", "call"][dice.below(3)].to_owned(),
            day: TODAY.plus(-(dice.below(200) as i32)),
            is_answered: dice.unit() < 0.2,
        })
        .collect();
    deliveries.sort_by_key(|delivery| delivery.day);
    deliveries
}

fn fields(dice: &mut Dice) -> Vec<Field> {
    ["phone", "city", "birthday"]
        .map(|name| Field {
            name: name.to_owned(),
            weight: 1.0,
            is_filled: dice.unit() < 0.8,
            is_valid: dice.unit() < 0.9,
            fresh_until: (dice.unit() < 0.5).then(|| TODAY.plus(dice.below(100) as i32 - 20)),
        })
        .to_vec()
}

//! Marks on persons that only a trait tells: who looks after them, what they are interested in, how old a
//! statement about them is, and whether they subscribe.
//!
//! Each is told by one record of the person, the first that says more than an e-mail address.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::calendar::{AS_OF, DAY, instant};
use crate::draw::{Draw, Mix, Part};
use crate::lives::{Life, Ways};
use crate::people::{People, Role};
use crate::quota::Quotas;

/// What persons can be interested in, from 0 to 1.
const INTERESTS: [&str; 30] = [
    "interest_sports",
    "interest_music",
    "interest_travel",
    "interest_cooking",
    "interest_reading",
    "interest_gardening",
    "interest_photography",
    "interest_gaming",
    "interest_camping",
    "interest_pets",
    "interest_baking",
    "interest_tea",
    "interest_coffee",
    "interest_film",
    "interest_fashion",
    "interest_skincare",
    "interest_fitness",
    "interest_painting",
    "interest_handicraft",
    "interest_cars",
    "interest_technology",
    "interest_investment",
    "interest_parenting",
    "interest_health",
    "interest_dance",
    "interest_theatre",
    "interest_history",
    "interest_astronomy",
    "interest_fishing",
    "interest_cycling",
];
/// In so many interests the latent group is unlike others: by one standard deviation, up or down.
const TELLING_INTERESTS: usize = 8;

/// Statements that grow old: the trait that says when it was verified, and its limit in days.
pub(crate) const DATED: [(&str, u32); 3] =
    [("address_verified_at", 365), ("phone_verified_at", 180), ("preference_verified_at", 180)];

/// A statement about a person, and how old it is.
#[derive(Clone, Copy)]
pub(crate) struct Dated {
    /// An index into [`DATED`].
    pub(crate) statement: usize,
    pub(crate) at: u32,
    pub(crate) is_stale: bool,
}

/// All marks, by person.
pub(crate) struct Marks {
    /// The record that tells them.
    teller: Vec<Option<u32>>,
    /// Members of the group nobody has named, and whether they are given as examples.
    pub(crate) latent: BTreeMap<u32, bool>,
    pub(crate) dated: BTreeMap<u32, Dated>,
    pub(crate) subscribes: Vec<bool>,
    /// For each interest, how the latent group differs, in standard deviations.
    shifts: [i32; INTERESTS.len()],
}

impl Marks {
    pub(crate) fn draw(people: &People, ways: &[Ways], quotas: &Quotas, seed: u64) -> Self {
        let mut draw = Draw::new(seed, Part::Overlays);
        let quotas = &quotas.others;
        let teller: Vec<Option<u32>> = ways.iter().map(|ways| ways.telling).collect();
        // Plants of behaviour and those who are somebody's trap keep to themselves.
        let is_free = |no: &u32| {
            let person = &people.persons[*no as usize];
            person.role == Role::Plain && person.life.is_free() && teller[*no as usize].is_some()
        };
        let mut free = draw.order(people.persons.len()).into_iter().filter(is_free);
        let mut latent = BTreeMap::new();
        for turn in 0..quotas.latent {
            let person = free.next().expect("enough persons are free for the latent group");
            latent.insert(person, turn < quotas.latent_seeds);
        }
        let mut dated = BTreeMap::new();
        for (statement, (_, limit_days)) in DATED.into_iter().enumerate() {
            for turn in 0..quotas.stale[statement] + quotas.fresh[statement] {
                let is_stale = turn < quotas.stale[statement];
                let days = if is_stale { (limit_days + 1, 600) } else { (2, limit_days - 2) };
                let at = AS_OF - draw.between(days.0 * DAY, days.1 * DAY);
                let person = free.next().expect("enough persons are free for statements");
                dated.insert(person, Dated { statement, at, is_stale });
            }
        }
        let mut subscribes = vec![false; people.persons.len()];
        let told = |no: &u32| teller[*no as usize].is_some();
        let subscribers = draw.order(people.persons.len()).into_iter().filter(told).take(quotas.subscribers);
        subscribers.for_each(|person| subscribes[person as usize] = true);
        let mut shifts = [0; INTERESTS.len()];
        for (turn, interest) in draw.order(INTERESTS.len()).into_iter().take(TELLING_INTERESTS).enumerate() {
            shifts[interest as usize] = if turn % 2 == 0 { 1 } else { -1 };
        }
        Self { teller, latent, dated, subscribes, shifts }
    }

    /// What a record tells beside the usual.
    pub(crate) fn told(&self, people: &People, record: u32, seed: u64) -> BTreeMap<&'static str, Value> {
        let person = people.records[record as usize].person;
        let mut told = BTreeMap::new();
        if self.teller[person as usize] != Some(record) {
            return told;
        }
        let mut mix = Mix::new(seed ^ 0x696E_7465, u64::from(person));
        for (name, shift) in INTERESTS.into_iter().zip(self.shifts) {
            // Twelve uniforms of 256 steps: a standard deviation is 256 of them, and here an eighth.
            let sum = (0..12).map(|_| mix.below(256) as i32).sum::<i32>() - 6 * 255;
            let is_latent = self.latent.contains_key(&person);
            let deviation = sum + if is_latent { 256 * shift } else { 0 };
            told.insert(name, json!(f64::from((500 + deviation * 125 / 256).clamp(0, 1_000)) / 1_000.0));
        }
        if let Some(dated) = self.dated.get(&person) {
            let at = instant(i64::from(dated.at) * 1_000).to_string();
            told.insert(DATED[dated.statement].0, at.into());
        }
        if self.subscribes[person as usize] {
            told.insert("newsletter", true.into());
        }
        if people.persons[person as usize].life == Life::Super {
            told.insert("dedicated_owner", format!("U-{:03}", 1 + mix.below(160)).into());
            told.insert("super_nominated", true.into());
        }
        told
    }
}

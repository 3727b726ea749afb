//! A world: everything drawn once, messages formatted on the fly.

use std::collections::BTreeMap;
use std::path::Path;

use crate::calendar::LATEST;
use crate::draw::{Draw, Part};
use crate::elsewhere::Elsewhere;
use crate::faults::Faults;
use crate::ids::Ids;
use crate::lives::{self, Ways};
use crate::marks::Marks;
use crate::message::{self, Message};
use crate::orders::{self, Order, Planned, Product, Refund};
use crate::people::{People, Phone, Role};
use crate::quota::{Profile, Quotas};
use crate::rhythms::{self, Rhythm};
use crate::schedule::{Schedule, What};
use crate::sessions::{self, Session};
use crate::touches::{self, Touch};
use crate::traps::{self, Traps};
use crate::{behaviour, closure, contacts, faults, payments, showroom, truth};

/// A merchant's contact who is also a person of the first workspace.
pub(crate) struct Merchant {
    pub(crate) person: u32,
    /// The person's record that has the mobile.
    pub(crate) record: u32,
}

/// A demo world with known answers.
///
/// ```
/// use demo::{Profile, World};
///
/// let world = World::generate(Profile::Tiny, 7);
/// let first = world.messages().next().expect("a world is not empty");
/// assert!(first.json.starts_with('{'));
/// assert_eq!(world.truth()["P33"].len(), 10);
/// ```
pub struct World {
    pub(crate) seed: u64,
    pub(crate) ids: Ids,
    pub(crate) people: People,
    /// Where each person can be met.
    pub(crate) ways: Vec<Ways>,
    /// Of each person who has one.
    pub(crate) rhythms: Vec<Option<Rhythm>>,
    pub(crate) marks: Marks,
    pub(crate) touches: Vec<Touch>,
    pub(crate) elsewhere: Elsewhere,
    pub(crate) traps: Traps,
    pub(crate) products: Vec<Product>,
    pub(crate) orders: Vec<Order>,
    pub(crate) refunds: Vec<Refund>,
    pub(crate) sessions: Vec<Session>,
    /// For each session, the number of its first event's message; the others follow it.
    pub(crate) session_messages: Vec<u32>,
    pub(crate) merchants: Vec<Merchant>,
    pub(crate) faults: Faults,
    pub(crate) schedule: Schedule,
}

impl World {
    /// Draws the world of this size and seed.
    pub fn generate(profile: Profile, seed: u64) -> Self {
        let quotas = Quotas::of(profile);
        let mut people = People::draw(&quotas, seed);
        let traps = traps::plant(&mut people, &quotas, seed);
        contacts::deal(&mut people, &quotas, seed);
        let ways = lives::cast(&mut people, &quotas, seed);
        let mut planned = Planned::default();
        let rhythms = rhythms::plan(&mut people, &ways, seed, &mut planned);
        closure::plan(&mut people, &ways, seed, &mut planned);
        payments::plan(&mut people, &ways, &quotas, seed, &mut planned);
        let mut touches = showroom::plan(&mut people, &ways, seed, &mut planned);
        people.date_records(seed);
        let sessions = sessions::draw(&mut people, &quotas, seed);
        let merchants = draw_merchants(&mut people, &quotas, seed);
        let marks = Marks::draw(&people, &ways, &quotas, seed);
        touches.extend(touches::plan(&people, &ways, seed));
        let (orders, refunds) = orders::draw(&people, planned, &quotas, seed);

        let mut schedule = Schedule::new(seed);
        let session_messages = schedule_sessions(&sessions, &mut schedule);
        for (no, visit) in (0..).zip(&traps.kiosk_visits) {
            schedule.add(visit.at, What::KioskVisit(no));
        }
        let behaviour_left = quotas.behaviour - schedule.entries().len();
        behaviour::schedule(&people, &ways, behaviour_left, seed, &mut schedule);
        schedule.add_all(people.records.iter().map(|record| record.at), What::Record);
        schedule.add_all(orders.iter().map(|order| order.at), What::Order);
        schedule.add_all(refunds.iter().map(|refund| refund.at), What::Refund);
        schedule.add_all(touches.iter().map(|touch| touch.at), What::Touch);
        let mut draw = Draw::new(seed, Part::Merchants);
        schedule.add_all(merchants.iter().map(|_| draw.waking_second(0, LATEST)), What::Merchant);
        let elsewhere = Elsewhere::draw(&quotas, seed, &mut schedule);
        let faults = faults::plant(&people, &quotas, seed, &mut schedule);
        schedule.sort();
        Self {
            seed,
            ids: Ids::new(seed),
            people,
            ways,
            rhythms,
            marks,
            touches,
            elsewhere,
            traps,
            products: orders::catalogue(seed),
            orders,
            refunds,
            sessions,
            session_messages,
            merchants,
            faults,
            schedule,
        }
    }

    /// All messages in the order they are sent.
    pub fn messages(&self) -> impl Iterator<Item = Message> + '_ {
        self.schedule.entries().iter().map(|entry| message::write(self, entry))
    }

    /// The last messages, at most `count`, in the order they are sent: something to go on with.
    pub fn latest(&self, count: usize) -> impl Iterator<Item = Message> + '_ {
        let entries = self.schedule.entries();
        let begin = entries.len().saturating_sub(count);
        entries[begin..].iter().map(|entry| message::write(self, entry))
    }

    /// The expected answers, by plant: `P01` and so on.
    pub fn truth(&self) -> BTreeMap<&'static str, Vec<serde_json::Value>> {
        truth::of(self)
    }

    /// Writes the expected answers to `truth/<plant>.jsonl` below `dir`.
    ///
    /// # Errors
    ///
    /// If a folder or file cannot be written.
    pub fn write_truth(&self, dir: &Path) -> std::io::Result<()> {
        let dir = dir.join("truth");
        std::fs::create_dir_all(&dir)?;
        for (plant, rows) in self.truth() {
            let mut text = String::new();
            for row in rows {
                text.push_str(&row.to_string());
                text.push('\n');
            }
            std::fs::write(dir.join(format!("{plant}.jsonl")), text)?;
        }
        Ok(())
    }
}

fn schedule_sessions(sessions: &[Session], schedule: &mut Schedule) -> Vec<u32> {
    let mut first_messages = Vec::with_capacity(sessions.len());
    for (no, session) in (0..).zip(sessions) {
        let login = schedule.add(session.login, What::Login(no));
        for (event, at) in (0..).zip(&session.events) {
            schedule.add(*at, What::SessionEvent { session: no, event });
        }
        first_messages.push(login + 1);
    }
    first_messages
}

fn draw_merchants(people: &mut People, quotas: &Quotas, seed: u64) -> Vec<Merchant> {
    let mut draw = Draw::new(seed, Part::Merchants);
    let has_mobile = |people: &People, person: u32| {
        people.persons[person as usize].life.is_free()
            && people.has_record(person, |r| r.phone == Phone::Right)
    };
    let persons = people.take(&mut draw, quotas.merchants, Role::Merchant, has_mobile);
    let merchant = |person| {
        let mut records = people.records_of(person);
        let record = records.find(|no| people.records[*no as usize].phone == Phone::Right);
        Merchant { person, record: record.expect("taken for having one") }
    };
    persons.into_iter().map(merchant).collect()
}

//! Pairs of different persons that look alike: families on one mobile, visitors of one kiosk,
//! numbers that changed hands, namesakes at one address.
//!
//! Planted before contact details are dealt out, because contacts must keep the traps sharp: a trap
//! person is written with the full name and the right mobile everywhere.

use crate::calendar::{AS_OF, BEHAVIOUR_FROM, DAY};
use crate::draw::{Draw, Part};
use crate::names::Family;
use crate::people::{People, Role, Source};
use crate::quota::Quotas;

/// When the last first holder of a recycled number falls silent: 2025-03-31.
const SILENT_FROM: u32 = 273 * DAY;
/// When second holders begin. Refunds may follow an order by 14 days, so this is more than 90 days
/// after the last thing a first holder does.
const REUSED_FROM: u32 = 384 * DAY;

/// Why two persons look like one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Trap {
    Family,
    Kiosk,
    Recycled,
    Namesake,
}

impl Trap {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Family => "family",
            Self::Kiosk => "kiosk",
            Self::Recycled => "recycled",
            Self::Namesake => "same name and address",
        }
    }
}

/// Two persons who must not become one, by the records that tempt.
pub(crate) struct Pair {
    pub(crate) trap: Trap,
    pub(crate) a: u32,
    pub(crate) b: u32,
}

/// Somebody used a kiosk.
pub(crate) struct KioskVisit {
    pub(crate) kiosk: u32,
    /// Whose own store the kiosk stands in.
    pub(crate) host: u32,
    pub(crate) record: u32,
    pub(crate) at: u32,
}

/// All traps of a world.
pub(crate) struct Traps {
    pub(crate) pairs: Vec<Pair>,
    pub(crate) kiosk_visits: Vec<KioskVisit>,
}

/// Plants them all.
pub(crate) fn plant(people: &mut People, quotas: &Quotas, seed: u64) -> Traps {
    let mut draw = Draw::new(seed, Part::Traps);
    let mut traps = Traps { pairs: Vec::new(), kiosk_visits: Vec::new() };
    plant_families(people, quotas, &mut draw, &mut traps);
    plant_recycled(people, quotas, &mut draw, &mut traps);
    plant_namesakes(people, quotas, &mut draw, &mut traps);
    plant_kiosks(people, quotas, &mut draw, &mut traps);
    draw.shuffle(&mut traps.pairs);
    traps
}

/// Sources that always give a trap person's name, mobile and address.
fn is_telling(source: Source) -> bool {
    matches!(source, Source::Pos | Source::MiniProgram | Source::App)
}

fn take_pairs(people: &mut People, draw: &mut Draw, count: usize) -> Vec<(u32, u32)> {
    let fits = |people: &People, person| people.has_record(person, |r| is_telling(r.source));
    let taken = people.take(draw, 2 * count, Role::Trap, fits);
    taken.chunks_exact(2).map(|pair| (pair[0], pair[1])).collect()
}

fn pair(people: &People, trap: Trap, a: u32, b: u32) -> Pair {
    let telling = |person| {
        let mut records = people.records_of(person);
        records.find(|no| is_telling(people.records[*no as usize].source)).expect("trap persons have one")
    };
    Pair { trap, a: telling(a), b: telling(b) }
}

fn plant_families(people: &mut People, quotas: &Quotas, draw: &mut Draw, traps: &mut Traps) {
    for (i, (a, b)) in take_pairs(people, draw, quotas.families).into_iter().enumerate() {
        let kind = if i < quotas.families_one_surname { Family::OneSurname } else { Family::TwoSurnames };
        let first = &people.persons[a as usize];
        let (name, address, mobile) = (first.name.another(draw, kind), first.address, first.mobile);
        let second = &mut people.persons[b as usize];
        (second.name, second.address, second.mobile) = (name, address, mobile);
        traps.pairs.push(pair(people, Trap::Family, a, b));
    }
}

fn plant_recycled(people: &mut People, quotas: &Quotas, draw: &mut Draw, traps: &mut Traps) {
    for (a, b) in take_pairs(people, draw, quotas.recycled) {
        let first = &mut people.persons[a as usize];
        first.until = SILENT_FROM;
        let (name, mobile) = (first.name.another(draw, Family::TwoSurnames), first.mobile);
        let second = &mut people.persons[b as usize];
        (second.name, second.mobile, second.from) = (name, mobile, REUSED_FROM);
        traps.pairs.push(pair(people, Trap::Recycled, a, b));
    }
}

fn plant_namesakes(people: &mut People, quotas: &Quotas, draw: &mut Draw, traps: &mut Traps) {
    for (a, b) in take_pairs(people, draw, quotas.namesakes) {
        let first = &people.persons[a as usize];
        let (name, address, is_female) = (first.name, first.address, first.is_female);
        let apart = draw.between(4, 28) as u16;
        let later = first.birth_year + apart;
        let birth_year = if later <= 2_008 { later } else { first.birth_year - apart };
        let second = &mut people.persons[b as usize];
        (second.name, second.address, second.is_female, second.birth_year) =
            (name, address, is_female, birth_year);
        traps.pairs.push(pair(people, Trap::Namesake, a, b));
    }
}

/// Each kiosk has its visitors within twenty days; some are trap pairs, the others stand by.
fn plant_kiosks(people: &mut People, quotas: &Quotas, draw: &mut Draw, traps: &mut Traps) {
    let mut pairs_left = quotas.kiosk_pairs;
    for kiosk in 0..quotas.kiosks {
        let pairs = pairs_left.div_ceil(quotas.kiosks - kiosk);
        pairs_left -= pairs;
        let count = quotas.kiosk_visitors.max(2 * pairs);
        let fits = |people: &People, person| people.has_record(person, |r| r.source == Source::Pos);
        let visitors: Vec<u32> = people
            .take(draw, count, Role::Trap, fits)
            .into_iter()
            .map(|person| people.records_of(person).start)
            .collect();
        // `Pos` sorts first among a person's records.
        for two in visitors.chunks_exact(2).take(pairs) {
            traps.pairs.push(Pair { trap: Trap::Kiosk, a: two[0], b: two[1] });
        }
        let host = people.records[visitors[0] as usize].person;
        let from = draw.between(BEHAVIOUR_FROM + DAY, AS_OF - 22 * DAY);
        for record in visitors {
            let at = draw.waking_second(from, from + 20 * DAY);
            traps.kiosk_visits.push(KioskVisit { kiosk: kiosk as u32, host, record, at });
        }
    }
}

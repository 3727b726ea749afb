//! Who there is: persons, and the records the five sources have of them.

use crate::calendar::{DAY, LATEST};
use crate::draw::{Draw, Part};
use crate::lives::Life;
use crate::names::{Address, MOBILES, Name, Spelling};
use crate::quota::Quotas;

/// A system that keeps its own profiles of people.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Source {
    Pos,
    MiniProgram,
    App,
    Web,
    CallCentre,
}

impl Source {
    /// Its name in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Pos => "pos",
            Self::MiniProgram => "mini-program",
            Self::App => "app",
            Self::Web => "web",
            Self::CallCentre => "call-centre",
        }
    }
}

/// The plant a person belongs to. Plants do not overlap.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Role {
    Plain,
    /// Half of a trap pair, or somebody else at a kiosk.
    Trap,
    /// Browses first and logs in later.
    Visitor,
    /// Is also a merchant's contact in the other workspace.
    Merchant,
}

/// A real person, once.
pub(crate) struct Person {
    pub(crate) name: Name,
    pub(crate) is_female: bool,
    pub(crate) birth_year: u16,
    pub(crate) address: Address,
    pub(crate) mobile: u32,
    pub(crate) is_member: bool,
    pub(crate) role: Role,
    pub(crate) life: Life,
    /// The category of goods the person looks for: an index into the catalogue's.
    pub(crate) taste: u8,
    /// When the person first and last does anything.
    pub(crate) from: u32,
    pub(crate) until: u32,
    /// When every source knows of the person, if that matters.
    pub(crate) known_by: Option<u32>,
}

/// The phone a record has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Phone {
    Absent,
    Right,
    /// A number that belongs to nobody.
    Wrong(u32),
}

/// What is missing from a record's address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AddressGap {
    None,
    District,
    House,
    Street,
}

/// What one source has of one person.
pub(crate) struct Record {
    pub(crate) person: u32,
    pub(crate) source: Source,
    /// When it was created.
    pub(crate) at: u32,
    pub(crate) phone: Phone,
    pub(crate) has_email: bool,
    pub(crate) has_unionid: bool,
    pub(crate) has_member_no: bool,
    pub(crate) has_account: bool,
    /// Shares no identifier with the person's other records, on purpose.
    pub(crate) is_detached: bool,
    pub(crate) spelling: Spelling,
    pub(crate) address_gap: AddressGap,
    /// How many seconds the device's clock is ahead.
    pub(crate) skew: i32,
}

impl Record {
    /// One bit for each identifier of the person that the record carries. All of them are unique to
    /// the person but for the mobiles of trap pairs, so two records of one person share evidence
    /// exactly when they share a bit.
    pub(crate) fn evidence(&self) -> u8 {
        u8::from(self.phone == Phone::Right)
            | u8::from(self.has_email) << 1
            | u8::from(self.has_unionid) << 2
            | u8::from(self.has_member_no) << 3
            | u8::from(self.has_account) << 4
    }

    pub(crate) fn is_email_only(&self) -> bool {
        self.source == Source::Web && !self.has_account
    }

    pub(crate) fn is_digital(&self) -> bool {
        matches!(self.source, Source::App | Source::MiniProgram | Source::Web)
    }
}

/// All persons and their records.
pub(crate) struct People {
    pub(crate) persons: Vec<Person>,
    /// Sorted by person.
    pub(crate) records: Vec<Record>,
    /// Mobiles nobody has.
    pub(crate) spare_mobiles: Vec<u32>,
    first_record: Vec<u32>,
}

impl People {
    pub(crate) fn draw(quotas: &Quotas, seed: u64) -> Self {
        let mut draw = Draw::new(seed, Part::Persons);
        let mut mobiles = draw.order(MOBILES as usize);
        let persons: Vec<Person> = (0..quotas.persons)
            .map(|_| Person {
                name: Name::draw(&mut draw),
                is_female: draw.below(2) == 0,
                birth_year: (1_950 + draw.below(30) + draw.below(29)) as u16,
                address: Address::draw(&mut draw),
                mobile: mobiles.pop().expect("there are more mobiles than persons"),
                is_member: false,
                role: Role::Plain,
                life: Life::Regular,
                taste: 0,
                from: 0,
                until: LATEST,
                known_by: None,
            })
            .collect();
        let records = draw_records(quotas, seed);
        let mut first_record: Vec<u32> = Vec::with_capacity(persons.len() + 1);
        for (no, record) in records.iter().enumerate() {
            while first_record.len() <= record.person as usize {
                first_record.push(no as u32);
            }
        }
        first_record.push(records.len() as u32);
        Self { persons, records, spare_mobiles: mobiles, first_record }
    }

    /// The numbers of a person's records.
    pub(crate) fn records_of(&self, person: u32) -> std::ops::Range<u32> {
        self.first_record[person as usize]..self.first_record[person as usize + 1]
    }

    pub(crate) fn has_record(&self, person: u32, fits: impl Fn(&Record) -> bool) -> bool {
        self.records_of(person).any(|no| fits(&self.records[no as usize]))
    }

    /// Takes `count` plain persons that fit for a plant and gives them its role.
    pub(crate) fn take(
        &mut self,
        draw: &mut Draw,
        count: usize,
        role: Role,
        fits: impl Fn(&Self, u32) -> bool,
    ) -> Vec<u32> {
        let mut taken = Vec::with_capacity(count);
        for person in draw.order(self.persons.len()) {
            if taken.len() == count {
                break;
            }
            if self.persons[person as usize].role == Role::Plain && fits(self, person) {
                self.persons[person as usize].role = role;
                taken.push(person);
            }
        }
        assert_eq!(taken.len(), count, "the quotas leave enough persons for every plant");
        taken
    }

    /// Spreads the creation of records over each person's span, leaving some of it for what follows.
    pub(crate) fn date_records(&mut self, seed: u64) {
        let mut draw = Draw::new(seed, Part::Dates);
        for record in &mut self.records {
            let person = &self.persons[record.person as usize];
            let rest = (60 * DAY).min((person.until - person.from) / 4);
            let by = person.known_by.unwrap_or(person.until - rest);
            record.at = draw.waking_second(person.from, by);
        }
    }
}

/// Deals the source profiles out: one to everybody, then the further ones to persons without.
fn draw_records(quotas: &Quotas, seed: u64) -> Vec<Record> {
    let mut draw = Draw::new(seed, Part::Records);
    let mut pairs: Vec<(u32, Source)> = Vec::new();
    let order = draw.order(quotas.persons);
    let mut rest = order.into_iter();
    for quota in &quotas.sources {
        pairs.extend(rest.by_ref().take(quota.first).map(|person| (person, quota.source)));
    }
    for quota in &quotas.sources {
        let mut has = vec![false; quotas.persons];
        for (person, _) in pairs.iter().filter(|(_, source)| *source == quota.source) {
            has[*person as usize] = true;
        }
        let others = draw.order(quotas.persons).into_iter().filter(|person| !has[*person as usize]);
        pairs.extend(others.take(quota.further).map(|person| (person, quota.source)));
    }
    pairs.sort_unstable();
    let record = |(person, source)| Record {
        person,
        source,
        at: 0,
        phone: Phone::Absent,
        has_email: false,
        has_unionid: false,
        has_member_no: false,
        has_account: matches!(source, Source::App | Source::Web),
        is_detached: false,
        spelling: Spelling::Full,
        address_gap: AddressGap::None,
        skew: 0,
    };
    pairs.into_iter().map(record).collect()
}

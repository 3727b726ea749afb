//! How each person lives: which plant of buying behaviour they belong to, if any, and where they buy and browse.
//!
//! A life says what is expected of the person as a customer: a stage now, and the stage fourteen days before.
//! What they do follows in `rhythms`, `closure`, `payments`, `showroom` and `touches`. Persons of traps live
//! as anybody does; everybody else has exactly one life.

use crate::contacts::components;
use crate::draw::{Draw, Part};
use crate::orders::CATEGORIES;
use crate::people::{People, Record, Role, Source};
use crate::quota::Quotas;

/// What becomes of a person as a customer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Life {
    /// Known, and never wanted anything.
    New,
    /// Registered of late and looking around.
    Young,
    /// Bought for the first time within the last fortnight.
    FirstOrder,
    /// Buys now and then, and many things.
    Regular,
    /// Bound, but without a rhythm or a clear wish.
    Idle,
    /// Bound, buys in a rhythm and knows what they look for.
    Member,
    /// The same, bound within the last fortnight.
    JustBound,
    /// A member somebody looks after.
    Super,
    /// Fell silent; nobody has tried hard to change that.
    Quiet,
    /// Fell silent, and three attempts at waking them were in vain.
    Churned,
    /// The same, the third attempt within the last fortnight.
    JustLost,
    /// Was lost and has bought again within the last fortnight.
    WonBack,
    /// Buys twice a year.
    Seasonal,
    /// Bought in the store that closed, and online.
    Dual(Outcome),
    /// Bought in the store it is compared with, and online.
    Control(Outcome),
    /// Has one way of paying.
    Payer(Method),
    /// Looked at something in a store.
    Showroom(Showing),
}

/// What a store's customer did after the day the other one closed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// Bought in some store.
    Store,
    Online,
    Nothing,
}

/// A way of paying.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Method {
    Alipay,
    Wechat,
    Card,
}

impl Method {
    pub(crate) const ALL: [Self; 3] = [Self::Alipay, Self::Wechat, Self::Card];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Alipay => "alipay",
            Self::Wechat => "wechat",
            Self::Card => "card",
        }
    }
}

/// What somebody did who looked at something in a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Showing {
    /// Bought online within a week.
    Online,
    /// Bought online after more than a week.
    Late,
    /// Bought online within a week, and in a store as well.
    Both,
}

impl Life {
    /// The stage of the relation at the end of the world.
    pub(crate) fn stage(self) -> &'static str {
        match self {
            Self::New | Self::Young => "new",
            Self::Member | Self::JustBound => "member",
            Self::Super => "super",
            Self::Churned | Self::JustLost => "churned",
            _ => "ordinary",
        }
    }

    /// The stage fourteen days before.
    pub(crate) fn stage_before(self) -> &'static str {
        match self {
            Self::FirstOrder => "new",
            Self::JustBound | Self::JustLost => "ordinary",
            Self::WonBack => "churned",
            other => other.stage(),
        }
    }

    pub(crate) fn is_member(self) -> bool {
        matches!(self, Self::Member | Self::JustBound | Self::Super)
    }

    /// Whether the person is one of those who fell silent.
    pub(crate) fn is_churner(self) -> bool {
        matches!(self, Self::Quiet | Self::Churned | Self::JustLost)
    }

    /// Whether the person may browse and buy as chance has it.
    pub(crate) fn is_free(self) -> bool {
        matches!(self, Self::New | Self::Regular | Self::Member | Self::Super)
    }
}

/// Where somebody can be met: records that are one party to whoever follows the evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways {
    /// The first of the records.
    pub(crate) first: u32,
    /// The first that tells more than an e-mail address.
    pub(crate) telling: Option<u32>,
    pub(crate) store: Option<u32>,
    pub(crate) online: Option<u32>,
    pub(crate) knows_birth: bool,
}

impl Ways {
    /// Where the person buys: in the store if it knows them.
    pub(crate) fn buys(&self) -> Option<u32> {
        self.store.or(self.online)
    }

    fn of(people: &People, person: u32) -> Self {
        let records: Vec<u32> =
            people.records_of(person).filter(|no| !people.records[*no as usize].is_detached).collect();
        let masks: Vec<u8> = records.iter().map(|no| people.records[*no as usize].evidence()).collect();
        let component_of = components(&masks);
        let size = |component: &usize| component_of.iter().filter(|c| *c == component).count();
        let largest = component_of.iter().copied().rev().max_by_key(size).unwrap_or_default();
        let members = || records.iter().copied().zip(&component_of).filter(|(_, c)| **c == largest);
        let find = |fits: fn(&Record) -> bool| {
            members().map(|(no, _)| no).find(|no| fits(&people.records[*no as usize]))
        };
        let has_account = |r: &Record| r.source == Source::MiniProgram || r.has_account;
        Self {
            first: members().map(|(no, _)| no).next().expect("nobody has only records apart"),
            telling: find(|r| !r.is_email_only()),
            store: find(|r| r.source == Source::Pos),
            online: find(has_account),
            knows_birth: find(|r| matches!(r.source, Source::Pos | Source::App)).is_some(),
        }
    }
}

/// Gives everybody a life and a taste.
pub(crate) fn cast(people: &mut People, quotas: &Quotas, seed: u64) -> Vec<Ways> {
    let mut draw = Draw::new(seed, Part::Lives);
    for person in &mut people.persons {
        person.taste = draw.below(CATEGORIES.len() as u32) as u8;
    }
    let ways: Vec<Ways> = (0..people.persons.len() as u32).map(|person| Ways::of(people, person)).collect();
    let lives = &quotas.lives;
    let mut give = |count: usize, life: Life, fits: &dyn Fn(&Ways) -> bool| {
        let mut left = count;
        for no in draw.order(people.persons.len()) {
            let person = &mut people.persons[no as usize];
            let is_free = person.role == Role::Plain && person.life == Life::Regular;
            if left > 0 && is_free && fits(&ways[no as usize]) {
                person.life = life;
                left -= 1;
            }
        }
        assert_eq!(left, 0, "enough persons can live as {life:?}");
    };
    let buys = |ways: &Ways| ways.buys().is_some();
    let browses = |ways: &Ways| ways.online.is_some();
    let both = |ways: &Ways| ways.store.is_some() && ways.online.is_some();
    let [other_store, online, nothing] = lives.closure;
    let [kept, lost] = lives.control;
    let outcomes = [(other_store, Outcome::Store), (online, Outcome::Online), (nothing, Outcome::Nothing)];
    for (count, outcome) in outcomes {
        give(count, Life::Dual(outcome), &both);
    }
    give(kept, Life::Control(Outcome::Store), &both);
    give(lost, Life::Control(Outcome::Nothing), &both);
    give(lives.showroom[2], Life::Showroom(Showing::Both), &both);
    give(lives.showroom[0], Life::Showroom(Showing::Online), &browses);
    give(lives.showroom[1], Life::Showroom(Showing::Late), &browses);
    give(lives.members - lives.just_bound, Life::Member, &browses);
    give(lives.just_bound, Life::JustBound, &browses);
    give(lives.supers, Life::Super, &browses);
    for ((persons, _), method) in lives.payers.into_iter().zip(Method::ALL) {
        give(persons, Life::Payer(method), &|ways: &Ways| buys(ways) && ways.knows_birth);
    }
    give(lives.churners - lives.churned, Life::Quiet, &buys);
    give(lives.churned - lives.just_lost, Life::Churned, &buys);
    give(lives.just_lost, Life::JustLost, &buys);
    give(lives.won_back, Life::WonBack, &buys);
    give(lives.seasonal, Life::Seasonal, &buys);
    give(lives.idle, Life::Idle, &buys);
    give(lives.first_order, Life::FirstOrder, &buys);
    give(lives.young, Life::Young, &browses);
    // Whoever can buy nowhere is new, and so are some who could.
    let new = lives.new - lives.young;
    let nowhere = |ways: &&Ways| ways.buys().is_none();
    let unable = ways.iter().filter(nowhere).count();
    give(unable, Life::New, &|ways: &Ways| ways.buys().is_none());
    give(new.checked_sub(unable).expect("not everybody new is unable to buy"), Life::New, &buys);
    ways
}

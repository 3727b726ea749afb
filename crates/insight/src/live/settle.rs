//! Evaluates parties and keeps what came of it: who is in which audience, what tags they have, and when to
//! look again.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use criteria::Evaluator;
use db::Tx;
use identity::resolve::Identity;
use identity::store::regrouped::regrouped_page;
use intake::batch::Event;
use kernel::{Instant, PartyNo, Scope};

use super::cache::Kept;
use super::sheet::{Ledger, Sheet};
use super::{Cache, Definitions, load_with};
use crate::profile::Weights;
use crate::store::audience::{audience_advance, audience_all};
use crate::store::membership::{Cause, Change, Member, membership_change, membership_of};
use crate::store::tag::{tag_advance, tag_all};
use crate::store::tag_value::{self, Held, change_put, value_of, value_put, value_remove};
use crate::store::timer::{evaluated_until, timer_due, timer_of, timer_put, timer_remove};
use crate::timeline::payload;

/// Why a party is looked at, and which units can have changed.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Why.
    pub cause: Cause,
    /// Places of units to evaluate.
    pub units: BTreeSet<usize>,
    /// Whether all live units are evaluated as well.
    pub is_whole: bool,
    /// Its events in this batch, by their places, that any rule looks at.
    pub events: Vec<usize>,
    /// Whether a trait that any rule looks at was spoken of.
    pub is_described: bool,
}

/// What evaluation needs to know of a workspace, and what it remembers.
pub struct Bench<'b> {
    /// The audiences and tags.
    pub definitions: &'b Definitions,
    /// Whether anything was ever said of tags.
    pub is_assigned: bool,
    /// How much the word of each source weighs.
    pub weights: &'b Weights,
    /// Parties looked at lately.
    pub cache: &'b mut Cache,
    /// As of when.
    pub as_of: Instant,
}

/// Whether nobody waits to be looked at as of the instant the workspace was looked at last.
///
/// # Errors
/// As the database says.
pub fn is_settled(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<bool> {
    let until = evaluated_until(scope, tx)?;
    Ok(timer_due(scope, tx, until, 1)?.is_empty()
        && regrouped_page(scope, tx, 1)?.is_empty()
        && audience_all(scope, tx)?.iter().all(|audience| audience.filled.is_none())
        && tag_all(scope, tx)?.iter().all(|tag| tag.filled.is_none()))
}

/// Evaluates parties at one instant and writes what changed. `events` are those of the batch. Returns the
/// earliest instant one of the parties is due again, of those whose timers were set anew.
///
/// # Errors
/// As the database says, or damaged data.
pub fn settle(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    bench: &mut Bench<'_>,
    touched: &BTreeMap<PartyNo, Touch>,
    events: &[Event<'_>],
) -> kernel::Result<Option<Instant>> {
    let mut evaluator = Evaluator::new(&bench.definitions.program);
    let mut ledger = Ledger::default();
    let mut strangers = Vec::new();
    for (no, touch) in touched {
        match bench.cache.take(*no) {
            Some(mut kept) => {
                kept.catch_up(identity, tx, bench, touch, events)?;
                Sheet::new(bench, touch, events).fill(&mut evaluator, &mut kept, &mut ledger);
                bench.cache.put(kept);
            }
            None if touch.is_whole || !touch.units.is_empty() => strangers.push(*no),
            None => {}
        }
    }
    let mut before = Standings::read(identity.scope, tx, bench.definitions, &strangers)?;
    for no in strangers {
        let touch = &touched[&no];
        let (memberships, values, due) = before.take(no);
        let program = (&bench.definitions.program, bench.is_assigned);
        match load_with(identity, tx, program, bench.weights, (no, bench.as_of))? {
            Some(party) => {
                let mut kept = Kept { party, memberships, values, due };
                Sheet::new(bench, touch, events).fill(&mut evaluator, &mut kept, &mut ledger);
                // Who is only passed by while an audience is filled is not likely to come again soon.
                if touch.cause == Cause::Fact || touch.cause == Cause::Identity {
                    bench.cache.put(kept);
                }
            }
            None => {
                Sheet::new(bench, touch, events).leave_all(&memberships, &values, &mut ledger);
                ledger.idle.extend(due.map(|_| no));
            }
        }
    }
    write(identity, tx, ledger)
}

/// What is stored of parties that are not remembered.
struct Standings {
    memberships: HashMap<PartyNo, Vec<Member>>,
    values: HashMap<PartyNo, Vec<Held>>,
    due: HashMap<PartyNo, Instant>,
}

impl Standings {
    fn read(
        scope: &Scope,
        tx: &mut Tx<'_>,
        definitions: &Definitions,
        parties: &[PartyNo],
    ) -> db::Result<Self> {
        let mut memberships: HashMap<PartyNo, Vec<Member>> = HashMap::new();
        for member in membership_of(scope, tx, parties)? {
            memberships.entry(member.party).or_default().push(member);
        }
        let mut values: HashMap<PartyNo, Vec<Held>> = HashMap::new();
        if !definitions.tags.is_empty() {
            for held in value_of(scope, tx, parties)? {
                values.entry(held.party).or_default().push(held);
            }
        }
        let due = timer_of(scope, tx, parties)?.into_iter().collect();
        Ok(Self { memberships, values, due })
    }

    fn take(&mut self, no: PartyNo) -> (Vec<Member>, Vec<Held>, Option<Instant>) {
        let memberships = self.memberships.remove(&no).unwrap_or_default();
        (memberships, self.values.remove(&no).unwrap_or_default(), self.due.get(&no).copied())
    }
}

fn write(identity: &Identity<'_>, tx: &mut Tx<'_>, mut ledger: Ledger) -> kernel::Result<Option<Instant>> {
    let scope = identity.scope;
    timer_remove(scope, tx, &ledger.idle)?;
    timer_put(scope, tx, &ledger.timers)?;
    number(scope, tx, &mut ledger.changes)?;
    membership_change(scope, tx, &ledger.changes)?;
    number_tags(scope, tx, &mut ledger.tag_changes)?;
    change_put(scope, tx, &ledger.tag_changes)?;
    value_remove(scope, tx, &ledger.gone)?;
    value_put(scope, tx, &ledger.held)?;
    Ok(ledger.timers.into_iter().map(|(_, due)| due).min())
}

/// Gives changes their places in the ledgers.
fn number(scope: &Scope, tx: &mut Tx<'_>, changes: &mut [Change]) -> db::Result<()> {
    changes.sort_by_key(|change| (change.audience, change.party));
    for same in changes.chunk_by_mut(|a, b| a.audience == b.audience) {
        let entered = same.iter().filter(|change| change.is_member).count() as i64;
        let members = 2 * entered - same.len() as i64;
        let count = same.len() as u64;
        let last = audience_advance(scope, tx, same[0].audience, count, members)?;
        same.iter_mut().zip(last + 1 - count..).for_each(|(change, seq)| change.seq = seq);
    }
    Ok(())
}

/// The same for tags.
fn number_tags(scope: &Scope, tx: &mut Tx<'_>, changes: &mut [tag_value::Change]) -> db::Result<()> {
    changes.sort_by_key(|change| (change.tag, change.party));
    for same in changes.chunk_by_mut(|a, b| a.tag == b.tag) {
        let weight = |value: &Option<String>| i64::from(value.is_some());
        let values = same.iter().map(|change| weight(&change.value) - weight(&change.before)).sum();
        let count = same.len() as u64;
        let last = tag_advance(scope, tx, same[0].tag, count, values)?;
        same.iter_mut().zip(last + 1 - count..).for_each(|(change, seq)| change.seq = seq);
    }
    Ok(())
}

impl Kept {
    /// Adds what happened since the party was looked at last.
    fn catch_up(
        &mut self,
        identity: &Identity<'_>,
        tx: &mut Tx<'_>,
        bench: &Bench<'_>,
        touch: &Touch,
        events: &[Event<'_>],
    ) -> kernel::Result<()> {
        let program = &bench.definitions.program;
        for event in touch.events.iter().map(|place| &events[*place]) {
            if let Some(record) = event.live().filter(|record| program.wants(&record.event)) {
                let (properties, context) = payload(record, event.raw())?;
                let named = (&*record.event, record.time, event.key);
                self.party.timeline.insert(program, named, &properties, &context);
            }
        }
        if touch.is_described {
            self.party.describe(identity, tx, program, bench.weights)?;
        }
        Ok(())
    }
}

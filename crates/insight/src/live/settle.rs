//! Evaluates parties and keeps what came of it: who is in which audience, and when to look again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use criteria::program::Fact;
use criteria::{Evaluator, Party};
use db::Tx;
use identity::resolve::Identity;
use identity::store::regrouped::regrouped_page;
use intake::batch::Event;
use kernel::id::base32;
use kernel::{Instant, Key, PartyNo, Scope};

use super::cache::Kept;
use super::{Cache, Definitions, Loaded, load};
use crate::profile::Weights;
use crate::store::audience::{AudienceNo, Mode, audience_advance, audience_all};
use crate::store::membership::{Cause, Change, Member, membership_change, membership_of};
use crate::store::timer::{evaluated_until, timer_due, timer_of, timer_put, timer_remove};
use crate::timeline::payload;

/// Events named as evidence of one change.
const EVIDENCE_MAX: usize = 3;

/// Why a party is looked at, and which rules can have changed.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Why.
    pub cause: Cause,
    /// Places of rules to evaluate.
    pub rules: BTreeSet<usize>,
    /// Whether all live rules are evaluated as well.
    pub is_whole: bool,
    /// Its events in this batch, by their places, that any rule looks at.
    pub events: Vec<usize>,
    /// Whether a trait that any rule looks at was spoken of.
    pub is_described: bool,
}

/// What evaluation needs to know of a workspace, and what it remembers.
pub struct Bench<'b> {
    /// The rules.
    pub definitions: &'b Definitions,
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
        && audience_all(scope, tx)?.iter().all(|audience| audience.filled.is_none()))
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
    let (mut changes, mut timers, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    let mut strangers = Vec::new();
    for (no, touch) in touched {
        match bench.cache.take(*no) {
            Some(mut kept) => {
                kept.catch_up(identity, tx, bench, touch, events)?;
                let sheet = Sheet::new(bench, touch, events);
                sheet.fill(&mut evaluator, &mut kept, &mut changes, (&mut timers, &mut idle));
                bench.cache.put(kept);
            }
            None if touch.is_whole || !touch.rules.is_empty() => strangers.push(*no),
            None => {}
        }
    }
    let mut before: HashMap<PartyNo, Vec<Member>> = HashMap::new();
    for member in membership_of(identity.scope, tx, &strangers)? {
        before.entry(member.party).or_default().push(member);
    }
    let due: HashMap<PartyNo, Instant> = timer_of(identity.scope, tx, &strangers)?.into_iter().collect();
    for no in strangers {
        let touch = &touched[&no];
        let (memberships, due) = (before.remove(&no).unwrap_or_default(), due.get(&no).copied());
        let program = &bench.definitions.program;
        match load(identity, tx, program, bench.weights, (no, bench.as_of))? {
            Some(party) => {
                let mut kept = Kept { party, memberships, due };
                let sheet = Sheet::new(bench, touch, events);
                sheet.fill(&mut evaluator, &mut kept, &mut changes, (&mut timers, &mut idle));
                // Who is only passed by while an audience is filled is not likely to come again soon.
                if touch.cause == Cause::Fact || touch.cause == Cause::Identity {
                    bench.cache.put(kept);
                }
            }
            None => {
                changes.extend(Sheet::new(bench, touch, events).leave_all(&memberships));
                idle.extend(due.map(|_| no));
            }
        }
    }
    timer_remove(identity.scope, tx, &idle)?;
    timer_put(identity.scope, tx, &timers)?;
    number(identity, tx, &mut changes)?;
    membership_change(identity.scope, tx, &changes)?;
    Ok(timers.into_iter().map(|(_, due)| due).min())
}

/// Gives changes their places in the ledgers.
fn number(identity: &Identity<'_>, tx: &mut Tx<'_>, changes: &mut [Change]) -> db::Result<()> {
    changes.sort_by_key(|change| (change.audience, change.party));
    for same in changes.chunk_by_mut(|a, b| a.audience == b.audience) {
        let entered = same.iter().filter(|change| change.is_member).count() as i64;
        let members = 2 * entered - same.len() as i64;
        let count = same.len() as u64;
        let last = audience_advance(identity.scope, tx, same[0].audience, count, members)?;
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

/// Timers to be set, and parties that need none any more.
type Timers<'t> = (&'t mut Vec<(PartyNo, Instant)>, &'t mut Vec<PartyNo>);

/// One party to be evaluated.
struct Sheet<'s> {
    definitions: &'s Definitions,
    touch: &'s Touch,
    events: &'s [Event<'s>],
    as_of: Instant,
}

impl<'s> Sheet<'s> {
    fn new(bench: &Bench<'s>, touch: &'s Touch, events: &'s [Event<'s>]) -> Self {
        Self { definitions: bench.definitions, touch, events, as_of: bench.as_of }
    }

    /// Evaluates a party and notes what changed, there and here.
    fn fill(
        &self,
        evaluator: &mut Evaluator<'_>,
        kept: &mut Kept,
        changes: &mut Vec<Change>,
        (timers, idle): Timers<'_>,
    ) {
        // What is due is looked at whole, whatever else touched it.
        let is_whole = self.touch.is_whole || kept.due.is_some_and(|due| due <= self.as_of);
        if !is_whole && self.touch.rules.is_empty() {
            return;
        }
        let (found, next) = self.evaluate(evaluator, &mut kept.party, &kept.memberships, is_whole);
        for change in &found {
            let Change { audience, party, party_key, at: since, .. } = *change;
            match change.is_member {
                true => kept.memberships.push(Member { party, party_key, audience, since }),
                false => kept.memberships.retain(|member| member.audience != audience),
            }
        }
        changes.extend(found);
        // What was not looked at keeps its time; that may be too early, never too late.
        let next = next.into_iter().chain(kept.due.filter(|_| !is_whole)).min();
        match next {
            Some(at) if kept.due != Some(at) => timers.push((kept.party.no, at)),
            None if kept.due.is_some() => idle.push(kept.party.no),
            _ => {}
        }
        kept.due = next;
    }

    /// What changed, and when it could again.
    fn evaluate(
        &self,
        evaluator: &mut Evaluator<'_>,
        party: &mut Loaded,
        memberships: &[Member],
        is_whole: bool,
    ) -> (Vec<Change>, Option<Instant>) {
        let Definitions { program, audiences, levels, .. } = self.definitions;
        let mut wanted: HashSet<usize> = self.touch.rules.iter().copied().collect();
        if is_whole {
            wanted.extend(&self.definitions.live);
        }
        party.facts.leave_all();
        let (mut changes, mut next) = (Vec::new(), None::<Instant>);
        for level in levels {
            let Loaded { timeline, facts, .. } = &*party;
            let mut evaluation = evaluator.at(Party { timeline, subject: facts }, self.as_of);
            let mut joined = Vec::new();
            for place in level {
                let audience = &audiences[*place];
                let was_member = memberships.iter().any(|member| member.audience == audience.no);
                let mut is_member = was_member;
                if wanted.contains(place) {
                    let outcome = evaluation.outcome(*place);
                    is_member = outcome.holds;
                    let changes_at = outcome.changes_at.filter(|_| audience.mode == Mode::Live);
                    next = next.into_iter().chain(changes_at).min();
                }
                if is_member {
                    joined.push(&*audience.id);
                }
                if is_member != was_member {
                    changes.push(self.change(audience.no, (party.no, party.key), is_member));
                    let touched = program.touched_by(Fact::Audience(&audience.id)).iter();
                    wanted.extend(touched.filter(|place| self.definitions.live.contains(place)));
                }
            }
            joined.into_iter().for_each(|audience| party.facts.join(audience));
        }
        (changes, next)
    }

    /// A party that is no more is in no audience but those that are lists.
    fn leave_all(&self, memberships: &[Member]) -> Vec<Change> {
        let is_kept = |member: &&Member| {
            let place = self.definitions.place(member.audience);
            place.is_some_and(|place| self.definitions.audiences[place].mode != Mode::Static)
        };
        let left = memberships.iter().filter(is_kept);
        left.map(|member| self.change(member.audience, (member.party, member.party_key), false)).collect()
    }

    fn change(&self, audience: AudienceNo, (party, party_key): (PartyNo, Key), is_member: bool) -> Change {
        let place = self.definitions.place(audience);
        let version = place.map_or(0, |place| self.definitions.audiences[place].version);
        let events = self.touch.events.iter().take(EVIDENCE_MAX);
        let evidence: Vec<String> = events.map(|place| base32(&self.events[*place].key.0)).collect();
        Change {
            audience,
            seq: 0,
            party,
            party_key,
            is_member,
            at: self.as_of,
            version,
            cause: self.touch.cause.name().to_owned(),
            evidence: serde_json::json!({ "events": evidence }).to_string(),
        }
    }
}

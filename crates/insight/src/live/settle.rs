//! Evaluates parties and keeps what came of it: who is in which audience, and when to look again.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use criteria::{Evaluator, Party};
use db::Tx;
use identity::resolve::Identity;
use identity::store::regrouped::regrouped_page;
use kernel::id::base32;
use kernel::{Instant, Key, PartyNo, Scope};

use super::{Definitions, Loaded, load};
use crate::profile::Weights;
use crate::store::audience::{AudienceNo, Mode, audience_advance, audience_all};
use crate::store::membership::{Cause, Change, Member, membership_change, membership_of};
use crate::store::timer::{evaluated_until, timer_due, timer_of, timer_put, timer_remove};

/// Events named as evidence of one change.
const EVIDENCE_MAX: usize = 3;

/// Why a party is looked at, and which rules can have changed.
#[derive(Clone, Debug)]
pub struct Touch {
    /// Why.
    pub cause: Cause,
    /// Places of the rules to evaluate; all live ones if nothing is said.
    pub rules: Option<BTreeSet<usize>>,
    /// Events that touched it.
    pub events: Vec<Key>,
}

/// What was settled.
#[derive(Clone, Debug, Default)]
pub struct Settled {
    /// The changes, as they are in the ledger.
    pub changes: Vec<Change>,
    /// The earliest instant one of the parties is due again.
    pub next_due: Option<Instant>,
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

/// Evaluates parties at one instant and writes what changed.
///
/// # Errors
/// As the database says, or damaged data.
pub fn settle(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    definitions: &Definitions,
    weights: &Weights,
    touched: &BTreeMap<PartyNo, Touch>,
    as_of: Instant,
) -> kernel::Result<Settled> {
    let numbers: Vec<PartyNo> = touched.keys().copied().collect();
    let mut before: HashMap<PartyNo, Vec<Member>> = HashMap::new();
    for member in membership_of(identity.scope, tx, &numbers)? {
        before.entry(member.party).or_default().push(member);
    }
    let due: HashMap<PartyNo, Instant> = timer_of(identity.scope, tx, &numbers)?.into_iter().collect();
    let mut evaluator = Evaluator::new(&definitions.program);
    let (mut changes, mut timers, mut idle) = (Vec::new(), Vec::new(), Vec::new());
    for (no, touch) in touched {
        let memberships = before.remove(no).unwrap_or_default();
        let due = due.get(no).copied();
        // What is due is looked at whole, whatever else touched it.
        let is_whole = touch.rules.is_none() || due.is_some_and(|due| due <= as_of);
        let sheet = Sheet { definitions, touch, is_whole, memberships: &memberships, as_of };
        let party = load(identity, tx, &definitions.program, weights, (*no, as_of))?;
        let (found, next) = match party {
            Some(party) => sheet.evaluate(&mut evaluator, party),
            None => (sheet.leave_all(), None),
        };
        changes.extend(found);
        // What was not looked at keeps its time; that may be too early, never too late.
        let kept = due.filter(|_| !is_whole);
        let next = next.into_iter().chain(kept).min();
        match next {
            Some(at) if due != Some(at) => timers.push((*no, at)),
            None if due.is_some() => idle.push(*no),
            _ => {}
        }
    }
    timer_remove(identity.scope, tx, &idle)?;
    timer_put(identity.scope, tx, &timers)?;
    number(identity, tx, &mut changes)?;
    membership_change(identity.scope, tx, &changes)?;
    Ok(Settled { changes, next_due: timers.into_iter().map(|(_, due)| due).min() })
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

/// One party to be evaluated.
struct Sheet<'s> {
    definitions: &'s Definitions,
    touch: &'s Touch,
    /// Whether every live rule is evaluated, and not only those touched.
    is_whole: bool,
    memberships: &'s [Member],
    as_of: Instant,
}

impl Sheet<'_> {
    /// What changed, and when it could again.
    fn evaluate(&self, evaluator: &mut Evaluator<'_>, mut party: Loaded) -> (Vec<Change>, Option<Instant>) {
        let Definitions { program, audiences, levels, .. } = self.definitions;
        let member_of: HashSet<AudienceNo> = self.memberships.iter().map(|member| member.audience).collect();
        let mut wanted: HashSet<usize> = self.touch.rules.iter().flatten().copied().collect();
        if self.is_whole {
            wanted.extend(&self.definitions.live);
        }
        let (mut changes, mut next) = (Vec::new(), None::<Instant>);
        for level in levels {
            let Loaded { timeline, facts, .. } = &party;
            let mut evaluation = evaluator.at(Party { timeline, subject: facts }, self.as_of);
            let mut joined = Vec::new();
            for place in level {
                let audience = &audiences[*place];
                let was_member = member_of.contains(&audience.no);
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
                    let fact = criteria::program::Fact::Audience(&audience.id);
                    let live = |place: &&usize| self.definitions.live.contains(place);
                    wanted.extend(program.touched_by(fact).iter().filter(live));
                }
            }
            joined.into_iter().for_each(|audience| party.facts.join(audience));
        }
        (changes, next)
    }

    /// A party that is no more is in no audience but those that are lists.
    fn leave_all(&self) -> Vec<Change> {
        let is_kept = |member: &&Member| {
            let place = self.definitions.place(member.audience);
            place.is_some_and(|place| self.definitions.audiences[place].mode != Mode::Static)
        };
        let left = self.memberships.iter().filter(is_kept);
        left.map(|member| self.change(member.audience, (member.party, member.party_key), false)).collect()
    }

    fn change(&self, audience: AudienceNo, (party, party_key): (PartyNo, Key), is_member: bool) -> Change {
        let place = self.definitions.place(audience);
        let version = place.map_or(0, |place| self.definitions.audiences[place].version);
        let events = self.touch.events.iter().take(EVIDENCE_MAX);
        let evidence: Vec<String> = events.map(|key| base32(&key.0)).collect();
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

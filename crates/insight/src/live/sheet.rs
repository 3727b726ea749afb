//! One party to be evaluated: its units level by level, what changed, and when to look again.

use std::collections::HashSet;

use criteria::program::Fact;
use criteria::{Evaluator, Facts, Party};
use intake::batch::Event;
use kernel::id::base32;
use kernel::{Instant, Key, PartyNo};
use serde_json::{Value as Json, json};

use super::cache::Kept;
use super::load::Assigned;
use super::tagged::{Computed, Tagged};
use super::{Bench, Definitions, Loaded, Touch, Unit};
use crate::rules::tag::Role;
use crate::store::audience::{AudienceNo, Mode};
use crate::store::membership::{Change, Member};
use crate::store::tag::{Tag, TagNo};
use crate::store::tag_value::{self, Held};

/// Events named as evidence of one change.
const EVIDENCE_MAX: usize = 3;

/// What is to be written.
#[derive(Default)]
pub(super) struct Ledger {
    /// Who entered and left audiences.
    pub(super) changes: Vec<Change>,
    /// Values that came, changed and went.
    pub(super) tag_changes: Vec<tag_value::Change>,
    /// Values as they are now, where anything about them changed.
    pub(super) held: Vec<Held>,
    /// Values that are no more.
    pub(super) gone: Vec<(PartyNo, TagNo)>,
    /// Timers to be set.
    pub(super) timers: Vec<(PartyNo, Instant)>,
    /// Parties that need none any more.
    pub(super) idle: Vec<PartyNo>,
}

pub(super) struct Sheet<'s> {
    definitions: &'s Definitions,
    touch: &'s Touch,
    events: &'s [Event<'s>],
    as_of: Instant,
}

/// What is found out about one party.
#[derive(Default)]
struct Round {
    wanted: HashSet<usize>,
    changes: Vec<Change>,
    tag_changes: Vec<tag_value::Change>,
    /// Of each tag that was looked at, the value now.
    values: Vec<(TagNo, Option<Held>)>,
    next: Option<Instant>,
}

impl Round {
    fn may_change(&mut self, at: Option<Instant>) {
        self.next = self.next.into_iter().chain(at).min();
    }
}

impl<'s> Sheet<'s> {
    pub(super) fn new(bench: &Bench<'s>, touch: &'s Touch, events: &'s [Event<'s>]) -> Self {
        Self { definitions: bench.definitions, touch, events, as_of: bench.as_of }
    }

    /// Evaluates a party and notes what changed, there and here.
    pub(super) fn fill(&self, evaluator: &mut Evaluator<'_>, kept: &mut Kept, ledger: &mut Ledger) {
        // What is due is looked at whole, whatever else touched it.
        let is_whole = self.touch.is_whole || kept.due.is_some_and(|due| due <= self.as_of);
        if !is_whole && self.touch.units.is_empty() {
            return;
        }
        let round = self.evaluate(evaluator, kept, is_whole);
        for change in &round.changes {
            let Change { audience, party, party_key, at: since, .. } = *change;
            match change.is_member {
                true => kept.memberships.push(Member { party, party_key, audience, since }),
                false => kept.memberships.retain(|member| member.audience != audience),
            }
        }
        for (tag, held) in round.values {
            kept.values.retain(|value| value.tag != tag);
            match held {
                Some(held) => {
                    ledger.held.push(held.clone());
                    kept.values.push(held);
                }
                None => ledger.gone.push((kept.party.no, tag)),
            }
        }
        ledger.changes.extend(round.changes);
        ledger.tag_changes.extend(round.tag_changes);
        // What was not looked at keeps its time; that may be too early, never too late.
        let next = round.next.into_iter().chain(kept.due.filter(|_| !is_whole)).min();
        match next {
            Some(at) if kept.due != Some(at) => ledger.timers.push((kept.party.no, at)),
            None if kept.due.is_some() => ledger.idle.push(kept.party.no),
            _ => {}
        }
        kept.due = next;
    }

    fn evaluate(&self, evaluator: &mut Evaluator<'_>, kept: &mut Kept, is_whole: bool) -> Round {
        let mut round = Round { wanted: self.touch.units.iter().copied().collect(), ..Round::default() };
        if is_whole {
            round.wanted.extend(&self.definitions.live);
        }
        let Kept { party, memberships, values, .. } = kept;
        party.facts.leave_all();
        for level in &self.definitions.levels {
            let Loaded { timeline, facts, .. } = &*party;
            let mut evaluation = evaluator.at(Party { timeline, subject: facts }, self.as_of);
            let (mut joined, mut told) = (Vec::new(), Vec::new());
            for place in level {
                match self.definitions.unit(*place) {
                    Unit::Audience(audience) => {
                        let was_member = memberships.iter().any(|member| member.audience == audience.no);
                        let mut is_member = was_member;
                        if round.wanted.contains(place) {
                            let outcome = evaluation.outcome(*place);
                            is_member = outcome.holds;
                            round.may_change(outcome.changes_at.filter(|_| audience.mode == Mode::Live));
                        }
                        if is_member {
                            joined.push(&*audience.id);
                        }
                        if is_member != was_member {
                            round.changes.push(self.change(audience.no, (party.no, party.key), is_member));
                            self.spread(&mut round, Fact::Audience(&audience.id));
                        }
                    }
                    Unit::Tag(tag) => {
                        let held = values.iter().find(|held| held.tag == tag.tag.no);
                        let mut value = held.map(|held| held.value.clone());
                        if round.wanted.contains(place) {
                            let zone = (self.as_of, self.definitions.program.zone());
                            let computed = tag.compute(&mut evaluation, party, zone);
                            value = self.tag(&mut round, tag, (party, held), computed);
                        }
                        if tag.is_asked {
                            told.push((tag, value));
                        }
                    }
                }
            }
            joined.into_iter().for_each(|audience| party.facts.join(audience));
            told.into_iter()
                .for_each(|(tag, value)| tell(&mut party.facts, (tag.role, &tag.tag.key), value.as_deref()));
        }
        round
    }

    /// Lets others that ask for something be looked at too.
    fn spread(&self, round: &mut Round, fact: Fact<'_>) {
        let touched = self.definitions.units(self.definitions.program.touched_by(fact));
        round.wanted.extend(touched.filter(|place| self.definitions.is_live(*place)));
    }

    /// Notes a tag's value, and returns it.
    fn tag(
        &self,
        round: &mut Round,
        tag: &Tagged,
        (party, held): (&Loaded, Option<&Held>),
        computed: Computed,
    ) -> Option<String> {
        let verdict = verdict(tag, &party.assigned, computed, self.as_of);
        if tag.is_live {
            round.may_change(verdict.changes_at);
        }
        let before = held.map(|held| held.value.clone());
        let is_same = before == verdict.value;
        let reasons = verdict.reasons.to_string();
        let now = verdict.value.clone().map(|value| Held {
            party: party.no,
            party_key: party.key,
            tag: tag.tag.no,
            value,
            computed: verdict.computed,
            source: verdict.source,
            since: held.filter(|_| is_same).map_or(self.as_of, |held| held.since),
            expires: verdict.expires,
            version: tag.tag.version,
            reasons: held.filter(|_| is_same).map_or_else(|| reasons.clone(), |held| held.reasons.clone()),
        });
        if now.as_ref() != held {
            let source = now.as_ref().or(held).map(|held| held.source.as_str()).unwrap_or_default();
            let cause = match (source.is_empty(), &now) {
                (true, _) => self.touch.cause.name(),
                (false, None) if held.is_some_and(|h| h.expires.is_some_and(|at| at <= self.as_of)) => {
                    "expiry"
                }
                (false, _) => "assignment",
            };
            if !is_same {
                round.tag_changes.push(self.tag_change(
                    &tag.tag,
                    party,
                    (verdict.value.clone(), before),
                    cause,
                    reasons,
                ));
                self.spread(round, fact(tag));
            }
            round.values.push((tag.tag.no, now));
        }
        verdict.value
    }

    fn tag_change(
        &self,
        tag: &Tag,
        party: &Loaded,
        (value, before): (Option<String>, Option<String>),
        cause: &str,
        reasons: String,
    ) -> tag_value::Change {
        tag_value::Change {
            tag: tag.no,
            seq: 0,
            party: party.no,
            party_key: party.key,
            value,
            before,
            at: self.as_of,
            version: tag.version,
            cause: cause.to_owned(),
            reasons,
        }
    }

    /// A party that is no more is in no audience but those that are lists, and has no tags.
    pub(super) fn leave_all(&self, memberships: &[Member], values: &[Held], ledger: &mut Ledger) {
        let is_kept = |member: &&Member| {
            let place = self.definitions.place(member.audience);
            place.is_some_and(|place| self.definitions.audiences[place].mode != Mode::Static)
        };
        let left = memberships.iter().filter(is_kept);
        ledger
            .changes
            .extend(left.map(|member| self.change(member.audience, (member.party, member.party_key), false)));
        for held in values {
            ledger.gone.push((held.party, held.tag));
            ledger.tag_changes.push(tag_value::Change {
                tag: held.tag,
                seq: 0,
                party: held.party,
                party_key: held.party_key,
                value: None,
                before: Some(held.value.clone()),
                at: self.as_of,
                version: held.version,
                cause: self.touch.cause.name().to_owned(),
                reasons: "{}".to_owned(),
            });
        }
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
            evidence: json!({ "events": evidence }).to_string(),
        }
    }
}

/// What a tag is of a party, all told.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict {
    /// The value, as JSON.
    pub value: Option<String>,
    /// What the definition says, where somebody says otherwise.
    pub computed: Option<String>,
    /// Who says so; empty if the definition does.
    pub source: String,
    /// When it goes by itself.
    pub expires: Option<Instant>,
    /// Why.
    pub reasons: Json,
    /// No earlier than this can it differ if no new fact arrives.
    pub changes_at: Option<Instant>,
}

/// What somebody says counts before what the definition says: the latest word, until it expires. A later word
/// replaces an earlier one for good, also when it has expired or was taken back.
pub(super) fn verdict(tag: &Tagged, assigned: &[Assigned], computed: Computed, as_of: Instant) -> Verdict {
    let words = || assigned.iter().filter(|one| one.run == 0 && one.tag == tag.tag.no && !tag.is_gone());
    let latest = words().filter(|one| one.said.0 <= as_of).max_by_key(|one| one.said);
    let coming = words().map(|one| one.said.0).filter(|at| *at > as_of).min();
    let said = latest.filter(|one| one.expires.is_none_or(|at| at > as_of));
    let said = said.and_then(|one| Some((one, one.value.clone()?)));
    let Computed { value, reasons, changes_at } = computed;
    let changes_at = changes_at.into_iter().chain(coming);
    match said {
        None => Verdict {
            value,
            computed: None,
            source: String::new(),
            expires: None,
            reasons,
            changes_at: changes_at.min(),
        },
        Some((one, word)) => Verdict {
            computed: value.filter(|value| *value != word),
            value: Some(word),
            source: one.source.clone(),
            expires: one.expires,
            reasons: json!({ "source": one.source, "said_at": one.said.0.to_string() }),
            changes_at: changes_at.chain(one.expires).min(),
        },
    }
}

fn fact(tag: &Tagged) -> Fact<'_> {
    match tag.role {
        Role::Tag => Fact::Tag(&tag.tag.key),
        Role::Score => Fact::Score(&tag.tag.key),
        Role::Stage => Fact::Stage(&tag.tag.key),
    }
}

/// Lets rules know a tag's value.
pub(super) fn tell(facts: &mut Facts, (role, key): (Role, &str), value: Option<&str>) {
    let value: Json = value.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    match role {
        Role::Tag => facts.set_tag(key, &value),
        Role::Score => facts.set_score(key, &value),
        Role::Stage => match value.as_str() {
            Some(state) => facts.set_stage(key, state),
            None => facts.unset_stage(key),
        },
    }
}

//! A rule that is asked once, and not kept: of one party, or of everybody.
//!
//! Asked as of now, it takes who is in other audiences as it is stored. Asked as of another instant, live
//! audiences are evaluated for that instant too; the others are taken as they are, for they are lists.

use std::collections::{BTreeSet, HashMap};

use criteria::cycle::Reference;
use criteria::{Evaluator, Explanation, Outcome, Party, Program, Rule, Zone};
use db::Tx;
use kernel::{Instant, PartyNo, Scope};

use super::{Definitions, Loaded, compile};
use crate::store::audience::{Audience, AudienceNo, Mode};
use crate::store::membership::{Member, membership_of};

/// The number of the rule that is asked: no audience has it.
const ASKED: AudienceNo = AudienceNo(u32::MAX);

/// As of when a rule is asked.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    /// This instant, which is the present one.
    Now(Instant),
    /// Another instant.
    At(Instant),
}

impl Moment {
    /// The instant.
    pub fn instant(self) -> Instant {
        match self {
            Self::Now(at) | Self::At(at) => at,
        }
    }
}

/// A rule, and the audiences it asks for.
#[derive(Debug)]
pub struct Question {
    definitions: Definitions,
    asked: usize,
    as_of: Instant,
    /// Audiences whose members are taken as they are stored.
    stored: HashMap<AudienceNo, String>,
}

/// What was found out about one party.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// Whether the rule holds, and when that can change.
    pub outcome: Outcome,
    /// Why.
    pub explanation: Explanation,
}

impl Question {
    /// Makes a rule ready. `audiences` are all there are.
    pub fn new(rule: &Rule, audiences: &[Audience], zone: Zone, moment: Moment) -> Self {
        let (mut evaluated, mut stored) = (Vec::new(), HashMap::new());
        let mut seen: BTreeSet<AudienceNo> = BTreeSet::new();
        let mut open = references(rule);
        while let Some(id) = open.pop() {
            let found = audiences.iter().find(|audience| audience.id == id && !audience.is_archived);
            let Some(audience) = found.filter(|audience| seen.insert(audience.no)) else { continue };
            if audience.mode != Mode::Live || matches!(moment, Moment::Now(_)) {
                stored.insert(audience.no, audience.id.clone());
                continue;
            }
            open.extend(Rule::parse(&audience.rule).iter().flat_map(references));
            evaluated.push(audience.clone());
        }
        let asked = evaluated.len();
        evaluated.push(unnamed(rule));
        Self { definitions: compile(evaluated, zone), asked, as_of: moment.instant(), stored }
    }

    /// The program to load parties for.
    pub fn program(&self) -> &Program {
        &self.definitions.program
    }

    /// Audiences whose members are taken as they are stored, with their ids.
    pub fn stored(&self) -> impl Iterator<Item = (AudienceNo, &str)> {
        self.stored.iter().map(|(no, id)| (*no, id.as_str()))
    }

    /// The audiences that are evaluated before the rule, and their rules, each after those it asks for.
    pub fn inner(&self) -> Vec<(&str, &Rule)> {
        let places = self.definitions.levels.iter().flatten().filter(|place| **place != self.asked);
        places
            .map(|place| (&*self.definitions.audiences[*place].id, self.definitions.program.rule(*place)))
            .collect()
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        self.definitions.program.rule(self.asked)
    }

    /// As of when it is asked.
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// Those memberships of parties that the rule asks for.
    ///
    /// # Errors
    /// As the database says.
    pub fn memberships(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        parties: &[PartyNo],
    ) -> db::Result<HashMap<PartyNo, Vec<Member>>> {
        let mut found: HashMap<PartyNo, Vec<Member>> = HashMap::new();
        if self.stored.is_empty() {
            return Ok(found);
        }
        for member in membership_of(scope, tx, parties)? {
            if self.stored.contains_key(&member.audience) && member.since <= self.as_of {
                found.entry(member.party).or_default().push(member);
            }
        }
        Ok(found)
    }

    /// Whether the rule holds for a party.
    pub fn holds(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, members: &[Member]) -> bool {
        self.join(evaluator, party, members);
        evaluator.at(facts(party), self.as_of).holds(self.asked)
    }

    /// Whether and why the rule holds for a party.
    pub fn explain(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, members: &[Member]) -> Answer {
        self.join(evaluator, party, members);
        let mut evaluation = evaluator.at(facts(party), self.as_of);
        Answer { outcome: evaluation.outcome(self.asked), explanation: evaluation.explain(self.asked) }
    }

    /// Lets a party know the audiences it is in.
    fn join(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, members: &[Member]) {
        let stored = members.iter().filter_map(|member| self.stored.get(&member.audience));
        stored.for_each(|audience| party.facts.join(audience));
        for level in &self.definitions.levels {
            let mut evaluation = evaluator.at(facts(party), self.as_of);
            let others = level.iter().filter(|place| **place != self.asked);
            let held: Vec<usize> = others.copied().filter(|place| evaluation.holds(*place)).collect();
            held.into_iter().for_each(|place| party.facts.join(&self.definitions.audiences[place].id));
        }
    }
}

fn facts(party: &Loaded) -> Party<'_> {
    Party { timeline: &party.timeline, subject: &party.facts }
}

fn references(rule: &Rule) -> Vec<String> {
    let named = |reference| match reference {
        Reference::Audience(id) => Some(id),
        _ => None,
    };
    rule.references().into_iter().filter_map(named).collect()
}

/// A rule as the audience it is not.
fn unnamed(rule: &Rule) -> Audience {
    Audience {
        no: ASKED,
        id: String::new(),
        version: 0,
        name: String::new(),
        mode: Mode::Live,
        rule: rule.to_json(),
        is_archived: false,
        actor: String::new(),
        created: Instant::default(),
        changed: Instant::default(),
        filled: None,
        last_seq: 0,
        members: 0,
    }
}

//! A rule or a tag that is asked once, and not kept: of one party, or of everybody.
//!
//! Asked as of now, it takes who is in other audiences and has which tags as it is stored. Asked as of another
//! instant, live ones are evaluated for that instant too; the others are taken as they are, for they are
//! lists.

use std::collections::{BTreeSet, HashMap};

use criteria::cycle::Reference;
use criteria::{Evaluator, Explanation, Outcome, Party, Program, Rule, Zone};
use db::Tx;
use kernel::{Instant, PartyNo, Scope};

use super::sheet::{Verdict, tell, verdict};
use super::tagged::Tagged;
use super::{Catalogue, Definitions, Loaded, Sight, Unit, compile, reference_to};
use crate::rules::tag::Role;
use crate::store::audience::{Audience, AudienceNo, Mode};
use crate::store::membership::{Member, membership_of};
use crate::store::tag::{Tag, TagNo};
use crate::store::tag_value::{Held, value_of};

/// The number of the rule that is asked: no audience has it.
const ASKED: AudienceNo = AudienceNo(u32::MAX);

/// As of when something is asked.
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

/// What is asked.
#[derive(Clone, Debug)]
pub enum Asked<'a> {
    /// Whether a rule holds.
    Rule(&'a Rule),
    /// What value a tag has, stored or not.
    Tag(&'a Tag),
}

/// What is asked, and the audiences and tags it asks for.
#[derive(Debug)]
pub struct Question {
    definitions: Definitions,
    asked: usize,
    as_of: Instant,
    /// Audiences whose members are taken as they are stored.
    stored: HashMap<AudienceNo, String>,
    /// Tags whose values are taken as they are stored.
    stored_tags: HashMap<TagNo, (Role, String)>,
}

/// What is stored of a party that a question asks for.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// The audiences it is in.
    pub members: Vec<Member>,
    /// The tags it has.
    pub values: Vec<Held>,
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
    /// Makes a question ready. `catalogue` is all there is.
    pub fn new(asked: Asked<'_>, catalogue: &Catalogue, zone: Zone, moment: Moment) -> Self {
        let (mut stored, mut stored_tags) = (HashMap::new(), HashMap::new());
        let mut part = Catalogue { constants: catalogue.constants.clone(), ..Catalogue::default() };
        let mut open = match asked {
            Asked::Rule(rule) => rule.references(),
            Asked::Tag(tag) => asks(tag),
        };
        let mut seen: BTreeSet<Reference> = open.iter().cloned().collect();
        let is_now = matches!(moment, Moment::Now(_));
        while let Some(reference) = open.pop() {
            let mut more = Vec::new();
            if let Reference::Audience(id) = &reference {
                let Some(audience) = catalogue.audiences().find(|audience| audience.id == *id) else {
                    continue;
                };
                if audience.mode != Mode::Live || is_now {
                    stored.insert(audience.no, audience.id.clone());
                } else {
                    more = Rule::parse(&audience.rule).map(|rule| rule.references()).unwrap_or_default();
                    part.audiences.push(audience.clone());
                }
            } else {
                let Some(tag) = catalogue.tags().find(|tag| reference_to(tag) == reference) else { continue };
                let (ready, _) = Tagged::ready(tag.clone(), &catalogue.constants);
                if is_now || !ready.is_live {
                    stored_tags.insert(tag.no, (ready.role, tag.key.clone()));
                } else {
                    more = asks(tag);
                    part.tags.push(tag.clone());
                }
            }
            open.extend(more.into_iter().filter(|reference| seen.insert(reference.clone())));
        }
        let asked = match asked {
            Asked::Rule(rule) => {
                part.audiences.push(unnamed(rule));
                part.audiences.len() - 1
            }
            Asked::Tag(tag) => {
                part.tags.push(tag.clone());
                part.audiences.len() + part.tags.len() - 1
            }
        };
        let definitions = compile(part, zone);
        Self { definitions, asked, as_of: moment.instant(), stored, stored_tags }
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

    /// Whether tags play no part in it: the lake knows none.
    pub fn is_without_tags(&self) -> bool {
        self.definitions.tags.is_empty() && self.stored_tags.is_empty()
    }

    /// Whether parties are to be loaded with what was said of them.
    pub fn is_assigned(&self) -> bool {
        !self.definitions.tags.is_empty()
    }

    /// As of when it is asked.
    pub fn as_of(&self) -> Instant {
        self.as_of
    }

    /// What is stored of parties that is asked for.
    ///
    /// # Errors
    /// As the database says.
    pub fn standing(
        &self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        parties: &[PartyNo],
    ) -> db::Result<HashMap<PartyNo, Standing>> {
        let mut found: HashMap<PartyNo, Standing> = HashMap::new();
        if !self.stored.is_empty() {
            for member in membership_of(scope, tx, parties)? {
                if self.stored.contains_key(&member.audience) && member.since <= self.as_of {
                    found.entry(member.party).or_default().members.push(member);
                }
            }
        }
        if !self.stored_tags.is_empty() {
            for held in value_of(scope, tx, parties)? {
                if self.stored_tags.contains_key(&held.tag) && held.since <= self.as_of {
                    found.entry(held.party).or_default().values.push(held);
                }
            }
        }
        Ok(found)
    }

    /// Whether the rule holds for a party; whether it has a value, for a tag.
    pub fn holds(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, standing: &Standing) -> bool {
        match self.definitions.unit(self.asked) {
            Unit::Tag(_) => self.value(evaluator, party, standing).value.is_some(),
            Unit::Audience(_) => {
                self.join(evaluator, party, standing);
                evaluator.at(facts(party), self.as_of).holds(self.asked)
            }
        }
    }

    /// Whether and why the rule holds for a party.
    pub fn explain(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, standing: &Standing) -> Answer {
        self.join(evaluator, party, standing);
        let mut evaluation = evaluator.at(facts(party), self.as_of);
        Answer { outcome: evaluation.outcome(self.asked), explanation: evaluation.explain(self.asked) }
    }

    /// Why each rule of the tag holds, in the order of its definition, with the rules.
    pub fn explain_rules(
        &self,
        evaluator: &mut Evaluator<'_>,
        party: &mut Loaded,
        standing: &Standing,
    ) -> Vec<(Rule, Explanation)> {
        self.join(evaluator, party, standing);
        let Unit::Tag(tag) = self.definitions.unit(self.asked) else { return Vec::new() };
        let program = &self.definitions.program;
        let mut evaluation = evaluator.at(facts(party), self.as_of);
        let rules = (tag.first..program.len())
            .take_while(|rule| self.definitions.units(&[*rule]).next() == Some(self.asked));
        rules.map(|rule| (program.rule(rule).clone(), evaluation.explain(rule))).collect()
    }

    /// What the tag is of a party; nothing if a rule is asked.
    pub fn value(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, standing: &Standing) -> Verdict {
        self.join(evaluator, party, standing);
        self.tag_value(evaluator, party, self.asked)
    }

    /// Shows a party as the tag's model sees it; nothing if a rule is asked.
    pub fn look<T>(
        &self,
        evaluator: &mut Evaluator<'_>,
        party: &mut Loaded,
        standing: &Standing,
        look: impl FnOnce(&mut Sight<'_, '_, '_>) -> T,
    ) -> Option<T> {
        self.join(evaluator, party, standing);
        let Unit::Tag(tag) = self.definitions.unit(self.asked) else { return None };
        let mut evaluation = evaluator.at(facts(party), self.as_of);
        let zone = (self.as_of, self.definitions.program.zone());
        Some(look(&mut tag.sight(&mut evaluation, party, zone)))
    }

    fn tag_value(&self, evaluator: &mut Evaluator<'_>, party: &Loaded, place: usize) -> Verdict {
        let zone = (self.as_of, self.definitions.program.zone());
        let mut evaluation = evaluator.at(facts(party), self.as_of);
        let tag = match self.definitions.unit(place) {
            Unit::Tag(tag) => tag,
            Unit::Audience(_) => &self.definitions.tags[0],
        };
        let computed = tag.compute(&mut evaluation, party, zone);
        verdict(tag, &party.assigned, computed, self.as_of)
    }

    /// Lets a party know the audiences it is in and the tags it has.
    fn join(&self, evaluator: &mut Evaluator<'_>, party: &mut Loaded, standing: &Standing) {
        let stored = standing.members.iter().filter_map(|member| self.stored.get(&member.audience));
        stored.for_each(|audience| party.facts.join(audience));
        for held in &standing.values {
            let Some((role, key)) = self.stored_tags.get(&held.tag) else { continue };
            tell(&mut party.facts, (*role, key), Some(&held.value));
        }
        for level in &self.definitions.levels {
            for place in level.iter().filter(|place| **place != self.asked) {
                match self.definitions.unit(*place) {
                    Unit::Audience(audience) => {
                        if evaluator.at(facts(party), self.as_of).holds(*place) {
                            party.facts.join(&audience.id);
                        }
                    }
                    Unit::Tag(tag) => {
                        let value = self.tag_value(evaluator, party, *place).value;
                        tell(&mut party.facts, (tag.role, &tag.tag.key), value.as_deref());
                    }
                }
            }
        }
    }
}

fn facts(party: &Loaded) -> Party<'_> {
    Party { timeline: &party.timeline, subject: &party.facts }
}

fn asks(tag: &Tag) -> Vec<Reference> {
    crate::rules::tag::Document::parse(&tag.body)
        .map(|document| super::document_asks(&document))
        .unwrap_or_default()
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

//! The audiences and tags of a workspace, compiled together.
//!
//! A *unit* is one of them: the audiences come first, each with one rule of the program, then the tags with
//! theirs. Units are called by their places.

use std::collections::{BTreeMap, HashMap};

use criteria::cycle::Reference;
use criteria::{Program, Rule, Zone};

use super::Catalogue;
use super::catalogue::reference_to;
use super::tagged::Tagged;
use crate::store::audience::{Audience, AudienceNo, Mode};

/// The definitions of a workspace, ready to be evaluated.
#[derive(Debug)]
pub struct Definitions {
    /// The rules.
    pub program: Program,
    /// The audiences: the first units.
    pub audiences: Vec<Audience>,
    /// The tags: the units after them.
    pub tags: Vec<Tagged>,
    /// Places of units: each level asks only for units of the levels before.
    pub levels: Vec<Vec<usize>>,
    /// The places of units that change with every fact, ascending.
    pub live: Vec<usize>,
    /// The unit of each rule.
    units: Vec<usize>,
    places: HashMap<AudienceNo, usize>,
}

/// A unit by its place.
#[derive(Clone, Copy, Debug)]
pub enum Unit<'a> {
    /// An audience.
    Audience(&'a Audience),
    /// A tag, score or stage.
    Tag(&'a Tagged),
}

/// Compiles definitions. One that no longer reads is true of nobody, and logged.
pub fn compile(catalogue: Catalogue, zone: Zone) -> Definitions {
    let Catalogue { audiences, tags, constants } = catalogue;
    let mut rules: Vec<Vec<Rule>> = audiences.iter().map(|audience| vec![rule(audience)]).collect();
    let (mut tags, of_tags): (Vec<Tagged>, Vec<Vec<Rule>>) =
        tags.into_iter().map(|tag| Tagged::ready(tag, &constants)).unzip();
    rules.extend(of_tags);
    let units: Vec<usize> =
        rules.iter().enumerate().flat_map(|(unit, rules)| rules.iter().map(move |_| unit)).collect();
    let mut first = audiences.len();
    for (tag, rules) in tags.iter_mut().zip(&rules[audiences.len()..]) {
        tag.first = first;
        first += rules.len();
    }
    let levels = levels(&audiences, &tags, &rules);
    let program = Program::compile((0..).zip(rules.into_iter().flatten()), zone);
    let needs = program.needs();
    for tag in &mut tags {
        let key = &*tag.tag.key;
        tag.is_asked = [&needs.tags, &needs.scores, &needs.stages]
            .into_iter()
            .any(|names| names.iter().any(|name| **name == *key));
    }
    let is_live = |audience: &Audience| audience.mode == Mode::Live && !audience.is_archived;
    let live = audiences.iter().map(is_live).chain(tags.iter().map(|tag| tag.is_live));
    let live = live.enumerate().filter(|(_, is_live)| *is_live).map(|(place, _)| place).collect();
    let places = audiences.iter().enumerate().map(|(place, audience)| (audience.no, place)).collect();
    Definitions { program, audiences, tags, levels, live, units, places }
}

fn rule(audience: &Audience) -> Rule {
    if audience.is_archived {
        return Rule::Always(false);
    }
    Rule::parse(&audience.rule).unwrap_or_else(|error| {
        tracing::error!(audience = audience.id, %error, "a stored rule cannot be read");
        Rule::Always(false)
    })
}

/// Orders units by what they ask for. Rings cannot be defined; if there were one, it would come last.
fn levels(audiences: &[Audience], tags: &[Tagged], rules: &[Vec<Rule>]) -> Vec<Vec<usize>> {
    let named = audiences.iter().map(|audience| Reference::Audience(audience.id.clone()));
    let named = named.chain(tags.iter().map(|tag| reference_to(&tag.tag)));
    let places: BTreeMap<Reference, usize> = named.zip(0..).collect();
    let asks: Vec<Vec<usize>> = rules
        .iter()
        .map(|rules| {
            rules.iter().flat_map(Rule::references).filter_map(|r| places.get(&r).copied()).collect()
        })
        .collect();
    let mut left: Vec<usize> = (0..rules.len()).collect();
    let mut levels = Vec::new();
    while !left.is_empty() {
        let is_ready = |place: &usize| asks[*place].iter().all(|asked| !left.contains(asked));
        let (ready, rest): (Vec<_>, Vec<_>) = left.iter().copied().partition(is_ready);
        if ready.is_empty() {
            levels.push(rest);
            break;
        }
        levels.push(ready);
        left = rest;
    }
    levels
}

impl Definitions {
    /// Whether nothing is defined.
    pub fn is_empty(&self) -> bool {
        self.audiences.is_empty() && self.tags.is_empty()
    }

    /// How many units there are.
    pub fn len(&self) -> usize {
        self.audiences.len() + self.tags.len()
    }

    /// The unit at a place.
    pub fn unit(&self, place: usize) -> Unit<'_> {
        match self.audiences.get(place) {
            Some(audience) => Unit::Audience(audience),
            None => Unit::Tag(&self.tags[place - self.audiences.len()]),
        }
    }

    /// The units of rules of the program.
    pub fn units<'a>(&'a self, rules: &'a [usize]) -> impl Iterator<Item = usize> + 'a {
        rules.iter().map(|rule| self.units[*rule])
    }

    /// The place of an audience.
    pub fn place(&self, no: AudienceNo) -> Option<usize> {
        self.places.get(&no).copied()
    }

    /// Whether a unit changes with every fact.
    pub fn is_live(&self, place: usize) -> bool {
        self.live.binary_search(&place).is_ok()
    }

    /// How far a unit is filled under its present definition; nothing if everybody was looked at.
    pub fn filled(&self, place: usize) -> Option<kernel::PartyNo> {
        match self.unit(place) {
            Unit::Audience(audience) => audience.filled,
            Unit::Tag(tag) => tag.tag.filled,
        }
    }

    /// Notes how far a unit is filled.
    pub fn fill(&mut self, place: usize, filled: Option<kernel::PartyNo>) {
        let audiences = self.audiences.len();
        match self.audiences.get_mut(place) {
            Some(audience) => audience.filled = filled,
            None => self.tags[place - audiences].tag.filled = filled,
        }
    }

    /// Units that not every party was looked at for under their present definition.
    pub fn unfilled(&self) -> impl Iterator<Item = usize> {
        (0..self.len()).filter(|place| self.filled(*place).is_some())
    }
}

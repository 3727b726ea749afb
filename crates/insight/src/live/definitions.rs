//! The audiences of a workspace, compiled together.

use std::collections::{BTreeMap, HashMap};

use criteria::cycle::Reference;
use criteria::{Program, Rule, Zone};

use crate::store::audience::{Audience, AudienceNo, Mode};

/// The rules of a workspace, ready to be evaluated.
#[derive(Debug)]
pub struct Definitions {
    /// The rules, each with its audience's number as id.
    pub program: Program,
    /// The audiences, in the order of the rules.
    pub audiences: Vec<Audience>,
    /// Places of rules: each level asks only for audiences of the levels before.
    pub levels: Vec<Vec<usize>>,
    /// The places of audiences that change with every fact.
    pub live: Vec<usize>,
    places: HashMap<AudienceNo, usize>,
}

/// Compiles the rule texts of audiences. One that no longer reads is true of nobody, and logged.
pub fn compile(audiences: Vec<Audience>, zone: Zone) -> Definitions {
    let rules: Vec<Rule> = audiences.iter().map(rule).collect();
    let levels = levels(&audiences, &rules);
    let ids = audiences.iter().map(|audience| u64::from(audience.no.0));
    let program = Program::compile(ids.zip(rules), zone);
    let is_live = |place: &usize| audiences[*place].mode == Mode::Live && !audiences[*place].is_archived;
    let live = (0..audiences.len()).filter(is_live).collect();
    let places = audiences.iter().enumerate().map(|(place, audience)| (audience.no, place)).collect();
    Definitions { program, audiences, levels, live, places }
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

/// Orders rules by what they ask for. Rings cannot be defined; if there were one, it would come last.
fn levels(audiences: &[Audience], rules: &[Rule]) -> Vec<Vec<usize>> {
    let by_id: BTreeMap<&str, usize> = audiences.iter().map(|a| a.id.as_str()).zip(0..).collect();
    let asks: Vec<Vec<usize>> = rules
        .iter()
        .map(|rule| {
            let references = rule.references().into_iter();
            let audience = |reference| match reference {
                Reference::Audience(id) => by_id.get(id.as_str()).copied(),
                _ => None,
            };
            references.filter_map(audience).collect()
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
    /// The place of an audience's rule.
    pub fn place(&self, no: AudienceNo) -> Option<usize> {
        self.places.get(&no).copied()
    }

    /// Audiences that not every party was looked at for under their present definition.
    pub fn unfilled(&self) -> impl Iterator<Item = usize> {
        (0..self.audiences.len()).filter(|place| self.audiences[*place].filled.is_some())
    }
}

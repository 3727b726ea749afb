//! Definitions made of rules that name one another must not go in circles.

use std::collections::BTreeMap;

use crate::rule::Rule;

/// Something a rule can name whose value is itself decided by a rule.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reference {
    /// An audience.
    Audience(String),
    /// A tag.
    Tag(String),
    /// A score.
    Score(String),
    /// A state machine.
    Stage(String),
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Audience(id) => write!(f, "audience {id}"),
            Self::Tag(key) => write!(f, "tag {key}"),
            Self::Score(key) => write!(f, "score {key}"),
            Self::Stage(machine) => write!(f, "stage {machine}"),
        }
    }
}

impl Rule {
    /// What the rule names, each once, sorted.
    pub fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        self.each_leaf(&mut |leaf| match leaf {
            Rule::Audience(id) => found.push(Reference::Audience(id.clone())),
            Rule::Tag(named) => found.push(Reference::Tag(named.name.clone())),
            Rule::Score(named) => found.push(Reference::Score(named.name.clone())),
            Rule::Stage(named) => found.push(Reference::Stage(named.name.clone())),
            _ => {}
        });
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A circle of definitions, from its first member round to the same; `None` if there is none. A
/// definition is what it names: of one rule, `Rule::references`; of several, all of theirs.
pub fn cycle(definitions: &BTreeMap<Reference, Vec<Reference>>) -> Option<Vec<Reference>> {
    // Finished definitions lead to no circle. The path is kept by hand: a chain may be longer than a stack.
    let mut finished: std::collections::BTreeSet<&Reference> = Default::default();
    for start in definitions.keys() {
        let mut path: Vec<(&Reference, usize)> = vec![(start, 0)];
        while let Some((name, next)) = path.last_mut() {
            let Some(reference) = definitions.get(*name).and_then(|names| names.get(*next)) else {
                finished.insert(*name);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(at) = path.iter().position(|(name, _)| *name == reference) {
                let circle = path[at..].iter().map(|(name, _)| (*name).clone());
                return Some(circle.chain([reference.clone()]).collect());
            }
            if !finished.contains(reference) {
                path.push((reference, 0));
            }
        }
    }
    None
}

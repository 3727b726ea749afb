//! What was said under identifiers, and whether two sides contradict each other.
//!
//! Two rules keep this from splitting people and from bridging families:
//!
//! 1. *People before contacts.* What was said under a mobile or an e-mail address counts only where a
//!    side has nothing said under a steadier identifier; a shared mobile hears everybody's name.
//! 2. *One agreement suffices.* A person who changed a name or corrected a birthday has both, and is
//!    not split; but 小王 agrees with too many, so full names decide where a side has any.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;
use kernel::time::MINUTE;

use super::{Claim, Guard, Node, Reason};
use crate::rules::definition::{KindRef, Rules};
use crate::rules::names::Name;

/// Years of birth further apart belong to two people; nearer ones are slips and lunar calendars.
const BIRTH_YEARS_APART_MAX: u32 = 2;

/// The claims of a neighbourhood, with every distinct name taken apart once.
pub(super) struct Claims {
    names: Vec<Name>,
    /// For each node and each of its claims: the name, if it is one.
    of_node: Vec<Vec<Option<u32>>>,
    guards: Vec<Guard>,
    is_contact: Vec<bool>,
}

/// What one cluster said.
#[derive(Clone, Default, Debug)]
pub(super) struct Said {
    by_people: Facts,
    by_contacts: Facts,
    /// The places of each minute.
    presence: BTreeMap<i64, BTreeSet<String>>,
}

#[derive(Clone, Default, Debug)]
struct Facts {
    names: BTreeSet<u32>,
    years: BTreeSet<i32>,
    operators: BTreeSet<String>,
}

impl Claims {
    pub(super) fn read(nodes: &[Node], kinds: &[KindRef<'_>], rules: &Rules) -> Self {
        let mut names = Vec::new();
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut of_node = Vec::with_capacity(nodes.len());
        for node in nodes {
            let mut list = Vec::with_capacity(node.claims.len());
            for claim in &node.claims {
                list.push((claim.field == Guard::Name).then(|| {
                    *known.entry(claim.value.as_str()).or_insert_with(|| {
                        names.push(Name::parse(&claim.value));
                        names.len() as u32 - 1
                    })
                }));
            }
            of_node.push(list);
        }
        let is_contact = kinds.iter().map(|kind| kind.rule.is_shared_contact()).collect();
        Self { names, of_node, guards: rules.document().guards.clone(), is_contact }
    }

    /// The name of each claim of a node, `None` for claims that are no names.
    pub(super) fn names_of(&self, node: usize) -> impl Iterator<Item = Option<u32>> + '_ {
        self.of_node[node].iter().copied()
    }

    /// Whether both sides have names and none of one side agrees with any of the other.
    pub(super) fn names_conflict(&self, a: &BTreeSet<u32>, b: &BTreeSet<u32>) -> bool {
        let (a, b) = (self.telling(a), self.telling(b));
        !a.is_empty() && !b.is_empty() && a.iter().all(|x| b.iter().all(|y| x.differs(y)))
    }

    fn telling(&self, names: &BTreeSet<u32>) -> Vec<&Name> {
        let all = || names.iter().map(|n| &self.names[*n as usize]);
        let full: Vec<_> = all().filter(|name| name.is_full()).collect();
        if full.is_empty() { all().collect() } else { full }
    }

    /// Files one claim of a node.
    pub(super) fn file(&self, node: usize, index: usize, claim: &Claim, said: &mut Said) {
        let facts = if self.is_contact[node] { &mut said.by_contacts } else { &mut said.by_people };
        match claim.field {
            Guard::Name => facts.names.extend(self.of_node[node][index]),
            Guard::BirthYear => facts.years.extend(claim.value.trim().parse::<i32>().ok()),
            Guard::Operator => drop(facts.operators.insert(claim.value.trim().to_owned())),
            Guard::Presence => {
                let minute = claim.first.0.div_euclid(MINUTE);
                said.presence.entry(minute).or_default().insert(claim.value.clone());
            }
        }
    }

    /// The first contradiction between two sides. Names count only if the edge between them is a shared
    /// contact: a new name on the account itself is the same person.
    pub(super) fn contradiction(&self, a: &Said, b: &Said, is_shared_contact: bool) -> Option<Reason> {
        let contradicts = |guard: Guard| match guard {
            Guard::Name => is_shared_contact && self.names_conflict(names(a), names(b)),
            Guard::BirthYear => are_apart(years(a), years(b), |x, y| x.abs_diff(*y) > BIRTH_YEARS_APART_MAX),
            Guard::Operator => are_apart(operators(a), operators(b), |x, y| x != y),
            Guard::Presence => are_in_two_places(&a.presence, &b.presence),
        };
        let found = Guard::ALL.into_iter().find(|g| self.guards.contains(g) && contradicts(*g))?;
        Some(match found {
            Guard::Name => Reason::Name,
            Guard::BirthYear => Reason::BirthYear,
            Guard::Operator => Reason::Operator,
            Guard::Presence => Reason::Presence,
        })
    }
}

impl Said {
    pub(super) fn absorb(&mut self, other: Self) {
        for (mine, theirs) in
            [(&mut self.by_people, other.by_people), (&mut self.by_contacts, other.by_contacts)]
        {
            mine.names.extend(theirs.names);
            mine.years.extend(theirs.years);
            mine.operators.extend(theirs.operators);
        }
        for (minute, places) in other.presence {
            self.presence.entry(minute).or_default().extend(places);
        }
    }
}

fn names(said: &Said) -> &BTreeSet<u32> {
    steadier(&said.by_people.names, &said.by_contacts.names)
}

fn years(said: &Said) -> &BTreeSet<i32> {
    steadier(&said.by_people.years, &said.by_contacts.years)
}

fn operators(said: &Said) -> &BTreeSet<String> {
    steadier(&said.by_people.operators, &said.by_contacts.operators)
}

fn steadier<'s, T>(by_people: &'s BTreeSet<T>, by_contacts: &'s BTreeSet<T>) -> &'s BTreeSet<T> {
    if by_people.is_empty() { by_contacts } else { by_people }
}

fn are_apart<T>(a: &BTreeSet<T>, b: &BTreeSet<T>, differ: impl Fn(&T, &T) -> bool) -> bool {
    !a.is_empty() && !b.is_empty() && a.iter().all(|x| b.iter().all(|y| differ(x, y)))
}

fn are_in_two_places(a: &BTreeMap<i64, BTreeSet<String>>, b: &BTreeMap<i64, BTreeSet<String>>) -> bool {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    few.iter().any(|(minute, places)| many.get(minute).is_some_and(|others| others.is_disjoint(places)))
}

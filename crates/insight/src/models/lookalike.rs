//! Everybody as look-alikes see them: a row of features a party.

use criteria::{Evaluator, Party, Program, Rule, Zone};
use db::Tx;
use identity::resolve::Identity;
use identity::store::node::party_page;
use kernel::{Instant, Key, PartyNo};
use models::Features;
use models::read::{Direct, tie};
use scoring::lookalike::Person;

use crate::live::load;
use crate::profile::Weights;

/// Parties between two looks at whether the answer is still wanted.
const PAGE_PARTIES: usize = 200;

/// What is asked of whom.
pub struct Population<'p> {
    /// How much the word of each source weighs.
    pub weights: &'p Weights,
    /// The zone of the workspace's days.
    pub zone: Zone,
    /// As of when.
    pub as_of: Instant,
    /// The features.
    pub features: &'p Features,
    /// Who may be among the people at all: consent, suppression and the like.
    pub eligible: Option<&'p Rule>,
}

/// People with their features, and the public id of each.
#[derive(Debug, Default)]
pub struct People {
    /// What the features are called.
    pub names: Vec<String>,
    /// The people, each with the number its public id gives ([`tie`]).
    pub people: Vec<Person>,
    /// The key of each one's public id, in the same order.
    pub keys: Vec<Key>,
}

/// Describes everybody. `is_seed` is kept whether eligible or not: it is learned from, not written to.
///
/// # Errors
/// As `go_on` or the database says, or damaged data.
pub fn people(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    population: &Population<'_>,
    is_seed: &dyn Fn(Key) -> bool,
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
) -> kernel::Result<People> {
    let Population { weights, zone, as_of, features, eligible } = population;
    let (plan, rules) = features.rules();
    let count = rules.len();
    let rules = rules.into_iter().chain(eligible.cloned()).enumerate();
    let program = Program::compile(rules.map(|(place, rule)| (place as u64, rule)), zone.clone());
    let mut evaluator = Evaluator::new(&program);
    let mut people = People { names: features.names(), ..People::default() };
    let mut after = PartyNo(0);
    loop {
        go_on()?;
        let parties = party_page(identity.scope, tx, after, PAGE_PARTIES)?;
        let Some(last) = parties.last() else { return Ok(people) };
        after = *last;
        for no in parties {
            let Some(party) = load(identity, tx, &program, weights, (no, *as_of))? else { continue };
            let subject = Party { timeline: &party.timeline, subject: &party.facts };
            let mut evaluation = evaluator.at(subject, *as_of);
            if eligible.is_some() && !is_seed(party.key) && !evaluation.holds(count) {
                continue;
            }
            let mut read = Direct { evaluation: &mut evaluation, first: 0, seen: Some(party.first_seen) };
            let row = features.row(plan.as_ref(), &mut read, party.key, (zone, *as_of));
            people.people.push(Person { party: tie(party.key), features: row });
            people.keys.push(party.key);
        }
    }
}

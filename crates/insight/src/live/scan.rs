//! Asks everybody.

use criteria::Evaluator;
use db::Tx;
use identity::resolve::Identity;
use identity::store::node::party_page;
use kernel::{PartyId, PartyNo};

use super::{Loaded, Question, Standing, load_with};
use crate::profile::Weights;

/// Parties between two looks at whether the answer is still wanted.
const PAGE_PARTIES: usize = 200;

/// For whom a rule holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// For how many.
    pub count: u64,
    /// The first of them.
    pub sample: Vec<PartyId>,
}

/// Asks every party. `go_on` is called now and then and ends the work with its failure.
///
/// # Errors
/// As `go_on` or the database says, or damaged data.
pub fn scan(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    weights: &Weights,
    question: &Question,
    sample_max: usize,
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
) -> kernel::Result<Found> {
    let mut found = Found::default();
    scan_each(identity, tx, weights, question, go_on, &mut |evaluator, party, standing| {
        if question.holds(evaluator, party, standing) {
            found.count += 1;
            if found.sample.len() < sample_max {
                found.sample.push(PartyId(party.key));
            }
        }
    })?;
    Ok(found)
}

/// What is done with each party.
type Visit<'v> = &'v mut dyn FnMut(&mut Evaluator<'_>, &mut Loaded, &Standing);

/// Shows every party. `go_on` is called now and then and ends the work with its failure.
///
/// # Errors
/// As `go_on` or the database says, or damaged data.
pub fn scan_each(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    weights: &Weights,
    question: &Question,
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
    visit: Visit<'_>,
) -> kernel::Result<()> {
    let mut evaluator = Evaluator::new(question.program());
    let mut after = PartyNo(0);
    loop {
        go_on()?;
        let parties = party_page(identity.scope, tx, after, PAGE_PARTIES)?;
        let Some(last) = parties.last() else { return Ok(()) };
        after = *last;
        let mut standings = question.standing(identity.scope, tx, &parties)?;
        for no in parties {
            let program = (question.program(), question.is_assigned());
            let party = load_with(identity, tx, program, weights, (no, question.as_of()))?;
            let Some(mut party) = party else { continue };
            let standing = standings.remove(&no).unwrap_or_default();
            visit(&mut evaluator, &mut party, &standing);
        }
    }
}

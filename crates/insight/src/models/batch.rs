//! Constants over everybody.

use criteria::{Evaluator, Party, Program, Zone};
use db::Tx;
use identity::resolve::Identity;
use identity::store::node::party_page;
use kernel::{Instant, PartyNo};
use models::read::{Direct, day, facts};
use models::{Config, Plan};
use scoring::{Builder, Constants, Model};

use crate::live::load;
use crate::profile::Weights;

/// Parties between two looks at whether the constants are still wanted.
const PAGE_PARTIES: usize = 200;

/// What a batch is of.
pub struct Batch<'b> {
    /// How much the word of each source weighs.
    pub weights: &'b Weights,
    /// The settings of the models.
    pub config: &'b Config,
    /// The zone of the workspace's days.
    pub zone: Zone,
    /// As of when.
    pub as_of: Instant,
    /// The constants of the last batch; their runs are kept.
    pub before: Option<&'b Constants>,
}

/// Computes the constants of all models over all parties. `go_on` is called now and then and ends the work
/// with its failure.
///
/// # Errors
/// As `go_on` or the database says, or damaged data.
pub fn constants(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    batch: &Batch<'_>,
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
) -> kernel::Result<Constants> {
    let Batch { weights, config, zone, as_of, before } = batch;
    let plan = Plan::of(&Model::ALL, config);
    let rules = plan.rules.iter().cloned().enumerate().map(|(place, rule)| (place as u64, rule));
    let program = Program::compile(rules, zone.clone());
    let mut evaluator = Evaluator::new(&program);
    let mut builder = Builder::new(config.settings.clone(), day(zone, *as_of));
    if let Some(before) = before {
        builder = builder.after(before);
    }
    let mut after = PartyNo(0);
    loop {
        go_on()?;
        let parties = party_page(identity.scope, tx, after, PAGE_PARTIES)?;
        let Some(last) = parties.last() else { return Ok(builder.finish()) };
        after = *last;
        for no in parties {
            let Some(party) = load(identity, tx, &program, weights, (no, *as_of))? else { continue };
            let subject = Party { timeline: &party.timeline, subject: &party.facts };
            let mut evaluation = evaluator.at(subject, *as_of);
            let mut read = Direct { evaluation: &mut evaluation, first: 0, seen: Some(party.first_seen) };
            builder.add(&facts(&plan, config, &mut read, party.key, zone));
        }
    }
}

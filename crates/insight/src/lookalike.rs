//! Learning what those of a seed have in common, for a route and for a job alike.
//!
//! Everybody is described by the rules of the tag's definition, as the stream will describe them; what was
//! learned is kept as constants of the tag's own.

use std::collections::BTreeSet;

use db::Tx;
use identity::resolve::Identity;
use kernel::{Failure, Instant};
use models::Lookalike;
use models::lookalike::{Described, LOOKALIKE};
use models::read::tie;
use scoring::lookalike::{Fit, Person};
use workspace::Installation;

use crate::commands::PutConstants;
use crate::live::{Asked, Catalogue, Moment, Question, scan_each};
use crate::routes::{weights, zone};
use crate::rules::tag::{Document, How};
use crate::store::tag::{Tag, tag_by_key};

/// People of the seed that are learned from.
const SEEDS_MAX: usize = 50_000;
/// Others that are learned from. Of more, those whose ids come first, which are as good as drawn.
const OTHERS_MAX: usize = 200_000;

/// People as they are described, no more of them than are learned from.
#[derive(Default)]
struct Population {
    seeds: Vec<Person>,
    others: Vec<Person>,
    /// All others, kept or not.
    others_count: usize,
}

impl Population {
    fn add(&mut self, party: u64, described: Described) {
        if !described.is_eligible {
            return;
        }
        let person = Person { party, features: described.features };
        if described.is_seed {
            self.seeds.push(person);
            keep(&mut self.seeds, SEEDS_MAX, 2 * SEEDS_MAX);
        } else {
            self.others_count += 1;
            self.others.push(person);
            keep(&mut self.others, OTHERS_MAX, 2 * OTHERS_MAX);
        }
    }

    /// What is learned of them, wanting so many of all others.
    fn fit(mut self, lookalike: &Lookalike) -> Option<Fit> {
        keep(&mut self.seeds, SEEDS_MAX, SEEDS_MAX);
        keep(&mut self.others, OTHERS_MAX, OTHERS_MAX);
        let (kept, all) = (self.others.len(), self.others_count);
        let size = (lookalike.size as u128 * kept as u128 / all.max(1) as u128) as usize;
        let seed: BTreeSet<u64> = self.seeds.iter().map(|person| person.party).collect();
        self.others.extend(self.seeds);
        let (names, settings) = (lookalike.features.names(), &lookalike.settings);
        Fit::of(&self.others, &names, &seed, size.max(1), settings)
    }
}

/// Keeps the first `count` by number once there are more than `over`.
fn keep(people: &mut Vec<Person>, count: usize, over: usize) {
    if people.len() > over {
        people.select_nth_unstable_by_key(count, |person| person.party);
        people.truncate(count);
    }
}

/// Learns what those of a tag's seed have in common. `go_on` is called now and then and ends the work with its
/// failure.
///
/// # Errors
/// [`Failure::NotFound`] without such a tag, [`Failure::Conflict`] if it is of another model or nobody is of the
/// seed; as `go_on` or the database says.
pub fn fit(
    installation: &Installation,
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    (key, moment): (&str, Moment),
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
) -> kernel::Result<(PutConstants, Fit)> {
    let (tag, lookalike, name) = read(identity, tx, key)?;
    let catalogue = Catalogue::read(identity.scope, tx)?;
    let zone = zone(installation, identity.scope)?;
    let question = Question::new(Asked::Tag(&tag), &catalogue, zone.clone(), moment);
    let weights = weights(installation, identity.scope);
    let at: (Instant, _) = (question.as_of(), &zone);
    let mut population = Population::default();
    scan_each(identity, tx, &weights, &question, go_on, &mut |evaluator, party, standing| {
        let key = party.key;
        let described = question.look(evaluator, party, standing, |sight| lookalike.describe(sight, key, at));
        described.into_iter().for_each(|described| population.add(tie(key), described));
    })?;
    go_on()?;
    let fit = population.fit(&lookalike);
    let fit = fit.ok_or_else(|| Failure::conflict("nobody is of the seed"))?;
    let body = serde_json::to_value(&fit).map_err(Failure::internal)?;
    Ok((PutConstants { name, body }, fit))
}

fn read(identity: &Identity<'_>, tx: &mut Tx<'_>, key: &str) -> kernel::Result<(Tag, Lookalike, String)> {
    let tag = tag_by_key(identity.scope, tx, key)?.filter(|tag| !tag.is_retired);
    let tag = tag.ok_or_else(|| Failure::not_found("tag"))?;
    match Document::parse(&tag.body)?.how()? {
        How::Model { model, config, constants } if model == LOOKALIKE => {
            Ok((tag, Lookalike::read(&config)?, constants))
        }
        _ => Err(Failure::conflict(format!("tag `{key}` is not of the model `{LOOKALIKE}`"))),
    }
}

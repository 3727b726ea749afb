//! Looks at every party that something happened to, and at those whose time has come.
//!
//! ```text
//! batch ─▶ whom did it touch, which rules can that change ─▶ settle as of the newest receipt
//! tick  ─▶ parties due · parties regrouped or tagged by people · definitions not filled yet ─▶ settle as of now
//! ```
//!
//! As of when a party was last looked at only grows, and a party is looked at again no later than the rules
//! say it can change. So who is in an audience and what tags it has is a function of the facts and of that
//! instant, whatever the batches were.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use criteria::Zone;
use criteria::program::Fact;
use db::Tx;
use identity::party::party_no_at;
use identity::resolve::Identity;
use identity::rules::Rules;
use identity::store::definition::rules_current;
use identity::store::node::{Node, node_by_no, party_page};
use identity::store::regrouped::regrouped_take;
use intake::batch::{Batch, Context, Event, Stage};
use intake::rules::record::Op;
use kernel::{Instant, NodeNo, PartyNo};

use crate::live::{Bench, Cache, Catalogue, Definitions, Touch, Unit, compile, settle};
use crate::profile::Weights;
use crate::store::audience::audience_fill;
use crate::store::membership::Cause;
use crate::store::tag::tag_fill;
use crate::store::tag_assignment::assignment_exists;
use crate::store::timer::{evaluated_put, evaluated_until, timer_due, timer_next};

/// Parties looked at in one tick: it must not hold up the events behind it.
const TICK_PARTIES: usize = 1_000;

/// How much the word of each source weighs, whenever it is asked.
pub type WeightsOf = Arc<dyn Fn() -> Weights + Send + Sync>;

/// Keeps the compiled rules of the workspace between batches.
pub struct EvaluateAudiences {
    weights: WeightsOf,
    known: Option<Known>,
}

/// An event that a rule looks at.
struct Sighting {
    /// Its place in the batch.
    place: usize,
    node: NodeNo,
    time: Instant,
    /// The live units it can change.
    units: BTreeSet<usize>,
    /// Whether it speaks of a trait that a rule looks at.
    is_described: bool,
}

/// What is remembered between transactions.
struct Known {
    definitions: Definitions,
    /// Whether anything was ever said of tags.
    is_assigned: bool,
    rules: Rules,
    weights: Weights,
    cache: Cache,
    /// As of when parties were looked at last.
    until: Instant,
    /// No party is due before.
    next_due: Option<Instant>,
    /// Whether people's decisions may have left parties to look at.
    is_regrouped: bool,
}

impl EvaluateAudiences {
    /// A stage that asks `weights` for the sources whenever it forgets what it knows.
    pub fn new(weights: WeightsOf) -> Self {
        Self { weights, known: None }
    }

    fn know(&mut self, tx: &mut Tx<'_>, context: &Context) -> kernel::Result<&mut Known> {
        // Beside other workers every batch may find other definitions and a later instant than the one before.
        if self.known.is_none() || context.partitions > 1 {
            let scope = &context.scope;
            let zone = Zone::named(&context.time_zone).unwrap_or_else(Zone::utc);
            self.known = Some(Known {
                definitions: compile(Catalogue::read(scope, tx)?, zone),
                is_assigned: assignment_exists(scope, tx)?,
                rules: rules_current(scope, tx)?.1,
                weights: (self.weights)(),
                cache: Cache::default(),
                until: evaluated_until(scope, tx)?,
                next_due: timer_next(scope, tx)?,
                is_regrouped: true,
            });
        }
        Ok(self.known.as_mut().expect("just known"))
    }
}

impl Stage for EvaluateAudiences {
    fn name(&self) -> &'static str {
        "evaluate_audiences"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let context = batch.context;
        let known = self.know(tx, context)?;
        if known.definitions.is_empty() {
            return Ok(());
        }
        let received = batch.events.iter().map(|event| event.frame.received).max();
        let as_of = received.unwrap_or_default().max(known.until);
        let touched = known.touched(tx, context, batch)?;
        known.settle(tx, context, (&touched, batch.events), as_of)
    }

    fn is_due(&self, context: &Context, now: Instant) -> bool {
        // One partition looks after what no event touches.
        context.partition == 0 && self.known.as_ref().is_none_or(|known| known.is_due(now))
    }

    fn tick(&mut self, tx: &mut Tx<'_>, context: &Context, now: Instant) -> kernel::Result<()> {
        let known = self.know(tx, context)?;
        let as_of = now.max(known.until);
        let mut touched = known.regrouped(tx, context)?;
        for party in timer_due(&context.scope, tx, as_of, TICK_PARTIES)? {
            touched.entry(party).or_insert_with(|| Touch::whole(Cause::Time));
        }
        let is_full = touched.len() >= TICK_PARTIES;
        known.settle(tx, context, (&touched, &[]), as_of)?;
        known.next_due = timer_next(&context.scope, tx)?;
        if !is_full {
            known.fill(tx, context, as_of)?;
        }
        Ok(())
    }

    fn rolled_back(&mut self) {
        self.known = None;
    }
}

impl Known {
    fn is_due(&self, now: Instant) -> bool {
        self.is_regrouped
            || self.next_due.is_some_and(|due| due <= now.max(self.until))
            || self.definitions.unfilled().next().is_some()
    }

    /// Whom a batch touched, and which rules that can change.
    fn touched(
        &mut self,
        tx: &mut Tx<'_>,
        context: &Context,
        batch: &Batch<'_, '_>,
    ) -> kernel::Result<BTreeMap<PartyNo, Touch>> {
        let mut touched: BTreeMap<PartyNo, Touch> = BTreeMap::new();
        for party in &batch.regrouped {
            self.cache.forget(*party);
            touched.insert(*party, Touch::whole(Cause::Identity));
        }
        let sightings: Vec<Sighting> =
            batch.events.iter().enumerate().filter_map(|(place, event)| self.sight(place, event)).collect();
        let subjects = BTreeSet::from_iter(sightings.iter().map(|sighting| sighting.node));
        let found = node_by_no(&context.scope, tx, &Vec::from_iter(subjects))?;
        let nodes: HashMap<NodeNo, Node> = found.into_iter().map(|node| (node.no, node)).collect();
        for sighting in sightings {
            let Some(node) = nodes.get(&sighting.node) else { continue };
            let party = party_no_at(&context.scope, tx, node, sighting.time)?;
            let touch = touched.entry(party).or_insert_with(|| Touch::of(Cause::Fact));
            // Identifiers that came with an event are part of what happened.
            touch.cause = Cause::Fact;
            touch.events.push(sighting.place);
            touch.is_described |= sighting.is_described;
            touch.units.extend(sighting.units);
        }
        Ok(touched)
    }

    /// What an event can change, if anything.
    fn sight(&self, place: usize, event: &Event<'_>) -> Option<Sighting> {
        let (record, subject) = (event.live()?, event.subject?);
        let Self { definitions, .. } = self;
        let program = &definitions.program;
        let mut units: BTreeSet<usize> =
            definitions.units(program.touched_by(Fact::Event(&record.event))).collect();
        let mut is_described = false;
        for change in &record.traits {
            match change.op {
                // Which fields it empties is not known here.
                Op::DeleteAll => units.extend(0..definitions.len()),
                _ => units.extend(definitions.units(program.touched_by(Fact::Trait(&change.field)))),
            }
            is_described |= change.op == Op::DeleteAll
                || program.needs().traits.iter().any(|name| **name == *change.field);
        }
        units.retain(|place| definitions.is_live(*place));
        let is_news = is_described || !units.is_empty() || program.wants(&record.event);
        is_news.then_some(Sighting { place, node: subject.node, time: record.time, units, is_described })
    }

    /// Parties that decisions gave other identifiers.
    fn regrouped(&mut self, tx: &mut Tx<'_>, context: &Context) -> kernel::Result<BTreeMap<PartyNo, Touch>> {
        let parties = regrouped_take(&context.scope, tx, TICK_PARTIES)?;
        parties.iter().for_each(|party| self.cache.forget(*party));
        self.is_regrouped = parties.len() == TICK_PARTIES;
        if self.definitions.is_empty() {
            return Ok(BTreeMap::new());
        }
        Ok(parties.into_iter().map(|party| (party, Touch::whole(Cause::Identity))).collect())
    }

    /// Looks at parties under definitions they were not looked at under yet.
    fn fill(&mut self, tx: &mut Tx<'_>, context: &Context, as_of: Instant) -> kernel::Result<()> {
        let unfilled: Vec<usize> = self.definitions.unfilled().collect();
        let from = unfilled.iter().filter_map(|place| self.definitions.filled(*place)).min();
        let Some(after) = from else { return Ok(()) };
        let parties = party_page(&context.scope, tx, after, TICK_PARTIES)?;
        let filled = parties.last().copied().filter(|_| parties.len() == TICK_PARTIES);
        let units: BTreeSet<usize> = unfilled.iter().copied().collect();
        let touch = Touch { units, ..Touch::of(Cause::Definition) };
        let touched = parties.into_iter().map(|party| (party, touch.clone())).collect();
        self.settle(tx, context, (&touched, &[]), as_of)?;
        for place in unfilled {
            let before = self.definitions.filled(place);
            let filled = filled.map(|to| before.unwrap_or(to).max(to));
            self.definitions.fill(place, filled);
            match self.definitions.unit(place) {
                Unit::Audience(audience) => audience_fill(&context.scope, tx, audience.no, filled)?,
                Unit::Tag(tag) => tag_fill(&context.scope, tx, tag.tag.no, filled)?,
            }
        }
        Ok(())
    }

    fn settle(
        &mut self,
        tx: &mut Tx<'_>,
        context: &Context,
        (touched, events): (&BTreeMap<PartyNo, Touch>, &[Event<'_>]),
        as_of: Instant,
    ) -> kernel::Result<()> {
        let identity = Identity { scope: &context.scope, secret: &context.secret, rules: &self.rules };
        let Self { definitions, weights, cache, is_assigned, .. } = self;
        let mut bench = Bench { definitions, is_assigned: *is_assigned, weights, cache, as_of };
        let due = settle(&identity, tx, &mut bench, touched, events)?;
        self.next_due = self.next_due.into_iter().chain(due).min();
        if as_of > self.until {
            self.until = as_of;
            evaluated_put(&context.scope, tx, context.partition, as_of)?;
        }
        Ok(())
    }
}

impl Touch {
    /// Nothing to look at yet.
    fn of(cause: Cause) -> Self {
        Self { cause, units: BTreeSet::new(), is_whole: false, events: Vec::new(), is_described: false }
    }

    /// Look at every live unit.
    fn whole(cause: Cause) -> Self {
        Self { is_whole: true, ..Self::of(cause) }
    }
}

//! The batch: keeps a few numbers of each party, and makes constants of them.

use std::collections::{BTreeMap, BTreeSet};

use crate::constants::{Constants, VERSION};
use crate::day::Day;
use crate::facts::{Facts, Kind, Peer};
use crate::money::Money;
use crate::peers::{Grouped, Member};
use crate::preference::hour;
use crate::rhythm::{self, Rhythm};
use crate::settings::Settings;
use crate::statistics::{Distribution, median, quantile, sorted};
use crate::tier::{Axis, Run, attribute, axis};
use crate::{activity, clv, demand, price_sensitivity, purchasing_power, rfm, willingness};

/// Takes the facts of one party after the other.
#[derive(Debug)]
pub struct Builder {
    settings: Settings,
    today: Day,
    before: Vec<Run>,
    rows: Vec<Row>,
    categories: BTreeSet<String>,
    channels: BTreeSet<String>,
    /// Unit prices of lines by category, and how often each.
    prices: BTreeMap<String, BTreeMap<Money, u64>>,
}

/// What is kept of a party.
#[derive(Debug)]
struct Row {
    party: u64,
    kind: Kind,
    peer: Peer,
    activity: f64,
    intent: f64,
    rhythm: Rhythm,
    buyer: Option<rfm::Buyer>,
    lines: Vec<(String, f64, Money)>,
    amounts: [Option<f64>; 3],
    income: Option<f64>,
    sensitivity: Option<f64>,
    sample: clv::fit::Sample,
    examples: [Option<willingness::Example>; 2],
    hours: Vec<u8>,
    bases: [attribute::Basis; 2],
}

impl Member for Row {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Builder {
    /// Nothing added yet.
    pub const fn new(settings: Settings, today: Day) -> Self {
        Self {
            settings,
            today,
            before: Vec::new(),
            rows: Vec::new(),
            categories: BTreeSet::new(),
            channels: BTreeSet::new(),
            prices: BTreeMap::new(),
        }
    }

    /// Goes on from the constants before: their runs are kept.
    #[must_use]
    pub fn after(mut self, before: &Constants) -> Self {
        self.before.clone_from(&before.runs);
        self
    }

    /// Takes one party into account.
    pub fn add(&mut self, facts: &Facts) {
        let (settings, today) = (&self.settings, self.today);
        for touch in facts.touches.iter().filter_map(|touch| touch.category.as_ref()) {
            remember(&mut self.categories, touch);
        }
        for order in &facts.orders {
            order.channel.iter().for_each(|channel| remember(&mut self.channels, channel));
            order
                .lines
                .iter()
                .filter_map(|line| line.category.as_ref())
                .for_each(|c| remember(&mut self.categories, c));
        }
        let lines: Vec<(String, f64, Money)> = purchasing_power::lines(facts, today)
            .map(|(category, count, price)| (category.to_owned(), count, price))
            .collect();
        for (category, _, price) in &lines {
            *self.prices.entry(category.clone()).or_default().entry(*price).or_default() += 1;
        }
        let intents = demand::intents(facts, &settings.demand, today);
        let horizon = settings.willingness.horizon_days;
        let example = |back: i32| willingness::Example::of(facts, settings, today.plus(-back * horizon));
        let basis =
            |axis| attribute::Basis::of(settings.tier.attributes(facts.kind, axis), facts, settings, today);
        self.rows.push(Row {
            party: facts.party,
            kind: facts.kind,
            peer: facts.peer.clone(),
            activity: activity::raw(facts, &settings.activity, today),
            intent: intents.values().copied().fold(0.0, f64::max),
            rhythm: Rhythm::of(facts),
            buyer: rfm::Buyer::of(facts, &settings.rfm, today),
            lines,
            amounts: purchasing_power::amounts(facts, today),
            income: facts.attributes.get(purchasing_power::INCOME_BAND).copied(),
            sensitivity: price_sensitivity::Discounts::of(facts, &settings.price_sensitivity, today)
                .sensitivity(&settings.price_sensitivity),
            sample: clv::fit::Sample {
                now: clv::History::of(facts, today),
                before: clv::History::of(facts, today.plus(-settings.clv.holdout_days)),
            },
            examples: [example(2), example(1)],
            hours: answered_hours(&hour::histogram(facts, &settings.hour, today)),
            bases: [basis(Axis::Stars), basis(Axis::Diamonds)],
        });
    }

    /// The constants.
    pub fn finish(mut self) -> Constants {
        self.rows.sort_by_key(|row| row.party);
        let (rows, settings) = (&self.rows, &self.settings);
        let buyers: Vec<rfm::Buyer> = rows.iter().filter_map(|row| row.buyer).collect();
        let examples =
            |index: usize| rows.iter().filter_map(move |row| row.examples[index]).collect::<Vec<_>>();
        let samples: Vec<clv::fit::Sample> = rows.iter().map(|row| row.sample).collect();
        let mut constants = Constants {
            version: VERSION,
            day: self.today,
            parties: rows.len() as u64,
            activity: Grouped::of(rows, |rows| positive_median(rows.iter().map(|row| row.activity))),
            engagement: Grouped::of(rows, |rows| Distribution::of(rows.iter().map(|row| row.activity))),
            demand: Grouped::of(rows, |rows| positive_median(rows.iter().map(|row| row.intent))),
            categories: self.categories.len() as u32,
            channels: self.channels.iter().cloned().collect(),
            rfm: rfm::Constants::of(&buyers),
            rhythm: Grouped::of(rows, |rows| {
                rhythm::peers(rows.iter().map(|row| &row.rhythm), &settings.rhythm)
            }),
            purchasing_power: self.purchasing_power(),
            price_sensitivity: Distribution::of(rows.iter().filter_map(|row| row.sensitivity)),
            clv: clv::Fit::of(&samples, &settings.clv),
            willingness: willingness::Classifier::of(&examples(0), &examples(1), &settings.willingness),
            hours: Grouped::of(rows, summed_hours),
            runs: Vec::new(),
        };
        constants.runs = self.runs(&constants.clv);
        constants.rounded()
    }

    fn purchasing_power(&self) -> purchasing_power::Constants {
        let medians = self
            .prices
            .iter()
            .filter_map(|(category, prices)| Some((category.clone(), counted_median(prices)?)));
        let prices: BTreeMap<String, f64> = medians.collect();
        let tier = |row: &Row| {
            let lines = row.lines.iter().map(|(category, count, price)| (category.as_str(), *count, *price));
            purchasing_power::price_tier(lines, |category| prices.get(category).copied())
        };
        let measures = Grouped::of(&self.rows, |rows| {
            let amount = |index: usize| Distribution::of(rows.iter().filter_map(|row| row.amounts[index]));
            [Distribution::of(rows.iter().filter_map(|row| tier(row))), amount(0), amount(1), amount(2)]
        });
        let income =
            Grouped::of(&self.rows, |rows| Distribution::of(rows.iter().filter_map(|row| row.income)));
        purchasing_power::Constants { prices, measures, income }
    }

    /// The runs kept before, and this one: in place of the last while that lasts, else after it.
    fn runs(&self, clv: &clv::Fit) -> Vec<Run> {
        let settings = &self.settings.tier;
        let mut runs: Vec<Run> = self.before.iter().filter(|run| run.day <= self.today).cloned().collect();
        let under_way = runs.pop_if(|run| self.today.since(run.started) < settings.run_days);
        let volume_p90 = Grouped::of(&self.rows, |rows| {
            let volumes = rows.iter().filter(|row| row.buyer.is_some()).map(|row| row.bases[0].volume);
            quantile(&sorted(volumes), 0.9)
        });
        let mut run = Run {
            started: under_way.map_or(self.today, |run| run.started),
            day: self.today,
            clv: clv.clone(),
            volume_p90,
            axes: Default::default(),
        };
        run.axes = [Axis::Stars, Axis::Diamonds].map(|axis| self.axis(axis, &run));
        runs.push(run);
        runs.split_off(runs.len().saturating_sub(settings.runs_max))
    }

    fn axis(&self, axis: Axis, run: &Run) -> Grouped<axis::Peers> {
        let settings = &self.settings;
        let values = |row: &Row| {
            let attributes = settings.tier.attributes(row.kind, axis);
            let clv = run.clv.expect(&row.sample.now, &settings.clv).map(|expected| expected.value);
            let peak = run.volume_p90.get(row).copied().flatten();
            row.bases[axis as usize].clone().completed(attributes, clv, peak)
        };
        let valued: Vec<Valued<'_>> =
            self.rows.iter().map(|row| Valued { row, values: values(row) }).collect();
        Grouped::of(&valued, |members| {
            let kind = members.first().map_or(Kind::Consumer, |member| member.row.kind);
            let values: Vec<&[Option<f64>]> = members.iter().map(|member| member.values.as_slice()).collect();
            axis::Peers::of(settings.tier.attributes(kind, axis), &values, settings.tier.winsor)
        })
    }
}

struct Valued<'a> {
    row: &'a Row,
    values: Vec<Option<f64>>,
}

impl Member for Valued<'_> {
    fn kind(&self) -> Kind {
        self.row.kind
    }

    fn peer(&self) -> &Peer {
        &self.row.peer
    }
}

fn remember(names: &mut BTreeSet<String>, name: &String) {
    if !names.contains(name) {
        names.insert(name.clone());
    }
}

fn positive_median(values: impl Iterator<Item = f64>) -> Option<f64> {
    median(&sorted(values.filter(|value| *value > 0.0)))
}

/// The median of prices that are counted: type 7, without writing each out.
fn counted_median(prices: &BTreeMap<Money, u64>) -> Option<f64> {
    let count: u64 = prices.values().sum();
    let at = |place: u64| {
        let mut passed = 0;
        prices.iter().find_map(|(price, count)| {
            passed += count;
            (passed > place).then(|| price.units())
        })
    };
    Some(f64::midpoint(at(count.checked_sub(1)? / 2)?, at(count / 2)?))
}

fn answered_hours(histogram: &[u32]) -> Vec<u8> {
    let hours = histogram.iter().enumerate();
    hours.flat_map(|(hour, count)| std::iter::repeat_n(hour as u8, *count as usize)).collect()
}

fn summed_hours(rows: &[&Row]) -> Vec<u32> {
    let mut hours = vec![0; hour::HOURS];
    rows.iter().flat_map(|row| &row.hours).for_each(|hour| hours[usize::from(*hour)] += 1);
    hours
}

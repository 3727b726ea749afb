//! From groups and rows of people to the parts that are shown.

use std::collections::BTreeMap;

use criteria::value::ValueRef;
use roaring::RoaringBitmap;
use serde_json::Value as Json;

use super::{NONE, shown_sum};
use crate::answer::{Breakdown as Found, BreakdownRest, BreakdownRow, Count};
use crate::cells::{amount, shown};
use crate::partial::{Group, Name, Part, Partial};
use crate::spec::{Bins, Breakdown};

/// What everything found means.
pub(super) fn divide(ask: &Breakdown, mut found: Partial) -> Found {
    let is_events = ask.event.is_some();
    let all = found.groups.remove(&[][..]).unwrap_or_default();
    let (groups, tile_borders) = tiles(ask, found);
    let everybody = groups.values().filter_map(|group| group.people.as_ref());
    let everybody = everybody.fold(RoaringBitmap::new(), |all, people| all | people);
    let size = |group: &Group| match is_events {
        true => group.number(0),
        false => group.people.as_ref().map_or(0, |people| i128::from(people.len())),
    };
    let total = if is_events { all.number(0) } else { i128::from(everybody.len()) };
    let mut parts: Vec<(i128, Name, Group)> =
        groups.into_iter().map(|(name, group)| (size(&group), name, group)).collect();
    parts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    let others = parts.split_off(parts.len().min(ask.limit as usize));
    let events = |group: &Group| is_events.then(|| u64::try_from(group.number(0)).unwrap_or(0));
    let row = |(size, name, group): (i128, Name, Group)| BreakdownRow {
        values: ask.by.iter().zip(&*name).map(|(by, part)| called(&by.bins, part)).collect(),
        events: events(&group),
        sum: shown_sum(ask, group.number(1)),
        people: people(group.people.unwrap_or_default()),
        share: size as f64 / total as f64,
    };
    let rows = parts.into_iter().map(row).collect();
    let rest = (!others.is_empty()).then(|| {
        let (values, mut whole) = (others.len() as u64, Group::default());
        let mut who = RoaringBitmap::new();
        for (_, _, group) in others {
            whole.add(0, group.number(0));
            whole.add(1, group.number(1));
            who |= group.people.unwrap_or_default();
        }
        let (events, sum) = (events(&whole), shown_sum(ask, whole.number(1)));
        BreakdownRest { values, people: people(who), events, sum }
    });
    Found {
        people: people(everybody),
        events: events(&all),
        sum: shown_sum(ask, all.number(1)),
        borders: borders(ask, tile_borders),
        rows,
        rest,
    }
}

fn people(people: RoaringBitmap) -> Count {
    Count::with(i128::from(people.len()), Some(people))
}

/// What a part is called.
fn called(bins: &Bins, part: &Part) -> Option<String> {
    match (bins, part) {
        (Bins::Cuts(_) | Bins::Tiles(_), Part::Number(place)) => Some((place + 1).to_string()),
        _ => shown(part),
    }
}

fn borders(ask: &Breakdown, tiles: Vec<Vec<i128>>) -> Vec<Vec<Json>> {
    let mut tiles = tiles.into_iter();
    let of = |bins: &Bins| match bins {
        Bins::Values => Vec::new(),
        Bins::Cuts(cuts) => cuts.iter().map(|cut| ValueRef::Number(*cut).to_json()).collect(),
        Bins::Tiles(_) => tiles.next().unwrap_or_default().into_iter().map(amount).collect(),
    };
    let bins: Vec<&Bins> = ask.by.iter().map(|dimension| &dimension.bins).collect();
    bins.into_iter().map(of).collect()
}

/// Groups told apart by quantiles too, and the borders of each dimension that has some.
fn tiles(ask: &Breakdown, found: Partial) -> (BTreeMap<Name, Group>, Vec<Vec<i128>>) {
    let dimensions = ask.by.iter().enumerate().filter_map(|(place, dimension)| match dimension.bins {
        Bins::Tiles(count) => Some((place, count as usize)),
        _ => None,
    });
    let dimensions: Vec<(usize, usize)> = dimensions.collect();
    if dimensions.is_empty() {
        return (found.groups, Vec::new());
    }
    let mut columns = found.table.columns;
    columns.resize_with(dimensions.len(), Vec::new);
    let quantiles = |((_, count), column): (&(usize, usize), &Vec<i128>)| {
        let mut ascending: Vec<i128> = column.iter().copied().filter(|value| *value != NONE).collect();
        ascending.sort_unstable();
        (1..*count).filter_map(|tile| Quantile::new(&ascending, tile, *count)).collect::<Vec<_>>()
    };
    let quantiles: Vec<Vec<Quantile>> = dimensions.iter().zip(&columns).map(quantiles).collect();
    let mut of_party: BTreeMap<u32, Vec<Part>> = BTreeMap::new();
    for (row, party) in found.table.parties.iter().enumerate() {
        let tile = |(borders, column): (&Vec<Quantile>, &Vec<i128>)| match column[row] {
            NONE => Part::Missing,
            value => Part::Number(borders.iter().filter(|border| border.is_below(value)).count() as i64),
        };
        of_party.insert(*party, quantiles.iter().zip(&columns).map(tile).collect());
    }
    let mut groups: BTreeMap<Name, Group> = BTreeMap::new();
    for (name, group) in found.groups {
        for party in group.people.unwrap_or_default() {
            let mut name = name.clone();
            for ((place, _), tile) in dimensions.iter().zip(of_party.get(&party).into_iter().flatten()) {
                name[*place] = tile.clone();
            }
            groups.entry(name).or_default().note(party);
        }
    }
    let shown = quantiles.iter().map(|borders| borders.iter().map(Quantile::value).collect()).collect();
    (groups, shown)
}

/// A quantile of type 7, exact: `low + (high − low) · over ÷ of`.
struct Quantile {
    low: i128,
    high: i128,
    over: i128,
    of: i128,
}

impl Quantile {
    /// The border after `tile` of `count` parts; `None` of no values.
    fn new(ascending: &[i128], tile: usize, count: usize) -> Option<Self> {
        let last = ascending.len().checked_sub(1)?;
        let place = last * tile;
        let (low, high) = (ascending[place / count], ascending[(place / count + 1).min(last)]);
        Some(Self { low, high, over: (place % count) as i128, of: count as i128 })
    }

    fn is_below(&self, value: i128) -> bool {
        let gap = self.high.saturating_sub(self.low).saturating_mul(self.over);
        value.saturating_sub(self.low).saturating_mul(self.of) > gap
    }

    fn value(&self) -> i128 {
        self.low.saturating_add(self.high.saturating_sub(self.low).saturating_mul(self.over) / self.of)
    }
}

//! Recency, frequency and money: of each buyer from one pass over the orders, scored by quintiles of rank.
//!
//! Ranks go by value, then by party number, so that groups differ by one at most; recency is reversed. The
//! segments by the grid are a partition of it; the other template compares with the means.

use criteria::{Timeline, Zone};
use kernel::{Instant, PartyNo};
use roaring::RoaringBitmap;

use crate::answer::{Count, Finding, Rfm as Found, RfmCell, RfmScore, RfmSegment};
use crate::cells::{amount, each_number};
use crate::needs::{Need, Needs, Order};
use crate::operator::{Block, Operator, Rows, Slice};
use crate::partial::Partial;
use crate::people::People;
use crate::plan::{Kind, Setting};
use crate::spec::Rfm;
use crate::which::Which;

/// Groups of each score.
const GROUPS: usize = 5;
/// Segments of the grid, each cell in one.
const GRID: [&str; 10] = [
    "champions",
    "loyal",
    "potential_loyalist",
    "new",
    "promising",
    "need_attention",
    "about_to_sleep",
    "at_risk",
    "cannot_lose",
    "hibernating",
];
/// Segments by the means of money (first four above), recency and frequency.
const EIGHT: [&str; 8] = [
    "important_value",
    "important_develop",
    "important_keep",
    "important_win_back",
    "general_value",
    "general_develop",
    "general_keep",
    "general_win_back",
];

/// A question for scores made ready.
pub(crate) struct Scores {
    ask: Rfm,
    range: (i64, i64),
    zone: Zone,
    today: i64,
    with_people: bool,
}

impl Scores {
    pub(crate) fn new(ask: &Rfm, setting: Setting) -> Self {
        let (range, today) = (ask.window.range(setting.as_of), setting.zone.day(Instant(setting.as_of)));
        Self { ask: ask.clone(), range, today, zone: setting.zone, with_people: setting.with_people }
    }
}

impl Kind for Scores {
    fn needs(&self) -> Needs {
        let money = |event: &Which, amount: &crate::form::Property| {
            Need::which(event, self.range).with([amount.0.clone()])
        };
        let refund = self.ask.refund.as_ref().map(|refund| money(&refund.event, &refund.amount));
        let events = [money(&self.ask.order, &self.ask.amount)].into_iter().chain(refund).collect();
        Needs { events, order: Order::Blocks, ..Needs::default() }
    }

    fn events(&self) -> Vec<&Which> {
        std::iter::once(&self.ask.order).chain(self.ask.refund.as_ref().map(|refund| &refund.event)).collect()
    }

    fn operator<'p>(&'p self, slice: Slice, _: &'p People) -> Box<dyn Operator + 'p> {
        Box::new(Buyers { of: self, slice, days: Days::new(&self.zone), buyers: Vec::new() })
    }

    fn finish(&self, found: Partial, _: &People) -> Finding {
        let mut table = found.table;
        table.columns.resize_with(3, Vec::new);
        let scores = score(&table.parties, &table.columns);
        Finding::Rfm(self.describe(scores))
    }
}

/// A buyer so far.
#[derive(Clone, Copy, Default)]
struct Buyer {
    /// Local days with an order.
    orders: u32,
    /// The last of them.
    last: i32,
    money: i128,
}

struct Buyers<'p> {
    of: &'p Scores,
    slice: Slice,
    days: Days<'p>,
    buyers: Vec<Buyer>,
}

/// Local days, remembering the last one asked for.
struct Days<'z> {
    zone: &'z Zone,
    day: i64,
    from: i64,
    until: i64,
}

impl<'z> Days<'z> {
    fn new(zone: &'z Zone) -> Self {
        Self { zone, day: 0, from: i64::MAX, until: i64::MIN }
    }

    #[inline]
    fn day(&mut self, at: i64) -> i64 {
        if at < self.from || at >= self.until {
            self.day = self.zone.day(Instant(at));
            self.from = self.zone.day_start(self.day).0;
            self.until = self.zone.day_start(self.day + 1).0;
        }
        self.day
    }
}

impl Buyers<'_> {
    fn room(&mut self, rows: &Rows<'_>) {
        let room = rows.parties.last().map_or(0, |party| self.slice.place(*party) + 1);
        if room > self.buyers.len() {
            self.buyers.resize(room, Buyer::default());
        }
    }
}

impl Operator for Buyers<'_> {
    fn party(&mut self, _: PartyNo, _: &dyn Timeline) {}

    fn block(&mut self, block: &Block<'_>) {
        for (run, rows) in block.runs.iter().enumerate() {
            self.room(rows);
            let (buyers, slice) = (&mut self.buyers, self.slice);
            if run == 0 {
                for (party, time) in rows.parties.iter().zip(rows.times) {
                    let buyer = &mut buyers[slice.place(*party)];
                    let day = self.days.day(*time) as i32;
                    if buyer.orders == 0 || buyer.last != day {
                        buyer.orders += 1;
                        buyer.last = day;
                    }
                }
            }
            let sign = if run == 0 { 1 } else { -1 };
            each_number(&rows.columns[0], rows.parties.len(), |row, amount| {
                let buyer = &mut buyers[slice.place(rows.parties[row])];
                buyer.money = buyer.money.saturating_add(sign * amount);
            });
        }
    }

    fn finish(self: Box<Self>) -> Partial {
        let mut partial = Partial::default();
        for (place, buyer) in self.buyers.iter().enumerate().filter(|(_, buyer)| buyer.orders > 0) {
            let days = self.of.today - i64::from(buyer.last);
            let row = [i128::from(days), i128::from(buyer.orders), buyer.money];
            partial.table.push(self.slice.party(place), &row);
        }
        partial
    }
}

/// Scores every buyer, in the order of party numbers.
fn score(parties: &[u32], columns: &[Vec<i128>]) -> Vec<RfmScore> {
    let quintiles: Vec<Vec<u8>> = columns.iter().map(|column| quintiles(parties, column)).collect();
    let mut scores: Vec<RfmScore> = (0..parties.len())
        .map(|row| RfmScore {
            party: parties[row],
            days: columns[0][row] as i64,
            orders: columns[1][row] as i64,
            money: columns[2][row],
            scores: [GROUPS as u8 + 1 - quintiles[0][row], quintiles[1][row], quintiles[2][row]],
        })
        .collect();
    scores.sort_unstable_by_key(|score| score.party);
    scores
}

/// The group of each row, 1 to 5, when rows are ranked by value and party.
///
/// Only the borders between groups are looked for, not the whole order.
fn quintiles(parties: &[u32], column: &[i128]) -> Vec<u8> {
    let count = column.len();
    let mut rest: Vec<(i128, u32)> = column.iter().copied().zip(parties.iter().copied()).collect();
    let mut borders = [(i128::MAX, u32::MAX); GROUPS - 1];
    let mut ranked = 0;
    for (group, border) in (1..GROUPS).zip(&mut borders) {
        // The rank of the first row of the next group.
        let rank = (group * count).div_ceil(GROUPS);
        if rank < count {
            let part = &mut rest[ranked..];
            *border = *part.select_nth_unstable(rank - ranked).1;
            ranked = rank;
        }
    }
    let group = |(value, party): (&i128, &u32)| {
        1 + borders.iter().filter(|border| (*value, *party) >= **border).count() as u8
    };
    column.iter().zip(parties).map(group).collect()
}

/// The place in [`GRID`] of a cell of recency and frequency.
fn grid(r: u8, f: u8) -> usize {
    match (r, f) {
        (5, 4 | 5) => 0,
        (3 | 4, 4 | 5) => 1,
        (4 | 5, 2 | 3) => 2,
        (5, _) => 3,
        (4, _) => 4,
        (3, 3) => 5,
        (3, _) => 6,
        (_, 3 | 4) => 7,
        (_, 5) => 8,
        _ => 9,
    }
}

/// The segment of a cell of recency and frequency.
#[cfg(test)]
pub(crate) fn segment(r: u8, f: u8) -> &'static str {
    GRID[grid(r, f)]
}

/// People and money of a segment.
#[derive(Clone, Default)]
struct Sum {
    count: i128,
    money: i128,
    people: RoaringBitmap,
}

impl Scores {
    fn describe(&self, scores: Vec<RfmScore>) -> Found {
        let total = |of: fn(&RfmScore) -> i128| scores.iter().map(of).sum::<i128>();
        let count = scores.len() as i128;
        let means = [total(|s| i128::from(s.days)), total(|s| i128::from(s.orders)), total(|s| s.money)];
        let mut cells = vec![Sum::default(); 125];
        let mut segments = vec![Sum::default(); GRID.len()];
        let mut eight = vec![Sum::default(); EIGHT.len()];
        for score in &scores {
            let [r, f, m] = score.scores;
            let cell = usize::from(r - 1) * 25 + usize::from(f - 1) * 5 + usize::from(m - 1);
            // Means are compared without dividing. Near is at most the mean of days, high at least the mean.
            let is_far = i128::from(score.days) * count > means[0];
            let is_rare = i128::from(score.orders) * count < means[1];
            let is_low = score.money.saturating_mul(count) < means[2];
            let by_mean = usize::from(is_low) * 4 + usize::from(is_far) * 2 + usize::from(is_rare);
            for sum in [&mut cells[cell], &mut segments[grid(r, f)], &mut eight[by_mean]] {
                sum.count += 1;
                sum.money = sum.money.saturating_add(score.money);
                if self.with_people {
                    sum.people.insert(score.party);
                }
            }
        }
        let people =
            |sum: &mut Sum| Count::with(sum.count, self.with_people.then(|| std::mem::take(&mut sum.people)));
        let named = |names: &[&'static str], sums: Vec<Sum>| {
            let segment = |(name, mut sum): (&&'static str, Sum)| RfmSegment {
                segment: name,
                people: people(&mut sum),
                money: amount(sum.money),
            };
            names.iter().zip(sums).map(segment).collect()
        };
        let cell = |(place, mut sum): (usize, Sum)| RfmCell {
            r: 1 + (place / 25) as u8,
            f: 1 + (place / 5 % 5) as u8,
            m: 1 + (place % 5) as u8,
            people: people(&mut sum),
        };
        Found {
            buyers: Count::with(
                scores.len() as i128,
                self.with_people.then(|| scores.iter().map(|score| score.party).collect()),
            ),
            cells: cells.into_iter().enumerate().filter(|(_, sum)| sum.count > 0).map(cell).collect(),
            segments: named(&GRID, segments),
            eight: named(&EIGHT, eight),
            scores,
        }
    }
}

//! Pieces of one event into one set of columns, party by party.
//!
//! Parties of a bucket are dense, so rows are dealt to their party by counting, not compared: pieces in the
//! order of their weeks, which do not overlap. Only a party whose rows came out of order, because a week has
//! several pieces, is sorted. It is done for a stretch of parties at a time, so that what is put together stays
//! in the processor's cache until it was looked at; where only one piece has rows, they are borrowed.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;

use criteria::Column;
use kernel::Key;

use super::piece::Piece;
use super::stored::{Place, Stored};

/// Rows of one event of some parties.
#[derive(Default)]
pub(crate) struct Assembled<'a> {
    /// Parties that have a row, ascending.
    pub(crate) parties: Vec<u32>,
    /// Where each party's rows begin, and where the last one's end.
    pub(crate) offsets: Vec<u32>,
    pub(crate) times: Cow<'a, [i64]>,
    /// Empty unless every piece had keys.
    pub(crate) keys: Cow<'a, [Key]>,
    columns: Vec<Cells<'a>>,
}

enum Cells<'a> {
    Own(Stored),
    /// Rows from a place on.
    Of(&'a Stored, usize),
}

impl Assembled<'_> {
    /// A column of some of the rows.
    pub(crate) fn column(&self, column: usize, rows: &Range<usize>) -> Column<'_> {
        match self.columns.get(column) {
            None => Column::ABSENT,
            Some(Cells::Own(stored)) => stored.column().slice(rows.start, rows.len()),
            Some(Cells::Of(stored, from)) => stored.column().slice(from + rows.start, rows.len()),
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.columns.len()
    }
}

/// Where the rows of parties below `party` end in each piece.
pub(crate) fn ends(pieces: &[Piece], from: &[usize], party: u32) -> Vec<usize> {
    let end = |(piece, from): (&Piece, &usize)| {
        from + piece.rows.parties[*from..].partition_point(|other| *other < party)
    };
    pieces.iter().zip(from).map(end).collect()
}

/// Puts rows of pieces together: of each those between two places.
pub(crate) fn assemble<'a>(pieces: &'a [Piece], spans: &[Range<usize>], buckets: u32) -> Assembled<'a> {
    let mut filled = pieces.iter().zip(spans).filter(|(_, span)| !span.is_empty());
    let Some((piece, span)) = filled.next() else {
        return Assembled { offsets: vec![0], ..Assembled::default() };
    };
    if filled.next().is_none() {
        let (parties, offsets) = borders(&piece.rows.parties[span.clone()]);
        return Assembled {
            parties,
            offsets,
            times: Cow::Borrowed(&piece.rows.times[span.clone()]),
            keys: piece.keys.as_ref().map_or(Cow::Borrowed(&[]), |keys| Cow::Borrowed(&keys[span.clone()])),
            columns: piece.columns.iter().map(|column| Cells::Of(column, span.start)).collect(),
        };
    }
    let (order, parties, offsets) = deal(pieces, spans, buckets);
    let at = |(piece, row): &Place| (&pieces[*piece as usize], *row as usize);
    let times = order.iter().map(at).map(|(piece, row)| piece.rows.times[row]).collect();
    let all: Option<Vec<&[Key]>> = pieces.iter().map(|piece| Some(&piece.keys.as_ref()?[..])).collect();
    let keys = all.map_or(Vec::new(), |keys| {
        order.iter().map(|(piece, row)| keys[*piece as usize][*row as usize]).collect()
    });
    let width = pieces.first().map_or(0, |piece| piece.columns.len());
    let columns = (0..width).map(|column| {
        let parts: Vec<&Stored> = pieces.iter().map(|piece| &*piece.columns[column]).collect();
        Cells::Own(Stored::gather(&parts, &order))
    });
    let columns = columns.collect();
    Assembled { parties, offsets, times, keys: Cow::Owned(keys), columns }
}

/// The distinct parties of sorted rows, and where each begins.
fn borders(rows: &[u32]) -> (Vec<u32>, Vec<u32>) {
    let (mut parties, mut offsets) = (Vec::new(), Vec::new());
    for (row, party) in (0..).zip(rows) {
        if parties.last() != Some(party) {
            parties.push(*party);
            offsets.push(row);
        }
    }
    offsets.push(rows.len() as u32);
    (parties, offsets)
}

/// The final order, the parties in it and their borders.
fn deal(pieces: &[Piece], spans: &[Range<usize>], buckets: u32) -> (Vec<Place>, Vec<u32>, Vec<u32>) {
    let parts: Vec<&[u32]> =
        pieces.iter().zip(spans).map(|(piece, span)| &piece.rows.parties[span.clone()]).collect();
    let least = parts.iter().filter_map(|part| part.first()).min().copied().unwrap_or(0);
    let most = parts.iter().filter_map(|part| part.last()).max().copied().unwrap_or(0);
    // Parties of a bucket are every `buckets`-th: divided, they are dense.
    let place = |party: u32| ((party - least) / buckets) as usize;
    let mut next = vec![0u32; place(most) + 2];
    for party in parts.iter().copied().flatten() {
        next[place(*party) + 1] += 1;
    }
    let (mut parties, mut offsets) = (Vec::new(), Vec::new());
    let mut sum = 0;
    for (local, count) in (0u32..).zip(next.iter_mut().skip(1)) {
        if *count > 0 {
            parties.push(least + local * buckets);
            offsets.push(sum);
        }
        sum += *count;
        *count = sum;
    }
    offsets.push(sum);
    let mut order = vec![(0u32, 0u32); sum as usize];
    for (number, (part, span)) in (0u32..).zip(parts.iter().zip(spans)) {
        for (row, party) in (span.start as u32..).zip(*part) {
            let place = &mut next[place(*party)];
            order[*place as usize] = (number, row);
            *place += 1;
        }
    }
    if pieces.windows(2).any(|two| two[0].week == two[1].week) {
        for border in offsets.windows(2) {
            let rows = &mut order[border[0] as usize..border[1] as usize];
            if !rows.is_sorted_by(|a, b| compare(pieces, a, b) != Ordering::Greater) {
                rows.sort_by(|a, b| compare(pieces, a, b));
            }
        }
    }
    (order, parties, offsets)
}

/// By time, then by key where keys were read: everywhere two pieces may have rows of one instant.
fn compare(pieces: &[Piece], a: &Place, b: &Place) -> Ordering {
    let (left, right) = (&pieces[a.0 as usize], &pieces[b.0 as usize]);
    let (i, j) = (a.1 as usize, b.1 as usize);
    left.rows.times[i].cmp(&right.rows.times[j]).then_with(|| match (&left.keys, &right.keys) {
        (Some(a), Some(b)) => a[i].cmp(&b[j]),
        _ => Ordering::Equal,
    })
}

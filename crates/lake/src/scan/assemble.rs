//! Pieces of one event into one set of columns, party by party.
//!
//! Parties are dense, so rows are dealt to their party by counting, not compared: pieces in order of
//! their weeks, which do not overlap. Only a party whose rows came out of order, because a week has
//! several files or late events wait in the buffer, is sorted.

use std::cmp::Ordering;

use kernel::Key;

use super::piece::Piece;
use super::stored::Stored;
use super::values::Values;

/// All rows of one event in one bucket.
#[derive(Default)]
pub(crate) struct Assembled {
    /// Parties that have a row, ascending.
    pub(crate) parties: Vec<u32>,
    /// Where each party's rows begin, and where the last one's end.
    pub(crate) offsets: Vec<u32>,
    pub(crate) times: Vec<i64>,
    /// Empty unless every piece had keys.
    pub(crate) keys: Vec<Key>,
    pub(crate) columns: Vec<Stored>,
}

/// Puts the pieces together.
pub(crate) fn assemble(mut pieces: Vec<Piece>, buckets: u32) -> Assembled {
    if pieces.len() == 1 && pieces[0].is_sorted {
        let piece = pieces.remove(0);
        let (parties, offsets) = borders(&piece.parties);
        let columns = piece.columns.into_iter().map(Stored::of).collect();
        return Assembled { parties, offsets, times: piece.times, keys: piece.keys, columns };
    }
    if pieces.is_empty() {
        return Assembled { offsets: vec![0], ..Assembled::default() };
    }
    let (order, parties, offsets) = deal(&pieces, buckets);
    let at = |(piece, row): &(u32, u32)| (&pieces[*piece as usize], *row as usize);
    let times = order.iter().map(at).map(|(piece, row)| piece.times[row]).collect();
    let has_keys = pieces.iter().all(|piece| piece.keys.len() == piece.times.len());
    let keys = if has_keys {
        order.iter().map(at).map(|(piece, row)| piece.keys[row]).collect()
    } else {
        Vec::new()
    };
    let mut parts: Vec<_> = pieces.into_iter().map(|piece| piece.columns.into_iter()).collect();
    let width = parts.iter().map(ExactSizeIterator::len).max().unwrap_or(0);
    let columns = (0..width)
        .map(|_| {
            let column =
                parts.iter_mut().map(|part| part.next().expect("pieces of one event are equally wide"));
            Stored::of(Values::gather(column.collect(), &order))
        })
        .collect();
    Assembled { parties, offsets, times, keys, columns }
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

/// The final order as (piece, row), the parties in it and their borders.
fn deal(pieces: &[Piece], buckets: u32) -> (Vec<(u32, u32)>, Vec<u32>, Vec<u32>) {
    let most = pieces.iter().flat_map(|p| &p.parties).max().copied().unwrap_or(0);
    // Parties of a bucket are every `buckets`-th: divided, they are dense.
    let remainder = most % buckets;
    let mut next = vec![0u32; (most / buckets) as usize + 2];
    for party in pieces.iter().flat_map(|p| &p.parties) {
        next[(party / buckets) as usize + 1] += 1;
    }
    let (mut parties, mut offsets) = (Vec::new(), Vec::new());
    let mut sum = 0;
    for (local, count) in (0u32..).zip(next.iter_mut().skip(1)) {
        if *count > 0 {
            parties.push(local * buckets + remainder);
            offsets.push(sum);
        }
        sum += *count;
        *count = sum;
    }
    offsets.push(sum);
    let mut order = vec![(0u32, 0u32); sum as usize];
    for (number, piece) in (0u32..).zip(pieces) {
        for (row, party) in (0u32..).zip(&piece.parties) {
            let place = &mut next[(party / buckets) as usize];
            order[*place as usize] = (number, row);
            *place += 1;
        }
    }
    for border in offsets.windows(2) {
        let rows = &mut order[border[0] as usize..border[1] as usize];
        if !rows.is_sorted_by(|a, b| compare(pieces, a, b) != Ordering::Greater) {
            rows.sort_by(|a, b| compare(pieces, a, b));
        }
    }
    (order, parties, offsets)
}

/// By time, then by key where keys were read: everywhere two pieces may have rows of one instant.
fn compare(pieces: &[Piece], a: &(u32, u32), b: &(u32, u32)) -> Ordering {
    let (left, right) = (&pieces[a.0 as usize], &pieces[b.0 as usize]);
    let (i, j) = (a.1 as usize, b.1 as usize);
    left.times[i].cmp(&right.times[j]).then_with(|| match (left.keys.get(i), right.keys.get(j)) {
        (Some(a), Some(b)) => a.cmp(b),
        _ => Ordering::Equal,
    })
}

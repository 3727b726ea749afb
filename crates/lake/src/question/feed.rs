//! Feeds an operator with the rows of its bucket.

use criteria::Column;
use kernel::PartyNo;
use question::memory::Nothing;
use question::{Block, Operator, Order, Partial, Rows, Slice};

use super::Question;
use crate::error::{Error, Result};
use crate::scan::{Assembled, Piece, Stretches, Walk, assemble};

/// Lets an operator see its bucket.
pub(super) fn feed(question: &Question, slice: Slice, pieces: &[Vec<Piece>]) -> Result<Partial> {
    let mut operator = question.plan.operator(slice, &question.people);
    match question.plan.needs().order {
        Order::Parties => parties(question, slice, pieces, operator.as_mut())?,
        Order::Blocks => blocks(question, slice, pieces, operator.as_mut())?,
    }
    Ok(operator.finish())
}

fn parties(
    question: &Question,
    slice: Slice,
    pieces: &[Vec<Piece>],
    operator: &mut dyn Operator,
) -> Result<()> {
    let needs = question.plan.needs();
    let everybody = question.people.everybody.as_deref().filter(|_| needs.is_everybody);
    let excluded = question.asking.excluded.as_deref();
    let is_asked = |party: &u32| {
        slice.has(*party)
            && needs.party.is_none_or(|one| one.0 == *party)
            && excluded.is_none_or(|others| !others.contains(*party))
    };
    let mut others = everybody.into_iter().flatten().filter(is_asked).peekable();
    let mut stretches = Stretches::new(pieces, slice.buckets);
    while let Some(events) = stretches.next_stretch() {
        if question.asking.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let mut walk = Walk::new(&events);
        while let Some(runs) = walk.next_party() {
            while let Some(idle) = others.next_if(|other| *other < runs.party.0) {
                operator.party(PartyNo(idle), &Nothing);
            }
            // Whoever is not among all people is nobody.
            if everybody.is_none() || others.next_if_eq(&runs.party.0).is_some() {
                operator.party(runs.party, &runs);
            }
        }
    }
    others.for_each(|idle| operator.party(PartyNo(idle), &Nothing));
    Ok(())
}

/// Week by week. Where a week has one piece of an event, its rows are handed on as they are.
fn blocks(
    question: &Question,
    slice: Slice,
    pieces: &[Vec<Piece>],
    operator: &mut dyn Operator,
) -> Result<()> {
    let mut weeks: Vec<i32> = pieces.iter().flatten().map(|piece| piece.week).collect();
    weeks.sort_unstable();
    weeks.dedup();
    for week in weeks {
        if question.asking.cancel.is_cancelled() {
            return Err(Error::Cancelled);
        }
        let of_week = |pieces: &'_ [Piece]| {
            let from = pieces.partition_point(|piece| piece.week < week);
            from..pieces.partition_point(|piece| piece.week <= week)
        };
        let parts: Vec<&[Piece]> = pieces.iter().map(|pieces| &pieces[of_week(pieces)]).collect();
        let merged: Vec<Option<Merged<'_>>> =
            parts.iter().map(|part| (part.len() > 1).then(|| Merged::new(part, slice.buckets))).collect();
        let needs = &question.plan.needs().events;
        let rows = parts.iter().zip(&merged).zip(needs).map(|((part, merged), need)| match (part, merged) {
            (_, Some(merged)) => merged.rows(),
            ([piece], None) => Rows {
                parties: &piece.rows.parties,
                times: &piece.rows.times,
                keys: piece.keys.as_ref().map_or(&[], |keys| keys),
                columns: piece.columns.iter().map(|column| column.column()).collect(),
            },
            _ => Rows {
                parties: &[],
                times: &[],
                keys: &[],
                columns: need.columns.iter().map(|_| Column::ABSENT).collect(),
            },
        });
        operator.block(&Block { runs: rows.collect() });
    }
    Ok(())
}

/// The rows of several pieces of one week.
struct Merged<'a> {
    parties: Vec<u32>,
    rows: Assembled<'a>,
}

impl<'a> Merged<'a> {
    fn new(pieces: &'a [Piece], buckets: u32) -> Self {
        let spans: Vec<_> = pieces.iter().map(|piece| 0..piece.rows.times.len()).collect();
        let rows = assemble(pieces, &spans, buckets);
        let mut parties = Vec::with_capacity(rows.times.len());
        for (party, border) in rows.parties.iter().zip(rows.offsets.windows(2)) {
            parties.resize(border[1] as usize, *party);
        }
        Self { parties, rows }
    }

    fn rows(&self) -> Rows<'_> {
        let all = 0..self.parties.len();
        let columns = (0..self.rows.width()).map(|column| self.rows.column(column, &all));
        Rows {
            parties: &self.parties,
            times: &self.rows.times,
            keys: &self.rows.keys,
            columns: columns.collect(),
        }
    }
}

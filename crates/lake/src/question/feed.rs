//! Feeds an operator with the rows of its bucket.

use criteria::column::{Column, Timeline};
use kernel::{Key, PartyNo};
use question::{Block, Operator, Order, Partial, Rows, Slice};

use super::Question;
use crate::error::{Error, Result};
use crate::scan::{Assembled, Walk};

/// Parties between two looks at whether the answer is still wanted.
const PARTIES: u32 = 4_096;

/// Lets an operator see its bucket.
pub(super) fn feed(question: &Question, slice: Slice, events: &[Assembled]) -> Result<Partial> {
    let mut operator = question.plan.operator(slice, &question.people);
    match question.plan.needs().order {
        Order::Parties => parties(question, slice, events, operator.as_mut())?,
        Order::Blocks => operator.block(&block(events, &mut Vec::new())),
    }
    Ok(operator.finish())
}

fn parties(
    question: &Question,
    slice: Slice,
    events: &[Assembled],
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
    let mut walk = Walk::new(events);
    let mut left = 0;
    loop {
        if left == 0 {
            if question.asking.cancel.is_cancelled() {
                return Err(Error::Cancelled);
            }
            left = PARTIES;
        }
        left -= 1;
        let Some(runs) = walk.next_party() else { break };
        while let Some(idle) = others.next_if(|other| *other < runs.party.0) {
            operator.party(PartyNo(idle), &Nothing);
        }
        // Whoever is not among all people is nobody.
        if everybody.is_none() || others.next_if_eq(&runs.party.0).is_some() {
            operator.party(runs.party, &runs);
        }
    }
    others.for_each(|idle| operator.party(PartyNo(idle), &Nothing));
    Ok(())
}

/// All rows as one block.
fn block<'a>(events: &'a [Assembled], parties: &'a mut Vec<Vec<u32>>) -> Block<'a> {
    for event in events {
        let mut rows = Vec::with_capacity(event.times.len());
        for (party, border) in event.parties.iter().zip(event.offsets.windows(2)) {
            rows.resize(border[1] as usize, *party);
        }
        parties.push(rows);
    }
    let runs = events.iter().zip(&*parties).map(|(event, parties)| Rows {
        parties,
        times: &event.times,
        keys: &event.keys,
        columns: event.columns.iter().map(crate::scan::Stored::column).collect(),
    });
    Block { runs: runs.collect() }
}

/// The timeline of somebody who did nothing.
struct Nothing;

impl Timeline for Nothing {
    fn times(&self, _: usize) -> &[i64] {
        &[]
    }

    fn column(&self, _: usize, _: usize) -> Column<'_> {
        Column::ABSENT
    }

    fn key(&self, _: usize, _: usize) -> Key {
        Key([0; 16])
    }
}

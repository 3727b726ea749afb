//! A timeline with a mistake in it, as whoever decodes files or rows might make one.

use kernel::Key;

use criteria::column::{Column, Timeline};
use criteria::program::Program;

/// What goes wrong on the way from the facts to the evaluator.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Spoil {
    /// The newest event of each run is missing.
    LosesNewest,
    /// The oldest event of each run is missing.
    LosesOldest,
    /// Everything happened a microsecond later.
    MovesTimes,
    /// The first property of each run is in no event.
    LosesProperty,
}

impl Spoil {
    /// All of them.
    pub(super) const ALL: [Self; 4] =
        [Self::LosesNewest, Self::LosesOldest, Self::MovesTimes, Self::LosesProperty];
}

/// Another timeline, spoiled.
pub(super) struct Spoiled<'a> {
    inner: &'a dyn Timeline,
    spoil: Spoil,
    times: Vec<Vec<i64>>,
}

impl<'a> Spoiled<'a> {
    /// Spoils the timeline of a program.
    pub(super) fn new(inner: &'a dyn Timeline, program: &Program, spoil: Spoil) -> Self {
        let spoiled = |run: usize| {
            let times = inner.times(run);
            match spoil {
                Spoil::LosesNewest => times[..times.len().saturating_sub(1)].to_vec(),
                Spoil::LosesOldest => times[1.min(times.len())..].to_vec(),
                Spoil::MovesTimes => times.iter().map(|time| time + 1).collect(),
                Spoil::LosesProperty => times.to_vec(),
            }
        };
        let times = (0..program.needs().events.len()).map(spoiled).collect();
        Self { inner, spoil, times }
    }

    fn rows_before(&self) -> usize {
        usize::from(self.spoil == Spoil::LosesOldest)
    }
}

impl Timeline for Spoiled<'_> {
    fn times(&self, run: usize) -> &[i64] {
        self.times.get(run).map_or(&[], Vec::as_slice)
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        let rows = self.times[run].len();
        if rows == 0 || (self.spoil == Spoil::LosesProperty && column == 0) {
            return Column::ABSENT;
        }
        self.inner.column(run, column).slice(self.rows_before(), rows)
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.inner.key(run, row + self.rows_before())
    }
}

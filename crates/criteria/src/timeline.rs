//! A timeline in memory, made from events as JSON: what the stream evaluates one party over.
//!
//! Events may be added in any order. Only what the program needs of them is kept.

use kernel::{Instant, Key};
use serde_json::Value as Json;

use crate::column::{Column, Timeline, Values};
use crate::program::Program;
use crate::value::Value;

/// A timeline that owns its events. It belongs to the program it was made for.
#[derive(Debug, Default)]
pub struct Owned {
    runs: Vec<Run>,
    every: Option<usize>,
}

#[derive(Debug, Default)]
struct Run {
    times: Vec<i64>,
    keys: Vec<Key>,
    columns: Vec<Cells>,
}

#[derive(Debug)]
enum Cells {
    One(Vec<Option<Value>>),
    Many { offsets: Vec<i32>, items: Vec<Option<Value>> },
}

impl Owned {
    /// A timeline without events for this program.
    pub fn new(program: &Program) -> Self {
        let runs = program.needs().events.iter().map(|need| {
            let columns = need.properties.iter().map(|path| match path.is_many() {
                true => Cells::Many { offsets: vec![0], items: Vec::new() },
                false => Cells::One(Vec::new()),
            });
            Run { columns: columns.collect(), ..Run::default() }
        });
        Self { runs: runs.collect(), every: program.run("*") }
    }

    /// Adds an event in its place. What the program does not look at is left out.
    pub fn insert(
        &mut self,
        program: &Program,
        (event, time, key): (&str, Instant, Key),
        properties: &Json,
        context: &Json,
    ) {
        let named = program.run(event).filter(|_| event != "*");
        for number in named.into_iter().chain(self.every) {
            let run = &mut self.runs[number];
            let before = |row: usize| (run.times[row], run.keys[row]) <= (time.0, key);
            // Most events come after all that are here.
            let place = match run.times.len() {
                len if len == 0 || before(len - 1) => len,
                len => partition_point(len, before),
            };
            run.times.insert(place, time.0);
            run.keys.insert(place, key);
            for (path, cells) in program.needs().events[number].properties.iter().zip(&mut run.columns) {
                cells.insert(place, |found| path.read_event(properties, context, found));
            }
        }
    }

    /// Rows of all runs: what its memory grows with.
    pub fn rows(&self) -> usize {
        self.runs.iter().map(|run| run.times.len()).sum()
    }
}

/// The first of `len` places for which `is_before` does not hold, if it holds up to there.
fn partition_point(len: usize, is_before: impl Fn(usize) -> bool) -> usize {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low.midpoint(high);
        if is_before(middle) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low
}

impl Cells {
    fn insert(&mut self, place: usize, read: impl FnOnce(&mut dyn FnMut(Value))) {
        match self {
            Self::One(values) => {
                let mut first = None;
                read(&mut |value| first = first.take().or(Some(value)));
                values.insert(place, first);
            }
            Self::Many { offsets, items } => {
                let mut found = Vec::new();
                read(&mut |value| found.push(Some(value)));
                let (at, count) = (offsets[place], found.len() as i32);
                items.splice(at as usize..at as usize, found);
                offsets.insert(place, at);
                offsets[place + 1..].iter_mut().for_each(|offset| *offset += count);
            }
        }
    }
}

impl Timeline for Owned {
    fn times(&self, run: usize) -> &[i64] {
        self.runs.get(run).map_or(&[], |run| &run.times)
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        match &self.runs[run].columns[column] {
            Cells::One(values) => Column::one(Values::Mixed(values)),
            Cells::Many { offsets, items } => Column::many(offsets, Values::Mixed(items)),
        }
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.runs[run].keys[row]
    }
}

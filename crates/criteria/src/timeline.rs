//! A timeline in memory, made from events as JSON: what the stream evaluates one party over.
//!
//! Events may be added in any order. Only what the program needs of them is kept.

use kernel::{Instant, Key};
use serde_json::Value as Json;

use crate::column::{Column, Timeline};
use crate::program::Program;
use crate::value::Value;

/// Collects the events of one party.
pub struct Builder<'p> {
    program: &'p Program,
    every: Option<usize>,
    runs: Vec<Vec<Row>>,
}

struct Row {
    time: i64,
    key: Key,
    /// For each column, the values at its path.
    cells: Vec<Vec<Value>>,
}

impl<'p> Builder<'p> {
    /// Collects for this program.
    pub fn new(program: &'p Program) -> Self {
        let mut runs = Vec::new();
        runs.resize_with(program.needs().events.len(), Vec::new);
        Self { program, every: program.run("*"), runs }
    }

    /// Whether the program looks at events of this name at all.
    pub fn wants(&self, event: &str) -> bool {
        self.every.is_some() || self.program.run(event).is_some()
    }

    /// Adds an event.
    pub fn push(&mut self, event: &str, time: Instant, key: Key, properties: &Json, context: &Json) {
        let named = self.program.run(event).filter(|_| event != "*");
        for run in named.into_iter().chain(self.every) {
            let paths = self.program.needs().events[run].properties.iter();
            let cells = paths.map(|path| {
                let mut values = Vec::new();
                path.read_event(properties, context, |value| values.push(value));
                values
            });
            self.runs[run].push(Row { time: time.0, key, cells: cells.collect() });
        }
    }

    /// The timeline.
    pub fn build(self) -> Owned {
        let needs = &self.program.needs().events;
        let runs = self.runs.into_iter().zip(needs).map(|(mut rows, need)| {
            rows.sort_unstable_by_key(|row| (row.time, row.key));
            let mut run = Run {
                times: rows.iter().map(|row| row.time).collect(),
                keys: rows.iter().map(|row| row.key).collect(),
                columns: Vec::new(),
            };
            for (at, path) in need.properties.iter().enumerate() {
                let cells = rows.iter_mut().map(|row| std::mem::take(&mut row.cells[at]));
                run.columns.push(if path.is_many() {
                    let (mut offsets, mut items) = (vec![0], Vec::new());
                    for cell in cells {
                        items.extend(cell.into_iter().map(Some));
                        offsets.push(items.len() as i32);
                    }
                    Cells::Many { offsets, items }
                } else {
                    Cells::One(cells.map(|cell| cell.into_iter().next()).collect())
                });
            }
            run
        });
        Owned { runs: runs.collect() }
    }
}

/// A timeline that owns its events.
#[derive(Debug, Default)]
pub struct Owned {
    runs: Vec<Run>,
}

#[derive(Debug)]
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

impl Timeline for Owned {
    fn times(&self, run: usize) -> &[i64] {
        self.runs.get(run).map_or(&[], |run| &run.times)
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        match &self.runs[run].columns[column] {
            Cells::One(values) => Column::Values(values),
            Cells::Many { offsets, items } => Column::Elements { offsets, items },
        }
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.runs[run].keys[row]
    }
}

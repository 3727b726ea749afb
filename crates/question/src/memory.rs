//! A party's events in memory, as a question needs them: for people who are looked up one by one, and for tests.

use criteria::column::{Column, Timeline, Values};
use criteria::path::Path;
use criteria::value::Value;
use kernel::{Instant, Key};
use serde_json::Value as Json;

use crate::needs::{CHANNEL, EVENT, Need, Needs, PROPERTIES, SOURCE};

/// An event as it is told.
#[derive(Clone, Copy, Debug)]
pub struct Told<'a> {
    /// Its name.
    pub event: &'a str,
    /// When.
    pub time: Instant,
    /// What tells it from all others.
    pub key: Key,
    /// The channel it came through, if one was said.
    pub channel: Option<&'a str>,
    /// The source it came from.
    pub source: &'a str,
    /// Properties.
    pub properties: &'a Json,
    /// Context.
    pub context: &'a Json,
}

/// The events of one party. Told in any order, then made ready by [`Memory::sort`].
#[derive(Debug)]
pub struct Memory {
    runs: Vec<Run>,
}

#[derive(Debug)]
struct Run {
    need: Need,
    rows: Vec<(i64, Key, Vec<Vec<Value>>)>,
    times: Vec<i64>,
    columns: Vec<Cells>,
}

#[derive(Debug)]
enum Cells {
    One(Vec<Option<Value>>),
    Many(Vec<i32>, Vec<Option<Value>>),
}

impl Memory {
    /// Nothing yet.
    pub fn new(needs: &Needs) -> Self {
        let run = |need: &Need| Run {
            need: need.clone(),
            rows: Vec::new(),
            times: Vec::new(),
            columns: Vec::new(),
        };
        Self { runs: needs.events.iter().map(run).collect() }
    }

    /// Whether an event of this name and time is looked at.
    pub fn wants(&self, event: &str, time: Instant) -> bool {
        self.runs.iter().any(|run| run.wants(event, time))
    }

    /// Whether anything but its time is looked at.
    pub fn reads(&self, event: &str) -> bool {
        self.runs.iter().any(|run| run.wants_name(event) && !run.need.columns.is_empty())
    }

    /// Tells an event.
    pub fn tell(&mut self, told: &Told<'_>) {
        for run in self.runs.iter_mut().filter(|run| run.wants(told.event, told.time)) {
            let cells = run.need.columns.iter().map(|path| values(path, told)).collect();
            run.rows.push((told.time.0, told.key, cells));
        }
    }

    /// Puts what was told in order.
    pub fn sort(&mut self) {
        for run in &mut self.runs {
            run.rows.sort_by_key(|row| (row.0, row.1));
            run.times = run.rows.iter().map(|row| row.0).collect();
            let column = |(place, path): (usize, &Path)| {
                let values = run.rows.iter().map(|row| &row.2[place]);
                if !path.is_many() {
                    return Cells::One(values.map(|found| found.first().cloned()).collect());
                }
                let (mut offsets, mut items) = (vec![0], Vec::new());
                for found in values {
                    items.extend(found.iter().cloned().map(Some));
                    offsets.push(items.len() as i32);
                }
                Cells::Many(offsets, items)
            };
            run.columns = run.need.columns.iter().enumerate().map(column).collect();
        }
    }
}

impl Run {
    fn wants_name(&self, event: &str) -> bool {
        self.need.event.as_deref().is_none_or(|name| name == event)
    }

    fn wants(&self, event: &str, time: Instant) -> bool {
        self.wants_name(event)
            && self.need.from.is_none_or(|from| time >= from)
            && self.need.until.is_none_or(|until| time < until)
    }
}

fn values(path: &Path, told: &Told<'_>) -> Vec<Value> {
    let text = |text: &str| vec![Value::Text(text.into())];
    match path.to_string().as_str() {
        CHANNEL => told.channel.map(text).unwrap_or_default(),
        SOURCE => text(told.source),
        EVENT => text(told.event),
        PROPERTIES => text(&told.properties.to_string()),
        _ => {
            let mut found = Vec::new();
            path.read_event(told.properties, told.context, |value| found.push(value));
            found
        }
    }
}

impl Timeline for Memory {
    fn times(&self, run: usize) -> &[i64] {
        self.runs.get(run).map_or(&[], |run| &run.times)
    }

    fn column(&self, run: usize, column: usize) -> Column<'_> {
        match &self.runs[run].columns[column] {
            Cells::One(values) => Column::one(Values::Mixed(values)),
            Cells::Many(offsets, items) => Column::many(offsets, Values::Mixed(items)),
        }
    }

    fn key(&self, run: usize, row: usize) -> Key {
        self.runs[run].rows[row].1
    }
}

/// The timeline of somebody who did nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

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

//! A file as a stream of messages, and what a dry run of it would say. Sends nothing.

use std::collections::BTreeMap;

use anyhow::Result;

use super::convert::{Converter, Message};
use super::mapping::Mapping;
use super::read::Rows;
use super::{Column, RowError, errors};

/// Messages and errors shown to a person before they decide.
pub const SAMPLES: usize = 20;
/// Different reasons counted one by one; the rest are counted together.
const REASONS_MAX: usize = 100;

/// The messages of one file, in file order, with an error for every row that is none.
pub struct Messages {
    rows: Rows,
    converter: Converter,
    skipped: u64,
}

impl Messages {
    /// The messages `rows` become under `mapping`.
    ///
    /// # Errors
    /// The mapping is wrong, or does not fit the file's columns.
    pub fn new(rows: Rows, mapping: &Mapping) -> Result<Self> {
        let converter = Converter::new(mapping, &rows.columns, rows.format)?;
        Ok(Self { rows, converter, skipped: 0 })
    }

    /// The columns an error file repeats.
    pub fn columns(&self) -> &[Column] {
        self.converter.columns()
    }

    /// Rows the mapping left out so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }
}

impl Iterator for Messages {
    type Item = Result<Message, RowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let row = match self.rows.next()? {
                Ok(row) => row,
                Err(e) => return Some(Err(e)),
            };
            match self.converter.convert(row) {
                Ok(Some(message)) => return Some(Ok(message)),
                Ok(None) => self.skipped += 1,
                Err(e) => return Some(Err(e)),
            }
        }
    }
}

/// What came of a file: of a dry run, or counted along a real one.
#[derive(Clone, PartialEq, Debug, serde::Serialize)]
pub struct Summary {
    /// Rows seen: the good, the bad and the skipped.
    pub rows: u64,
    /// Rows that are messages.
    pub good: u64,
    /// Rows that are errors.
    pub bad: u64,
    /// Rows the mapping leaves out.
    pub skipped: u64,
    /// How many rows are bad for which reason.
    pub reasons: BTreeMap<String, u64>,
    /// The first messages.
    pub samples: Vec<Message>,
    /// The first errors, as "row 17: `phone`: …".
    pub errors: Vec<String>,
    /// False when the file could not be read to its end, or the limit came first.
    pub is_complete: bool,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            rows: 0,
            good: 0,
            bad: 0,
            skipped: 0,
            reasons: BTreeMap::new(),
            samples: Vec::new(),
            errors: Vec::new(),
            is_complete: true,
        }
    }
}

impl Summary {
    /// Counts one outcome.
    pub fn count(&mut self, outcome: &Result<Message, RowError>) {
        self.rows += 1;
        match outcome {
            Ok(message) => {
                self.good += 1;
                if self.samples.len() < SAMPLES {
                    self.samples.push(message.clone());
                }
            }
            Err(error) => {
                self.bad += 1;
                self.is_complete &= !error.ends_file;
                if self.errors.len() < SAMPLES {
                    self.errors.push(error.to_string());
                }
                let fault = error.fault();
                let is_listed = self.reasons.contains_key(&fault) || self.reasons.len() < REASONS_MAX;
                *self.reasons.entry(if is_listed { fault } else { "other reasons".into() }).or_default() += 1;
            }
        }
    }

    /// Takes over how many rows were left out.
    pub fn count_skipped(&mut self, skipped: u64) {
        self.rows += skipped - self.skipped;
        self.skipped = skipped;
    }
}

/// Dry run: reads up to `limit` rows (all without one), converts them and sends nothing.
///
/// # Errors
/// The mapping is wrong, or does not fit the file's columns.
pub fn plan(rows: Rows, mapping: &Mapping, limit: Option<u64>) -> Result<Summary> {
    let mut messages = Messages::new(rows, mapping)?;
    summarise(&mut messages, limit, None)
}

/// A dry run of messages already open, writing the rejected rows to `rejected`.
///
/// # Errors
/// The error file cannot be written.
pub fn summarise(
    messages: &mut Messages,
    limit: Option<u64>,
    mut rejected: Option<&mut errors::Writer>,
) -> Result<Summary> {
    let mut summary = Summary::default();
    while let Some(outcome) = messages.next() {
        summary.count_skipped(messages.skipped());
        if limit.is_some_and(|limit| summary.rows >= limit) {
            summary.is_complete = false;
            return Ok(summary);
        }
        summary.count(&outcome);
        if let (Err(error), Some(writer)) = (&outcome, rejected.as_deref_mut()) {
            writer.write(error)?;
        }
    }
    summary.count_skipped(messages.skipped());
    Ok(summary)
}

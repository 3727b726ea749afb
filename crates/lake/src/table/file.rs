//! One data file of a table, as the log describes it. What a file is, its path says: level, week and
//! bucket; the statistics only prune.

use std::sync::Arc;

use jiff::civil::Date;
use kernel::Instant;
use kernel::time::DAY;
use serde_json::{Value, json};

use super::action::Add;
use super::schema::WEEK;
use crate::decode::Footer;
use crate::error::{Error, Result};

/// How far a file has come on its way to the final order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// As flushed: all buckets of a week.
    Flushed,
    /// Compacted: one bucket of a week.
    Compacted,
}

/// What is known of a file without opening it, and its footer once it was opened.
#[derive(Debug)]
pub(crate) struct File {
    /// Path relative to the table.
    pub(crate) path: String,
    /// Bytes.
    pub(crate) size: u64,
    /// Rows.
    pub(crate) rows: u64,
    /// The Monday of its week, in days since 1970; 0 for a table without weeks.
    pub(crate) week: i32,
    /// Level; files of other tables are all flushed.
    pub(crate) level: Level,
    /// Its bucket, once compacted.
    pub(crate) bucket: Option<u32>,
    /// First and last event time.
    pub(crate) times: (Instant, Instant),
    /// The footer, read at first use and kept as long as the file is part of the table.
    pub(crate) footer: tokio::sync::OnceCell<Arc<Footer>>,
}

/// Range of the columns that are worth a file statistic.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stats {
    pub(crate) rows: u64,
    pub(crate) buckets: Option<(i32, i32)>,
    pub(crate) events: Option<(String, String)>,
    pub(crate) parties: Option<(i32, i32)>,
    pub(crate) times: Option<(i64, i64)>,
}

impl Stats {
    /// The JSON text of an add action.
    pub(crate) fn to_json(&self) -> String {
        let (mut low, mut high, mut nulls) =
            (serde_json::Map::new(), serde_json::Map::new(), serde_json::Map::new());
        let mut put = |name: &str, a: Value, b: Value| {
            low.insert(name.into(), a);
            high.insert(name.into(), b);
            nulls.insert(name.into(), 0.into());
        };
        if let Some((a, b)) = self.buckets {
            put("bucket", a.into(), b.into());
        }
        // Long names are left out: cut off, the upper one would no longer be a bound.
        if let Some((a, b)) = self.events.as_ref().filter(|(a, b)| a.len().max(b.len()) <= 128) {
            put("event", a.as_str().into(), b.as_str().into());
        }
        if let Some((a, b)) = self.parties {
            put("party_no", a.into(), b.into());
        }
        if let Some((a, b)) = self.times {
            // Delta's statistics have milliseconds: the upper one is rounded up, so it stays a bound.
            let up = Instant(b).plus(kernel::time::MILLISECOND - 1);
            put("time", Instant(a).to_string().into(), up.to_string().into());
        }
        json!({"numRecords": self.rows, "minValues": low, "maxValues": high, "nullCount": nulls}).to_string()
    }
}

impl File {
    /// Reads what an add action says.
    pub(crate) fn from_add(add: &Add) -> Result<Self> {
        let unreadable = |what: &str| Error::Unreadable(format!("file `{}` {what}", add.path));
        if add.deletion_vector.is_some() {
            return Err(unreadable("has a deletion vector, which Headwater's tables never have"));
        }
        let stats: Value = match &add.stats {
            Some(text) => {
                serde_json::from_str(text).map_err(|e| unreadable(&format!("has bad statistics: {e}")))?
            }
            None => Value::Null,
        };
        let week = match add.partition_values.get(WEEK) {
            Some(Some(date)) => parse_week(date).ok_or_else(|| unreadable("has no date for a week"))?,
            _ => 0,
        };
        let time = |side: &str| stats[side]["time"].as_str().and_then(Instant::parse);
        let rows = stats["numRecords"].as_u64().ok_or_else(|| unreadable("has no number of rows"))?;
        let times =
            (time("minValues").unwrap_or(Instant(i64::MIN)), time("maxValues").unwrap_or(Instant(i64::MAX)));
        Ok(Self::named(add.path.clone(), add.size, rows, week, times))
    }

    /// A file of which somebody knows what the log says.
    pub(crate) fn named(path: String, size: u64, rows: u64, week: i32, times: (Instant, Instant)) -> Self {
        let (level, bucket) = level_of(&path);
        Self { path, size, rows, week, level, bucket, times, footer: tokio::sync::OnceCell::new() }
    }
}

/// Path of a new file of `events`.
pub(crate) fn event_path(week: i32, bucket: Option<u32>, id: &str) -> String {
    let week = format_week(week);
    match bucket {
        None => format!("{WEEK}={week}/L0-{id}.parquet"),
        Some(bucket) => format!("{WEEK}={week}/L1-{bucket:04}-{id}.parquet"),
    }
}

fn level_of(path: &str) -> (Level, Option<u32>) {
    let name = path.rsplit('/').next().unwrap_or(path);
    let bucket = name.strip_prefix("L1-").and_then(|rest| rest.split('-').next()?.parse().ok());
    (if bucket.is_some() { Level::Compacted } else { Level::Flushed }, bucket)
}

/// Mondays between which every engine has a date: 0001-01-01 and 9999-12-27. Events outside are kept
/// in the first and the last week.
const WEEKS: (i64, i64) = (-719_162, 2_932_892);

/// The Monday, in days since 1970, of the week an instant falls into.
pub(crate) fn week_of(time: Instant) -> i32 {
    let day = time.0.div_euclid(DAY);
    // 1970-01-01 was a Thursday.
    let monday = day - (day + 3).rem_euclid(7);
    monday.clamp(WEEKS.0, WEEKS.1) as i32
}

/// The instant a week begins.
pub(crate) fn week_start(week: i32) -> Instant {
    Instant(i64::from(week).saturating_mul(DAY))
}

/// A week as its date.
pub(crate) fn format_week(week: i32) -> String {
    let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().days(week));
    date.expect("weeks come from `week_of` or from a date").to_string()
}

fn parse_week(text: &str) -> Option<i32> {
    let date: Date = text.parse().ok()?;
    let span = date.since((jiff::Unit::Day, Date::constant(1970, 1, 1))).ok()?;
    Some(span.get_days())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_instant_has_a_week_that_begins_on_a_monday_and_reads_back() {
        for (micros, date) in [
            (0, "1969-12-29"),
            (20_759 * DAY, "2026-11-02"),
            (20_759 * DAY - 1, "2026-10-26"),
            (i64::MIN, "0001-01-01"),
            (i64::MAX, "9999-12-27"),
        ] {
            let week = week_of(Instant(micros));
            assert_eq!(format_week(week), date);
            assert_eq!(parse_week(date), Some(week));
        }
    }
}

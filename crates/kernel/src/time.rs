//! Instants are microseconds since 1970 UTC. Time comes in through a [`Clock`]; nothing here reads one.

use std::fmt;

/// Microseconds since 1970-01-01T00:00:00Z.
///
/// The last three digits carry an event's position inside the request that brought it (see
/// `intake`), so that events of one millisecond keep the order their sender gave them.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, serde::Serialize, serde::Deserialize,
)]
pub struct Instant(pub i64);

/// Microseconds in a millisecond, a second, a minute, an hour and a day of 24 hours.
pub const MILLISECOND: i64 = 1_000;
/// Microseconds in a second.
pub const SECOND: i64 = 1_000_000;
/// Microseconds in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Microseconds in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Microseconds in a day of 24 hours.
pub const DAY: i64 = 24 * HOUR;

impl Instant {
    /// An instant from milliseconds since 1970.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms.saturating_mul(MILLISECOND))
    }

    /// Whole milliseconds since 1970, rounded down.
    pub const fn millis(self) -> i64 {
        self.0.div_euclid(MILLISECOND)
    }

    /// Reads RFC 3339, with `Z` or an offset, any number of fractional digits. `None` if it is not one.
    pub fn parse(text: &str) -> Option<Self> {
        parse_plain(text.as_bytes())
            .or_else(|| text.parse::<jiff::Timestamp>().ok().map(|t| Self(t.as_microsecond())))
    }

    /// This instant plus `micros`, saturating.
    pub const fn plus(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }
}

/// RFC 3339 in UTC with milliseconds, the form every answer of the API uses.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.millis().saturating_mul(MILLISECOND)) {
            Ok(t) => write!(f, "{t:.3}"),
            Err(_) => write!(f, "{}us", self.0),
        }
    }
}

/// The one shape JavaScript prints, `2026-11-21T18:18:57.737Z`, without the general parser:
/// it is nearly every timestamp on the wire.
fn parse_plain(text: &[u8]) -> Option<Instant> {
    let [
        y1,
        y2,
        y3,
        y4,
        b'-',
        m1,
        m2,
        b'-',
        d1,
        d2,
        b'T',
        h1,
        h2,
        b':',
        i1,
        i2,
        b':',
        s1,
        s2,
        b'.',
        f1,
        f2,
        f3,
        b'Z',
    ] = *text
    else {
        return None;
    };
    let digits =
        |ds: &[u8]| ds.iter().try_fold(0i64, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')));
    let (year, month, day) = (digits(&[y1, y2, y3, y4])?, digits(&[m1, m2])?, digits(&[d1, d2])?);
    let (hour, minute, second) = (digits(&[h1, h2])?, digits(&[i1, i2])?, digits(&[s1, s2])?);
    let millis = digits(&[f1, f2, f3])?;
    if !(1..=12).contains(&month) || !(1..=28).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None; // The general parser knows the length of months.
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Some(Instant((seconds * 1_000 + millis) * MILLISECOND))
}

/// Days since 1970-01-01 of a proleptic Gregorian date (Howard Hinnant, `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Where "now" comes from. The binary's reads the machine; tests turn it by hand.
pub trait Clock: Send + Sync {
    /// The present instant. Never runs backwards.
    fn now(&self) -> Instant;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_form_of_the_sdks_is_read() {
        let cases = [
            ("2026-11-21T18:18:57.737Z", 1_795_285_137_737_000),
            ("2026-11-21T18:19:52.541+00:00", 1_795_285_192_541_000),
            ("2026-11-22T02:19:52.731253+08:00", 1_795_285_192_731_253),
            ("2024-02-29T00:00:00.000Z", 1_709_164_800_000_000),
            ("1969-12-31T23:59:59.999Z", -1_000),
        ];
        for (text, micros) in cases {
            assert_eq!(Instant::parse(text), Some(Instant(micros)), "{text}");
        }
        for text in ["", "yesterday", "2026-02-30T00:00:00.000Z", "2026-13-01T00:00:00.000Z", "12345"] {
            assert_eq!(Instant::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_short_parser_agrees_with_the_general_one() {
        for day in 0..20_000i64 {
            let text = Instant(day * DAY + 3_723_456_000).to_string();
            let general = text.parse::<jiff::Timestamp>().unwrap().as_microsecond();
            assert_eq!(Instant::parse(&text), Some(Instant(general)), "{text}");
        }
    }
}

//! Dates and times as files hold them. Never guesses whether `3/4` is March or April: such a column
//! needs a format in the mapping. A time without an offset needs the mapping's zone.

use jiff::civil::{Date, DateTime};
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::{Offset, TimeZone};
use kernel::Instant;

use super::Cell;

/// How one mapping reads times.
pub(super) struct Reader {
    formats: Vec<String>,
    zone: Option<TimeZone>,
}

/// A time as it stood: on somebody's wall, or on the world's line.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Moment {
    Local(DateTime),
    World(jiff::Timestamp),
}

const NOT_A_TIME: &str = "not a time in any expected format";

impl Reader {
    /// A reader of `formats` (strptime), or of the unambiguous usual forms if there are none.
    pub(super) fn new(formats: &[String], zone: Option<&str>) -> Result<Self, String> {
        for format in formats {
            check(format)?;
        }
        let zone = zone.map(|name| TimeZone::get(name).map_err(|_| format!("unknown time zone `{name}`")));
        Ok(Self { formats: formats.to_vec(), zone: zone.transpose()? })
    }

    /// The instant a cell names.
    pub(super) fn instant(&self, cell: &Cell) -> Result<Instant, &'static str> {
        let timestamp = match self.moment(cell).ok_or(NOT_A_TIME)? {
            Moment::World(timestamp) => timestamp,
            Moment::Local(local) => {
                let zone =
                    self.zone.as_ref().ok_or("a time without an offset; name a zone in the mapping")?;
                zone.to_ambiguous_timestamp(local).compatible().map_err(|_| NOT_A_TIME)?
            }
        };
        Ok(Instant(timestamp.as_microsecond()))
    }

    /// The calendar date a cell names, where the mapping's zone is.
    pub(super) fn date(&self, cell: &Cell) -> Result<Date, &'static str> {
        match self.moment(cell).ok_or("not a date in any expected format")? {
            Moment::Local(local) => Ok(local.date()),
            Moment::World(t) => Ok(t.to_zoned(self.zone.clone().unwrap_or(TimeZone::UTC)).date()),
        }
    }

    fn moment(&self, cell: &Cell) -> Option<Moment> {
        match cell {
            Cell::Instant(_) => usual(cell.text()),
            Cell::Text(_) | Cell::Number(_) if self.formats.is_empty() => {
                compact(cell.text()).or_else(|| usual(cell.text()))
            }
            Cell::Text(_) | Cell::Number(_) => self.formats.iter().find_map(|f| formatted(f, cell.text())),
            Cell::Missing | Cell::Bool(_) | Cell::Json(_) => None,
        }
    }
}

/// A format must name a whole date, by directives that exist.
fn check(format: &str) -> Result<(), String> {
    let sample = jiff::civil::date(2026, 3, 4).at(5, 6, 7, 0).to_zoned(TimeZone::UTC);
    let written = sample.and_then(|sample| jiff::fmt::strtime::format(format, &sample));
    let text = written.map_err(|e| format!("format `{format}`: {e}"))?;
    match formatted(format, &text) {
        Some(_) => Ok(()),
        None => Err(format!("format `{format}` does not name a whole date")),
    }
}

fn formatted(format: &str, text: &str) -> Option<Moment> {
    let parts = BrokenDownTime::parse(format, text).ok()?;
    if parts.offset().is_some() || parts.timestamp().is_some() {
        return parts.to_timestamp().ok().map(Moment::World);
    }
    parts.to_datetime().ok().map(Moment::Local)
}

/// Digits alone: `20260131`, or seconds or milliseconds since 1970.
fn compact(text: &str) -> Option<Moment> {
    if !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number: i64 = text.parse().ok()?;
    match text.len() {
        8 => date(number / 10_000, number / 100 % 100, number % 100).map(|d| Moment::Local(d.at(0, 0, 0, 0))),
        10 => jiff::Timestamp::from_second(number).ok().map(Moment::World),
        13 => jiff::Timestamp::from_millisecond(number).ok().map(Moment::World),
        _ => None,
    }
}

fn date(year: i64, month: i64, day: i64) -> Option<Date> {
    Date::new(i16::try_from(year).ok()?, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

/// Year first, with `-`, `/`, `.` or 年月日 between, then perhaps a time, then perhaps an offset.
fn usual(text: &str) -> Option<Moment> {
    let mut scan = Scan(text);
    let year = scan.digits(4, 4)?;
    let mark = scan.one_of(&['-', '/', '.', '年'])?;
    let month = scan.digits(1, 2)?;
    scan.one_of(&[if mark == '年' { '月' } else { mark }])?;
    let day = scan.digits(1, 2)?;
    if mark == '年' {
        scan.one_of(&['日', '号'])?;
    }
    let date = date(year, month, day)?;
    if scan.0.is_empty() {
        return Some(Moment::Local(date.at(0, 0, 0, 0)));
    }
    if scan.one_of(&['T', 't']).is_none() {
        let rest = scan.0.trim_start_matches(' ');
        if rest.len() == scan.0.len() && mark != '年' {
            return None;
        }
        scan.0 = rest;
    }
    let local = scan.time_of(date)?;
    scan.0 = scan.0.trim_start_matches(' ');
    match scan.offset()? {
        Some(offset) => offset.to_timestamp(local).ok().map(Moment::World),
        None => Some(Moment::Local(local)),
    }
}

/// What is left of a text being read.
struct Scan<'a>(&'a str);

impl Scan<'_> {
    fn digits(&mut self, min: usize, max: usize) -> Option<i64> {
        let length = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        if length < min {
            return None;
        }
        let (digits, rest) = self.0.split_at(length);
        self.0 = rest;
        digits.parse().ok()
    }

    fn one_of(&mut self, marks: &[char]) -> Option<char> {
        let first = self.0.chars().next().filter(|c| marks.contains(c))?;
        self.0 = &self.0[first.len_utf8()..];
        Some(first)
    }

    fn time_of(&mut self, date: Date) -> Option<DateTime> {
        let hour = self.digits(1, 2)?;
        self.one_of(&[':'])?;
        let minute = self.digits(2, 2)?;
        let (mut second, mut nanos) = (0, 0);
        if self.one_of(&[':']).is_some() {
            second = self.digits(2, 2)?;
            if self.one_of(&['.', ',']).is_some() {
                let before = self.0.len();
                let fraction = self.digits(1, 9)?;
                nanos = fraction * 10i64.pow(9 - u32::try_from(before - self.0.len()).ok()?);
                self.0 = self.0.trim_start_matches(|c: char| c.is_ascii_digit());
            }
        }
        let byte = |n: i64| i8::try_from(n).ok();
        let time =
            jiff::civil::Time::new(byte(hour)?, byte(minute)?, byte(second)?, i32::try_from(nanos).ok()?);
        Some(date.to_datetime(time.ok()?))
    }

    /// `Some(None)` at the end of the text, `None` if what is left is no offset.
    fn offset(&mut self) -> Option<Option<Offset>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let offset = match self.one_of(&['Z', 'z', '+', '-'])? {
            'Z' | 'z' => Offset::UTC,
            sign => {
                let hours = self.digits(2, 2)?;
                let has_minutes = self.one_of(&[':']).is_some() || !self.0.is_empty();
                let minutes = if has_minutes { self.digits(2, 2)? } else { 0 };
                let seconds = i32::try_from(hours * 3_600 + minutes * 60).ok()?;
                Offset::from_seconds(if sign == '-' { -seconds } else { seconds }).ok()?
            }
        };
        self.0.is_empty().then_some(Some(offset))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(formats: &[&str], zone: Option<&str>, text: &str) -> String {
        let formats: Vec<String> = formats.iter().map(|f| (*f).to_owned()).collect();
        match Reader::new(&formats, zone).unwrap().instant(&Cell::Text(text.into())) {
            Ok(instant) => instant.to_string(),
            Err(reason) => reason.into(),
        }
    }

    #[test]
    fn the_usual_forms_need_no_format() {
        let noon = "2026-03-04T04:05:06.000Z";
        for text in [
            "2026-03-04 12:05:06",
            "2026-03-04T12:05:06+08:00",
            "2026-03-04 12:05:06 +0800",
            "2026-03-04T04:05:06Z",
            "2026/3/4 12:05:06",
            "2026.03.04 12:05:06.0",
            "2026年3月4日 12:05:06",
            "2026年03月04日12:05:06",
            "1772597106",
            "1772597106000",
        ] {
            assert_eq!(read(&[], Some("Asia/Shanghai"), text), noon, "{text}");
        }
        for text in ["2026-03-04", "2026/3/4", "20260304", "2026年3月4日", "2026-03-04 0:00"] {
            assert_eq!(read(&[], Some("Asia/Shanghai"), text), "2026-03-03T16:00:00.000Z", "{text}");
        }
    }

    #[test]
    fn what_could_be_two_dates_or_none_is_no_date() {
        for text in [
            "3/4/2026",
            "04-03-2026",
            "2026-02-30",
            "2026-13-01",
            "2026-03-04 25:00",
            "yesterday",
            "12345",
            "2026-03-04x",
            "2026-03/04",
        ] {
            assert_eq!(read(&[], Some("UTC"), text), NOT_A_TIME, "{text}");
        }
    }

    #[test]
    fn formats_are_tried_in_order_and_only_they() {
        let formats = ["%m/%d/%Y %H:%M", "%d.%m.%Y"];
        assert_eq!(read(&formats, Some("UTC"), "3/4/2026 9:05"), "2026-03-04T09:05:00.000Z");
        assert_eq!(read(&formats, Some("UTC"), "31.12.2026"), "2026-12-31T00:00:00.000Z");
        assert_eq!(read(&formats, Some("UTC"), "2026-03-04"), NOT_A_TIME);
    }

    #[test]
    fn a_local_time_without_a_zone_is_refused_and_a_summer_time_gap_moves_forward() {
        assert!(read(&[], None, "2026-03-04 12:00").contains("zone"));
        assert_eq!(read(&[], None, "2026-03-04T12:00:00Z"), "2026-03-04T12:00:00.000Z");
        assert_eq!(read(&[], Some("Europe/London"), "2026-03-29 01:30"), "2026-03-29T01:30:00.000Z");
        assert!(Reader::new(&[], Some("Mars/Olympus")).is_err());
    }
}

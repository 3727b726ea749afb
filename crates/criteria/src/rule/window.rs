//! When events count: windows, durations and periods of the calendar.

use kernel::Instant;
use kernel::time::{DAY, HOUR, MINUTE};

use super::Filter;

/// The longest duration: a hundred years, so that no arithmetic on instants overflows.
pub const DURATION_MICROS_MAX: i64 = 36_525 * DAY;

/// When events count.
#[derive(Clone, PartialEq, Debug)]
pub enum Window {
    /// Always.
    Ever,
    /// In `(as_of − duration, as_of]`.
    Last(Duration),
    /// In a period of the calendar.
    Calendar(Period),
    /// From an instant (inclusive) to another (exclusive).
    Between(Option<Instant>, Option<Instant>),
    /// After another event.
    Since(Since),
}

/// After another event.
#[derive(Clone, PartialEq, Debug)]
pub struct Since {
    /// The event's name.
    pub event: String,
    /// Conditions on it.
    pub filters: Vec<Filter>,
    /// After its latest occurrence, or else its first.
    pub is_last: bool,
}

/// A length of time as it was written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Duration {
    /// How many.
    pub count: u32,
    /// Of what.
    pub unit: Unit,
}

/// A unit of time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    /// 60 seconds.
    Minute,
    /// 60 minutes.
    Hour,
    /// 24 hours.
    Day,
    /// 7 days of 24 hours.
    Week,
}

impl Duration {
    /// In microseconds.
    pub fn micros(self) -> i64 {
        i64::from(self.count).saturating_mul(match self.unit {
            Unit::Minute => MINUTE,
            Unit::Hour => HOUR,
            Unit::Day => DAY,
            Unit::Week => 7 * DAY,
        })
    }

    /// Reads `90m`, `2h`, `30d` or `4w`.
    pub fn parse(text: &str) -> Option<Self> {
        let unit = match text.chars().last()? {
            'm' => Unit::Minute,
            'h' => Unit::Hour,
            'd' => Unit::Day,
            'w' => Unit::Week,
            _ => return None,
        };
        let digits = &text[..text.len() - 1];
        let is_plain = digits.bytes().all(|b| b.is_ascii_digit());
        let duration = Self { count: digits.parse().ok().filter(|count| is_plain && *count > 0)?, unit };
        (duration.micros() <= DURATION_MICROS_MAX).then_some(duration)
    }
}

impl std::fmt::Display for Duration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = match self.unit {
            Unit::Minute => 'm',
            Unit::Hour => 'h',
            Unit::Day => 'd',
            Unit::Week => 'w',
        };
        write!(f, "{}{unit}", self.count)
    }
}

/// A period of the workspace's calendar. Weeks start on Monday.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Period {
    /// The local day.
    Today,
    /// The day before.
    Yesterday,
    /// The week from Monday.
    ThisWeek,
    /// The week before.
    LastWeek,
    /// The month.
    ThisMonth,
    /// The month before.
    LastMonth,
    /// The three months from January, April, July or October.
    ThisQuarter,
    /// The quarter before.
    LastQuarter,
    /// The year.
    ThisYear,
    /// The year before.
    LastYear,
}

impl Period {
    /// Every one, with its name.
    pub const ALL: [(&'static str, Self); 10] = [
        ("today", Self::Today),
        ("yesterday", Self::Yesterday),
        ("this_week", Self::ThisWeek),
        ("last_week", Self::LastWeek),
        ("this_month", Self::ThisMonth),
        ("last_month", Self::LastMonth),
        ("this_quarter", Self::ThisQuarter),
        ("last_quarter", Self::LastQuarter),
        ("this_year", Self::ThisYear),
        ("last_year", Self::LastYear),
    ];

    /// The period of this kind that holds the present.
    pub fn present(self) -> Self {
        match self {
            Self::Today | Self::Yesterday => Self::Today,
            Self::ThisWeek | Self::LastWeek => Self::ThisWeek,
            Self::ThisMonth | Self::LastMonth => Self::ThisMonth,
            Self::ThisQuarter | Self::LastQuarter => Self::ThisQuarter,
            Self::ThisYear | Self::LastYear => Self::ThisYear,
        }
    }
}

//! Time cut into local days, weeks or months.

use criteria::Zone;
use criteria::rule::Period;
use kernel::Instant;

use crate::spec::Every;

/// Periods that follow one another without gap.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    /// Where each begins; after the last, where that ends.
    borders: Vec<i64>,
}

/// Remembers the period that was asked for last: neighbours mostly lie in one.
pub(crate) struct Lookup<'c> {
    borders: &'c [i64],
    place: usize,
    from: i64,
    until: i64,
}

impl Calendar {
    /// The periods that have a part in `from..until`, but not more than `most`.
    ///
    /// # Errors
    /// More periods than that, or no beginning.
    pub(crate) fn new(
        zone: &Zone,
        every: Every,
        (from, until): (i64, i64),
        most: usize,
    ) -> kernel::Result<Self> {
        if from == i64::MIN || until <= from {
            return Err(kernel::Failure::invalid(
                "window",
                "a window that begins somewhere and is not empty",
            ));
        }
        let period = match every {
            Every::Day => Period::Today,
            Every::Week => Period::ThisWeek,
            Every::Month => Period::ThisMonth,
        };
        let mut borders = Vec::new();
        let mut at = from;
        while at < until {
            if borders.len() == most {
                return Err(kernel::Failure::LimitExceeded {
                    limit: "periods of a question",
                    max: most as u64,
                });
            }
            let (start, end) = zone.period(period, Instant(at));
            borders.push(start.0);
            // A day that clocks skipped is empty.
            at = end.0.max(at + 1);
        }
        borders.push(at);
        Ok(Self { borders })
    }

    /// How many periods there are.
    pub(crate) fn len(&self) -> usize {
        self.borders.len() - 1
    }

    /// Where a period begins.
    pub(crate) fn start(&self, period: usize) -> Instant {
        Instant(self.borders[period])
    }

    /// For asking often.
    pub(crate) fn lookup(&self) -> Lookup<'_> {
        Lookup { borders: &self.borders, place: 0, from: i64::MAX, until: i64::MIN }
    }
}

impl Lookup<'_> {
    /// The period an instant lies in; the nearest, if in none.
    #[inline]
    pub(crate) fn period(&mut self, at: i64) -> usize {
        if at < self.from || at >= self.until {
            let later = self.borders.partition_point(|border| *border <= at);
            self.place = later.saturating_sub(1).min(self.borders.len() - 2);
            (self.from, self.until) = (self.borders[self.place], self.borders[self.place + 1]);
        }
        self.place
    }
}

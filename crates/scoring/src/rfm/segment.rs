//! Ten named segments: a partition of the R×F grid (§4.3).

use serde::{Deserialize, Serialize};

/// A segment.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// R5, F4–5.
    Champions,
    /// R3–4, F4–5.
    Loyal,
    /// R4–5, F2–3.
    PotentialLoyalist,
    /// R5, F1.
    New,
    /// R4, F1.
    Promising,
    /// R3, F3.
    NeedAttention,
    /// R3, F1–2.
    AboutToSleep,
    /// R1–2, F3–4.
    AtRisk,
    /// R1–2, F5.
    CannotLose,
    /// R1–2, F1–2.
    Hibernating,
}

impl Segment {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Champions,
        Self::Loyal,
        Self::PotentialLoyalist,
        Self::New,
        Self::Promising,
        Self::NeedAttention,
        Self::AboutToSleep,
        Self::AtRisk,
        Self::CannotLose,
        Self::Hibernating,
    ];

    /// The segment of a cell of the grid, both scores 1–5.
    pub const fn of(recency: u8, frequency: u8) -> Self {
        match (recency, frequency) {
            (5.., 4 | 5..) => Self::Champions,
            (3 | 4, 4 | 5..) => Self::Loyal,
            (4 | 5.., 2 | 3) => Self::PotentialLoyalist,
            (5.., _) => Self::New,
            (4, _) => Self::Promising,
            (3, 3) => Self::NeedAttention,
            (3, _) => Self::AboutToSleep,
            (_, 5..) => Self::CannotLose,
            (_, 3 | 4) => Self::AtRisk,
            _ => Self::Hibernating,
        }
    }

    /// Its name in rules.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Champions => "champions",
            Self::Loyal => "loyal",
            Self::PotentialLoyalist => "potential_loyalist",
            Self::New => "new",
            Self::Promising => "promising",
            Self::NeedAttention => "need_attention",
            Self::AboutToSleep => "about_to_sleep",
            Self::AtRisk => "at_risk",
            Self::CannotLose => "cannot_lose",
            Self::Hibernating => "hibernating",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::RangeInclusive;

    /// The mapping as the specification writes it.
    const WRITTEN: [(Segment, RangeInclusive<u8>, RangeInclusive<u8>); 10] = [
        (Segment::Champions, 5..=5, 4..=5),
        (Segment::Loyal, 3..=4, 4..=5),
        (Segment::PotentialLoyalist, 4..=5, 2..=3),
        (Segment::New, 5..=5, 1..=1),
        (Segment::Promising, 4..=4, 1..=1),
        (Segment::NeedAttention, 3..=3, 3..=3),
        (Segment::AboutToSleep, 3..=3, 1..=2),
        (Segment::AtRisk, 1..=2, 3..=4),
        (Segment::CannotLose, 1..=2, 5..=5),
        (Segment::Hibernating, 1..=2, 1..=2),
    ];

    #[test]
    fn each_of_the_25_cells_is_in_exactly_one_segment_section_4_3() {
        for r in 1..=5 {
            for f in 1..=5 {
                let written: Vec<Segment> = WRITTEN
                    .iter()
                    .filter(|(_, recency, frequency)| recency.contains(&r) && frequency.contains(&f))
                    .map(|(segment, _, _)| *segment)
                    .collect();
                assert_eq!(written, [Segment::of(r, f)], "R{r} F{f}");
            }
        }
    }
}

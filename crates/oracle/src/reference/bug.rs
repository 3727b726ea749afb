//! Mistakes the comparison of the two evaluators has to notice.

/// A mistake to plant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Bug {
    /// None.
    None,
    /// `last` windows include their start.
    ClosedWindow,
    /// `ne` and `not_in` hold of what is missing.
    NotEqualToMissing,
    /// An absent step holds before the wait is over.
    Impatient,
    /// Later steps of a sequence may happen at the time of the one before.
    SameTimeStep,
    /// Later steps are limited to the window.
    StepsInWindow,
    /// `since` includes the event itself.
    ClosedSince,
    /// `first` takes the first event even if it lacks the property.
    FirstWithoutProperty,
    /// Days are those of UTC.
    UtcDays,
    /// Events of one time are ordered the other way.
    ReversedTies,
    /// Any element of a list is only the first one.
    FirstElementOnly,
    /// Values of several types are told apart by their text.
    DistinctByText,
}

impl Bug {
    /// Every mistake.
    pub const ALL: [Self; 11] = [
        Self::ClosedWindow,
        Self::NotEqualToMissing,
        Self::Impatient,
        Self::SameTimeStep,
        Self::StepsInWindow,
        Self::ClosedSince,
        Self::FirstWithoutProperty,
        Self::UtcDays,
        Self::ReversedTies,
        Self::FirstElementOnly,
        Self::DistinctByText,
    ];
}

//! The demo's span of time: offsets in seconds from its first midnight in Shanghai.

use kernel::Instant;

/// 2024-07-01T00:00:00+08:00, where history begins.
const START_UNIX: i64 = 1_719_763_200;
/// Seconds in a day.
pub(crate) const DAY: u32 = 86_400;
/// 2026-06-30T23:59:59+08:00, the `as_of` of every expected figure.
pub(crate) const AS_OF: u32 = 730 * DAY - 1;
/// Nothing happens in the last minutes, so that no clock that runs 90 s ahead passes `as_of`.
pub(crate) const LATEST: u32 = AS_OF - 600;
/// Behaviour covers the last 90 days.
pub(crate) const BEHAVIOUR_FROM: u32 = AS_OF - 90 * DAY;
/// 2026-04-01T00:00:00+08:00: the store that closes was open until the evening before.
pub(crate) const CLOSED_FROM: u32 = 639 * DAY;
/// 2026-05-15T00:00:00+08:00, when the call centre renames a field.
pub(crate) const RENAMED_FROM: u32 = 683 * DAY;
/// 2031-01-02T00:00:00+08:00: in the future whenever the demo is loaded in this decade.
pub(crate) const FAR_FUTURE: u32 = 2_376 * DAY;

/// The instant `offset_ms` after the beginning of history.
pub(crate) fn instant(offset_ms: i64) -> Instant {
    Instant::from_millis(START_UNIX * 1_000 + offset_ms)
}

/// The calendar day of `instant` in Shanghai, which has kept +08:00 all through the span.
pub(crate) fn local_day(instant: Instant) -> String {
    let mut text = instant.plus(8 * kernel::time::HOUR).to_string();
    text.truncate("2026-06-30".len());
    text
}

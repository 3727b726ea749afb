//! Everything has a limit, and every limit has a name, a unit and a reason.

/// A request body after decompression. RudderStack's Python SDK sends batches of up to 4 MB.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// A request body as it arrives, compressed or not.
pub const BODY_WIRE_BYTES_MAX: usize = 5 << 20;
/// One event. Segment's public limit, which every SDK already keeps.
pub const EVENT_BYTES_MAX: usize = 32 << 10;
/// Events in one request; Segment's limit.
pub const BATCH_EVENTS_MAX: usize = 2_500;
/// Characters of a message id.
pub const MESSAGE_ID_CHARS_MAX: usize = 100;
/// Bytes of an identifier's value. 神策 allows 255 characters, which are at most four bytes each.
pub const IDENTIFIER_BYTES_MAX: usize = 1_020;
/// Bytes of an event's or property's name.
pub const NAME_BYTES_MAX: usize = 400;
/// Nesting of JSON in an event. RudderStack documents 200; nothing real passes 64.
pub const JSON_DEPTH_MAX: usize = 64;
/// Items of one page of a list.
pub const PAGE_ITEMS_MAX: u32 = 200;
/// Items of a page when the caller does not say.
pub const PAGE_ITEMS_DEFAULT: u32 = 50;
/// How far in the future an event may lie, in microseconds: clocks differ.
pub const FUTURE_MICROS_MAX: i64 = 5 * crate::time::MINUTE;
/// How far in the past an event may lie, in microseconds: 36 months. Imports are exempt.
pub const PAST_MICROS_MAX: i64 = 1_096 * crate::time::DAY;

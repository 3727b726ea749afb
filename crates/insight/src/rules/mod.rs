//! Pure decisions: which value counts, how events are packed, what a search finds.

pub mod algebra;
mod any_value;
pub mod chunk;
pub mod mask;
pub mod search;
pub mod survivorship;
pub mod tag;
pub(crate) mod varint;

//! Questions about everybody: what is asked, what has to be read for it, and what comes of it.
//!
//! ```text
//! JSON ─▶ Question ─▶ Plan ── needs: events, columns, stretches of time, traits, audiences
//!                      │
//!                      ├─ operator per bucket ◀─ parties or blocks of rows ─▶ Partial ─┐ merged in any
//!                      ├─ operator per bucket ◀─ …                          ─▶ Partial ─┤ order, sent as
//!                      └─ finish ◀────────────────────────────────────────────────────┘ bytes
//!                           └▶ Answer: numbers, each with its people on request
//! ```
//!
//! An operator sees the parties of one bucket and nothing else, so buckets are independent: threads, overlays
//! and machines differ only in who feeds the operators. Rules go through the evaluator of `criteria`; frequent
//! questions have operators of their own. Nothing here reads a file, a database or a clock.

pub mod answer;
mod at;
mod calendar;
mod cells;
pub mod form;
mod kinds;
pub mod memory;
pub mod needs;
pub mod operator;
pub mod partial;
pub mod people;
pub mod plan;
mod sieve;
pub mod spec;
#[cfg(test)]
mod tests;
pub mod which;
mod wire;

pub use answer::{Answer, Count, Finding};
pub use needs::{Need, Needs, Order};
pub use operator::{Block, Operator, Rows, Slice};
pub use partial::Partial;
pub use people::People;
pub use plan::Plan;
pub use spec::{Ask, Question};
pub use which::Which;

//! The rule language: conditions on one party at one instant, and their only evaluator.
//!
//! ```text
//! JSON ── Rule::parse ──▶ Rule ── check ──▶ Program::compile ──▶ Evaluator::at(party, as_of)
//!                                                 │                 holds · outcome · explain
//!                                    needs: runs, columns, traits …
//! ```
//!
//! A rule is evaluated over the party's events up to `as_of` ([`Timeline`]), and its traits, tags,
//! scores, stages, memberships, consents and related records ([`Subject`]). The stream asks for one
//! party when a fact arrives, the lake for millions over slices of columns; both ask this evaluator, so
//! they agree. The result is a pure function of what is given: no clock is read, nothing is fetched.
//!
//! An outcome says from when on it can differ without a new fact (`changes_at`): never too late, and
//! exactly for every leaf but those whose `where` looks at ages (`evaluate::relative`).
//!
//! Where the specification leaves room, this is how it is read:
//!
//! - Text that is RFC 3339 counts as an instant for `before`, `after`, `within_last` and `older_than`; next
//!   to a field that is an instant, a text literal counts as one.
//! - `min` and `max` look at numbers, or at instants where they are compared by those four.
//!   `distinct` counts texts, numbers, booleans and instants, and tells types apart.
//! - With `[]` in a path every element counts: for sums and `distinct` each, for comparisons any.
//!   `missing` is the opposite of `exists`.
//! - `matches` looks anywhere in the text. `within_km` takes `{"lat","lon","km"}` and meets objects with
//!   `lat` and `lon` (or `lng`).
//! - A local day begins when the clocks first show its midnight or later (`zone`).
//! - Events of one microsecond are ordered by their keys (`Timeline::key`), which arrival cannot change.
//!
//! What this crate leaves to others: which events, traits and memberships a party has.

pub mod check;
pub mod column;
pub mod cycle;
mod error;
pub mod evaluate;
pub mod number;
pub mod path;
mod probe;
pub mod program;
mod read;
pub mod rule;
pub mod subject;
pub mod text;
pub mod timeline;
pub mod value;
mod write;
pub mod zone;

pub use check::Schema;
pub use column::{Column, Timeline};
pub use error::Error;
pub use evaluate::{Evaluation, Evaluator, Explanation, Input, Outcome, Party, Point};
pub use program::Program;
pub use rule::Rule;
pub use subject::{Facts, Subject};
pub use zone::Zone;

#[cfg(test)]
mod tests;

//! Activation, first part: what is known goes to destinations.
//!
//! A *destination* is a definition: what it follows, what is told of a party, and how it is reached. It
//! follows ledgers (who entered and left an audience), which are durable and numbered without gaps, so
//! there is no second outbox: a destination has a cursor in each ledger, and a row for every change that it
//! has accounted for. Whether anything may leave is decided when it leaves ([`rules::consent`]).
//!
//! ```text
//! ledger ─▶ plan: who, may it, what ─▶ claim (fence) ─▶ send ─▶ record: rows, cursor, counts (fence)
//! ```
//!
//! A crash between sending and recording sends again, under the same key. One destination's trouble is its
//! own: each has a task, a window and a pace of its own ([`dispatch`]).

pub mod commands;
pub mod compose;
pub mod consent;
pub mod dispatch;
pub mod file;
pub mod ledger;
pub mod list;
pub mod open;
pub mod ports;
pub mod routes;
pub mod rules;
pub mod seal;
pub mod store;

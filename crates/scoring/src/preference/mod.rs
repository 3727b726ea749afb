//! Preferences: contact channel, transaction channel, payment pattern, best time, taste (§4.15). See
//! docs/definitions/preference.md.

pub mod contact;
pub mod hour;
pub mod payment;
pub mod taste;
pub mod transaction;

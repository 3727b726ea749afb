//! The two lifecycle machines of §3.9: relation (how certain demand is) and purchase (what was bought
//! how often). Two, because they speak of different facts. See docs/definitions/lifecycle.md.

pub mod purchase;
pub mod relation;

//! The two lifecycle machines of §3.9: relation (certainty of demand) and purchase (counts of orders).
pub mod relation;

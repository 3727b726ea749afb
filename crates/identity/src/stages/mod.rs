//! The stage that finds whose facts an event's are.

mod evidence;
mod known;
mod resolve_identity;
mod sighting;

pub use resolve_identity::ResolveIdentity;

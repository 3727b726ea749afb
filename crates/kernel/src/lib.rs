//! The words every crate shares, and nothing else: ids, instants, scope, failure, limits.
//!
//! Pure. No clock is read here, no randomness drawn, no file opened; `Clock` and `IdSource` are
//! traits whose real implementations live in the binary and whose fixed ones live in `testkit`.

pub mod decimal;
pub mod digest;
pub mod failure;
pub mod id;
pub mod json;
pub mod limits;
pub mod scope;
pub mod time;

pub use failure::{Failure, Result};
pub use id::{Key, NodeNo, PartyId, PartyNo, SourceNo, WorkspaceNo};
pub use scope::Scope;
pub use time::Instant;

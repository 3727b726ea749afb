//! Workspaces, their sources and API tokens, and the audit log: who may do what, where.
//!
//! A workspace is the wall of the system. Its secret keys every hash (identifiers, events), so the
//! same mobile number has unrelated names in two workspaces. Secrets themselves are stored only as
//! SHA-256; a token or write key is shown once, when it is made.

pub mod installation;
pub mod routes;
pub mod rules;
pub mod store;

pub use installation::Installation;
pub use rules::credential;
pub use store::source::Source;
pub use store::workspace::Workspace;

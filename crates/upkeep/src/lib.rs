//! Jobs that keep what is known up to date: scheduled audiences and tags, the values of SQL tags, what models know of
//! everybody, what the seed of a look-alike has in common.
//!
//! Each only asks, by a command in the log, and watches until the pipeline has filled what it asked for. So a replay
//! does the same at the same place among the events, and a second attempt does no harm.

pub mod audience;
pub mod everybody;
pub mod replace;
pub mod tag;

use std::time::Duration;

pub use audience::RefreshAudience;
pub use everybody::{FitTag, RefreshConstants};
pub use replace::{Queries, ReplaceTag};
pub use tag::RefreshTag;

/// How often it is looked whether the pipeline is done.
const POLL: Duration = Duration::from_millis(250);

//! Rules over parties as the store has them: what the stream evaluates one by one.
//!
//! [`Definitions`] are the rules of a workspace made ready; [`load`] reads what they need to know of one
//! party; [`settle`] evaluates parties and keeps who is in which audience; a [`Question`] is a rule that is
//! asked once, of one party or of everybody ([`scan`], or the lake: [`ask`]). What a rule means is decided in `criteria`; when to
//! look at whom, in `stages`.

mod cache;
mod definitions;
mod everybody;
mod evidence;
mod load;
mod question;
mod references;
mod scan;
mod sets;
mod settle;

pub use cache::Cache;
pub use definitions::{Definitions, compile};
pub use everybody::{GoOn, Lakes, Later, Pinned, ask, members};
pub use evidence::{Seen, seen};
pub use load::{Loaded, load};
pub use question::{Answer, Moment, Question};
pub use references::{all_there, no_circle, users};
pub use scan::{Found, scan};
pub use sets::Sets;
pub use settle::{Bench, Touch, is_settled, settle};

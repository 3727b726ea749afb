//! Rules over parties as the store has them: what the stream evaluates one by one.
//!
//! [`Definitions`] are the audiences and tags of a workspace made ready; [`load`] reads what they need to know
//! of one party; [`settle`] evaluates parties and keeps who is in which audience and what tags they have; a
//! [`Question`] is a rule or a tag that is asked once, of one party or of everybody ([`scan`], or the lake:
//! [`ask`]). What a rule means is decided in `criteria`; when to
//! look at whom, in `stages`.

mod cache;
mod catalogue;
mod definitions;
mod everybody;
mod evidence;
mod load;
mod model;
mod question;
mod scan;
mod sets;
mod settle;
mod sheet;
mod tagged;

pub use cache::Cache;
pub use catalogue::{Catalogue, document_asks, reference_to};
pub use definitions::{Definitions, Unit, compile};
pub use everybody::{GoOn, Lakes, Later, Pinned, ask, members};
pub use evidence::{Seen, seen};
pub use load::{Assigned, Loaded, load, load_with};
pub use model::{Prepared, Sight, Worked};
pub use question::{Answer, Asked, Moment, Question, Standing};
pub use scan::{Found, scan, scan_each};
pub use sets::Sets;
pub use settle::{Bench, Touch, is_settled, settle};
pub use sheet::Verdict;
pub use tagged::{Computed, Tagged, rules_of};

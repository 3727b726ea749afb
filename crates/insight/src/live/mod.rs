//! Rules over parties as the store has them: what the stream evaluates one by one.
//!
//! [`Definitions`] are the rules of a workspace made ready; [`load`] reads what they need to know of one
//! party; [`settle`] evaluates parties and keeps who is in which audience. What a rule means is decided
//! in `criteria`; when to look at whom, in `stages`.

mod definitions;
mod load;
mod settle;

pub use definitions::{Definitions, compile};
pub use load::{Loaded, load};
pub use settle::{Settled, Touch, is_settled, settle};

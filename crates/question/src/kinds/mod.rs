//! The kinds of questions, each with its operator.

mod latest;
mod members;

use crate::plan::{Kind, Setting};
use crate::spec::Ask;

/// Makes a question of any kind ready.
pub(crate) fn kind(ask: &Ask, setting: Setting) -> kernel::Result<Box<dyn Kind>> {
    Ok(match ask {
        Ask::Members(who) => Box::new(members::Members::new(&who.0, setting)),
        Ask::Latest(latest) => Box::new(latest::LatestOf::new(latest, setting)),
    })
}

//! The kinds of questions, each with its operator.

mod absence;
mod breakdown;
mod closure;
mod data_funnel;
mod funnel;
mod groups;
mod latest;
mod members;
mod paths;
mod retention;
mod rfm;
mod sessions;
mod top;
mod trend;

use crate::plan::{Kind, Setting};
use crate::sieve::sifted;
use crate::spec::Ask;

/// The named segment of a cell of recency and frequency.
#[cfg(test)]
pub(crate) use rfm::segment;

/// Makes a question of any kind ready.
pub(crate) fn kind(ask: &Ask, setting: Setting) -> kernel::Result<Box<dyn Kind>> {
    let (zone, as_of) = (setting.zone.clone(), setting.as_of);
    let kind: Box<dyn Kind> = match ask {
        Ask::Members(who) => Box::new(members::Members::new(&who.0, setting)),
        Ask::Latest(latest) => Box::new(latest::LatestOf::new(latest, &setting)),
        Ask::Funnel(funnel) => Box::new(funnel::Chain::new(funnel, &setting)?),
        Ask::Retention(retention) => Box::new(retention::Returns::new(retention, &setting)?),
        Ask::Absence(absence) => Box::new(absence::Without::new(absence, &setting)),
        Ask::Rfm(rfm) => Box::new(rfm::Scores::new(rfm, setting)),
        Ask::Top(top) => Box::new(top::Things::new(top, &setting)?),
        Ask::Overlap(overlap) => Box::new(groups::Several::new(overlap, setting)?),
        Ask::Profile(profile) => Box::new(groups::Portrait::new(profile, setting)?),
        Ask::Breakdown(breakdown) => Box::new(breakdown::Divided::new(breakdown, &setting)?),
        Ask::Sessions(sessions) => Box::new(sessions::Stays::new(sessions, &setting)?),
        Ask::Paths(paths) => Box::new(paths::Ways::new(paths, &setting)?),
        Ask::Closure(closure) => Box::new(closure::Closing::new(closure, &setting)?),
        Ask::DataFunnel(funnel) => Box::new(data_funnel::Narrowing::new(funnel, setting)?),
        Ask::Trend(trend) => Box::new(trend::Course::new(trend, &setting)?),
    };
    Ok(sifted(kind, &zone, as_of))
}

//! What is computed over everyone, now and then, and applied to one party at a time.
//!
//! Facts are added in any order; [`Builder::finish`] sorts by party first, so that the same population
//! gives the same bytes. Constants are stored as JSON; a new shape gets the next [`VERSION`].

use serde::{Deserialize, Serialize};

use crate::activity;
use crate::day::Day;
use crate::facts::{Facts, Kind, Peer};
use crate::peers::{Grouped, Member};
use crate::settings::Settings;
use crate::statistics::{median, sorted};

/// The version of the stored shape.
pub const VERSION: u32 = 1;

/// Constants of all models of a workspace.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Constants {
    /// The version of the shape.
    pub version: u32,
    /// The day they were computed for: a run.
    pub day: Day,
    /// How many parties were looked at.
    pub parties: u64,
    /// The median of positive raw activity.
    pub activity: Grouped<Option<f64>>,
}

impl Constants {
    /// Constants over all the facts given.
    pub fn of<'a>(population: impl IntoIterator<Item = &'a Facts>, settings: &Settings, today: Day) -> Self {
        let mut builder = Builder::new(settings.clone(), today);
        population.into_iter().for_each(|facts| builder.add(facts));
        builder.finish()
    }

    /// K of the activity score among the peers of a party.
    pub fn activity_midpoint(&self, facts: &Facts) -> Option<f64> {
        *self.activity.get(facts)?
    }
}

/// Takes the facts of one party after the other, keeping a few numbers of each.
#[derive(Debug)]
pub struct Builder {
    settings: Settings,
    today: Day,
    rows: Vec<Row>,
}

#[derive(Debug)]
struct Row {
    party: u32,
    kind: Kind,
    peer: Peer,
    activity: f64,
}

impl Member for Row {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

impl Builder {
    /// Nothing added yet.
    pub const fn new(settings: Settings, today: Day) -> Self {
        Self { settings, today, rows: Vec::new() }
    }

    /// Takes one party into account.
    pub fn add(&mut self, facts: &Facts) {
        self.rows.push(Row {
            party: facts.party,
            kind: facts.kind,
            peer: facts.peer.clone(),
            activity: activity::raw(facts, &self.settings.activity, self.today),
        });
    }

    /// The constants.
    pub fn finish(mut self) -> Constants {
        self.rows.sort_by_key(|row| row.party);
        let positive = |values: &mut dyn Iterator<Item = f64>| median(&sorted(values.filter(|v| *v > 0.0)));
        Constants {
            version: VERSION,
            day: self.today,
            parties: self.rows.len() as u64,
            activity: Grouped::of(&self.rows, |rows| positive(&mut rows.iter().map(|row| row.activity))),
        }
    }
}

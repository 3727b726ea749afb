//! What is computed over everyone, now and then, and applied to one party at a time.
//!
//! Facts are added in any order; [`Builder::finish`] sorts by party first, so that the same population
//! gives the same bytes. Constants are stored as JSON; a new shape gets the next [`VERSION`].

mod build;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::day::Day;
use crate::facts::Facts;
use crate::peers::Grouped;
use crate::rhythm::{self, Rhythm};
use crate::settings::Settings;
use crate::statistics::{self, Distribution};
use crate::{clv, purchasing_power, rfm, tier, willingness};

pub use build::Builder;

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
    /// How raw activity is distributed.
    pub engagement: Grouped<Distribution>,
    /// The median of the strongest intent of those who have any.
    pub demand: Grouped<Option<f64>>,
    /// How many categories there are.
    pub categories: u32,
    /// Channels orders come from, ascending.
    pub channels: Vec<String>,
    /// Of RFM.
    pub rfm: rfm::Constants,
    /// Of rhythm.
    pub rhythm: Grouped<rhythm::Peers>,
    /// Of purchasing power.
    pub purchasing_power: purchasing_power::Constants,
    /// How price sensitivity is distributed.
    pub price_sensitivity: Distribution,
    /// The fits of customer value.
    pub clv: clv::Fit,
    /// The classifier of willingness.
    pub willingness: willingness::Classifier,
    /// Answers by the hour of the week.
    pub hours: Grouped<Vec<u32>>,
    /// The last runs of stars and diamonds, oldest first.
    pub runs: Vec<tier::Run>,
}

impl Constants {
    /// Constants over all the facts given.
    pub fn of<'a>(population: impl IntoIterator<Item = &'a Facts>, settings: &Settings, today: Day) -> Self {
        let mut builder = Builder::new(settings.clone(), today);
        population.into_iter().for_each(|facts| builder.add(facts));
        builder.finish()
    }

    /// Every number rounded as it is stored, so that constants that were read back are those that were computed.
    fn rounded(self) -> Self {
        let rounded = serde_json::to_value(&self).map(round).and_then(serde_json::from_value);
        rounded.unwrap_or(self)
    }

    /// K of the activity score among the peers of a party.
    pub fn activity_midpoint(&self, facts: &Facts) -> Option<f64> {
        *self.activity.get(facts)?
    }

    /// K of the demand score among the peers of a party.
    pub fn demand_midpoint(&self, facts: &Facts) -> Option<f64> {
        *self.demand.get(facts)?
    }

    /// θ of a party with a rhythm.
    pub fn threshold(&self, facts: &Facts, rhythm: &Rhythm, settings: &Settings) -> f64 {
        let peers = self.rhythm.get(facts).copied();
        rhythm.threshold(peers.unwrap_or(rhythm::Peers { ratio: None, mean_days: None }), &settings.rhythm)
    }
}

/// Rounds every number that is not whole.
fn round(json: Json) -> Json {
    match json {
        Json::Number(number) if number.is_f64() => {
            number.as_f64().map_or(Json::Number(number), |number| Json::from(statistics::rounded(number)))
        }
        Json::Array(items) => Json::Array(items.into_iter().map(round).collect()),
        Json::Object(members) => {
            Json::Object(members.into_iter().map(|(name, json)| (name, round(json))).collect())
        }
        other => other,
    }
}

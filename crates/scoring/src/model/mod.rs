//! The face all models share.
//!
//! A measure that is relative to a population is in two parts (architecture, idea 2):
//!
//! 1. [`Constants`](crate::Constants), computed now and then from the facts of everyone, stored with a version;
//! 2. [`Model::apply`], which needs the facts of one party only, and is what the stream calls.
//!
//! ```text
//! facts of everyone ──► Constants::of ──► stored, versioned
//!                                              │
//! facts of one party ──────────────► Model::apply ──► value, inputs, reasons, changes_on
//! ```
//!
//! Both are pure: the same facts, constants, settings and day give the same bytes.

pub mod needs;
pub mod value;

pub use needs::{Event, Role};
pub use value::{Input, Measure, Reason, Value};

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::day::Day;
use crate::facts::Facts;
use crate::settings::Settings;

/// A model. Its [`key`](Model::key) is what rules call it: `{"score": "activity", …}`, `{"stage": "purchase", …}`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// Three digits: recency, frequency, money (§4.3).
    Rfm,
    /// One of ten named segments of the R×F grid (§4.3).
    RfmSegment,
    /// One of the eight value groups standard in China (§4.3).
    RfmValue,
    /// 0–100 (§4.7).
    Activity,
    /// 0–100 (§4.8).
    Demand,
    /// 0–1: how far the demand is for one thing (§4.8).
    Clarity,
    /// 0–1: how sure the demand is (§3.8).
    Certainty,
    /// 0–100 (§4.9).
    PurchasingPower,
    /// 0–100 (§4.6).
    Completeness,
    /// 0–100: the weighted total of the four scores (SCO-06).
    Total,
    /// 0–100 (§4.9).
    Loyalty,
    /// 0–1, or 0–100 by rule where the classifier is not fit (§4.9).
    Willingness,
    /// 0–1 (§4.9).
    PriceSensitivity,
    /// Days since the last order by the party's own threshold (§4.5).
    Silence,
    /// `none`, `yellow`, `orange`, `red` (§4.5).
    SilenceWarning,
    /// The purchase machine (§3.9).
    Purchase,
    /// The relation machine (§3.9).
    Relation,
    /// Money expected in the next twelve months (§4.4).
    Clv,
    /// 0–1: the chance that the party is still a customer (§4.4). Not an alarm.
    Alive,
    /// The contact channel it answers on (§4.15).
    ContactChannel,
    /// Where it buys (§4.15).
    TransactionChannel,
    /// The hour of the week it answers in (§4.15).
    BestTime,
    /// 1–9: realised contribution (§4.10).
    Stars,
    /// 1–9: potential and relationship (§4.10).
    Diamonds,
    /// One of nine blocks of treatment (§4.10).
    Treatment,
}

/// What a model's value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Output {
    /// A number.
    Score,
    /// A word.
    Tag,
    /// The state of a machine.
    Stage,
}

impl Model {
    /// All of them, each after those whose values it uses.
    pub const ALL: [Self; 25] = [
        Self::Rfm,
        Self::RfmSegment,
        Self::RfmValue,
        Self::Activity,
        Self::Demand,
        Self::Clarity,
        Self::Certainty,
        Self::PurchasingPower,
        Self::Completeness,
        Self::Total,
        Self::Loyalty,
        Self::Willingness,
        Self::PriceSensitivity,
        Self::Silence,
        Self::SilenceWarning,
        Self::Purchase,
        Self::Clv,
        Self::Alive,
        Self::ContactChannel,
        Self::TransactionChannel,
        Self::BestTime,
        Self::Stars,
        Self::Diamonds,
        Self::Treatment,
        Self::Relation,
    ];

    /// What rules and the API call it.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Rfm => "rfm",
            Self::RfmSegment => "rfm_segment",
            Self::RfmValue => "rfm_value",
            Self::Activity => "activity",
            Self::Demand => "demand",
            Self::Clarity => "clarity",
            Self::Certainty => "certainty",
            Self::PurchasingPower => "purchasing_power",
            Self::Completeness => "completeness",
            Self::Total => "total",
            Self::Loyalty => "loyalty",
            Self::Willingness => "willingness",
            Self::PriceSensitivity => "price_sensitivity",
            Self::Silence => "silence",
            Self::SilenceWarning => "silence_warning",
            Self::Purchase => "purchase",
            Self::Relation => "relation",
            Self::Clv => "clv",
            Self::Alive => "alive",
            Self::ContactChannel => "contact_channel",
            Self::TransactionChannel => "transaction_channel",
            Self::BestTime => "best_time",
            Self::Stars => "stars",
            Self::Diamonds => "diamonds",
            Self::Treatment => "treatment",
        }
    }

    /// The model of a key.
    pub fn by_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|model| model.key() == key)
    }

    /// What its value is.
    pub const fn output(self) -> Output {
        match self {
            Self::Purchase | Self::Relation => Output::Stage,
            Self::Rfm
            | Self::RfmSegment
            | Self::RfmValue
            | Self::SilenceWarning
            | Self::ContactChannel
            | Self::TransactionChannel
            | Self::BestTime
            | Self::Treatment => Output::Tag,
            _ => Output::Score,
        }
    }

    /// Its value for one party, all of whose facts up to now are given, on a local day.
    pub fn apply(self, facts: &Facts, constants: &Constants, settings: &Settings, today: Day) -> Value {
        use crate::lifecycle::{purchase, relation};
        use crate::preference::{contact, hour, transaction};
        use crate::{activity, clv, demand, loyalty, price_sensitivity, purchasing_power, quality, rfm};
        use crate::{silence, tier, total, willingness};

        match self {
            Self::Rfm => rfm::code(facts, constants, &settings.rfm, today),
            Self::RfmSegment => rfm::segment(facts, constants, &settings.rfm, today),
            Self::RfmValue => rfm::value_group(facts, constants, &settings.rfm, today),
            Self::Activity => activity::apply(facts, constants, &settings.activity, today),
            Self::Demand => demand::apply(facts, constants, &settings.demand, today),
            Self::Clarity => demand::apply_clarity(facts, constants, &settings.demand, today),
            Self::Certainty => demand::apply_certainty(facts, constants, settings, today),
            Self::PurchasingPower => {
                purchasing_power::apply(facts, constants, &settings.purchasing_power, today)
            }
            Self::Completeness => quality::apply(facts, today),
            Self::Total => total::apply(facts, constants, settings, today),
            Self::Loyalty => loyalty::apply(facts, constants, settings, today),
            Self::Willingness => willingness::apply(facts, constants, settings, today),
            Self::PriceSensitivity => {
                price_sensitivity::apply(facts, constants, &settings.price_sensitivity, today)
            }
            Self::Silence => silence::apply(facts, constants, settings, today),
            Self::SilenceWarning => silence::warn(facts, constants, settings, today),
            Self::Purchase => purchase::apply(facts, constants, settings, today),
            Self::Clv => clv::apply(facts, constants, &settings.clv, today),
            Self::Alive => clv::apply_alive(facts, constants, today),
            Self::ContactChannel => contact::apply(facts, &settings.contact, today),
            Self::TransactionChannel => transaction::apply(facts, constants, &settings.transaction, today),
            Self::BestTime => hour::apply(facts, constants, &settings.hour, today),
            Self::Stars => tier::apply(tier::Axis::Stars, facts, constants, settings),
            Self::Diamonds => tier::apply(tier::Axis::Diamonds, facts, constants, settings),
            Self::Treatment => tier::treatment::apply(facts, constants, settings),
            Self::Relation => relation::apply(facts, constants, settings, today),
        }
    }

    /// The version of the definition; a changed formula gets the next.
    pub const fn version(self) -> u32 {
        1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_found_by_its_key_and_no_two_share_one() {
        for model in Model::ALL {
            assert_eq!(Model::by_key(model.key()), Some(model));
        }
        assert_eq!(Model::by_key("nonsense"), None);
    }
}

//! Every number of every definition, with its default; a workspace may change each of them.

use serde::{Deserialize, Serialize};

use crate::lifecycle::{purchase, relation};
use crate::preference::{contact, hour, transaction};
use crate::{
    activity, clv, demand, loyalty, price_sensitivity, purchasing_power, rfm, rhythm, silence, tier, total,
    willingness,
};

/// Settings of all models.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Of RFM.
    pub rfm: rfm::Settings,
    /// Of activity.
    pub activity: activity::Settings,
    /// Of demand, clarity and certainty.
    pub demand: demand::Settings,
    /// Of purchasing power.
    pub purchasing_power: purchasing_power::Settings,
    /// Of the total.
    pub total: total::Settings,
    /// Of loyalty.
    pub loyalty: loyalty::Settings,
    /// Of willingness to buy.
    pub willingness: willingness::Settings,
    /// Of price sensitivity.
    pub price_sensitivity: price_sensitivity::Settings,
    /// Of rhythm and its threshold.
    pub rhythm: rhythm::Settings,
    /// Of warnings.
    pub silence: silence::Settings,
    /// Of the purchase machine.
    pub purchase: purchase::Settings,
    /// Of the relation machine.
    pub relation: relation::Settings,
    /// Of customer value.
    pub clv: clv::Settings,
    /// Of the contact channel.
    pub contact: contact::Settings,
    /// Of the transaction channel.
    pub transaction: transaction::Settings,
    /// Of the best time.
    pub hour: hour::Settings,
    /// Of stars and diamonds.
    pub tier: tier::Settings,
}

//! The relation machine (LIF-01).
use serde::{Deserialize, Serialize};

use crate::day::Day;

/// The five stages.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// 新客: newly known, demand unclear.
    #[default]
    New,
    /// 普通客户: specific demand, some uncertainty.
    Ordinary,
    /// 会员: demand clear and certain, and bound.
    Member,
    /// 超级客户: dedicated follow-up.
    Super,
    /// 流失客户: sustained follow-up without effect.
    Churned,
}

/// Where a party is in the machine, and what the next step has to know of the past.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct State {
    /// The stage.
    pub stage: Stage,
    /// The day it was entered.
    pub since: Day,
    /// The day of the last move downwards.
    #[serde(default)]
    pub moved_down: Option<Day>,
    /// Since when certainty has been below the band without interruption.
    #[serde(default)]
    pub uncertain_since: Option<Day>,
    /// Consecutive runs of the value model with enough stars for super.
    #[serde(default)]
    pub high_runs: u8,
    /// Consecutive runs of the value model with too few stars for super.
    #[serde(default)]
    pub low_runs: u8,
    /// The run that was counted last.
    #[serde(default)]
    pub run: Option<Day>,
}

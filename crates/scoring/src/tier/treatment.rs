//! Nine blocks of treatment: stars × diamonds, each low, middle or high (§4.10).

use serde::{Deserialize, Serialize};

use crate::constants::Constants;
use crate::facts::Facts;
use crate::model::Value;
use crate::settings::Settings;
use crate::tier::{self, Axis};

/// A block.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    /// 观察: low, low.
    Watch,
    /// 培育: low stars, middling diamonds.
    Nurture,
    /// 攻坚: low stars, many diamonds.
    WinOver,
    /// 维持: middling, low.
    Maintain,
    /// 稳健: middling, middling.
    Steady,
    /// 发展: middling stars, many diamonds.
    Develop,
    /// 守护: many stars, few diamonds.
    Guard,
    /// 重点: many stars, middling diamonds.
    Key,
    /// 战略: many, many.
    Strategic,
}

/// What a block is treated with; editable.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Treatment {
    /// Services a month.
    pub services_a_month: f64,
    /// The largest offer, as a share of the order.
    pub offer_max: f64,
    /// Who looks after it.
    pub owner: String,
}

impl Block {
    /// All of them, by stars and then diamonds.
    pub const ALL: [Self; 9] = [
        Self::Watch,
        Self::Nurture,
        Self::WinOver,
        Self::Maintain,
        Self::Steady,
        Self::Develop,
        Self::Guard,
        Self::Key,
        Self::Strategic,
    ];

    /// The block of two levels, 1–9 each.
    pub fn of(stars: u8, diamonds: u8) -> Self {
        let third = |level: u8| usize::from((level.clamp(1, 9) - 1) / 3);
        Self::ALL[third(stars) * 3 + third(diamonds)]
    }

    /// Its name in rules and in Chinese.
    pub const fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Watch => ("watch", "观察"),
            Self::Nurture => ("nurture", "培育"),
            Self::WinOver => ("win_over", "攻坚"),
            Self::Maintain => ("maintain", "维持"),
            Self::Steady => ("steady", "稳健"),
            Self::Develop => ("develop", "发展"),
            Self::Guard => ("guard", "守护"),
            Self::Key => ("key", "重点"),
            Self::Strategic => ("strategic", "战略"),
        }
    }

    /// How it is treated by default.
    pub fn treatment(self) -> Treatment {
        let (services_a_month, offer_max, owner) = match self {
            Self::Watch => (0.0, 0.0, "self_service"),
            Self::Nurture => (0.5, 0.05, "call_centre"),
            Self::WinOver => (2.0, 0.15, "representative"),
            Self::Maintain => (0.5, 0.03, "call_centre"),
            Self::Steady => (1.0, 0.05, "representative"),
            Self::Develop => (2.0, 0.10, "representative"),
            Self::Guard => (2.0, 0.05, "representative"),
            Self::Key => (3.0, 0.08, "key_account"),
            Self::Strategic => (4.0, 0.12, "key_account"),
        };
        Treatment { services_a_month, offer_max, owner: owner.to_owned() }
    }
}

/// The model.
pub fn apply(facts: &Facts, constants: &Constants, settings: &Settings) -> Value {
    let stars = tier::apply(Axis::Stars, facts, constants, settings);
    let diamonds = tier::apply(Axis::Diamonds, facts, constants, settings);
    let (Some(star), Some(diamond)) = (stars.value.as_number(), diamonds.value.as_number()) else {
        return Value::missing("尚无星级或钻级", "no stars or no diamonds yet");
    };
    let block = Block::of(star as u8, diamond as u8);
    let (en, zh) = block.names();
    let Treatment { services_a_month, offer_max, owner } = block.treatment();
    let mut value = Value::text(en)
        .with("stars", star)
        .with("diamonds", diamond)
        .with("services_a_month", services_a_month)
        .with("offer_max", offer_max)
        .with("owner", owner.as_str())
        .because(format!("{star}星{diamond}钻:{zh}"), format!("{star} stars, {diamond} diamonds: {en}"))
        .covering(stars.coverage.min(diamonds.coverage));
    value.is_provisional = stars.is_provisional || diamonds.is_provisional;
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nine_blocks_are_those_of_section_4_10_and_every_pair_of_levels_has_one() {
        for (stars, diamonds, zh) in [
            (1, 3, "观察"),
            (2, 5, "培育"),
            (3, 9, "攻坚"),
            (4, 1, "维持"),
            (6, 6, "稳健"),
            (5, 7, "发展"),
            (9, 2, "守护"),
            (7, 4, "重点"),
            (8, 8, "战略"),
        ] {
            assert_eq!(Block::of(stars, diamonds).names().1, zh);
        }
        let mut sizes = std::collections::BTreeMap::new();
        (1..=9).for_each(|s| (1..=9).for_each(|d| *sizes.entry(Block::of(s, d)).or_insert(0) += 1));
        assert_eq!(sizes.into_values().collect::<Vec<_>>(), [9; 9]);
    }
}

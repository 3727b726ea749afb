//! Eight value groups, the template standard in China: each of R, F, M near or far, high or low (§4.3).

use serde::{Deserialize, Serialize};

/// A value group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub struct Group {
    /// M high: 重要, else 一般.
    pub is_important: bool,
    /// What to do with it.
    pub aim: Aim,
}

/// What to do with a value group.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Aim {
    /// 价值: near and frequent.
    Value,
    /// 发展: near and rare.
    Develop,
    /// 保持: far and frequent.
    Keep,
    /// 挽留: far and rare.
    WinBack,
}

impl Group {
    /// The group of (near, frequent, high amount).
    pub const fn of([is_near, is_frequent, is_high]: [bool; 3]) -> Self {
        let aim = match (is_near, is_frequent) {
            (true, true) => Aim::Value,
            (true, false) => Aim::Develop,
            (false, true) => Aim::Keep,
            (false, false) => Aim::WinBack,
        };
        Self { is_important: is_high, aim }
    }

    /// Its name in rules.
    pub const fn key(self) -> &'static str {
        match (self.is_important, self.aim) {
            (true, Aim::Value) => "important_value",
            (true, Aim::Develop) => "important_develop",
            (true, Aim::Keep) => "important_keep",
            (true, Aim::WinBack) => "important_win_back",
            (false, Aim::Value) => "general_value",
            (false, Aim::Develop) => "general_develop",
            (false, Aim::Keep) => "general_keep",
            (false, Aim::WinBack) => "general_win_back",
        }
    }

    /// Its name in Chinese.
    pub const fn name_zh(self) -> &'static str {
        match (self.is_important, self.aim) {
            (true, Aim::Value) => "重要价值客户",
            (true, Aim::Develop) => "重要发展客户",
            (true, Aim::Keep) => "重要保持客户",
            (true, Aim::WinBack) => "重要挽留客户",
            (false, Aim::Value) => "一般价值客户",
            (false, Aim::Develop) => "一般发展客户",
            (false, Aim::Keep) => "一般保持客户",
            (false, Aim::WinBack) => "一般挽留客户",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_groups_are_those_of_section_4_3() {
        let (near, far, high, low) = (true, false, true, false);
        for (rfm, name) in [
            ([near, high, high], "重要价值客户"),
            ([near, low, high], "重要发展客户"),
            ([far, high, high], "重要保持客户"),
            ([far, low, high], "重要挽留客户"),
            ([near, high, low], "一般价值客户"),
            ([far, low, low], "一般挽留客户"),
        ] {
            assert_eq!(Group::of(rfm).name_zh(), name);
        }
    }
}

//! Peer groups: whom a party is compared with (spec §0.2.6).
//!
//! Party type × outlet type (of a merchant) or year of acquisition (of a consumer) × tier of the city.
//! A group of fewer than [`MEMBERS_MIN`] drops the city tier, then the type or year, and at last is
//! everybody of the party type.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::facts::{Facts, Kind, Peer};

/// Members below which a group says too little about its members.
pub const MEMBERS_MIN: usize = 100;

/// A constant for each group that is large enough, and one for each party type.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub struct Grouped<T>(BTreeMap<String, T>);

impl<T> Default for Grouped<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

/// A member of a population as far as grouping goes.
pub trait Member {
    /// Its party type.
    fn kind(&self) -> Kind;
    /// What its peers have in common with it.
    fn peer(&self) -> &Peer;
}

impl Member for Facts {
    fn kind(&self) -> Kind {
        self.kind
    }

    fn peer(&self) -> &Peer {
        &self.peer
    }
}

/// The names of a member's groups, the narrowest first.
fn names(member: &impl Member) -> [String; 3] {
    let kind = match member.kind() {
        Kind::Consumer => "consumer",
        Kind::Merchant => "merchant",
    };
    let Peer { class, city_tier } = member.peer();
    [format!("{kind}/{class}/{city_tier}"), format!("{kind}/{class}"), kind.to_owned()]
}

impl<T> Grouped<T> {
    /// A constant for each group, from its members in the order of the population.
    pub fn of<M: Member>(population: &[M], mut constant: impl FnMut(&[&M]) -> T) -> Self {
        let mut groups: BTreeMap<String, Vec<&M>> = BTreeMap::new();
        for member in population {
            for name in names(member) {
                groups.entry(name).or_default().push(member);
            }
        }
        let is_large = |name: &str, members: &[&M]| members.len() >= MEMBERS_MIN || !name.contains('/');
        let groups = groups.into_iter().filter(|(name, members)| is_large(name, members));
        Self(groups.map(|(name, members)| (name, constant(&members))).collect())
    }

    /// The constant of the narrowest group of a party that is large enough, and the group's name.
    pub fn named(&self, member: &impl Member) -> Option<(&str, &T)> {
        names(member).iter().find_map(|name| self.0.get_key_value(name)).map(|(name, it)| (name.as_str(), it))
    }

    /// The constant of the narrowest group of a party that is large enough.
    pub fn get(&self, member: &impl Member) -> Option<&T> {
        self.named(member).map(|(_, constant)| constant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(class: &str, city_tier: &str) -> Facts {
        let peer = Peer { class: class.to_owned(), city_tier: city_tier.to_owned() };
        Facts { peer, ..Facts::default() }
    }

    #[test]
    fn a_small_group_drops_the_city_tier_then_the_class_section_0_2_6() {
        let mut population = vec![facts("2024", "1"); 100];
        population.extend(vec![facts("2024", "2"); 99]);
        population.extend(vec![facts("2025", "1"); 99]);
        let sizes = Grouped::of(&population, |members| members.len());
        let group =
            |class, tier| sizes.named(&facts(class, tier)).map(|(name, size)| (name.to_owned(), *size));
        assert_eq!(group("2024", "1"), Some(("consumer/2024/1".to_owned(), 100)));
        assert_eq!(group("2024", "2"), Some(("consumer/2024".to_owned(), 199)));
        assert_eq!(group("2025", "1"), Some(("consumer".to_owned(), 298)));
        assert_eq!(group("2030", "9"), Some(("consumer".to_owned(), 298)));
        assert_eq!(sizes.named(&Facts { kind: Kind::Merchant, ..Facts::default() }), None);
    }
}

//! Brand, category or style: how much more of it a party takes than its peers do, with a Dirichlet prior
//! of ten purchases distributed as the peers' (§4.15).

use std::collections::BTreeMap;

/// Purchases the prior is worth.
pub const PRIOR: f64 = 10.0;

/// The lift of each thing: (own + prior·peers' share) / (all own + prior) ÷ peers' share. Things the peers
/// do not take have no lift.
pub fn lifts(
    own: &BTreeMap<String, f64>,
    peers: &BTreeMap<String, f64>,
    prior: f64,
) -> BTreeMap<String, f64> {
    let (all_own, all_peers): (f64, f64) = (own.values().sum(), peers.values().sum());
    let lift = |(thing, count): (&String, &f64)| {
        let share = count / all_peers;
        let count = own.get(thing).copied().unwrap_or(0.0);
        (share > 0.0).then(|| (thing.clone(), (count + prior * share) / (all_own + prior) / share))
    };
    peers.iter().filter_map(lift).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_never_bought_is_like_its_peers_and_who_bought_much_is_like_itself() {
        let counts =
            |tea: f64, wine: f64| BTreeMap::from([("tea".to_owned(), tea), ("wine".to_owned(), wine)]);
        let peers = counts(80.0, 20.0);
        assert!(lifts(&BTreeMap::new(), &peers, PRIOR).values().all(|lift| (lift - 1.0).abs() < 1e-12));
        let some = lifts(&counts(0.0, 10.0), &peers, PRIOR);
        assert!((some["wine"] - (10.0 + 2.0) / 20.0 / 0.2).abs() < 1e-12);
        let much = lifts(&counts(0.0, 10_000.0), &peers, PRIOR);
        assert!((much["wine"] - 5.0).abs() < 0.01 && much["tea"] < 0.01);
    }
}

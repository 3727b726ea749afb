//! A latent group, of which a sixth is given as seed, is found again (§4.16, the ground of P08).

use super::fit::Likeness;
use super::*;

/// A fixed sequence that looks like chance (SplitMix64).
struct Dice(u64);

impl Dice {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Nearly normal: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }
}

/// People of whom the first `latent` are alike in the first `telling` of `features`.
fn people(count: u64, latent: u64, features: usize, telling: usize) -> Vec<Person> {
    let mut dice = Dice(7);
    let person = |party| {
        let features = (0..features)
            .map(|index| {
                let shift = if party < latent && index < telling { 1.0 } else { 0.0 };
                let value = dice.normal() + shift;
                (dice.unit() > 0.05).then_some(value)
            })
            .collect();
        Person { party, features }
    };
    (0..count).map(person).collect()
}

fn precision(ranking: &Ranking, size: usize, latent: u64) -> f64 {
    ranking.people.iter().take(size).filter(|(party, _)| *party < latent).count() as f64 / size as f64
}

#[test]
fn a_latent_group_is_found_far_above_its_share() {
    // 4,000 people, 6 % latent, 100 of them given: base rate of the rest 3.6 %.
    let people = people(4_000, 240, 12, 8);
    let seed: BTreeSet<u64> = (0..100).collect();
    let ranking = rank(&people, &seed, &Settings::default()).unwrap();
    assert_eq!(ranking.method, Method::Learned);
    assert_eq!(ranking.people.len(), 3_900);
    assert!(precision(&ranking, 80, 240) >= 0.65, "{}", precision(&ranking, 80, 240));
    let telling: BTreeSet<usize> = ranking.features.iter().take(8).map(|(index, _)| *index).collect();
    assert_eq!(telling, (0..8).collect());
}

#[test]
fn hidden_seeds_are_found_again_and_the_curve_rises() {
    let people = people(2_000, 150, 10, 8);
    let seed: BTreeSet<u64> = (0..130).collect();
    let points = curve::curve(&people, &seed, &[50, 100, 400, 2_000], &Settings::default());
    assert!(points.windows(2).all(|pair| pair[0].recall <= pair[1].recall), "{points:?}");
    assert!(points[1].lift > 5.0, "{points:?}");
    assert!((points[3].recall - 1.0).abs() < 1e-12);
    assert!(curve::is_fit(130, &points[1]).is_ok());
    assert!(curve::is_fit(99, &points[1]).is_err());
}

#[test]
fn a_small_seed_is_ranked_by_its_centre_with_low_confidence() {
    let people = people(1_000, 60, 10, 8);
    let seed: BTreeSet<u64> = (0..20).collect();
    let ranking = rank(&people, &seed, &Settings::default()).unwrap();
    assert_eq!(ranking.method, Method::Centroid);
    assert!(precision(&ranking, 20, 60) > 0.5, "{}", precision(&ranking, 20, 60));
    assert_eq!(rank(&people, &BTreeSet::from([9_999]), &Settings::default()), None);
}

#[test]
fn the_order_in_which_people_are_given_does_not_matter() {
    let mut people = people(600, 120, 6, 4);
    let seed: BTreeSet<u64> = (0..110).collect();
    let forwards = rank(&people, &seed, &Settings::default());
    people.reverse();
    assert_eq!(forwards, rank(&people, &seed, &Settings::default()));
}

#[test]
fn who_is_ranked_first_is_in_and_what_was_learned_survives_being_stored() {
    let people = people(4_000, 240, 12, 8);
    let names: Vec<String> = (0..12).map(|index| format!("f{index}")).collect();
    let seed: BTreeSet<u64> = (0..100).collect();
    let settings = Settings::default();
    let fit = Fit::of(&people, &names, &seed, 80, &settings).unwrap();
    assert_eq!(
        (fit.method, fit.refusal.as_ref(), fit.seeds, fit.people),
        (Method::Learned, None, 100, 3_900)
    );
    let stored = serde_json::to_string(&fit).unwrap();
    assert!(serde_json::from_str::<Fit>(&stored).unwrap() == fit);
    let others = people.iter().filter(|person| !seed.contains(&person.party));
    let likeness = |person: &Person| fit.likeness(&person.features, 3).unwrap();
    let found: BTreeSet<u64> = others.filter(|p| likeness(p).is_in).map(|person| person.party).collect();
    let ranking = rank(&people, &seed, &settings).unwrap();
    assert_eq!(found, ranking.people.iter().take(80).map(|(party, _)| *party).collect());
    let first = people.iter().find(|person| person.party == ranking.people[0].0).unwrap();
    let Likeness { percentile, because, .. } = likeness(first);
    assert!(percentile > 99.9 && because.len() == 3, "{percentile} {because:?}");
    assert!(because.windows(2).all(|pair| pair[0].1.abs() >= pair[1].1.abs()));
    let telling: BTreeSet<&str> = fit.telling(8).into_iter().map(|(name, _)| name).collect();
    assert_eq!(telling, names[..8].iter().map(String::as_str).collect());
}

#[test]
fn what_does_not_find_hidden_seeds_is_refused_and_the_centre_is_used_with_the_reason() {
    // Nothing tells the seed from others.
    let people = people(2_000, 0, 10, 0);
    let seed: BTreeSet<u64> = (0..150).collect();
    let fit = Fit::of(&people, &[], &seed, 100, &Settings::default()).unwrap();
    assert_eq!(fit.method, Method::Centroid);
    assert!(matches!(fit.refusal, Some(crate::sufficiency::Refusal::TooPoor { .. })), "{:?}", fit.refusal);
    let few = Fit::of(&people, &[], &BTreeSet::from([1, 2, 3]), 100, &Settings::default()).unwrap();
    assert!(matches!(few.refusal, Some(crate::sufficiency::Refusal::TooFew { have: 3, .. })));
    assert!(few.curve.is_empty());
    assert_eq!(Fit::of(&people, &[], &BTreeSet::from([9_999]), 100, &Settings::default()), None);
}

//! P01: which profiles are one person.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use headwater_tests::pages;
use serde_json::{Value, json};

use super::{World, show, world};

/// One profile as the truth has it, and the party it is found at.
struct Found {
    person: u64,
    evidence: Option<u64>,
    party: String,
}

/// Every profile once; some are known by one identifier in two sources.
fn profiles(world: &World) -> Vec<Found> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for row in world.truth["P01"].iter().filter(|row| row["profile"].is_object()) {
        if seen.insert(row["profile"].to_string()) {
            found.push(Found {
                person: row["person"].as_u64().unwrap(),
                evidence: row["evidence"].as_u64(),
                party: world.party_of(&row["profile"])["id"].as_str().unwrap().to_owned(),
            });
        }
    }
    found
}

fn pairs(of: usize) -> u64 {
    (of * of.saturating_sub(1) / 2) as u64
}

/// Pairs within groups of equal keys.
fn pairs_within<K: std::hash::Hash + Eq>(keys: impl Iterator<Item = K>) -> u64 {
    let mut sizes: HashMap<K, usize> = HashMap::new();
    keys.for_each(|key| *sizes.entry(key).or_default() += 1);
    sizes.into_values().map(pairs).sum()
}

#[test]
fn profiles_that_share_evidence_are_one_party_and_those_of_different_persons_are_not() {
    let world = world();
    let _reading = world.read();
    let found = profiles(&world);
    let linked = || found.iter().filter(|f| f.evidence.is_some());
    let expected = pairs_within(linked().map(|f| f.evidence));
    let hits = pairs_within(linked().map(|f| (f.evidence, &f.party)));
    let predicted = pairs_within(found.iter().map(|f| &f.party));
    let same_person = pairs_within(found.iter().map(|f| (f.person, &f.party)));
    let all_of_persons = pairs_within(found.iter().map(|f| f.person));
    let wrong = predicted - same_person;
    let (precision, recall) = (hits as f64 / (hits + wrong) as f64, hits as f64 / expected as f64);
    let f1 = 2.0 * precision * recall / (precision + recall);
    println!(
        "P01: {} profiles; {hits} of {expected} pairs with evidence joined, {wrong} wrong pairs; \
         precision {precision:.4} recall {recall:.4} F1 {f1:.4}; without evidence: {} of {} pairs joined",
        found.len(),
        same_person - hits,
        all_of_persons - expected,
    );
    print_apart(&world, &found);
    assert!(expected > 0 && f1 >= 0.98, "F1 {f1}");
}

/// Shows some persons whose profiles share evidence and are several parties.
fn print_apart(world: &World, found: &[Found]) {
    let mut groups: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
    for profile in found {
        if let Some(group) = profile.evidence {
            groups.entry(group).or_default().insert(&profile.party);
        }
    }
    for parties in groups.values().filter(|parties| parties.len() > 1).take(5) {
        show(format_args!("P01: one person with evidence, {} parties:", parties.len()));
        for id in parties {
            let party = world.get(&format!("/api/v1/parties/{id}"));
            show(format_args!("  {} {} {}", party["id"], party["identifiers"], party["traits"]));
        }
    }
}

#[test]
fn no_trap_pair_is_one_party() {
    let world = world();
    let _reading = world.read();
    let mut merged: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let traps: Vec<&Value> = world.truth["P01"].iter().filter(|row| row["trap"].is_string()).collect();
    for row in &traps {
        let [a, b] = [world.party_of(&row["a"]), world.party_of(&row["b"])];
        if a["id"] == b["id"] {
            merged.entry(row["trap"].to_string()).or_default().push(row.to_string());
        }
    }
    assert!(!traps.is_empty());
    println!("P01: {} of {} trap pairs merged", merged.values().map(Vec::len).sum::<usize>(), traps.len());
    assert!(merged.is_empty(), "{merged:?}");
}

/// Everything the API says of a party.
fn dump(world: &World, id: &str) -> String {
    let party = world.get(&format!("/api/v1/parties/{id}"));
    let timeline = pages(&world.server, &world.w2().token, &format!("/api/v1/parties/{id}/timeline"));
    assert_eq!(party["event_count"], timeline.len());
    json!([party, timeline]).to_string()
}

#[test]
fn unmerging_two_parties_restores_both_byte_for_byte() {
    let world = world();
    let _changing = world.change();
    let traps = world.truth["P01"].iter().filter(|row| row["trap"].is_string());
    // One pair of each sort of trap: family, kiosk, recycled number, namesakes.
    let by_sort: BTreeMap<&str, &Value> = traps.map(|row| (row["trap"].as_str().unwrap(), row)).collect();
    assert_eq!(by_sort.len(), 4);
    for (sort, row) in by_sort {
        let ids = ["a", "b"].map(|end| world.party_of(&row[end])["id"].as_str().unwrap().to_owned());
        let before = ids.each_ref().map(|id| dump(&world, id));
        let status = world.get("/api/v1/pipeline");
        let events = |party: &Value| party["event_count"].as_u64().unwrap();

        let token = &world.w2().token;
        let body = json!({ "parties": ids, "reason": sort });
        let merged = world.server.post(token, "/api/v1/parties/merge", &body).ok();
        let [a, b] = ids.each_ref().map(|id| world.get(&format!("/api/v1/parties/{id}")));
        assert_eq!(a, b, "{sort}: both ids lead to the merged party");
        assert_eq!(merged["parties"], json!([a["id"]]), "{sort}");
        let count = |text: &str| events(&serde_json::from_str::<Value>(text).unwrap()[0]);
        assert_eq!(events(&a), count(&before[0]) + count(&before[1]), "{sort}");

        let path = format!("/api/v1/parties/{}/unmerge", ids[1]);
        world.server.call("POST", &path).token(token).send().ok();
        let after = ids.each_ref().map(|id| dump(&world, id));
        assert_eq!(after, before, "{sort}");
        assert_eq!(world.get("/api/v1/pipeline")["parties"], status["parties"], "{sort}");
    }
}

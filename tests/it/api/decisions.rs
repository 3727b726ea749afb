//! Merging, unmerging, splitting, rules and their dry run, what is contested, why identifiers are one.

use headwater_tests::{encoded, pages};
use serde_json::{Value, json};

use super::{World, identifiers, identify, track};

fn merge(world: &World, a: &str, b: &str) -> Value {
    world.post("/api/v1/parties/merge", json!({ "parties": [a, b], "reason": "同一人" }))
}

/// The parties of everybody, as the API tells them, with their timelines.
fn everybody(world: &World) -> Vec<Value> {
    let token = &world.workspace.token;
    let parties = pages(&world.server, token, "/api/v1/parties").into_iter().map(|party| {
        let path = format!("/api/v1/parties/{}/timeline", party["id"].as_str().unwrap());
        json!([party, pages(&world.server, token, &path)])
    });
    parties.collect()
}

#[test]
fn a_merge_makes_one_whole_party_of_two_and_taking_it_back_restores_both() {
    let world = World::new();
    // They contradict each other in everything a guard looks at.
    world.send(&[
        identify("u-1", 1, json!({ "name": "王伟", "phone": "13800138000", "birthday": "1950-01-01" })),
        identify("u-2", 2, json!({ "name": "李芳", "phone": "13900139000", "birthday": "1990-01-01" })),
        identify("u-2", 3, json!({ "email": "li@example.com" })),
        track("u-1", 4, "A"),
        track("u-2", 5, "B"),
    ]);
    let before = everybody(&world);
    let (one, two) = (world.id("user_id:u-1"), world.id("user_id:u-2"));
    let decided = merge(&world, &one, &two);
    let merged = world.party("user_id:u-1");
    let all =
        ["user_id:u-1", "user_id:u-2", "mobile:13800138000", "mobile:13900139000", "email:li@example.com"];
    let mut found = identifiers(&merged);
    found.sort();
    let mut expected = all.map(str::to_owned);
    expected.sort();
    assert_eq!(found, expected);
    assert_eq!(merged["event_count"], 5);
    assert_eq!(merged["traits"]["name"], "李芳", "the later of two equal sources");
    assert_eq!(decided["parties"], json!([merged["id"]]));
    for id in [&one, &two] {
        assert_eq!(world.get(&format!("/api/v1/parties/{id}")), merged, "every id goes on resolving");
    }
    assert_eq!(world.get("/api/v1/parties")["items"], json!([merged]));
    // What comes later goes on belonging to whom it belongs.
    world.send(&[identify("u-2", 6, json!({ "phone": "13700137000" }))]);
    assert_eq!(world.id("mobile:13700137000"), merged["id"].as_str().unwrap());

    let path = format!("/api/v1/parties/{two}/unmerge");
    let undone = world.server.call("POST", &path).token(&world.workspace.token).send().ok();
    assert_eq!(undone["decision"], decided["decision"]);
    assert_eq!(world.id("mobile:13700137000"), two);
    let (first, second) = (everybody(&world), world.party("user_id:u-2"));
    assert_eq!(first[0], before[0]);
    assert_eq!(second["event_count"], 4);
    let history = world.get("/api/v1/identity/decisions");
    assert_eq!(history["items"][0]["kind"], "join");
    assert!(history["items"][0]["retracted_at"].is_string(), "{history}");
}

#[test]
fn every_merge_and_unmerge_is_in_the_audit_log() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({})), identify("u-2", 1, json!({}))]);
    let (one, two) = (world.id("user_id:u-1"), world.id("user_id:u-2"));
    merge(&world, &one, &two);
    world.post(&format!("/api/v1/parties/{one}/unmerge"), json!({}));
    let actions: Vec<Value> = pages(&world.server, &world.workspace.token, "/api/v1/audit")
        .iter()
        .map(|e| e["action"].clone())
        .collect();
    assert_eq!(actions, ["identity.merge", "identity.retract"]);
    assert_eq!(world.get("/api/v1/audit/verify")["is_intact"], true);
}

#[test]
fn identifiers_that_were_split_off_are_a_party_of_their_own_and_stay_it() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "phone": "13800138000", "email": "wang@example.com" }))]);
    let one = world.id("user_id:u-1");
    let body =
        json!({ "identifiers": [{ "kind": "mobile", "value": "+86 138 0013 8000" }], "reason": "错号" });
    let split = world.post(&format!("/api/v1/parties/{one}/unmerge"), body);
    assert_eq!(split["parties"].as_array().unwrap().len(), 2, "{split}");
    assert_eq!(identifiers(&world.party("user_id:u-1")), ["user_id:u-1", "email:wang@example.com"]);
    assert_eq!(identifiers(&world.party("mobile:13800138000")), ["mobile:13800138000"]);
    world.send(&[identify("u-1", 2, json!({ "phone": "13800138000" }))]);
    assert_ne!(world.id("mobile:13800138000"), one, "seeing them together again is no news");
    let decision = split["decision"].as_str().unwrap();
    world.post(&format!("/api/v1/parties/{one}/unmerge"), json!({ "decision": decision }));
    assert_eq!(world.id("mobile:13800138000"), one);
}

#[test]
fn decisions_that_make_no_sense_are_refused_and_change_nothing() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "phone": "13800138000" })), identify("u-2", 1, json!({}))]);
    let before = everybody(&world);
    let (one, two) = (world.id("user_id:u-1"), world.id("user_id:u-2"));
    let nobody = "pty_00000000000000000000000000";
    let unmerge = format!("/api/v1/parties/{one}/unmerge");
    let all = json!([{ "kind": "user_id", "value": "u-1" }, { "kind": "mobile", "value": "13800138000" }]);
    let cases = [
        ("/api/v1/parties/merge", json!({ "parties": [one, one] }), 409, "conflict"),
        ("/api/v1/parties/merge", json!({ "parties": [one] }), 422, "invalid"),
        ("/api/v1/parties/merge", json!({ "parties": [one, two, one] }), 422, "invalid"),
        ("/api/v1/parties/merge", json!({ "parties": [one, "me"] }), 422, "invalid"),
        ("/api/v1/parties/merge", json!({ "parties": [one, nobody] }), 404, "not_found"),
        (&unmerge, json!({}), 409, "conflict"),
        (&unmerge, json!({ "decision": "00000000000000000000000000" }), 409, "conflict"),
        (&unmerge, json!({ "decision": "?" }), 422, "invalid"),
        (&unmerge, json!({ "identifiers": [{ "kind": "user_id", "value": "u-2" }] }), 422, "invalid"),
        (&unmerge, json!({ "identifiers": all }), 409, "conflict"),
    ];
    for (path, body, status, code) in cases {
        let answer = world.server.post(&world.workspace.token, path, &body);
        assert_eq!(answer.status, status, "{body}: {}", answer.text());
        assert_eq!(answer.json()["code"], code, "{body}");
    }
    assert_eq!(everybody(&world), before);
    assert_eq!(pages(&world.server, &world.workspace.token, "/api/v1/audit"), [] as [Value; 0]);
}

/// A family on one mobile, a couple on one e-mail, a person with four numbers.
fn neighbours(world: &World) {
    let till = |no: &str, day: u32, traits: Value| {
        json!({ "type": "identify", "messageId": no, "timestamp": format!("2026-06-{day:02}T08:00:00.000Z"),
            "traits": traits,
            "context": { "externalIds": [{ "id": no, "type": "pos_id", "collection": "users", "encoding": "none" }] } })
    };
    let mut events = vec![
        till("P-1", 1, json!({ "name": "王伟", "phone": "13800138000" })),
        till("P-2", 2, json!({ "name": "李芳", "phone": "13800138000" })),
        identify("u-3", 3, json!({ "email": "both@example.com" })),
        till("P-9", 4, json!({ "email": "both@example.com" })),
    ];
    events.extend((0..4).map(|n| identify("u-5", 10 + n, json!({ "phone": format!("1370013700{n}") }))));
    world.send(&events);
}

#[test]
fn a_dry_run_predicts_exactly_what_the_rules_then_do() {
    for change in ["guards", "mobile limit 4", "mobile limit 1", "neighbours"] {
        let world = World::new();
        neighbours(&world);
        let current = world.get("/api/v1/identity/rules");
        assert_eq!(current["version"], 0);
        let mut rules = current["rules"].clone();
        let kinds = rules["kinds"].as_array_mut().unwrap();
        let mut kind = |name: &str, field: &str, value: Value| {
            let kind = kinds.iter_mut().find(|kind| kind["name"] == name).unwrap();
            kind[field] = value;
        };
        match change {
            "guards" => rules["guards"] = json!([]),
            "mobile limit 4" => kind("mobile", "limit", json!(4)),
            "mobile limit 1" => kind("mobile", "limit", json!(1)),
            _ => rules["neighbours_max"] = json!(2),
        }
        let before = pages(&world.server, &world.workspace.token, "/api/v1/parties");
        let report = world.post("/api/v1/identity/dry-run", rules.clone());
        assert_eq!(
            pages(&world.server, &world.workspace.token, "/api/v1/parties"),
            before,
            "it was only a try"
        );
        assert_eq!(report["parties_before"], before.len(), "{change}: {report}");

        let put = world.server.put(&world.workspace.token, "/api/v1/identity/rules", &rules).ok();
        assert_eq!((&put["version"], &put["rules"]), (&json!(1), &rules), "{change}");
        let after = pages(&world.server, &world.workspace.token, "/api/v1/parties");
        assert_eq!(report["parties_after"], after.len(), "{change}: {report}");
        let resolved =
            |id: &Value| world.get(&format!("/api/v1/parties/{}", id.as_str().unwrap()))["id"].clone();
        for group in report["merged"].as_array().unwrap() {
            let now: Vec<Value> = group.as_array().unwrap().iter().map(resolved).collect();
            assert!(now.iter().all(|id| *id == now[0]), "{change}: {group} is {now:?}");
        }
        for split in report["split"].as_array().unwrap() {
            let was = before.iter().find(|party| party["id"] == split["party"]).unwrap();
            let mut parts: Vec<String> =
                identifiers(was).iter().map(|identifier| world.id(identifier)).collect();
            parts.sort();
            parts.dedup();
            assert_eq!(split["parts"], parts.len(), "{change}: {split}");
        }
        let moved = report["merges"].as_u64().unwrap() + report["splits"].as_u64().unwrap();
        assert!(moved > 0, "{change} moves somebody: {report}");
        let again = world.post("/api/v1/identity/dry-run", rules);
        assert_eq!((&again["merges"], &again["splits"]), (&json!(0), &json!(0)), "{change}: {again}");
    }
}

#[test]
fn rules_that_are_wrong_are_refused_by_name_and_stay_out_of_force() {
    let world = World::new();
    let rules = world.get("/api/v1/identity/rules")["rules"].clone();
    let with = |field: &str, value: Value| {
        let mut rules = rules.clone();
        rules[field] = value;
        rules
    };
    let twice = json!([rules["kinds"][0], rules["kinds"][0]]);
    for wrong in
        [json!({}), json!([]), with("surprise", json!(1)), with("kinds", twice), with("version", json!(99))]
    {
        for (method, path) in [("POST", "/api/v1/identity/dry-run"), ("PUT", "/api/v1/identity/rules")] {
            let answer = world.server.call(method, path).token(&world.workspace.token).json(&wrong).send();
            assert_eq!(
                (answer.status.as_u16(), &answer.json()["code"]),
                (422, &json!("invalid")),
                "{path} {wrong}"
            );
        }
    }
    assert_eq!(world.get("/api/v1/identity/rules")["version"], 0);
}

#[test]
fn a_mobile_of_another_member_changes_nobody_and_is_contested() {
    let world = World::new();
    let member = |no: &str, day: u32| {
        json!({ "type": "identify", "messageId": format!("m-{no}"), "traits": { "phone": "13800138000" },
            "timestamp": format!("2026-06-{day:02}T08:00:00.000Z"),
            "context": { "externalIds": [{ "id": no, "type": "member_no", "collection": "users", "encoding": "none" }] } })
    };
    world.send(&[member("111", 1)]);
    let first = world.party("member_no:111");
    world.send(&[member("222", 2)]);
    assert_eq!(world.party("member_no:111"), first);
    assert_eq!(identifiers(&world.party("member_no:222")), ["member_no:222"]);
    let page = world.get("/api/v1/identity/contested");
    let [item] = &page["items"].as_array().unwrap()[..] else { panic!("{page}") };
    assert_eq!(item["reason"], "limit:member_no");
    let mut values = [&item["a"]["value"], &item["b"]["value"]];
    values.sort_by_key(|value| value.to_string());
    assert_eq!(values, [&json!("13800138000"), &json!("222")]);
}

#[test]
fn the_path_between_identifiers_is_told_step_by_step() {
    let world = World::new();
    world.send(&[
        identify("u-1", 1, json!({ "phone": "13800138000" })),
        json!({ "type": "identify", "messageId": "p-1", "timestamp": "2026-06-02T08:00:00.000Z",
            "traits": { "phone": "13800138000" },
            "context": { "externalIds": [{ "id": "P-9", "type": "pos_id", "collection": "users", "encoding": "none" }] } }),
        json!({ "type": "track", "messageId": "a-1", "event": "Seen", "anonymousId": "a-1", "userId": "u-1",
            "timestamp": "2026-06-03T08:00:00.000Z" }),
        identify("u-7", 4, json!({})),
    ]);
    merge(&world, &world.id("user_id:u-1"), &world.id("user_id:u-7"));
    let id = world.id("user_id:u-1");
    let path = |from: &str, to: &str| {
        let query = format!("from={}&to={}", encoded(from), encoded(to));
        let told = world.get(&format!("/api/v1/parties/{id}/explain?{query}"));
        let steps = told["paths"][0]["steps"].as_array().unwrap().iter().map(|step| {
            let end =
                |end: &Value| format!("{}:{}", end["kind"].as_str().unwrap(), end["value"].as_str().unwrap());
            let mut ends = [end(&step["a"]), end(&step["b"])];
            ends.sort();
            assert!(step["evidence"].as_str().unwrap().len() == 26, "{step}");
            format!("{} {}", step["cause"].as_str().unwrap(), ends.join(" "))
        });
        steps.collect::<Vec<String>>()
    };
    assert_eq!(
        path("user_id:u-1", "pos_id:P-9"),
        ["seen_together mobile:13800138000 user_id:u-1", "seen_together mobile:13800138000 pos_id:P-9"]
    );
    assert_eq!(path("user_id:u-1", "anonymous_id:a-1"), ["used_by anonymous_id:a-1 user_id:u-1"]);
    assert_eq!(path("user_id:u-1", "user_id:u-7"), ["decision user_id:u-1 user_id:u-7"]);
    assert_eq!(path("user_id:u-1", "user_id:u-1"), [] as [&str; 0]);
    let whole = world.get(&format!("/api/v1/parties/{id}/explain"));
    assert_eq!(whole["paths"].as_array().unwrap().len(), 4, "one path to each other identifier");
}

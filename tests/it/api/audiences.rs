//! Audiences: defined, filled, followed, tried and explained; what is wrong with them is refused.

mod errors;

use std::collections::BTreeSet;

use headwater_tests::pages;
use kernel::time::DAY;
use serde_json::{Value, json};

use super::{World, identify, ids, track};

/// A purchase of a user on a day of June 2026.
fn paid(user: &str, day: u32, total: f64) -> Value {
    json!({ "type": "track", "messageId": format!("p-{user}-{day}"), "userId": user, "event": "Paid",
        "timestamp": format!("2026-06-{day:02}T09:00:00.000Z"), "properties": { "total": total } })
}

/// At least so many purchases in a window.
fn buyers(least: u32, window: Value) -> Value {
    json!({ "event": "Paid", "window": window, "op": "gte", "value": least })
}

impl World {
    fn audience(&self, name: &str, rule: Value) -> String {
        let made = self.post("/api/v1/audiences", json!({ "name": name, "mode": "live", "rule": rule }));
        self.settle();
        made["id"].as_str().unwrap().to_owned()
    }

    /// Waits until the pipeline has done what time and definitions ask for: it does so after a command and
    /// before the next one.
    pub(super) fn settle(&self) {
        for _ in 0..2 {
            let path = "/api/v1/plan/Nothing/nothing";
            self.server.put(&self.workspace.token, path, &json!({ "kind": "any" })).ok();
        }
    }

    fn at(&self, audience: &str, part: &str) -> Value {
        self.get(&format!("/api/v1/audiences/{audience}{part}"))
    }

    /// The parties in an audience; its count is theirs.
    fn members(&self, audience: &str) -> BTreeSet<String> {
        let path = format!("/api/v1/audiences/{audience}/members");
        let found = pages(&self.server, &self.workspace.token, &path);
        let stored = self.at(audience, "");
        assert_eq!((&stored["count"], &stored["is_filled"]), (&json!(found.len()), &json!(true)), "{stored}");
        found.iter().map(|member| member["id"].as_str().unwrap().to_owned()).collect()
    }

    fn parties(&self, users: &[&str]) -> BTreeSet<String> {
        users.iter().map(|user| self.id(&format!("user_id:{user}"))).collect()
    }

    /// The changes of an audience as `seq user +/- cause`.
    fn ledger(&self, audience: &str, users: &[&str]) -> Vec<String> {
        let changes = self.at(audience, "/changes?limit=200");
        let name = |party: &Value| {
            let is_it = |user: &&&str| self.id(&format!("user_id:{user}")) == party.as_str().unwrap();
            users.iter().find(is_it).map_or("?", |user| *user)
        };
        let line = |change: &Value| {
            let sign = if change["entered"] == true { '+' } else { '-' };
            let (seq, cause) = (&change["seq"], change["cause"].as_str().unwrap());
            format!("{seq} {}{sign} {cause} {}", name(&change["party"]), change["version"])
        };
        changes["items"].as_array().unwrap().iter().map(line).collect()
    }
}

#[test]
fn an_audience_has_those_its_rule_holds_for_from_before_and_after_it_was_made() {
    let world = World::new();
    world.send(&[
        paid("u-1", 20, 10.0),
        paid("u-1", 21, 5.0),
        paid("u-2", 20, 7.0),
        track("u-3", 20, "Seen"),
    ]);
    let audience = world.audience("回头客", buyers(2, json!({ "last": "30d" })));
    assert_eq!(world.members(&audience), world.parties(&["u-1"]));
    world.send(&[paid("u-2", 25, 1.0)]);
    assert_eq!(world.members(&audience), world.parties(&["u-1", "u-2"]));
    world.send(&[paid("u-3", 25, 1.0), paid("u-4", 25, 1.0), paid("u-4", 26, 1.0)]);
    assert_eq!(world.members(&audience), world.parties(&["u-1", "u-2", "u-4"]));
    let users = ["u-1", "u-2", "u-3", "u-4"];
    assert_eq!(world.ledger(&audience, &users)[..2], ["1 u-1+ definition 1", "2 u-2+ fact 1"]);
    let member = &world.at(&audience, "/members?limit=1")["items"][0];
    assert_eq!(member["since"], "2026-07-02T12:00:00.000Z");
    let change = &world.at(&audience, "/changes?after_seq=1&limit=1")["items"][0];
    assert_eq!(change["at"], "2026-07-02T12:00:00.000Z");
    assert_eq!(change["evidence"]["events"].as_array().unwrap().len(), 1, "the event that did it: {change}");
}

#[test]
fn a_definition_is_told_as_json_and_as_text_with_every_version_it_had() {
    let world = World::new();
    let rule = buyers(2, json!({ "last": "30d" }));
    let made = world.post("/api/v1/audiences", json!({ "name": " 回头客 ", "rule": rule }));
    let id = made["id"].as_str().unwrap();
    assert!(id.starts_with("aud_") && id.len() == 30, "{made}");
    let shown = [&made["name"], &made["mode"], &made["version"], &made["rule"], &made["is_archived"]];
    assert_eq!(shown, [&json!("回头客"), &json!("live"), &json!(1), &rule, &json!(false)]);
    assert!(made["text"]["en"].as_str().unwrap().contains("Paid"), "{made}");
    assert!(made["text"]["zh"].as_str().unwrap().contains("Paid"), "{made}");
    assert!(made["actor"].as_str().unwrap().starts_with("token:"), "{made}");
    assert_eq!(made["created_at"], "2026-07-02T12:00:00.000Z");
    let body = json!({ "name": "熟客", "mode": "static", "rule": { "always": false } });
    let path = format!("/api/v1/audiences/{id}");
    let put = world.server.put(&world.workspace.token, &path, &body).ok();
    assert_eq!([&put["version"], &put["mode"], &put["name"]], [&json!(2), &json!("static"), &json!("熟客")]);
    let again = world.server.put(&world.workspace.token, &path, &json!({ "name": "x", "rule": rule })).ok();
    assert_eq!(again["mode"], "static", "what is not said stays");
    let first = world.at(id, "/versions?limit=2");
    let names = |page: &Value| page["items"].as_array().unwrap().iter().map(|v| v["name"].clone()).collect();
    let (latest, rest): (Vec<Value>, Value) =
        (names(&first), world.at(id, &format!("/versions?cursor={}", first["next"].as_str().unwrap())));
    assert_eq!(latest, ["x", "熟客"]);
    assert_eq!(
        (&rest["items"][0]["rule"], &rest["items"][0]["version"], &rest["next"]),
        (&rule, &json!(1), &Value::Null)
    );
}

#[test]
fn the_list_of_audiences_comes_in_pages_in_the_order_they_were_made() {
    let world = World::new();
    let made: Vec<String> =
        (0..5).map(|n| world.audience(&format!("a{n}"), json!({ "always": true }))).collect();
    let listed = pages(&world.server, &world.workspace.token, "/api/v1/audiences");
    assert_eq!(ids(&json!({ "items": listed })), made);
    let page = world.get("/api/v1/audiences?limit=2");
    assert_eq!(ids(&page), made[..2]);
    let next = world.get(&format!("/api/v1/audiences?limit=2&cursor={}", page["next"].as_str().unwrap()));
    assert_eq!(ids(&next), made[2..4]);
}

#[test]
fn a_party_leaves_when_its_time_is_over_and_enters_when_its_wait_is() {
    let world = World::new();
    world.send(&[paid("u-1", 20, 10.0), paid("u-2", 28, 10.0)]);
    let recent = world.audience("recent", buyers(1, json!({ "last": "30d" })));
    let quiet = world.audience(
        "quiet",
        json!({ "all": [buyers(1, json!({ "ever": true })),
        { "event": "Paid", "measure": "last_time", "op": "older_than", "value": "30d" }] }),
    );
    assert_eq!(world.members(&recent), world.parties(&["u-1", "u-2"]));
    assert_eq!(world.members(&quiet), BTreeSet::new());
    // To 2026-07-20T12:00, three hours after the thirty days of the first are over.
    world.server.clock().advance(18 * DAY);
    world.settle();
    assert_eq!(world.members(&recent), world.parties(&["u-2"]));
    assert_eq!(world.members(&quiet), world.parties(&["u-1"]));
    world.server.clock().advance(18 * DAY);
    world.settle();
    assert_eq!(world.members(&recent), BTreeSet::new());
    assert_eq!(world.members(&quiet), world.parties(&["u-1", "u-2"]));
    let ledger = world.ledger(&recent, &["u-1", "u-2"]);
    assert_eq!(ledger[2..], ["3 u-1- time 1", "4 u-2- time 1"]);
    let left = &world.at(&recent, "/changes?after_seq=2")["items"][0];
    assert_eq!(left["at"], "2026-07-20T12:00:00.000Z");
}

#[test]
fn another_rule_moves_members_another_name_does_not_and_putting_away_empties() {
    let world = World::new();
    world.send(&[paid("u-1", 20, 10.0), paid("u-2", 20, 7.0), paid("u-2", 21, 7.0)]);
    let audience = world.audience("buyers", buyers(1, json!({ "ever": true })));
    let path = format!("/api/v1/audiences/{audience}");
    let put = |name: &str, rule: Value| {
        let body = json!({ "name": name, "rule": rule });
        let put = world.server.put(&world.workspace.token, &path, &body).ok();
        world.settle();
        put
    };
    assert_eq!(
        put("customers", buyers(1, json!({ "ever": true })))["is_filled"],
        true,
        "it is the same rule"
    );
    assert_eq!(world.at(&audience, "")["seq"], 2);
    put("regulars", buyers(2, json!({ "ever": true })));
    assert_eq!(world.members(&audience), world.parties(&["u-2"]));
    let user = world.audience("user", json!({ "none": [{ "audience": audience }] }));
    assert_eq!(world.members(&user), world.parties(&["u-1"]));
    let away = |id: &str| {
        world.server.call("DELETE", &format!("/api/v1/audiences/{id}")).token(&world.workspace.token).send()
    };
    let refused = away(&audience);
    assert_eq!((refused.status.as_u16(), &refused.json()["code"]), (409, &json!("conflict")));
    assert!(refused.text().contains(&user) && refused.text().contains("user ("), "{}", refused.text());
    assert_eq!(away(&user).ok()["is_archived"], true);
    assert_eq!(away(&audience).ok()["version"], 4);
    world.settle();
    assert_eq!(world.get("/api/v1/audiences")["items"], json!([]));
    assert_eq!(world.members(&audience), BTreeSet::new());
    let ledger = world.ledger(&audience, &["u-1", "u-2"]);
    assert_eq!(ledger[2..], ["3 u-1- definition 3", "4 u-2- definition 4"]);
    world.send(&[paid("u-2", 22, 7.0)]);
    assert_eq!(world.at(&audience, "")["seq"], 4, "nothing enters what is put away");
}

#[test]
fn whoever_follows_the_changes_sees_each_once_and_in_order() {
    let world = World::new();
    let users: Vec<String> = (1..8).map(|n| format!("u-{n}")).collect();
    world.send(&users.iter().map(|user| paid(user, 20, 1.0)).collect::<Vec<_>>());
    let audience = world.audience("once", json!({ "event": "Paid", "op": "eq", "value": 1 }));
    world.send(&users[..3].iter().map(|user| paid(user, 21, 1.0)).collect::<Vec<_>>());
    let (mut seen, mut after) = (Vec::new(), 0);
    let follow = |seen: &mut Vec<Value>, after: &mut u64| {
        loop {
            let page = world.at(&audience, &format!("/changes?after_seq={after}&limit=3"));
            let items = page["items"].as_array().unwrap().clone();
            *after = page["next_seq"].as_u64().unwrap();
            match items.is_empty() {
                true => return,
                false => seen.extend(items),
            }
        }
    };
    follow(&mut seen, &mut after);
    assert_eq!((seen.len(), after), (10, 10));
    world.send(&[paid("u-4", 21, 1.0)]);
    follow(&mut seen, &mut after);
    let seqs: Vec<u64> = seen.iter().map(|change| change["seq"].as_u64().unwrap()).collect();
    assert_eq!(seqs, (1..=11).collect::<Vec<_>>());
    assert_eq!(json!(seen), world.at(&audience, "/changes?limit=200")["items"]);
    let left: Vec<&Value> = seen.iter().filter(|c| c["entered"] == false).map(|c| &c["party"]).collect();
    assert_eq!(left[3], &json!(world.id("user_id:u-4")));
}

#[test]
fn a_preview_finds_those_who_are_members_once_the_rule_is_an_audience() {
    let world = World::new();
    world.send(&[
        paid("u-1", 20, 10.5),
        paid("u-1", 21, 89.5),
        paid("u-2", 3, 300.0),
        identify("u-2", 4, json!({ "tier": "gold" })),
        identify("u-3", 5, json!({ "tier": "silver" })),
    ]);
    let gold = world.audience("gold", json!({ "trait": "tier", "op": "eq", "value": "gold" }));
    let rules = [
        json!({ "event": "Paid", "measure": { "sum": "total" }, "window": { "last": "20d" }, "op": "gte", "value": 100 }),
        json!({ "any": [{ "audience": gold }, { "trait": "tier", "op": "eq", "value": "silver" }] }),
        json!({ "none": [{ "event": "Paid", "op": "gte", "value": 1 }] }),
        json!({ "event": "*", "window": { "calendar": "this_month" }, "op": "eq", "value": 0 }),
        json!({ "trait": "tier", "op": "missing" }),
    ];
    for rule in rules {
        let preview = world.post("/api/v1/audiences/preview", json!({ "rule": rule, "limit": 200 }));
        assert_eq!(preview["as_of"], "2026-07-02T12:00:00.000Z");
        assert!(preview["elapsed_ms"].is_u64(), "{preview}");
        let audience = world.audience("same", rule.clone());
        let sample: BTreeSet<String> =
            preview["sample"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect();
        assert_eq!(sample, world.members(&audience), "{rule}");
        assert_eq!(preview["count"], sample.len(), "{rule}");
    }
    let few = world.post("/api/v1/audiences/preview", json!({ "rule": { "always": true }, "limit": 2 }));
    assert_eq!((&few["count"], few["sample"].as_array().unwrap().len()), (&json!(3), 2));
}

#[test]
fn a_preview_as_of_another_instant_asks_other_audiences_for_that_instant() {
    let world = World::new();
    world.send(&[paid("u-1", 1, 1.0), paid("u-2", 25, 1.0)]);
    let recent = world.audience("recent", buyers(1, json!({ "last": "10d" })));
    let listed = json!({ "name": "list", "mode": "static", "rule": buyers(1, json!({ "ever": true })) });
    let listed = world.post("/api/v1/audiences", listed)["id"].clone();
    world.settle();
    let count = |rule: &Value, as_of: &str| {
        world.post("/api/v1/audiences/preview", json!({ "rule": rule, "as_of": as_of }))["sample"].clone()
    };
    let (nested, one, two) =
        (json!({ "all": [{ "audience": recent }] }), world.id("user_id:u-1"), world.id("user_id:u-2"));
    assert_eq!(count(&nested, "2026-06-05T00:00:00Z"), json!([one]));
    assert_eq!(count(&nested, "2026-06-20T00:00:00+08:00"), json!([]));
    assert_eq!(count(&nested, "2026-07-01T00:00:00Z"), json!([two]));
    let listed = json!({ "audience": listed });
    assert_eq!(count(&listed, "2026-06-20T00:00:00Z"), json!([]), "it was no list yet");
    assert_eq!(count(&listed, "2026-08-20T00:00:00Z"), json!([one, two]));
}

#[test]
fn an_explanation_names_what_was_measured_and_the_events_that_made_it_so() {
    let world = World::new();
    world.send(&[
        paid("u-1", 20, 10.5),
        paid("u-1", 21, 89.5),
        identify("u-1", 4, json!({ "phone": "13800138000", "tier": "gold" })),
    ]);
    let rule = json!({ "all": [
        { "event": "Paid", "measure": { "sum": "total" }, "window": { "last": "20d" }, "op": "gte", "value": 100 },
        { "trait": "phone", "op": "starts_with", "value": "138" },
        { "any": [{ "trait": "tier", "op": "eq", "value": "silver" }, { "always": true }] }] });
    let audience = world.audience("big", rule.clone());
    let path = format!("/api/v1/parties/{}/explain", world.id("user_id:u-1"));
    let told = world.post(&path, json!({ "audience": audience }));
    assert_eq!((&told["holds"], &told["as_of"]), (&json!(true), &json!("2026-07-02T12:00:00.000Z")));
    assert_eq!(told["member_since"], "2026-07-02T12:00:00.000Z");
    assert_eq!(told["changes_at"], "2026-07-10T09:00:00.000Z", "when the first leaves the window: {told}");
    let [sum, phone, any] = &told["evidence"]["members"].as_array().unwrap()[..] else { panic!("{told}") };
    assert_eq!([&sum["measured"], &sum["literal"], &sum["op"]], [&json!(100), &json!(100), &json!("gte")]);
    assert_eq!(
        sum["events"],
        json!([{ "id": "p-u-1-20", "event": "Paid", "time": "2026-06-20T09:00:00.000Z" },
            { "id": "p-u-1-21", "event": "Paid", "time": "2026-06-21T09:00:00.000Z" }])
    );
    let from = json!({ "time": "2026-06-04T08:00:00.000Z", "source": "default" });
    assert_eq!([&phone["measured"], &phone["provenance"]], [&json!("13800138000"), &from]);
    assert_eq!((&any["members"][0]["holds"], &any["members"][1]["holds"]), (&json!(false), &json!(true)));

    let before = world.post(&path, json!({ "rule": rule, "as_of": "2026-06-20T23:00:00Z" }));
    assert_eq!((&before["holds"], &before["member_since"]), (&json!(false), &Value::Null));
    assert_eq!(before["evidence"]["members"][0]["measured"], 10.5);
    let masked = world.server.token(&world.workspace, "profile:read");
    let told = world.server.post(&masked, &path, &json!({ "rule": rule })).ok();
    assert_eq!(told["evidence"]["members"][1]["measured"], "*********00");
    let refused = world.server.post(&masked, &path, &json!({ "audience": audience }));
    assert_eq!((refused.status.as_u16(), refused.text().contains("audience:read")), (403, true));
}

#[test]
fn merging_two_people_takes_one_out_of_the_audience_and_unmerging_brings_them_back() {
    let world = World::new();
    world.send(&[paid("u-1", 20, 1.0), paid("u-2", 20, 1.0), paid("u-3", 20, 1.0)]);
    let single = world.audience("single", json!({ "event": "Paid", "op": "eq", "value": 1 }));
    let (one, two) = (world.id("user_id:u-1"), world.id("user_id:u-2"));
    world.post("/api/v1/parties/merge", json!({ "parties": [one, two] }));
    world.settle();
    assert_eq!(world.members(&single), world.parties(&["u-3"]));
    world.post(&format!("/api/v1/parties/{one}/unmerge"), json!({}));
    world.settle();
    assert_eq!(world.members(&single), world.parties(&["u-1", "u-2", "u-3"]));
    let causes: BTreeSet<String> = world.ledger(&single, &[])[3..]
        .iter()
        .map(|line| line.split(' ').nth(2).unwrap().to_owned())
        .collect();
    assert_eq!(causes, BTreeSet::from(["identity".to_owned()]));
}

#[test]
fn audiences_are_put_together_as_sets_and_follow_their_changes() {
    let world = World::new();
    let people: Vec<Value> = (0..10).map(|n| identify(&format!("u-{n}"), 1, json!({ "n": n }))).collect();
    world.send(&people);
    world.server.drain(&world.workspace);
    let audience = |op: &str, value: u32| {
        let rule = json!({ "trait": "n", "op": op, "value": value });
        let made = world.post("/api/v1/audiences", json!({ "name": op, "rule": rule }));
        made["id"].as_str().unwrap().to_owned()
    };
    let (low, high) = (audience("lt", 6), audience("gte", 4));
    world.settle();
    let combine = |kind: &str| {
        let expression = json!({ kind: [{ "audience": low }, { "audience": high }] });
        world.post("/api/v1/audiences/combine", json!({ "expression": expression }))
    };
    let counts = || ["union", "intersect", "minus"].map(|kind| combine(kind)["count"].as_u64().unwrap());
    assert_eq!(counts(), [10, 2, 4]);
    assert_eq!(combine("union")["overlaps"][0]["count"], 2);
    world.send(&[identify("u-0", 2, json!({ "n": 5 })), identify("u-9", 2, json!({ "n": 0 }))]);
    world.server.drain(&world.workspace);
    assert_eq!(counts(), [10, 3, 5], "the sets in memory were brought up to date");
    let unknown = json!({ "expression": { "audience": "aud_nobody" } });
    let answer = world.server.post(&world.workspace.token, "/api/v1/audiences/combine", &unknown);
    assert_eq!(answer.status.as_u16(), 422);
}

//! P33: nothing of one workspace shows in another, even where both know the same mobile.

use std::collections::{BTreeMap, BTreeSet};

use headwater_tests::{Answer, TestWorkspace, encoded, pages};
use serde_json::{Value, json};

use super::{World, world};

/// Calls with what the other workspace knows.
const CALLS: usize = 500;

/// What a workspace knows, by what it is good for in a request.
struct Known {
    parties: Vec<String>,
    identifiers: Vec<(String, String)>,
    names: Vec<String>,
    quarantined: Vec<String>,
    tokens: Vec<String>,
    sources: Vec<String>,
    cursors: Vec<String>,
}

impl Known {
    fn of(world: &World, workspace: &TestWorkspace) -> Self {
        let list = |path: &str| pages(&world.server, &workspace.token, path);
        let parties = list("/api/v1/parties");
        let ids = |items: &[Value]| -> Vec<String> {
            items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect()
        };
        let pair = |i: &Value| (i["kind"].as_str().unwrap().into(), i["value"].as_str().unwrap().into());
        let identifiers = parties.iter().flat_map(|p| p["identifiers"].as_array().unwrap()).map(pair);
        let names = parties.iter().filter_map(|p| p["traits"]["name"].as_str()).map(str::to_owned);
        let cursor = |path: &str| {
            let page = world.server.get(&workspace.token, &format!("{path}limit=1")).ok();
            page["next"].as_str().map(str::to_owned)
        };
        let busy = parties.iter().max_by_key(|p| p["event_count"].as_u64()).unwrap();
        let timeline = format!("/api/v1/parties/{}/timeline?", busy["id"].as_str().unwrap());
        let lists = ["/api/v1/parties?", &timeline, "/api/v1/quarantine?", "/api/v1/plan?"];
        Self {
            parties: ids(&parties),
            identifiers: identifiers.collect(),
            names: names.collect(),
            quarantined: ids(&list("/api/v1/quarantine")),
            tokens: ids(&list("/api/v1/tokens")),
            sources: ids(&list("/api/v1/sources")),
            cursors: lists.into_iter().filter_map(cursor).collect(),
        }
    }

    /// Everything that names somebody or something.
    fn secrets(&self) -> BTreeSet<&str> {
        let texts = [&self.parties, &self.names, &self.quarantined, &self.tokens];
        let values = self.identifiers.iter().map(|(_, value)| value.as_str());
        texts.into_iter().flatten().map(String::as_str).chain(values).filter(|text| text.len() > 3).collect()
    }
}

/// The same numbers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % count
    }

    fn pick<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// A request made of a route and what `other` knows.
struct Made {
    method: String,
    target: String,
    body: Option<Value>,
}

fn make(dice: &mut Dice, route: &web::Guarded, own: &Known, other: &Known) -> Made {
    let (kind, value) = dice.pick(&other.identifiers).clone();
    let mut target = String::new();
    for (i, piece) in route.path.split('{').enumerate() {
        let Some((name, rest)) = piece.split_once('}').filter(|_| i > 0) else {
            target.push_str(piece);
            continue;
        };
        let id = match name {
            "kind" => kind.clone(),
            "value" => value.clone(),
            _ if route.path.contains("quarantine") => dice.pick(&other.quarantined).clone(),
            _ if route.path.contains("tokens") => dice.pick(&other.tokens).clone(),
            _ if route.path.contains("sources") => dice.pick(&other.sources).clone(),
            _ => dice.pick(&other.parties).clone(),
        };
        target.push_str(&encoded(&id));
        target.push_str(rest);
    }
    let tail = |text: &str| text.chars().skip(text.chars().count().saturating_sub(4)).collect::<String>();
    let query = match dice.below(7) {
        0 => format!("q={}", encoded(dice.pick::<String>(&other.names))),
        1 => format!("q={}", encoded(&value)),
        2 => format!("q={}", encoded(&tail(&value))),
        3 => format!("q={}", dice.pick(&other.parties)),
        4 => format!("cursor={}&limit=200", dice.pick(&other.cursors)),
        5 => format!("from={0}:{1}&to={0}:{1}", encoded(&kind), encoded(&value)),
        _ => "limit=200".to_owned(),
    };
    let (theirs, mine) = (dice.pick(&other.parties), dice.pick(&own.parties));
    let body = match dice.below(4) {
        0 => json!({ "parties": [theirs, mine] }),
        1 => json!({ "identifiers": [{ "kind": kind, "value": value }], "ids": [theirs, theirs] }),
        2 => json!({ "decision": tail(theirs), "rules": { "kinds": [value] } }),
        _ => json!({ "class": value, "field": kind, "event": { "userId": value } }),
    };
    let body = (route.method != "GET").then_some(body);
    Made { method: route.method.clone(), target: format!("{target}?{query}"), body }
}

fn ask(world: &World, token: &str, made: &Made) -> Answer {
    let call = world.server.call(&made.method, &made.target).token(token);
    match &made.body {
        Some(body) => call.json(body).send(),
        None => call.send(),
    }
}

/// Every word of an answer: its strings, and those taken apart at whatever is no letter or digit.
fn words(text: &str) -> BTreeSet<String> {
    fn walk(value: &Value, into: &mut BTreeSet<String>) {
        match value {
            Value::String(text) => {
                into.extend(text.split(|c: char| !c.is_alphanumeric()).map(str::to_owned));
                into.insert(text.clone());
            }
            Value::Array(list) => list.iter().for_each(|item| walk(item, into)),
            Value::Object(map) => map.iter().for_each(|(key, item)| {
                into.insert(key.clone());
                walk(item, into);
            }),
            other => drop(into.insert(other.to_string())),
        }
    }
    let mut into = BTreeSet::new();
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    walk(&value, &mut into);
    into
}

#[test]
fn five_hundred_calls_with_what_the_other_workspace_knows_show_nothing_of_it() {
    let world = world();
    let _changing = world.change();
    let (own, other) = (Known::of(&world, world.w1()), Known::of(&world, world.w2()));
    let shared: BTreeSet<String> = own.secrets().into_iter().map(str::to_owned).collect();
    let secrets: BTreeSet<&str> = other.secrets().into_iter().filter(|s| !shared.contains(*s)).collect();
    assert!(secrets.len() > 1_000, "{} secrets", secrets.len());
    let seen = words(&world.get("/api/v1/parties").to_string());
    assert!(secrets.iter().filter(|secret| seen.contains(**secret)).count() > 50, "a leak would be noticed");
    let (_, routes) = world.server.server().api();
    let mut dice = Dice(20_260_630);
    let mut statuses: BTreeMap<u16, usize> = BTreeMap::new();
    for no in 0..CALLS {
        let made = make(&mut dice, &routes[no % routes.len()], &own, &other);
        let answer = ask(&world, &world.w1().token, &made);
        *statuses.entry(answer.status.as_u16()).or_default() += 1;
        assert!(!answer.status.is_server_error(), "{} {}: {}", made.method, made.target, answer.text());
        // An answer may repeat what it was asked.
        let asked = format!("{} {}", made.target, made.body.clone().unwrap_or_default());
        let leaks: Vec<String> = words(&answer.text())
            .into_iter()
            .filter(|word| {
                secrets.contains(&**word) && !asked.contains(&encoded(word)) && !asked.contains(&**word)
            })
            .collect();
        assert!(leaks.is_empty(), "{} {} shows {leaks:?}", made.method, made.target);
    }
    println!("P33: {CALLS} calls, {} secrets, by status {statuses:?}", secrets.len());
}

#[test]
fn every_id_of_the_other_workspace_is_not_found() {
    let world = world();
    let _changing = world.change();
    let (own, other) = (Known::of(&world, world.w1()), Known::of(&world, world.w2()));
    let token = &world.w1().token;
    let missing = |method: &str, path: &str, body: Option<Value>| {
        let made = Made { method: method.to_owned(), target: path.to_owned(), body };
        let answer = ask(&world, token, &made);
        assert_eq!(answer.status, 404, "{method} {path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "not_found", "{method} {path}");
    };
    for id in &other.parties {
        for rest in ["", "/timeline", "/explain"] {
            missing("GET", &format!("/api/v1/parties/{id}{rest}"), None);
        }
        missing("POST", &format!("/api/v1/parties/{id}/unmerge"), None);
        missing("POST", "/api/v1/parties/merge", Some(json!({ "parties": [own.parties[0], id] })));
        missing("POST", "/api/v1/parties/merge", Some(json!({ "parties": [id, own.parties[0]] })));
        let found = world.server.get(token, &format!("/api/v1/parties?q={id}")).ok();
        assert_eq!(found["items"], json!([]));
    }
    for id in &other.quarantined {
        missing("GET", &format!("/api/v1/quarantine/{id}"), None);
        missing("POST", &format!("/api/v1/quarantine/{id}/replay"), None);
        missing("POST", &format!("/api/v1/quarantine/{id}/discard"), None);
    }
    other.tokens.iter().for_each(|id| missing("DELETE", &format!("/api/v1/tokens/{id}"), None));
    for id in other.sources.iter().filter(|id| !own.sources.contains(id)) {
        missing("PATCH", &format!("/api/v1/sources/{id}"), Some(json!({ "is_enabled": false })));
        missing("POST", &format!("/api/v1/sources/{id}/rotate_key"), None);
    }
    let theirs = other.identifiers.iter().filter(|identifier| !own.identifiers.contains(identifier));
    for (kind, value) in theirs {
        missing("GET", &format!("/api/v1/parties/by/{}/{}", encoded(kind), encoded(value)), None);
    }
}

#[test]
fn a_mobile_both_workspaces_know_leads_each_to_its_own_party() {
    let world = world();
    let _reading = world.read();
    let rows = &world.truth["P33"];
    assert!(!rows.is_empty());
    for row in rows {
        let path = format!("/api/v1/parties/by/mobile/{}", row["mobile"].as_str().unwrap());
        let [w1, w2] = [world.w1(), world.w2()].map(|w| world.server.get(&w.token, &path).ok());
        assert_ne!(w1["id"], w2["id"]);
        let has = |party: &Value, reference: &Value| {
            let identifiers = party["identifiers"].as_array().unwrap().iter();
            identifiers.clone().any(|i| i["kind"] == reference["kind"] && i["value"] == reference["value"])
        };
        assert!(has(&w1, &row["w1"]) && !has(&w1, &row["w2"]), "{w1}");
        assert!(has(&w2, &row["w2"]) && !has(&w2, &row["w1"]), "{w2}");
        assert_eq!(w1["event_count"], 1, "{w1}");
    }
}

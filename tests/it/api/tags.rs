//! Tags through the API: the acceptance examples of the specification, and what people see of a tag.

use serde_json::{Value, json};

use super::{World, identify};

fn order(user: &str, n: u64, at: &str, total: f64) -> Value {
    json!({ "type": "track", "messageId": format!("o-{user}-{n}"), "timestamp": at, "userId": user,
            "event": "Order Completed", "properties": { "total": total } })
}

fn put(world: &World, key: &str, more: Value) -> Value {
    let mut body = json!({ "key": key, "name": key, "kind": "rule", "value_type": "boolean" });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    world
        .server
        .call("PUT", &format!("/api/v1/tags/{key}"))
        .token(&world.workspace.token)
        .json(&body)
        .send()
        .ok()
}

/// Everybody who has a tag, with the value.
fn members(world: &World, key: &str) -> Vec<(String, Value)> {
    let items = world.get(&format!("/api/v1/tags/{key}/members"));
    let items = items["items"].as_array().unwrap();
    items.iter().map(|item| (item["id"].as_str().unwrap().to_owned(), item["value"].clone())).collect()
}

fn shop() -> World {
    let world = World::new();
    world.send(&[
        identify("u-1", 1, json!({ "city": "临澄" })),
        identify("u-2", 1, json!({ "city": "other" })),
        identify("u-3", 1, json!({ "city": "other", "vip": true })),
        order("u-1", 1, "2026-06-20T00:00:00Z", 100.0),
        order("u-1", 2, "2026-06-21T00:00:00Z", 33.33),
        order("u-2", 1, "2026-06-21T00:00:00Z", 70.0),
        order("u-2", 2, "2026-06-22T00:00:00Z", 70.0),
    ]);
    world
}

#[test]
fn those_have_a_rule_tag_for_whom_its_nested_rule_holds() {
    let world = shop();
    let often = json!({"event": "Order Completed", "window": {"last": "30d"}, "op": "gte", "value": 2});
    let city = json!({"trait": "city", "op": "eq", "value": "临澄"});
    let vip = json!({"trait": "vip", "op": "eq", "value": true});
    let rule = json!({"any": [{"all": [often, city]}, vip]});
    put(&world, "target", json!({ "rule": rule, "category": "会员/价值", "owner": "lin" }));
    world.settle();
    let mut expected = vec![world.id("user_id:u-1"), world.id("user_id:u-3")];
    expected.sort();
    let mut found: Vec<String> = members(&world, "target").into_iter().map(|(id, _)| id).collect();
    found.sort();
    assert_eq!(found, expected);
    let tag = world.get("/api/v1/tags/target");
    assert_eq!((&tag["count"], &tag["is_filled"], &tag["version"]), (&json!(2), &json!(true), &json!(1)));
    assert!((tag["coverage"].as_f64().unwrap() - 2.0 / 3.0).abs() < 1e-9, "{tag}");
    assert_eq!(world.get("/api/v1/tags?category=会员")["items"][0]["key"], "target");
    assert_eq!(world.get("/api/v1/tags?category=会")["items"], json!([]));
    let party = world.get(&super::by("user_id:u-1"));
    assert_eq!(party["tags"], json!({ "target": true }));
}

#[test]
fn a_mean_order_is_a_tag_of_buyers_and_missing_of_others() {
    let world = shop();
    put(
        &world,
        "aov",
        json!({
            "kind": "function", "value_type": "number",
            "formula": "round(net_12m / nullif(orders_12m,0),2)",
            "measures": {
                "net_12m": "sum(\"Order Completed\".total, last 365d)",
                "orders_12m": "count(\"Order Completed\", last 365d)",
            },
        }),
    );
    world.settle();
    let found = members(&world, "aov");
    let mut expected = vec![(world.id("user_id:u-1"), json!(66.67)), (world.id("user_id:u-2"), json!(70))];
    expected.sort_by_key(|(id, _)| found.iter().position(|(other, _)| other == id));
    assert_eq!(found, expected);
    // The next order changes it at once.
    world.send(&[order("u-1", 3, "2026-06-23T00:00:00Z", 0.02)]);
    let party = world.get(&super::by("user_id:u-1"));
    assert_eq!(party["tags"], json!({ "aov": 44.45 }));
    let path = format!("/api/v1/parties/{}/explain_tag", world.id("user_id:u-1"));
    let why = world.post(&path, json!({ "tag": "aov" }));
    assert_eq!(why["value"], json!(44.45));
    let inputs = &why["reasons"]["inputs"];
    assert_eq!(inputs[0]["value"], json!(133.35), "{why}");
    assert_eq!(inputs[1], json!({ "input": "count(\"Order Completed\", last 365d)", "value": 3 }));
    assert_eq!(why["evidence"][1]["events"].as_array().unwrap().len(), 3);
    let changes = world.get("/api/v1/tags/aov/changes?after_seq=2");
    assert_eq!(changes["items"][0]["before"], json!(66.67));
    assert_eq!(
        (&changes["items"][0]["value"], &changes["items"][0]["cause"]),
        (&json!(44.45), &json!("fact"))
    );
}

#[test]
fn a_tag_that_is_asked_for_is_not_put_away_and_the_usages_are_named() {
    let world = shop();
    put(&world, "base", json!({ "rule": {"always": true} }));
    let rule = json!({"tag": "base", "op": "eq", "value": true});
    for name in ["first", "second"] {
        world.post("/api/v1/audiences", json!({ "name": name, "rule": rule }));
    }
    world.settle();
    assert_eq!(world.get("/api/v1/audiences")["items"][1]["count"], json!(3));
    let delete = || {
        let answer = world.server.call("DELETE", "/api/v1/tags/base").token(&world.workspace.token).send();
        (answer.status.as_u16(), answer.json())
    };
    let (status, problem) = delete();
    assert_eq!((status, &problem["code"]), (409, &json!("conflict")));
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("audience first") && detail.contains("audience second"), "{detail}");
    let lineage = world.get("/api/v1/tags/base/lineage");
    assert_eq!(lineage["asked_by"].as_array().unwrap().len(), 2);
    for item in world.get("/api/v1/audiences")["items"].as_array().unwrap() {
        let path = format!("/api/v1/audiences/{}", item["id"].as_str().unwrap());
        world.server.call("DELETE", &path).token(&world.workspace.token).send().ok();
    }
    assert_eq!(delete().0, 200);
    world.settle();
    assert_eq!(members(&world, "base"), []);
    let asked = world.server.call("POST", "/api/v1/audiences/preview").token(&world.workspace.token);
    assert_eq!(asked.json(&json!({ "rule": rule })).send().status, 422, "nobody asks for what is not there");
}

#[test]
fn what_people_say_counts_before_what_is_computed_and_the_conflict_is_seen() {
    let world = shop();
    let cases = json!([{ "value": "high", "rule": {"event": "Order Completed", "op": "gte", "value": 1} }]);
    put(&world, "level", json!({ "value_type": "text", "cases": cases, "otherwise": "none" }));
    world.settle();
    let rows = json!([
        { "identifier": {"kind": "user_id", "value": "u-1"}, "value": "low", "expires_at": "2026-07-03T00:00:00Z" },
        { "identifier": {"kind": "user_id", "value": "nobody"}, "value": "low" },
        { "party": world.id("user_id:u-2"), "value": 7 },
        { "party": world.id("user_id:u-3"), "value": "low" },
    ]);
    let answer = world.post("/api/v1/tags/level/assign", json!({ "source": "crm", "rows": rows }));
    assert_eq!(answer["accepted"], 2);
    let errors: Vec<u64> =
        answer["errors"].as_array().unwrap().iter().map(|error| error["row"].as_u64().unwrap()).collect();
    assert_eq!(errors, [1, 2], "{answer}");
    world.settle();
    let tags = world.get(&format!("/api/v1/parties/{}/tags", world.id("user_id:u-1")));
    let tag = &tags["tags"][0];
    assert_eq!(
        (&tag["value"], &tag["computed"], &tag["source"]),
        (&json!("low"), &json!("high"), &json!("crm"))
    );
    assert_eq!(tag["expires_at"], "2026-07-03T00:00:00.000Z");
    let low = world.get("/api/v1/tags/level/members?value=low");
    assert_eq!(low["items"].as_array().unwrap().len(), 2);
    let rows = json!([{ "party": world.id("user_id:u-3"), "value": null }]);
    world.post("/api/v1/tags/level/assign", json!({ "rows": rows }));
    world.settle();
    assert_eq!(world.get(&super::by("user_id:u-3"))["tags"], json!({ "level": "none" }));
    let counts = world.get("/api/v1/tags/level/distribution");
    assert_eq!(counts["count"], 3);
}

#[test]
fn a_definition_is_tried_on_everybody_without_being_kept() {
    let world = shop();
    let definition = json!({ "key": "spent", "name": "spent", "kind": "function", "value_type": "number",
                             "formula": "sum(\"Order Completed\".total)" });
    let preview = world.post("/api/v1/tags/preview", json!({ "definition": definition }));
    assert_eq!((&preview["count"], &preview["parties"]), (&json!(3), &json!(3)));
    let values: Vec<&Value> =
        preview["distribution"].as_array().unwrap().iter().map(|item| &item["value"]).collect();
    assert_eq!(values, [&json!(0), &json!(133.33), &json!(140)]);
    assert_eq!(world.get("/api/v1/tags")["items"], json!([]));
}

#[test]
fn what_is_wrong_with_a_definition_is_said_where_it_stands() {
    let world = shop();
    let wrong = |more: Value| {
        let mut body = json!({ "key": "t", "name": "t", "kind": "rule", "value_type": "boolean" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let call = world.server.call("PUT", "/api/v1/tags/t").token(&world.workspace.token);
        let answer = call.json(&body).send();
        (answer.status.as_u16(), answer.json())
    };
    let function = |formula: &str| json!({ "kind": "function", "value_type": "number", "formula": formula });
    for (body, field, part) in [
        (json!({ "rule": {"tag": "none", "op": "exists"} }), "rule", "there is no tag `none`"),
        (json!({ "rule": {"tag": "t", "op": "missing"} }), "rule", "there is no tag `t`"),
        (function("1 + 'a'"), "formula", "at character 3: `+` takes number, not text"),
        (function("tag('none')"), "formula", "there is no tag `none`"),
        (json!({ "kind": "model", "model": "magic", "value_type": "number" }), "model", "no model `magic`"),
        (json!({ "rule": {"always": true}, "key": "other" }), "key", "that of the path"),
    ] {
        let (status, problem) = wrong(body);
        assert_eq!((status, &problem["code"]), (422, &json!("invalid")), "{problem}");
        let text = problem.to_string();
        assert!(text.contains(field) && text.contains(part), "{problem}");
    }
}

#[test]
fn a_tag_made_of_personal_data_is_masked_for_those_who_may_not_see_it() {
    let world = World::new();
    world.send(&[identify("u-1", 1, json!({ "email": "wang@example.com" }))]);
    let formula = json!({ "kind": "function", "value_type": "text", "formula": "lower(trait('email'))" });
    put(&world, "mail", formula);
    world.settle();
    assert_eq!(members(&world, "mail")[0].1, json!("wang@example.com"));
    let token = world.server.token(&world.workspace, "tag:read profile:read");
    let items = world.server.get(&token, "/api/v1/tags/mail/members").ok();
    assert_eq!(items["items"][0]["value"], json!("w***@example.com"));
    let party = world.server.get(&token, &super::by("user_id:u-1")).ok();
    assert_eq!(party["tags"]["mail"], json!("w***@example.com"));
    assert_eq!(world.server.get(&token, "/api/v1/tags/mail/members?value=x").status, 403);
}

#[test]
fn a_model_applies_the_constants_of_everybody_to_each() {
    let world = shop();
    let model = |key: &str, role: &str, of: &str| {
        put(&world, key, json!({ "kind": "model", "role": role, "value_type": of, "model": key }));
    };
    model("activity", "score", "number");
    model("rfm_segment", "tag", "text");
    model("purchase", "stage", "text");
    world.post("/api/v1/constants/refresh", json!({}));
    world.settle();
    let constants = world.get("/api/v1/constants");
    assert_eq!(
        (&constants["items"][0]["name"], &constants["items"][0]["version"]),
        (&json!("scoring"), &json!(1))
    );
    let party = world.get(&super::by("user_id:u-1"));
    let score = party["scores"]["activity"].as_f64().unwrap();
    assert!(score > 0.0 && score < 100.0, "{party}");
    // Two orders a day apart, and none for eleven days.
    assert_eq!(party["stages"]["purchase"], "lapsed");
    let rule = json!({"score": "activity", "op": "gt", "value": 0});
    assert_eq!(world.post("/api/v1/audiences/preview", json!({ "rule": rule }))["count"], 2);
    let path = format!("/api/v1/parties/{}/explain_tag", party["id"].as_str().unwrap());
    let why = world.post(&path, json!({ "tag": "activity" }));
    assert_eq!((&why["reasons"]["constants"], why["value"].as_f64()), (&json!(1), Some(score)));
}

#[test]
fn those_like_a_seed_are_found_with_reasons_and_the_seed_and_others_out_of_question_are_not() {
    let world = World::new();
    let person = |user: &str, tea: f64, seed: bool| {
        identify(
            user,
            1,
            json!({ "interest_tea": tea, "interest_cars": 0.5, "seed": seed, "adult": user != "u-9" }),
        )
    };
    let mut people: Vec<Value> = (0..4).map(|n| person(&format!("s-{n}"), 0.9, true)).collect();
    people.extend((0..10).map(|n| person(&format!("u-{n}"), f64::from(n) / 10.0, false)));
    world.send(&people);
    let is = |name: &str| json!({ "trait": name, "op": "eq", "value": true });
    let config = json!({ "seed": is("seed"), "eligible": is("adult"), "size": 3,
        "features": ["interest_tea", { "name": "cars", "rule": { "trait": "interest_cars", "op": "exists" } }] });
    let model = |key: &str, value_type: &str, role: &str| {
        let more = json!({ "kind": "model", "model": "lookalike", "value_type": value_type, "role": role,
            "config": config });
        put(&world, key, more);
    };
    model("likeness", "number", "score");
    model("alike", "boolean", "tag");
    world.settle();
    assert_eq!(members(&world, "likeness"), []);
    let learned = world.post("/api/v1/tags/likeness/fit", json!({}));
    assert_eq!(
        [&learned["method"], &learned["confidence"], &learned["seeds"], &learned["people"]],
        [&json!("centroid"), &json!("low"), &json!(4), &json!(9)],
        "{learned}"
    );
    assert_eq!(learned["refusal"], json!({ "because": "too_few", "what": "seeds", "have": 4, "need": 100 }));
    assert_eq!(learned["features"][0]["name"], "interest_tea");
    world.post("/api/v1/tags/alike/fit", json!({}));
    world.settle();
    let found = members(&world, "likeness");
    assert_eq!(found.len(), 9, "neither the seed nor who is out of question");
    let three: std::collections::BTreeSet<String> =
        members(&world, "alike").into_iter().map(|(id, _)| id).collect();
    assert_eq!(three, ["u-6", "u-7", "u-8"].map(|user| world.id(&format!("user_id:{user}"))).into());
    let best = world.id("user_id:u-8");
    let why = world.post(&format!("/api/v1/parties/{best}/explain_tag"), json!({ "tag": "likeness" }));
    let reasons = &why["reasons"]["reasons"];
    assert_eq!((&reasons["is_provisional"], &reasons["is_in"]), (&json!(true), &json!(true)), "{why}");
    assert_eq!(reasons["because"][0]["feature"], "interest_tea");

    // Who comes later is compared at once, and who joins the seed is no longer found.
    world.send(&[person("u-10", 0.95, false)]);
    assert!(world.get(&super::by("user_id:u-10"))["scores"]["likeness"].as_f64().unwrap() > 70.0);
    world.send(&[identify("u-8", 2, json!({ "seed": true }))]);
    let party = world.get(&super::by("user_id:u-8"));
    assert_eq!((&party["scores"], &party["tags"]), (&json!({}), &json!({})));

    let nobody = json!({ "kind": "model", "model": "lookalike", "value_type": "number",
        "config": { "seed": is("nothing") } });
    put(&world, "nobody", nobody);
    let refused = world.server.post(&world.workspace.token, "/api/v1/tags/nobody/fit", &json!({}));
    assert_eq!((refused.status.as_u16(), &refused.json()["detail"]), (409, &json!("nobody is of the seed")));
    for (value_type, config, field) in [
        ("text", config.clone(), "value_type"),
        ("number", json!({}), "config"),
        ("number", json!({ "seed": { "audience": "none" } }), "model"),
        (
            "number",
            json!({ "seed": is("seed"), "features": [{ "name": "a", "rule": { "always": true } }] }),
            "config/features/0",
        ),
    ] {
        let body = json!({ "key": "wrong", "name": "w", "kind": "model", "model": "lookalike",
            "value_type": value_type, "config": config });
        let answer = world.server.put(&world.workspace.token, "/api/v1/tags/wrong", &body);
        assert_eq!((answer.status.as_u16(), &answer.json()["field"]), (422, &json!(field)), "{config}");
    }
}

//! `headwater tag` over a folder.

use serde_json::{Value, json};

use super::{Place, Ran};

fn tag(place: &Place, words: &[&str]) -> Ran {
    let (action, rest) = words.split_first().unwrap();
    place.run(&[&["tag", action, "--data", "data"], rest].concat())
}

fn json_of(place: &Place, words: &[&str]) -> Value {
    tag(place, &[words, &["--json"]].concat()).ok().json()
}

#[test]
fn a_tag_is_tried_defined_imported_explained_and_put_away_on_the_command_line() {
    let place = Place::new();
    place.write(
        "people.csv",
        "mobile,name,city\n19900001234,Wang,临澄\n19900005678,Li,岫安\n19900009999,Zhao,临澄\n",
    );
    place.import(&["people.csv"]);
    let definition = |key: &str, more: Value| {
        let mut whole = json!({ "key": key, "name": key, "category": "demo" });
        whole.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        place.write(&format!("{key}.json"), whole.to_string());
    };
    let rule = json!({ "trait": "city", "op": "eq", "value": "临澄" });
    definition("local", json!({ "kind": "rule", "value_type": "boolean", "rule": rule }));
    definition("level", json!({ "kind": "manual", "value_type": "text" }));

    let tried = json_of(&place, &["preview", "local.json"]);
    assert_eq!((&tried["count"], &tried["parties"]), (&json!(2), &json!(3)));
    let made = json_of(&place, &["put", "local.json"]);
    assert_eq!(
        (&made["is_filled"], &made["count"]),
        (&json!(true), &json!(2)),
        "it waits until it is filled"
    );
    json_of(&place, &["put", "level.json"]);
    assert_eq!(json_of(&place, &["list"])["items"].as_array().unwrap().len(), 2);
    assert!(tag(&place, &["list"]).ok().out.contains("66.7 %"));

    place.write("levels.csv", "mobile,level\n19900001234,gold\n13900000000,gold\n19900005678,silver\n");
    let words = ["import", "level", "levels.csv", "--column", "mobile", "--value-column", "level"];
    let imported = json_of(&place, &words);
    assert_eq!((&imported["accepted"], &imported["errors"][0]["row"]), (&json!(2), &json!(3)), "{imported}");
    let why = json_of(&place, &["explain", "mobile:19900001234", "level"]);
    assert_eq!((&why["value"], &why["source"]), (&json!("gold"), &json!("import")));
    json_of(&place, &["assign", "level", "mobile:19900001234"]);
    let why = json_of(&place, &["explain", "mobile:19900001234", "level"]);
    assert_eq!(why["value"], Value::Null, "what was said is taken back");

    assert_eq!(json_of(&place, &["retire", "local"])["is_retired"], true);
    assert_eq!(tag(&place, &["explain", "mobile:19900001234", "local"]).code, 65);
}

#[test]
fn what_a_seed_has_in_common_and_what_models_know_are_learned_on_the_command_line() {
    let place = Place::new();
    place.write("people.csv", "mobile,city\n19900001234,临澄\n19900005678,岫安\n19900009999,临澄\n");
    place.import(&["people.csv"]);
    let seed = json!({ "trait": "city", "op": "eq", "value": "临澄" });
    let definition = json!({ "key": "alike", "name": "n", "role": "score", "kind": "model", "value_type": "number",
        "model": "lookalike", "config": { "seed": seed } });
    place.write("alike.json", definition.to_string());
    json_of(&place, &["put", "alike.json"]);
    let learned = json_of(&place, &["fit", "alike"]);
    assert_eq!((&learned["seeds"], &learned["people"]), (&json!(2), &json!(1)), "{learned}");
    assert!(tag(&place, &["fit", "alike"]).ok().out.contains("low confidence (centroid)"));

    place.write("config.json", json!({ "names": { "events": { "order": ["Bought"] } } }).to_string());
    let constants = json_of(&place, &["constants", "--config", "config.json"]);
    assert_eq!((&constants["version"], &constants["body"]["parties"]), (&json!(1), &json!(3)));
    let again = json_of(&place, &["constants"]);
    assert_eq!(again["body"]["config"], constants["body"]["config"], "what was said last counts");
    assert!(tag(&place, &["constants"]).ok().out.contains("scoring  version 3, of 3 parties"));
}

//! `headwater destination` over a folder.

use serde_json::json;

use super::Place;

#[test]
fn a_destination_is_made_listed_tried_and_stopped_on_the_command_line() {
    let place = Place::new();
    place.write("people.csv", "mobile,name,city\n19900001234,Wang,临澄\n");
    place.import(&["people.csv"]);
    let run = |words: &[&str]| {
        let (action, rest) = words.split_first().unwrap();
        place.run(&[&["destination", action, "--data", "data"], rest].concat()).ok()
    };
    let secret = run(&["secret", "hook", "--json"]).json();
    assert!(secret["value"].as_str().unwrap().starts_with("whsec_"));
    let definition = json!({ "name": "CRM",
        "target": { "kind": "webhook", "url": "https://hooks.invalid/", "secret": secret["id"] } });
    place.write("crm.json", definition.to_string());
    let made = run(&["create", "crm.json", "--json"]).json();
    let id = made["id"].as_str().unwrap();
    assert_eq!(run(&["list", "--json"]).json()["items"][0]["id"], id);
    assert_eq!(run(&["pause", id, "--json"]).json()["status"]["state"], "paused");
    assert_eq!(run(&["resume", id, "--json"]).json()["status"]["state"], "active");
    assert_eq!(run(&["test", id, "--json"]).json()["delivered"], false, "nobody has that name");
    assert_eq!(run(&["log", id, "--state", "dead", "--json"]).json()["items"], json!([]));
    assert_eq!(run(&["replay", id, "--json"]).json()["replayed"], 0);
    // A list is asked for, and is done once the installation is served.
    place.write(
        "bucket.json",
        json!({ "name": "B", "target": { "kind": "s3", "region": "eu-west-1", "bucket": "b",
        "access_key": "a", "secret": secret["id"], "path": "crm", "format": "parquet" } })
        .to_string(),
    );
    let bucket = run(&["create", "bucket.json", "--json"]).json()["id"].as_str().unwrap().to_owned();
    place.write("everybody.json", json!({ "always": true }).to_string());
    place.run(&["audience", "create", "all", "--rule", "everybody.json", "--data", "data"]).ok();
    let audiences = place.run(&["audience", "list", "--data", "data", "--json"]).ok().json();
    let audience = audiences["items"][0]["id"].as_str().unwrap();
    let begun = run(&["send", &bucket, "--audience", audience]).out;
    assert!(begun.contains("job 1 sends it"), "{begun}");
    assert_eq!(run(&["lists", &bucket, "--json"]).json()["items"], json!([]), "nobody has begun it");
    let shown = run(&["show", id]).out;
    assert!(shown.contains("webhook") && shown.contains("CRM"), "{shown}");
}

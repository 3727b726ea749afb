//! P08: from two hundred given persons of a group nobody has named, others of the group.

use std::collections::BTreeSet;

use headwater_tests::pages;
use serde_json::{Value, json};

use super::{party_of_row, put_model, show, timed, world};

/// People wanted of the large world.
const WANTED: usize = 500;
/// Rows of one call.
const ROWS_MAX: usize = 200;

#[test]
fn those_found_from_given_persons_are_of_the_group_nobody_has_named() {
    let world = world();
    let _changing = world.change();
    let (server, workspace) = (&world.server, world.w2());
    let rows = &world.truth["P08"];
    let is_large = super::profile() == demo::Profile::Small;
    let wanted = if is_large { WANTED } else { WANTED / 50 };
    let given: Vec<&Value> = rows.iter().filter(|row| row["is_seed"] == true).collect();

    let seed = json!({ "key": "given", "name": "种子", "kind": "manual", "value_type": "boolean" });
    put_model(server, workspace, &seed);
    for some in given.chunks(ROWS_MAX) {
        let of = |row: &&Value| json!({ "identifier": row["profile"], "value": true });
        let body = json!({ "rows": some.iter().map(of).collect::<Vec<_>>() });
        let told = server.post(&workspace.token, "/api/v1/tags/given/assign", &body).ok();
        assert_eq!(told["accepted"], some.len(), "{told}");
    }
    let traits: BTreeSet<String> = world.party_of(&given[0]["profile"])["traits"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| name.starts_with("interest_"))
        .cloned()
        .collect();
    assert_eq!(traits.len(), 30);
    let definition = json!({ "key": "alike", "name": "相似人群", "kind": "model", "value_type": "boolean",
        "model": "lookalike", "config": { "seed": { "tag": "given", "op": "eq", "value": true },
            "features": traits, "size": wanted } });
    put_model(server, workspace, &definition);
    let learned = timed("learning from the seed", || {
        server.post(&workspace.token, "/api/v1/tags/alike/fit", &json!({})).ok()
    });
    assert_eq!(learned["seeds"], given.len());
    timed("applying it", || super::settle(server, workspace));
    let found = pages(server, &workspace.token, "/api/v1/tags/alike/members");
    let found: BTreeSet<&str> = found.iter().map(|member| member["id"].as_str().unwrap()).collect();
    assert_eq!(found.len(), wanted);
    let group: BTreeSet<String> = rows.iter().map(|row| party_of_row(server, workspace, row)).collect();
    let right = found.iter().filter(|party| group.contains(**party)).count();
    show(format_args!("P08: {right} of {wanted} are of the group, {}", learned["method"]));
    show(format_args!("P08: {}", learned["curve"]));
    if is_large {
        assert_eq!((&learned["method"], &learned["refusal"]), (&json!("learned"), &Value::Null));
        assert!(right * 100 >= wanted * 65);
    } else {
        // Four examples say little, and are known to.
        assert_eq!((&learned["confidence"], &learned["refusal"]["need"]), (&json!("low"), &json!(100)));
        assert!(right * 100 >= wanted * 20);
    }
}

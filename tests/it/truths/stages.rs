//! P06 and P07: who fell silent, and everybody's stage now, a fortnight ago, and each day between.

use std::collections::{BTreeMap, BTreeSet};

use headwater_tests::pages;
use serde_json::{Value, json};

use super::replay::{DAYS, Replay};
use super::{party_of_row, put_model, show, timed, values_of};

/// The share of churners that must be warned of, and the share of seasonal buyers that may be, in percent.
const WARNED_MIN: usize = 95;
const ALARMED_MAX: usize = 2;

#[test]
fn stages_and_warnings_are_those_planted_and_nobody_flips_in_a_fortnight_but_those_who_shall() {
    let mut replay = Replay::begin();
    let (server, workspace) = (&replay.server, &replay.workspace);
    let refresh = |replay: &Replay| {
        replay.server.post(&replay.workspace.token, "/api/v1/constants/refresh", &json!({})).ok();
    };
    timed("constants", || refresh(&replay));
    let stage = json!({ "key": "relation", "name": "客户周期", "role": "stage", "kind": "model",
        "value_type": "text", "model": "relation" });
    timed("stages of everybody", || put_model(server, workspace, &stage));
    let before = values_of(server, workspace, "relation");
    timed("the last fortnight", || (0..DAYS).for_each(|_| replay.next_day()));

    let (server, workspace) = (&replay.server, &replay.workspace);
    let now = values_of(server, workspace, "relation");
    let rows = &replay.truth["P07"];
    let of_row: BTreeMap<String, &Value> =
        rows.iter().map(|row| (party_of_row(server, workspace, row), row)).collect();
    assert_eq!(of_row.len(), rows.len(), "each person is a party of their own");
    let is_right = |party: &String, values: &BTreeMap<String, Value>, field: &str| {
        values.get(party) == Some(&of_row[party][field])
    };
    for (values, field) in [(&before, "before"), (&now, "stage")] {
        let wrong: Vec<String> = of_row
            .keys()
            .filter(|party| !is_right(party, values, field))
            .map(|party| format!("{field} of {party}: {:?}, planted {}", values.get(party), of_row[party]))
            .collect();
        show(format_args!(
            "P07: {} of {} wrong, {:?}",
            wrong.len(),
            rows.len(),
            wrong.iter().take(8).collect::<Vec<_>>()
        ));
        assert!(wrong.len() * 100 <= rows.len(), "{field}");
        for name in ["new", "ordinary", "member", "super", "churned"] {
            let planted = rows.iter().filter(|row| row[field] == name).count();
            let found = of_row.keys().filter(|party| values.get(*party) == Some(&json!(name))).count();
            show(format_args!("P07: {field} {name}: {found} of {planted}"));
            assert!(found.abs_diff(planted) * 100 <= planted, "{field} {name}: {found} of {planted}");
        }
    }
    let moves = moves(&replay);
    let planted: BTreeSet<&String> =
        of_row.iter().filter(|(_, row)| row["stage"] != row["before"]).map(|(party, _)| party).collect();
    let of_persons: Vec<&(String, Value, Value)> =
        moves.iter().filter(|(party, ..)| of_row.contains_key(party)).collect();
    show(format_args!("P07: {} transitions in a fortnight, {} planted", of_persons.len(), planted.len()));
    let moved: BTreeSet<&String> = of_persons.iter().map(|(party, ..)| party).collect();
    assert_eq!(of_persons.len(), moved.len(), "nobody moves twice");
    assert_eq!(moved, planted);

    warnings(&replay);
}

/// The stages people went from and to, in order: whoever was met for the first time, or is no more, has not
/// changed.
fn moves(replay: &Replay) -> Vec<(String, Value, Value)> {
    let (mut moves, mut after) = (Vec::new(), json!(0));
    loop {
        let path = format!("/api/v1/tags/relation/changes?limit=200&after_seq={after}");
        let page = replay.server.get(&replay.workspace.token, &path).ok();
        let items = page["items"].as_array().unwrap();
        if items.is_empty() {
            return moves;
        }
        let of = |item: &Value| {
            (item["party"].as_str().unwrap().to_owned(), item["before"].clone(), item["value"].clone())
        };
        moves.extend(items.iter().map(of).filter(|(_, before, now)| !before.is_null() && !now.is_null()));
        after = page["next_seq"].clone();
    }
}

fn warnings(replay: &Replay) {
    let (server, workspace) = (&replay.server, &replay.workspace);
    server.post(&workspace.token, "/api/v1/constants/refresh", &json!({})).ok();
    let warning = json!({ "key": "silence", "name": "静默预警", "kind": "model", "value_type": "text",
        "model": "silence_warning" });
    timed("warnings of everybody", || put_model(server, workspace, &warning));
    let count = |kind: &str| {
        let rows: Vec<&Value> = replay.truth["P06"].iter().filter(|row| row["kind"] == kind).collect();
        let warned: BTreeSet<String> = ["orange", "red"]
            .iter()
            .flat_map(|value| {
                pages(server, &workspace.token, &format!("/api/v1/tags/silence/members?value={value}"))
            })
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect();
        let found = rows.iter().filter(|row| warned.contains(&party_of_row(server, workspace, row))).count();
        (found, rows.len())
    };
    let ((churners, of_churners), (seasonal, of_seasonal)) = (count("churner"), count("seasonal"));
    show(format_args!(
        "P06: {churners} of {of_churners} churners, {seasonal} of {of_seasonal} seasonal at least orange"
    ));
    assert!(churners * 100 >= of_churners * WARNED_MIN);
    assert!(seasonal * 100 <= of_seasonal * ALARMED_MAX);
}

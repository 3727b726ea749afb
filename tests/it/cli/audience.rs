//! `headwater audience` over a folder.

use serde_json::{Value, json};

use super::{Place, Ran};

/// Three people of two cities, and a rule for one of the cities.
fn place() -> Place {
    let place = Place::new();
    place.write(
        "people.csv",
        "mobile,name,city\n19900001234,Wang,临澄\n19900005678,Li,岫安\n19900009999,Zhao,临澄\n",
    );
    place.import(&["people.csv"]);
    place.write("rule.json", json!({ "trait": "city", "op": "eq", "value": "临澄" }).to_string());
    place
}

fn audience(place: &Place, words: &[&str]) -> Ran {
    let (action, rest) = words.split_first().unwrap();
    place.run(&[&["audience", action, "--data", "data"], rest].concat())
}

fn json_of(place: &Place, words: &[&str]) -> Value {
    audience(place, &[words, &["--json"]].concat()).ok().json()
}

#[test]
fn an_audience_is_tried_made_listed_followed_and_explained_on_the_command_line() {
    let place = place();
    let tried = json_of(&place, &["preview", "--rule", "rule.json", "--limit", "1"]);
    assert_eq!((&tried["count"], tried["sample"].as_array().unwrap().len()), (&json!(2), 1));
    let made = json_of(&place, &["create", "临澄人", "--rule", "rule.json"]);
    assert_eq!(
        (&made["is_filled"], &made["count"]),
        (&json!(true), &json!(2)),
        "it waits until it is filled"
    );
    let id = made["id"].as_str().unwrap();

    assert_eq!(json_of(&place, &["list"])["items"][0]["id"], id);
    assert_eq!(
        json_of(&place, &["show", id])["rule"],
        json!({ "trait": "city", "op": "eq", "value": "临澄" })
    );
    let members = json_of(&place, &["members", id]);
    assert_eq!(members["items"].as_array().unwrap().len(), 2);
    let first = json_of(&place, &["changes", id, "--limit", "1"]);
    assert_eq!((&first["items"][0]["seq"], &first["next_seq"]), (&json!(1), &json!(1)));
    let rest = json_of(&place, &["changes", id, "--after", "1"]);
    assert_eq!((&rest["items"][0]["entered"], &rest["next_seq"]), (&json!(true), &json!(2)));
    let why = json_of(&place, &["explain", "mobile:19900005678", "--audience", id]);
    assert_eq!((&why["holds"], &why["evidence"]["measured"]), (&json!(false), &json!("岫安")));

    let texts: [(&[&str], &str); 6] = [
        (&["list"], "临澄人"),
        (&["show", id], "2 members"),
        (&["members", id], "pty_"),
        (&["changes", id], "entered"),
        (&["explain", "mobile:19900001234", "--rule", "rule.json"], "[x] trait city: 临澄 (eq 临澄)"),
        (&["preview", "--rule", "rule.json"], "2 parties"),
    ];
    for (words, said) in texts {
        let ran = audience(&place, words).ok();
        assert!(ran.out.contains(said), "{words:?}: {}", ran.out);
    }
}

#[test]
fn what_is_wrong_with_an_audience_is_told_with_a_code() {
    let place = place();
    place.write("wrong.json", r#"{"all":[{"trait":"city"}]}"#);
    place.write("text.json", "city = 临澄");
    let cases: [(&[&str], i32, &str); 7] = [
        (&["create", "n", "--rule", "wrong.json"], 65, "rule/all/0"),
        (&["create", "n", "--rule", "text.json"], 65, "not JSON"),
        (&["create", "n", "--rule", "absent.json"], 66, "absent.json"),
        (&["create", "n", "--rule", "-"], 65, "not JSON"),
        (&["show", "aud_x"], 66, "not found"),
        (&["explain", "mobile:19900001234"], 2, "--audience"),
        (&["explain", "mobile:19900001111", "--rule", "rule.json"], 66, "not found"),
    ];
    for (words, code, said) in cases {
        let ran = audience(&place, words);
        assert_eq!(ran.code, code, "{words:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
    }
    assert_eq!(json_of(&place, &["list"])["items"], json!([]));
}

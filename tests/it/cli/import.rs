//! `headwater import` over a folder.

use serde_json::{Value, json};

use super::Place;

/// 姓名,手机,城市 with two people, as Chinese Excel saves CSV.
const GB18030: &[u8] = b"\xd0\xd5\xc3\xfb,\xca\xd6\xbb\xfa,\xb3\xc7\xca\xd0\r\n\
\xcd\xf5\xd0\xa1\xc3\xf7,19900001234,\xba\xbc\xd6\xdd\r\n\
\xc5\xb7\xd1\xf4\xc4\xc8,19900005678,\xba\xbc\xd6\xdd\r\n";

fn person(place: &Place, who: &str) -> Value {
    place.run(&["party", "--data", "data", "--json", who]).ok().json()["party"].clone()
}

#[test]
fn people_of_a_gb18030_file_are_found_by_their_mobile() {
    let place = Place::new();
    place.write("people.csv", GB18030);
    let (code, result) = place.import(&["people.csv"]);
    assert_eq!(code, 0, "{result}");
    assert_eq!(result["mapping"]["identifiers"], json!([{ "kind": "mobile", "column": "手机" }]));
    assert_eq!([&result["rows"], &result["accepted"], &result["processed"]], [2, 2, 2]);
    let traits = &person(&place, "mobile:19900005678")["traits"];
    assert_eq!([&traits["name"], &traits["city"]], ["欧阳娜", "杭州"]);
    let text =
        place.run(&["party", "--data", "data", "mobile:19900001234", "--timeline", "--explain"]).ok().out;
    for shown in ["王小明", "19900001234", "timeline", "why these are one person"] {
        assert!(text.contains(shown), "{text}");
    }
}

#[test]
fn a_dry_run_tells_what_would_happen_and_changes_nothing() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,Wang\n,Nobody\n");
    let (code, result) = place.import(&["people.csv", "--dry-run", "--errors", "bad.csv"]);
    assert_eq!(code, 65, "a bad row is told by the code");
    assert_eq!([&result["rows"], &result["good"], &result["bad"]], [2, 1, 1]);
    assert_eq!(result["reasons"], json!({ "no identifier": 1 }));
    assert!(result["samples"][0]["json"].as_str().unwrap().contains("19900001234"));
    assert!(place.read("bad.csv").contains("Nobody"));
    assert!(place.everybody().is_empty());
}

#[test]
fn bad_rows_come_back_in_a_file_that_can_be_corrected_and_imported() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,Wang\n,Li\n19900005678,Zhao\n");
    let (code, result) = place.import(&["people.csv", "--errors", "bad.csv"]);
    assert_eq!((code, &result["accepted"], &result["bad"]), (65, &json!(2), &json!(1)));
    let bad = place.read("bad.csv");
    assert_eq!(bad, "\u{feff}mobile,name,error\n,Li,row 3: no identifier\n");
    place.write("bad.csv", bad.replace(",Li", "19900009999,Li"));
    let (code, result) = place.import(&["bad.csv"]);
    assert_eq!((code, &result["processed"]), (0, &json!(1)));
    assert_eq!(person(&place, "mobile:19900009999")["traits"]["name"], "Li");
}

#[test]
fn importing_again_in_any_order_changes_nothing() {
    let place = Place::new();
    place.write("orders.csv", "mobile,order_id,time,amount\n19900001234,a,2026-01-01 10:00:00,1.50\n19900001234,a,2026-01-01 10:00:00,1.50\n19900005678,b,2026-01-02 10:00:00,2\n");
    let (_, first) = place.import(&["orders.csv"]);
    assert_eq!([&first["processed"], &first["deduplicated"]], [3, 0], "equal rows are rows of their own");
    let before = place.everybody();
    place.write("orders.csv", "mobile,order_id,time,amount\n19900005678,b,2026-01-02 10:00:00,2\n19900001234,a,2026-01-01 10:00:00,1.50\n19900001234,a,2026-01-01 10:00:00,1.50\n");
    let (code, again) = place.import(&["orders.csv"]);
    assert_eq!(code, 0);
    assert_eq!([&again["accepted"], &again["processed"], &again["deduplicated"]], [3, 0, 3]);
    assert_eq!(place.everybody(), before);
}

#[test]
fn a_limit_ends_an_import_early() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,Wang\n19900005678,Zhao\n19900009999,Li\n");
    let (_, result) = place.import(&["people.csv", "--limit", "2"]);
    assert_eq!((&result["rows"], &result["is_complete"]), (&json!(2), &json!(false)));
    assert_eq!(place.everybody().len(), 2);
}

#[test]
fn what_the_pipeline_puts_aside_is_told_and_can_be_replayed() {
    let place = Place::new();
    place.write("people.csv", "mobile,name\n19900001234,Wang\n1990000,Li\n");
    let (_, result) = place.import(&["people.csv"]);
    let put_aside = result["quarantined"].as_u64().unwrap();
    assert_eq!(put_aside, 1, "{result}");
    let waiting = place.run(&["replay", "--data", "data", "--dry-run", "--json"]).ok().json();
    assert_eq!([&waiting["replayed"], &waiting["open"]], [0, 1]);
    let replayed = place.run(&["replay", "--data", "data", "--json"]).ok().json();
    assert_eq!([&replayed["replayed"], &replayed["open"]], [1, 1], "the cause is not mended");
}

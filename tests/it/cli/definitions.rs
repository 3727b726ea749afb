//! `headwater plan`, `apply` and `export DIR` over a folder.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Place, Ran};

const REGULARS: &str = "\
# Ask the campaign team before changing it.
id: regulars
name: 临澄常客
rule: {trait: city, op: eq, value: 临澄}
";
const NIGHTLY: &str = "\
id: nightly-list
mode: scheduled
name: 名单
schedule: {cron: '*/30 3 * * *'}
rule:
  all:
    - {audience: regulars}
    - {none: [{trait: name, op: eq, value: Li}]}
";
const WEB: &str = "id: web\npriority: 5\norigins: ['https://shop.example']\nwrite_key: ${WEB_KEY}\n";
const PLAN: &str = "id: Order Paid\nproperties: {amount: number, 渠道: text}\n";
const THEN: &str = "\
id: then
kind: audience.refresh
input: {audience: nightly-list}
when: {after: [nightly-list]}
is_paused: true
";

/// Three people of two cities, and a folder of definitions.
fn place() -> Place {
    let place = Place::new();
    place.write(
        "people.csv",
        "mobile,name,city\n19900001234,Wang,临澄\n19900005678,Li,岫安\n19900009999,Zhao,临澄\n",
    );
    place.import(&["people.csv"]);
    let files = [
        ("audiences", "regulars", REGULARS),
        ("audiences", "list", NIGHTLY),
        ("sources", "web", WEB),
        ("plan", "paid", PLAN),
        ("schedules", "then", THEN),
    ];
    for (folder, name, text) in files {
        std::fs::create_dir_all(place.path(&format!("defs/{folder}"))).unwrap();
        place.write(&format!("defs/{folder}/{name}.yaml"), text);
    }
    place
}

fn run(place: &Place, words: &[&str]) -> Ran {
    let (command, rest) = words.split_first().unwrap();
    let words = [&[*command, "defs", "--data", "data"], rest].concat();
    Ran::of(place.command(&words).env("WEB_KEY", "KEY_OF_THE_WEB").output().unwrap())
}

/// Every file below a folder, by path.
fn files(place: &Place, folder: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for kind in std::fs::read_dir(place.path(folder)).unwrap() {
        let kind = kind.unwrap().path();
        for file in std::fs::read_dir(&kind).unwrap() {
            let file = file.unwrap().path();
            let name = file.strip_prefix(place.path(folder)).unwrap().display().to_string();
            found.insert(name, std::fs::read_to_string(&file).unwrap());
        }
    }
    found
}

fn audience(place: &Place, id: &str) -> Value {
    place.run(&["audience", "show", id, "--data", "data", "--json"]).ok().json()
}

#[test]
fn what_is_applied_is_what_is_there_and_applying_again_changes_nothing() {
    let place = place();
    let planned = run(&place, &["plan"]);
    assert_eq!(planned.code, 2, "{}\n{}", planned.out, planned.err);
    for said in ["+ audience regulars", "+ source web", "entering: 2, such as pty_", "5 to make, 0 to change"]
    {
        assert!(planned.out.contains(said), "{said}: {}", planned.out);
    }
    let unasked = run(&place, &["apply"]);
    assert!(unasked.code == 1 && unasked.err.contains("--yes"), "{}", unasked.err);
    let applied = run(&place, &["apply", "--yes"]).ok();
    assert!(!applied.out.contains("KEY_OF_THE_WEB"));
    assert_eq!(audience(&place, "regulars")["name"], "临澄常客");
    let again = run(&place, &["plan"]).ok();
    assert!(again.out.contains("0 to make, 0 to change, 0 to remove; 5 as they should be"), "{}", again.out);

    // What is exported where files are leaves them, comments and all; elsewhere it means the same.
    let before = files(&place, "defs");
    run(&place, &["export"]).ok();
    let mut after = files(&place, "defs");
    after.remove("sources/default.yaml").unwrap();
    assert_eq!(after, before);
    place.run(&["export", "other", "--data", "data"]).ok();
    let planned = place.run(&["plan", "other", "--data", "data"]).ok();
    assert!(planned.out.contains("6 as they should be"), "{}", planned.out);
    let exported = files(&place, "other");
    place.run(&["export", "third", "--data", "data"]).ok();
    assert_eq!(files(&place, "third"), exported);
    assert!(exported.values().all(|text| !text.contains("write_key")), "{exported:?}");

    // In another workspace the same folder makes the same.
    place.run(&["init", "--data", "second", "--workspace", "w", "--json"]).ok();
    place.run(&["apply", "other", "--yes", "--data", "second"]).ok();
    place.run(&["export", "fourth", "--data", "second"]).ok();
    assert_eq!(files(&place, "fourth"), exported);
}

#[test]
fn a_change_says_which_lines_and_who_enters_and_leaves() {
    let place = place();
    run(&place, &["apply", "--yes"]).ok();
    place.write("defs/audiences/regulars.yaml", REGULARS.replace("value: 临澄", "value: 岫安"));
    let planned = run(&place, &["plan"]);
    assert_eq!(planned.code, 2, "{}", planned.err);
    for said in ["~ audience regulars", "entering: 1, such as pty_", "leaving: 2, such as pty_"] {
        assert!(planned.out.contains(said), "{said}: {}", planned.out);
    }
    assert!(planned.out.lines().any(|line| line.trim_start().starts_with("- ") && line.contains("临澄")));
    run(&place, &["apply", "--yes"]).ok();
    assert_eq!(audience(&place, "regulars")["rule"], json!({ "trait": "city", "op": "eq", "value": "岫安" }));

    // What no file names stays, unless it is to go.
    for file in ["audiences/list", "schedules/then"] {
        std::fs::remove_file(place.path(&format!("defs/{file}.yaml"))).unwrap();
    }
    let kept = run(&place, &["plan"]).ok();
    assert!(kept.out.contains("no file names and that stay"), "{}", kept.out);
    let pruned = run(&place, &["apply", "--yes", "--prune"]).ok();
    assert!(pruned.out.contains("- audience nightly-list"), "{}", pruned.out);
    let list = place.run(&["schedule", "list", "--data", "data", "--json"]).ok().json();
    assert_eq!(list["items"], json!([]));
}

#[test]
fn every_mistake_is_told_with_its_line_and_nothing_is_changed() {
    let place = place();
    place.write("defs/audiences/wrong.yaml", "id: wrong\nname: n\nrule:\n  all:\n    - {trait: city}\n");
    place.write("defs/audiences/circle.yaml", "id: circle\nname: n\ncolour: red\nrule: {audience: circle}\n");
    place.write("defs/audiences/twice.yaml", "id: regulars\nname: n\nrule: {always: true}\n");
    place.write("defs/sources/app.yaml", "id: app\nwrite_key: in-clear\n");
    place.write("defs/schedules/s.yaml", "id: s\nkind: none\nwhen:\n  cron: every day\n");
    place.write("defs/plan/p.yaml", "id: [\n");
    std::fs::create_dir(place.path("defs/dreams")).unwrap();
    let planned = run(&place, &["plan"]);
    assert_eq!(planned.code, 1, "{}\n{}", planned.out, planned.err);
    let expected = [
        "defs/audiences/wrong.yaml:5: ",
        "defs/audiences/circle.yaml:3: `colour` is no field of `audiences`",
        "defs/audiences/circle.yaml:4: `circle` would name itself",
        "`regulars` is defined in defs/audiences/",
        "defs/sources/app.yaml:2: a secret does not lie in a file",
        "defs/schedules/s.yaml:2: `none` is not one of ",
        "defs/schedules/s.yaml:4: `every day` is not cron text",
        "defs/plan/p.yaml:",
        "defs/dreams: no kind of definition; folders are identity, plan, sources, tags, audiences, destinations, schedules",
    ];
    for said in expected {
        assert!(planned.out.contains(said), "{said}: {}", planned.out);
    }
    assert_eq!(run(&place, &["apply", "--yes"]).code, 1);
    let list = place.run(&["audience", "list", "--data", "data", "--json"]).ok().json();
    assert_eq!(list["items"], json!([]));
}

const CRM: &str = "\
id: crm
name: CRM
target: {kind: segment, url: 'https://crm.invalid/', secret: '${WEB_KEY}'}
follows: [{ledger: audience, id: regulars}]
fields: [{as: city, trait: city}]
";
const HOURLY: &str = "\
id: hourly
kind: destination.list
input: {audience: regulars, destination: crm}
when: {every_minutes: 60}
";

#[test]
fn a_destination_is_made_after_what_it_follows_and_its_secret_is_in_no_file() {
    let place = place();
    std::fs::create_dir_all(place.path("defs/destinations")).unwrap();
    place.write("defs/destinations/crm.yaml", CRM);
    place.write("defs/schedules/hourly.yaml", HOURLY);
    let applied = run(&place, &["apply", "--yes"]).ok();
    let at = |said: &str| applied.out.rfind(said).unwrap_or_else(|| panic!("{said}: {}", applied.out));
    assert!(at("+ audience regulars") < at("+ destination crm"), "{}", applied.out);
    assert!(at("+ destination crm") < at("+ schedule hourly"), "{}", applied.out);
    assert!(applied.out.contains("the secret `WEB_KEY` is kept from now on"), "{}", applied.out);
    let again = run(&place, &["plan"]).ok();
    assert!(again.out.contains("7 as they should be"), "{}", again.out);
    place.run(&["export", "other", "--data", "data"]).ok();
    let exported = files(&place, "other");
    let crm = &exported["destinations/crm.yaml"];
    assert!(crm.contains("${WEB_KEY}"), "{crm}");
    assert!(exported.values().all(|text| !text.contains("KEY_OF_THE_WEB")));

    // What changes is one line; what no file names goes if it is to, and comes back as it was.
    place.write("defs/destinations/crm.yaml", CRM.replace("name: CRM", "name: 客户系统"));
    let planned = run(&place, &["plan"]);
    assert!(planned.code == 2 && planned.out.contains("~ destination crm"), "{}", planned.out);
    let kept = run(&place, &["apply", "--yes"]).ok();
    assert!(!kept.out.contains("is kept from now on"), "the secret is there already: {}", kept.out);
    for file in ["destinations/crm", "schedules/hourly"] {
        std::fs::remove_file(place.path(&format!("defs/{file}.yaml"))).unwrap();
    }
    let pruned = run(&place, &["apply", "--yes", "--prune"]).ok();
    assert!(pruned.out.contains("- destination crm"), "{}", pruned.out);
    place.write("defs/destinations/crm.yaml", CRM);
    run(&place, &["apply", "--yes"]).ok();
    let shown = place.run(&["destination", "show", "crm", "--data", "data", "--json"]).ok().json();
    assert_eq!((&shown["definition"]["name"], &shown["status"]["state"]), (&json!("CRM"), &json!("active")));

    // Mistakes have their lines.
    let wrong =
        CRM.replace("'${WEB_KEY}'", "in-clear").replace("regulars", "nobody").replace("as: city", "as: c c");
    place.write("defs/destinations/crm.yaml", wrong);
    let planned = run(&place, &["plan"]);
    assert_eq!(planned.code, 1, "{}", planned.out);
    for said in [
        "crm.yaml:3: a secret does not lie in a file",
        "crm.yaml:4: there is no audience `nobody`",
        "crm.yaml:5: `as` is 1 to 64 letters",
    ] {
        assert!(planned.out.contains(said), "{said}: {}", planned.out);
    }
}

//! The examples and the thirteen meanings of the specification, one by one.

use kernel::{Instant, Key};
use serde_json::{Value as Json, json};

use crate::{Dice, Event, Packed, World};
use criteria::{Evaluator, Explanation, Outcome, Party, Program, Rule, Zone};

const NOW: &str = "2026-11-22T04:00:00Z";

fn at(text: &str) -> i64 {
    Instant::parse(text).unwrap().0
}

/// A party with events: name, time, properties.
fn party(events: &[(&str, &str, Json)]) -> World {
    let events = events.iter().enumerate().map(|(number, (name, time, properties))| Event {
        time: at(time),
        key: Key([number as u8; 16]),
        name: (*name).to_owned(),
        properties: properties.clone(),
        context: properties.get("context").cloned().unwrap_or_default(),
    });
    World { events: events.collect(), ..World::default() }
}

fn evaluate<T>(
    rule: &str,
    world: &World,
    as_of: &str,
    ask: impl Fn(&mut criteria::Evaluation<'_, '_>) -> T,
) -> T {
    let program = Program::compile([(7, Rule::parse(rule).unwrap())], Zone::named("Asia/Shanghai").unwrap());
    let (timeline, facts) = (world.timeline(&program), world.facts(&program));
    let mut evaluator = Evaluator::new(&program);
    let mut evaluation = evaluator.at(Party { timeline: &timeline, subject: &facts }, Instant(at(as_of)));
    ask(&mut evaluation)
}

fn outcome(rule: &str, world: &World, as_of: &str) -> Outcome {
    evaluate(rule, world, as_of, |evaluation| evaluation.outcome(0))
}

fn explain(rule: &str, world: &World, as_of: &str) -> Explanation {
    evaluate(rule, world, as_of, |evaluation| evaluation.explain(0))
}

#[track_caller]
fn check(rule: &str, world: &World, holds: bool, changes_at: Option<&str>) {
    let outcome = outcome(rule, world, NOW);
    assert_eq!(outcome, Outcome { holds, changes_at: changes_at.map(|text| Instant(at(text))) }, "{rule}");
}

const FREQUENT: &str = r#"{"all":[
  {"event":"Order Completed","window":{"last":"30d"},"op":"gte","value":2},
  {"event":"Order Completed","measure":{"sum":"total"},"window":{"last":"30d"},"op":"gte","value":500},
  {"event":"*","window":{"last":"7d"},"op":"eq","value":0},
  {"trait":"city","op":"in","value":["临澄","岫安"]}]}"#;

#[test]
fn a_frequent_buyer_is_found_and_leaves_when_the_first_order_is_thirty_days_old() {
    let mut world = party(&[
        ("Order Completed", "2026-10-24T10:00:00Z", json!({"total": 199.5})),
        ("Order Completed", "2026-11-10T10:00:00Z", json!({"total": 300.5})),
    ]);
    check(FREQUENT, &world, false, None);
    world.traits.insert("city".into(), "临澄".into());
    check(FREQUENT, &world, true, Some("2026-11-23T10:00:00Z"));
    world.events[0].properties = json!({"total": 199.49});
    check(FREQUENT, &world, false, None);
    world.events[0].properties = json!({"total": 199.5});
    world.events[1].time = at("2026-11-17T10:00:00Z");
    // Seen five days ago; two days later no more, while both orders still count for another nine hours.
    world.events[0].time = at("2026-10-25T19:00:00Z");
    check(FREQUENT, &world, false, Some("2026-11-24T10:00:00Z"));
    assert!(outcome(FREQUENT, &world, "2026-11-24T10:00:00Z").holds);
}

const ABANDONED: &str = r#"{"sequence":[{"event":"Product Added"},
  {"event":"Order Completed","within":"2h","same":["cart_id"],"absent":true}],"window":{"last":"14d"}}"#;

#[test]
fn a_cart_is_abandoned_when_the_wait_is_over_and_not_before() {
    let mut world = party(&[("Product Added", "2026-11-22T03:00:00Z", json!({"cart_id": "c1"}))]);
    check(ABANDONED, &world, false, Some("2026-11-22T05:00:00Z"));
    let later = outcome(ABANDONED, &world, "2026-11-22T05:00:00Z");
    assert_eq!(later, Outcome { holds: true, changes_at: Some(Instant(at("2026-12-06T03:00:00Z"))) });
    world
        .events
        .extend(party(&[("Order Completed", "2026-11-22T03:30:00Z", json!({"cart_id": "c2"}))]).events);
    assert!(outcome(ABANDONED, &world, "2026-11-22T05:00:00Z").holds);
    world.events[1].properties = json!({"cart_id": "c1"});
    assert_eq!(
        outcome(ABANDONED, &world, "2026-11-22T05:00:00Z"),
        Outcome { holds: false, changes_at: None }
    );
}

#[test]
fn windows_are_open_at_their_start_and_closed_at_their_end() {
    let rule = r#"{"event":"A","window":{"last":"1d"},"op":"gte","value":1}"#;
    check(rule, &party(&[("A", "2026-11-21T04:00:00Z", Json::Null)]), false, None);
    let inside = party(&[("A", "2026-11-21T04:00:00.000001Z", Json::Null)]);
    check(rule, &inside, true, Some("2026-11-22T04:00:00.000001Z"));
    check(rule, &party(&[("A", NOW, Json::Null)]), true, Some("2026-11-23T04:00:00Z"));
    // An event after the present is not seen, but will be.
    let coming = party(&[("A", "2026-11-22T04:00:01Z", Json::Null)]);
    check(rule, &coming, false, Some("2026-11-22T04:00:01Z"));
}

#[test]
fn absolute_windows_include_their_start_and_not_their_end() {
    let rule = r#"{"event":"A","window":{"from":"2026-11-01T00:00:00Z","to":"2026-11-02T00:00:00Z"},"op":"eq","value":1}"#;
    check(rule, &party(&[("A", "2026-11-01T00:00:00Z", Json::Null)]), true, None);
    check(rule, &party(&[("A", "2026-11-02T00:00:00Z", Json::Null)]), false, None);
}

#[test]
fn calendar_periods_follow_the_zone_of_the_workspace() {
    // In Shanghai it is noon of Sunday the 22nd.
    let world = party(&[("A", "2026-11-21T16:00:00Z", Json::Null)]);
    let rule =
        |period: &str| format!(r#"{{"event":"A","window":{{"calendar":"{period}"}},"op":"gte","value":1}}"#);
    check(&rule("today"), &world, true, Some("2026-11-22T16:00:00Z"));
    check(&rule("yesterday"), &world, false, Some("2026-11-22T16:00:00Z"));
    check(&rule("this_week"), &world, true, Some("2026-11-22T16:00:00Z"));
    check(&rule("last_week"), &world, false, Some("2026-11-22T16:00:00Z"));
    check(&rule("this_month"), &world, true, Some("2026-11-30T16:00:00Z"));
    check(&rule("last_month"), &world, false, Some("2026-11-30T16:00:00Z"));
    check(&rule("last_quarter"), &world, false, Some("2026-12-31T16:00:00Z"));
    check(&rule("this_year"), &world, true, Some("2026-12-31T16:00:00Z"));
    check(&rule("last_year"), &world, false, Some("2026-12-31T16:00:00Z"));
}

#[test]
fn what_follows_another_event_is_strictly_later() {
    let rule = r#"{"event":"B","window":{"since":{"event":"A","which":"last"}},"op":"gte","value":1}"#;
    check(rule, &party(&[("B", "2026-11-02T00:00:00Z", Json::Null)]), false, None);
    let same = [("A", "2026-11-02T00:00:00Z", Json::Null), ("B", "2026-11-02T00:00:00Z", Json::Null)];
    check(rule, &party(&same), false, None);
    let after = [("A", "2026-11-02T00:00:00Z", Json::Null), ("B", "2026-11-02T00:00:00.000001Z", Json::Null)];
    check(rule, &party(&after), true, None);
}

#[test]
fn what_is_missing_meets_nothing_but_missing() {
    let world = party(&[]);
    for (op, value) in [
        ("eq", r#","value":1"#),
        ("ne", r#","value":1"#),
        ("not_in", r#","value":[1]"#),
        ("exists", ""),
        ("lt", r#","value":1"#),
        ("contains", r#","value":"a""#),
        ("older_than", r#","value":"1d""#),
    ] {
        check(&format!(r#"{{"trait":"x","op":"{op}"{value}}}"#), &world, false, None);
    }
    check(r#"{"trait":"x","op":"missing"}"#, &world, true, None);
    for (measure, holds) in [
        (r#""count""#, true),
        (r#""days""#, true),
        (r#"{"sum":"n"}"#, true),
        (r#"{"distinct":"n"}"#, true),
        (r#"{"avg":"n"}"#, false),
        (r#"{"min":"n"}"#, false),
        (r#"{"max":"n"}"#, false),
        (r#"{"first":"n"}"#, false),
    ] {
        check(&format!(r#"{{"event":"A","measure":{measure},"op":"eq","value":0}}"#), &world, holds, None);
        check(&format!(r#"{{"event":"A","measure":{measure},"op":"missing"}}"#), &world, !holds, None);
    }
    check(r#"{"event":"A","measure":"last_time","op":"older_than","value":"1d"}"#, &world, false, None);
    check(r#"{"none":[{"trait":"x","op":"eq","value":1}]}"#, &world, true, None);
}

#[test]
fn events_whose_property_is_of_another_type_are_ignored_but_first_and_last_take_them() {
    let world = party(&[
        ("A", "2026-11-01T00:00:00Z", json!({})),
        ("A", "2026-11-02T00:00:00Z", json!({"n": "12"})),
        ("A", "2026-11-03T00:00:00Z", json!({"n": 0.1})),
        ("A", "2026-11-04T00:00:00Z", json!({"n": 0.2})),
        ("A", "2026-11-05T00:00:00Z", json!({"n": null})),
    ]);
    let measured = |measure: &str, value: &str| {
        let rule = format!(r#"{{"event":"A","measure":{{"{measure}":"n"}},"op":"eq","value":{value}}}"#);
        check(&rule, &world, true, None);
    };
    measured("sum", "0.3");
    measured("avg", "0.15");
    measured("min", "0.1");
    measured("max", "0.2");
    measured("distinct", "3");
    measured("first", "\"12\"");
    measured("last", "0.2");
}

#[test]
fn values_of_one_type_compare_and_no_others() {
    let mut world = party(&[]);
    world.traits = [
        ("city", json!("Cafe\u{301}")),
        ("n", json!(1.5)),
        ("b", json!(true)),
        ("tags", json!(["a", "b"])),
        ("at", json!("2026-11-20T12:00:00+08:00")),
        ("home", json!({"lat": 31.2304, "lon": 121.4737})),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    let holds = [
        r#""city","op":"eq","value":"Café""#,
        r#""city","op":"gt","value":"Caf""#,
        r#""city","op":"matches","value":"^C.f.$""#,
        r#""city","op":"in","value":["x","Café"]"#,
        r#""n","op":"between","value":[1.5,1.5]"#,
        r#""n","op":"ne","value":2"#,
        r#""b","op":"eq","value":true"#,
        r#""tags","op":"contains","value":"b""#,
        r#""at","op":"before","value":"2026-11-20T04:00:01Z""#,
        r#""home","op":"within_km","value":{"lat":31.2304,"lon":121.48,"km":1}"#,
        r#""at","op":"starts_with","value":"2026""#,
    ];
    for rule in holds {
        check(&format!(r#"{{"trait":{rule}}}"#), &world, true, None);
    }
    let fails = [
        r#""city","op":"ne","value":1"#,
        r#""n","op":"eq","value":"1.5""#,
        r#""n","op":"not_in","value":["a"]"#,
        r#""b","op":"ne","value":"true""#,
        r#""tags","op":"contains","value":"ab""#,
        r#""tags","op":"eq","value":"a""#,
        r#""at","op":"after","value":"2026-11-20T04:00:00Z""#,
        r#""city","op":"before","value":"2026-11-20T04:00:00Z""#,
        r#""home","op":"within_km","value":{"lat":39.9,"lon":116.4,"km":1000}"#,
    ];
    for rule in fails {
        check(&format!(r#"{{"trait":{rule}}}"#), &world, false, None);
    }
    check(r#"{"trait":"at","op":"within_last","value":"2d"}"#, &world, false, None);
    check(r#"{"trait":"at","op":"within_last","value":"3d"}"#, &world, true, Some("2026-11-23T04:00:00Z"));
    check(r#"{"trait":"at","op":"older_than","value":"3d"}"#, &world, false, Some("2026-11-23T04:00:00Z"));
    check(r#"{"trait":"at","op":"older_than","value":"2d"}"#, &world, true, None);
}

#[test]
fn days_are_local_and_ties_are_ordered_by_key() {
    let world = party(&[
        ("A", "2026-11-01T15:59:59Z", json!({"n": 1})),
        ("A", "2026-11-01T16:00:00Z", json!({"n": 2})),
        ("B", "2026-11-01T16:00:00Z", json!({"n": 3})),
        ("A", "2026-11-02T15:59:59Z", json!({})),
    ]);
    check(r#"{"event":["A","B"],"measure":"days","op":"eq","value":2}"#, &world, true, None);
    check(r#"{"event":["A","B"],"measure":{"last":"n"},"op":"eq","value":3}"#, &world, true, None);
}

#[test]
fn an_array_in_a_path_is_true_if_any_element_is() {
    let world = party(&[(
        "A",
        "2026-11-01T00:00:00Z",
        json!({"products": [{"sku": "a", "q": 1}, {"sku": "b"}, {"q": 2}],
        "context": {"campaign": {"source": "wx"}}}),
    )]);
    let rule = |filter: &str| format!(r#"{{"event":"A","where":[{filter}],"op":"eq","value":1}}"#);
    check(&rule(r#"{"property":"products[].sku","op":"eq","value":"b"}"#), &world, true, None);
    check(&rule(r#"{"property":"products[].sku","op":"ne","value":"b"}"#), &world, true, None);
    check(&rule(r#"{"property":"products[].sku","op":"eq","value":"c"}"#), &world, false, None);
    check(&rule(r#"{"property":"products[].sku","op":"missing"}"#), &world, false, None);
    check(&rule(r#"{"property":"products[].x","op":"missing"}"#), &world, true, None);
    check(&rule(r#"{"property":"context.campaign.source","op":"eq","value":"wx"}"#), &world, true, None);
    check(r#"{"event":"A","measure":{"sum":"products[].q"},"op":"eq","value":3}"#, &world, true, None);
    check(r#"{"event":"A","measure":{"distinct":"products[].sku"},"op":"eq","value":2}"#, &world, true, None);
}

#[test]
fn steps_follow_one_another_strictly_and_are_not_bound_to_the_window() {
    let rule = r#"{"sequence":[{"event":"A"},{"event":"B","within":"1h"},{"event":"C"}],"window":{"last":"1d"},"op":"gte","value":1}"#;
    let mut world = party(&[
        ("A", "2026-11-22T03:00:00Z", Json::Null),
        ("B", "2026-11-22T03:00:00Z", Json::Null),
        ("B", "2026-11-22T04:00:00Z", Json::Null),
        ("C", "2026-11-25T00:00:00Z", Json::Null),
    ]);
    check(rule, &world, false, None);
    // The window of the first step is over when the third comes.
    world.events[3].time = at("2026-11-23T02:00:00Z");
    check(rule, &world, false, Some("2026-11-23T02:00:00Z"));
    world.events[2].time += 1;
    check(rule, &world, false, None);
}

#[test]
fn an_explanation_shows_what_was_measured_and_the_events_that_made_it_so() {
    let mut world = party(&[
        ("Order Completed", "2026-10-24T10:00:00Z", json!({"total": 199.5})),
        ("Order Completed", "2026-11-10T10:00:00Z", json!({"total": 300.25})),
        ("Order Completed", "2025-11-10T10:00:00Z", json!({"total": 1})),
    ]);
    world.traits.insert("city".into(), "海州".into());
    let explanation = explain(FREQUENT, &world, NOW);
    let [count, sum, seen, city] = &explanation.members[..] else { panic!("{explanation:?}") };
    assert!(!explanation.holds && count.holds && !sum.holds && seen.holds && !city.holds);
    assert_eq!(count.measured, Some(json!(2)));
    assert_eq!(count.events, [Key([0; 16]), Key([1; 16])]);
    assert_eq!(
        (sum.measured.clone(), sum.literal.clone(), sum.op),
        (Some(json!(499.75)), Some(json!(500)), Some("gte"))
    );
    assert_eq!((city.kind, city.measured.clone()), ("trait", Some(json!("海州"))));
    let json = serde_json::to_value(&explanation).unwrap();
    assert_eq!(json["members"][0]["events"][1], kernel::id::base32(&[1; 16]));
    assert_eq!(json["members"][0]["changes_at"], "2026-11-23T10:00:00.000Z");

    let mean = explain(r#"{"event":"*","measure":{"avg":"total"},"op":"gt","value":1}"#, &world, NOW);
    assert_eq!(mean.measured, Some(json!(166.916667)));
    let many: Vec<_> = (0..30).map(|_| ("A", NOW, Json::Null)).collect();
    let many = explain(r#"{"event":"A","op":"exists"}"#, &party(&many), NOW);
    assert_eq!(
        (many.measured, many.events.len()),
        (Some(json!(30)), criteria::evaluate::EVIDENCE_EVENTS_MAX)
    );
    let cart = party(&[
        ("Product Added", "2026-11-20T03:00:00Z", json!({})),
        ("Product Added", "2026-11-22T03:00:00Z", json!({})),
    ]);
    assert_eq!(explain(ABANDONED, &cart, NOW).events, [Key([0; 16])]);
}

#[test]
fn a_program_says_what_it_needs_and_which_rules_a_fact_touches() {
    use criteria::program::Fact;
    let rules =
        [FREQUENT, ABANDONED, r#"{"event":"Order Completed","window":{"last":"30d"},"op":"gte","value":2}"#];
    let rules = rules.iter().enumerate().map(|(id, text)| (id as u64 + 10, Rule::parse(text).unwrap()));
    let program = Program::compile(rules, Zone::utc());
    assert_eq!((program.len(), program.leaf_count(), program.id(2)), (3, 5, 12));
    let needs: Vec<_> =
        program.needs().events.iter().map(|need| (&*need.name, need.properties.len())).collect();
    assert_eq!(needs, [("Order Completed", 2), ("*", 0), ("Product Added", 1)]);
    assert_eq!(program.needs().traits, [Box::from("city")]);
    assert_eq!(program.touched_by(Fact::Event("Order Completed")), [0, 1, 2]);
    assert_eq!(program.touched_by(Fact::Event("Product Added")), [0, 1]);
    assert_eq!(program.touched_by(Fact::Event("Page")), [0]);
    assert_eq!(program.touched_by(Fact::Trait("city")), [0]);
    assert_eq!(program.touched_by(Fact::Tag("city")), [0; 0]);
    let as_of = Instant(at(NOW));
    assert_eq!(program.earliest(0, as_of), Some(Instant(at("2026-10-23T04:00:00.000001Z"))));
    assert_eq!(program.earliest(1, as_of), Some(Instant(at("2026-11-15T04:00:00.000001Z"))));
}

#[test]
fn conditions_on_age_make_events_come_and_go() {
    let world = party(&[
        ("B", "2026-11-12T04:00:00Z", json!({"at": "2026-11-21T04:00:00Z"})),
        ("A", "2026-11-22T03:00:00Z", json!({"at": "2026-11-22T03:00:00Z"})),
    ]);
    let since = r#"{"event":"A","window":{"since":{"event":"B","which":"last",
        "where":[{"property":"at","op":"within_last","value":"2d"}]}},"op":"gte","value":1}"#;
    check(since, &world, true, Some("2026-11-23T04:00:00Z"));
    let counted =
        r#"{"event":"B","where":[{"property":"at","op":"older_than","value":"2d"}],"op":"gte","value":1}"#;
    check(counted, &world, false, Some("2026-11-23T04:00:00Z"));
    let waiting = r#"{"sequence":[{"event":"A","where":[{"property":"at","op":"within_last","value":"30d"}]},
        {"event":"C","within":"2h","absent":true}]}"#;
    check(waiting, &world, false, Some("2026-11-22T05:00:00Z"));
}

#[test]
fn a_leaf_says_what_it_measures_and_no_later_than_that_changes() {
    let order = |time: &'static str, total: Json| ("Order", time, json!({ "total": total }));
    let world = party(&[
        order("2026-11-01T00:00:00Z", json!("10.10")),
        order("2026-11-10T00:00:00Z", json!(20.2)),
        order("2026-11-20T00:00:00Z", json!(9)),
    ]);
    let value = |rule: &str| evaluate(rule, &world, NOW, |evaluation| evaluation.value(0));
    let sum = value(r#"{"event":"Order","measure":{"sum":"total"},"window":{"last":"30d"},"op":"exists"}"#);
    assert_eq!(sum.value.unwrap().as_ref().to_json(), json!(29.2), "a text is no number");
    assert_eq!(
        sum.changes_at,
        Some(Instant(at("2026-12-01T00:00:00Z"))),
        "too early by a text, never too late"
    );
    let mean = value(r#"{"event":"Order","measure":{"avg":"total"},"op":"exists"}"#);
    assert_eq!((mean.value.unwrap().as_ref().to_json(), mean.changes_at), (json!(14.6), None));
    assert_eq!(value(r#"{"event":"None","measure":{"avg":"total"},"op":"exists"}"#).value, None);
    assert_eq!(value(r#"{"trait":"city","op":"exists"}"#).value, None);
    let rule = r#"{"event":"Order","measure":{"sum":"total"},"window":{"last":"15d"},"op":"exists"}"#;
    let series = evaluate(rule, &world, NOW, |evaluation| evaluation.series(0));
    let told: Vec<_> =
        series.iter().map(|point| (point.time.0, point.values[0].as_ref().to_json())).collect();
    let expected = [(at("2026-11-10T00:00:00Z"), json!(20.2)), (at("2026-11-20T00:00:00Z"), json!(9))];
    assert_eq!(told, expected);
}

#[test]
fn an_event_at_the_end_of_time_ends_the_search_for_changes() {
    let mut world = party(&[("A", NOW, Json::Null), ("A", NOW, Json::Null)]);
    for time in [i64::MAX, i64::MAX - 1, i64::MIN, i64::MAX - 30 * kernel::time::DAY] {
        world.events[1].time = time;
        for window in [
            r#"{"calendar":"yesterday"}"#,
            r#"{"calendar":"last_year"}"#,
            r#"{"last":"30d"}"#,
            r#"{"ever":true}"#,
        ] {
            let rule = format!(r#"{{"event":"A","window":{window},"measure":"days","op":"gt","value":7}}"#);
            check(&rule, &world, false, None);
            let rule = format!(r#"{{"sequence":[{{"event":"A"}}],"window":{window},"op":"gt","value":7}}"#);
            check(&rule, &world, false, None);
        }
    }
}

#[test]
fn composed_and_decomposed_texts_of_a_dictionary_are_one_value() {
    let world = party(&[
        ("A", "2026-11-12T04:00:00Z", json!({"s": "\u{e9}"})),
        ("A", "2026-11-12T05:00:00Z", json!({"s": "e\u{301}"})),
    ]);
    let rule = Rule::parse(r#"{"event":"A","measure":{"distinct":"s"},"op":"eq","value":1}"#).unwrap();
    let program = Program::compile([(0, rule)], Zone::utc());
    let facts = world.facts(&program);
    for seed in 0..20 {
        let timeline = Packed::new(&world, &program, &mut Dice::new(seed));
        let mut evaluator = Evaluator::new(&program);
        let party = Party { timeline: &timeline, subject: &facts };
        assert!(evaluator.at(party, Instant(at(NOW))).holds(0), "{seed}");
    }
}

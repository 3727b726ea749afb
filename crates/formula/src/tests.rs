//! What formulas mean, case by case, and what is said of those that are wrong.

use std::collections::BTreeMap;

use criteria::value::{Type, Value};
use criteria::{Evaluator, Facts, Input, Party, Program, Zone, timeline};
use kernel::{Instant, Key};
use serde_json::{Value as Json, json};

use super::{Error, Formula};

fn at(text: &str) -> Instant {
    Instant::parse(text).unwrap()
}

const NOW: &str = "2026-06-30T15:59:59Z";

/// Measures by name.
fn measures(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// A buyer with orders: when, total, channel.
fn evaluate(formula: &Formula, orders: &[(&str, Json, &str)], traits: Json, now: Instant) -> super::Outcome {
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let program = Program::compile((0..).zip(formula.inputs().to_vec()), zone.clone());
    let mut timeline = timeline::Owned::new(&program);
    for (number, (time, total, channel)) in orders.iter().enumerate() {
        let properties = json!({ "total": total, "channel": channel });
        let event = ("Order Completed", at(time), Key([number as u8; 16]));
        timeline.insert(&program, event, &properties, &Json::Null);
    }
    let mut facts = Facts::default();
    for (name, value) in traits.as_object().unwrap() {
        facts.set_trait(name, value);
    }
    let mut evaluator = Evaluator::new(&program);
    let mut evaluation = evaluator.at(Party { timeline: &timeline, subject: &facts }, now);
    formula.evaluate(&mut |place| evaluation.value(place), &zone, now)
}

fn parse(text: &str) -> Formula {
    Formula::parse(text, &BTreeMap::new()).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn json_of(value: Option<Value>) -> Json {
    value.map_or(Json::Null, |value| value.as_ref().to_json())
}

/// The value of a formula that looks at nothing.
fn plain(text: &str) -> Json {
    json_of(evaluate(&parse(text), &[], json!({}), at(NOW)).value)
}

const AOV: &str = "round(net_12m / nullif(orders_12m,0),2)";

fn aov() -> Formula {
    let measures = measures(&[
        ("net_12m", "sum(\"Order Completed\".total, last 365d)"),
        ("orders_12m", "count(\"Order Completed\", last 365d)"),
    ]);
    Formula::parse(AOV, &measures).unwrap()
}

#[test]
fn the_mean_order_of_a_buyer_is_exact_and_that_of_nobody_is_missing() {
    let orders = [
        ("2025-06-01T00:00:00Z", json!(1000), "app"),
        ("2026-01-10T00:00:00Z", json!(100), "app"),
        ("2026-02-10T00:00:00Z", json!(100.01), "app"),
        ("2026-03-10T00:00:00Z", json!(0.04), "app"),
    ];
    let found = evaluate(&aov(), &orders, json!({}), at(NOW));
    assert_eq!(json_of(found.value), json!(66.68));
    assert_eq!(found.changes_at, Some(at("2027-01-10T00:00:00Z")), "the oldest order leaves the window");
    let nobody = evaluate(&aov(), &[], json!({}), at(NOW));
    assert_eq!((nobody.value, nobody.changes_at), (None, None), "0 orders give no mean, and no 0 either");
    assert_eq!(aov().value_type(), Some(Type::Number));
}

#[test]
fn arithmetic_is_exact_and_what_cannot_be_computed_is_missing() {
    for (text, expected) in [
        ("0.1 + 0.2", json!(0.3)),
        ("1 / 3 * 3", json!("0.999999999999999999")),
        ("2 + 3 * 4 - -1", json!(15)),
        ("10 % 4", json!(2)),
        ("-7 / 2", json!(-3.5)),
        ("1 / 0", Json::Null),
        ("5 % 0", Json::Null),
        ("null + 1", Json::Null),
        ("round(2.345, 2)", json!(2.35)),
        ("round(-2.345, 2)", json!(-2.35)),
        ("round(1234.5, -2)", json!(1200)),
        ("floor(-1.5)", json!(-2)),
        ("ceil(1.01)", json!(2)),
        ("abs(-3)", json!(3)),
        ("min(3, 1, 2)", json!(1)),
        ("max(3, 1, 2)", json!(3)),
        ("power(1.1, 2)", json!(1.21)),
        ("power(3, 0.5)", json!(1.732050807569)),
        ("log10(1000)", json!(3)),
        ("log(0)", Json::Null),
        ("power(10, 30) * power(10, 30)", Json::Null),
        ("coalesce(null, nullif(1, 1), 5)", json!(5)),
        ("coalesce(1 / 0, 7)", json!(7)),
        ("is_missing(1 / 0)", json!(true)),
    ] {
        let found = plain(text);
        let is_same = found == expected
            || found.to_string().trim_matches('"') == expected.to_string().trim_matches('"');
        assert!(is_same, "{text}: {found}, not {expected}");
    }
}

#[test]
fn logic_knows_what_is_missing() {
    for (text, expected) in [
        ("1 < 2 and 'a' < 'b'", json!(true)),
        ("null = 1", Json::Null),
        ("null = 1 or true", json!(true)),
        ("null = 1 and false", json!(false)),
        ("null = 1 and true", Json::Null),
        ("not (1 = 1)", json!(false)),
        ("2 in (1, 2)", json!(true)),
        ("2 not in (1, 3)", json!(true)),
        ("3 in (1, null)", Json::Null),
        ("if(null = 1, 'a', 'b')", json!("b")),
        ("case when 1 > 2 then 'x' when 2 > 1 then 'y' else 'z' end", json!("y")),
        ("case when 1 > 2 then 'x' end", Json::Null),
    ] {
        assert_eq!(plain(text), expected, "{text}");
    }
}

#[test]
fn texts_and_dates_are_local() {
    for (text, expected) in [
        ("upper('ab') || lower('CD')", json!("ABcd")),
        ("concat('n', 1, true)", json!("n1true")),
        ("substring('临澄商贸', 2, 2)", json!("澄商")),
        ("length('临澄')", json!(2)),
        ("replace('a-b-c', '-', '')", json!("abc")),
        ("contains('临澄商贸', '商') and starts_with('abc', 'ab')", json!(true)),
        ("number('12.50') + 1", json!(13.5)),
        ("number('many')", Json::Null),
        // 2026-06-30T23:59:59 in Shanghai.
        ("date(today())", json!("2026-06-30")),
        ("weekday(today())", json!(2)),
        ("days_since('2026-06-29T16:00:00Z')", json!(0)),
        ("days_since('2026-06-29T15:59:59Z')", json!(1)),
        ("age('1990-07-01')", json!(35)),
        ("age('1990-06-30')", json!(36)),
        ("age('1990-02-30')", Json::Null),
        ("days_between('2026-01-01', '2026-03-01')", json!(59)),
        ("date(add_days('2026-02-28', 1))", json!("2026-03-01")),
        ("year('2026-12-31T16:00:00Z')", json!(2027)),
    ] {
        assert_eq!(plain(text), expected, "{text}");
    }
}

#[test]
fn a_value_that_looks_at_the_day_changes_at_local_midnight_and_others_do_not() {
    let change = |text: &str, orders: &[(&str, Json, &str)]| {
        evaluate(&parse(text), orders, json!({ "birthday": "1990-05-01" }), at(NOW)).changes_at
    };
    let order = [("2026-06-20T00:00:00Z", json!(1), "app")];
    let midnight = Some(at("2026-06-30T16:00:00Z"));
    assert_eq!(change("days_since(last_time(\"Order Completed\"))", &order), midnight);
    assert_eq!(change("days_since(last_time(\"Order Completed\"))", &[]), None, "missing stays missing");
    assert_eq!(change("age(trait('birthday'))", &[]), midnight);
    assert_eq!(
        change("if(true, 1, age(trait('birthday')))", &[]),
        None,
        "what is not asked cannot change it"
    );
    assert_eq!(change("count(\"Order Completed\", this_month)", &order), midnight, "the month ends");
    assert_eq!(change("count(\"Order Completed\")", &order), None);
}

#[test]
fn filters_windows_and_traits_are_what_the_rules_mean() {
    let orders = [
        ("2026-06-01T00:00:00Z", json!(100), "app"),
        ("2026-06-10T00:00:00Z", json!(50), "store"),
        ("2026-06-20T00:00:00Z", json!(7), "app"),
    ];
    let value = |text: &str| {
        json_of(evaluate(&parse(text), &orders, json!({ "city": "临澄", "n": "x" }), at(NOW)).value)
    };
    assert_eq!(value("sum(\"Order Completed\".total where channel = 'app')"), json!(107));
    assert_eq!(value("count(* where total > 10 and (channel = 'app' or channel = 'store'))"), json!(2));
    assert_eq!(value("count(\"Order Completed\" where not channel in ('app'), last 30d)"), json!(1));
    assert_eq!(value("first(\"Order Completed\".channel, last 15d)"), json!("app"));
    assert_eq!(value("max(\"Order Completed\".total) - min(\"Order Completed\".total)"), json!(93));
    assert_eq!(value("count(\"A\" or \"Order Completed\", since first \"Order Completed\")"), json!(2));
    assert_eq!(value("count(*, from '2026-06-05T00:00:00Z' to '2026-06-15T00:00:00Z')"), json!(1));
    assert_eq!(value("if(trait('city') in ('临澄', '岫安'), 1, 0)"), json!(1));
    assert_eq!(value("trait('n') + 1"), Json::Null, "a text is no number");
    assert_eq!(value("trait('none')"), Json::Null);
}

#[test]
fn what_is_wrong_is_said_where_it_stands() {
    let wrong = |text: &str| match Formula::parse(text, &BTreeMap::new()) {
        Err(Error { at, message, .. }) => (at, message),
        Ok(_) => panic!("{text} reads"),
    };
    for (text, at, part) in [
        ("1 + ", 4, "the end"),
        ("1 + 'a'", 2, "`+` takes number, not text"),
        ("round('a')", 6, "`round` takes number, not text"),
        ("round(1, 2, 3)", 0, "takes 1 to 2 values"),
        ("1 = 'a'", 2, "between number and text"),
        ("if(1, 2, 3)", 3, "`if` takes boolean"),
        ("if(true, 2, 'a')", 12, "gives text here and number"),
        ("nothing + 1", 0, "trait('nothing')"),
        ("nothing(1)", 0, "no function"),
        ("\"Order\"", 0, "count(\"Order\")"),
        ("sum(\"Order\")", 0, "needs a property"),
        ("count(\"Order\", last 30x)", 20, "a duration"),
        ("count(\"Order\", lately)", 15, "is no window"),
        ("'open", 0, "not ended"),
        ("临 # 1", 2, "means nothing"),
        ("(1", 2, "`)` is missing"),
        ("case 1 end", 5, "`when` is missing"),
    ] {
        let (found, message) = wrong(text);
        assert!(found == at && message.contains(part), "{text}: {found} {message}");
    }
    let deep = "(".repeat(60) + "1" + &")".repeat(60);
    assert!(wrong(&deep).1.contains("nested"));
    assert!(wrong(&"-".repeat(3_000)).1.contains("nested"));
    let circle = measures(&[("a", "b + 1"), ("b", "a")]);
    let Err(error) = Formula::parse("a", &circle) else { panic!("a circle reads") };
    assert!(error.message.contains("one another") && error.measure.is_some(), "{error}");
    let Err(error) = Formula::parse("1", &measures(&[("x", "1 +")])) else { panic!("a wrong measure reads") };
    assert_eq!(error.to_string(), "in `x` at character 4: a value, not the end");
}

#[test]
fn what_is_written_twice_is_read_once() {
    let formula = parse("count(\"A\") + count(\"A\") + score('x')");
    assert_eq!(formula.names(), ["count(\"A\")", "score('x')"]);
    let mut asked = Vec::new();
    let mut read = |place: usize| {
        asked.push(place);
        Input { value: Some(Value::Number(2.into())), changes_at: None }
    };
    let found = formula.evaluate(&mut read, &Zone::utc(), at(NOW));
    assert_eq!((json_of(found.value), asked), (json!(6), vec![0, 1]));
}

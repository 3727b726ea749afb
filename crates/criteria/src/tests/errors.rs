//! What is wrong with a rule is said with its place, and with what would be right.

use std::collections::BTreeMap;

use crate::check::Schema;
use crate::cycle::{Reference, cycle};
use crate::path::Path;
use crate::value::Type;
use crate::{Error, Rule};

#[track_caller]
fn check(rule: &str, pointer: &str, part: &str) {
    let error = Rule::parse(rule).expect_err(rule);
    assert_eq!(error.pointer, pointer, "{error}");
    assert!(error.message.contains(part), "{error}");
}

#[test]
fn what_is_no_rule_is_refused_at_its_place() {
    check("{", "", "not a rule in JSON");
    check(r#"{"trait":"a","op":"exists","trait":"b"}"#, "", "written twice");
    check("[]", "", "expected an object, found a list");
    check("{}", "", "a rule has one of: all, any");
    check(r#"{"all":[],"any":[]}"#, "", "only one of: all, any");
    check(r#"{"all":[{"any":[{"trait":"a","op":"eq"}]}]}"#, "/all/0/any/0", "`eq` needs a `value`");
    check(
        r#"{"all":[{"trait":"a/b","op":"exists","a/b~":1}]}"#,
        "/all/0/a~1b~0",
        "not known here; allowed: trait, op, value",
    );
    check(r#"{"trait":"","op":"exists"}"#, "/trait", "1 to 400 bytes");
    check(r#"{"trait":"a"}"#, "", "`op` is missing");
    check(r#"{"trait":"a","op":"like","value":1}"#, "/op", "`like` is not known; one of: eq, ne");
    check(r#"{"always":1}"#, "/always", "expected true or false, found a number");
}

#[test]
fn a_value_that_does_not_fit_its_op_is_refused() {
    let of =
        |rest: &str, pointer: &str, part: &str| check(&format!(r#"{{"trait":"a",{rest}}}"#), pointer, part);
    of(r#""op":"exists","value":1"#, "/value", "takes no value");
    of(r#""op":"eq","value":null"#, "/value", "found null");
    of(r#""op":"eq","value":1e40"#, "/value", "digits");
    of(r#""op":"gt","value":true"#, "/value", "no order");
    of(r#""op":"in","value":1"#, "/value", "expected a list");
    of(r#""op":"in","value":[]"#, "/value", "at least one value");
    of(r#""op":"in","value":[1,"a"]"#, "/value/1", "one type; the first is number");
    of(r#""op":"between","value":[1]"#, "/value", "two values");
    of(r#""op":"between","value":[2,1]"#, "/value", "lower value first");
    of(r#""op":"contains","value":1"#, "/value", "expected a text");
    of(r#""op":"matches","value":"(""#, "/value", "not a regular expression (RE2 syntax)");
    of(r#""op":"before","value":"2026-11-22""#, "/value", "RFC 3339");
    of(r#""op":"within_last","value":"1y""#, "/value", "m, h, d or w");
    of(r#""op":"within_last","value":"0d""#, "/value", "above 0");
    of(r#""op":"within_last","value":"99999w""#, "/value", "at most 100 years");
    of(r#""op":"within_km","value":{"lat":91,"lon":0,"km":1}"#, "/value", "between -90 and 90");
    of(r#""op":"within_km","value":{"lat":1,"lon":0,"km":0}"#, "/value", "`km` is above 0");
    of(r#""op":"within_km","value":{"lat":1,"lon":0}"#, "/value", "`km` is missing");
}

#[test]
fn a_measure_takes_only_comparisons_that_fit_it() {
    let of =
        |rest: &str, pointer: &str, part: &str| check(&format!(r#"{{"event":"A",{rest}}}"#), pointer, part);
    of(r#""op":"eq","value":"1""#, "/op", "does not fit the type number");
    of(r#""measure":"first_time","op":"eq","value":1"#, "/op", "before, after, within_last, older_than");
    of(r#""measure":{"sum":"n"},"op":"before","value":"2026-11-22T00:00:00Z""#, "/op", "type number");
    of(r#""measure":{"max":"n"},"op":"contains","value":"a""#, "/op", "type number");
    of(r#""measure":{"median":"n"},"op":"eq","value":1"#, "/measure/median", "allowed: sum, avg");
    of(r#""measure":{"sum":"n","avg":"n"},"op":"eq","value":1"#, "/measure", "one thing");
    of(r#""measure":{},"op":"eq","value":1"#, "/measure", "has one of: sum");
    of(r#""measure":"mode","op":"eq","value":1"#, "/measure", "`mode` is not known");
    of(r#""measure":{"sum":"a..b"},"op":"eq","value":1"#, "/measure/sum", "not a path");
    check(r#"{"score":"s","op":"eq","value":"high"}"#, "/op", "type number");
    check(r#"{"stage":"s","op":"ne","value":"lost"}"#, "/op", "`eq` with a text or by `in`");
    check(
        r#"{"consent":{"channel":"c","purpose":"p"},"op":"eq","value":"granted"}"#,
        "/op",
        "compared by `is`",
    );
    check(
        r#"{"consent":{"channel":"c","purpose":"p"},"op":"is","value":"yes"}"#,
        "/value",
        "one of: granted",
    );
    check(r#"{"related":{"object":"o","via":"v"}}"#, "/related", "`where` is missing");
}

#[test]
fn windows_filters_and_steps_are_checked() {
    let window = |window: &str, pointer: &str, part: &str| {
        check(&format!(r#"{{"event":"A","window":{window},"op":"eq","value":1}}"#), pointer, part);
    };
    window(r#"{}"#, "/window", "a window has one of");
    window(r#"{"last":"30d","ever":true}"#, "/window", "a window has one of");
    window(r#"{"last":30}"#, "/window/last", "expected a text");
    window(r#"{"calendar":"this_decade"}"#, "/window/calendar", "one of: today");
    window(r#"{"from":"2026-01-02T00:00:00Z","to":"2026-01-02T00:00:00Z"}"#, "/window", "must lie before");
    window(r#"{"since":{"event":"B"}}"#, "/window/since", "`which` is missing");
    window(r#"{"since":{"event":"*","which":"last"}}"#, "/window/since/event", "name the event");
    window(r#"{"ever":false}"#, "/window", "leave `window` out");
    check(r#"{"event":[],"op":"eq","value":1}"#, "/event", "name 1 to");
    check(r#"{"event":["A","*"],"op":"eq","value":1}"#, "/event/1", "`*` stands alone");
    check(
        r#"{"event":"A","where":[{"op":"eq","value":1}],"op":"eq","value":1}"#,
        "/where/0",
        "`property`, `all`",
    );
    check(
        r#"{"event":"A","where":[{"all":[{"property":"a[0]","op":"exists"}]}],"op":"eq","value":1}"#,
        "/where/0/all/0/property",
        "not a path",
    );
    let steps = |steps: &str, pointer: &str, part: &str| {
        check(&format!(r#"{{"sequence":[{steps}]}}"#), pointer, part)
    };
    steps("", "/sequence", "1 to 20 steps, this one 0");
    steps(r#"{"event":"A","within":"1h"}"#, "/sequence/0/within", "the first step has no `within`");
    steps(r#"{"event":"A","absent":true,"within":"1h"}"#, "/sequence/0/within", "first step");
    steps(r#"{"event":"A"},{"event":"B","absent":true}"#, "/sequence/1", "needs `within`");
    steps(r#"{"event":"A"},{"event":"B","same":["a[]"]}"#, "/sequence/1/same/0", "leave `[]` out");
    steps(r#"{"event":"A"},{"event":"*"}"#, "/sequence/1/event", "`*` stands alone");
}

#[test]
fn every_limit_is_kept_and_said() {
    let nested =
        |depth: usize, inner: &str| format!("{}{inner}{}", r#"{"all":["#.repeat(depth), "]}".repeat(depth));
    assert!(Rule::parse(&nested(7, r#"{"always":true}"#)).is_ok());
    check(&nested(8, r#"{"always":true}"#), &"/all/0".repeat(8), "deeper than 8 levels");
    assert!(Rule::parse(&nested(100, "")).is_err());
    let filter = |depth: usize| {
        format!(
            r#"{{"event":"A","where":[{}],"op":"eq","value":1}}"#,
            nested(depth, r#"{"property":"a","op":"exists"}"#)
        )
    };
    assert!(Rule::parse(&filter(7)).is_ok());
    check(&filter(8), &format!("/where/0{}", "/all/0".repeat(8)), "deeper than 8 levels");

    let many = |item: &str, count: usize| vec![item; count].join(",");
    let leaves = |count| format!(r#"{{"all":[{}]}}"#, many(r#"{"always":true}"#, count));
    assert!(Rule::parse(&leaves(200)).is_ok());
    check(&leaves(201), "/all/200", "more than 200 leaves");
    let filters = |count| {
        format!(
            r#"{{"event":"A","where":[{}],"op":"eq","value":1}}"#,
            many(r#"{"property":"a","op":"exists"}"#, count)
        )
    };
    assert!(Rule::parse(&filters(200)).is_ok());
    check(&filters(201), "/where/200", "more than 200 conditions");
    let steps = |count| format!(r#"{{"sequence":[{}]}}"#, many(r#"{"event":"A"}"#, count));
    assert!(Rule::parse(&steps(20)).is_ok());
    check(&steps(21), "/sequence", "1 to 20 steps, this one 21");
    let list = |count| format!(r#"{{"trait":"a","op":"in","value":[{}]}}"#, many("1", count));
    assert!(Rule::parse(&list(10_000)).is_ok());
    check(&list(10_001), "/value", "at most 10000 values, this one 10001");
    let pattern = |count| format!(r#"{{"trait":"a","op":"matches","value":"{}"}}"#, "临".repeat(count));
    assert!(Rule::parse(&pattern(256)).is_ok());
    check(&pattern(257), "/value", "at most 256 characters, this one 257");
}

#[test]
fn canonical_json_leaves_defaults_out_and_keeps_every_digit() {
    let canonical = |text: &str| Rule::parse(text).unwrap().to_json();
    assert_eq!(
        canonical(
            r#"{"op":"gte","value":20.10,"window":{"ever":true},"measure":"count","where":[],"event":["A"]}"#
        ),
        r#"{"event":"A","op":"gte","value":20.1}"#
    );
    assert_eq!(
        canonical(r#"{"sequence":[{"event":"A","absent":false}],"op":"gte"}"#),
        r#"{"sequence":[{"event":"A"}]}"#
    );
    let exact = r#"{"trait":"n","op":"eq","value":12345678901234567.890123}"#;
    assert_eq!(canonical(exact), exact);
    let rule: Rule = serde_json::from_str(exact).unwrap();
    assert_eq!(serde_json::to_string(&rule).unwrap(), exact);
    let error = serde_json::from_str::<Rule>(r#"{"all":[{}]}"#).unwrap_err().to_string();
    assert!(error.starts_with("/all/0: a rule has one of"), "{error}");
    let failure = kernel::Failure::from(Rule::parse(r#"{"all":[{}]}"#).unwrap_err());
    assert!(failure.to_string().starts_with("rule/all/0: a rule has"), "{failure}");
}

struct Shop;

impl Schema for Shop {
    fn trait_type(&self, name: &str) -> Option<Type> {
        match name {
            "city" => Some(Type::Text),
            "n" => Some(Type::Number),
            "b" => Some(Type::Boolean),
            "at" => Some(Type::Instant),
            "tags" => Some(Type::List),
            "home" => Some(Type::Place),
            _ => None,
        }
    }

    fn property_type(&self, event: &str, path: &Path) -> Option<Type> {
        match (event, path.to_string().as_str()) {
            ("Order", "total") => Some(Type::Number),
            ("Order", "id") => Some(Type::Number),
            ("Cart", "id") => Some(Type::Text),
            ("Order", "products[].sku") => Some(Type::Text),
            _ => None,
        }
    }

    fn record_type(&self, _: &str, _: &Path) -> Option<Type> {
        Some(Type::Number)
    }

    fn has_tag(&self, key: &str) -> bool {
        key == "vip"
    }

    fn has_score(&self, key: &str) -> bool {
        key == "churn"
    }

    fn has_audience(&self, id: &str) -> bool {
        id == "a-1"
    }

    fn has_relation(&self, _: &str, via: &str) -> bool {
        via == "store"
    }

    fn has_consent(&self, channel: &str, _: &str) -> bool {
        channel == "sms"
    }

    fn stages(&self, _: &str) -> Option<&[String]> {
        static STATES: std::sync::LazyLock<Vec<String>> =
            std::sync::LazyLock::new(|| vec!["new".into(), "lost".into()]);
        Some(&STATES)
    }
}

#[test]
fn a_schema_refuses_what_it_knows_to_be_otherwise_and_nothing_else() {
    let good = r#"{"all":[{"trait":"city","op":"gt","value":"a"},{"trait":"at","op":"eq","value":"2026-11-22T00:00:00Z"},
        {"trait":"unheard","op":"eq","value":1},{"event":"Order","measure":{"sum":"total"},"op":"gt","value":1},
        {"event":"Order","where":[{"property":"x","op":"eq","value":true}],"op":"gt","value":1},
        {"tag":"vip","op":"eq","value":1},{"stage":"life","op":"eq","value":"new"},{"audience":"a-1"}]}"#;
    assert_eq!(Rule::parse(good).unwrap().check(&Shop), []);
    let wrong = [
        (r#"{"trait":"city","op":"eq","value":1}"#, "/value", "a text: eq"),
        (r#"{"trait":"n","op":"contains","value":"1"}"#, "/value", "a number: eq"),
        (r#"{"trait":"b","op":"in","value":["true"]}"#, "/value", "true or false"),
        (r#"{"trait":"at","op":"eq","value":"today"}"#, "/value", "an instant in RFC 3339"),
        (r#"{"trait":"tags","op":"eq","value":"a"}"#, "/value", "a text it has"),
        (r#"{"trait":"home","op":"eq","value":"a"}"#, "/value", "within_km"),
        (r#"{"tag":"gold","op":"exists"}"#, "/tag", "there is no tag `gold`"),
        (r#"{"score":"x","op":"gt","value":1}"#, "/score", "there is no score `x`"),
        (r#"{"audience":"a-2"}"#, "/audience", "there is no audience `a-2`"),
        (
            r#"{"stage":"life","op":"in","value":["new","gone"]}"#,
            "/value",
            "no state `gone`; one of: new, lost",
        ),
        (r#"{"consent":{"channel":"fax","purpose":"p"},"op":"is","value":"granted"}"#, "/consent", "fax / p"),
        (r#"{"related":{"object":"o","via":"x","where":[]}}"#, "/related/via", "no relation `x`"),
        (
            r#"{"related":{"object":"o","via":"store","where":[{"property":"p","op":"eq","value":"a"}]}}"#,
            "/related/where/0/value",
            "type number",
        ),
        (
            r#"{"event":"Order","where":[{"none":[{"property":"total","op":"eq","value":"a"}]}],"op":"gt","value":1}"#,
            "/where/0/none/0/value",
            "type number",
        ),
        (
            r#"{"event":"Order","measure":{"sum":"products[].sku"},"op":"gt","value":1}"#,
            "/measure/sum",
            "needs the type number; `products[].sku` is of type text",
        ),
        (
            r#"{"event":"Order","measure":{"max":"total"},"op":"before","value":"2026-11-22T00:00:00Z"}"#,
            "/measure/max",
            "needs the type instant",
        ),
        (
            r#"{"event":"Order","measure":{"last":"total"},"op":"contains","value":"a"}"#,
            "/value",
            "type number",
        ),
        (
            r#"{"event":"A","window":{"since":{"event":"Order","where":[{"property":"total","op":"eq","value":"a"}],"which":"last"}},"op":"gt","value":1}"#,
            "/window/since/where/0/value",
            "type number",
        ),
        (
            r#"{"sequence":[{"event":"Cart"},{"event":"Order","same":["id"]}]}"#,
            "/sequence/1/same/0",
            "never equal",
        ),
    ];
    for (rule, pointer, part) in wrong {
        let rule = Rule::parse(&format!(r#"{{"all":[{rule}]}}"#)).unwrap();
        let errors = rule.check(&Shop);
        let [Error { pointer: found, message }] = &errors[..] else { panic!("{rule:?}: {errors:?}") };
        assert_eq!(*found, format!("/all/0{pointer}"), "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_circle_of_definitions_is_found_and_a_long_chain_is_none() {
    let audience = |number: usize| Reference::Audience(number.to_string());
    let mut definitions: BTreeMap<_, _> =
        (0..5_000).map(|n| (audience(n), vec![audience(n + 1), Reference::Tag("t".into())])).collect();
    assert_eq!(cycle(&definitions), None);
    let rule = Rule::parse(r#"{"any":[{"tag":"t","op":"exists"},{"all":[{"audience":"7"},{"audience":"7"},{"score":"s","op":"gt","value":1}]}]}"#).unwrap();
    assert_eq!(rule.references(), [audience(7), Reference::Tag("t".into()), Reference::Score("s".into())]);
    definitions.insert(audience(9), rule.references());
    let circle = cycle(&definitions).unwrap();
    assert_eq!(circle, [audience(7), audience(8), audience(9), audience(7)]);
    assert_eq!(circle[0].to_string(), "audience 7");
    let itself = BTreeMap::from([(audience(1), vec![audience(1)])]);
    assert_eq!(cycle(&itself), Some(vec![audience(1), audience(1)]));
}

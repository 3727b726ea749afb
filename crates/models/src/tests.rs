//! From events and traits to facts, and on to values.

use criteria::timeline::Owned;
use criteria::{Evaluator, Facts as Subject, Party, Program, Zone};
use kernel::{Instant, Key};
use scoring::facts::{FollowUpResult, Kind, TouchKind};
use scoring::{Constants, Day, Facts, Model, Money};
use serde_json::{Value as Json, json};

use super::read::{Direct, Read, day, facts};
use super::{Config, Plan, Ready, Said};

/// The facts of a party with events (name, time, properties) and traits, on 2026-06-30 in Shanghai.
fn read(events: &[(&str, &str, Json)], traits: &[(&str, Json)]) -> Facts {
    read_as(&Config::default(), events, traits)
}

fn read_as(config: &Config, events: &[(&str, &str, Json)], traits: &[(&str, Json)]) -> Facts {
    let plan = Plan::of(&Model::ALL, config);
    let zone = Zone::named("Asia/Shanghai").unwrap();
    with(&plan, events, traits, "2026-06-30T23:59:59+08:00", |read| {
        facts(&plan, config, read, Key([7; 16]), &zone)
    })
}

/// What a model says of a party at an instant.
fn say(key: &str, events: &[(&str, &str, Json)], as_of: &str) -> Said {
    let ready = Ready::of(key, &json!({})).unwrap().unwrap();
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let at = Instant::parse(as_of).unwrap();
    with(&ready.plan, events, &[], as_of, |read| ready.say(read, None, (Key([7; 16]), at), &zone))
}

fn with<T>(
    plan: &Plan,
    events: &[(&str, &str, Json)],
    traits: &[(&str, Json)],
    as_of: &str,
    ask: impl FnOnce(&mut dyn Read) -> T,
) -> T {
    let rules = plan.rules.iter().cloned().enumerate().map(|(place, rule)| (place as u64, rule));
    let zone = Zone::named("Asia/Shanghai").unwrap();
    let program = Program::compile(rules, zone);
    let mut timeline = Owned::new(&program);
    for (place, (name, at, properties)) in events.iter().enumerate() {
        let mut key = [0; 16];
        key[15] = place as u8;
        timeline.insert(&program, (name, Instant::parse(at).unwrap(), Key(key)), properties, &Json::Null);
    }
    let mut subject = Subject::default();
    traits.iter().for_each(|(name, value)| subject.set_trait(name, value));
    let mut evaluator = Evaluator::new(&program);
    let as_of = Instant::parse(as_of).unwrap();
    let mut evaluation = evaluator.at(Party { timeline: &timeline, subject: &subject }, as_of);
    ask(&mut Direct { evaluation: &mut evaluation, first: 0, seen: Instant::parse("2026-01-01T00:00:00Z") })
}

#[test]
fn every_rule_of_the_plan_can_be_read() {
    let plan = Plan::of(&Model::ALL, &Config::default());
    assert!(plan.rules.iter().all(|rule| *rule != criteria::Rule::Always(false)));
    for model in Model::ALL {
        assert!(!Plan::of(&[model], &Config::default()).rules.is_empty());
    }
}

#[test]
fn net_is_paid_less_shipping_less_refunds_and_cancelled_and_test_orders_do_not_count() {
    let order =
        |id: &str, total: f64| json!({"order_id": id, "total": total, "shipping": 10, "discount": 20});
    let facts = read(
        &[
            ("Order Completed", "2026-06-01T10:00:00Z", order("a", 110.0)),
            ("Order Completed", "2026-06-02T10:00:00Z", order("b", 60.0)),
            ("Order Completed", "2026-06-03T10:00:00Z", order("c", 60.0)),
            ("Order Completed", "2026-06-04T10:00:00Z", json!({"order_id": 9, "revenue": 30.005, "tax": 1})),
            (
                "Order Completed",
                "2026-06-05T10:00:00Z",
                json!({"order_id": "t", "total": 5, "is_test": true}),
            ),
            ("Order Completed", "2026-06-06T10:00:00Z", json!({"total": 12})),
            ("Order Cancelled", "2026-06-07T10:00:00Z", json!({"order_id": "b"})),
            ("Order Refunded", "2026-06-07T11:00:00Z", json!({"order_id": "a", "total": 40})),
            ("Order Refunded", "2026-06-07T12:00:00Z", json!({"order_id": "c", "total": 50})),
        ],
        &[],
    );
    let nets: Vec<Money> = facts.orders.iter().map(|order| order.net).collect();
    assert_eq!(nets, [Money(6_000), Money(3_101), Money(1_200)]);
    assert_eq!(facts.returned.len(), 1, "who gave everything back was there");
    assert_eq!(facts.orders[0].list, Some(Money(12_000)));
}

#[test]
fn a_day_is_a_local_day_and_the_lines_of_an_order_keep_together() {
    let products = json!([{"sku": "s1", "category": "tea", "quantity": 2, "price": 9.9}, {"category": "wine", "price": 80}]);
    let facts = read(
        &[("Order Completed", "2026-06-01T16:30:00Z", json!({"total": 99.8, "products": products}))],
        &[],
    );
    let order = &facts.orders[0];
    let zone = Zone::named("Asia/Shanghai").unwrap();
    assert_eq!(order.day, day(&zone, Instant::parse("2026-06-02T00:30:00+08:00").unwrap()));
    let lines: Vec<_> = order.lines.iter().map(|line| (line.category.as_deref(), line.price)).collect();
    assert_eq!(lines, [(Some("tea"), Some(Money(990))), (Some("wine"), Some(Money(8_000)))]);
    assert_eq!(order.lines[0].quantity, 1.0, "one quantity of two products is nobody's");
}

#[test]
fn touches_messages_and_follow_ups_are_told_apart() {
    let message = |id: &str| json!({"channel": "sms", "message_id": id});
    let facts = read(
        &[
            ("Product Viewed", "2026-06-29T12:00:00Z", json!({"category": "tea"})),
            ("Stock Counted", "2026-06-29T12:00:00Z", json!({"stock_left": true})),
            ("Message Delivered", "2026-06-10T12:00:00Z", message("m1")),
            ("Message Delivered", "2026-06-11T12:00:00Z", message("m2")),
            ("Message Clicked", "2026-06-12T12:00:00Z", message("m2")),
            ("Message Clicked", "2026-06-20T12:00:00Z", message("m1")),
            (
                "Follow-up Recorded",
                "2026-06-21T12:00:00Z",
                json!({"result": "clear_need", "quantity": 20, "date": "2026-08-01"}),
            ),
            ("Follow-up Recorded", "2026-06-22T12:00:00Z", json!({"result": "unreached"})),
        ],
        &[],
    );
    let kinds: Vec<TouchKind> = facts.touches.iter().map(|touch| touch.kind).collect();
    assert_eq!(
        kinds,
        [TouchKind::Response, TouchKind::Response, TouchKind::ProductView, TouchKind::StockLeft]
    );
    // 2026-06-29 is a Monday; 12:00 UTC is 20:00 in Shanghai.
    assert_eq!(facts.touches[2].hour_of_week, 20);
    assert_eq!(facts.touches[2].category.as_deref(), Some("tea"));
    let answered: Vec<bool> = facts.deliveries.iter().map(|delivery| delivery.is_answered).collect();
    assert_eq!(answered, [false, true], "an answer after three days is none");
    let results: Vec<FollowUpResult> = facts.follow_ups.iter().map(|done| done.result).collect();
    assert_eq!(results, [FollowUpResult::ConfirmedQuantity, FollowUpResult::Unreached]);
}

#[test]
fn a_message_to_wake_somebody_up_is_an_attempt_and_membership_is_bound_and_ended_by_events() {
    let told = read(
        &[
            (
                "Message Delivered",
                "2026-06-10T12:00:00Z",
                json!({"channel": "sms", "purpose": "reactivation"}),
            ),
            ("Message Delivered", "2026-06-11T12:00:00Z", json!({"channel": "sms", "purpose": "marketing"})),
            ("Member Bound", "2020-01-01T12:00:00Z", json!({})),
        ],
        &[("dedicated_owner", json!("U-012"))],
    );
    let kinds: Vec<TouchKind> = told.touches.iter().map(|touch| touch.kind).collect();
    assert_eq!((kinds, told.deliveries.len()), (vec![TouchKind::WakeUp], 2));
    assert!(told.is_bound(), "a binding lasts, however long ago it was made");
    assert!(told.relation.has_dedicated_owner);
    let ended = ("Contract Ended", "2026-06-20T12:00:00Z", json!({}));
    let signed = ("Contract Signed", "2026-06-01T12:00:00Z", json!({}));
    let of = |events: &[(&str, &str, Json)]| read(events, &[]);
    assert!(of(std::slice::from_ref(&signed)).is_bound() && !of(&[signed, ended]).is_bound());
    assert!(
        !read(&[("Member Bound", "2020-01-01T12:00:00Z", json!({}))], &[("member_bound", json!(false))])
            .is_bound()
    );
}

#[test]
fn events_properties_and_traits_are_read_under_the_names_a_definition_gives() {
    let names = json!({
        "events": {
            "order": ["Bought"],
            "wake_up": [{"event": "Called", "where": {"reason": "asleep", "attempt": 1}}],
            "page": [],
        },
        "properties": {"total": "sum_paid", "products[].sku": "products[].product_id"},
        "traits": {"party_type": "sort", "net_sales": "turnover"},
    });
    let config = Config::read(&json!({ "names": names })).unwrap();
    let events = [
        ("Bought", "2026-06-01T10:00:00Z", json!({"sum_paid": 12, "products": [{"product_id": "p"}]})),
        ("Order Completed", "2026-06-02T10:00:00Z", json!({"total": 50})),
        ("Called", "2026-06-03T10:00:00Z", json!({"reason": "asleep", "attempt": 1})),
        ("Called", "2026-06-04T10:00:00Z", json!({"reason": "asleep", "attempt": 2})),
        ("Page Viewed", "2026-06-05T10:00:00Z", json!({})),
    ];
    let facts = read_as(&config, &events, &[("sort", json!("merchant")), ("turnover", json!(7))]);
    let orders: Vec<(Money, Option<&str>)> =
        facts.orders.iter().map(|order| (order.net, order.lines[0].sku.as_deref())).collect();
    assert_eq!(orders, [(Money(1_200), Some("p"))]);
    assert_eq!(facts.touches.iter().map(|touch| touch.kind).collect::<Vec<_>>(), [TouchKind::WakeUp]);
    assert_eq!((facts.kind, facts.attributes.get("net_sales")), (Kind::Merchant, Some(&7.0)));
    for wrong in [
        json!({"events": {"purchase": ["Bought"]}}),
        json!({"events": {"order": [{"event": "Bought", "where": {"a": [1]}}]}}),
        json!({"events": {"order": [""]}}),
        json!({"traits": {"net_sales": " "}}),
        json!({"trait": {}}),
    ] {
        assert!(Config::read(&json!({ "names": wrong })).is_err(), "{wrong}");
    }
}

#[test]
fn who_has_an_outlet_is_a_merchant_and_who_was_seen_first_then_was_known_since() {
    let outlet = read(&[], &[("outlet_type", json!("supermarket"))]);
    assert_eq!((outlet.kind, outlet.peer.class.as_str()), (Kind::Merchant, "supermarket"));
    assert_eq!(read(&[], &[]).created, Some(Day(20_454)), "2026-01-01, when it was first seen");
    let told = read(&[], &[("created_at", json!("2024-05-01T00:00:00Z"))]);
    assert_eq!((told.created, told.peer.class.as_str()), (Some(Day(19_844)), "2024"));
}

#[test]
fn traits_say_what_a_party_is() {
    let facts = read(
        &[],
        &[
            ("party_type", json!("merchant")),
            ("outlet_type", json!("restaurant")),
            ("city_tier", json!(2)),
            ("created_at", json!("2024-05-01T00:00:00Z")),
            ("member_bound", json!(true)),
            ("consented_channels", json!(["sms", "email"])),
            ("net_sales", json!(1_200.5)),
            ("email", json!("nobody")),
            ("phone", json!("+86 138 0000 0000")),
        ],
    );
    assert_eq!(facts.kind, Kind::Merchant);
    assert_eq!((facts.peer.class.as_str(), facts.peer.city_tier.as_str()), ("restaurant", "2"));
    assert!(facts.is_bound());
    assert_eq!(facts.relation.consented.as_ref().map(Vec::len), Some(2));
    assert_eq!(facts.attributes.get("net_sales"), Some(&1_200.5));
    let valid: Vec<&str> =
        facts.fields.iter().filter(|field| field.is_valid).map(|field| field.name.as_str()).collect();
    assert_eq!(valid, ["phone"]);
}

#[test]
fn orders_on_days_0_20_41_60_make_a_party_retained_on_day_70_lif_02() {
    let start = Instant::parse("2026-04-21T04:00:00Z").unwrap();
    let at = |days: i64| start.plus(days * kernel::time::DAY).to_string();
    let times = [at(0), at(20), at(41), at(60)];
    let events: Vec<(&str, &str, Json)> =
        times.iter().map(|at| ("Order Completed", at.as_str(), json!({"total": 50}))).collect();
    let facts = read(&events, &[]);
    let today = Day(facts.orders[0].day.0 + 70);
    let value = Model::Purchase.apply(&facts, &Constants::default(), &Config::default().settings, today);
    assert_eq!(value.value.as_text(), Some("retained"));
}

#[test]
fn settings_that_are_not_known_are_refused() {
    assert!(Config::read(&json!({})).is_ok());
    let config = Config::read(&json!({"settings": {"silence": {"early_stars": 7}}})).unwrap();
    assert_eq!(config.settings.silence.early_stars, 7);
    assert_eq!(config.settings.silence.levels, [1.0, 1.5, 2.0]);
    assert!(Config::read(&json!({"setting": {}})).is_err());
    assert!(Config::read(&json!({"fields": [{"trait": "a", "weight": -1}]})).is_err());
}

#[test]
fn what_a_model_says_holds_until_the_instant_it_tells_and_is_explained() {
    let events = [
        ("Order Completed", "2026-06-01T04:00:00Z", json!({"order_id": "a", "total": 50})),
        ("Order Completed", "2026-06-11T04:00:00Z", json!({"order_id": "b", "total": 50})),
    ];
    // One interval of ten days: θ is ln 10 times the thirty days of a workspace without peers, 69.1 days.
    let now = say("purchase", &events, "2026-06-30T23:59:59+08:00");
    assert_eq!(now.value, Some(json!("repeat")));
    let at = now.changes_at.unwrap();
    assert_eq!(at.to_string(), "2026-08-19T16:00:00.000Z");
    let last = say("purchase", &events, "2026-09-22T23:59:59+08:00");
    assert_eq!(last.value, Some(json!("repeat")));
    assert_eq!(last.changes_at.unwrap().to_string(), "2026-09-22T16:00:00.000Z");
    assert_eq!(say("purchase", &events, "2026-09-23T00:00:00+08:00").value, Some(json!("lapsed")));
    assert!(now.reasons["zh"][0].as_str().unwrap().starts_with("复购"));
    assert_eq!(now.reasons["inputs"]["order_days"], json!(2));
    assert!(Ready::of("nonsense", &json!({})).is_none());
    assert!(Ready::of("activity", &json!({"settings": 1})).unwrap().is_err());
}

#[test]
fn a_model_without_constants_says_what_can_be_said_without() {
    let events = [("Order Completed", "2026-06-01T04:00:00Z", json!({"total": 600}))];
    for model in Model::ALL {
        let said = say(model.key(), &events, "2026-06-30T23:59:59+08:00");
        assert!(!said.reasons["en"].as_array().unwrap().is_empty(), "{model:?}");
    }
    let rfm = say("rfm", &events, "2026-06-30T23:59:59+08:00");
    assert_eq!(rfm.value, Some(json!("513")));
    assert_eq!(rfm.reasons["is_provisional"], json!(true));
}

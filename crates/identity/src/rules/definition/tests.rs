//! What the default rules say, and every fault a document can have.

use super::*;

#[test]
fn the_default_document_is_valid_and_reads_back_what_it_prints() {
    assert_eq!(Document::default().check(), Ok(()));
    let text = serde_json::to_string(&Rules::default()).unwrap();
    assert_eq!(serde_json::from_str::<Rules>(&text).unwrap(), Rules::default());
}

#[test]
fn a_field_nobody_knows_is_refused() {
    let mut value = serde_json::to_value(Document::default()).unwrap();
    value["neighbors_max"] = 3.into();
    assert!(serde_json::from_value::<Rules>(value).unwrap_err().to_string().contains("neighbors_max"));
}

#[test]
fn kinds_rank_in_the_order_of_the_document_and_unknown_ones_before_all_soft_ones() {
    let rules = Rules::default();
    let order = [
        "member_no",
        "$identity_member_no",
        "crm_id",
        "user_id",
        "$identity_login_id",
        "unionid",
        "$identity_mp_unionid",
        "pos_id",
        "app_id",
        "web_id",
        "mini_id",
        "call_id",
        "mobile",
        "$identity_mobile",
        "external_userid",
        "openid",
        "$identity_mp_id",
        "$identity_mp_shop_openid",
        "email",
        "$identity_email",
        "uscc",
        "poi_id",
        "contract_no",
        "something_new",
        "payer_hash",
        "anonymous_id",
        "$identity_anonymous_id",
        "$identity_cookie_id",
        "cookie",
        "device_id",
        "$identity_android_id",
        "$identity_ios_id",
        "$identity_distinct_id",
        "landline",
        "qq",
        "address",
    ];
    let ranks: Vec<_> = order.iter().map(|name| rules.rank(name)).collect();
    assert!(ranks.is_sorted_by(|a, b| a < b), "{ranks:?}");
    assert_eq!(rules.rank("something_new"), rules.rank("anything"));
}

#[test]
fn limits_are_those_of_the_document_and_soft_kinds_always_have_one() {
    let rules = Rules::default();
    let days = |n: i64| Some(n * DAY);
    for (name, max, window_micros, is_hard) in [
        ("user_id", 1, None, true),
        ("mobile", 3, days(365), true),
        ("$identity_mp_shop_openid", 10, None, true),
        ("never_heard_of", 5, None, true),
        ("payer_hash", 5, None, false),
        ("cookie", 10, days(30), false),
        ("device_id", 5, days(30), false),
        ("landline", 5, days(30), false),
        ("address", 0, None, false),
    ] {
        let kind = rules.kind(name);
        assert_eq!((kind.limit, kind.is_hard()), (Some(Limit { max, window_micros }), is_hard), "{name}");
    }
    assert!(!rules.kind("address").can_link());
    assert!(
        rules.kind("mobile").rule.can_change_hands && rules.kind("$identity_mobile").rule.can_change_hands
    );
    assert!(!rules.kind("never_heard_of").is_known);
    assert!(!rules.kind("$identity_mp__openid").is_known, "a `*` stands for at least one character");
    assert_eq!(rules.mirror("$identity_mobile"), Some("mobile"));
    assert_eq!(rules.mirror("mobile"), None);
}

#[test]
fn every_fault_is_reported_with_its_path() {
    type Case = (&'static str, fn(&mut Document));
    let cases: [Case; 17] = [
        ("version", |d| d.version = 2),
        ("kinds", |d| d.kinds.clear()),
        ("kinds[1].name", |d| d.kinds[1].name = "member_no".into()),
        ("kinds[0].name", |d| d.kinds[0].name = "a b".into()),
        ("kinds[0].name", |d| d.kinds[0].name = "a*b*".into()),
        ("kinds[2].limit", |d| d.kinds[2].limit = Some(0)),
        ("kinds[0].window_days", |d| d.kinds[0].window_days = Some(0)),
        ("kinds[1].strength", |d| d.kinds[0].strength = Strength::Soft),
        ("kinds", |d| d.kinds.retain(|k| k.name != LANDLINE)),
        ("mirrors[0].to", |d| d.mirrors[0].to = "nothing".into()),
        ("mirrors[1].from", |d| d.mirrors[1].from = "$identity_login_id".into()),
        ("mirrors[0].to", |d| d.mirrors[0].to = "$identity_mobile".into()),
        ("unknown_limit", |d| d.unknown_limit = 0),
        ("backfill_days", |d| d.backfill_days = 90_000),
        ("neighbours_max", |d| d.neighbours_max = 0),
        ("blocked_values[0]", |d| d.blocked_values[0] = "*".into()),
        ("guards[1]", |d| d.guards[1] = d.guards[0]),
    ];
    for (field, spoil) in cases {
        let mut document = Document::default();
        spoil(&mut document);
        let Faults(faults) = document.check().unwrap_err();
        assert!(faults.iter().any(|f| f.field == field), "{field}: {faults:?}");
        assert!(Rules::new(document).is_err());
    }
}

//! What rules look like as text.

use super::*;

#[track_caller]
fn check(json: &str, english: &str, chinese: &str) {
    let rule = Rule::parse(json).unwrap();
    assert_eq!(text(&rule, Language::English), english);
    assert_eq!(text(&rule, Language::Chinese), chinese);
}

#[test]
fn the_example_of_frequent_buyers_reads_as_text() {
    check(
        r#"{"all":[
          {"event":"Order Completed","window":{"last":"30d"},"op":"gte","value":2},
          {"event":"Order Completed","measure":{"sum":"total"},"window":{"last":"30d"},"op":"gte","value":500},
          {"none":[{"event":"*","window":{"calendar":"this_week"},"op":"eq","value":0}]},
          {"trait":"city","op":"in","value":["临澄","岫安"]}]}"#,
        "all of:\n\
         - count of “Order Completed” in the last 30 days ≥ 2\n\
         - sum total of “Order Completed” in the last 30 days ≥ 500\n\
         - none of:\n  \
           - count of any event this week = 0\n\
         - city is one of “临澄”, “岫安”",
        "同时满足：\n\
         - 最近 30 天内，「Order Completed」的次数 ≥ 2\n\
         - 最近 30 天内，「Order Completed」的 total 合计 ≥ 500\n\
         - 均不满足：\n  \
           - 本周，任意事件的次数 = 0\n\
         - city 属于 「临澄」、「岫安」",
    );
}

#[test]
fn an_abandoned_cart_reads_as_text() {
    check(
        r#"{"sequence":[{"event":"Product Added"},
             {"event":"Order Completed","within":"2h","same":["cart_id"],"absent":true}],"window":{"last":"14d"}}"#,
        "in order: “Product Added”, then no “Order Completed” of the same cart_id within 2 hours; \
         begun in the last 14 days; times ≥ 1",
        "依次：「Product Added」，随后2 小时内没有「Order Completed」（cart_id 相同）；首步在最近 14 天内；次数 ≥ 1",
    );
}

#[test]
fn every_kind_of_leaf_has_a_phrase() {
    check(r#"{"tag":"vip","op":"missing"}"#, "tag vip is missing", "标签 vip 无值");
    check(
        r#"{"score":"churn","op":"between","value":[1,2.5]}"#,
        "score churn is between 1 and 2.5 inclusive",
        "评分 churn 在 1 到 2.5 之间（含）",
    );
    check(r#"{"stage":"life","op":"eq","value":"lost"}"#, "stage life = “lost”", "阶段 life = 「lost」");
    check(r#"{"audience":"a-1"}"#, "is in audience a-1", "属于人群 a-1");
    check(
        r#"{"consent":{"channel":"sms","purpose":"promo"},"op":"is","value":"granted"}"#,
        "consent by sms for promo is granted",
        "渠道 sms、用途 promo 的授权：已同意",
    );
    check(
        r#"{"related":{"object":"visit","via":"store","where":[{"property":"kind","op":"eq","value":"call"}]}}"#,
        "count of visit related by store where kind = “call” ≥ 1",
        "经 store 关联的 visit（kind = 「call」）的数量 ≥ 1",
    );
    check(
        r#"{"event":["A","B"],"window":{"since":{"event":"C","which":"last"}},"measure":"last_time","op":"older_than","value":"1w"}"#,
        "last time of “A” or “B” since the last “C” is older than 1 week",
        "自最近一次「C」之后，「A」或「B」的末次时间 在 1 周 之前",
    );
    check(
        r#"{"event":"A","where":[{"none":[{"property":"x","op":"exists"},{"property":"y","op":"contains","value":"z"}]}],"op":"lt","value":3}"#,
        "count of “A” where not (x exists or y contains “z”) < 3",
        "「A」（非(x 有值 或 y 包含 「z」)）的次数 < 3",
    );
    check(
        r#"{"trait":"home","op":"within_km","value":{"lat":31.2,"lon":121.5,"km":3}}"#,
        "home is within 3 km of (31.2, 121.5)",
        "home 距 (31.2, 121.5) 不超过 3 公里",
    );
    check(r#"{"always":false}"#, "nobody", "无人");
    assert_eq!(Language::of("zh-CN"), Some(Language::Chinese));
    assert_eq!(Language::of("fr"), None);
}

//! Audiences to begin with: one of each sort of rule, so that there is something to look at and to change.

use serde_json::{Value, json};

use super::super::client::Api;

/// Defines the audiences of the demo's shop.
///
/// # Errors
/// The server refuses one.
pub(super) async fn define(server: &str, token: &str) -> anyhow::Result<()> {
    let api = Api::new(server, Some(token))?;
    for (name, rule) in audiences() {
        let body = json!({ "name": name, "mode": "live", "rule": rule });
        let _: Value = api.post(&["audiences"], &body).await?;
    }
    Ok(())
}

fn audiences() -> Vec<(&'static str, Value)> {
    let orders = |op: &str, value: u32, window: Value| json!({"event": "Order Completed", "op": op, "value": value, "window": window});
    vec![
        (
            "一年消费满 2000 元 · Spent 2,000 in a year",
            json!({"event": "Order Completed", "measure": {"sum": "total"}, "window": {"last": "52w"},
                   "op": "gte", "value": 2000}),
        ),
        ("下过十单以上 · More than ten orders", orders("gt", 10, json!({"ever": true}))),
        (
            "看了没买 · Looked and never bought",
            json!({"all": [{"event": "Product Viewed", "op": "gte", "value": 3}, orders("eq", 0, json!({"ever": true}))]}),
        ),
        (
            "沉睡客户 · Bought before, silent for 26 weeks",
            json!({"all": [orders("gte", 1, json!({"ever": true})), {"event": "*", "op": "eq", "value": 0, "window": {"last": "26w"}}]}),
        ),
        (
            "看后三天内没下单 · Looked, no order within three days",
            json!({"sequence": [{"event": "Product Viewed"}, {"event": "Order Completed", "within": "3d", "absent": true}],
                   "window": {"last": "52w"}, "op": "gte", "value": 5}),
        ),
    ]
}

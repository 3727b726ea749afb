//! Audiences to begin with: some that move within minutes while the demo goes on, and some that look far back.

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
            "正在逛 · Looking around right now",
            json!({"event": ["Product Viewed", "Product Added", "Products Searched", "Product List Viewed"],
                   "op": "gte", "value": 1, "window": {"last": "2m"}}),
        ),
        (
            "五分钟内看过两件还没下单 · Viewed two things in five minutes, no order",
            json!({"all": [{"event": "Product Viewed", "op": "gte", "value": 2, "window": {"last": "5m"}},
                           orders("eq", 0, json!({"last": "5m"}))]}),
        ),
        (
            "加购三分钟没付款 · In the cart for three minutes, not paid",
            json!({"sequence": [{"event": "Product Added"}, {"event": "Order Completed", "within": "3m", "absent": true}],
                   "window": {"last": "10m"}}),
        ),
        (
            "一年消费满 2000 元 · Spent 2,000 in a year",
            json!({"event": "Order Completed", "measure": {"sum": "total"}, "window": {"last": "52w"},
                   "op": "gte", "value": 2000}),
        ),
        (
            "沉睡客户 · Bought before, silent for 20 weeks",
            json!({"all": [orders("gte", 1, json!({"ever": true})), {"event": "*", "op": "eq", "value": 0, "window": {"last": "20w"}}]}),
        ),
    ]
}

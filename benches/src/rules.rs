//! Fifty live audiences as a shop would have them, put into a log as its console would.

use bytes::Bytes;
use headwater::machine::MachineIds;
use insight::commands::{AUDIENCE_PUT, Put};
use insight::store::audience::Mode;
use intake::command::Command;
use intake::rules::frame::Frame;
use kernel::id::IdSource;
use log::Log;
use serde_json::{Value, json};

use crate::place;
use crate::traffic::EVENTS;

/// Appends the definitions of `count` audiences: a third on windows, a fifth on sequences, the rest on
/// counts over all time and on traits.
pub(crate) fn define(log: &dyn Log, count: u64) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    for no in 0..count {
        let put = Put { audience: None, name: format!("audience {no}"), mode: Mode::Live, rule: rule(no) };
        let command = Command {
            name: AUDIENCE_PUT.to_owned(),
            id: format!("{no:032x}"),
            at_us: place::now().0,
            actor: "bench".to_owned(),
            body: serde_json::to_value(put)?,
        };
        let raw = serde_json::to_vec(&command)?;
        let frame = Frame::command(place::now(), MachineIds.fresh(), &raw);
        runtime.block_on(log.append(place::now(), Bytes::from(frame.encode())))?;
    }
    Ok(())
}

fn rule(no: u64) -> Value {
    let event = EVENTS[no as usize % EVENTS.len()];
    let next = EVENTS[(no as usize + 1) % EVENTS.len()];
    match no % 6 {
        0 | 1 => {
            let days = format!("{}d", 1 + no);
            json!({"event": event, "op": "gte", "value": 1 + no / 10, "window": {"last": days}})
        }
        2 => json!({"all": [
            {"event": event, "measure": {"sum": "price"}, "op": "gte", "value": 10 * no, "window": {"last": "30d"}},
            {"event": next, "op": "eq", "value": 0, "window": {"last": "7d"}}]}),
        3 => json!({"sequence": [
            {"event": event},
            {"event": next, "within": format!("{}h", 1 + no % 24), "same": ["product_id"], "absent": true}],
            "window": {"last": "14d"}}),
        4 => json!({"event": event, "op": "gte", "value": 2 + no % 5}),
        _ => json!({"all": [
            {"trait": "email", "op": "exists"},
            {"event": event, "measure": {"distinct": "sku"}, "op": "gte", "value": 1 + no % 4}]}),
    }
}

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
    (0..count).try_for_each(|no| put(log, no, &format!("audience {no}"), rule(no)))
}

/// Appends the definitions of 200 audiences: 50 on windows, 20 on sequences, the rest on counts over all
/// time and on traits.
pub(crate) fn define_mix(log: &dyn Log) -> anyhow::Result<()> {
    let of = |kinds: &'static [u64], count| (0..).filter(move |no| kinds.contains(&(no % 6))).take(count);
    let mix = of(&[0, 1, 2], 50).chain(of(&[3], 20)).chain(of(&[4, 5], 130));
    mix.zip(0..).try_for_each(|(no, place)| put(log, place, &format!("audience {place}"), rule(no)))
}

/// Appends the definition of one audience.
pub(crate) fn put(log: &dyn Log, no: u64, name: &str, rule: Value) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let put =
        Put { audience: None, new_id: None, name: name.to_owned(), mode: Mode::Live, rule, schedule: None };
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

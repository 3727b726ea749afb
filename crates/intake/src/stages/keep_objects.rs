//! Keeps what events say about things that are not parties: catalogue items and groups.

use std::borrow::Cow;

use db::Tx;

use super::members::each_member;
use crate::batch::{Batch, Event, Stage};
use crate::rules::record::{Kind, Record};
use crate::store::object::{self, ObjectFact, REMOVED};

/// Merges item and group facts, last writer by event time.
pub struct KeepObjects;

impl Stage for KeepObjects {
    fn name(&self) -> &'static str {
        "keep_objects"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let facts: Vec<ObjectFact> = batch
            .events
            .iter()
            .filter_map(|event| Some((event, event.live()?)))
            .flat_map(|(event, record)| facts(event, record))
            .collect();
        Ok(object::object_merge(&batch.context.scope, tx, &facts)?)
    }
}

/// The name of a catalogue item, as 神策 sends it.
#[derive(serde::Deserialize)]
struct Item<'a> {
    #[serde(borrow)]
    item_type: Cow<'a, str>,
    #[serde(borrow)]
    item_id: Cow<'a, str>,
}

fn facts(event: &Event<'_>, record: &Record<'_>) -> Vec<ObjectFact> {
    let (kind, id) = match record.kind {
        Kind::Item => match serde_json::from_slice::<Item<'_>>(event.raw()) {
            Ok(item) => (format!("item:{}", item.item_type), item.item_id.into_owned()),
            Err(_) => return Vec::new(),
        },
        Kind::Group => match &record.group_id {
            Some(id) => ("group".to_owned(), id.to_string()),
            None => return Vec::new(),
        },
        _ => return Vec::new(),
    };
    let fact = |field: &str, value: &str| ObjectFact {
        kind: kind.clone(),
        id: id.clone(),
        field: field.to_owned(),
        value: value.to_owned(),
        at: record.time,
        key: event.key,
    };
    if record.kind == Kind::Item && record.event == "item_delete" {
        return vec![fact(REMOVED, "true")];
    }
    let mut facts = Vec::new();
    each_member(record.properties.unwrap_or("{}"), &mut |field, value| facts.push(fact(field, value)));
    facts
}

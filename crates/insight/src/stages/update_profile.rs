//! Keeps what events say about fields, under the node they say it of.

use std::collections::BTreeMap;

use db::Tx;
use intake::batch::{Batch, Event, Stage};
use intake::rules::record::{self, TraitChange};
use kernel::json;
use serde_json::Value;

use crate::rules::survivorship::{Fact, Op};
use crate::store::trait_fact::{self, Bucketed, slot};

/// Merges the trait changes of each batch, folded so that every row is written once.
pub struct UpdateProfile;

impl Stage for UpdateProfile {
    fn name(&self) -> &'static str {
        "update_profile"
    }

    fn run(&mut self, tx: &mut Tx<'_>, batch: &mut Batch<'_, '_>) -> kernel::Result<()> {
        let mut rows: BTreeMap<_, Bucketed> = BTreeMap::new();
        for event in batch.events.iter() {
            for new in facts(event) {
                let f = &new.fact;
                let row = (f.node, f.field.clone(), f.source, new.bucket, f.op, slot(f).to_vec());
                match rows.get(&row) {
                    Some(kept) if !replaces(f, &kept.fact) => {}
                    _ => drop(rows.insert(row, new)),
                }
            }
        }
        let rows: Vec<Bucketed> = rows.into_values().collect();
        Ok(trait_fact::fact_merge(&batch.context.scope, tx, &rows)?)
    }
}

fn replaces(new: &Fact, kept: &Fact) -> bool {
    let is_later = (new.at, new.key) > (kept.at, kept.key);
    if new.op == Op::SetOnce { !is_later } else { is_later }
}

fn facts(event: &Event<'_>) -> Vec<Bucketed> {
    let (Some(record), Some(subject)) = (event.live(), event.subject) else {
        return Vec::new();
    };
    let facts = record.traits.iter().filter_map(|change| {
        let (op, value) = operation(change)?;
        let fact = Fact {
            node: subject.node,
            field: change.field.to_string(),
            op,
            value,
            at: record.time,
            key: event.key,
            source: event.source(),
        };
        Some(Bucketed { fact, bucket: subject.bucket(record.time) })
    });
    facts.collect()
}

/// The stored operation and operand; an unset is a set of nothing.
fn operation(change: &TraitChange<'_>) -> Option<(Op, String)> {
    let op = match change.op {
        record::Op::Set => Op::Set,
        record::Op::SetOnce => Op::SetOnce,
        record::Op::Increment => Op::Increment,
        record::Op::Append => Op::Append,
        record::Op::Unset => return Some((Op::Set, String::new())),
        record::Op::DeleteAll => return Some((Op::DeleteAll, String::new())),
    };
    let value: Value = serde_json::from_str(change.value).ok()?;
    Some((op, json::canonical(&value)))
}

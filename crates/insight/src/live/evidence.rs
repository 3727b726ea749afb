//! Events by their keys, as timelines name them.

use std::collections::{HashMap, HashSet};

use db::Tx;
use identity::party::Party;
use intake::rules::frame::Frame;
use intake::rules::record;
use kernel::{Failure, Instant, Key, NodeNo, Scope};

use crate::rules::chunk::{self, Packed};
use crate::store::timeline::chunk_each;

/// An event that is evidence of something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The message id it was sent with.
    pub id: String,
    /// Its name.
    pub event: String,
    /// When it happened.
    pub time: Instant,
}

/// Looks events of a party up. Only chunks that have one of them are unpacked.
///
/// # Errors
/// As the database says, or damaged data.
pub fn seen(
    scope: &Scope,
    tx: &mut Tx<'_>,
    party: &Party,
    keys: &HashSet<Key>,
) -> kernel::Result<HashMap<Key, Seen>> {
    let mut found = HashMap::new();
    if keys.is_empty() {
        return Ok(found);
    }
    let nodes: Vec<NodeNo> = party.members.iter().map(|member| member.node.no).collect();
    let mut damage = None;
    chunk_each(scope, tx, &nodes, Instant(i64::MIN), &mut |_, body| {
        if let Err(failure) = add(body, keys, &mut found) {
            damage = Some(failure);
        }
        Ok(())
    })?;
    damage.map_or(Ok(found), Err)
}

fn add(body: &[u8], keys: &HashSet<Key>, found: &mut HashMap<Key, Seen>) -> kernel::Result<()> {
    if !Packed::open(body)?.rows.iter().any(|row| keys.contains(&row.key)) {
        return Ok(());
    }
    for stored in chunk::decode(body)?.iter().filter(|stored| keys.contains(&stored.key)) {
        let head = Frame::decode(&stored.head).map_err(Failure::internal)?;
        let frame = Frame { first: stored.index, events: vec![&stored.raw], ..head };
        let record = record::decode(&frame, 0).map_err(Failure::internal)?;
        let (id, event) = (record.message_id.into_owned(), record.event.into_owned());
        found.insert(stored.key, Seen { id, event, time: stored.time });
    }
    Ok(())
}

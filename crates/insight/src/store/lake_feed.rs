//! What the lake is still to be told: which events of which entries of the log are whose.
//!
//! A row is written with its batch and removed when the lake has it, so the lake misses nothing and is told
//! nothing twice, whoever crashes when.

use db::{Tx, Value};
use kernel::{NodeNo, Scope};

use crate::rules::varint::{read, write};

/// An event of a batch: where it is in the log, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fed {
    /// The entry of the log.
    pub offset: u64,
    /// The event's place in it.
    pub index: u32,
    /// The node its facts lie under.
    pub node: NodeNo,
}

/// The events of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The batch's number within its partition, from 1.
    pub position: u64,
    /// The entry before the first.
    pub from: u64,
    /// The last entry.
    pub to: u64,
    /// Its events, in the log's order.
    pub events: Vec<Fed>,
}

/// Keeps a batch for the lake.
///
/// # Errors
/// As the database says.
pub fn feed_put(scope: &Scope, tx: &mut Tx<'_>, partition: u32, feed: &Feed) -> db::Result<()> {
    let sql = "insert into lake_feed (workspace_id, partition_no, position, from_offset, to_offset, body)
               values (?1, ?2, ?3, ?4, ?5, ?6)";
    let body = encode(feed);
    let params = [
        scope.workspace.into(),
        i64::from(partition).into(),
        (feed.position as i64).into(),
        (feed.from as i64).into(),
        (feed.to as i64).into(),
        Value::Blob(&body),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Batches of a partition after a position, in order.
///
/// # Errors
/// As the database says, or a damaged row.
pub fn feed_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    partition: u32,
    after: u64,
    limit: usize,
) -> db::Result<Vec<Feed>> {
    let sql = "select position, from_offset, to_offset, body from lake_feed
               where workspace_id = ?1 and partition_no = ?2 and position > ?3 order by position limit ?4";
    let params =
        [scope.workspace.into(), i64::from(partition).into(), (after as i64).into(), (limit as i64).into()];
    tx.query(sql, &params, |row| {
        let (position, from, to) = (row.int(0)? as u64, row.int(1)? as u64, row.int(2)? as u64);
        let events =
            decode(from, row.blob(3)?).ok_or_else(|| db::Error::Other("a feed is damaged".into()))?;
        Ok(Feed { position, from, to, events })
    })
}

/// The latest batch of a partition that the lake may still have to be told.
///
/// # Errors
/// As the database says.
pub fn feed_last(scope: &Scope, tx: &mut Tx<'_>, partition: u32) -> db::Result<Option<u64>> {
    let sql = "select position from lake_feed where workspace_id = ?1 and partition_no = ?2
               order by position desc limit 1";
    tx.query_one(sql, &[scope.workspace.into(), i64::from(partition).into()], |row| Ok(row.int(0)? as u64))
}

/// Removes batches the lake has.
///
/// # Errors
/// As the database says.
pub fn feed_remove(scope: &Scope, tx: &mut Tx<'_>, partition: u32, until: u64) -> db::Result<()> {
    let sql = "delete from lake_feed where workspace_id = ?1 and partition_no = ?2 and position <= ?3";
    let params = [scope.workspace.into(), i64::from(partition).into(), (until as i64).into()];
    tx.execute(sql, &params).map(drop)
}

/// Offsets as steps, so that an event takes about five bytes.
fn encode(feed: &Feed) -> Vec<u8> {
    let mut out = Vec::with_capacity(feed.events.len() * 6);
    let mut offset = feed.from;
    for event in &feed.events {
        write(&mut out, event.offset - offset);
        write(&mut out, u64::from(event.index));
        write(&mut out, event.node.0);
        offset = event.offset;
    }
    out
}

fn decode(from: u64, mut body: &[u8]) -> Option<Vec<Fed>> {
    let (mut events, mut offset) = (Vec::new(), from);
    while !body.is_empty() {
        offset = offset.checked_add(read(&mut body)?)?;
        let index = u32::try_from(read(&mut body)?).ok()?;
        events.push(Fed { offset, index, node: NodeNo(read(&mut body)?) });
    }
    Some(events)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_reads_back_what_was_written() {
        let event = |offset, index, node| Fed { offset, index, node: NodeNo(node) };
        let events = vec![event(8, 0, 1), event(8, 300, u64::MAX), event(1 << 40, 0, 127)];
        let feed = Feed { position: 3, from: 7, to: 1 << 40, events };
        assert_eq!(decode(7, &encode(&feed)).as_ref(), Some(&feed.events));
        let bytes = encode(&feed);
        assert_eq!(decode(7, &bytes[..bytes.len() - 1]), None);
    }
}

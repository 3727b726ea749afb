//! What of insight's tables makes two states the same: facts, events, terms; not how they are packed.

use db::Tx;
use identity::store::digest::{Keys, key};
use kernel::digest::Digest;
use kernel::{NodeNo, Scope};

use super::tag::tag_all;
use crate::rules::chunk;
use crate::rules::tag::{Document, Refresh};

/// Adds every fact, event and search term.
///
/// # Errors
/// As the database says, or a damaged chunk.
pub fn digest_add(scope: &Scope, tx: &mut Tx<'_>, keys: &Keys, digest: &mut Digest) -> kernel::Result<()> {
    let sql = "select node_no, field, source_no, bucket, op, slot, value, time_us, key from trait_fact
               where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let node = key(keys, NodeNo(row.int(0)? as u64));
        let [source, bucket, op, time] =
            [row.int(2)?, row.int(3)?, row.int(4)?, row.int(7)?].map(i64::to_le_bytes);
        let (field, value) = (row.text(1)?.as_bytes(), row.text(6)?.as_bytes());
        digest.add("fact", &[node, field, &source, &bucket, &op, row.blob(5)?, value, &time, row.blob(8)?]);
        Ok(())
    })?;
    let sql = "select node_no, body from timeline where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let node = key(keys, NodeNo(row.int(0)? as u64));
        let events = chunk::decode(row.blob(1)?).map_err(|e| db::Error::Other(e.to_string()))?;
        for event in events {
            digest.add("event", &[node, &event.time.0.to_le_bytes(), &event.key.0, &event.raw]);
        }
        Ok(())
    })?;
    let sql = "select term, node_no from search_term where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        digest.add("term", &[row.text(0)?.as_bytes(), key(keys, NodeNo(row.int(1)? as u64))]);
        Ok(())
    })?;
    // Only of live audiences membership is a function of the facts and of an instant.
    let sql = "select audience.audience_id, membership.party_key from membership
               join audience on audience.workspace_id = ?1 and audience.audience_no = membership.audience_no
               where membership.workspace_id = ?1 and audience.mode = 'live'";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        digest.add("membership", &[row.text(0)?.as_bytes(), row.blob(1)?]);
        Ok(())
    })?;
    digest_tags(scope, tx, keys, digest)
}

/// What was said of tags, and the values that are a function of the facts and of an instant.
fn digest_tags(scope: &Scope, tx: &mut Tx<'_>, keys: &Keys, digest: &mut Digest) -> kernel::Result<()> {
    let sql = "select tag.tag_key, a.node_no, a.run_no, a.at_us, a.key, a.value, a.expires_us, a.source
               from tag_assignment a
               join tag on tag.workspace_id = ?1 and tag.tag_no = a.tag_no where a.workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let node = key(keys, NodeNo(row.int(1)? as u64));
        let [run, at, expires] =
            [row.int(2)?, row.int(3)?, row.int_opt(6)?.unwrap_or(i64::MAX)].map(i64::to_le_bytes);
        let (value, source) = (row.text_opt(5)?.unwrap_or_default().as_bytes(), row.text(7)?.as_bytes());
        let fields = [row.text(0)?.as_bytes(), node, &run, &at, row.blob(4)?, value, &expires, source];
        digest.add("assignment", &fields);
        Ok(())
    })?;
    let scheduled: Vec<String> = tag_all(scope, tx)?
        .into_iter()
        .filter(|tag| Document::parse(&tag.body).is_ok_and(|document| document.refresh == Refresh::Scheduled))
        .map(|tag| tag.key)
        .collect();
    let sql = "select tag.tag_key, v.party_key, v.value, v.computed, v.source from tag_value v
               join tag on tag.workspace_id = ?1 and tag.tag_no = v.tag_no where v.workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let tag = row.text(0)?;
        if scheduled.iter().all(|key| key != tag) {
            let computed = row.text_opt(3)?.unwrap_or_default().as_bytes();
            let fields =
                [tag.as_bytes(), row.blob(1)?, row.text(2)?.as_bytes(), computed, row.text(4)?.as_bytes()];
            digest.add("tag value", &fields);
        }
        Ok(())
    })?;
    Ok(())
}

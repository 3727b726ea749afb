//! What of identity's tables makes two states the same: everything but internal numbers and history.

use std::collections::{HashMap, HashSet};

use db::Tx;
use kernel::digest::Digest;
use kernel::{Key, NodeNo, PartyNo, Scope};

use super::crowded::crowded_all;
use super::decision::decision_live;
use super::node::node_page;

/// Nodes read at a time.
const NODES_AT_ONCE: usize = 5_000;

/// The key of each node: what stands for its number in a digest.
pub type Keys = HashMap<NodeNo, Key>;

/// Adds every row of identity, and returns the keys by which other tables name nodes.
///
/// # Errors
/// As the database says.
pub fn digest_add(scope: &Scope, tx: &mut Tx<'_>, digest: &mut Digest) -> kernel::Result<Keys> {
    let mut nodes = Vec::new();
    loop {
        let after = nodes.last().map_or(NodeNo(0), |node: &super::node::Node| node.no);
        let mut page = node_page(scope, tx, after, NODES_AT_ONCE)?;
        if page.is_empty() {
            break;
        }
        nodes.append(&mut page);
    }
    let keys: Keys = nodes.iter().map(|node| (node.no, node.key)).collect();
    let anchors: HashMap<PartyNo, Key> =
        nodes.iter().filter_map(|node| Some((node.anchor?, node.key))).collect();
    let held_via = holders(scope, tx, &keys, digest)?;
    for node in &nodes {
        // An era that late data did away with leaves a node nobody points to.
        if node.era > 0 && !held_via.contains(&node.no) {
            continue;
        }
        let party = anchors.get(&node.party).map_or(&[][..], |key| &key.0);
        let unbound = node.unbound.map_or(i64::MIN, |at| at.0);
        digest.add(
            "node",
            &[
                &node.key.0,
                &node.first.0.to_le_bytes(),
                &unbound.to_le_bytes(),
                party,
                &[u8::from(node.is_split)],
            ],
        );
    }
    pairs(scope, tx, &keys, digest)?;
    claims(scope, tx, &keys, digest)?;
    for decision in decision_live(scope, tx)? {
        digest.add("decision", &[&decision.id.0]);
    }
    Ok(keys)
}

fn holders(scope: &Scope, tx: &mut Tx<'_>, keys: &Keys, digest: &mut Digest) -> db::Result<HashSet<NodeNo>> {
    let mut via_nodes = HashSet::new();
    let sql = "select node_no, from_us, via_no from holder where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let via = row.int_opt(2)?.map(|no| NodeNo(no as u64));
        via_nodes.extend(via);
        let via = via.map_or(&[][..], |no| key(keys, no));
        digest.add("holder", &[key(keys, NodeNo(row.int(0)? as u64)), &row.int(1)?.to_le_bytes(), via]);
        Ok(())
    })?;
    Ok(via_nodes)
}

fn pairs(scope: &Scope, tx: &mut Tx<'_>, keys: &Keys, digest: &mut Digest) -> db::Result<()> {
    let tables = [
        ("edge", "select a_no, b_no, bucket, first_us, last_us, evidence from edge where workspace_id = ?1"),
        (
            "touch",
            "select soft_no, hard_no, bucket, first_us, last_us, evidence from touch where workspace_id = ?1",
        ),
    ];
    for (table, sql) in tables {
        tx.each(sql, &[scope.workspace.into()], &mut |row| {
            let (a, b) = (NodeNo(row.int(0)? as u64), NodeNo(row.int(1)? as u64));
            let numbers = [row.int(2)?, row.int(3)?, row.int(4)?].map(i64::to_le_bytes);
            digest.add(
                table,
                &[key(keys, a), key(keys, b), &numbers[0], &numbers[1], &numbers[2], row.blob(5)?],
            );
            Ok(())
        })?;
    }
    for (no, via) in crowded_all(scope, tx)? {
        digest.add("crowded", &[key(keys, no), format!("{via:?}").as_bytes()]);
    }
    let sql = "select a_no, b_no, reason from contested where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let (a, b) = (NodeNo(row.int(0)? as u64), NodeNo(row.int(1)? as u64));
        // Which end comes first depends on their numbers.
        let (a, b) = (key(keys, a).min(key(keys, b)), key(keys, a).max(key(keys, b)));
        digest.add("contested", &[a, b, row.text(2)?.as_bytes()]);
        Ok(())
    })
}

fn claims(scope: &Scope, tx: &mut Tx<'_>, keys: &Keys, digest: &mut Digest) -> db::Result<()> {
    let sql = "select node_no, field, value, first_us, last_us from claim where workspace_id = ?1";
    tx.each(sql, &[scope.workspace.into()], &mut |row| {
        let node = key(keys, NodeNo(row.int(0)? as u64));
        let (first, last) = (row.int(3)?.to_le_bytes(), row.int(4)?.to_le_bytes());
        digest.add("claim", &[node, row.text(1)?.as_bytes(), row.text(2)?.as_bytes(), &first, &last]);
        Ok(())
    })
}

/// The key of a node; a number without one would be a dangling reference, which shows as nothing.
pub fn key(keys: &Keys, no: NodeNo) -> &[u8] {
    keys.get(&no).map_or(&[], |key| &key.0)
}

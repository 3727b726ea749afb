//! Identifiers, and the party each belongs to.

use db::{Bulk, ColumnType, Keys, Row, Tx};
use kernel::{Instant, Key, NodeNo, PartyNo, Scope};

/// One identifier of the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number.
    pub no: NodeNo,
    /// Its name: the keyed hash of kind, value and era.
    pub key: Key,
    /// Its kind.
    pub kind: String,
    /// Its normalised value.
    pub value: String,
    /// 0, or which later holder of a recycled identifier this stands for.
    pub era: u16,
    /// The earliest event it was seen in.
    pub first: Instant,
    /// Edges up to this instant no longer count: it was detached.
    pub unbound: Option<Instant>,
    /// The party that holds it. For a split node: the party of what no holder claims.
    pub party: PartyNo,
    /// The party number it was given when it first anchored a party.
    pub anchor: Option<PartyNo>,
    /// Whether it changes hands over time: see the holder table.
    pub is_split: bool,
}

const COLUMNS: &str = "node_no, key, kind, value, era, first_us, unbound_us, party_no, anchor_no, is_split";

static NODE: Bulk = Bulk {
    table: "node",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("node_no", ColumnType::Int),
        ("key", ColumnType::Blob),
        ("kind", ColumnType::Text),
        ("value", ColumnType::Text),
        ("era", ColumnType::Int),
        ("first_us", ColumnType::Int),
        ("unbound_us", ColumnType::Int),
        ("party_no", ColumnType::Int),
        ("anchor_no", ColumnType::Int),
        ("is_split", ColumnType::Int),
    ],
    on_conflict: "on conflict (workspace_id, node_no) do update set first_us = excluded.first_us,
                  unbound_us = excluded.unbound_us, party_no = excluded.party_no,
                  anchor_no = excluded.anchor_no, is_split = excluded.is_split",
};

/// The key of an identifier. Era 0 is the identifier itself.
pub fn node_key(secret: &[u8; 32], kind: &str, value: &str, era: u16) -> Key {
    match era {
        0 => Key::of(secret, &[b"node", kind.as_bytes(), value.as_bytes()]),
        era => Key::of(secret, &[b"node", kind.as_bytes(), value.as_bytes(), &era.to_le_bytes()]),
    }
}

/// Writes nodes, new or changed.
///
/// # Errors
/// As the database says.
pub fn node_put(scope: &Scope, tx: &mut Tx<'_>, nodes: &[Node]) -> db::Result<()> {
    let mut values = Vec::with_capacity(nodes.len() * NODE.columns.len());
    for node in nodes {
        values.extend_from_slice(&[
            scope.workspace.into(),
            node.no.into(),
            (&node.key).into(),
            (&node.kind).into(),
            (&node.value).into(),
            i64::from(node.era).into(),
            node.first.into(),
            node.unbound.into(),
            node.party.0.into(),
            node.anchor.map(|a| i64::from(a.0)).into(),
            i64::from(node.is_split).into(),
        ]);
    }
    tx.insert_many(&NODE, &values).map(drop)
}

/// Nodes by key; unknown keys are left out.
///
/// # Errors
/// As the database says.
pub fn node_by_key(scope: &Scope, tx: &mut Tx<'_>, keys: &[Key]) -> db::Result<Vec<Node>> {
    let sql = format!("select {COLUMNS} from node where workspace_id = ?1 and key in (?2)");
    collect(tx, &sql, scope, Keys::Keys(keys))
}

/// Nodes by number.
///
/// # Errors
/// As the database says.
pub fn node_by_no(scope: &Scope, tx: &mut Tx<'_>, numbers: &[NodeNo]) -> db::Result<Vec<Node>> {
    let sql = format!("select {COLUMNS} from node where workspace_id = ?1 and node_no in (?2)");
    let numbers: Vec<i64> = numbers.iter().map(|n| n.0 as i64).collect();
    collect(tx, &sql, scope, Keys::Ints(&numbers))
}

/// Nodes whose party is one of these.
///
/// # Errors
/// As the database says.
pub fn node_by_party(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<Vec<Node>> {
    // The plus keeps SQLite, which knows no frequencies, from reading the whole workspace by its key.
    let sql = format!("select {COLUMNS} from node where +workspace_id = ?1 and party_no in (?2)");
    let numbers: Vec<i64> = parties.iter().map(|p| i64::from(p.0)).collect();
    collect(tx, &sql, scope, Keys::Ints(&numbers))
}

/// The node that anchors a party: the one its public id is made of.
///
/// # Errors
/// As the database says.
pub fn node_anchors(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<Vec<Node>> {
    let mut nodes = node_by_party(scope, tx, parties)?;
    nodes.retain(|n| n.anchor == Some(n.party));
    Ok(nodes)
}

/// Nodes after a number, in order: for reports that read everything.
///
/// # Errors
/// As the database says.
pub fn node_page(scope: &Scope, tx: &mut Tx<'_>, after: NodeNo, limit: usize) -> db::Result<Vec<Node>> {
    let sql = format!(
        "select {COLUMNS} from node where workspace_id = ?1 and node_no > ?2 order by node_no limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), after.into(), (limit as i64).into()], node)
}

/// Takes `count` fresh numbers of a sequence and returns the first.
///
/// # Errors
/// As the database says.
pub fn number_reserve(scope: &Scope, tx: &mut Tx<'_>, name: &'static str, count: u64) -> db::Result<u64> {
    let sql = "insert into counter (workspace_id, name, value) values (?1, ?2, ?3)
               on conflict (workspace_id, name) do update set value = counter.value + excluded.value
               returning value";
    let params = [scope.workspace.into(), name.into(), (count as i64).into()];
    let last = tx.query_one(sql, &params, |row| row.int(0))?.unwrap_or_default() as u64;
    Ok(last + 1 - count)
}

/// What a node has of its own: everything, or what was seen of it before its first other holder.
const HAS_OWN: &str = "(is_split = 0 or first_us < (select min(h.from_us) from holder h
               where h.workspace_id = node.workspace_id and h.node_no = node.node_no and h.via_no is not null))";

/// How many parties there are: holders of hard identifiers, and visitors nobody has claimed.
///
/// # Errors
/// As the database says.
pub fn party_count(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<u64> {
    let sql = format!(
        "select count(distinct party_no) from node where workspace_id = ?1 and party_no > 0 and {HAS_OWN}"
    );
    Ok(tx.query_one(&sql, &[scope.workspace.into()], |row| row.int(0))?.unwrap_or_default() as u64)
}

/// Numbers of parties after one, in order.
///
/// # Errors
/// As the database says.
pub fn party_page(scope: &Scope, tx: &mut Tx<'_>, after: PartyNo, limit: usize) -> db::Result<Vec<PartyNo>> {
    let sql = format!(
        "select distinct party_no from node
         where workspace_id = ?1 and party_no > ?2 and {HAS_OWN} order by party_no limit ?3"
    );
    let params = [scope.workspace.into(), i64::from(after.0).into(), (limit as i64).into()];
    tx.query(&sql, &params, |row| Ok(PartyNo(row.int(0)? as u32)))
}

fn collect(tx: &mut Tx<'_>, sql: &str, scope: &Scope, keys: Keys<'_>) -> db::Result<Vec<Node>> {
    let mut nodes = Vec::with_capacity(keys.len());
    tx.query_many(sql, &[scope.workspace.into()], keys, &mut |row| {
        nodes.push(node(row)?);
        Ok(())
    })?;
    Ok(nodes)
}

fn node(row: &Row<'_>) -> db::Result<Node> {
    Ok(Node {
        no: NodeNo(row.int(0)? as u64),
        key: row.key(1)?,
        kind: row.text(2)?.to_owned(),
        value: row.text(3)?.to_owned(),
        era: row.int(4)? as u16,
        first: row.instant(5)?,
        unbound: row.int_opt(6)?.map(Instant),
        party: PartyNo(row.int(7)? as u32),
        anchor: row.int_opt(8)?.map(|n| PartyNo(n as u32)),
        is_split: row.int(9)? != 0,
    })
}

//! What each party's tags are now, and the ledger of every value that came, changed or went.

use db::{Bulk, ColumnType, Keys, Row, Tx, Value};
use kernel::{Instant, Key, PartyNo, Scope};

use super::tag::TagNo;

/// A tag's value of a party.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The party.
    pub party: PartyNo,
    /// The key of its public id.
    pub party_key: Key,
    /// The tag.
    pub tag: TagNo,
    /// The value, as JSON.
    pub value: String,
    /// What the definition says, as JSON, where somebody says otherwise.
    pub computed: Option<String>,
    /// Who says so; empty if the definition does.
    pub source: String,
    /// Since when it is so.
    pub since: Instant,
    /// When it goes by itself.
    pub expires: Option<Instant>,
    /// The version of the definition it was found by.
    pub version: u32,
    /// Why, as JSON.
    pub reasons: String,
}

/// One entry of a tag's ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The tag.
    pub tag: TagNo,
    /// Its place in the tag's ledger, from 1, without gaps.
    pub seq: u64,
    /// The party.
    pub party: PartyNo,
    /// The key of the party's public id when it changed.
    pub party_key: Key,
    /// The value, as JSON; nothing if it went.
    pub value: Option<String>,
    /// The value before; nothing if there was none.
    pub before: Option<String>,
    /// The instant it was evaluated for.
    pub at: Instant,
    /// The version of the definition.
    pub version: u32,
    /// `fact`, `time`, `definition`, `identity`, `assignment` or `expiry`.
    pub cause: String,
    /// Why, as JSON.
    pub reasons: String,
}

static VALUE: Bulk = Bulk {
    table: "tag_value",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("party_no", ColumnType::Int),
        ("tag_no", ColumnType::Int),
        ("value", ColumnType::Text),
        ("computed", ColumnType::Text),
        ("source", ColumnType::Text),
        ("since_us", ColumnType::Int),
        ("expires_us", ColumnType::Int),
        ("version", ColumnType::Int),
        ("reasons", ColumnType::Text),
        ("party_key", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, party_no, tag_no) do update set value = excluded.value,
        computed = excluded.computed, source = excluded.source, since_us = excluded.since_us,
        expires_us = excluded.expires_us, version = excluded.version, reasons = excluded.reasons,
        party_key = excluded.party_key",
};

static CHANGE: Bulk = Bulk {
    table: "tag_change",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("tag_no", ColumnType::Int),
        ("seq", ColumnType::Int),
        ("party_no", ColumnType::Int),
        ("party_key", ColumnType::Blob),
        ("value", ColumnType::Text),
        ("before", ColumnType::Text),
        ("at_us", ColumnType::Int),
        ("version", ColumnType::Int),
        ("cause", ColumnType::Text),
        ("reasons", ColumnType::Text),
    ],
    on_conflict: "",
};

const COLUMNS: &str = "party_no, party_key, tag_no, value, computed, source, since_us, expires_us, version,
                       reasons";
const CHANGE_COLUMNS: &str =
    "tag_no, seq, party_no, party_key, value, before, at_us, version, cause, reasons";

/// The values each of these parties has.
///
/// # Errors
/// As the database says.
pub fn value_of(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<Vec<Held>> {
    let numbers: Vec<i64> = parties.iter().map(|p| i64::from(p.0)).collect();
    let sql = format!("select {COLUMNS} from tag_value where workspace_id = ?1 and party_no in (?2)");
    let mut rows = Vec::new();
    tx.query_many(&sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        rows.push(held(row)?);
        Ok(())
    })?;
    Ok(rows)
}

/// Writes values, new or changed; no two of one party and tag.
///
/// # Errors
/// As the database says.
pub fn value_put(scope: &Scope, tx: &mut Tx<'_>, values: &[Held]) -> db::Result<()> {
    let mut rows = Vec::with_capacity(values.len() * VALUE.columns.len());
    for held in values {
        rows.extend_from_slice(&[
            scope.workspace.into(),
            i64::from(held.party.0).into(),
            held.tag.into(),
            (&held.value).into(),
            held.computed.as_deref().into(),
            (&held.source).into(),
            held.since.into(),
            held.expires.map(|at| at.0).into(),
            i64::from(held.version).into(),
            (&held.reasons).into(),
            (&held.party_key).into(),
        ]);
    }
    tx.insert_many(&VALUE, &rows).map(drop)
}

/// Removes values.
///
/// # Errors
/// As the database says.
pub fn value_remove(scope: &Scope, tx: &mut Tx<'_>, values: &[(PartyNo, TagNo)]) -> db::Result<()> {
    let sql = "delete from tag_value where workspace_id = ?1 and party_no = ?2 and tag_no = ?3";
    for (party, tag) in values {
        tx.execute(sql, &[scope.workspace.into(), i64::from(party.0).into(), (*tag).into()])?;
    }
    Ok(())
}

/// Enters changes into the ledgers.
///
/// # Errors
/// As the database says.
pub fn change_put(scope: &Scope, tx: &mut Tx<'_>, changes: &[Change]) -> db::Result<()> {
    let mut rows: Vec<Value<'_>> = Vec::with_capacity(changes.len() * CHANGE.columns.len());
    for change in changes {
        rows.extend_from_slice(&[
            scope.workspace.into(),
            change.tag.into(),
            (change.seq as i64).into(),
            i64::from(change.party.0).into(),
            (&change.party_key).into(),
            change.value.as_deref().into(),
            change.before.as_deref().into(),
            change.at.into(),
            i64::from(change.version).into(),
            (&change.cause).into(),
            (&change.reasons).into(),
        ]);
    }
    tx.insert_many(&CHANGE, &rows).map(drop)
}

/// Those who have a tag, or one value of it, after a party, in order.
///
/// # Errors
/// As the database says.
pub fn value_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    tag: TagNo,
    value: Option<&str>,
    after: PartyNo,
    limit: usize,
) -> db::Result<Vec<Held>> {
    let sql = format!(
        "select {COLUMNS} from tag_value where workspace_id = ?1 and tag_no = ?2 and party_no > ?3
           and (?4 = 0 or value = ?5) order by party_no limit ?6"
    );
    let params = [
        scope.workspace.into(),
        tag.into(),
        i64::from(after.0).into(),
        i64::from(value.is_some()).into(),
        value.unwrap_or_default().into(),
        (limit as i64).into(),
    ];
    tx.query(&sql, &params, held)
}

/// How many have each value, the most frequent first.
///
/// # Errors
/// As the database says.
pub fn value_counts(
    scope: &Scope,
    tx: &mut Tx<'_>,
    tag: TagNo,
    limit: usize,
) -> db::Result<Vec<(String, u64)>> {
    let sql = "select value, count(*) from tag_value where workspace_id = ?1 and tag_no = ?2
               group by value order by count(*) desc, value limit ?3";
    tx.query(sql, &[scope.workspace.into(), tag.into(), (limit as i64).into()], |row| {
        Ok((row.text(0)?.to_owned(), row.int(1)? as u64))
    })
}

/// The changes of a tag after a place in its ledger, in order.
///
/// # Errors
/// As the database says.
pub fn change_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    tag: TagNo,
    after: u64,
    limit: usize,
) -> db::Result<Vec<Change>> {
    let sql = format!(
        "select {CHANGE_COLUMNS} from tag_change where workspace_id = ?1 and tag_no = ?2 and seq > ?3
         order by seq limit ?4"
    );
    let params = [scope.workspace.into(), tag.into(), (after as i64).into(), (limit as i64).into()];
    tx.query(&sql, &params, change)
}

fn held(row: &Row<'_>) -> db::Result<Held> {
    Ok(Held {
        party: PartyNo(row.int(0)? as u32),
        party_key: row.key(1)?,
        tag: TagNo(row.int(2)? as u32),
        value: row.text(3)?.to_owned(),
        computed: row.text_opt(4)?.map(str::to_owned),
        source: row.text(5)?.to_owned(),
        since: row.instant(6)?,
        expires: row.int_opt(7)?.map(Instant),
        version: row.int(8)? as u32,
        reasons: row.text(9)?.to_owned(),
    })
}

fn change(row: &Row<'_>) -> db::Result<Change> {
    Ok(Change {
        tag: TagNo(row.int(0)? as u32),
        seq: row.int(1)? as u64,
        party: PartyNo(row.int(2)? as u32),
        party_key: row.key(3)?,
        value: row.text_opt(4)?.map(str::to_owned),
        before: row.text_opt(5)?.map(str::to_owned),
        at: row.instant(6)?,
        version: row.int(7)? as u32,
        cause: row.text(8)?.to_owned(),
        reasons: row.text(9)?.to_owned(),
    })
}

//! Who is in which audience now, and the ledger of every entering and leaving.

use db::{Bulk, ColumnType, Keys, Row, Tx, Value};
use kernel::{Instant, Key, PartyNo, Scope};

use super::audience::AudienceNo;

/// Why a membership changed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Cause {
    /// Something was said or happened.
    Fact,
    /// Time went by.
    Time,
    /// The audience is new, or defined otherwise.
    Definition,
    /// Identifiers came or went.
    Identity,
}

impl Cause {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Time => "time",
            Self::Definition => "definition",
            Self::Identity => "identity",
        }
    }
}

/// One entering or leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The audience.
    pub audience: AudienceNo,
    /// Its place in the audience's ledger, from 1, without gaps.
    pub seq: u64,
    /// The party.
    pub party: PartyNo,
    /// The key of the party's public id when it changed.
    pub party_key: Key,
    /// Whether it entered.
    pub is_member: bool,
    /// The instant it was evaluated for.
    pub at: Instant,
    /// The version of the definition.
    pub version: u32,
    /// Why: see [`Cause::name`].
    pub cause: String,
    /// What was seen, as JSON; empty if that was not looked for.
    pub evidence: String,
}

static MEMBERSHIP: Bulk = Bulk {
    table: "membership",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("party_no", ColumnType::Int),
        ("audience_no", ColumnType::Int),
        ("since_us", ColumnType::Int),
        ("party_key", ColumnType::Blob),
    ],
    on_conflict: "on conflict (workspace_id, party_no, audience_no) do nothing",
};

static CHANGE: Bulk = Bulk {
    table: "membership_change",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("audience_no", ColumnType::Int),
        ("seq", ColumnType::Int),
        ("party_no", ColumnType::Int),
        ("party_key", ColumnType::Blob),
        ("is_member", ColumnType::Int),
        ("at_us", ColumnType::Int),
        ("version", ColumnType::Int),
        ("cause", ColumnType::Text),
        ("evidence", ColumnType::Text),
    ],
    on_conflict: "",
};

/// A party in an audience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The party.
    pub party: PartyNo,
    /// The key of its public id.
    pub party_key: Key,
    /// The audience.
    pub audience: AudienceNo,
    /// Since when.
    pub since: Instant,
}

/// The audiences each of these parties is in.
///
/// # Errors
/// As the database says.
pub fn membership_of(scope: &Scope, tx: &mut Tx<'_>, parties: &[PartyNo]) -> db::Result<Vec<Member>> {
    let numbers: Vec<i64> = parties.iter().map(|p| i64::from(p.0)).collect();
    let sql = "select party_no, audience_no, since_us, party_key from membership
               where workspace_id = ?1 and party_no in (?2)";
    let mut rows = Vec::new();
    tx.query_many(sql, &[scope.workspace.into()], Keys::Ints(&numbers), &mut |row| {
        rows.push(member(row)?);
        Ok(())
    })?;
    Ok(rows)
}

fn member(row: &Row<'_>) -> db::Result<Member> {
    Ok(Member {
        party: PartyNo(row.int(0)? as u32),
        audience: AudienceNo(row.int(1)? as u32),
        since: row.instant(2)?,
        party_key: row.key(3)?,
    })
}

/// Enters changes into the ledger and makes them so. They are as many as there are different pairs of
/// audience and party.
///
/// # Errors
/// As the database says.
pub fn membership_change(scope: &Scope, tx: &mut Tx<'_>, changes: &[Change]) -> db::Result<()> {
    let (mut ledger, mut entered) = (Vec::new(), Vec::new());
    for change in changes {
        ledger.extend_from_slice(&[
            scope.workspace.into(),
            change.audience.into(),
            Value::Int(change.seq as i64),
            i64::from(change.party.0).into(),
            (&change.party_key).into(),
            i64::from(change.is_member).into(),
            change.at.into(),
            i64::from(change.version).into(),
            (&change.cause).into(),
            (&change.evidence).into(),
        ]);
        if change.is_member {
            entered.extend_from_slice(&[
                scope.workspace.into(),
                i64::from(change.party.0).into(),
                change.audience.into(),
                change.at.into(),
                (&change.party_key).into(),
            ]);
        } else {
            let sql = "delete from membership where workspace_id = ?1 and party_no = ?2 and audience_no = ?3";
            let party = i64::from(change.party.0);
            tx.execute(sql, &[scope.workspace.into(), party.into(), change.audience.into()])?;
        }
    }
    tx.insert_many(&MEMBERSHIP, &entered)?;
    tx.insert_many(&CHANGE, &ledger).map(drop)
}

/// Members of an audience after a number, in order.
///
/// # Errors
/// As the database says.
pub fn membership_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    audience: AudienceNo,
    after: PartyNo,
    limit: usize,
) -> db::Result<Vec<Member>> {
    let sql = "select party_no, audience_no, since_us, party_key from membership
               where workspace_id = ?1 and audience_no = ?2 and party_no > ?3 order by party_no limit ?4";
    let params = [scope.workspace.into(), audience.into(), i64::from(after.0).into(), (limit as i64).into()];
    tx.query(sql, &params, member)
}

/// The changes of an audience after a place in its ledger, in order.
///
/// # Errors
/// As the database says.
pub fn change_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    audience: AudienceNo,
    after: u64,
    limit: usize,
) -> db::Result<Vec<Change>> {
    let sql = "select audience_no, seq, party_no, party_key, is_member, at_us, version, cause, evidence
               from membership_change where workspace_id = ?1 and audience_no = ?2 and seq > ?3
               order by seq limit ?4";
    let params = [scope.workspace.into(), audience.into(), (after as i64).into(), (limit as i64).into()];
    tx.query(sql, &params, change)
}

fn change(row: &Row<'_>) -> db::Result<Change> {
    Ok(Change {
        audience: AudienceNo(row.int(0)? as u32),
        seq: row.int(1)? as u64,
        party: PartyNo(row.int(2)? as u32),
        party_key: row.key(3)?,
        is_member: row.int(4)? != 0,
        at: row.instant(5)?,
        version: row.int(6)? as u32,
        cause: row.text(7)?.to_owned(),
        evidence: row.text(8)?.to_owned(),
    })
}

//! The audit log: one chain of hashes per workspace, written in the transaction of what it records.
//!
//! `hash(n) = SHA-256(hash(n−1) ‖ row n)`, so a changed, dropped or moved row breaks the chain at a
//! place that [`audit_verify`] names. Details hold ids and counts, never personal data.

use db::{Row, Tx, Value};
use kernel::{Instant, Scope};
use sha2::{Digest, Sha256};

/// One recorded act.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number in the workspace's chain, from 1.
    pub seq: i64,
    /// When.
    pub at: Instant,
    /// Who.
    pub actor: String,
    /// What, for example `party.merge`.
    pub action: String,
    /// On what.
    pub subject: String,
    /// JSON with the particulars.
    pub detail: String,
}

/// Records an act. Part of the caller's transaction: if this fails, the act did not happen.
///
/// # Errors
/// As the database says.
pub fn audit_append(
    scope: &Scope,
    tx: &mut Tx<'_>,
    at: Instant,
    action: &str,
    subject: &str,
    detail: &str,
) -> db::Result<()> {
    tx.lock(0x4155_4449_5400_0000 | i64::from(scope.workspace.0))?;
    let sql = "select seq, hash from audit where workspace_id = ?1 order by seq desc limit 1";
    let last =
        tx.query_one(sql, &[scope.workspace.into()], |row| Ok((row.int(0)?, row.blob(1)?.to_vec())))?;
    let (seq, before) = last.map_or((1, vec![0; 32]), |(seq, hash)| (seq + 1, hash));
    let entry = Entry {
        seq,
        at,
        actor: scope.actor.clone(),
        action: action.to_owned(),
        subject: subject.to_owned(),
        detail: detail.to_owned(),
    };
    let hash = chain(&before, &entry);
    let sql = "insert into audit (workspace_id, seq, at_us, actor, action, subject, detail, hash)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let params = [
        scope.workspace.into(),
        seq.into(),
        at.into(),
        (&entry.actor).into(),
        action.into(),
        subject.into(),
        detail.into(),
        Value::Blob(&hash),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Entries after `after`, oldest first, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn audit_page(scope: &Scope, tx: &mut Tx<'_>, after: i64, limit: usize) -> db::Result<Vec<Entry>> {
    Ok(rows(scope, tx, after, limit)?.into_iter().map(|(entry, _)| entry).collect())
}

/// Entries before `before`, latest first, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn audit_page_back(scope: &Scope, tx: &mut Tx<'_>, before: i64, limit: usize) -> db::Result<Vec<Entry>> {
    let sql = "select seq, at_us, actor, action, subject, detail from audit
               where workspace_id = ?1 and seq < ?2 order by seq desc limit ?3";
    tx.query(sql, &[scope.workspace.into(), before.into(), Value::Int(limit as i64)], entry)
}

/// The number of the first entry that does not fit the chain, or `None` if all do.
///
/// # Errors
/// As the database says.
pub fn audit_verify(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Option<i64>> {
    let mut before = vec![0; 32];
    for (expected, (entry, hash)) in (1..).zip(rows(scope, tx, 0, usize::MAX >> 1)?) {
        if entry.seq != expected || chain(&before, &entry) != hash[..] {
            return Ok(Some(expected));
        }
        before = hash;
    }
    Ok(None)
}

fn rows(scope: &Scope, tx: &mut Tx<'_>, after: i64, limit: usize) -> db::Result<Vec<(Entry, Vec<u8>)>> {
    let sql = "select seq, at_us, actor, action, subject, detail, hash from audit
               where workspace_id = ?1 and seq > ?2 order by seq limit ?3";
    tx.query(sql, &[scope.workspace.into(), after.into(), Value::Int(limit as i64)], |row| {
        Ok((entry(row)?, row.blob(6)?.to_vec()))
    })
}

fn entry(row: &Row<'_>) -> db::Result<Entry> {
    Ok(Entry {
        seq: row.int(0)?,
        at: row.instant(1)?,
        actor: row.text(2)?.to_owned(),
        action: row.text(3)?.to_owned(),
        subject: row.text(4)?.to_owned(),
        detail: row.text(5)?.to_owned(),
    })
}

fn chain(before: &[u8], entry: &Entry) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(before);
    let fields = [&entry.actor, &entry.action, &entry.subject, &entry.detail];
    hasher.update(entry.seq.to_be_bytes());
    hasher.update(entry.at.0.to_be_bytes());
    for field in fields {
        hasher.update((field.len() as u64).to_be_bytes());
        hasher.update(field.as_bytes());
    }
    hasher.finalize().into()
}

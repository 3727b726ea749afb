//! Sources: where events come from, with their write keys.
//!
//! They are in the installation's tables, because the collector knows a workspace only by the key that a
//! request brings. So a write key and a 神策 project lead to one source in the whole installation.

use db::{Row, Tx, Value};
use kernel::{Failure, Instant, Scope, SourceNo, WorkspaceNo};

use crate::credential;

/// A source of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its workspace.
    pub workspace: WorkspaceNo,
    /// Its number in the workspace.
    pub no: SourceNo,
    /// Its public id, chosen by people: `web`, `pos`.
    pub id: String,
    /// SHA-256 of its write key.
    pub write_key_hash: [u8; 32],
    /// The 神策 project whose requests belong here even without a token.
    pub sensors_project: Option<String>,
    /// Origins browsers may send from; empty means any.
    pub origins: Vec<String>,
    /// Accepted events a second; 0 means no limit.
    pub events_per_second: u32,
    /// Survivorship: a higher one wins against a lower one at equal evidence.
    pub priority: i32,
    /// Evidence grade of what it says: `A` document, `B` observed, `C` stated, `D` hearsay.
    pub grade: char,
    /// Whether it may send.
    pub is_enabled: bool,
}

const COLUMNS: &str = "workspace_id, source_no, source_id, write_key_hash, sensors_project, origins,
                       events_per_second, priority, grade, is_enabled";

/// A source to be created.
#[derive(Clone, Debug)]
pub struct NewSource<'a> {
    /// Its workspace.
    pub workspace: WorkspaceNo,
    /// Its public id.
    pub id: &'a str,
    /// Its write key in clear; only the hash is kept.
    pub write_key: &'a str,
    /// The 神策 project bound to it.
    pub sensors_project: Option<&'a str>,
}

/// Creates a source with the defaults: any origin, no rate limit, priority 0, grade C.
///
/// # Errors
/// A constraint if the id is taken in the workspace or the write key in the installation.
pub fn source_create(tx: &mut Tx<'_>, new: &NewSource<'_>, at: Instant) -> db::Result<SourceNo> {
    tx.lock(SOURCES_LOCK)?;
    let sql = "select coalesce(max(source_no), 0) + 1 from source where workspace_id = ?1";
    let no = tx.query_one(sql, &[new.workspace.into()], |row| row.int(0))?.unwrap_or(1);
    let sql =
        "insert into source (workspace_id, source_no, source_id, write_key_hash, sensors_project, origins,
               events_per_second, priority, grade, is_enabled, created_us)
               values (?1, ?2, ?3, ?4, ?5, '', 0, 0, 'C', 1, ?6)";
    let hash = credential::hash(new.write_key);
    let params = [
        new.workspace.into(),
        no.into(),
        new.id.into(),
        Value::Blob(&hash),
        new.sensors_project.into(),
        at.into(),
    ];
    tx.execute(sql, &params)?;
    Ok(SourceNo(no as u32))
}

/// Fails if what a new source would be found by leads to another one already. Holds others off until the
/// transaction ends.
///
/// # Errors
/// [`Failure::Conflict`] that says what is taken, not by whom.
pub fn source_check(tx: &mut Tx<'_>, new: &NewSource<'_>) -> kernel::Result<()> {
    tx.lock(SOURCES_LOCK)?;
    let sql = "select 1 from source where workspace_id = ?1 and source_id = ?2";
    if is_found(tx, sql, &[new.workspace.into(), new.id.into()])? {
        return Err(Failure::conflict(format!("source `{}` exists already", new.id)));
    }
    let hash = credential::hash(new.write_key);
    if is_found(tx, "select workspace_id from source where write_key_hash = ?1", &[Value::Blob(&hash)])? {
        return Err(Failure::conflict("this write key is taken"));
    }
    let Some(project) = new.sensors_project else { return Ok(()) };
    if is_found(tx, "select workspace_id from source where sensors_project = ?1", &[project.into()])? {
        return Err(Failure::conflict(format!("another source takes the project `{project}`")));
    }
    Ok(())
}

/// Held while it is decided whether a write key or a project is free, and while a number is given.
const SOURCES_LOCK: i64 = 0x534f_5552_4345_5300;

fn is_found(tx: &mut Tx<'_>, sql: &str, params: &[Value<'_>]) -> db::Result<bool> {
    let mut is_found = false;
    tx.each(sql, params, &mut |_| {
        is_found = true;
        Ok(())
    })?;
    Ok(is_found)
}

/// One source of the caller's workspace.
///
/// # Errors
/// [`Failure::NotFound`] if it has none of this id.
pub fn source_fetch(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> kernel::Result<Source> {
    let sql = format!("select {COLUMNS} from source where workspace_id = ?1 and source_id = ?2");
    let found = tx.query_one(&sql, &[scope.workspace.into(), id.into()], source)?;
    found.ok_or_else(not_found)
}

/// The sources of the caller's workspace after `after`, by number, at most `limit`.
///
/// # Errors
/// As the database says.
pub fn source_page(scope: &Scope, tx: &mut Tx<'_>, after: SourceNo, limit: usize) -> db::Result<Vec<Source>> {
    let sql = format!(
        "select {COLUMNS} from source where workspace_id = ?1 and source_no > ?2 order by source_no limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), after.into(), (limit as i64).into()], source)
}

/// What changes in a source; `None` stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Whether it may send.
    pub is_enabled: Option<bool>,
    /// Origins browsers may send from.
    pub origins: Option<Vec<String>>,
    /// Accepted events a second.
    pub events_per_second: Option<u32>,
    /// Priority in survivorship.
    pub priority: Option<i32>,
    /// Evidence grade.
    pub grade: Option<char>,
}

/// Changes a source.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace has none of this id.
pub fn source_update(scope: &Scope, tx: &mut Tx<'_>, id: &str, change: &Change) -> kernel::Result<()> {
    let sql = "update source set is_enabled = coalesce(?3, is_enabled), origins = coalesce(?4, origins),
               events_per_second = coalesce(?5, events_per_second), priority = coalesce(?6, priority),
               grade = coalesce(?7, grade) where workspace_id = ?1 and source_id = ?2";
    let origins = change.origins.as_ref().map(|list| list.join(" "));
    let grade = change.grade.map(String::from);
    let params = [
        scope.workspace.into(),
        id.into(),
        change.is_enabled.map(i64::from).into(),
        origins.as_ref().into(),
        change.events_per_second.into(),
        change.priority.map(i64::from).into(),
        grade.as_ref().into(),
    ];
    match tx.execute(sql, &params)? {
        0 => Err(not_found()),
        _ => Ok(()),
    }
}

/// Replaces a source's write key.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace has none of this id.
pub fn source_set_key(scope: &Scope, tx: &mut Tx<'_>, id: &str, write_key: &str) -> kernel::Result<()> {
    let sql = "update source set write_key_hash = ?3 where workspace_id = ?1 and source_id = ?2";
    let hash = credential::hash(write_key);
    match tx.execute(sql, &[scope.workspace.into(), id.into(), Value::Blob(&hash)])? {
        0 => Err(not_found()),
        _ => Ok(()),
    }
}

fn not_found() -> Failure {
    Failure::not_found("source")
}

/// Every source of the installation: what the collector keeps in memory.
///
/// # Errors
/// As the database says.
pub fn source_all(tx: &mut Tx<'_>) -> db::Result<Vec<Source>> {
    tx.query(&format!("select {COLUMNS} from source order by workspace_id, source_no"), &[], source)
}

fn source(row: &Row<'_>) -> db::Result<Source> {
    let hash = row.blob(3)?.try_into().map_err(|_| db::Error::Other("a hash has 32 bytes".into()))?;
    Ok(Source {
        workspace: WorkspaceNo(row.int(0)? as u32),
        no: SourceNo(row.int(1)? as u32),
        id: row.text(2)?.to_owned(),
        write_key_hash: hash,
        sensors_project: row.text_opt(4)?.map(str::to_owned),
        origins: row.text(5)?.split_whitespace().map(str::to_owned).collect(),
        events_per_second: row.int(6)? as u32,
        priority: row.int(7)? as i32,
        grade: row.text(8)?.chars().next().unwrap_or('C'),
        is_enabled: row.int(9)? != 0,
    })
}

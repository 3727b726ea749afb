//! Destinations as they are defined.

use db::{Row, Tx};
use kernel::{Instant, Scope};

use crate::rules::definition::Definition;

/// A destination's number inside its workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DestinationNo(pub u32);

impl From<DestinationNo> for db::Value<'_> {
    fn from(no: DestinationNo) -> Self {
        Self::Int(i64::from(no.0))
    }
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its number.
    pub no: DestinationNo,
    /// Its public id.
    pub id: String,
    /// Counts its definitions, from 1.
    pub version: u32,
    /// What it is.
    pub definition: Definition,
    /// Whether people stopped it for now.
    pub is_paused: bool,
    /// Whether it is put away.
    pub is_archived: bool,
    /// Who changed it last.
    pub actor: String,
    /// When it was made.
    pub created: Instant,
    /// When it was last changed.
    pub changed: Instant,
}

const COLUMNS: &str = "destination_no, destination_id, version, definition, is_paused, is_archived, actor,
                       created_us, changed_us";

/// Destinations after a number, in the order they were made; those put away are not among them.
///
/// # Errors
/// As the database says.
pub fn destination_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    after: DestinationNo,
    limit: usize,
) -> db::Result<Vec<Destination>> {
    let sql = format!(
        "select {COLUMNS} from destination
         where workspace_id = ?1 and destination_no > ?2 and is_archived = 0 order by destination_no limit ?3"
    );
    tx.query(&sql, &[scope.workspace.into(), after.into(), (limit as i64).into()], destination)
}

/// How many there are that are not put away.
///
/// # Errors
/// As the database says.
pub fn destination_count(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<u64> {
    let sql = "select count(*) from destination where workspace_id = ?1 and is_archived = 0";
    Ok(tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?.unwrap_or_default() as u64)
}

/// The destination of a public id.
///
/// # Errors
/// As the database says.
pub fn destination_by_id(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> db::Result<Option<Destination>> {
    let sql = format!("select {COLUMNS} from destination where workspace_id = ?1 and destination_id = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), id.into()], destination)
}

/// The destination of a number.
///
/// # Errors
/// As the database says.
pub fn destination_by_no(
    scope: &Scope,
    tx: &mut Tx<'_>,
    no: DestinationNo,
) -> db::Result<Option<Destination>> {
    let sql = format!("select {COLUMNS} from destination where workspace_id = ?1 and destination_no = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), no.into()], destination)
}

/// Writes a destination, new or changed.
///
/// # Errors
/// As the database says.
pub fn destination_put(scope: &Scope, tx: &mut Tx<'_>, destination: &Destination) -> db::Result<()> {
    let definition = serde_json::to_string(&destination.definition);
    let definition = definition.map_err(|error| db::Error::Other(error.to_string()))?;
    let sql =
        "insert into destination (workspace_id, destination_no, destination_id, version, name, definition,
                   is_paused, is_archived, actor, created_us, changed_us)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
               on conflict (workspace_id, destination_no) do update set version = excluded.version,
                   name = excluded.name, definition = excluded.definition, is_paused = excluded.is_paused,
                   is_archived = excluded.is_archived, actor = excluded.actor,
                   changed_us = excluded.changed_us";
    let params = [
        scope.workspace.into(),
        destination.no.into(),
        (&destination.id).into(),
        i64::from(destination.version).into(),
        (&destination.definition.name).into(),
        (&definition).into(),
        i64::from(destination.is_paused).into(),
        i64::from(destination.is_archived).into(),
        (&destination.actor).into(),
        destination.created.into(),
        destination.changed.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

fn destination(row: &Row<'_>) -> db::Result<Destination> {
    Ok(Destination {
        no: DestinationNo(row.int(0)? as u32),
        id: row.text(1)?.to_owned(),
        version: row.int(2)? as u32,
        definition: serde_json::from_str(row.text(3)?)
            .map_err(|error| db::Error::Other(error.to_string()))?,
        is_paused: row.int(4)? != 0,
        is_archived: row.int(5)? != 0,
        actor: row.text(6)?.to_owned(),
        created: row.instant(7)?,
        changed: row.instant(8)?,
    })
}

//! Events put aside, each as the frame that would bring it back.

use db::{Row, Tx, Value};
use kernel::{Failure, Instant, Key, Scope, SourceNo};

/// An event in quarantine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quarantined {
    /// Its id: the event's key.
    pub id: Key,
    /// The source that sent it.
    pub source: SourceNo,
    /// What kind of trouble: `parse`, `schema`, `size`, `time`, `plan`, `identity`, `poison`.
    pub class: String,
    /// The offending field, or empty.
    pub field: String,
    /// What is wrong, for people.
    pub reason: String,
    /// The event's name as far as it could be read.
    pub event: String,
    /// When it was received.
    pub received: Instant,
    /// `open`, `replayed` or `discarded`.
    pub state: String,
    /// A frame with just this event.
    pub frame: Vec<u8>,
}

const COLUMNS: &str = "quarantine_id, source_no, class, field, reason, event, received_us, state, frame";

/// Puts an event aside. One that is there already (a replay that failed again) is open again, with
/// the new reason.
///
/// # Errors
/// As the database says.
pub fn quarantine_put(scope: &Scope, tx: &mut Tx<'_>, item: &Quarantined) -> db::Result<()> {
    let sql = "insert into quarantine (workspace_id, quarantine_id, source_no, class, field, reason, event,
               received_us, state, frame) values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
               on conflict (workspace_id, quarantine_id) do update set class = excluded.class,
               field = excluded.field, reason = excluded.reason, state = excluded.state,
               frame = excluded.frame";
    let params = [
        scope.workspace.into(),
        (&item.id).into(),
        item.source.into(),
        (&item.class).into(),
        (&item.field).into(),
        (&item.reason).into(),
        (&item.event).into(),
        item.received.into(),
        (&item.state).into(),
        Value::Blob(&item.frame),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Events in a state, oldest first, after a position.
///
/// # Errors
/// As the database says.
pub fn quarantine_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    state: &str,
    after: (Instant, Key),
    limit: usize,
) -> db::Result<Vec<Quarantined>> {
    let sql = format!(
        "select {COLUMNS} from quarantine where workspace_id = ?1 and state = ?2
         and (received_us, quarantine_id) > (?3, ?4) order by received_us, quarantine_id limit ?5"
    );
    let params =
        [scope.workspace.into(), state.into(), after.0.into(), (&after.1).into(), (limit as i64).into()];
    tx.query(&sql, &params, quarantined)
}

/// Which events to look for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// `open`, `replayed` or `discarded`.
    pub state: &'a str,
    /// Only of this class.
    pub class: Option<&'a str>,
    /// Only with this offending field.
    pub field: Option<&'a str>,
}

/// As [`quarantine_page`], of those that pass a filter.
///
/// # Errors
/// As the database says.
pub fn quarantine_search(
    scope: &Scope,
    tx: &mut Tx<'_>,
    filter: Filter<'_>,
    after: (Instant, Key),
    limit: usize,
) -> db::Result<Vec<Quarantined>> {
    let sql = format!(
        "select {COLUMNS} from quarantine where workspace_id = ?1 and state = ?2
         and (received_us, quarantine_id) > (?3, ?4) and (?5 = '' or class = ?5) and (?6 = '' or field = ?6)
         order by received_us, quarantine_id limit ?7"
    );
    let params = [
        scope.workspace.into(),
        filter.state.into(),
        after.0.into(),
        (&after.1).into(),
        filter.class.unwrap_or_default().into(),
        filter.field.unwrap_or_default().into(),
        (limit as i64).into(),
    ];
    tx.query(&sql, &params, quarantined)
}

/// One event.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace has none of this id.
pub fn quarantine_fetch(scope: &Scope, tx: &mut Tx<'_>, id: &Key) -> kernel::Result<Quarantined> {
    let sql = format!("select {COLUMNS} from quarantine where workspace_id = ?1 and quarantine_id = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), id.into()], quarantined)?
        .ok_or_else(|| Failure::not_found("quarantined event"))
}

/// Marks an event as replayed or discarded.
///
/// # Errors
/// As the database says.
pub fn quarantine_mark(scope: &Scope, tx: &mut Tx<'_>, id: &Key, state: &str) -> db::Result<()> {
    let sql = "update quarantine set state = ?3 where workspace_id = ?1 and quarantine_id = ?2";
    tx.execute(sql, &[scope.workspace.into(), id.into(), state.into()]).map(drop)
}

/// How many are in each class and state.
///
/// # Errors
/// As the database says.
pub fn quarantine_summary(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<(String, String, u64)>> {
    let sql = "select class, state, count(*) from quarantine where workspace_id = ?1
               group by class, state order by class, state";
    tx.query(sql, &[scope.workspace.into()], |row| {
        Ok((row.text(0)?.to_owned(), row.text(1)?.to_owned(), row.int(2)? as u64))
    })
}

fn quarantined(row: &Row<'_>) -> db::Result<Quarantined> {
    Ok(Quarantined {
        id: row.key(0)?,
        source: SourceNo(row.int(1)? as u32),
        class: row.text(2)?.to_owned(),
        field: row.text(3)?.to_owned(),
        reason: row.text(4)?.to_owned(),
        event: row.text(5)?.to_owned(),
        received: row.instant(6)?,
        state: row.text(7)?.to_owned(),
        frame: row.blob(8)?.to_vec(),
    })
}

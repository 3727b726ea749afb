//! Sources: where events come from, with their write keys.

use db::{Row, Tx, Value};
use kernel::{Instant, SourceNo, WorkspaceNo};

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
    let sql = "select coalesce(max(source_no), 0) + 1 from source where workspace_id = ?1";
    let no = tx.query_one(sql, &[new.workspace.into()], |row| row.int(0))?.unwrap_or(1);
    let sql = "insert into source (workspace_id, source_no, source_id, write_key_hash, sensors_project, origins,
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

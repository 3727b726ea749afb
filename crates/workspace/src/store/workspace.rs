//! Workspaces.

use db::{Row, Tx, Value};
use kernel::{Failure, Instant, WorkspaceNo};

/// A workspace of this installation.
#[derive(Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its number.
    pub no: WorkspaceNo,
    /// Its name, unique in the installation.
    pub name: String,
    /// Keys every hash of the workspace. Never leaves the installation.
    pub secret: [u8; 32],
    /// Into how many ordered parts its log is divided.
    pub partitions: u32,
    /// The IANA name of the time zone of its days, weeks and months.
    pub time_zone: String,
}

/// A workspace to be made.
#[derive(Clone, Debug)]
pub struct NewWorkspace<'a> {
    /// Its name, unique in the installation.
    pub name: &'a str,
    /// Keys every hash of it.
    pub secret: [u8; 32],
    /// Into how many ordered parts its log is divided.
    pub partitions: u32,
    /// The IANA name of its time zone; the caller knows that there is one of this name.
    pub time_zone: &'a str,
}

/// The time zone of a workspace that names none.
pub const TIME_ZONE: &str = "Asia/Shanghai";

/// Held while a name is checked and a number is given, so that two made at once do not get the same.
const WORKSPACES_LOCK: i64 = 0x574f_524b_5350_4300;

const COLUMNS: &str = "workspace_id, name, secret, partitions, time_zone";

/// Creates a workspace.
///
/// # Errors
/// [`Failure::Conflict`] if the name is taken.
pub fn workspace_create(tx: &mut Tx<'_>, new: &NewWorkspace<'_>, at: Instant) -> kernel::Result<Workspace> {
    let NewWorkspace { name, secret, partitions, time_zone } = *new;
    if name.is_empty() || name.len() > 64 || !name.chars().all(|c| c.is_alphanumeric() || "-_".contains(c)) {
        return Err(Failure::invalid("workspace", "1 to 64 letters, digits, `-` or `_`"));
    }
    tx.lock(WORKSPACES_LOCK)?;
    if workspace_by_name(tx, name)?.is_some() {
        return Err(Failure::conflict(format!("workspace `{name}` exists already")));
    }
    let sql = "select coalesce(max(workspace_id), 0) + 1 from workspace where ?1 = 0";
    let no = tx.query_one(sql, &[Value::Int(0)], |row| row.int(0))?.unwrap_or(1) as u32;
    let (name, time_zone) = (name.to_owned(), time_zone.to_owned());
    let workspace = Workspace { no: WorkspaceNo(no), name, secret, partitions, time_zone };
    let sql = "insert into workspace (workspace_id, name, secret, partitions, time_zone, created_us)
               values (?1, ?2, ?3, ?4, ?5, ?6)";
    let params = [
        no.into(),
        new.name.into(),
        Value::Blob(&secret),
        partitions.into(),
        new.time_zone.into(),
        at.into(),
    ];
    tx.execute(sql, &params)?;
    Ok(workspace)
}

/// The workspace of this name.
///
/// # Errors
/// As the database says.
pub fn workspace_by_name(tx: &mut Tx<'_>, name: &str) -> db::Result<Option<Workspace>> {
    let sql = format!("select {COLUMNS} from workspace where name = ?1");
    tx.query_one(&sql, &[name.into()], workspace)
}

/// Every workspace.
///
/// # Errors
/// As the database says.
pub fn workspace_all(tx: &mut Tx<'_>) -> db::Result<Vec<Workspace>> {
    let sql = format!("select {COLUMNS} from workspace order by workspace_id");
    tx.query(&sql, &[], workspace)
}

fn workspace(row: &Row<'_>) -> db::Result<Workspace> {
    let secret = row.blob(2)?.try_into().map_err(|_| db::Error::Other("a secret has 32 bytes".into()))?;
    Ok(Workspace {
        no: WorkspaceNo(row.int(0)? as u32),
        name: row.text(1)?.to_owned(),
        secret,
        partitions: row.int(3)? as u32,
        time_zone: row.text(4)?.to_owned(),
    })
}

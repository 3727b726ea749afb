//! Keys of processed events, as sorted pages.
//!
//! Each batch appends one page to the open run. A sealed run is a sequence of pages sorted across
//! the whole run, so a lookup reads one page. Expiry drops whole runs.

use db::{Bulk, ColumnType, Tx, Value};
use kernel::{Instant, Key, Scope};

/// Keys of a page of a sealed run: 64 KiB.
pub const PAGE_KEYS: usize = 4_096;

static PAGE: Bulk = Bulk {
    table: "seen_page",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("partition_no", ColumnType::Int),
        ("run_no", ColumnType::Int),
        ("page_no", ColumnType::Int),
        ("newest_us", ColumnType::Int),
        ("first_key", ColumnType::Blob),
        ("keys", ColumnType::Blob),
    ],
    on_conflict: "",
};

/// Where a page belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageNo {
    /// The log partition.
    pub partition: u32,
    /// The run; the highest one is open.
    pub run: i64,
    /// The page in the run.
    pub page: i64,
}

/// A page's head.
#[derive(Clone, Debug)]
pub struct PageHead {
    /// Where it belongs.
    pub no: PageNo,
    /// Receive time of the newest event in it.
    pub newest: Instant,
    /// Its first key.
    pub first: Key,
}

/// Writes a page. `keys` are sorted by the caller if the run is sealed.
///
/// # Errors
/// As the database says.
pub fn seen_append(
    scope: &Scope,
    tx: &mut Tx<'_>,
    no: PageNo,
    newest: Instant,
    keys: &[Key],
) -> db::Result<()> {
    let Some(first) = keys.first() else {
        return Ok(());
    };
    let bytes: Vec<u8> = keys.iter().flat_map(|k| k.0).collect();
    let row = [
        scope.workspace.into(),
        no.partition.into(),
        no.run.into(),
        no.page.into(),
        newest.into(),
        first.into(),
        Value::Blob(&bytes),
    ];
    tx.insert_many(&PAGE, &row).map(drop)
}

/// Every page of a partition with its keys, in order of run and page: read once, at start.
///
/// # Errors
/// As the database or `visit` says.
pub fn seen_each(
    scope: &Scope,
    tx: &mut Tx<'_>,
    partition: u32,
    visit: &mut dyn FnMut(PageHead, Vec<Key>),
) -> db::Result<()> {
    let sql = "select run_no, page_no, newest_us, first_key, keys from seen_page
               where workspace_id = ?1 and partition_no = ?2 order by run_no, page_no";
    tx.each(sql, &[scope.workspace.into(), partition.into()], &mut |row| {
        let no = PageNo { partition, run: row.int(0)?, page: row.int(1)? };
        visit(PageHead { no, newest: row.instant(2)?, first: row.key(3)? }, keys(row.blob(4)?));
        Ok(())
    })
}

/// The keys of one page.
///
/// # Errors
/// As the database says.
pub fn seen_page(scope: &Scope, tx: &mut Tx<'_>, no: PageNo) -> db::Result<Vec<Key>> {
    let sql = "select keys from seen_page
               where workspace_id = ?1 and partition_no = ?2 and run_no = ?3 and page_no = ?4";
    let params = [scope.workspace.into(), no.partition.into(), no.run.into(), no.page.into()];
    Ok(tx.query_one(sql, &params, |row| Ok(keys(row.blob(0)?)))?.unwrap_or_default())
}

/// Drops a run.
///
/// # Errors
/// As the database says.
pub fn seen_drop(scope: &Scope, tx: &mut Tx<'_>, partition: u32, run: i64) -> db::Result<()> {
    let sql = "delete from seen_page where workspace_id = ?1 and partition_no = ?2 and run_no = ?3";
    tx.execute(sql, &[scope.workspace.into(), partition.into(), run.into()]).map(drop)
}

fn keys(bytes: &[u8]) -> Vec<Key> {
    bytes.chunks_exact(16).filter_map(Key::from_slice).collect()
}

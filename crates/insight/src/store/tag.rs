//! Tags, scores and stages as they are defined, and how far each is filled.

use db::{Row, Tx};
use kernel::{Instant, PartyNo, Scope};

/// A tag's number inside its workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TagNo(pub u32);

impl From<TagNo> for db::Value<'_> {
    fn from(no: TagNo) -> Self {
        Self::Int(i64::from(no.0))
    }
}

/// A tag, score or stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Its number.
    pub no: TagNo,
    /// What rules call it.
    pub key: String,
    /// Counts its definitions, from 1.
    pub version: u32,
    /// What rules ask for it as: `tag`, `score` or `stage`.
    pub role: String,
    /// How its values come about: `rule`, `function`, `model`, `sql` or `manual`.
    pub kind: String,
    /// Its definition, as JSON; see `rules::tag`.
    pub body: String,
    /// Whether it is put away: nobody has it, and it changes no more.
    pub is_retired: bool,
    /// Who defined it last.
    pub actor: String,
    /// When it was made.
    pub created: Instant,
    /// When it was last defined.
    pub changed: Instant,
    /// Parties up to this number have been looked at under this version; nothing if all have.
    pub filled: Option<PartyNo>,
    /// The latest change in its ledger.
    pub last_seq: u64,
    /// How many have a value.
    pub values: u64,
    /// The run whose rows count, where a job replaces all values; 0 before the first.
    pub run: u64,
}

const COLUMNS: &str = "tag_no, tag_key, version, role, kind, body, is_retired, actor, created_us, changed_us,
                       filled_no, last_seq, value_count, run_no";

/// All tags that people see or that are still to be emptied, in the order they were made.
///
/// # Errors
/// As the database says.
pub fn tag_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Tag>> {
    let sql = format!(
        "select {COLUMNS} from tag
         where workspace_id = ?1 and (is_retired = 0 or filled_no is not null) order by tag_no"
    );
    tx.query(&sql, &[scope.workspace.into()], tag)
}

/// The tag of a key, put away or not.
///
/// # Errors
/// As the database says.
pub fn tag_by_key(scope: &Scope, tx: &mut Tx<'_>, key: &str) -> db::Result<Option<Tag>> {
    let sql = format!("select {COLUMNS} from tag where workspace_id = ?1 and tag_key = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), key.into()], tag)
}

/// Writes a tag, new or changed, and keeps its definition under its version.
///
/// # Errors
/// As the database says.
pub fn tag_put(scope: &Scope, tx: &mut Tx<'_>, tag: &Tag) -> db::Result<()> {
    let sql = "insert into tag (workspace_id, tag_no, tag_key, version, role, kind, body, is_retired, actor,
                   created_us, changed_us, filled_no, last_seq, value_count, run_no)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
               on conflict (workspace_id, tag_no) do update set version = excluded.version,
                   role = excluded.role, kind = excluded.kind, body = excluded.body,
                   is_retired = excluded.is_retired, actor = excluded.actor,
                   changed_us = excluded.changed_us, filled_no = excluded.filled_no,
                   run_no = excluded.run_no";
    let params = [
        scope.workspace.into(),
        tag.no.into(),
        (&tag.key).into(),
        i64::from(tag.version).into(),
        (&tag.role).into(),
        (&tag.kind).into(),
        (&tag.body).into(),
        i64::from(tag.is_retired).into(),
        (&tag.actor).into(),
        tag.created.into(),
        tag.changed.into(),
        tag.filled.map(|no| i64::from(no.0)).into(),
        (tag.last_seq as i64).into(),
        (tag.values as i64).into(),
        (tag.run as i64).into(),
    ];
    tx.execute(sql, &params)?;
    let sql = "insert into tag_version (workspace_id, tag_no, version, body, actor, at_us)
               values (?1, ?2, ?3, ?4, ?5, ?6) on conflict (workspace_id, tag_no, version) do nothing";
    let params = [
        scope.workspace.into(),
        tag.no.into(),
        i64::from(tag.version).into(),
        (&tag.body).into(),
        (&tag.actor).into(),
        tag.changed.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Notes how far a tag is filled.
///
/// # Errors
/// As the database says.
pub fn tag_fill(scope: &Scope, tx: &mut Tx<'_>, no: TagNo, filled: Option<PartyNo>) -> db::Result<()> {
    let sql = "update tag set filled_no = ?3 where workspace_id = ?1 and tag_no = ?2";
    let filled = filled.map(|no| i64::from(no.0));
    tx.execute(sql, &[scope.workspace.into(), no.into(), filled.into()]).map(drop)
}

/// Moves the totals of a tag on by so many changes and values, and returns its latest change.
///
/// # Errors
/// As the database says.
pub fn tag_advance(scope: &Scope, tx: &mut Tx<'_>, no: TagNo, changes: u64, values: i64) -> db::Result<u64> {
    let sql = "update tag set last_seq = last_seq + ?3, value_count = value_count + ?4
               where workspace_id = ?1 and tag_no = ?2 returning last_seq";
    let params = [scope.workspace.into(), no.into(), (changes as i64).into(), values.into()];
    let last = tx.query_one(sql, &params, |row| row.int(0))?;
    last.map(|seq| seq as u64).ok_or_else(|| db::Error::Other("a tag is gone".into()))
}

fn tag(row: &Row<'_>) -> db::Result<Tag> {
    Ok(Tag {
        no: TagNo(row.int(0)? as u32),
        key: row.text(1)?.to_owned(),
        version: row.int(2)? as u32,
        role: row.text(3)?.to_owned(),
        kind: row.text(4)?.to_owned(),
        body: row.text(5)?.to_owned(),
        is_retired: row.int(6)? != 0,
        actor: row.text(7)?.to_owned(),
        created: row.instant(8)?,
        changed: row.instant(9)?,
        filled: row.int_opt(10)?.map(|no| PartyNo(no as u32)),
        last_seq: row.int(11)? as u64,
        values: row.int(12)? as u64,
        run: row.int(13)? as u64,
    })
}

/// One definition a tag had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Counts the definitions, from 1.
    pub version: u32,
    /// The definition, as JSON.
    pub body: String,
    /// Who defined it so.
    pub actor: String,
    /// When.
    pub at: Instant,
}

/// The definitions of a tag before a version, the latest first.
///
/// # Errors
/// As the database says.
pub fn tag_version_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    no: TagNo,
    before: u32,
    limit: usize,
) -> db::Result<Vec<Version>> {
    let sql = "select version, body, actor, at_us from tag_version
               where workspace_id = ?1 and tag_no = ?2 and version < ?3 order by version desc limit ?4";
    let params = [scope.workspace.into(), no.into(), i64::from(before).into(), (limit as i64).into()];
    tx.query(sql, &params, |row| {
        Ok(Version {
            version: row.int(0)? as u32,
            body: row.text(1)?.to_owned(),
            actor: row.text(2)?.to_owned(),
            at: row.instant(3)?,
        })
    })
}

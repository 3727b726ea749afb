//! Audiences as they are defined, and how far each is filled.

use db::{Row, Tx};
use kernel::{Instant, PartyNo, Scope};

/// An audience's number inside its workspace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AudienceNo(pub u32);

impl From<AudienceNo> for db::Value<'_> {
    fn from(no: AudienceNo) -> Self {
        Self::Int(i64::from(no.0))
    }
}

/// When an audience is looked at again.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// With every fact, and when time alone changes it.
    Live,
    /// When a job runs.
    Scheduled,
    /// Once, when it is made.
    Static,
}

impl Mode {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Scheduled => "scheduled",
            Self::Static => "static",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Scheduled, Self::Static].into_iter().find(|mode| mode.name() == text).unwrap_or(Self::Live)
    }
}

/// An audience.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audience {
    /// Its number.
    pub no: AudienceNo,
    /// Its public id.
    pub id: String,
    /// Counts its definitions, from 1.
    pub version: u32,
    /// What people call it.
    pub name: String,
    /// When it is looked at again.
    pub mode: Mode,
    /// Its rule, as JSON.
    pub rule: String,
    /// Whether it is put away: it has no members and changes no more.
    pub is_archived: bool,
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
    /// How many are in it.
    pub members: u64,
}

const COLUMNS: &str = "audience_no, audience_id, version, name, mode, rule, is_archived, actor, created_us,
                       changed_us, filled_no, last_seq, member_count";

/// All audiences that people see or that are still to be emptied, in the order they were made.
///
/// # Errors
/// As the database says.
pub fn audience_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Audience>> {
    let sql = format!(
        "select {COLUMNS} from audience
         where workspace_id = ?1 and (is_archived = 0 or filled_no is not null) order by audience_no"
    );
    tx.query(&sql, &[scope.workspace.into()], audience)
}

/// The audience of a public id.
///
/// # Errors
/// As the database says.
pub fn audience_by_id(scope: &Scope, tx: &mut Tx<'_>, id: &str) -> db::Result<Option<Audience>> {
    let sql = format!("select {COLUMNS} from audience where workspace_id = ?1 and audience_id = ?2");
    tx.query_one(&sql, &[scope.workspace.into(), id.into()], audience)
}

/// Writes an audience, new or changed, and keeps its definition under its version.
///
/// # Errors
/// As the database says.
pub fn audience_put(scope: &Scope, tx: &mut Tx<'_>, audience: &Audience) -> db::Result<()> {
    let sql = "insert into audience (workspace_id, audience_no, audience_id, version, name, mode, rule,
                   is_archived, actor, created_us, changed_us, filled_no, last_seq, member_count)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)
               on conflict (workspace_id, audience_no) do update set version = excluded.version,
                   name = excluded.name, mode = excluded.mode, rule = excluded.rule,
                   is_archived = excluded.is_archived, actor = excluded.actor,
                   changed_us = excluded.changed_us, filled_no = excluded.filled_no";
    let params = [
        scope.workspace.into(),
        audience.no.into(),
        (&audience.id).into(),
        i64::from(audience.version).into(),
        (&audience.name).into(),
        audience.mode.name().into(),
        (&audience.rule).into(),
        i64::from(audience.is_archived).into(),
        (&audience.actor).into(),
        audience.created.into(),
        audience.changed.into(),
        audience.filled.map(|no| i64::from(no.0)).into(),
        (audience.last_seq as i64).into(),
        (audience.members as i64).into(),
    ];
    tx.execute(sql, &params)?;
    let sql = "insert into audience_version (workspace_id, audience_no, version, name, rule, actor, at_us)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7)
               on conflict (workspace_id, audience_no, version) do nothing";
    let params = [
        scope.workspace.into(),
        audience.no.into(),
        i64::from(audience.version).into(),
        (&audience.name).into(),
        (&audience.rule).into(),
        (&audience.actor).into(),
        audience.changed.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Notes how far an audience is filled.
///
/// # Errors
/// As the database says.
pub fn audience_fill(
    scope: &Scope,
    tx: &mut Tx<'_>,
    no: AudienceNo,
    filled: Option<PartyNo>,
) -> db::Result<()> {
    let sql = "update audience set filled_no = ?3 where workspace_id = ?1 and audience_no = ?2";
    let filled = filled.map(|no| i64::from(no.0));
    tx.execute(sql, &[scope.workspace.into(), no.into(), filled.into()]).map(drop)
}

/// Moves the totals of an audience on by so many changes and members, and returns its latest change.
///
/// # Errors
/// As the database says.
pub fn audience_advance(
    scope: &Scope,
    tx: &mut Tx<'_>,
    no: AudienceNo,
    changes: u64,
    members: i64,
) -> db::Result<u64> {
    let sql = "update audience set last_seq = last_seq + ?3, member_count = member_count + ?4
               where workspace_id = ?1 and audience_no = ?2 returning last_seq";
    let params = [scope.workspace.into(), no.into(), (changes as i64).into(), members.into()];
    let last = tx.query_one(sql, &params, |row| row.int(0))?;
    last.map(|seq| seq as u64).ok_or_else(|| db::Error::Other("an audience is gone".into()))
}

fn audience(row: &Row<'_>) -> db::Result<Audience> {
    Ok(Audience {
        no: AudienceNo(row.int(0)? as u32),
        id: row.text(1)?.to_owned(),
        version: row.int(2)? as u32,
        name: row.text(3)?.to_owned(),
        mode: Mode::parse(row.text(4)?),
        rule: row.text(5)?.to_owned(),
        is_archived: row.int(6)? != 0,
        actor: row.text(7)?.to_owned(),
        created: row.instant(8)?,
        changed: row.instant(9)?,
        filled: row.int_opt(10)?.map(|no| PartyNo(no as u32)),
        last_seq: row.int(11)? as u64,
        members: row.int(12)? as u64,
    })
}

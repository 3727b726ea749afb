//! The tracking plan: every event and property that was seen or planned, with its type.

use db::{Bulk, ColumnType, Row, Tx};
use kernel::{Failure, Instant, Scope};

/// The type of a property, as JSON has them. `Any` is set by people who want to accept a mixture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PropertyKind {
    /// A string.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list.
    List,
    /// An object.
    Object,
    /// No check.
    Any,
}

impl PropertyKind {
    /// The type of a raw JSON value; `None` for null, which fits every type.
    pub fn of(raw: &str) -> Option<Self> {
        match raw.as_bytes().first()? {
            b'"' => Some(Self::Text),
            b't' | b'f' => Some(Self::Boolean),
            b'[' => Some(Self::List),
            b'{' => Some(Self::Object),
            b'n' => None,
            _ => Some(Self::Number),
        }
    }

    /// Its public name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
            Self::Any => "any",
        }
    }

    /// The type of this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Number, Self::Boolean, Self::List, Self::Object, Self::Any]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// A property of an event in the plan.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct PlanProperty {
    /// The event, or `$profile` for traits.
    pub event: String,
    /// The property.
    pub property: String,
    /// Its type.
    pub kind: PropertyKind,
    /// `observed` when traffic brought it, `planned` when a person set it.
    #[serde(default)]
    pub status: String,
    /// When it was first seen or set.
    #[serde(skip)]
    pub first: Instant,
}

static PROPERTY: Bulk = Bulk {
    table: "plan_property",
    columns: &[
        ("workspace_id", ColumnType::Int),
        ("event", ColumnType::Text),
        ("property", ColumnType::Text),
        ("kind", ColumnType::Text),
        ("status", ColumnType::Text),
        ("first_us", ColumnType::Int),
    ],
    on_conflict: "on conflict (workspace_id, event, property) do nothing",
};

/// Records properties that traffic brought; those known already stay as they are.
///
/// # Errors
/// As the database says.
pub fn plan_observe(scope: &Scope, tx: &mut Tx<'_>, properties: &[PlanProperty]) -> db::Result<()> {
    let mut values = Vec::with_capacity(properties.len() * 6);
    for p in properties {
        values.extend_from_slice(&[
            scope.workspace.into(),
            (&p.event).into(),
            (&p.property).into(),
            p.kind.name().into(),
            (&p.status).into(),
            p.first.into(),
        ]);
    }
    tx.insert_many(&PROPERTY, &values).map(drop)
}

/// The whole plan, by event and property, after a position.
///
/// # Errors
/// As the database says.
pub fn plan_page(
    scope: &Scope,
    tx: &mut Tx<'_>,
    after: (&str, &str),
    limit: usize,
) -> db::Result<Vec<PlanProperty>> {
    let sql = "select event, property, kind, status, first_us from plan_property
               where workspace_id = ?1 and (event, property) > (?2, ?3)
               order by event, property limit ?4";
    let params = [scope.workspace.into(), after.0.into(), after.1.into(), (limit as i64).into()];
    tx.query(sql, &params, plan_property)
}

/// One property.
///
/// # Errors
/// [`Failure::NotFound`] if the plan does not have it.
pub fn plan_fetch(
    scope: &Scope,
    tx: &mut Tx<'_>,
    event: &str,
    property: &str,
) -> kernel::Result<PlanProperty> {
    let sql = "select event, property, kind, status, first_us from plan_property
               where workspace_id = ?1 and event = ?2 and property = ?3";
    let params = [scope.workspace.into(), event.into(), property.into()];
    tx.query_one(sql, &params, plan_property)?.ok_or_else(|| Failure::not_found("property"))
}

fn plan_property(row: &Row<'_>) -> db::Result<PlanProperty> {
    Ok(PlanProperty {
        event: row.text(0)?.to_owned(),
        property: row.text(1)?.to_owned(),
        kind: PropertyKind::parse(row.text(2)?).unwrap_or(PropertyKind::Any),
        status: row.text(3)?.to_owned(),
        first: row.instant(4)?,
    })
}

/// Sets the type of a property, known or not.
///
/// # Errors
/// As the database says.
pub fn plan_set(scope: &Scope, tx: &mut Tx<'_>, property: &PlanProperty) -> kernel::Result<()> {
    if property.event.is_empty() || property.property.is_empty() {
        return Err(Failure::invalid("property", "event and property need a name"));
    }
    let sql = "insert into plan_property (workspace_id, event, property, kind, status, first_us)
               values (?1, ?2, ?3, ?4, 'planned', ?5)
               on conflict (workspace_id, event, property)
               do update set kind = excluded.kind, status = excluded.status";
    let params = [
        scope.workspace.into(),
        (&property.event).into(),
        (&property.property).into(),
        property.kind.name().into(),
        property.first.into(),
    ];
    tx.execute(sql, &params)?;
    let sql = "insert into counter (workspace_id, name, value) values (?1, 'plan', 1)
               on conflict (workspace_id, name) do update set value = counter.value + 1";
    tx.execute(sql, &[scope.workspace.into()])?;
    Ok(())
}

/// Counts what people decided about the plan, so that a worker notices what another one applied.
///
/// # Errors
/// As the database says.
pub fn plan_version(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<i64> {
    let sql = "select value from counter where workspace_id = ?1 and name = 'plan'";
    Ok(tx.query_one(sql, &[scope.workspace.into()], |row| row.int(0))?.unwrap_or_default())
}

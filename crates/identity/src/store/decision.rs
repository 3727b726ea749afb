//! What people (or, later, the matcher) decided about parties. Retracted decisions stay as history.

use db::{Row, Tx, Value};
use kernel::{Instant, Key, NodeNo, Scope};

/// A decision that overrides what the evidence alone would give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Its id.
    pub id: Key,
    /// What it says.
    pub body: Body,
    /// Who decided.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// When.
    pub at: Instant,
    /// When it was taken back, if it was.
    pub retracted: Option<Instant>,
}

/// What a decision says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Body {
    /// These two nodes are one customer.
    Join {
        /// One.
        a: NodeNo,
        /// The other.
        b: NodeNo,
    },
    /// None of the left is the same customer as any of the right.
    Separate {
        /// One side.
        left: Vec<NodeNo>,
        /// The other side.
        right: Vec<NodeNo>,
    },
}

impl Body {
    /// Every node it names.
    pub fn nodes(&self) -> Vec<NodeNo> {
        match self {
            Self::Join { a, b } => vec![*a, *b],
            Self::Separate { left, right } => left.iter().chain(right).copied().collect(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Join { .. } => "join",
            Self::Separate { .. } => "separate",
        }
    }
}

const COLUMNS: &str = "decision_id, body, actor, reason, at_us, retracted_us";

/// Stores a decision; one with the same id is there already and stays (a replay).
///
/// # Errors
/// As the database says.
pub fn decision_put(scope: &Scope, tx: &mut Tx<'_>, decision: &Decision) -> db::Result<()> {
    let sql =
        "insert into decision (workspace_id, decision_id, kind, body, actor, reason, at_us, retracted_us)
               values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
               on conflict (workspace_id, decision_id) do nothing";
    let body = serde_json::to_string(&decision.body).expect("a decision is plain values");
    let params = [
        scope.workspace.into(),
        (&decision.id).into(),
        decision.body.kind().into(),
        (&body).into(),
        (&decision.actor).into(),
        (&decision.reason).into(),
        decision.at.into(),
        decision.retracted.into(),
    ];
    tx.execute(sql, &params).map(drop)
}

/// Takes a decision back; false if there is none in force.
///
/// # Errors
/// As the database says.
pub fn decision_retract(scope: &Scope, tx: &mut Tx<'_>, id: &Key, at: Instant) -> db::Result<bool> {
    let sql = "update decision set retracted_us = ?3
               where workspace_id = ?1 and decision_id = ?2 and retracted_us is null";
    Ok(tx.execute(sql, &[scope.workspace.into(), id.into(), at.into()])? == 1)
}

/// The decisions in force, in order of id. They are few: people make them.
///
/// # Errors
/// As the database says.
pub fn decision_live(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<Decision>> {
    let sql = format!(
        "select {COLUMNS} from decision where workspace_id = ?1 and retracted_us is null order by decision_id"
    );
    tx.query(&sql, &[scope.workspace.into()], decision)
}

/// Every decision, newest first: the merge history.
///
/// # Errors
/// As the database says.
pub fn decision_history(scope: &Scope, tx: &mut Tx<'_>, limit: usize) -> db::Result<Vec<Decision>> {
    let sql = format!(
        "select {COLUMNS} from decision where workspace_id = ?1 order by at_us desc, decision_id limit ?2"
    );
    tx.query(&sql, &[scope.workspace.into(), Value::Int(limit as i64)], decision)
}

fn decision(row: &Row<'_>) -> db::Result<Decision> {
    let body = serde_json::from_str(row.text(1)?).map_err(|e| db::Error::Other(e.to_string()))?;
    Ok(Decision {
        id: row.key(0)?,
        body,
        actor: row.text(2)?.to_owned(),
        reason: row.text(3)?.to_owned(),
        at: row.instant(4)?,
        retracted: row.int_opt(5)?.map(Instant),
    })
}

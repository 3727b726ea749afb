//! Identifiers seen with more others than the rules allow. Facts only grow, so under the same rules whoever
//! is here stays here; that is what makes it safe never to look behind them again.

use std::collections::BTreeSet;

use db::{Bulk, ColumnType, Tx};
use kernel::{NodeNo, Scope};

/// With what an identifier was seen too often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Via {
    /// With identifiers of its own strength: it links none of them.
    Edge,
    /// A soft one, with hard ones: it is nobody's own.
    Touch,
}

static CROWDED: Bulk = Bulk {
    table: "crowded",
    columns: &[("workspace_id", ColumnType::Int), ("node_no", ColumnType::Int), ("via", ColumnType::Text)],
    on_conflict: "on conflict (workspace_id, node_no, via) do nothing",
};

impl Via {
    fn name(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Touch => "touch",
        }
    }
}

/// All crowded identifiers.
///
/// # Errors
/// As the database says.
pub fn crowded_all(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Vec<(NodeNo, Via)>> {
    let sql = "select node_no, via from crowded where workspace_id = ?1";
    tx.query(sql, &[scope.workspace.into()], |row| {
        let via = if row.text(1)? == Via::Touch.name() { Via::Touch } else { Via::Edge };
        Ok((NodeNo(row.int(0)? as u64), via))
    })
}

/// Adds crowded identifiers.
///
/// # Errors
/// As the database says.
pub fn crowded_put(scope: &Scope, tx: &mut Tx<'_>, crowded: &[(NodeNo, Via)]) -> db::Result<()> {
    let mut values = Vec::with_capacity(crowded.len() * CROWDED.columns.len());
    for (node, via) in crowded {
        values.extend_from_slice(&[scope.workspace.into(), (*node).into(), via.name().into()]);
    }
    tx.insert_many(&CROWDED, &values).map(drop)
}

/// Forgets all crowded identifiers: the rules that made them so are no longer in force.
///
/// # Errors
/// As the database says.
pub fn crowded_clear(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<()> {
    tx.execute("delete from crowded where workspace_id = ?1", &[scope.workspace.into()]).map(drop)
}

/// Which identifiers are crowded if `neighbours_max` is the rule, found by reading every edge and touch.
///
/// # Errors
/// As the database says.
pub fn crowded_under(
    scope: &Scope,
    tx: &mut Tx<'_>,
    neighbours_max: u32,
) -> db::Result<BTreeSet<(NodeNo, Via)>> {
    let edges = "select pair.node_no from
            (select a_no as node_no, b_no as other_no from edge where workspace_id = ?1
             union select b_no, a_no from edge where workspace_id = ?1) as pair
         join node on node.workspace_id = ?1 and node.node_no = pair.other_no
         where pair.node_no <> pair.other_no
         group by pair.node_no, node.kind having count(*) > ?2";
    let touches = "select touch.soft_no from touch
         join node on node.workspace_id = ?1 and node.node_no = touch.hard_no
         where touch.workspace_id = ?1
         group by touch.soft_no, node.kind having count(distinct touch.hard_no) > ?2";
    let mut found = BTreeSet::new();
    for (sql, via) in [(edges, Via::Edge), (touches, Via::Touch)] {
        let params = [scope.workspace.into(), i64::from(neighbours_max).into()];
        let nodes = tx.query(sql, &params, |row| Ok(NodeNo(row.int(0)? as u64)))?;
        found.extend(nodes.into_iter().map(|node| (node, via)));
    }
    Ok(found)
}

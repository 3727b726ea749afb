//! Parties as readers see them: found by identifier or id, with the facts that are theirs.
//!
//! A party is never stored as a row of its own; it is what nodes point to. Its public id is the key
//! of its anchor node, so an id that was ever handed out is answered as long as the node exists, by
//! whoever holds it today.

use std::collections::{BTreeMap, BTreeSet};

use db::Tx;
use kernel::{Failure, Instant, NodeNo, PartyId, PartyNo, Scope};

use crate::resolve::Identity;
use crate::rules::normalise::normalise;
use crate::store::holder::{self, Holder};
use crate::store::node::{self, Node};

/// A stretch of time, `from` inclusive, `to` exclusive.
pub type Span = (Instant, Instant);

/// All of time.
pub const ALWAYS: Span = (Instant(i64::MIN), Instant(i64::MAX));

/// A node that holds facts of a party, and when they are the party's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The node.
    pub node: Node,
    /// Facts within these stretches belong to the party.
    pub spans: Vec<Span>,
}

/// A party with everything that is its.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    /// Its number, for internal use.
    pub no: PartyNo,
    /// Its public id.
    pub id: PartyId,
    /// Its nodes, in the order of the identity rules' priorities, then of value.
    pub members: Vec<Member>,
}

/// The party that holds an identifier now.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace does not know the identifier.
pub fn party_by_identifier(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    kind: &str,
    value: &str,
) -> kernel::Result<Party> {
    let missing = || Failure::not_found("party with this identifier");
    let mut tried = BTreeSet::new();
    let kinds: Vec<&str> = std::iter::once(kind).chain(aliases(kind).iter().copied()).collect();
    for kind in kinds {
        let Ok(identifier) = normalise(identity.rules, kind, value) else { continue };
        let key = identity.key(identifier.kind, &identifier.value, 0);
        if !tried.insert(key) {
            continue;
        }
        if let Some(node) = node::node_by_key(identity.scope, tx, &[key])?.pop() {
            return party_of_node(identity, tx, &node);
        }
    }
    Err(missing())
}

/// Names under which other SDKs keep the same soft identifier.
fn aliases(kind: &str) -> &'static [&'static str] {
    match kind {
        "anonymous_id" => &["$identity_anonymous_id", "$identity_cookie_id"],
        "$identity_anonymous_id" | "$identity_cookie_id" | "$identity_distinct_id" => {
            &["$identity_anonymous_id", "anonymous_id"]
        }
        _ => &[],
    }
}

/// The party of this id: the one it was given to, or what became of it.
///
/// An id is made of an identifier, but names a party. Where the identifier has passed to somebody else,
/// the id stays with the party, as long as anything is left to it.
///
/// # Errors
/// [`Failure::NotFound`] if the workspace never gave out such an id.
pub fn party_by_id(identity: &Identity<'_>, tx: &mut Tx<'_>, id: PartyId) -> kernel::Result<Party> {
    let missing = || Failure::not_found("party");
    let mut node = node::node_by_key(identity.scope, tx, &[id.0])?.pop().ok_or_else(missing)?;
    if node.party == PartyNo(0) && node.era > 0 {
        // An era that late data did away with: whose the identifier is now.
        let key = identity.key(&node.kind, &node.value, 0);
        node = node::node_by_key(identity.scope, tx, &[key])?.pop().ok_or_else(missing)?;
    } else if node.is_split && has_own(identity.scope, tx, node.party)? {
        return party(identity, tx, node.party);
    }
    party_of_node(identity, tx, &node)
}

/// Whether anything belongs to a party by itself, and not only by way of others.
fn has_own(scope: &Scope, tx: &mut Tx<'_>, no: PartyNo) -> db::Result<bool> {
    let nodes = node::node_by_party(scope, tx, &[no])?;
    if nodes.iter().any(|node| !node.is_split) {
        return Ok(true);
    }
    let numbers: Vec<NodeNo> = nodes.iter().map(|node| node.no).collect();
    let rows = holder::holder_of(scope, tx, &numbers)?;
    Ok(nodes.iter().any(|node| {
        let first = rows.iter().find(|row| row.node == node.no && row.via.is_some());
        first.is_some_and(|row| node.first < row.from)
    }))
}

/// The party a node's newest facts belong to.
///
/// # Errors
/// As the database says.
pub fn party_of_node(identity: &Identity<'_>, tx: &mut Tx<'_>, node: &Node) -> kernel::Result<Party> {
    let no = party_no_at(identity.scope, tx, node, Instant(i64::MAX))?;
    party(identity, tx, no)
}

/// The party that a fact under `node` at `at` belongs to.
///
/// # Errors
/// As the database says.
pub fn party_no_at(scope: &Scope, tx: &mut Tx<'_>, node: &Node, at: Instant) -> kernel::Result<PartyNo> {
    let mut node = node.clone();
    // A device is held via a mobile, the mobile via one of its eras: never deeper.
    for _ in 0..3 {
        if !node.is_split {
            break;
        }
        let rows = holder::holder_of(scope, tx, &[node.no])?;
        let via = rows.iter().rev().find(|row| row.from <= at).and_then(|row| row.via);
        let Some(via) = via else { break };
        let found = node::node_by_no(scope, tx, &[via])?.pop();
        node = found.ok_or_else(|| Failure::internal("a holder points to no node"))?;
    }
    Ok(node.party)
}

/// A party by number.
///
/// # Errors
/// [`Failure::NotFound`] if nothing belongs to it.
pub fn party(identity: &Identity<'_>, tx: &mut Tx<'_>, no: PartyNo) -> kernel::Result<Party> {
    let scope = identity.scope;
    let own = node::node_by_party(scope, tx, &[no])?;
    let anchor = own.iter().find(|node| node.anchor == Some(no));
    let id = PartyId(anchor.ok_or_else(|| Failure::not_found("party"))?.key);
    let mut spans: BTreeMap<NodeNo, Vec<Span>> = BTreeMap::new();
    let split: Vec<NodeNo> = own.iter().filter(|n| n.is_split).map(|n| n.no).collect();
    let timelines = by_node(holder::holder_of(scope, tx, &split)?);
    for node in &own {
        let held = match timelines.get(&node.no) {
            Some(rows) => spans_where(rows, |via| via.is_none()),
            None => vec![ALWAYS],
        };
        spans.insert(node.no, held);
    }
    add_held(identity, tx, &own, &mut spans)?;
    let held: Vec<NodeNo> =
        spans.keys().copied().filter(|no| own.iter().all(|node| node.no != *no)).collect();
    let mut members: Vec<Member> = own
        .into_iter()
        .chain(node::node_by_no(scope, tx, &held)?)
        .map(|node| Member { spans: spans.remove(&node.no).unwrap_or_default(), node })
        .filter(|member| !member.spans.is_empty())
        .collect();
    let rank = |node: &Node| identity.rules.rank(&node.kind);
    members.sort_by(|a, b| {
        let (a, b) = (&a.node, &b.node);
        (rank(a), &a.kind, &a.value, a.era).cmp(&(rank(b), &b.kind, &b.value, b.era))
    });
    Ok(Party { no, id, members })
}

/// Adds what the party's nodes hold of nodes that change hands: devices of a person, a recycled
/// number of its present holder, and devices held via such a number.
fn add_held(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    own: &[Node],
    spans: &mut BTreeMap<NodeNo, Vec<Span>>,
) -> kernel::Result<()> {
    let scope = identity.scope;
    // Nothing is held via a device.
    let mut via: Vec<NodeNo> = own.iter().filter(|node| identity.is_hard(node)).map(|node| node.no).collect();
    // Only an era holds what others are held via in turn: the identifier that changed hands.
    let rounds = if own.iter().any(|node| node.era > 0) { 2 } else { 1 };
    for _ in 0..rounds {
        let held = holder::holder_via(scope, tx, &via)?;
        let nodes: Vec<NodeNo> = BTreeSet::from_iter(held.iter().map(|row| row.node)).into_iter().collect();
        let mut next = Vec::new();
        for (node, rows) in by_node(holder::holder_of(scope, tx, &nodes)?) {
            let mine = spans_where(&rows, |holder| holder.is_some_and(|no| via.contains(&no)));
            let slot = spans.entry(node).or_default();
            for span in mine {
                if !slot.contains(&span) {
                    slot.push(span);
                }
            }
            slot.sort_unstable();
            next.push(node);
        }
        // A node held via an era counts as that era's only during the era, which `spans` says; what is
        // in turn held via it follows its own times.
        via = next;
        if via.is_empty() {
            break;
        }
    }
    Ok(())
}

fn by_node(rows: Vec<Holder>) -> BTreeMap<NodeNo, Vec<Holder>> {
    let mut map: BTreeMap<NodeNo, Vec<Holder>> = BTreeMap::new();
    for row in rows {
        map.entry(row.node).or_default().push(row);
    }
    map
}

/// The stretches of a node's timeline whose holder passes the test.
fn spans_where(rows: &[Holder], is_mine: impl Fn(Option<NodeNo>) -> bool) -> Vec<Span> {
    let ends = rows.iter().skip(1).map(|row| row.from).chain(std::iter::once(Instant(i64::MAX)));
    rows.iter().zip(ends).filter(|(row, _)| is_mine(row.via)).map(|(row, to)| (row.from, to)).collect()
}

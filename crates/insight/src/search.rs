//! Finding parties: by id, by identifier, by the terms of names, phones and e-mail addresses.

use db::Tx;
use identity::party::{party_by_id, party_no_at};
use identity::resolve::Identity;
use identity::rules::normalise::normalise;
use identity::store::node::{Node, node_by_key, node_by_no, party_page};
use kernel::{Instant, PartyId, PartyNo};

use crate::rules::search::{CANDIDATES_MAX, query_prefixes};
use crate::store::search_term::term_nodes;

/// The parties a query means, best first.
///
/// # Errors
/// As the database says.
pub fn search(identity: &Identity<'_>, tx: &mut Tx<'_>, query: &str) -> kernel::Result<Vec<PartyNo>> {
    let query = query.trim();
    if let Some(id) = PartyId::parse(query) {
        return match party_by_id(identity, tx, id) {
            Ok(party) => Ok(vec![party.no]),
            Err(kernel::Failure::NotFound { .. }) => Ok(Vec::new()),
            Err(other) => Err(other),
        };
    }
    let mut nodes = by_identifier(identity, tx, query)?;
    for prefix in query_prefixes(query) {
        let numbers = term_nodes(identity.scope, tx, &prefix, CANDIDATES_MAX)?;
        let mut found = node_by_no(identity.scope, tx, &numbers)?;
        found.sort_by_key(|node| numbers.iter().position(|no| *no == node.no));
        nodes.append(&mut found);
    }
    let mut parties = Vec::new();
    for node in &nodes {
        let no = party_no_at(identity.scope, tx, node, Instant(i64::MAX))?;
        if !parties.contains(&no) {
            parties.push(no);
        }
        if parties.len() >= CANDIDATES_MAX {
            break;
        }
    }
    Ok(parties)
}

/// The nodes with exactly this value, whatever their kind.
fn by_identifier(identity: &Identity<'_>, tx: &mut Tx<'_>, value: &str) -> kernel::Result<Vec<Node>> {
    let kinds = identity.rules.document().kinds.iter().filter(|kind| !kind.name.contains('*'));
    let mut keys = Vec::new();
    for kind in kinds {
        if let Ok(normal) = normalise(identity.rules, &kind.name, value) {
            let key = identity.key(normal.kind, &normal.value, 0);
            if !keys.contains(&key) {
                keys.push(key);
            }
        }
    }
    let mut nodes = node_by_key(identity.scope, tx, &keys)?;
    nodes.sort_by_key(|node| keys.iter().position(|key| *key == node.key));
    Ok(nodes)
}

/// Every party in order of number, after `after`: a page and where the next begins.
///
/// # Errors
/// As the database says.
pub fn list(
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    after: u64,
    limit: usize,
) -> kernel::Result<(Vec<PartyNo>, Option<u64>)> {
    let after = PartyNo(u32::try_from(after).unwrap_or(u32::MAX));
    let parties = party_page(identity.scope, tx, after, limit)?;
    let next = parties.last().filter(|_| parties.len() == limit).map(|no| u64::from(no.0));
    Ok((parties, next))
}

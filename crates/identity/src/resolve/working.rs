//! The nodes a transaction works on: read once, changed in memory, written once.

use std::collections::{BTreeSet, HashMap};

use db::Tx;
use kernel::{Key, NodeNo, PartyNo, Scope};

use super::Resolved;
use crate::store::holder;
use crate::store::node::{self, Node, number_reserve};

/// Names of the sequences.
const NODES: &str = "node";
const PARTIES: &str = "party";

/// Nodes by number, with what was in the database.
#[derive(Default)]
pub struct Working {
    nodes: HashMap<NodeNo, (Node, Option<Node>)>,
    party_numbers: Numbers,
    node_numbers: Numbers,
}

/// A block of reserved numbers.
#[derive(Default)]
struct Numbers {
    next: u64,
    left: u64,
}

impl Working {
    /// Adds a node as the database has it.
    pub fn insert_stored(&mut self, node: Node) {
        self.nodes.entry(node.no).or_insert_with(|| (node.clone(), Some(node)));
    }

    /// Adds a node that is not in the database yet.
    pub fn insert_new(&mut self, node: Node) {
        self.nodes.insert(node.no, (node, None));
    }

    /// Reads those of `numbers` that are not here yet.
    ///
    /// # Errors
    /// As the database says.
    pub fn load(&mut self, scope: &Scope, tx: &mut Tx<'_>, numbers: &[NodeNo]) -> db::Result<()> {
        let missing: Vec<NodeNo> =
            numbers.iter().filter(|no| !self.nodes.contains_key(no)).copied().collect();
        for node in node::node_by_no(scope, tx, &missing)? {
            self.insert_stored(node);
        }
        Ok(())
    }

    /// A node that was loaded or inserted.
    pub fn get(&self, no: NodeNo) -> Option<&Node> {
        self.nodes.get(&no).map(|(node, _)| node)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, no: NodeNo) -> Option<&mut Node> {
        self.nodes.get_mut(&no).map(|(node, _)| node)
    }

    /// The node of this key among those here.
    pub fn by_key(&self, key: &Key) -> Option<&Node> {
        self.nodes.values().map(|(node, _)| node).find(|node| node.key == *key)
    }

    /// A fresh node number; `expected` says how many more will be asked for.
    ///
    /// # Errors
    /// As the database says.
    pub fn fresh_node(&mut self, scope: &Scope, tx: &mut Tx<'_>, expected: usize) -> db::Result<NodeNo> {
        self.node_numbers.take(scope, tx, NODES, expected).map(NodeNo)
    }

    /// The party number `no` anchors, given on first use.
    ///
    /// # Errors
    /// As the database says.
    pub fn anchor(&mut self, scope: &Scope, tx: &mut Tx<'_>, no: NodeNo) -> db::Result<PartyNo> {
        if let Some(anchor) = self.get(no).and_then(|node| node.anchor) {
            return Ok(anchor);
        }
        let expected = match self.party_numbers.left {
            0 => self.nodes.values().filter(|(node, _)| node.anchor.is_none()).count().min(256),
            _ => 1,
        };
        let number = self.party_numbers.take(scope, tx, PARTIES, expected)?;
        let party = PartyNo(u32::try_from(number).map_err(|_| db::Error::Other("too many parties".into()))?);
        if let Some(node) = self.get_mut(no) {
            node.anchor = Some(party);
        }
        Ok(party)
    }

    /// The parties that facts under these nodes may belong to, whenever they happened.
    ///
    /// # Errors
    /// As the database says.
    pub fn parties_behind(
        &mut self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        nodes: impl IntoIterator<Item = NodeNo>,
    ) -> db::Result<BTreeSet<PartyNo>> {
        let mut parties = BTreeSet::new();
        let mut numbers = BTreeSet::from_iter(nodes);
        // A device is held via a mobile, the mobile via one of its eras: never deeper.
        for _ in 0..3 {
            self.load(scope, tx, &Vec::from_iter(numbers.iter().copied()))?;
            let found: Vec<&Node> = numbers.iter().filter_map(|no| self.get(*no)).collect();
            parties.extend(found.iter().map(|node| node.party));
            let split: Vec<NodeNo> = found.iter().filter(|node| node.is_split).map(|node| node.no).collect();
            if split.is_empty() {
                break;
            }
            numbers = holder::holder_of(scope, tx, &split)?.into_iter().filter_map(|row| row.via).collect();
        }
        parties.remove(&PartyNo(0));
        Ok(parties)
    }

    /// Whether a node is in the database already, and may have facts.
    pub fn is_stored(&self, no: NodeNo) -> bool {
        self.nodes.get(&no).is_some_and(|(_, stored)| stored.is_some())
    }

    /// Writes what changed, in order of key, so that two workers never wait for each other in a ring. Adds
    /// the parties that gained or lost a node, and those that facts moved between.
    ///
    /// # Errors
    /// As the database says.
    pub fn write(&mut self, scope: &Scope, tx: &mut Tx<'_>, resolved: &mut Resolved) -> db::Result<()> {
        let mut changed: Vec<Node> = Vec::new();
        for (node, stored) in self.nodes.values_mut() {
            if stored.as_ref() != Some(node) {
                let before = stored.as_ref().map_or(PartyNo(0), |node| node.party);
                let is_earlier = stored.as_ref().is_some_and(|stored| stored.first != node.first);
                if before != node.party || is_earlier {
                    let both = [before, node.party].into_iter().filter(|party| party.0 > 0);
                    resolved.regrouped.extend(both.clone());
                    if before != node.party && stored.is_some() {
                        resolved.rewritten.extend(both);
                    }
                }
                changed.push(node.clone());
                *stored = Some(node.clone());
            }
        }
        changed.sort_unstable_by_key(|node| node.no);
        node::node_put(scope, tx, &changed)
    }
}

impl Numbers {
    fn take(
        &mut self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        name: &'static str,
        expected: usize,
    ) -> db::Result<u64> {
        if self.left == 0 {
            self.left = expected.max(1) as u64;
            self.next = number_reserve(scope, tx, name, self.left)?;
        }
        self.left -= 1;
        self.next += 1;
        Ok(self.next - 1)
    }
}

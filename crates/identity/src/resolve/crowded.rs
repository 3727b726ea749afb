//! What nobody looks behind: identifiers seen with too many others.

use std::collections::HashSet;

use db::Tx;
use kernel::{NodeNo, Scope};

use crate::store::crowded::{self, Via};

/// The crowded identifiers of a workspace under its rules, as far as known. One that is missing costs time
/// and nothing else: it is found out again from its edges.
#[derive(Debug, Default)]
pub struct Crowded {
    linking: HashSet<NodeNo>,
    shared: HashSet<NodeNo>,
}

impl Crowded {
    /// Those stored.
    ///
    /// # Errors
    /// As the database says.
    pub fn load(scope: &Scope, tx: &mut Tx<'_>) -> db::Result<Self> {
        Ok(crowded::crowded_all(scope, tx)?.into_iter().collect())
    }

    /// Whether it was seen with too many of its own strength, so that it links nobody.
    pub fn links_nobody(&self, no: NodeNo) -> bool {
        self.linking.contains(&no)
    }

    /// Whether a soft identifier was used by too many to be anybody's own.
    pub fn is_shared(&self, no: NodeNo) -> bool {
        self.shared.contains(&no)
    }

    /// Adds and stores what was found out.
    pub(super) fn add(
        &mut self,
        scope: &Scope,
        tx: &mut Tx<'_>,
        nodes: impl IntoIterator<Item = NodeNo>,
        via: Via,
    ) -> db::Result<()> {
        let set = match via {
            Via::Edge => &mut self.linking,
            Via::Touch => &mut self.shared,
        };
        let fresh: Vec<(NodeNo, Via)> =
            nodes.into_iter().filter(|no| set.insert(*no)).map(|no| (no, via)).collect();
        crowded::crowded_put(scope, tx, &fresh)
    }
}

impl FromIterator<(NodeNo, Via)> for Crowded {
    fn from_iter<I: IntoIterator<Item = (NodeNo, Via)>>(nodes: I) -> Self {
        let (linking, shared): (Vec<_>, Vec<_>) = nodes.into_iter().partition(|(_, via)| *via == Via::Edge);
        let set = |nodes: Vec<(NodeNo, Via)>| nodes.into_iter().map(|(no, _)| no).collect();
        Self { linking: set(linking), shared: set(shared) }
    }
}

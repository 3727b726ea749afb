//! Tables of identity. Nodes, edges, touches and claims are facts and only ever grow; parties,
//! holders, contested edges and crowded nodes are derived from them by clustering and can be rebuilt at any time.

pub mod claim;
pub mod contested;
pub mod crowded;
pub mod decision;
pub mod definition;
pub mod digest;
pub mod edge;
pub mod holder;
pub mod moved;
pub mod node;
pub mod regrouped;
pub mod touch;

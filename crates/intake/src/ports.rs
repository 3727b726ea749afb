//! What intake needs from others: the list of sources, and a place where frames become durable.

use std::pin::Pin;
use std::sync::Arc;

use kernel::{SourceNo, WorkspaceNo};

/// One place events come from, such as a shop's web site; it owns one write key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// The workspace its events belong to.
    pub workspace: WorkspaceNo,
    /// Its number inside the workspace.
    pub no: SourceNo,
    /// Its public id.
    pub id: String,
    /// Whether it may send at present.
    pub is_enabled: bool,
    /// The web origins (`https://shop.example`) whose pages may send; empty for any.
    pub allowed_origins: Vec<String>,
    /// How many events a second it may send; 0 for no limit.
    pub events_per_second: u32,
}

/// Finds sources. Called on every request, so it answers from memory.
pub trait Sources: Send + Sync {
    /// The source with this write key.
    fn by_write_key(&self, key: &str) -> Option<Arc<Source>>;
    /// The source that takes the events of this 神策 project, for SDKs that send no token.
    fn by_project(&self, project: &str) -> Option<Arc<Source>>;
}

/// What [`Land::land`] resolves to.
pub type Landing<'a> = Pin<Box<dyn Future<Output = kernel::Result<()>> + Send + 'a>>;

/// Makes frames durable.
pub trait Land: Send + Sync {
    /// Into how many partitions this source's frames are split.
    fn partitions(&self, source: &Source) -> u32;

    /// Appends one encoded frame to a partition, a number below [`Land::partitions`], and resolves when
    /// it is durable. Events of one person always come with the same partition.
    ///
    /// # Errors
    /// `Unavailable` is answered with 503 and `LimitExceeded` with 429, so that the sender tries again.
    fn land(&self, source: &Source, partition: u64, frame: Vec<u8>) -> Landing<'_>;
}

//! An open installation: its store, and what every request needs to know of workspaces and sources.
//!
//! The list of workspaces and sources is kept in memory, because the collector asks for it with every
//! request; [`Installation::reload`] reads it again after a change (and, for changes other processes
//! made, from time to time). Tokens are looked up in the database and remembered briefly.

use std::collections::HashMap;
use std::sync::Arc;

use db::{Pool, Store};
use kernel::id::IdSource;
use kernel::time::{Clock, SECOND};
use kernel::{Failure, Instant, Scope, WorkspaceNo};
use parking_lot::RwLock;

use crate::store::source::source_all;
use crate::store::token::token_scope;
use crate::store::workspace::workspace_all;
use crate::{Source, Workspace, credential};

/// For how long a token that was just proved is believed without asking again: the longest a revoked
/// one still works.
const TOKEN_BELIEVED_MICROS: i64 = 5 * SECOND;
/// Remembered tokens; then all are forgotten.
const TOKENS_MAX: usize = 10_000;

/// Everything a process shares. Cheap to clone.
#[derive(Clone)]
pub struct Installation {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdSource>,
    known: RwLock<Known>,
    tokens: RwLock<HashMap<[u8; 32], (Instant, Scope)>>,
}

#[derive(Default)]
struct Known {
    workspaces: Vec<Arc<Workspace>>,
    sources: Vec<Arc<Source>>,
    by_write_key: HashMap<[u8; 32], Arc<Source>>,
    by_project: HashMap<String, Arc<Source>>,
}

impl Installation {
    /// Opens an installation over its store.
    ///
    /// # Errors
    /// As the database says.
    pub fn open(store: Store, clock: Arc<dyn Clock>, ids: Arc<dyn IdSource>) -> kernel::Result<Self> {
        let inner = Inner { store, clock, ids, known: RwLock::default(), tokens: RwLock::default() };
        let installation = Self { inner: Arc::new(inner) };
        installation.reload()?;
        Ok(installation)
    }

    /// Reads workspaces and sources again.
    ///
    /// # Errors
    /// As the database says.
    pub fn reload(&self) -> kernel::Result<()> {
        let pool = self.inner.store.installation()?;
        let (workspaces, sources) =
            pool.read(|tx| Ok::<_, db::Error>((workspace_all(tx)?, source_all(tx)?)))?;
        let workspaces = workspaces.into_iter().map(Arc::new).collect();
        let sources: Vec<Arc<Source>> = sources.into_iter().map(Arc::new).collect();
        let by_write_key = sources.iter().map(|s| (s.write_key_hash, Arc::clone(s))).collect();
        let by_project =
            sources.iter().filter_map(|s| Some((s.sensors_project.clone()?, Arc::clone(s)))).collect();
        *self.inner.known.write() = Known { workspaces, sources, by_write_key, by_project };
        Ok(())
    }

    /// The store.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The clock.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    /// Where fresh ids come from.
    pub fn ids(&self) -> &Arc<dyn IdSource> {
        &self.inner.ids
    }

    /// Now.
    pub fn now(&self) -> Instant {
        self.inner.clock.now()
    }

    /// The tables of the caller's workspace.
    ///
    /// # Errors
    /// As the database says.
    pub fn pool(&self, scope: &Scope) -> kernel::Result<Pool> {
        Ok(self.inner.store.workspace(scope.workspace)?)
    }

    /// Every workspace.
    pub fn workspaces(&self) -> Vec<Arc<Workspace>> {
        self.inner.known.read().workspaces.clone()
    }

    /// A workspace by number.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there is none.
    pub fn workspace(&self, no: WorkspaceNo) -> kernel::Result<Arc<Workspace>> {
        let known = self.inner.known.read();
        let found = known.workspaces.iter().find(|w| w.no == no).cloned();
        found.ok_or_else(|| Failure::not_found("workspace"))
    }

    /// The sources of the caller's workspace.
    pub fn sources(&self, scope: &Scope) -> Vec<Arc<Source>> {
        let known = self.inner.known.read();
        known.sources.iter().filter(|s| s.workspace == scope.workspace).cloned().collect()
    }

    /// The source with this write key.
    pub fn source_by_write_key(&self, write_key: &str) -> Option<Arc<Source>> {
        self.inner.known.read().by_write_key.get(&credential::hash(write_key)).cloned()
    }

    /// The source bound to this 神策 project.
    pub fn source_by_project(&self, project: &str) -> Option<Arc<Source>> {
        self.inner.known.read().by_project.get(project).cloned()
    }
}

impl web::Authenticate for Installation {
    fn authenticate(&self, token: &str) -> kernel::Result<Scope> {
        let now = self.now();
        let hash = credential::hash(token);
        if let Some((until, scope)) = self.inner.tokens.read().get(&hash)
            && now < *until
        {
            return Ok(scope.clone());
        }
        let pool = self.inner.store.installation()?;
        let scope = pool.read(|tx| token_scope(tx, token, now))?;
        let mut tokens = self.inner.tokens.write();
        if tokens.len() >= TOKENS_MAX {
            tokens.clear();
        }
        tokens.insert(hash, (now.plus(TOKEN_BELIEVED_MICROS), scope.clone()));
        Ok(scope)
    }
}

//! Reads of a workspace with its identity rules at hand: what the routes of identity and of everything
//! above share.

use std::collections::HashMap;
use std::sync::Arc;

use db::Tx;
use kernel::{Scope, WorkspaceNo};
use parking_lot::Mutex;
use workspace::Installation;

use crate::resolve::Identity;
use crate::rules::Rules;
use crate::store::definition::{rules_current, rules_version};

/// The rules in force when they were last asked for, with their version.
type Known = HashMap<WorkspaceNo, (u64, Arc<Rules>)>;

/// Reads any workspace of an installation. Cheap to clone; clones share what they know.
#[derive(Clone)]
pub struct Reader {
    installation: Installation,
    rules: Arc<Mutex<Known>>,
}

impl Reader {
    /// A reader that knows no rules yet.
    pub fn new(installation: Installation) -> Self {
        Self { installation, rules: Arc::default() }
    }

    /// The installation.
    pub fn installation(&self) -> &Installation {
        &self.installation
    }

    /// Runs `work` over one consistent picture of the caller's workspace, off the async threads.
    ///
    /// # Errors
    /// As the database or `work` says.
    pub async fn read<T: Send + 'static>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T> + Send + 'static,
    ) -> Result<T, web::Problem> {
        let (reader, scope) = (self.clone(), scope.clone());
        web::blocking(move || reader.read_now(&scope, work)).await
    }

    /// The same on a thread that may wait.
    ///
    /// # Errors
    /// As the database or `work` says.
    pub fn read_now<T>(
        &self,
        scope: &Scope,
        work: impl FnOnce(&Identity<'_>, &mut Tx<'_>) -> kernel::Result<T>,
    ) -> kernel::Result<T> {
        let secret = self.installation.workspace(scope.workspace)?.secret;
        self.installation.pool(scope)?.read(|tx| {
            let rules = self.rules(scope, tx)?;
            work(&Identity { scope, secret: &secret, rules: &rules }, tx)
        })
    }

    /// The rules in force. Reading and indexing them costs more than a profile, so they are kept until
    /// their version changes.
    fn rules(&self, scope: &Scope, tx: &mut Tx<'_>) -> kernel::Result<Arc<Rules>> {
        let version = rules_version(scope, tx)?;
        if let Some((known, rules)) = self.rules.lock().get(&scope.workspace)
            && *known == version
        {
            return Ok(Arc::clone(rules));
        }
        let (version, rules) = rules_current(scope, tx)?;
        let rules = Arc::new(rules);
        self.rules.lock().insert(scope.workspace, (version, Arc::clone(&rules)));
        Ok(rules)
    }
}

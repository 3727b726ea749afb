//! Which kinds of job there are.

use std::sync::Arc;

use activation::consent::ConsentFacts;
use activation::list::SendList;
use identity::reading::Reader;
use intake::command::Commands;
use jobs::{Kinds, Work};
use kernel::{Failure, Scope};
use upkeep::replace::{Answered, Answering, Query};
use upkeep::{FitTag, Queries, RefreshAudience, RefreshConstants, RefreshTag, ReplaceTag};

use crate::dispatcher::ledgers;
use crate::land::Joints;
use crate::runtime::Runtime;
use crate::sql::Ask;

/// Every context's kinds, over what runs.
pub fn all(runtime: &Runtime) -> Kinds {
    let joints = Arc::new(Joints { runtime: runtime.clone() });
    let (reader, guard) = (Reader::new(runtime.installation().clone()), runtime.guard().clone());
    let lists = SendList::new(reader, guard, ledgers(), Arc::new(ConsentFacts));
    let commands = || Arc::clone(&joints) as Arc<dyn Commands>;
    let kinds: Vec<Arc<dyn Work>> = vec![
        Arc::new(lists),
        Arc::new(RefreshAudience { commands: commands() }),
        Arc::new(RefreshTag { commands: commands() }),
        Arc::new(RefreshConstants { commands: commands() }),
        Arc::new(FitTag { commands: commands() }),
        Arc::new(ReplaceTag { queries: Arc::clone(&joints) as Arc<dyn Queries>, commands: commands() }),
    ];
    Kinds::new(kinds)
}

impl Queries for Joints {
    fn ask<'a>(&'a self, scope: &'a Scope, query: &'a Query) -> Answering<'a> {
        Box::pin(async move {
            let sandbox = self.runtime.sandbox();
            let sandbox = sandbox.ok_or_else(|| Failure::unavailable("this process has no lake to ask"))?;
            let workspace = self.runtime.installation().workspace(scope.workspace)?.name.clone();
            let Query { sql, rows, seconds, memory_mib } = query.clone();
            let ask = Ask { workspace, sql, rows, seconds, memory_mib, is_clear: false };
            let answer = sandbox.ask(scope.workspace, &ask).await?;
            Ok(Answered { columns: answer.columns, rows: answer.rows, is_cut: answer.is_cut })
        })
    }
}

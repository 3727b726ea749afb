//! Which kinds of job there are.

use std::sync::Arc;

use activation::consent::ConsentFacts;
use activation::list::SendList;
use identity::reading::Reader;
use insight::refresh::RefreshAudience;
use jobs::{Kinds, Work};

use crate::dispatcher::ledgers;
use crate::land::Joints;
use crate::runtime::Runtime;

/// Every context's kinds, over what runs.
pub fn all(runtime: &Runtime) -> Kinds {
    let joints = Arc::new(Joints { runtime: runtime.clone() });
    let (reader, guard) = (Reader::new(runtime.installation().clone()), runtime.guard().clone());
    let lists = SendList::new(reader, guard, ledgers(), Arc::new(ConsentFacts));
    let kinds: Vec<Arc<dyn Work>> = vec![Arc::new(RefreshAudience { commands: joints }), Arc::new(lists)];
    Kinds::new(kinds)
}

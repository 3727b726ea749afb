//! Which kinds of job there are.

use std::sync::Arc;

use insight::refresh::RefreshAudience;
use jobs::{Kinds, Work};

use crate::land::Joints;
use crate::runtime::Runtime;

/// Every context's kinds, over what runs.
pub fn all(runtime: &Runtime) -> Kinds {
    let joints = Arc::new(Joints { runtime: runtime.clone() });
    let kinds: Vec<Arc<dyn Work>> = vec![Arc::new(RefreshAudience { commands: joints })];
    Kinds::new(kinds)
}

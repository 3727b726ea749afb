//! Which kinds of job there are.

use std::sync::Arc;

use insight::refresh::RefreshAudience;
use insight::refresh::everybody::{FitTag, RefreshConstants};
use insight::refresh::tag::RefreshTag;
use intake::command::Commands;
use jobs::{Kinds, Work};

use crate::land::Joints;
use crate::replace::ReplaceTag;
use crate::runtime::Runtime;

/// Every context's kinds, over what runs.
pub fn all(runtime: &Runtime) -> Kinds {
    let commands: Arc<dyn Commands> = Arc::new(Joints { runtime: runtime.clone() });
    let kinds: Vec<Arc<dyn Work>> = vec![
        Arc::new(RefreshAudience { commands: Arc::clone(&commands) }),
        Arc::new(RefreshTag { commands: Arc::clone(&commands) }),
        Arc::new(RefreshConstants { commands: Arc::clone(&commands) }),
        Arc::new(FitTag { commands: Arc::clone(&commands) }),
        Arc::new(ReplaceTag { runtime: runtime.clone(), commands }),
    ];
    Kinds::new(kinds)
}

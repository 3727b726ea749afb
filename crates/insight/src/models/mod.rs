//! Built-in models as tags, scores and stages.

use serde_json::Value as Json;

use crate::live::Prepared;

/// The model of a name with settings; `None` if there is no such model.
pub fn prepare(model: &str, config: &Json) -> Option<kernel::Result<Box<dyn Prepared>>> {
    let _ = (model, config);
    None
}

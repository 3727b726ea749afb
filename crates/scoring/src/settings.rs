//! Every number of every definition, with its default; a workspace may change each of them.

use serde::{Deserialize, Serialize};

use crate::activity;

/// Settings of all models.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// Of activity.
    pub activity: activity::Settings,
}

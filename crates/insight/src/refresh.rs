//! The job that looks at everybody again for a scheduled audience, as a schedule of the audience names it. What it
//! does is in `upkeep`.

use serde_json::{Value, json};

/// The name of the kind.
pub const AUDIENCE_REFRESH_KIND: &str = "audience.refresh";

/// The input of a job that refreshes an audience.
pub fn input(audience: &str) -> Value {
    json!({ "audience": audience })
}

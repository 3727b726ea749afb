//! What is learned of everybody: of a seed what its people have in common, and the constants of models.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::{Any, One, read};
use crate::command::client::Api;
use crate::command::party::text;
use crate::command::say;

/// Learn from the seed of a look-alike.
#[derive(Clone, Debug, Args)]
pub(super) struct Fit {
    #[command(flatten)]
    pub(super) one: One,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
}

/// Compute the constants of models.
#[derive(Clone, Debug, Args)]
pub(super) struct Constants {
    /// What models call them; those of all built-in models if absent
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// File with the settings as JSON, or `-` for standard input; those of the last time if absent
    #[arg(long, value_name = "FILE|-")]
    config: Option<PathBuf>,
    /// As of when, such as 2026-06-30T00:00:00Z; now if absent
    #[arg(long, value_name = "TIME")]
    as_of: Option<String>,
    #[command(flatten)]
    pub(super) any: Any,
}

impl Fit {
    pub(super) async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        api.post(&["tags", &self.one.key, "fit"], &json!({ "as_of": self.as_of })).await
    }
}

impl Constants {
    pub(super) async fn run(&self, api: &Api) -> anyhow::Result<Value> {
        let config = self.config.as_ref().map(read).transpose()?;
        let body = json!({ "name": self.name, "config": config, "as_of": self.as_of });
        api.post(&["constants", "refresh"], &body).await
    }
}

/// Tells what was learned of a seed.
pub(super) fn tell_fit(fit: &Value) {
    let (seeds, people) = (&fit["seeds"], &fit["people"]);
    let (confidence, method) = (text(&fit["confidence"]), text(&fit["method"]));
    say(format_args!("{seeds} of the seed, {people} ranked; {confidence} confidence ({method})"));
    if fit["refusal"] != Value::Null {
        say(format_args!("  {}", text(&fit["refusal"])));
    }
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    say(format_args!(
        "the first {} are from percentile {:.2} on",
        fit["size"],
        number(&fit["from_percentile"])
    ));
    for feature in fit["features"].as_array().into_iter().flatten() {
        say(format_args!("{:>9.3}  {}", number(&feature["weight"]), text(&feature["name"])));
    }
    for point in fit["curve"].as_array().into_iter().flatten() {
        let (recall, lift) = (100.0 * number(&point["recall"]), number(&point["lift"]));
        say(format_args!(
            "{:>9} people: {recall:.1} % of hidden seeds, {lift:.1} times chance",
            point["size"]
        ));
    }
}

/// Tells which constants there are now.
pub(super) fn tell_constants(constants: &Value) {
    let parties = &constants["body"]["parties"];
    say(format_args!("{}  version {}, of {parties} parties", text(&constants["name"]), constants["version"]));
}

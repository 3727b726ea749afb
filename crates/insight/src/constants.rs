//! Computing what is known of everybody together, for a route and for a job alike.
//!
//! Constants are kept with the settings they were computed by. Computing them again without a word about
//! settings takes those of the last time, so that a schedule does not have to repeat them.

use db::Tx;
use identity::resolve::Identity;
use kernel::{Failure, Instant};
use models::{CONSTANTS, Config};
use serde_json::{Map, Value};
use workspace::Installation;

use crate::commands::PutConstants;
use crate::models::batch::{Batch, constants};
use crate::routes::{weights, zone};
use crate::store::constant::constant_current;

/// Where the settings stand among the constants.
const CONFIG: &str = "config";

/// Which constants are to be computed.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// What models call them; those of all built-in models if nothing is said.
    pub name: Option<String>,
    /// The settings, as in a definition; those of the last time if nothing is said.
    pub config: Option<Value>,
    /// As of when.
    pub as_of: Instant,
}

/// Computes constants over everybody. `go_on` is called now and then and ends the work with its failure.
///
/// # Errors
/// [`Failure::Invalid`] for settings that make no sense; as `go_on` or the database says.
pub fn compute(
    installation: &Installation,
    identity: &Identity<'_>,
    tx: &mut Tx<'_>,
    asked: &Asked,
    go_on: &mut dyn FnMut() -> kernel::Result<()>,
) -> kernel::Result<PutConstants> {
    let name = asked.name.clone().unwrap_or_else(|| CONSTANTS.to_owned());
    let known = constant_current(identity.scope, tx)?.remove(&name);
    let known: Value = known.and_then(|known| serde_json::from_str(&known.body).ok()).unwrap_or_default();
    let config = asked.config.clone().or_else(|| known.get(CONFIG).cloned());
    let config = config.unwrap_or_else(|| Value::Object(Map::new()));
    let (read, before) = (Config::read(&config)?, serde_json::from_value(known).ok());
    let (weights, zone) = (weights(installation, identity.scope), zone(installation, identity.scope)?);
    let batch = Batch { weights: &weights, config: &read, zone, as_of: asked.as_of, before: before.as_ref() };
    let found = constants(identity, tx, &batch, go_on)?;
    let mut body = serde_json::to_value(&found).map_err(Failure::internal)?;
    body[CONFIG] = config;
    Ok(PutConstants { name, body })
}

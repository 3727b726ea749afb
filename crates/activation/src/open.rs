//! From a definition to a way out: secrets are opened here and nowhere else.

use std::sync::Arc;

use channels::webhook::{Key, Webhook};
use channels::{Channel, Guard};
use db::Tx;
use kernel::{Failure, Instant, Scope};

use crate::rules::definition::Target;
use crate::seal::Sealer;
use crate::store::secret::secret_by_id;

/// A secret in clear, for as long as a channel needs it.
pub struct Opened {
    /// Its id.
    pub id: String,
    /// The credential.
    pub current: String,
    /// The one before, while it is being replaced.
    pub previous: Option<String>,
    /// When it was last changed.
    pub changed: Instant,
}

/// Opens the secrets of a target.
///
/// # Errors
/// [`Failure::Invalid`] if one is not there.
pub fn secrets(
    scope: &Scope,
    tx: &mut Tx<'_>,
    sealer: &Sealer,
    target: &Target,
    now: Instant,
) -> kernel::Result<Vec<Opened>> {
    let open = |id: &&str| {
        let secret = secret_by_id(scope, tx, id)?;
        let secret =
            secret.ok_or_else(|| Failure::invalid("secret", format!("there is no secret `{id}`")))?;
        let previous = secret.previous.as_deref().filter(|_| now < secret.previous_until);
        Ok(Opened {
            current: sealer.open(id, &secret.sealed)?,
            previous: previous.map(|sealed| sealer.open(id, sealed)).transpose()?,
            id: secret.id,
            changed: secret.changed,
        })
    };
    target.secrets().iter().map(open).collect()
}

/// Makes the way out to a target.
///
/// # Errors
/// [`Failure::Invalid`] for an address that may not be reached, or a secret that is none.
pub fn channel(guard: &Guard, target: &Target, secrets: &[Opened]) -> kernel::Result<Arc<dyn Channel>> {
    let of = |id: &str| {
        let found = secrets.iter().find(|secret| secret.id == id);
        found.ok_or_else(|| Failure::invalid("secret", format!("there is no secret `{id}`")))
    };
    Ok(match target {
        Target::Webhook { url, secret } => {
            let secret = of(secret)?;
            let texts = std::iter::once(&secret.current).chain(&secret.previous);
            let keys = texts.map(|text| Key::parse(text)).collect::<kernel::Result<Vec<_>>>()?;
            Arc::new(Webhook::new(guard.clone(), guard.url("target.url", url)?, keys)?)
        }
    })
}

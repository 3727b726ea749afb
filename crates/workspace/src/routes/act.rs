//! One change of the installation's tables on behalf of a workspace: announced, made, made known.

use db::Tx;
use kernel::{Failure, Scope};
use serde_json::{Value, json};

use crate::Installation;
use crate::store::audit::audit_append;

/// What is about to happen, for the audit log.
pub(super) struct Act<'a> {
    /// What, for example `source.create`.
    pub action: &'static str,
    /// The id it happens to.
    pub subject: &'a str,
    /// The particulars, without secrets and personal data.
    pub detail: Value,
}

/// Announces `act`, makes `change`, and reads workspaces and sources again. If the change fails, a second
/// entry says so.
///
/// # Errors
/// As the databases or `change` say; nothing of the change is kept then.
pub(super) fn perform<T>(
    installation: &Installation,
    scope: &Scope,
    act: &Act<'_>,
    change: impl FnOnce(&mut Tx<'_>) -> kernel::Result<T>,
) -> kernel::Result<T> {
    record(installation, scope, act.action, act.subject, &act.detail)?;
    let changed = installation.store().installation()?.write(change);
    if let Err(failure) = &changed {
        let action = format!("{}.failed", act.action);
        record(installation, scope, &action, act.subject, &json!({ "code": failure.code() }))?;
        return changed;
    }
    installation.reload()?;
    changed
}

fn record(
    installation: &Installation,
    scope: &Scope,
    action: &str,
    subject: &str,
    detail: &Value,
) -> kernel::Result<()> {
    let at = installation.now();
    let entry = |tx: &mut Tx<'_>| audit_append(scope, tx, at, action, subject, &detail.to_string());
    installation.pool(scope)?.write(entry).map_err(Failure::from)
}

//! `headwater migrate`: brings the tables up to date, as `serve` does when it starts, and says how.

use std::process::ExitCode;

use clap::Args;
use db::{MigrationState, Store};
use serde_json::json;

use super::say;
use super::setting::Setting;

/// Bring the tables up to date.
///
/// Every command that opens an installation does so too; this one is for doing it at a time of your choice.
/// Exit code 1 if --check finds something to apply.
#[derive(Clone, Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    setting: Setting,
    /// Only say what would be applied
    #[arg(long)]
    check: bool,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

impl Migrate {
    /// Migrates and prints what was applied.
    ///
    /// # Errors
    /// There is no installation, or a migration fails.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        if self.setting.store.is_none() {
            Setting::existing(&self.setting.data)?;
        }
        let location = self.setting.location();
        let before = Store::migrations(&location)?;
        let open: Vec<&MigrationState> = before.iter().filter(|m| !m.is_applied).collect();
        if !self.check {
            let installation = self.setting.open()?;
            for workspace in installation.workspaces() {
                installation.store().workspace(workspace.no)?;
            }
        }
        self.tell(&open, before.len() - open.len());
        Ok(if self.check && !open.is_empty() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    fn tell(&self, open: &[&MigrationState], present: usize) {
        let verb = if self.check { "pending" } else { "applied" };
        if self.json {
            let item = |m: &&MigrationState| json!({ "database": m.database, "name": m.name });
            say(json!({ verb: open.iter().map(item).collect::<Vec<_>>(), "present": present }));
            return;
        }
        for migration in open {
            say(format_args!("{verb}  {}  {}", migration.database, migration.name));
        }
        if open.is_empty() {
            say(format_args!("up to date ({present} migrations)"));
        }
    }
}

//! `headwater init`: a workspace, its first source, and a token that may do everything in it.

use std::process::ExitCode;

use clap::Args;
use kernel::scope::Permissions;
use serde_json::json;
use workspace::Installation;
use workspace::credential;
use workspace::store::source::{NewSource, source_create};
use workspace::store::token::{NewToken, token_create};
use workspace::store::workspace::{NewWorkspace, TIME_ZONE, workspace_create};

use super::say;
use super::setting::Setting;

/// Create a workspace with a source and an API token.
#[derive(Clone, Debug, Args)]
pub struct Init {
    #[command(flatten)]
    setting: Setting,
    /// Name of the workspace
    #[arg(long, value_name = "NAME")]
    workspace: String,
    /// Write key of its first source; a fresh one if absent (choose one only for tests and migrations)
    #[arg(long, value_name = "KEY")]
    write_key: Option<String>,
    /// Accept 神策 requests that name only this project
    #[arg(long, value_name = "NAME")]
    sensors_project: Option<String>,
    /// Ordered parts of its event log; more than one only pays with several workers on PostgreSQL
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=64))]
    partitions: u32,
    /// Time zone of its days, weeks and months
    #[arg(long, value_name = "NAME", default_value = TIME_ZONE)]
    time_zone: String,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// A workspace that was just created.
#[derive(Clone, Debug)]
pub struct Created {
    /// Its name.
    pub workspace: String,
    /// The write key of its first source.
    pub write_key: String,
    /// A token with every permission.
    pub api_token: String,
}

/// What to create.
#[derive(Clone, Debug)]
pub struct New<'a> {
    /// Name of the workspace.
    pub workspace: &'a str,
    /// Write key of its first source.
    pub write_key: Option<&'a str>,
    /// The 神策 project bound to it.
    pub sensors_project: Option<&'a str>,
    /// Partitions of its log.
    pub partitions: u32,
    /// The IANA name of its time zone.
    pub time_zone: &'a str,
}

impl Init {
    /// Creates the workspace and prints its credentials, once.
    ///
    /// # Errors
    /// The name or write key is taken, or the store cannot be written.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let installation = self.setting.open()?;
        let new = New {
            workspace: &self.workspace,
            write_key: self.write_key.as_deref(),
            sensors_project: self.sensors_project.as_deref(),
            partitions: self.partitions,
            time_zone: &self.time_zone,
        };
        let created = create(&installation, &new)?;
        let Created { workspace, write_key, api_token } = created;
        if self.json {
            say(json!({ "workspace": workspace, "write_key": write_key, "api_token": api_token }));
        } else {
            say(format_args!("workspace  {workspace}\nwrite key  {write_key}\nAPI token  {api_token}"));
            say("Keep the token; it is not shown again.");
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Creates a workspace.
///
/// # Errors
/// The name or write key is taken, or the store cannot be written.
pub fn create(installation: &Installation, new: &New<'_>) -> kernel::Result<Created> {
    criteria::Zone::named(new.time_zone)
        .ok_or_else(|| kernel::Failure::invalid("time_zone", "an IANA name such as `Asia/Shanghai`"))?;
    let (ids, now) = (installation.ids(), installation.now());
    let write_key = new.write_key.map_or_else(|| credential::write_key(&ids.secret()), str::to_owned);
    let token = credential::token(&ids.fresh(), &ids.secret());
    let workspace = installation.store().installation()?.write(|tx| {
        let New { workspace: name, partitions, time_zone, .. } = *new;
        let workspace = NewWorkspace { name, secret: ids.secret(), partitions, time_zone };
        let workspace = workspace_create(tx, &workspace, now)?;
        let source = NewSource {
            workspace: workspace.no,
            id: "default",
            write_key: &write_key,
            sensors_project: new.sensors_project,
        };
        source_create(tx, &source, now)?;
        let permissions = Permissions::all();
        let owner = NewToken { workspace: workspace.no, name: "owner", permissions, expires: None };
        token_create(tx, &token, &owner, now)?;
        Ok::<_, kernel::Failure>(workspace)
    })?;
    installation.store().workspace(workspace.no)?;
    installation.reload()?;
    Ok(Created { workspace: workspace.name, write_key, api_token: token.text })
}

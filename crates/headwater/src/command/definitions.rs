//! `headwater plan`, `apply` and `export DIR`: what a workspace defines, as files; on a terminal.

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use definitions::{Answer, Planned, Server};
use serde_json::Value;

use super::audience::every;
use super::client::{self, Api, Connection, Refused};
use super::say;

/// Show what applying a folder of definitions would change.
///
/// Ends with 0 if nothing would, 2 if something would, and 1 if the definitions cannot be applied.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    #[command(flatten)]
    common: Common,
}

/// Make a workspace as a folder of definitions says.
#[derive(Clone, Debug, Args)]
pub struct Apply {
    #[command(flatten)]
    common: Common,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Clone, Debug, Args)]
struct Common {
    /// Folder of definitions
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// Also remove what the folder does not name
    #[arg(long)]
    prune: bool,
    #[command(flatten)]
    connection: Connection,
}

/// Something would change.
const CHANGES: u8 = 2;

impl Plan {
    /// Shows the plan.
    ///
    /// # Errors
    /// The definitions cannot be read or applied, or the server refuses.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let session = self.common.connection.open().await?;
            let planned = self.common.plan(&session.api).await;
            session.close().await;
            Ok(match planned? {
                Some(planned) if !planned.is_empty() => ExitCode::from(CHANGES),
                Some(_) => ExitCode::SUCCESS,
                None => ExitCode::FAILURE,
            })
        })
    }
}

impl Apply {
    /// Shows the plan, asks, and carries it out.
    ///
    /// # Errors
    /// The definitions cannot be read or applied, or the server refuses.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        client::run(async {
            let session = self.common.connection.open().await?;
            let applied = self.apply(&session.api).await;
            session.close().await;
            applied
        })
    }

    async fn apply(&self, api: &Api) -> anyhow::Result<ExitCode> {
        let Some(planned) = self.common.plan(api).await? else { return Ok(ExitCode::FAILURE) };
        if planned.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !agreed()? {
            say("nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
        definitions::apply(api, &planned, &mut |line| say(line)).await?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Common {
    async fn plan(&self, api: &Api) -> anyhow::Result<Option<Planned>> {
        definitions::plan(api, &self.folder, self.prune, &mut |line| say(line)).await
    }
}

/// Writes what a workspace defines into a folder.
///
/// # Errors
/// The server refuses, a file there cannot be read, or the folder cannot be written.
pub async fn export(api: &Api, folder: &Path) -> anyhow::Result<ExitCode> {
    definitions::export(api, folder, &mut |line| say(line)).await?;
    Ok(ExitCode::SUCCESS)
}

fn agreed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        anyhow::bail!("nobody is there to ask; give --yes");
    }
    let mut out = std::io::stderr().lock();
    write!(out, "Make these changes? [y/N] ")?;
    out.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

impl Server for Api {
    fn get<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a> {
        Box::pin(Api::get(self, path, &[]))
    }

    fn every<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a, Vec<Value>> {
        Box::pin(async move {
            let mut answer = every(self, path, &[], usize::MAX).await?;
            Ok(answer["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
        })
    }

    fn post<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a> {
        Box::pin(Api::post(self, path, body))
    }

    fn put<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a> {
        Box::pin(Api::put(self, path, body))
    }

    fn patch<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a> {
        Box::pin(Api::patch(self, path, body))
    }

    fn delete<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a> {
        Box::pin(Api::delete(self, path))
    }

    fn is_invalid(&self, error: &anyhow::Error) -> bool {
        error.downcast_ref::<Refused>().is_some_and(|refused| refused.status == 422)
    }
}

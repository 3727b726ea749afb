//! `headwater plan`, `apply` and `export DIR`: what a workspace defines, as files that people review.
//!
//! One file is one definition, `<folder>/<name>.yaml`, and names its id. A plan compares the files with the
//! workspace; applying carries the plan out through the public API, so a token may change no more than it
//! may elsewhere. Everything is checked before anything is changed. Files are only written by `export`, and
//! only those whose definition is another one, so comments survive.

mod check;
mod diff;
mod files;
mod kinds;
mod plan;

use std::io::{BufRead, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::client::{self, Api, Connection};
use super::say;
use kinds::{Kind, World};
use plan::{Planned, Step};

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
                Some(planned) if !planned.steps.is_empty() => ExitCode::from(CHANGES),
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
        if planned.steps.is_empty() {
            return Ok(ExitCode::SUCCESS);
        }
        if !self.yes && !agreed()? {
            say("nothing was changed");
            return Ok(ExitCode::FAILURE);
        }
        for (done, step) in planned.steps.iter().enumerate() {
            match step.kind.carry_out(api, step).await {
                Ok(note) => {
                    say(format_args!("{step}{}", note.map_or_else(String::new, |n| format!(": {n}"))))
                }
                Err(error) => {
                    let left = planned.steps.len() - done;
                    let rest = format!("{done} of {} changes are made; {left} are not", planned.steps.len());
                    return Err(error.context(format!("{step}; {rest}: put it right and apply again")));
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Common {
    /// Makes the plan and prints it; nothing if the definitions are wrong, which is printed instead.
    async fn plan(&self, api: &Api) -> anyhow::Result<Option<Planned>> {
        let read = files::read(&self.folder)?;
        let world = World::fetch(api).await?;
        let faults = check::check(&read, &world);
        if !faults.is_empty() {
            faults.iter().for_each(say);
            say(format_args!("{} mistakes; nothing was changed", faults.len()));
            return Ok(None);
        }
        let planned = plan::plan(&read.definitions, &world, self.prune);
        for step in &planned.steps {
            say(step);
            step.differences(&world).iter().for_each(|line| say(format_args!("    {line}")));
            for line in step.kind.foresee(api, step, &world).await? {
                say(format_args!("    {line}"));
            }
        }
        say(planned.summary());
        Ok(Some(planned))
    }
}

/// Writes what a workspace defines into a folder. A file whose definition is the same stays as it is.
///
/// # Errors
/// The server refuses, a file there cannot be read, or the folder cannot be written.
pub async fn export(api: &Api, folder: &Path) -> anyhow::Result<ExitCode> {
    let world = World::fetch(api).await?;
    let read = if folder.try_exists()? { files::read(folder)? } else { files::Read::default() };
    if let Some(fault) = read.faults.first() {
        anyhow::bail!("{fault}; a file that cannot be read is not written over");
    }
    let (mut written, mut kept) = (0, 0);
    for item in world.items() {
        let known = read.definitions.iter().find(|file| file.kind == item.kind && file.id == item.id);
        if known.is_some_and(|file| plan::is_same(item, &file.body, &world)) {
            kept += 1;
            continue;
        }
        let path =
            known.map_or_else(|| folder.join(files::place(item.kind, &item.id)), |file| file.path.clone());
        files::write(&path, &item.id, &item.body)?;
        say(path.display());
        written += 1;
    }
    say(format_args!("{written} files written, {kept} left as they are"));
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

impl std::fmt::Display for Step {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mark = match (&self.old, &self.new) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        };
        write!(f, "{mark} {} {}", self.kind.word(), client::plain(&self.id))?;
        match &self.path {
            Some(path) => write!(f, "  ({})", path.display()),
            None => Ok(()),
        }
    }
}

impl Kind {
    /// What one definition of it is called.
    fn word(self) -> &'static str {
        self.folder().1
    }
}

//! What a workspace defines, as files that people review.
//!
//! One file is one definition, `<folder>/<name>.yaml`, and names its id. A plan compares the files with the
//! workspace; applying carries the plan out through the public API, so a token may change no more than it
//! may elsewhere. Everything is checked before anything is changed. Files are only written by [`export`],
//! and only those whose definition is another one, so comments survive.
//!
//! Where the server is and what a terminal shows, the caller decides.

mod check;
mod diff;
mod files;
mod kinds;
mod plan;
mod secret;

use std::fmt::{self, Display};
use std::path::Path;
use std::pin::Pin;

use serde_json::Value;

use kinds::World;
pub use plan::{Planned, Step};

/// An answer on its way.
pub type Answer<'a, T = Value> = Pin<Box<dyn Future<Output = anyhow::Result<T>> + Send + 'a>>;

/// The public API, as far as definitions need it. Paths are below `/api/v1`.
pub trait Server: Sync {
    /// `GET`.
    fn get<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a>;

    /// All items of a list.
    fn every<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a, Vec<Value>>;

    /// `POST`.
    fn post<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a>;

    /// `PUT`.
    fn put<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a>;

    /// `PATCH`.
    fn patch<'a>(&'a self, path: &'a [&'a str], body: &'a Value) -> Answer<'a>;

    /// `DELETE`.
    fn delete<'a>(&'a self, path: &'a [&'a str]) -> Answer<'a>;

    /// Whether an error is the server's word that what was sent is wrong.
    fn is_invalid(&self, error: &anyhow::Error) -> bool;
}

/// Says a line to whoever asked.
pub type Say<'a> = &'a mut (dyn FnMut(&dyn Display) + Send);

/// Makes the plan of a folder and tells it; nothing if the definitions are wrong, which is told instead.
/// With `prunes`, what no file names goes.
///
/// # Errors
/// The folder cannot be read, or the server refuses.
pub async fn plan(
    server: &dyn Server,
    folder: &Path,
    prunes: bool,
    say: Say<'_>,
) -> anyhow::Result<Option<Planned>> {
    let read = files::read(folder)?;
    let world = World::fetch(server).await?;
    let faults = check::check(&read, &world);
    if !faults.is_empty() {
        faults.iter().for_each(|fault| say(fault));
        say(&format_args!("{} mistakes; nothing was changed", faults.len()));
        return Ok(None);
    }
    let planned = plan::plan(&read.definitions, &world, prunes);
    for step in &planned.steps {
        say(step);
        let foreseen = step.kind.foresee(server, step, &world).await?;
        for line in step.differences(&world).iter().chain(&foreseen) {
            say(&format_args!("    {line}"));
        }
    }
    say(&planned.summary());
    Ok(Some(planned))
}

/// Carries a plan out, step by step.
///
/// # Errors
/// The server refuses a step; those before it are made, and the error says how many.
pub async fn apply(server: &dyn Server, planned: &Planned, say: Say<'_>) -> anyhow::Result<()> {
    for (done, step) in planned.steps.iter().enumerate() {
        match step.kind.carry_out(server, step).await {
            Ok(note) => {
                let note = note.map_or_else(String::new, |note| format!(": {note}"));
                say(&format_args!("{step}{note}"));
            }
            Err(error) => {
                let left = planned.steps.len() - done;
                let rest = format!("{done} of {} changes are made; {left} are not", planned.steps.len());
                return Err(error.context(format!("{step}; {rest}: put it right and apply again")));
            }
        }
    }
    Ok(())
}

/// Writes what a workspace defines into a folder. A file whose definition is the same stays as it is.
///
/// # Errors
/// The server refuses, a file there cannot be read, or the folder cannot be written.
pub async fn export(server: &dyn Server, folder: &Path, say: Say<'_>) -> anyhow::Result<()> {
    let world = World::fetch(server).await?;
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
        let new = || folder.join(files::place(item.kind, &item.id));
        let path = known.map_or_else(new, |file| file.path.clone());
        files::write(&path, &item.id, &item.body)?;
        say(&path.display());
        written += 1;
    }
    say(&format_args!("{written} files written, {kept} left as they are"));
    Ok(())
}

impl Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match (&self.old, &self.new) {
            (None, _) => "+",
            (_, None) => "-",
            _ => "~",
        };
        write!(f, "{mark} {} {}", self.kind.folder().1, plain(&self.id))?;
        match &self.path {
            Some(path) => write!(f, "  ({})", path.display()),
            None => Ok(()),
        }
    }
}

/// Text of others, safe to print: nothing in it moves the cursor or colours the terminal.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

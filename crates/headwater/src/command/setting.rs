//! Where an installation is: the arguments every command has.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use clap::Args;
use db::{Location, Store};
use kernel::Failure;
use lake::Place;
use workspace::{Installation, Workspace};

use crate::logs::LogLocation;
use crate::machine::{MachineClock, MachineIds};

/// Where the data are.
#[derive(Clone, Debug, Args)]
pub struct Setting {
    /// Folder of the installation
    #[arg(long, value_name = "DIR", default_value = "data", env = "HEADWATER_DATA")]
    pub data: PathBuf,
    /// Keep state in PostgreSQL (postgres://user:password@host/database) instead of files in the folder
    #[arg(long, value_name = "URL", env = "HEADWATER_STORE")]
    pub store: Option<String>,
    /// Keep the event log in NATS JetStream (nats://host:port) instead of files in the folder
    #[arg(long, value_name = "URL", env = "HEADWATER_LOG")]
    pub log: Option<String>,
    /// Keep the lake in this folder or bucket (s3://bucket/prefix, with `AWS_ENDPOINT_URL`, `AWS_REGION`,
    /// `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`) instead of in the folder
    #[arg(long, value_name = "PLACE", env = "HEADWATER_LAKE")]
    pub lake: Option<String>,
}

impl Setting {
    /// The installation that is in a folder already; none is created.
    ///
    /// # Errors
    /// [`Failure::NotFound`] if there is none.
    pub fn existing(folder: &Path) -> anyhow::Result<Self> {
        if !folder.join("headwater.db").try_exists()? {
            return Err(Failure::not_found(format!("an installation in {}", folder.display())).into());
        }
        Ok(Self { data: folder.to_owned(), store: None, log: None, lake: None })
    }

    /// Where the databases are.
    pub fn location(&self) -> Location {
        match &self.store {
            Some(url) => Location::Postgres(url.clone()),
            None => Location::Directory(self.data.clone()),
        }
    }

    /// Below which folder or prefix the lakes are.
    ///
    /// # Errors
    /// A bucket without credentials in the environment.
    #[allow(clippy::disallowed_methods, reason = "credentials of a bucket are read once, at the start")]
    pub fn lakes(&self) -> kernel::Result<Place> {
        match &self.lake {
            None => Ok(Place::Disk(self.data.join("lake"))),
            Some(place) => {
                Ok(Place::parse(place, |name| std::env::var(name).ok()).map_err(lake::Error::from)?)
            }
        }
    }

    /// Where the logs are.
    pub fn log_location(&self) -> LogLocation {
        match &self.log {
            Some(url) => LogLocation::Nats(url.clone()),
            None => LogLocation::Directory(self.data.join("log")),
        }
    }

    /// Opens the installation; its tables are created or brought up to date.
    ///
    /// # Errors
    /// A folder or database that cannot be opened.
    pub fn open(&self) -> anyhow::Result<Installation> {
        std::fs::create_dir_all(&self.data)
            .with_context(|| format!("creating the folder {}", self.data.display()))?;
        let store = Store::open(&self.location()).context("opening the store")?;
        let clock = Arc::new(MachineClock::default());
        Ok(Installation::open(store, clock, Arc::new(MachineIds))?)
    }
}

/// The workspace of this name, or the only one there is.
///
/// # Errors
/// [`Failure::NotFound`] if there is none, or more than one and no name.
pub fn one_workspace(installation: &Installation, name: Option<&str>) -> anyhow::Result<Arc<Workspace>> {
    let workspaces = installation.workspaces();
    let mut wanted =
        workspaces.into_iter().filter(|workspace| name.is_none_or(|name| name == workspace.name));
    let (Some(workspace), None) = (wanted.next(), wanted.next()) else {
        return Err(Failure::not_found("exactly one workspace of this name; use --workspace").into());
    };
    Ok(workspace)
}

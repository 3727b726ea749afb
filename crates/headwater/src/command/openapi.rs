//! `headwater openapi`: the document a client is generated from.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use db::{Location, Store};
use workspace::Installation;

use super::say;
use crate::http::Server;
use crate::logs::LogLocation;
use crate::machine::{MachineClock, MachineIds};
use crate::runtime::{Options, Runtime};

/// Print the OpenAPI document of the API.
#[derive(Clone, Debug, Args)]
pub struct Openapi {}

impl Openapi {
    /// Prints the document.
    ///
    /// # Errors
    /// A temporary folder cannot be made.
    pub fn run(self) -> anyhow::Result<ExitCode> {
        let document = document()?;
        say(document.to_pretty_json()?);
        Ok(ExitCode::SUCCESS)
    }
}

/// The document, made by a server that never listens.
///
/// # Errors
/// A temporary folder cannot be made.
pub fn document() -> anyhow::Result<utoipa::openapi::OpenApi> {
    let folder = tempfile::tempdir()?;
    let store = Store::open(&Location::Directory(folder.path().to_owned()))?;
    let installation = Installation::open(store, Arc::new(MachineClock::default()), Arc::new(MachineIds))?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let options = Options {
        log: LogLocation::Directory(folder.path().join("log")),
        collects: false,
        processes: false,
        partitions: Vec::new(),
        worker: pipeline::Options::default(),
        reserve_bytes: None,
        lake: None,
        sandbox: None,
        guard: channels::Guard::default(),
        cluster: None,
        sabotage: crate::runtime::Sabotage::default(),
    };
    Ok(Server::new(Runtime::new(installation, options, runtime.handle().clone())).document())
}

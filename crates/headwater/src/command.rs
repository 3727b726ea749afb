//! The commands of the binary, one file each, and what they share.

pub mod audience;
pub mod client;
pub mod cluster;
pub mod definitions;
pub mod demo;
pub mod destination;
pub mod export;
pub mod import;
pub mod init;
pub mod job;
pub mod lake;
pub mod local;
pub mod migrate;
pub mod openapi;
pub mod party;
pub mod replay;
pub mod schedule;
pub mod serve;
pub mod setting;
pub mod tag;
pub mod verify;

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Customer data platform in one binary: collect, One ID, profile, timeline.
#[derive(Debug, Parser)]
#[command(name = "headwater", version, propagate_version = true, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

// A variant's own comment would hide the longer help of its command.
#[derive(Debug, Subcommand)]
enum Command {
    /// Create a workspace with a source and an API token
    Init(init::Init),
    /// Collect, process and serve
    Serve(serve::Serve),
    Demo(demo::Demo),
    Import(import::Import),
    Export(export::Export),
    Plan(definitions::Plan),
    Apply(definitions::Apply),
    Party(party::Party),
    Audience(audience::Audience),
    Tag(tag::Tag),
    Job(job::Job),
    Schedule(schedule::Schedule),
    Destination(destination::Destination),
    /// The lake's tables
    Lake(lake::LakeCommand),
    Query(lake::Query),
    #[command(hide = true)]
    SqlWorker(crate::sql::SqlWorker),
    Replay(replay::Replay),
    Migrate(migrate::Migrate),
    /// Rebuild the state from the log and compare
    Verify(verify::Verify),
    /// Print the OpenAPI document of the API
    Openapi(openapi::Openapi),
}

/// Runs a command.
///
/// # Errors
/// Whatever kept the command from doing what it is for.
pub fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    match arguments.command {
        Command::Init(init) => init.run(),
        Command::Serve(serve) => serve.run(),
        Command::Demo(demo) => demo.run(),
        Command::Import(import) => import.run(),
        Command::Export(export) => export.run(),
        Command::Plan(plan) => plan.run(),
        Command::Apply(apply) => apply.run(),
        Command::Party(party) => party.run(),
        Command::Audience(audience) => audience.run(),
        Command::Tag(tag) => tag.run(),
        Command::Job(job) => job.run(),
        Command::Schedule(schedule) => schedule.run(),
        Command::Destination(destination) => destination.run(),
        Command::Lake(lake) => lake.run(),
        Command::Query(query) => query.run(),
        Command::SqlWorker(worker) => worker.run(),
        Command::Replay(replay) => replay.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Verify(verify) => verify.run(),
        Command::Openapi(openapi) => openapi.run(),
    }
}

/// Prints an error for people.
#[allow(clippy::print_stderr, reason = "this is what a command line is for")]
pub fn report(error: &anyhow::Error) {
    eprintln!("error: {error:#}");
}

/// Exit codes, as `sysexits.h` has them: 65 bad data, 66 not found, 69 unavailable, 70 internal,
/// 77 no permission, 78 a damaged or wrongly configured store; 1 for anything else.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    use kernel::Failure;
    if let Some(log::Error::Corrupt { .. }) = error.downcast_ref::<log::Error>() {
        return ExitCode::from(78);
    }
    if let Some(refused) = error.downcast_ref::<client::Refused>() {
        return ExitCode::from(refused.exit_code());
    }
    if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        return ExitCode::from(66);
    }
    ExitCode::from(match error.downcast_ref::<Failure>() {
        Some(Failure::Invalid { .. } | Failure::LimitExceeded { .. } | Failure::Conflict { .. }) => 65,
        Some(Failure::NotFound { .. }) => 66,
        Some(Failure::Unavailable { .. }) => 69,
        Some(Failure::Internal(_)) => 70,
        _ => 1,
    })
}

/// Prints a line of a command's result. A reader that has seen enough (`| head`) is no error.
pub fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

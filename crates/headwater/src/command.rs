//! The commands of the binary, one file each, and what they share.

pub mod init;
pub mod openapi;
pub mod serve;
pub mod setting;
pub mod verify;

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

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a workspace with a source and an API token
    Init(init::Init),
    /// Collect, process and serve
    Serve(serve::Serve),
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
/// 78 a damaged or wrongly configured store; 1 for anything else.
pub fn exit_code(error: &anyhow::Error) -> ExitCode {
    use kernel::Failure;
    if let Some(log::Error::Corrupt { .. }) = error.downcast_ref::<log::Error>() {
        return ExitCode::from(78);
    }
    ExitCode::from(match error.downcast_ref::<Failure>() {
        Some(Failure::Invalid { .. } | Failure::LimitExceeded { .. } | Failure::Conflict { .. }) => 65,
        Some(Failure::NotFound { .. }) => 66,
        Some(Failure::Unavailable { .. }) => 69,
        Some(Failure::Internal(_)) => 70,
        _ => 1,
    })
}

/// Prints a line of a command's result.
#[allow(clippy::print_stdout, reason = "this is what a command line is for")]
pub fn say(line: impl std::fmt::Display) {
    println!("{line}");
}

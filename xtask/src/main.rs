//! The build system beside cargo: one command for whatever a person or CI does with this repository.
//!
//! `cargo xtask <command>`; `cargo xtask help` lists them. Everything that can be an ordinary cargo
//! call is one, so nothing here needs to be learnt before `cargo test` works.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a command-line tool talks on its streams")]

mod commands;
mod setup;
mod shell;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Build, check and test Headwater")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what building and testing need and this machine lacks
    Setup,
    /// Serve a scratch data directory (data/dev) on 127.0.0.1:8080
    Dev,
    /// Formatting, clippy without warnings, tidy
    Check,
    /// The rules of this repository that a machine can hold
    Tidy,
    /// check, every Rust test, every SDK test
    Test,
    /// Real SDKs against a real server
    E2e,
    /// setup, test, a short crash drill, licences where cargo-deny is installed
    Ci,
    /// Run one benchmark in release mode: cargo xtask bench <name> [arguments]
    Bench {
        /// The benchmark, and what it is to be told
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Compare stream, lake and specification on random rules; every planted mistake must be noticed
    Property {
        /// How many rules
        #[arg(long, default_value_t = 100_000)]
        cases: u64,
    },
    /// Kill the server and the log at seeded moments and look for what was lost
    Drill {
        /// How often to kill
        #[arg(long, default_value_t = 200)]
        cycles: u32,
    },
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        // The chain of causes, without a backtrace: what failed is nearly always another program.
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> anyhow::Result<()> {
    match command {
        Command::Setup => setup::run(),
        Command::Dev => commands::dev(),
        Command::Check => commands::check(),
        Command::Tidy => tidy::run(),
        Command::Test => commands::test(),
        Command::E2e => commands::e2e(),
        Command::Ci => commands::ci(),
        Command::Bench { arguments } => commands::bench(&arguments),
        Command::Property { cases } => commands::property(cases),
        Command::Drill { cycles } => commands::drill(cycles).and_then(|()| commands::truths()),
    }
}

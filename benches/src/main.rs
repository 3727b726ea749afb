//! Measures the real thing: the server as a process of its own, the pipeline's worker on a real log.
//!
//! Every benchmark prints the machine, the data set, medians, and the ratio to a yardstick measured in
//! the same run. None fails because of a time. Data lie in `target/bench`, on the disk that is measured.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's result is what it prints")]
#![allow(clippy::disallowed_methods, reason = "a benchmark measures itself with the machine's clock")]

mod audience;
mod collect;
mod drain;
mod footprint;
mod http;
mod journal;
mod parties;
mod pipeline_bench;
mod place;
mod profile_read;
mod report;
mod rules;
mod server;
mod startup;
mod traffic;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask bench", about = "Measure Headwater on this machine")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Subcommand)]
enum Bench {
    /// Durable events and requests a second at the collector
    Collect(collect::Collect),
    /// Events a second from the log to the committed state
    Pipeline(pipeline_bench::Pipeline),
    /// Latency of profiles and timelines over a million parties
    ProfileRead(profile_read::ProfileRead),
    /// Questions over everybody against DuckDB and ClickHouse; tags; memberships; the lake's own cost
    Audience(audience::Audience),
    /// Time to ready after a kill
    Startup(startup::Startup),
    /// Memory of an idle server, bytes on disk
    Footprint(footprint::Footprint),
    /// Everything above, one after the other
    All,
}

fn main() -> ExitCode {
    // A server under measurement is this program again: the same code as the `headwater` binary, in a
    // process of its own, and never older than the benchmark.
    let arguments: Vec<String> = std::env::args().collect();
    if arguments.get(1).is_some_and(|name| name == server::AS_HEADWATER) {
        return as_headwater(&arguments[1..]);
    }
    match run(Arguments::parse().bench) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn as_headwater(arguments: &[String]) -> ExitCode {
    use headwater::command::{Arguments, exit_code, report, run};
    run(Arguments::parse_from(arguments)).unwrap_or_else(|error| {
        report(&error);
        exit_code(&error)
    })
}

fn run(bench: Bench) -> anyhow::Result<()> {
    report::machine();
    match bench {
        Bench::Collect(bench) => bench.run(),
        Bench::Pipeline(bench) => bench.run(),
        Bench::ProfileRead(bench) => bench.run(),
        Bench::Audience(bench) => bench.run(),
        Bench::Startup(bench) => bench.run(),
        Bench::Footprint(bench) => bench.run(),
        Bench::All => {
            collect::Collect::parse_from(["collect"]).run()?;
            pipeline_bench::Pipeline::parse_from(["pipeline"]).run()?;
            profile_read::ProfileRead::parse_from(["profile-read"]).run()?;
            startup::Startup::parse_from(["startup"]).run()?;
            footprint::Footprint::parse_from(["footprint"]).run()?;
            audience::Audience::parse_from(["audience"]).run()
        }
    }
}

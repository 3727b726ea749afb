//! `headwater`: one binary, every role. What the commands do is in the library beside this file.

use std::process::ExitCode;

use clap::Parser;
use headwater::command::{Arguments, run};

fn main() -> ExitCode {
    // Two are linked: without a choice the first TLS connection would panic. A second choice is no error.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(code) => code,
        Err(error) => {
            headwater::command::report(&error);
            headwater::command::exit_code(&error)
        }
    }
}

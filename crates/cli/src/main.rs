//! `aisle`: desk and centre from a terminal, the third shell over the same use cases as the window.

mod args;
mod central;
mod desk;
#[cfg(feature = "dev")]
mod dev;
mod exit;
mod output;

use std::process::ExitCode;

use clap::Parser;

use crate::{args::Cli, exit::Failure, output::Output};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not errors; clap prints each where it belongs.
            let code = if error.use_stderr() { exit::USAGE } else { 0 };
            return if error.print().is_ok() { ExitCode::from(code) } else { ExitCode::from(exit::UNEXPECTED) };
        }
    };
    let output = Output::new(&cli.global);
    output::init_logs(&cli.global);
    match run(&cli, output) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            output.failure(&failure);
            ExitCode::from(failure.exit_code())
        }
    }
}

fn run(cli: &Cli, output: Output) -> Result<u8, Failure> {
    match &cli.command {
        args::Command::Central(command) => central::run(command, &cli.global, output),
        #[cfg(feature = "dev")]
        args::Command::Dev(command) => dev::run(command, output),
        command => desk::run(command, &cli.global, output),
    }
}

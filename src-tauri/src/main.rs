//! `aisle-desk`: the window, a thin shell over the use cases of `aisle-app`. It opens the data folder's desk, shows the
//! page, hands its calls to the one table of commands and the desk's events to the page, rings alarms, and stays in
//! the tray when the window is closed.

#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod alarm;
mod desk;
#[cfg(target_os = "linux")]
mod drawing;
mod notice;
mod quit;
mod rpc;
mod shell;
mod tray;

use std::{io::Write, path::PathBuf, process::ExitCode};

use clap::Parser;
use tracing_subscriber::EnvFilter;

/// The window of Aisle, the order desk of a store.
#[derive(Debug, Parser)]
#[command(name = "aisle-desk", version)]
struct Args {
    /// Data folder; the platform's own for this user without it.
    #[arg(long, env = "AISLE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            // Without a window there is only this place to say it.
            drop(writeln!(std::io::stderr(), "aisle-desk: {message}"));
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<(), String> {
    if cfg!(target_os = "linux")
        && !["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
    {
        return Err("there is no screen to show a window on; `aisle serve` shows the desk in a browser".into());
    }
    let data = match args.data {
        Some(data) => data,
        None => aisle_host::default_data_folder().map_err(|error| error.message)?,
    };
    shell::run(data).map_err(|error| format!("the window cannot be shown: {error}"))
}

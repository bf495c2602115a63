//! What needs somebody, and backups.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{ActFlags, PageFlags, field};

#[derive(Debug, Subcommand)]
pub(crate) enum Outbox {
    /// Changes in the order of acting
    List {
        /// held, ready, sent, received or refused
        #[arg(long)]
        state: Option<String>,
        #[command(flatten)]
        page: PageFlags,
    },
    /// One change
    Show { change: String },
    /// Take back a change without a number
    Withdraw { change: String },
    /// Send a refused change again from what is there now, with other values where they are given
    Resend {
        change: String,
        /// field=value
        #[arg(value_parser = field)]
        fields: Vec<(String, String)>,
        #[command(flatten)]
        act: ActFlags,
    },
    /// Close a refused change that needs no fix
    Close { change: String },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Parked {
    /// Messages that could not be applied, with why
    List,
    /// One, with all that came
    Show { id: String },
    /// Read one again, or all, and apply what can be applied now
    Retry { id: Option<String> },
}

/// Which value stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Keep {
    /// This desk's
    Mine,
    /// Central's
    Central,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Conflict {
    /// Fields that desk and central both changed
    List,
    /// Decide one
    Resolve {
        id: String,
        #[arg(long, value_enum)]
        keep: Keep,
        #[command(flatten)]
        act: ActFlags,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A file that aisle backup wrote
    pub(crate) file: PathBuf,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

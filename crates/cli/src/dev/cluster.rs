//! A real cluster that outlives the command which starts it.

use std::path::PathBuf;

use aisle_testkit::kafka::{Cluster, ClusterError, ClusterOptions, Kit};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    exit::{self, Failure},
    output::Output,
};

#[derive(Debug, Args)]
pub(crate) struct Place {
    /// The cluster's folder
    #[arg(long)]
    dir: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Machine {
    /// Its number, from 1
    number: usize,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ClusterCommand {
    /// Start three machines
    Start {
        #[command(flatten)]
        place: Place,
        #[arg(long, default_value_t = 3)]
        nodes: usize,
    },
    /// End all machines and remove the folder
    Stop(Place),
    /// End one machine at once
    Kill(Machine),
    /// Stop one machine in its tracks
    Pause(Machine),
    /// Let a paused machine go on
    Resume(Machine),
    /// Start a machine again
    Up(Machine),
}

impl From<ClusterError> for Failure {
    fn from(error: ClusterError) -> Self {
        Self::new("unreachable", error.to_string())
    }
}

pub(super) fn run(command: &ClusterCommand, output: Output) -> Result<u8, Failure> {
    let kit = Kit::find()?;
    let attach = |place: &Place| Cluster::attach(&kit, &place.dir);
    match command {
        ClusterCommand::Start { place, nodes } => {
            let options = ClusterOptions { nodes: *nodes, ..ClusterOptions::default() };
            let mut cluster = Cluster::start(&kit, &place.dir, &options)?;
            cluster.leave_running();
            output.result(&json!({ "brokers": cluster.brokers(), "pids": cluster.pids() }))?;
        }
        ClusterCommand::Stop(place) => attach(place)?.destroy(),
        ClusterCommand::Kill(machine) => attach(&machine.place)?.kill(machine.number)?,
        ClusterCommand::Pause(machine) => attach(&machine.place)?.pause(machine.number)?,
        ClusterCommand::Resume(machine) => attach(&machine.place)?.resume(machine.number)?,
        ClusterCommand::Up(machine) => attach(&machine.place)?.up(machine.number)?,
    }
    Ok(exit::OK)
}

//! For development: a real cluster on this machine, measurements, and the programme that tries to break the promises.
//! Not in packages.

mod bench;
mod cluster;
pub(crate) mod fault;
mod torture;

use clap::Subcommand;

use crate::{exit::Failure, output::Output};

#[derive(Debug, Subcommand)]
pub(crate) enum Dev {
    /// A real Kafka cluster on free loopback ports
    #[command(subcommand)]
    Cluster(cluster::ClusterCommand),
    /// Measures one row of the design's table beside its limit
    Bench(bench::Bench),
    /// Tries to break the promises, part by part
    Torture(torture::Torture),
}

pub(crate) fn run(command: &Dev, output: Output) -> Result<u8, Failure> {
    match command {
        Dev::Cluster(command) => cluster::run(command, output),
        Dev::Bench(bench) => bench::run(bench, output),
        Dev::Torture(torture) => torture::run(torture, output),
    }
}

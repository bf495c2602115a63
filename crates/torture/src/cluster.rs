//! T5, T6, T7, T11, T15, growth, silence, the chain and the storm: stores, workers and a centre on a real cluster of three
//! machines, most of which is hurt. Workers are real processes of the built program, killed by their ids; the cluster's
//! machines are too. Desks run in this process, with the sync that the program runs, since a process for each act would be
//! too slow for the load.

mod chain;
mod counters;
mod desk;
mod failover;
mod growth;
mod load;
mod log;
mod loss;
mod network;
mod second;
mod served;
mod silence;
mod soak;
mod storm;
mod town;
mod work;
mod workers;

use std::path::{Path, PathBuf};

use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};

pub use chain::chain;
pub use counters::{Counters, Worst};
pub use failover::{FailOver, t5, went_on_soon};
pub use growth::growth;
pub use loss::t7;
pub use network::t6;
pub use silence::silence;
pub use soak::soak;
pub use storm::storm;
pub use work::{Hurts, t11};

/// What every part needs.
#[derive(Debug, Clone)]
pub struct Ground {
    /// Kafka's jars.
    pub kit: Kit,
    /// The built program, of which workers are processes.
    pub program: PathBuf,
    /// Where everything lies; on a disk, since what a power cut leaves is what counts.
    pub dir: PathBuf,
    /// Of all chances.
    pub seed: u64,
}

impl Ground {
    fn cluster(&self, options: &ClusterOptions) -> Cluster {
        Cluster::start(&self.kit, &self.dir.join("kafka"), options).expect("a cluster")
    }

    fn folder(&self, name: &str) -> PathBuf {
        let folder = self.dir.join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        folder
    }
}

/// How much of the load of a real chain a run carries.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Stores, each with one desk.
    pub stores: usize,
    /// Acts a second at all desks together.
    pub rate: u64,
    /// Worker processes.
    pub workers: usize,
}

/// The last lines of a file, for whoever asks why.
fn tail(file: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// What is known beside the counters, for whoever looks into a run.
#[allow(clippy::print_stderr, reason = "a test programme says what it finds")]
fn say(words: &str) {
    eprintln!("{words}");
}

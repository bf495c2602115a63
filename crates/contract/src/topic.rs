//! Topic names and the settings they are made with.

use std::collections::BTreeMap;

use aisle_domain::{Lane, StoreId, store::Durability};

use crate::MAX_VALUE_BYTES;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// The names of all topics under one prefix (`aisle` unless set otherwise).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicNames {
    prefix: String,
}

impl Default for TopicNames {
    fn default() -> Self {
        Self::new("aisle")
    }
}

impl TopicNames {
    /// The names under `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.into() }
    }

    /// The prefix.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// All stores' changes and heartbeats.
    pub fn changes(&self) -> String {
        format!("{}.changes", self.prefix)
    }

    /// A store's feed of one lane; one partition.
    pub fn feed(&self, store: StoreId, lane: Lane) -> String {
        format!("{}.store.{store}.{}", self.prefix, lane.word())
    }

    /// The group that a store's desks name: they join none, but the cluster wants one named.
    pub fn desk_group(&self, store: StoreId) -> String {
        format!("{}-store-{store}", self.prefix)
    }

    /// What a worker could not apply.
    pub fn dead_letters(&self) -> String {
        format!("{}.dead-letters", self.prefix)
    }
}

/// A topic as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSpec {
    /// Its name.
    pub name: String,
    /// At least this many partitions.
    pub partitions: i32,
    /// Copies of each partition.
    pub replication: i32,
    /// Settings that must have exactly these values.
    pub settings: BTreeMap<&'static str, String>,
}

/// How many copies must be in sync for a write to count.
fn min_in_sync(replication: i32, durability: Durability) -> i32 {
    match durability {
        Durability::All => replication,
        Durability::Majority => replication / 2 + 1,
    }
}

fn spec(
    name: String,
    partitions: i32,
    replication: i32,
    durability: Durability,
    own: &[(&'static str, String)],
) -> TopicSpec {
    let mut settings = BTreeMap::from([
        ("min.insync.replicas", min_in_sync(replication, durability).to_string()),
        ("unclean.leader.election.enable", "false".to_owned()),
        // A desk with a wrong clock must not be turned away, nor have its records expire early.
        ("message.timestamp.type", "LogAppendTime".to_owned()),
    ]);
    settings.extend(own.iter().cloned());
    TopicSpec { name, partitions, replication, settings }
}

impl TopicNames {
    /// `aisle.changes`.
    pub fn changes_spec(&self, partitions: i32, replication: i32, durability: Durability) -> TopicSpec {
        let own = [
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", (30 * DAY_MS).to_string()),
            ("max.message.bytes", (MAX_VALUE_BYTES + 100_000).to_string()),
        ];
        spec(self.changes(), partitions, replication, durability, &own)
    }

    /// Both feeds of a store, counted as written on the majority.
    pub fn feed_specs(&self, store: StoreId, replication: i32) -> Vec<TopicSpec> {
        let own = [
            ("cleanup.policy", "compact".to_owned()),
            // The active segment is never compacted: without this a quiet feed would keep every version.
            ("segment.ms", DAY_MS.to_string()),
            ("max.message.bytes", (MAX_VALUE_BYTES + 100_000).to_string()),
        ];
        Lane::ALL
            .into_iter()
            .map(|lane| spec(self.feed(store, lane), 1, replication, Durability::Majority, &own))
            .collect()
    }

    /// `aisle.dead-letters`: takes 64 KiB more than `aisle.changes`, for the reasons in its headers.
    pub fn dead_letters_spec(&self, replication: i32) -> TopicSpec {
        let own = [
            ("cleanup.policy", "delete".to_owned()),
            ("retention.ms", (90 * DAY_MS).to_string()),
            ("max.message.bytes", (MAX_VALUE_BYTES + 100_000 + 65_536).to_string()),
        ];
        spec(self.dead_letters(), 3, replication, Durability::Majority, &own)
    }
}

//! What the loops share: options, status, events.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use aisle_contract::{StoreKey, TopicNames};
use aisle_domain::{Chance, Timestamp, store::Durability};
use aisle_mirror::FeedApplied;
use serde::{Deserialize, Serialize};

use crate::{connectivity::LinkStatus, feed::FeedStatus};

/// What an enrolled desk signs with. It may be known only later than the desk opens, once its secrets can be read: until
/// then nothing is sent.
#[derive(Debug, Clone, Default)]
pub struct SigningKey(Arc<OnceLock<StoreKey>>);

impl SigningKey {
    /// The key, where it is known.
    pub fn get(&self) -> Option<&StoreKey> {
        self.0.get()
    }

    /// From now on it is known. A key that is known stays.
    pub fn learn(&self, key: StoreKey) {
        // Whoever was first learned the same: a desk that runs is not enrolled anew.
        let _ = self.0.set(key);
    }
}

impl From<StoreKey> for SigningKey {
    fn from(key: StoreKey) -> Self {
        let known = Self::default();
        known.learn(key);
        known
    }
}

/// How a desk syncs.
#[derive(Debug, Clone)]
pub struct SyncOptions {
    /// The topics.
    pub names: TopicNames,
    /// Between pushes; spread by a fifth.
    pub push_interval: Duration,
    /// Whether decisions leave at once while the line is up.
    pub push_decisions_at_once: bool,
    /// The program's version, for heartbeats.
    pub version: String,
    /// The desk's name, for heartbeats.
    pub desk_name: String,
    /// Spreads waits, and makes ids and incarnations.
    pub chance: Chance,
    /// What changes and heartbeats are signed with, where the desk was enrolled.
    pub key: Option<SigningKey>,
    /// When a change counts as written, until the store's row says it.
    pub durability: Durability,
}

/// The cluster's machines and this store's partition, from metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaStatus {
    /// Machines that answer.
    pub brokers: usize,
    /// Copies there should be.
    pub replicas: usize,
    /// Copies in sync.
    pub in_sync: usize,
}

/// Where the sync is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncStatus {
    /// The line.
    pub link: LinkStatus,
    /// A feed is behind its end.
    pub catching_up: bool,
    /// Both feeds.
    pub feeds: Vec<FeedStatus>,
    /// The last push that reached the cluster.
    pub last_push_at: Option<Timestamp>,
    /// The next one.
    pub next_push_at: Option<Timestamp>,
    /// The last message from central.
    pub last_received_at: Option<Timestamp>,
    /// Central's clock minus this computer's.
    pub clock_offset_ms: Option<i64>,
    /// The cluster, once it was asked.
    pub cluster: Option<ReplicaStatus>,
    /// Whole intervals between pushes that something waits already: to be sent, or sent and without central's word.
    pub missed_pushes: u32,
    /// A push is under way.
    pub pushing: bool,
    /// How long the cluster lately makes this desk wait, since it sent more than it may.
    pub throttled_ms: Option<i64>,
}

/// What the sync tells, after it is committed.
#[derive(Debug, Clone)]
pub enum SyncEvent {
    /// A batch of a feed was applied.
    Feed(FeedApplied),
    /// States of changes moved.
    Outbox,
    /// The status changed.
    Status(SyncStatus),
}

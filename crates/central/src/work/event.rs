//! What a centre at work tells.

use aisle_domain::{DeskId, StoreId, Timestamp};
use serde::Serialize;

/// Something that happened, and when by central's clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkEvent {
    /// When.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub what: WorkEventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum WorkEventKind {
    /// Something does not work yet and is tried again.
    Waiting {
        /// The partition it is about, where it is about one.
        partition: Option<i32>,
        /// The error's code.
        code: &'static str,
        /// In words.
        message: String,
        /// Until the next try.
        retry_in_ms: u64,
    },
    /// A worker has a partition.
    Taken {
        /// The partition.
        partition: i32,
        /// Its term.
        term: i64,
    },
    /// A worker reads from here on.
    Reading {
        /// The partition.
        partition: i32,
        /// Next offset; `None` is the beginning of the log.
        offset: Option<i64>,
    },
    /// A batch was applied.
    Applied {
        /// The partition.
        partition: i32,
        /// Next offset.
        next_offset: i64,
        /// Changes that took effect, or were so already.
        applied: u64,
        /// Changes that were seen before.
        duplicates: u64,
        /// Changes that were refused.
        refused: u64,
        /// Records that were put aside.
        dead: u64,
        /// Changes that were dropped because an earlier number is missing.
        dropped: u64,
    },
    /// Something was turned away that claimed to be a store's.
    Alarm {
        /// The partition.
        partition: i32,
        /// `unsigned`, `unknown_key`, `bad_signature` or `foreign_desk`.
        kind: &'static str,
        /// The store it claimed.
        store_id: StoreId,
        /// The desk it claimed, where that can be read.
        desk_id: Option<DeskId>,
        /// In words.
        message: String,
    },
    /// Records went down the feeds.
    Published {
        /// The partition whose worker sent them.
        partition: i32,
        /// How many.
        records: u64,
        /// How many of them are acknowledgements.
        acks: u64,
    },
    /// A worker has given a partition back or lost it.
    Left {
        /// The partition.
        partition: i32,
        /// `stopped` or `taken_over`.
        why: &'static str,
    },
    /// The homes of all stores have moved to another partition count.
    Moved {
        /// The partition count in force.
        partitions: i32,
    },
    /// Everything is applied and published.
    Idle,
}

//! The desk's way to central and back: what is pushed when, what is read from where, and what is wrong when nothing
//! moves. Plans are pure; loops only carry them out.

mod backoff;
mod beside;
mod clock;
mod connectivity;
mod engine;
mod feed;
mod limited;
mod once;
mod plan;
mod push;
mod shared;

pub use backoff::Backoff;
pub use beside::seen_beside;
pub use clock::{Clock, SystemClock, system_chance};
pub use connectivity::{Cause, Evidence, Lasting, LinkState, LinkStatus, Stopped, diagnose};
pub use engine::{SteppedSync, SyncEngine};
pub use feed::{FeedReader, FeedStatus, FeedStep};
pub use once::{Goal, SyncSummary, once};
pub use plan::{Need, Numbered, needs};
pub use push::{PushOutcome, Pusher};
pub use shared::{ReplicaStatus, SigningKey, SyncEvent, SyncOptions, SyncStatus};

use aisle_contract::PortError;
use aisle_mirror::MirrorError;

/// Why a step of the sync failed.
#[derive(Debug, thiserror::Error)]
pub enum SyncError {
    /// The transport could not do its part: tried again for ever.
    #[error("{0}")]
    Port(#[from] PortError),
    /// The database could not do its part.
    #[error("{0}")]
    Mirror(#[from] MirrorError),
}

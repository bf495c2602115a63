//! Places where a test may end a worker as a crash would: nothing after the point runs, nothing is tidied up.

use std::sync::Arc;

/// A place in a worker's round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultPoint {
    /// Nothing of the SQL transaction is committed.
    BeforeCommit,
    /// The SQL transaction is committed; nothing of it is published.
    AfterCommit,
    /// Its messages are published; that is not written down yet.
    AfterPublish,
    /// The publishing is written down; the group does not know the offset yet.
    BeforeOffsetCommit,
}

/// Decides where a worker dies. Only asked in builds with debug assertions; a release build has no faults.
pub trait Faults: Send + Sync {
    /// Whether the worker of `partition` dies here.
    fn strikes(&self, partition: i32, point: FaultPoint) -> bool;
}

pub(crate) fn strikes(faults: Option<&Arc<dyn Faults>>, partition: i32, point: FaultPoint) -> bool {
    cfg!(debug_assertions) && faults.is_some_and(|f| f.strikes(partition, point))
}

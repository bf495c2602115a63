//! A way to a cluster that is only there until a time is over: no question and no answer is waited for beyond it.

use std::time::Duration;

use aisle_contract::{Bounds, ClusterView, PortError, Through, Transport};

use crate::clock::Clock;

/// The least that anything is given: a client that is not asked at all learns nothing.
const LEAST: Duration = Duration::from_millis(100);

/// Another transport, until a time is over.
pub(crate) struct Limited<'a> {
    pub(crate) inner: &'a dyn Transport,
    pub(crate) clock: &'a dyn Clock,
    /// By the clock that only goes forward.
    pub(crate) end: Duration,
}

impl Limited<'_> {
    /// What is wanted, or what is left of the time.
    pub(crate) fn left(&self, wanted: Duration) -> Duration {
        wanted.min(self.end.saturating_sub(self.clock.monotonic()).max(LEAST))
    }
}

impl Through for Limited<'_> {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(self.inner)
    }

    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        self.inner.metadata(topics, self.left(timeout))
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        self.inner.bounds(topic, partition, self.left(timeout))
    }
}

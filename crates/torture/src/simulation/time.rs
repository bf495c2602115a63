//! The simulated time, and each computer's own idea of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aisle_domain::Timestamp;

/// 2026-01-01, when every simulation begins.
const BEGIN_MS: i64 = 1_767_225_600_000;

/// The true time of one simulation.
#[derive(Debug, Clone, Default)]
pub(crate) struct Time(Arc<AtomicI64>);

impl Time {
    pub(crate) fn passes(&self, millis: i64) {
        self.0.fetch_add(millis, Ordering::Relaxed);
    }

    /// Milliseconds since the beginning.
    pub(crate) fn elapsed(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(BEGIN_MS + self.elapsed())
    }
}

/// A computer's clock: goes with the true time, and may be set wrong.
#[derive(Debug, Clone)]
pub(crate) struct Watch {
    time: Time,
    wrong_by: Arc<AtomicI64>,
}

impl Watch {
    pub(crate) fn new(time: &Time) -> Self {
        Self { time: time.clone(), wrong_by: Arc::default() }
    }

    /// Sets the clock so far off from the truth.
    pub(crate) fn set_wrong_by(&self, millis: i64) {
        self.wrong_by.store(millis, Ordering::Relaxed);
    }

    fn wall(&self) -> Timestamp {
        self.time.now().plus_millis(self.wrong_by.load(Ordering::Relaxed))
    }

    fn steady(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.time.elapsed()).unwrap())
    }
}

impl aisle_sync::Clock for Watch {
    fn now(&self) -> Timestamp {
        self.wall()
    }

    fn monotonic(&self) -> Duration {
        self.steady()
    }
}

impl aisle_central::Clock for Watch {
    fn now(&self) -> Timestamp {
        self.wall()
    }

    fn monotonic(&self) -> Duration {
        self.steady()
    }
}

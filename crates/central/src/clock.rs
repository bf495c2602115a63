//! Clock and randomness are handed in, and so is the wish to end.

use std::{
    sync::{
        Arc, Condvar, LazyLock, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use aisle_domain::{Chance, Timestamp};

static START: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Central's clock.
pub trait Clock: Send + Sync {
    /// Now; may be wrong, may jump.
    fn now(&self) -> Timestamp;

    /// A clock that only goes forward, from an arbitrary start.
    fn monotonic(&self) -> Duration {
        START.elapsed()
    }
}

/// The system's randomness.
pub fn system_chance() -> Chance {
    Chance::new(rand::random)
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[allow(clippy::disallowed_methods, reason = "this is the edge where the clock is read")]
        Timestamp::from_millis(jiff::Timestamp::now().as_millisecond())
    }
}

impl<F: Fn() -> Timestamp + Send + Sync> Clock for F {
    fn now(&self) -> Timestamp {
        self()
    }
}

/// The wish that a loop ends, shared by who wishes and who loops.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    wanted: AtomicBool,
    lock: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    /// Nobody wishes it yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Wishes it. Loops end after what they are doing.
    pub fn stop(&self) {
        self.0.wanted.store(true, Ordering::SeqCst);
        let _held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.bell.notify_all();
    }

    /// Whether somebody wishes it.
    pub fn wanted(&self) -> bool {
        self.0.wanted.load(Ordering::SeqCst)
    }

    /// Sleeps for `duration`, less when the wish comes; answers whether it has come.
    pub fn sleep(&self, duration: Duration) -> bool {
        let held = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.0.bell.wait_timeout_while(held, duration, |()| !self.wanted()));
        self.wanted()
    }
}

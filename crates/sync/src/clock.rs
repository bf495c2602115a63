//! The only reader of the system's clocks and randomness on the desk's side.

use std::time::{Duration, Instant};

use aisle_domain::{Chance, Timestamp};

/// What time it is.
pub trait Clock: Send + Sync {
    /// The computer's clock: may be wrong, may jump.
    fn now(&self) -> Timestamp;

    /// A clock that only goes forward, from an arbitrary start.
    fn monotonic(&self) -> Duration;
}

/// The computer's own clocks.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the edge at which time enters")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_millis(since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The system's randomness.
pub fn system_chance() -> Chance {
    Chance::new(rand::random)
}

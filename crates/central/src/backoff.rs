//! Waiting between tries: doubling, capped, with jitter so that workers do not try in step.

use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(5);

/// When to try again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    failures: u32,
    next: Instant,
}

impl Backoff {
    pub(crate) fn new() -> Self {
        Self { failures: 0, next: Instant::now() }
    }

    /// After a failure: the time to wait, between half and all of the doubled step.
    pub(crate) fn fail(&mut self) -> Duration {
        let step = FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(10))).min(CAP);
        let jitter = rand::random_range(step / 2..=step);
        self.failures = self.failures.saturating_add(1);
        self.next = Instant::now() + jitter;
        jitter
    }

    pub(crate) fn ready(&self) -> bool {
        Instant::now() >= self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_the_cap() {
        let mut backoff = Backoff::new();
        let waits: Vec<Duration> = (0..20).map(|_| backoff.fail()).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST);
        assert!(waits[4] > waits[0]);
        assert!(waits.iter().all(|w| *w <= CAP));
        assert!(!backoff.ready());
    }
}

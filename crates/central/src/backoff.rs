//! Waiting between tries: doubling, capped, with jitter so that workers do not try in step.

use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const CAP: Duration = Duration::from_secs(5);

/// When to try again, by a clock that only goes forward. A new one is ready at once.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Backoff {
    failures: u32,
    next: Duration,
}

impl Backoff {
    /// After a failure at `now`: the time to wait, between half and all of the doubled step.
    pub(crate) fn fail(&mut self, now: Duration, random: u64) -> Duration {
        let step = FIRST.saturating_mul(2_u32.saturating_pow(self.failures.min(10))).min(CAP);
        let half = u64::try_from(step.as_millis() / 2).unwrap_or(u64::MAX);
        let wait = Duration::from_millis(half + random % (half + 1));
        self.failures = self.failures.saturating_add(1);
        self.next = now + wait;
        wait
    }

    pub(crate) fn ready(&self, now: Duration) -> bool {
        now >= self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_stay_below_the_cap() {
        let mut backoff = Backoff::default();
        let now = Duration::from_secs(9);
        let waits: Vec<Duration> = (0..20).map(|n| backoff.fail(now, n * 7_919)).collect();
        assert!(waits[0] >= FIRST / 2 && waits[0] <= FIRST);
        assert!(waits[4] > waits[0]);
        assert!(waits.iter().all(|w| *w <= CAP));
        assert!(!backoff.ready(now) && backoff.ready(now + CAP));
    }
}

//! Waiting longer after each failure, never longer than a minute, never all desks at once.

use std::time::Duration;

const FIRST_MS: u64 = 500;
const LONGEST_MS: u64 = 60_000;

/// Doubles from half a second to a minute; each wait is somewhere between half of that and all of it.
#[derive(Debug, Default, Clone)]
pub struct Backoff {
    failures: u32,
}

impl Backoff {
    /// After a failure: how long to wait. `random` spreads desks, all of its 64 bits are used.
    pub fn failed(&mut self, random: u64) -> Duration {
        let full = FIRST_MS.saturating_mul(1 << self.failures.min(20)).min(LONGEST_MS);
        self.failures = self.failures.saturating_add(1);
        Duration::from_millis(full / 2 + random % (full / 2 + 1))
    }

    /// After a success.
    pub const fn succeeded(&mut self) {
        self.failures = 0;
    }
}

/// A wait spread by a fifth to either side.
pub(crate) fn jittered(interval: Duration, random: u64) -> Duration {
    let millis = u64::try_from(interval.as_millis()).unwrap_or(u64::MAX);
    let fifth = millis / 5;
    Duration::from_millis(millis - fifth + random % (2 * fifth + 1))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_wait_grows_and_is_never_longer_than_a_minute(randoms in prop::collection::vec(any::<u64>(), 1..100)) {
            let mut backoff = Backoff::default();
            for (n, random) in randoms.into_iter().enumerate() {
                let wait = backoff.failed(random);
                prop_assert!(wait <= Duration::from_secs(60));
                prop_assert!(n < 8 || wait >= Duration::from_secs(30));
            }
            backoff.succeeded();
            prop_assert!(backoff.failed(0) <= Duration::from_millis(500));
        }

        #[test]
        fn a_spread_interval_stays_within_a_fifth(random in any::<u64>()) {
            let wait = jittered(Duration::from_secs(300), random);
            prop_assert!(wait >= Duration::from_secs(240) && wait <= Duration::from_secs(360));
        }
    }
}

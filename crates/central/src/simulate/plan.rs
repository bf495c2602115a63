//! What the simulation makes of a seed and a speed, as pure functions: who shops, who cancels, and when.

use aisle_domain::{BadId, OrderId, ShopperId, Timestamp};

use super::Speed;

/// Longer waits are cut to this, so that nobody sits before an empty screen.
const LONGEST_WAIT_MS: i64 = 20_000;
const MINUTE_MS: i64 = 60_000;
/// The promise: at least this after the order was queued.
const PROMISE_MINUTES: i64 = 45;
const SHOPPERS: u64 = 24;

/// A number that depends on seed, order and purpose, and on nothing else.
fn draw(seed: u64, order: OrderId, purpose: u64) -> u64 {
    let mut z = seed ^ order.get().cast_unsigned().wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (purpose << 56);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn below(seed: u64, order: OrderId, purpose: u64, limit: u64) -> i64 {
    i64::try_from(draw(seed, order, purpose) % limit.max(1)).unwrap_or(0)
}

/// Who picks the order.
pub(super) fn shopper(seed: u64, order: OrderId) -> Result<ShopperId, BadId> {
    ShopperId::new(1_001 + below(seed, order, 1, SHOPPERS))
}

/// When the order is promised: 45 to 90 minutes after it was queued, later while the store is busy.
pub(super) fn due_at(seed: u64, order: OrderId, queued: Timestamp, busy_minutes: u32) -> Timestamp {
    let minutes = PROMISE_MINUTES + 15 * below(seed, order, 2, 4) + i64::from(busy_minutes);
    queued.plus_millis(minutes * MINUTE_MS)
}

/// When a customer cancels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cancel {
    /// This long after the order was released, if it is still open then.
    After {
        /// Milliseconds of wall time.
        millis: i64,
    },
    /// Just when the shopper would pay.
    InsteadOfPaying,
}

/// Whether and when the customer cancels.
pub(super) fn cancel(seed: u64, order: OrderId, percent: u8, pace: Speed) -> Option<Cancel> {
    if below(seed, order, 3, 100) >= i64::from(percent) {
        return None;
    }
    Some(if below(seed, order, 4, 2) == 0 {
        Cancel::After { millis: pace.wall(below(seed, order, 5, 20) * MINUTE_MS) }
    } else {
        Cancel::InsteadOfPaying
    })
}

impl Speed {
    /// A span of life in wall time, at most 20 s; none at all at the highest speed.
    pub(super) fn wall(self, life_ms: i64) -> i64 {
        match self {
            Self::Max => 0,
            Self::Times(_) => self.scaled(life_ms).min(LONGEST_WAIT_MS),
        }
    }

    /// A span of life in wall time, however long.
    pub(super) fn scaled(self, life_ms: i64) -> i64 {
        match self {
            Self::Max => 0,
            Self::Times(times) => life_ms.max(0) / i64::from(times.get()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    fn orders() -> impl Iterator<Item = OrderId> {
        (1..=2_000).map(|n| OrderId::new(31_000_000_000 + n * 7).unwrap())
    }

    fn times(times: u32) -> Speed {
        Speed::Times(NonZeroU32::new(times).unwrap())
    }

    #[test]
    fn about_as_many_orders_are_cancelled_as_was_asked_for() {
        let cancelled = orders().filter(|o| cancel(7, *o, 20, Speed::Max).is_some()).count();
        assert!((300..500).contains(&cancelled), "{cancelled} of 2000");
        assert_eq!(orders().filter(|o| cancel(7, *o, 0, Speed::Max).is_some()).count(), 0);
        assert_eq!(orders().filter(|o| cancel(7, *o, 100, Speed::Max).is_some()).count(), 2_000);
    }

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_one_another_day() {
        let day = |seed| orders().map(|o| (cancel(seed, o, 30, times(60)), shopper(seed, o))).collect::<Vec<_>>();
        assert_eq!(day(1), day(1));
        assert_ne!(day(1), day(2));
    }

    #[test]
    fn waits_shrink_with_the_speed_and_are_cut() {
        assert_eq!(times(60).wall(60_000), 1_000);
        assert_eq!(times(1).wall(3_600_000), 20_000);
        assert_eq!(times(60).wall(-5), 0);
        assert_eq!(Speed::Max.wall(3_600_000), 0);
        assert_eq!(times(60).scaled(36_000_000), 600_000);
    }

    #[test]
    fn every_promise_is_at_least_45_minutes_away() {
        let queued = Timestamp::from_millis(0);
        assert!(orders().all(|o| due_at(3, o, queued, 0).since(queued) >= 45 * MINUTE_MS));
        let order = orders().next().unwrap();
        assert_eq!(due_at(3, order, queued, 10).since(due_at(3, order, queued, 0)), 10 * MINUTE_MS);
    }
}

//! Partitions that nobody holds. The group says who is to work on which; after its cluster was replaced it may say so of
//! nobody, for ever. Whoever notices takes such a partition, and whom the group names later takes it over.

use std::{collections::BTreeMap, time::Duration};

/// A group that shares its partitions out anew is through with that in less.
const PATIENCE: Duration = Duration::from_secs(15);

/// Since when each partition that nobody holds was seen to be so.
#[derive(Debug, Default)]
pub(super) struct Unheld(BTreeMap<i32, Duration>);

impl Unheld {
    /// Takes note of what nobody holds now; answers what was so all the time for too long.
    pub(super) fn for_too_long(&mut self, unheld: &[i32], now: Duration) -> Vec<i32> {
        self.0.retain(|partition, _| unheld.contains(partition));
        unheld
            .iter()
            .filter(|partition| now.saturating_sub(*self.0.entry(**partition).or_insert(now)) >= PATIENCE)
            .copied()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_partition_is_left_alone_only_once_nobody_held_it_all_the_time() {
        let mut unheld = Unheld::default();
        assert!(unheld.for_too_long(&[1, 2], at(100)).is_empty());
        assert!(unheld.for_too_long(&[2, 3], at(110)).is_empty());
        assert_eq!(unheld.for_too_long(&[1, 2, 3], at(115)), [2]);
        assert_eq!(unheld.for_too_long(&[1, 2, 3], at(125)), [2, 3]);
        assert_eq!(unheld.for_too_long(&[1], at(130)), [1]);
    }
}

//! A reader that stands still though what it reads goes on: a client that stopped fetching and says nothing of it.

use std::time::Duration;

/// Since when a reader is at one place, and whether that was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stand {
    position: i64,
    since: Duration,
    /// The end that it was told of last. The same one again is a tail without a record, which compaction can leave.
    told_for: Option<i64>,
}

/// Watches one reader. Pure: told, again and again, where the reader is and where its partition ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standstill(Option<Stand>);

impl Standstill {
    /// After so long without a record that is there to be read, a reader is not trusted any more.
    pub const PATIENCE: Duration = Duration::from_secs(60);

    /// Whether the reader is to be made anew: it has been at `position`, before `end`, for [`Self::PATIENCE`]. `now` is of a
    /// clock that never jumps.
    pub fn is_over(&mut self, position: i64, end: i64, now: Duration) -> bool {
        if position >= end {
            self.0 = None;
            return false;
        }
        let fresh = Stand { position, since: now, told_for: None };
        let stand = self.0.filter(|stand| stand.position == position).unwrap_or(fresh);
        let over = stand.told_for != Some(end) && now.saturating_sub(stand.since) >= Self::PATIENCE;
        self.0 = Some(if over { Stand { since: now, told_for: Some(end), ..stand } } else { stand });
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_reader_that_stands_before_the_end_for_a_minute_is_made_anew_once() {
        let mut watch = Standstill::default();
        assert!(!watch.is_over(5, 9, at(0)));
        assert!(!watch.is_over(5, 12, at(59)), "what came meanwhile is waited for no longer");
        assert!(watch.is_over(5, 12, at(60)));
        assert!(!watch.is_over(5, 12, at(600)), "nothing new came: there may be no record to read");
        assert!(watch.is_over(5, 13, at(601)));
        assert!(!watch.is_over(5, 14, at(602)), "the new reader has its own time");
    }

    #[test]
    fn a_reader_that_goes_on_or_is_at_the_end_is_left_alone() {
        let mut watch = Standstill::default();
        for second in 0..200 {
            let place = i64::try_from(second).unwrap();
            assert!(!watch.is_over(place, 1_000, at(second)), "it moves");
        }
        assert!(!watch.is_over(1_000, 1_000, at(300)));
        assert!(!watch.is_over(1_000, 1_001, at(1_000)), "one record more has its own time");
    }
}

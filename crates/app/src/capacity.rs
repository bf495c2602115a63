//! How many orders the store can take: busy for a while, paused for a while, or as always.

use aisle_domain::{
    Change, Timestamp,
    change::{StoreBusy, StorePaused},
};

use crate::{desk::Desk, error::AppError, views::ActReceipt};

/// Nobody adds more to a promise than this.
const MOST_MINUTES: u32 = 180;
/// A store that takes no orders for longer is closed by central.
const LONGEST_MS: i64 = 7 * 24 * 60 * 60 * 1000;

impl Desk {
    /// The store takes no new orders until then; without a time it takes orders again.
    pub fn pause(&self, until: Option<Timestamp>) -> Result<ActReceipt, AppError> {
        if let Some(until) = until {
            self.check_to_come(until)?;
        }
        self.act(Change::StorePaused(StorePaused { until }), false, None)
    }

    /// What is ordered until then is promised so many minutes later.
    pub fn busy(&self, minutes: u32, until: Timestamp) -> Result<ActReceipt, AppError> {
        if !(1..=MOST_MINUTES).contains(&minutes) {
            let message = format!("{minutes} minutes: a busy store adds 1 to {MOST_MINUTES} to each promise");
            return Err(AppError::Input { code: "bad_value", message });
        }
        self.check_to_come(until)?;
        self.act(Change::StoreBusy(StoreBusy { minutes, until }), false, None)
    }

    /// What is ordered is promised as always.
    pub fn end_busy(&self) -> Result<ActReceipt, AppError> {
        let until = self.central_now();
        self.act(Change::StoreBusy(StoreBusy { minutes: 0, until }), false, None)
    }

    /// Now as central's clock has it, as far as it is known.
    pub(crate) fn central_now(&self) -> Timestamp {
        let offset = self.sync_status().and_then(|status| status.clock_offset_ms);
        self.now().plus_millis(offset.unwrap_or(0))
    }

    /// A time that somebody sets is to come, and not far away.
    pub(crate) fn check_to_come(&self, at: Timestamp) -> Result<(), AppError> {
        let ahead = at.since(self.central_now());
        let message = if ahead <= 0 {
            format!("{at} is over; name a time to come")
        } else if ahead > LONGEST_MS {
            format!("{at} is more than a week away; name a time within a week")
        } else {
            return Ok(());
        };
        Err(AppError::Input { code: "bad_value", message })
    }
}

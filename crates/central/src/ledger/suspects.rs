//! The table `suspects`: rows that a worker may still write behind newer ones, since it was replaced before it gave its
//! partition back. It may stand still and go on, or be dead while the system sends what it had handed over.

use aisle_domain::{StoreId, Timestamp};

use super::{Feed, Tx, columns};
use crate::error::CentralError;

/// How long after a takeover such rows are waited for: what a client has not delivered within its `message.timeout.ms` of
/// 30 s it does not send any more.
pub(crate) const LATE_MS: i64 = 35_000;

impl Tx<'_> {
    /// Notes what waits in these stores' feeds at a takeover.
    pub(crate) fn suspect(&self, of: impl Fn(StoreId) -> bool, now: Timestamp) -> Result<(), CentralError> {
        let mut note = self.conn.prepare_cached(
            "INSERT OR REPLACE INTO suspects (store_id, lane, first, last, due)
             SELECT store_id, lane, min(id), max(id), ?3 FROM feed_outbox
             WHERE store_id = ?1 AND lane = ?2
                 AND id > (SELECT published_to FROM feeds WHERE store_id = ?1 AND lane = ?2)
             GROUP BY store_id, lane",
        )?;
        for feed in self.waiting_feeds(of)? {
            note.execute((feed.store.get(), feed.lane.word(), now.millis() + LATE_MS))?;
        }
        Ok(())
    }

    /// Whether there are rows whose time to be sent once more has come. A later time than there can be was noted by a clock
    /// that was ahead.
    pub(crate) fn suspects_are_due(&self, now: Timestamp) -> Result<bool, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT 1 FROM suspects WHERE due NOT BETWEEN ?1 + 1 AND ?2")?;
        Ok(statement.exists((now.millis(), now.millis() + LATE_MS))?)
    }

    /// Puts the newest row of every key into the outbox once more that has an older one among the suspects that are due, and
    /// a digest behind them. Answers how many.
    pub(crate) fn send_suspects_again(&self, now: Timestamp) -> Result<usize, CentralError> {
        let span = (now.millis(), now.millis() + LATE_MS);
        let due: Vec<(Feed, i64, i64)> = self
            .conn
            .prepare_cached(
                "SELECT store_id, lane, first, last FROM suspects WHERE due NOT BETWEEN ?1 + 1 AND ?2",
            )?
            .query_map(span, |row| {
                let feed = Feed { store: columns::id(row, 0, StoreId::new)?, lane: columns::lane(row, 1)? };
                Ok((feed, row.get(2)?, row.get(3)?))
            })?
            .collect::<Result<_, _>>()?;
        let mut all = 0;
        for (feed, first, last) in due {
            let again = self.enqueue_newest_again(feed, (first, last))?;
            if again > 0 {
                self.touch_digest(feed)?;
            }
            all += again;
            self.conn
                .prepare_cached("DELETE FROM suspects WHERE store_id = ?1 AND lane = ?2 AND first = ?3")?
                .execute((feed.store.get(), feed.lane.word(), first))?;
        }
        Ok(all)
    }
}

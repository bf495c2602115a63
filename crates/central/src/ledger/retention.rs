//! What is forgotten, and when. All of it runs from central's clock, never from times in the data.

use aisle_contract::{DownBody, down::FeedRecord};
use aisle_domain::{ItemId, Lane, OrderId, StoreId, Subject, Timestamp};

use super::{Feed, Tx, columns};
use crate::error::CentralError;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// Closed orders, deleted items and refusals leave the feeds after this.
const FEED_DAYS: i64 = 90;
/// A change is known by its id for this long.
const DEDUP_DAYS: i64 = 400;
/// Rows are kept this long after they were published, and up to this long again: to look into, and for a worker that was
/// replaced while it published and has to send the newest of them again.
const OUTBOX_DAYS: i64 = 7;
/// Rows a transaction.
const STEP: i64 = 200;

const fn days_ago(now: Timestamp, days: i64) -> i64 {
    now.millis() - days * DAY_MS
}

impl Tx<'_> {
    /// Forgets up to 200 rows of each kind; answers how many in all. Zero: nothing is left to forget.
    pub(crate) fn forget_some(&self, now: Timestamp) -> Result<usize, CentralError> {
        Ok(self.forget_orders(now)?
            + self.forget_items(now)?
            + self.forget_refusals(now)?
            + self.forget_changes(now)?
            + self.forget_published(now)?)
    }

    fn forget_orders(&self, now: Timestamp) -> Result<usize, CentralError> {
        let due: Vec<(StoreId, OrderId, i64)> = self
            .conn
            .prepare_cached(
                "SELECT store_id, order_id, version FROM orders
                 WHERE closed_at IS NOT NULL AND gone_at IS NULL AND closed_at <= ?1 LIMIT ?2",
            )?
            .query_map((days_ago(now, FEED_DAYS), STEP), |row| {
                Ok((columns::id(row, 0, StoreId::new)?, columns::id(row, 1, OrderId::new)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (store, order, version) in &due {
            self.conn
                .prepare_cached("UPDATE orders SET gone_at = ?3 WHERE store_id = ?1 AND order_id = ?2")?
                .execute((store.get(), order.get(), now.millis()))?;
            self.enqueue(Feed { store: *store, lane: Lane::Orders }, &DownBody::OrderGone(*order), now)?;
            self.shift_digest(*store, std::iter::once((Subject::Order(*order), (Some(*version), None))))?;
        }
        Ok(due.len())
    }

    fn forget_items(&self, now: Timestamp) -> Result<usize, CentralError> {
        let due: Vec<(StoreId, ItemId, i64)> = self
            .conn
            .prepare_cached(
                "SELECT store_id, item_id, version FROM items
                 WHERE deleted_at IS NOT NULL AND gone_at IS NULL AND deleted_at <= ?1 LIMIT ?2",
            )?
            .query_map((days_ago(now, FEED_DAYS), STEP), |row| {
                Ok((columns::id(row, 0, StoreId::new)?, columns::id(row, 1, ItemId::new)?, row.get(2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (store, item, version) in &due {
            self.conn
                .prepare_cached("UPDATE items SET gone_at = ?3 WHERE store_id = ?1 AND item_id = ?2")?
                .execute((store.get(), item.get(), now.millis()))?;
            self.enqueue(Feed { store: *store, lane: Lane::Catalog }, &DownBody::ItemGone(*item), now)?;
            self.shift_digest(*store, std::iter::once((Subject::Item(*item), (Some(*version), None))))?;
        }
        Ok(due.len())
    }

    fn forget_refusals(&self, now: Timestamp) -> Result<usize, CentralError> {
        let due: Vec<(String, StoreId, Lane)> = self
            .conn
            .prepare_cached(
                "SELECT change_id, store_id, lane FROM dedup
                 WHERE outcome = 'refused' AND forgotten = 0 AND at <= ?1 LIMIT ?2",
            )?
            .query_map((days_ago(now, FEED_DAYS), STEP), |row| {
                Ok((row.get(0)?, columns::id(row, 1, StoreId::new)?, columns::lane(row, 2)?))
            })?
            .collect::<Result<_, _>>()?;
        for (change, store, lane) in &due {
            self.conn.prepare_cached("UPDATE dedup SET forgotten = 1 WHERE change_id = ?1")?.execute([change])?;
            let tombstone =
                FeedRecord { lane: *lane, key: format!("refusal/{change}"), type_word: None, data: None };
            self.enqueue_record(*store, &tombstone, now)?;
        }
        Ok(due.len())
    }

    fn forget_changes(&self, now: Timestamp) -> Result<usize, CentralError> {
        Ok(self
            .conn
            .prepare_cached(
                "DELETE FROM dedup WHERE change_id IN (SELECT change_id FROM dedup WHERE at <= ?1 LIMIT ?2)",
            )?
            .execute((days_ago(now, DEDUP_DAYS), STEP))?)
    }

    /// Rows that were known to be published at least that long ago, and then what is published by now is known.
    fn forget_published(&self, now: Timestamp) -> Result<usize, CentralError> {
        let due = days_ago(now, OUTBOX_DAYS);
        let forgotten = self
            .conn
            .prepare_cached(
                "DELETE FROM feed_outbox WHERE id IN (
                    SELECT o.id FROM feeds f JOIN feed_outbox o
                        ON o.store_id = f.store_id AND o.lane = f.lane AND o.id <= f.known_to
                    WHERE f.known_at <= ?1 LIMIT ?2)",
            )?
            .execute((due, STEP))?;
        if forgotten == 0 {
            self.conn
                .prepare_cached("UPDATE feeds SET known_to = published_to, known_at = ?2 WHERE known_at <= ?1")?
                .execute((due, now.millis()))?;
        }
        Ok(forgotten)
    }
}

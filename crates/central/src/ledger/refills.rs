//! The table `refills`: feeds that are filled again from their beginning. A feed's digest follows its last row, so
//! that a desk can tell a feed that is whole from one that is on its way.

use aisle_contract::DownBody;
use aisle_domain::{Lane, StoreId, Timestamp};
use rusqlite::OptionalExtension;

use super::{Feed, Tx, columns};
use crate::error::CentralError;

/// Rows a transaction.
const STEP: i64 = 200;
const FILLED: &str = "feeds_cluster";

impl Tx<'_> {
    /// Fills both feeds of a store again, from now on, a part at a time.
    pub(crate) fn begin_refill(&self, store: StoreId) -> Result<(), CentralError> {
        Lane::ALL.into_iter().try_for_each(|lane| self.begin_refill_of(Feed { store, lane }))
    }

    /// A digest that waits would speak of rows that are to come behind it.
    fn begin_refill_of(&self, feed: Feed) -> Result<(), CentralError> {
        self.withdraw_digest(feed)?;
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO refills (store_id, lane, after) VALUES (?1, ?2, 0)")?
            .execute((feed.store.get(), feed.lane.word()))?;
        Ok(())
    }

    /// Fills a feed again whose topic is to be made, unless nothing was ever published in it.
    pub(crate) fn refill_if_published(&self, feed: Feed) -> Result<(), CentralError> {
        if self.was_published(feed)? { self.begin_refill_of(feed) } else { Ok(()) }
    }

    /// Fills every feed again where the cluster is another one than the one they were filled in: its topics are empty.
    pub(crate) fn follow_cluster(&self, cluster: &str) -> Result<bool, CentralError> {
        let filled = self.meta(FILLED)?;
        if filled.as_deref() == Some(cluster) {
            return Ok(false);
        }
        self.set_meta(FILLED, cluster)?;
        if filled.is_none() {
            return Ok(false);
        }
        self.forget_growth()?;
        for store in self.stores()? {
            self.begin_refill(store.store_id)?;
        }
        Ok(true)
    }

    /// Whether feeds wait to be filled in this cluster.
    pub(crate) fn needs_refill(&self, cluster: &str) -> Result<bool, CentralError> {
        Ok(self.meta(FILLED)?.as_deref() != Some(cluster))
    }

    /// Whether no feed is being filled.
    pub(crate) fn feeds_are_full(&self) -> Result<bool, CentralError> {
        let full = self
            .conn
            .prepare_cached("SELECT NOT EXISTS (SELECT 1 FROM refills)")?
            .query_row([], |row| row.get(0))?;
        Ok(full)
    }

    /// Puts the next rows of a feed that is being filled into the outbox. Answers how many, `None` when no feed is.
    pub(crate) fn refill_some(&self, now: Timestamp) -> Result<Option<usize>, CentralError> {
        let next = self
            .conn
            .prepare_cached("SELECT store_id, lane, after FROM refills ORDER BY store_id, lane DESC LIMIT 1")?
            .query_row([], |row| {
                let feed = Feed { store: columns::id(row, 0, StoreId::new)?, lane: columns::lane(row, 1)? };
                Ok((feed, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((feed, after)) = next else { return Ok(None) };
        let mut bodies: Vec<(i64, DownBody)> = Vec::new();
        match feed.lane {
            Lane::Orders => {
                let orders = self.orders(feed.store, after, STEP)?;
                bodies.extend(orders.into_iter().map(|o| (o.order_id.get(), DownBody::Order(Box::new(o)))));
            }
            Lane::Catalog => {
                let items = self.items(feed.store, after, STEP)?;
                bodies.extend(items.into_iter().map(|i| (i.item_id.get(), DownBody::Item(Box::new(i)))));
            }
        }
        let mut sent = bodies.len();
        if feed.lane == Lane::Orders
            && after == 0
            && let Some(store) = self.store(feed.store)?
        {
            self.enqueue(feed, &DownBody::Store(Box::new(store)), now)?;
            sent += 1;
        }
        for (_, body) in &bodies {
            self.enqueue(feed, body, now)?;
        }
        match bodies.last() {
            Some((last, _)) => self.set_refilled(feed, *last)?,
            None => self.end_refill(feed, now)?,
        }
        Ok(Some(sent))
    }

    fn set_refilled(&self, feed: Feed, after: i64) -> Result<(), CentralError> {
        self.conn.prepare_cached("UPDATE refills SET after = ?3 WHERE store_id = ?1 AND lane = ?2")?.execute((
            feed.store.get(),
            feed.lane.word(),
            after,
        ))?;
        Ok(())
    }

    fn end_refill(&self, feed: Feed, now: Timestamp) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("DELETE FROM refills WHERE store_id = ?1 AND lane = ?2")?
            .execute((feed.store.get(), feed.lane.word()))?;
        self.touch_digest(feed)?;
        self.cut_digests(feed.store, true, now)
    }
}

//! The tables `feeds` and `feed_outbox`: what goes down the feeds, in order, and how far it is published.

use aisle_contract::{DownBody, down::FeedRecord};
use aisle_domain::{Lane, StoreId, Timestamp};
use rusqlite::OptionalExtension;

use super::{Tx, columns};
use crate::error::CentralError;

/// One feed of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Feed {
    pub(crate) store: StoreId,
    pub(crate) lane: Lane,
}

/// A row that waits to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FeedRow {
    pub(crate) id: i64,
    pub(crate) record: FeedRecord,
    pub(crate) at: Timestamp,
}

impl Tx<'_> {
    /// Puts a message into the outbox of its feed.
    pub(crate) fn enqueue(&self, feed: Feed, body: &DownBody, at: Timestamp) -> Result<(), CentralError> {
        match FeedRecord::of(feed.lane, body)? {
            Some(record) => self.enqueue_record(feed.store, &record, at),
            None => Ok(()),
        }
    }

    /// Puts a record that is made already into the outbox.
    pub(crate) fn enqueue_record(
        &self,
        store: StoreId,
        record: &FeedRecord,
        at: Timestamp,
    ) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO feed_outbox (store_id, lane, key, type, data, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute((
                store.get(),
                record.lane.word(),
                &record.key,
                &record.type_word,
                &record.data,
                at.millis(),
            ))?;
        Ok(())
    }

    /// Begins the feeds of a new store.
    pub(crate) fn begin_feeds(&self, store: StoreId) -> Result<(), CentralError> {
        let mut begin =
            self.conn.prepare_cached("INSERT INTO feeds (store_id, lane, published_to) VALUES (?1, ?2, 0)")?;
        for lane in Lane::ALL {
            begin.execute((store.get(), lane.word()))?;
        }
        Ok(())
    }

    /// The feeds of these stores that have rows waiting, orders before catalogs: of one send a large catalog would take all the
    /// room, and orders would wait behind it. A step of the index for each of their feeds, and a look
    /// at the feeds of all others.
    pub(crate) fn waiting_feeds(&self, of: impl Fn(StoreId) -> bool) -> Result<Vec<Feed>, CentralError> {
        let mut feeds = self
            .conn
            .prepare_cached("SELECT store_id, lane, published_to FROM feeds ORDER BY lane DESC, store_id")?;
        let mut waits = self
            .conn
            .prepare_cached("SELECT 1 FROM feed_outbox WHERE store_id = ?1 AND lane = ?2 AND id > ?3 LIMIT 1")?;
        let mut rows = feeds.query([])?;
        let mut waiting = Vec::new();
        while let Some(row) = rows.next()? {
            let feed = Feed { store: columns::id(row, 0, StoreId::new)?, lane: columns::lane(row, 1)? };
            let published_to: i64 = row.get(2)?;
            if of(feed.store) && waits.exists((feed.store.get(), feed.lane.word(), published_to))? {
                waiting.push(feed);
            }
        }
        Ok(waiting)
    }

    /// The last row of a feed that is known to be published; 0 before the first.
    fn published_to(&self, feed: Feed) -> Result<i64, CentralError> {
        Ok(self
            .conn
            .prepare_cached("SELECT published_to FROM feeds WHERE store_id = ?1 AND lane = ?2")?
            .query_row((feed.store.get(), feed.lane.word()), |row| row.get(0))
            .optional()?
            .unwrap_or(0))
    }

    /// Whether something was ever published in a feed.
    pub(crate) fn was_published(&self, feed: Feed) -> Result<bool, CentralError> {
        Ok(self.published_to(feed)? > 0)
    }

    /// The next rows of a feed that wait, beyond `after`.
    pub(crate) fn waiting_rows(&self, feed: Feed, after: i64, limit: usize) -> Result<Vec<FeedRow>, CentralError> {
        let after = after.max(self.published_to(feed)?);
        let mut statement = self.conn.prepare_cached(
            "SELECT id, key, type, data, at FROM feed_outbox
             WHERE store_id = ?1 AND lane = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement
            .query_map((feed.store.get(), feed.lane.word(), after, limit), |row| {
                Ok(FeedRow {
                    id: row.get(0)?,
                    record: FeedRecord {
                        lane: feed.lane,
                        key: row.get(1)?,
                        type_word: row.get(2)?,
                        data: row.get(3)?,
                    },
                    at: columns::time(row, 4)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }

    /// Notes that a feed is published up to and with a row.
    pub(crate) fn mark_published(&self, feed: Feed, up_to: i64) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO feeds (store_id, lane, published_to) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET published_to = max(published_to, excluded.published_to)",
            )?
            .execute((feed.store.get(), feed.lane.word(), up_to))?;
        Ok(())
    }

    /// Puts the newest record of every key into the outbox once more that has an older one among the rows `first..=last` of
    /// the feed. The digest is left out. Answers how many.
    pub(crate) fn enqueue_newest_again(
        &self,
        feed: Feed,
        (first, last): (i64, i64),
    ) -> Result<usize, CentralError> {
        let again = self
            .conn
            .prepare_cached(
                "INSERT INTO feed_outbox (store_id, lane, key, type, data, at)
                 SELECT store_id, lane, key, type, data, at FROM feed_outbox WHERE id IN
                    (SELECT max(id) FROM feed_outbox
                     WHERE id >= ?3 AND store_id = ?1 AND lane = ?2 AND key <> 'digest' AND key IN
                        (SELECT key FROM feed_outbox
                         WHERE id BETWEEN ?3 AND ?4 AND store_id = ?1 AND lane = ?2)
                     GROUP BY key HAVING max(id) > min(id))
                 ORDER BY id",
            )?
            .execute((feed.store.get(), feed.lane.word(), first, last))?;
        Ok(again)
    }

    /// How many rows wait, and what cannot be of how far feeds are published: rows of no feed, a store without one, and a feed
    /// that is published beyond the last row there ever was.
    pub(crate) fn impossible_feeds(&self) -> Result<(u64, Vec<String>), CentralError> {
        let waiting: i64 = self.conn.query_row(
            "SELECT coalesce(sum((SELECT count(*) FROM feed_outbox o
                WHERE o.store_id = f.store_id AND o.lane = f.lane AND o.id > f.published_to)), 0) FROM feeds f",
            [],
            |row| row.get(0),
        )?;
        let mut statement = self.conn.prepare(
            "SELECT 'row ' || o.id || ' is of no feed' FROM feed_outbox o
             WHERE NOT EXISTS (SELECT 1 FROM feeds f WHERE f.store_id = o.store_id AND f.lane = o.lane)
             UNION ALL
             SELECT 'store ' || s.store_id || ' has no feed of ' || l.lane
             FROM stores s, (SELECT 'orders' AS lane UNION ALL SELECT 'catalog') l
             WHERE NOT EXISTS (SELECT 1 FROM feeds f WHERE f.store_id = s.store_id AND f.lane = l.lane)
             UNION ALL
             SELECT 'the feed of store ' || store_id || ', ' || lane || ', is published to row ' || published_to
                || ', which never was'
             FROM feeds WHERE published_to > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'feed_outbox'), 0)",
        )?;
        let impossible = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok((waiting.unsigned_abs(), impossible))
    }
}

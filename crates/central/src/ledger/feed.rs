//! The table `feed_outbox`: what goes down the feeds, in order.

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

    /// The feeds that have rows waiting, each once, in order.
    pub(crate) fn waiting_feeds(&self) -> Result<Vec<Feed>, CentralError> {
        // One step of the index a feed, however many rows wait: a comparison of both columns at once would walk
        // through all rows of the feed before.
        let mut in_store = self.conn.prepare_cached(
            "SELECT store_id, lane FROM feed_outbox WHERE published IS NULL AND store_id = ?1 AND lane > ?2
             ORDER BY lane LIMIT 1",
        )?;
        let mut beyond = self.conn.prepare_cached(
            "SELECT store_id, lane FROM feed_outbox WHERE published IS NULL AND store_id > ?1
             ORDER BY store_id, lane LIMIT 1",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Feed { store: columns::id(row, 0, StoreId::new)?, lane: columns::lane(row, 1)? })
        };
        let mut feeds: Vec<Feed> = Vec::new();
        loop {
            let store = feeds.last().map_or(0, |feed| feed.store.get());
            let same = match feeds.last() {
                Some(feed) => in_store.query_row((store, feed.lane.word()), read).optional()?,
                None => None,
            };
            match same.map_or_else(|| beyond.query_row([store], read).optional(), |feed| Ok(Some(feed)))? {
                Some(feed) => feeds.push(feed),
                None => return Ok(feeds),
            }
        }
    }

    /// The next rows of a feed that wait, beyond `after`.
    pub(crate) fn waiting_rows(&self, feed: Feed, after: i64, limit: usize) -> Result<Vec<FeedRow>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, key, type, data, at FROM feed_outbox
             WHERE published IS NULL AND store_id = ?1 AND lane = ?2 AND id > ?3 ORDER BY id LIMIT ?4",
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
    pub(crate) fn mark_published(&self, feed: Feed, up_to: i64, now: Timestamp) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("INSERT OR IGNORE INTO published_feeds VALUES (?1, ?2)")?
            .execute((feed.store.get(), feed.lane.word()))?;
        self.conn
            .prepare_cached(
                "UPDATE feed_outbox SET published = ?4
                 WHERE published IS NULL AND store_id = ?1 AND lane = ?2 AND id <= ?3",
            )?
            .execute((feed.store.get(), feed.lane.word(), up_to, now.millis()))?;
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
                     WHERE id > ?4 AND store_id = ?1 AND lane = ?2 AND key <> 'digest' AND key IN
                        (SELECT key FROM feed_outbox
                         WHERE id BETWEEN ?3 AND ?4 AND store_id = ?1 AND lane = ?2)
                     GROUP BY key)
                 ORDER BY id",
            )?
            .execute((feed.store.get(), feed.lane.word(), first, last))?;
        Ok(again)
    }

    /// How many rows wait, and those that wait although a later one of their feed was published.
    pub(crate) fn skipped_rows(&self) -> Result<(u64, Vec<String>), CentralError> {
        let waiting: i64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM feed_outbox WHERE published IS NULL")?
            .query_row([], |row| row.get(0))?;
        let mut statement = self.conn.prepare_cached(
            "SELECT w.id, w.store_id, w.lane FROM feed_outbox w
             JOIN (SELECT store_id, lane, max(id) AS last FROM feed_outbox WHERE published IS NOT NULL
                   GROUP BY store_id, lane) p ON p.store_id = w.store_id AND p.lane = w.lane
             WHERE w.published IS NULL AND w.id < p.last",
        )?;
        let skipped = statement
            .query_map([], |row| {
                let (id, store, lane): (i64, i64, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
                Ok(format!("row {id} of store {store}, {lane}, was left out"))
            })?
            .collect::<Result<_, _>>()?;
        Ok((waiting.unsigned_abs(), skipped))
    }
}

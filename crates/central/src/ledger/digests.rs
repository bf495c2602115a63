//! The table `digests`: count and sum over the rows a feed holds, kept with every write and sent now and then.

use aisle_contract::{DigestMessage, DownBody};
use aisle_domain::{Lane, StoreId, Subject, Timestamp, digest::RowDigest};
use rusqlite::OptionalExtension;

use super::{Feed, Tx, columns};
use crate::error::CentralError;

/// At most one digest of a feed in this time, by the clock that is: what another one called later was before.
const INTERVAL_MS: i64 = 60_000;
/// What was taken back before it was known to be in the feed is made up for after this time: desks that mirror anew wait for
/// it. Not at once, as under load the next rows come before the report of the ones before.
const AGAIN_MS: i64 = 5_000;
const DUE: &str = "(sent_at <= ?2 - ?3 OR sent_at > ?2)";

/// No digest of a feed that is being filled: it would speak of rows that are not in it yet.
const FULL: &str = "NOT EXISTS (SELECT 1 FROM refills r WHERE r.store_id = d.store_id AND r.lane = d.lane)";

/// What becomes of a row's version: `None` is a row that is not there.
pub(crate) type VersionStep = (Option<i64>, Option<i64>);

fn lane_of(subject: Subject) -> Lane {
    if matches!(subject, Subject::Item(_)) { Lane::Catalog } else { Lane::Orders }
}

impl Tx<'_> {
    /// The digest that is kept for a feed.
    pub(crate) fn digest(&self, feed: Feed) -> Result<RowDigest, CentralError> {
        let kept = self
            .conn
            .prepare_cached("SELECT count, sum FROM digests WHERE store_id = ?1 AND lane = ?2")?
            .query_row((feed.store.get(), feed.lane.word()), |row| {
                let (count, sum): (i64, i64) = (row.get(0)?, row.get(1)?);
                Ok(RowDigest { count: count.cast_unsigned(), sum: sum.cast_unsigned() })
            })
            .optional()?;
        Ok(kept.unwrap_or_default())
    }

    /// Takes rows of one store into its digests as their versions change.
    pub(crate) fn shift_digest(
        &self,
        store: StoreId,
        steps: impl Iterator<Item = (Subject, VersionStep)>,
    ) -> Result<(), CentralError> {
        let mut shifts = [(Lane::Orders, 0_i64, 0_u64, false), (Lane::Catalog, 0, 0, false)];
        for (subject, (before, after)) in steps {
            let lane = lane_of(subject);
            for (_, count, sum, touched) in shifts.iter_mut().filter(|(l, ..)| *l == lane) {
                let hash = |version: i64| {
                    let mut one = RowDigest::default();
                    one.add(subject, version);
                    one.sum
                };
                *sum = sum.wrapping_sub(before.map_or(0, hash)).wrapping_add(after.map_or(0, hash));
                *count += i64::from(after.is_some()) - i64::from(before.is_some());
                *touched = true;
            }
        }
        for (lane, count, sum, _) in shifts.into_iter().filter(|(.., touched)| *touched) {
            let feed = Feed { store, lane };
            self.withdraw_digest(feed)?;
            let kept = self.digest(feed)?;
            self.write_digest(
                feed,
                RowDigest { count: kept.count.wrapping_add_signed(count), sum: kept.sum.wrapping_add(sum) },
            )?;
        }
        Ok(())
    }

    fn write_digest(&self, feed: Feed, digest: RowDigest) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO digests (store_id, lane, count, sum, changed, sent_at) VALUES (?1, ?2, ?3, ?4, 1, 0)
                 ON CONFLICT (store_id, lane) DO UPDATE
                    SET count = excluded.count, sum = excluded.sum, changed = 1",
            )?
            .execute((feed.store.get(), feed.lane.word(), digest.count.cast_signed(), digest.sum.cast_signed()))?;
        Ok(())
    }

    /// Takes a digest that waits out again before rows come behind it. Where it was sent already and only its report is
    /// missing, it stands at its place; sent once more it would not.
    pub(crate) fn withdraw_digest(&self, feed: Feed) -> Result<(), CentralError> {
        let withdrawn = self
            .conn
            .prepare_cached(
                "DELETE FROM feed_outbox WHERE id =
                    (SELECT d.cut_row FROM digests d JOIN feeds f ON f.store_id = d.store_id AND f.lane = d.lane
                     WHERE d.store_id = ?1 AND d.lane = ?2 AND d.cut_row > f.published_to)",
            )?
            .execute((feed.store.get(), feed.lane.word()))?;
        if withdrawn > 0 {
            self.conn
                .prepare_cached("UPDATE digests SET sent_at = sent_at - ?3 WHERE store_id = ?1 AND lane = ?2")?
                .execute((feed.store.get(), feed.lane.word(), INTERVAL_MS - AGAIN_MS))?;
        }
        Ok(())
    }

    /// Sends the digests of a store's feeds that have changed and were not sent lately (or are, `at_once`).
    pub(crate) fn cut_digests(&self, store: StoreId, at_once: bool, now: Timestamp) -> Result<(), CentralError> {
        let interval = if at_once { 0 } else { INTERVAL_MS };
        let lanes: Vec<Lane> = self
            .conn
            .prepare_cached(&format!(
                "SELECT lane FROM digests d WHERE store_id = ?1 AND changed = 1 AND {DUE} AND {FULL}"
            ))?
            .query_map((store.get(), now.millis(), interval), |row| columns::lane(row, 0))?
            .collect::<Result<_, _>>()?;
        for lane in lanes {
            let feed = Feed { store, lane };
            let rows = self.digest(feed)?.into();
            self.enqueue(feed, &DownBody::Digest(DigestMessage { rows }), now)?;
            self.conn
                .prepare_cached(
                    "UPDATE digests SET changed = 0, sent_at = ?3, cut_row = ?4 WHERE store_id = ?1 AND lane = ?2",
                )?
                .execute((store.get(), lane.word(), now.millis(), self.conn.last_insert_rowid()))?;
        }
        Ok(())
    }

    /// Makes the digest of a feed count as changed, one over no rows as well. There is never more than one that waits.
    pub(crate) fn touch_digest(&self, feed: Feed) -> Result<(), CentralError> {
        self.withdraw_digest(feed)?;
        let kept = self.digest(feed)?;
        self.write_digest(feed, kept)
    }

    /// Stores that have a digest to send.
    pub(crate) fn digests_due(&self, now: Timestamp) -> Result<Vec<StoreId>, CentralError> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT DISTINCT store_id FROM digests d WHERE changed = ?1 AND {DUE} AND {FULL}"
        ))?;
        let stores = statement
            .query_map((true, now.millis(), INTERVAL_MS), |row| columns::id(row, 0, StoreId::new))?
            .collect::<Result<_, _>>()?;
        Ok(stores)
    }

    /// The digests of a store counted from its rows: orders, then items.
    pub(crate) fn counted_digests(&self, store: StoreId) -> Result<[RowDigest; 2], CentralError> {
        let mut orders = RowDigest::default();
        let mut statement =
            self.conn.prepare("SELECT order_id, version FROM orders WHERE store_id = ?1 AND gone_at IS NULL")?;
        let mut rows = statement.query([store.get()])?;
        while let Some(row) = rows.next()? {
            orders.add(Subject::Order(columns::id(row, 0, aisle_domain::OrderId::new)?), row.get(1)?);
        }
        let mut items = RowDigest::default();
        let mut statement =
            self.conn.prepare("SELECT item_id, version FROM items WHERE store_id = ?1 AND gone_at IS NULL")?;
        let mut rows = statement.query([store.get()])?;
        while let Some(row) = rows.next()? {
            items.add(Subject::Item(columns::id(row, 0, aisle_domain::ItemId::new)?), row.get(1)?);
        }
        Ok([orders, items])
    }
}

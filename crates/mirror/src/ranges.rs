//! The authorised ranges of open orders in memory: `(order, store) -> [lo, hi]`, so that screens and rules decide
//! without a query, an allocation or a lock. Rebuilt from the table when a desk opens, updated after every commit.

use aisle_domain::{Money, OrderId, StoreId};
use rusqlite::{Connection, OptionalExtension};

use crate::error::Result;

type Key = (i64, i64);
type Range = (i64, i64);
/// One range with its order and store.
pub(crate) type RangeRow = (Key, Range);

/// The cache.
#[derive(Debug, Default)]
pub struct RangeCache {
    /// Orders' numbers are central's own: nobody chooses them so that they collide, so a fast hash is enough.
    ranges: papaya::HashMap<Key, Range, foldhash::fast::RandomState>,
    /// Of a reader beside a running desk: as the table was when it opened, and nobody brings it up to date.
    snapshot: bool,
}

impl RangeCache {
    pub(crate) fn snapshot() -> Self {
        Self { snapshot: true, ..Self::default() }
    }

    pub(crate) const fn is_snapshot(&self) -> bool {
        self.snapshot
    }

    /// The range of an open order, both ends included.
    #[inline]
    pub fn get(&self, order: OrderId, store: StoreId) -> Option<(Money, Money)> {
        let ranges = self.ranges.pin();
        let (lo, hi) = ranges.get(&(order.get(), store.get()))?;
        Some((Money::from_minor(*lo), Money::from_minor(*hi)))
    }

    /// How many orders it holds.
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Keeps a range, as the benchmarks fill it.
    pub fn insert(&self, order: OrderId, store: StoreId, lo: Money, hi: Money) {
        self.ranges.pin().insert((order.get(), store.get()), (lo.minor(), hi.minor()));
    }

    pub(crate) fn rebuild(&self, conn: &Connection) -> Result<()> {
        let ranges = self.ranges.pin();
        ranges.clear();
        for (key, range) in Self::rows(conn)? {
            ranges.insert(key, range);
        }
        Ok(())
    }

    /// What the table says of open orders.
    pub(crate) fn rows(conn: &Connection) -> Result<Vec<RangeRow>> {
        let mut statement = conn.prepare_cached(
            "SELECT r.order_id, r.store_id, r.amount_lo, r.amount_hi
             FROM orders o JOIN amount_ranges r ON r.order_id = o.order_id
             WHERE o.status IN ('new', 'running', 'pending')",
        )?;
        let rows = statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), (row.get(2)?, row.get(3)?))))?;
        Ok(rows.collect::<std::result::Result<_, _>>()?)
    }

    pub(crate) fn apply(&self, changes: &[RangeChange]) {
        let ranges = self.ranges.pin();
        for change in changes {
            match change.range {
                Some(range) => ranges.insert(change.key, range),
                None => ranges.remove(&change.key),
            };
        }
    }

    pub(crate) fn entries(&self) -> Vec<RangeRow> {
        self.ranges.pin().iter().map(|(key, range)| (*key, *range)).collect()
    }
}

/// What the cache is to hold of one order once the transaction that wrote it is on the disk.
#[derive(Debug)]
pub(crate) struct RangeChange {
    key: Key,
    range: Option<Range>,
}

impl RangeChange {
    /// Reads the order's range inside the transaction that wrote it.
    pub(crate) fn read(conn: &Connection, order: i64, store: StoreId) -> Result<Self> {
        let key = (order, store.get());
        let range = conn
            .prepare_cached(
                "SELECT r.amount_lo, r.amount_hi FROM amount_ranges r JOIN orders o ON o.order_id = r.order_id
                 WHERE r.order_id = ?1 AND r.store_id = ?2 AND o.status IN ('new', 'running', 'pending')",
            )?
            .query_row([key.0, key.1], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        Ok(Self { key, range })
    }
}

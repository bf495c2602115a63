//! The authorised ranges of open orders in memory: `(order, store) -> [lo, hi]`, so that screens and rules decide
//! without a query, an allocation or a lock. Rebuilt from the table when a desk opens, updated after every commit.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

use aisle_domain::{Money, OrderId, StoreId};
use rusqlite::{Connection, OptionalExtension};
use scc::hash_index::{Entry, HashIndex};

use crate::error::Result;

type Key = (i64, i64);
type Range = (i64, i64);
/// One range with its order and store.
pub(crate) type RangeRow = (Key, Range);

/// A range that is replaced where it lies. Writers are alone, since the map locks an entry for them; a reader that meets one
/// looks again.
#[derive(Debug)]
struct Cell {
    /// Odd while the ends are written.
    turn: AtomicU64,
    lo: AtomicI64,
    hi: AtomicI64,
}

impl Cell {
    const fn new((lo, hi): Range) -> Self {
        Self { turn: AtomicU64::new(0), lo: AtomicI64::new(lo), hi: AtomicI64::new(hi) }
    }

    fn write(&self, (lo, hi): Range) {
        let turn = self.turn.load(Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(1), Ordering::Relaxed);
        // Nobody sees an end that is new before the turn is odd, nor the turn even before both are new.
        fence(Ordering::Release);
        self.lo.store(lo, Ordering::Relaxed);
        self.hi.store(hi, Ordering::Relaxed);
        self.turn.store(turn.wrapping_add(2), Ordering::Release);
    }

    #[inline]
    fn read(&self) -> Range {
        loop {
            let turn = self.turn.load(Ordering::Acquire);
            let range = (self.lo.load(Ordering::Relaxed), self.hi.load(Ordering::Relaxed));
            fence(Ordering::Acquire);
            if turn.is_multiple_of(2) && self.turn.load(Ordering::Relaxed) == turn {
                return range;
            }
            std::hint::spin_loop();
        }
    }
}

/// The cache.
#[derive(Debug, Default)]
pub struct RangeCache {
    /// Orders' numbers are central's own: nobody chooses them so that they collide, so a fast hash is enough.
    ranges: HashIndex<Key, Cell, foldhash::fast::RandomState>,
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
        let (lo, hi) = self.ranges.peek_with(&(order.get(), store.get()), |_, cell| cell.read())?;
        Some((Money::from_minor(lo), Money::from_minor(hi)))
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
        self.put((order.get(), store.get()), (lo.minor(), hi.minor()));
    }

    /// Whoever reads meanwhile finds the one before or this one.
    fn put(&self, key: Key, range: Range) {
        // The map would insert the new one beside the old one and remove that: a reader may find neither.
        match self.ranges.entry_sync(key) {
            Entry::Occupied(known) => known.get().write(range),
            Entry::Vacant(unknown) => drop(unknown.insert_entry(Cell::new(range))),
        }
    }

    pub(crate) fn rebuild(&self, conn: &Connection) -> Result<()> {
        let rows = Self::rows(conn)?;
        self.ranges.clear_sync();
        for (key, range) in rows {
            self.put(key, range);
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
        for change in changes {
            match change.range {
                Some(range) => self.put(change.key, range),
                None => drop(self.ranges.remove_sync(&change.key)),
            }
        }
    }

    pub(crate) fn entries(&self) -> Vec<RangeRow> {
        let mut rows = Vec::new();
        self.ranges.iter_sync(|key, cell| {
            rows.push((*key, cell.read()));
            true
        });
        rows
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    const TURNS: i64 = 100_000;

    fn id(number: i64) -> OrderId {
        OrderId::new(number).unwrap()
    }

    /// Reads the range of order 7 all the time while something is done to the cache.
    fn read_while(cache: &RangeCache, done: impl FnOnce()) {
        let store = StoreId::new(1).unwrap();
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut last = 0;
                while !ended.load(Ordering::Relaxed) {
                    let (lo, hi) = cache.get(id(7), store).expect("it is there all the time");
                    assert_eq!(hi.minor() - lo.minor(), 100, "both ends are of one range");
                    assert!(lo.minor() >= last, "no older one comes back");
                    last = lo.minor();
                }
            });
            done();
            ended.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }

    fn put(cache: &RangeCache, order: i64, lo: i64) {
        cache.insert(id(order), StoreId::new(1).unwrap(), Money::from_minor(lo), Money::from_minor(lo + 100));
    }

    #[test]
    fn whoever_reads_while_a_range_is_replaced_finds_the_one_before_or_the_new_one() {
        let cache = RangeCache::default();
        put(&cache, 7, 0);
        read_while(&cache, || (1..=TURNS).for_each(|turn| put(&cache, 7, turn)));
        assert_eq!(cache.entries(), [((7, 1), (TURNS, TURNS + 100))]);
    }

    #[test]
    fn whoever_reads_while_the_cache_grows_and_shrinks_finds_what_is_there() {
        let cache = RangeCache::default();
        put(&cache, 7, 5);
        read_while(&cache, || {
            (8..TURNS).for_each(|order| put(&cache, order, 1));
            let closed = |order| RangeChange { key: (order, 1), range: None };
            cache.apply(&(8..TURNS).map(closed).collect::<Vec<_>>());
        });
        assert_eq!((cache.len(), cache.is_empty()), (1, false));
    }
}

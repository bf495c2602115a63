//! The tables `simulated_orders` and `simulated_items`: where the simulated store's days stand.

use aisle_domain::{OrderId, OrderStatus, StoreId, Timestamp};
use rusqlite::OptionalExtension;

use super::{Tx, columns};
use crate::error::CentralError;

/// An order that was released and is not settled yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SimulatedOrder {
    pub(crate) order: OrderId,
    /// In `orders.jsonl`, from 1.
    pub(crate) line: usize,
    pub(crate) released_at: Timestamp,
    pub(crate) accepted_at: Option<Timestamp>,
    pub(crate) status: OrderStatus,
}

/// How many of the released orders there are of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct SimulatedCounts {
    pub(crate) items: u64,
    pub(crate) orders: u64,
    pub(crate) answered: u64,
    pub(crate) cancelled: u64,
    /// Neither confirmed nor rejected nor running with a declined payment.
    pub(crate) undone: u64,
}

impl Tx<'_> {
    /// Notes that an order was released.
    pub(crate) fn note_released(
        &self,
        store: StoreId,
        order: OrderId,
        line: usize,
        now: Timestamp,
    ) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT OR IGNORE INTO simulated_orders (store_id, order_id, line_no, released_at)
                 VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((store.get(), order.get(), i64::try_from(line).unwrap_or(i64::MAX), now.millis()))?;
        Ok(())
    }

    /// Whether the simulation released the order.
    pub(crate) fn was_released(&self, store: StoreId, order: OrderId) -> Result<bool, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT 1 FROM simulated_orders WHERE store_id = ?1 AND order_id = ?2")?;
        Ok(statement.exists((store.get(), order.get()))?)
    }

    /// Notes when the simulation first saw an order accepted.
    pub(crate) fn note_accepted(
        &self,
        store: StoreId,
        order: OrderId,
        now: Timestamp,
    ) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "UPDATE simulated_orders SET accepted_at = ?3
                 WHERE store_id = ?1 AND order_id = ?2 AND accepted_at IS NULL",
            )?
            .execute((store.get(), order.get(), now.millis()))?;
        Ok(())
    }

    /// Notes that the simulation does nothing more to an order: `answered` or `cancelled`.
    pub(crate) fn note_settled(&self, store: StoreId, order: OrderId, how: &str) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("UPDATE simulated_orders SET settled = ?3 WHERE store_id = ?1 AND order_id = ?2")?
            .execute((store.get(), order.get(), how))?;
        Ok(())
    }

    /// Released orders that are open and that the simulation has not settled, in the order of the file.
    pub(crate) fn unsettled(&self, store: StoreId) -> Result<Vec<SimulatedOrder>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT s.order_id, s.line_no, s.released_at, s.accepted_at, o.status
             FROM simulated_orders s JOIN orders o ON o.store_id = s.store_id AND o.order_id = s.order_id
             WHERE s.store_id = ?1 AND s.settled IS NULL AND o.status IN ('new', 'running', 'pending')
             ORDER BY s.line_no",
        )?;
        let orders = statement
            .query_map([store.get()], |row| {
                Ok(SimulatedOrder {
                    order: columns::id(row, 0, OrderId::new)?,
                    line: usize::try_from(row.get::<_, i64>(1)?).unwrap_or(usize::MAX),
                    released_at: columns::time(row, 2)?,
                    accepted_at: columns::time_or_none(row, 3)?,
                    status: columns::text(row, 4)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(orders)
    }

    /// Adds to the items that the simulation put into the store's catalog.
    pub(crate) fn note_items(&self, store: StoreId, items: i64) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO simulated_items VALUES (?1, ?2)
                 ON CONFLICT (store_id) DO UPDATE SET items = items + excluded.items",
            )?
            .execute((store.get(), items))?;
        Ok(())
    }

    /// Where the simulation stands.
    pub(crate) fn simulated_counts(&self, store: StoreId) -> Result<SimulatedCounts, CentralError> {
        let items: Option<i64> = self
            .conn
            .prepare_cached("SELECT items FROM simulated_items WHERE store_id = ?1")?
            .query_row([store.get()], |row| row.get(0))
            .optional()?;
        let mut statement = self.conn.prepare_cached(
            "SELECT count(*), count(*) FILTER (WHERE s.settled = 'answered'),
                count(*) FILTER (WHERE s.settled = 'cancelled'),
                count(*) FILTER (WHERE o.status NOT IN ('confirmed', 'rejected') AND NOT (o.status = 'running'
                    AND EXISTS (SELECT 1 FROM payments p WHERE p.store_id = o.store_id
                        AND p.order_id = o.order_id AND p.status = 'rejected')))
             FROM simulated_orders s JOIN orders o ON o.store_id = s.store_id AND o.order_id = s.order_id
             WHERE s.store_id = ?1",
        )?;
        let counts = statement.query_row([store.get()], |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok(SimulatedCounts {
                items: items.unwrap_or(0).unsigned_abs(),
                orders: number(0)?,
                answered: number(1)?,
                cancelled: number(2)?,
                undone: number(3)?,
            })
        })?;
        Ok(counts)
    }
}

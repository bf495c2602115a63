//! The tables `amount_ranges` and `range_history`.

use aisle_domain::{AmountRange, Order, OrderId, StoreId};

use super::{Tx, orders::read_range};
use crate::error::CentralError;

impl Tx<'_> {
    /// Puts a range in force; the one before it goes into the history.
    pub(super) fn save_range(&self, order: &Order, range: &AmountRange) -> Result<(), CentralError> {
        let (store, number) = (order.store_id.get(), order.order_id.get());
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO range_history (store_id, order_id, version, amount_lo, amount_hi, set_at, set_by)
                 SELECT store_id, order_id, version, amount_lo, amount_hi, set_at, set_by FROM amount_ranges
                 WHERE store_id = ?1 AND order_id = ?2 AND version < ?3",
            )?
            .execute((store, number, range.version))?;
        self.conn
            .prepare_cached("INSERT OR REPLACE INTO amount_ranges VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute((
                store,
                number,
                range.amount_lo.minor(),
                range.amount_hi.minor(),
                range.version,
                range.set_at.millis(),
                &range.set_by,
            ))?;
        Ok(())
    }

    /// The order's ranges that are no longer in force, oldest first.
    pub(crate) fn superseded_ranges(
        &self,
        store: StoreId,
        order: OrderId,
    ) -> Result<Vec<AmountRange>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT amount_lo, amount_hi, version, set_at, set_by FROM range_history
             WHERE store_id = ?1 AND order_id = ?2 ORDER BY version",
        )?;
        let ranges = statement
            .query_map((store.get(), order.get()), |row| read_range(row, 0))?
            .collect::<Result<_, _>>()?;
        Ok(ranges)
    }
}

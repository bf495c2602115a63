//! Orders whose alarm nobody has acknowledged.

use aisle_domain::{OrderId, Timestamp};
use rusqlite::{Connection, Transaction, params};

use crate::{error::Result, row::Columns};

/// Raises an alarm: `new`, `cancelled` or `late`. A later kind takes the place of an earlier one.
pub fn raise(tx: &Transaction<'_>, order: OrderId, kind: &str, at: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO alarms (order_id, kind, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (order_id) DO UPDATE SET kind = excluded.kind, at = excluded.at",
    )?
    .execute(params![order.get(), kind, at.millis()])?;
    Ok(())
}

/// Ends the alarm of an order that is no longer new: somebody, somewhere, has taken it.
pub(crate) fn settle(tx: &Transaction<'_>, order: OrderId) -> Result<bool> {
    let ended =
        tx.prepare_cached("DELETE FROM alarms WHERE order_id = ?1 AND kind = 'new'")?.execute([order.get()])?;
    Ok(ended > 0)
}

/// Unacknowledged alarms, oldest first: order, kind, since when.
pub fn unheard(conn: &Connection) -> Result<Vec<(OrderId, String, Timestamp)>> {
    let mut statement = conn.prepare_cached("SELECT order_id, kind, at FROM alarms ORDER BY at, order_id")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.id("order_id", OrderId::new)?, row.get("kind")?, row.time("at")?));
    }
    Ok(found)
}

/// Acknowledges one order's alarm, or all; answers which.
pub fn acknowledge(tx: &Transaction<'_>, order: Option<OrderId>) -> Result<Vec<OrderId>> {
    let mut statement =
        tx.prepare_cached("DELETE FROM alarms WHERE ?1 IS NULL OR order_id = ?1 RETURNING order_id")?;
    let mut rows = statement.query([order.map(OrderId::get)])?;
    let mut heard = Vec::new();
    while let Some(row) = rows.next()? {
        heard.push(row.id("order_id", OrderId::new)?);
    }
    Ok(heard)
}

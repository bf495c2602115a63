//! Orders whose alarm nobody has acknowledged.

use aisle_domain::{OrderId, OrderStatus, Timestamp};
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

/// Ends the alarm of an order that is no longer new: somebody, somewhere, has taken it. One that is not open any more is late
/// for nobody.
pub(crate) fn settle(tx: &Transaction<'_>, order: OrderId, status: OrderStatus) -> Result<()> {
    tx.prepare_cached("DELETE FROM alarms WHERE order_id = ?1 AND (kind = 'new' OR kind = 'late' AND NOT ?2)")?
        .execute(params![order.get(), status.is_open()])?;
    Ok(())
}

/// A till that gives up is told this long before it does.
const NOTICE_MS: i64 = 60_000;
/// What came longer ago than this concerns nobody any more.
const STALE_MS: i64 = 12 * 60 * 60 * 1000;

/// Deadlines that have come and were not told: promises of orders that are picked, and tills of payments that wait.
const COME: &str = "SELECT c.order_id, c.deadline FROM (
        SELECT order_id, due_at AS deadline FROM orders WHERE status = 'running' AND due_at BETWEEN ?1 AND ?2
        UNION ALL
        SELECT p.order_id, p.decide_by FROM payments p JOIN orders o ON o.order_id = p.order_id
        WHERE o.status = 'pending' AND p.status IS NULL AND p.decide_by BETWEEN ?1 AND ?3
    ) c WHERE NOT EXISTS (SELECT 1 FROM late l WHERE l.order_id = c.order_id AND l.deadline = c.deadline)";

fn come(conn: &Connection, now: Timestamp) -> Result<Vec<(OrderId, i64)>> {
    let mut statement = conn.prepare_cached(COME)?;
    let (from, notice) = (now.millis() - STALE_MS, now.millis() + NOTICE_MS);
    let mut rows = statement.query(params![from, now.millis(), notice])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push((row.id("order_id", OrderId::new)?, row.get("deadline")?));
    }
    Ok(found)
}

/// Whether a deadline has come that was not told yet.
pub fn is_any_late(conn: &Connection, now: Timestamp) -> Result<bool> {
    Ok(!come(conn, now)?.is_empty())
}

/// Raises the alarm of orders whose deadline has come: their promise is over, or the till of their payment gives up within a
/// minute. Each deadline is told once. Answers which.
pub fn raise_late(tx: &Transaction<'_>, now: Timestamp) -> Result<Vec<OrderId>> {
    let come = come(tx, now)?;
    tx.execute("DELETE FROM late WHERE deadline < ?1", [now.millis() - STALE_MS])?;
    for (order, deadline) in &come {
        tx.prepare_cached("INSERT INTO late (order_id, deadline) VALUES (?1, ?2)")?
            .execute(params![order.get(), deadline])?;
        raise(tx, *order, "late", now)?;
    }
    Ok(come.into_iter().map(|(order, _)| order).collect())
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

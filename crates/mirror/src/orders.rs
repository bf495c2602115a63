//! Orders with everything that travels with them: reads and the one place that writes the shown rows.

mod find;
mod parts;
mod write;

use std::collections::BTreeMap;

use aisle_domain::{Decision, Order, OrderId, OrderStatus, StoreId, Timestamp, UserId};
use rusqlite::{Connection, Row, ToSql, params, params_from_iter};

pub use find::{Care, Found, OrderFilter, Stage, find};
#[cfg(test)]
pub(crate) use parts::LINE_COLUMNS;
pub(crate) use parts::payment as payment_row;
pub(crate) use write::{claim_numbers, remove, write};

use crate::{
    error::Result,
    row::{Columns, Placed},
};

/// The order as it is shown.
pub fn load(conn: &Connection, id: OrderId) -> Result<Option<Order>> {
    let mut statement = conn.prepare_cached("SELECT * FROM orders WHERE order_id = ?1")?;
    let mut rows = statement.query([id.get()])?;
    match rows.next()? {
        Some(row) => read(conn, row).map(Some),
        None => Ok(None),
    }
}

fn collect(conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<Order>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        orders.push(read(conn, row)?);
    }
    Ok(orders)
}

/// Orders by the time they were queued, then by number.
pub fn list(conn: &Connection, filter: &OrderFilter) -> Result<Vec<Order>> {
    let (conditions, mut values) = filter.conditions();
    values.push(filter.limit());
    let sql = format!("SELECT * FROM orders WHERE {conditions} ORDER BY queued_time, order_id LIMIT ?");
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut orders = Vec::new();
    while let Some(row) = rows.next()? {
        orders.push(read(conn, row)?);
    }
    Ok(orders)
}

/// Orders decided since then, newest first, and how many there are in all.
pub fn decided_since(conn: &Connection, since: Timestamp, limit: usize) -> Result<(Vec<Order>, i64)> {
    // The plus keeps SQLite from reading every closed order by its status.
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let orders = collect(
        conn,
        "SELECT * FROM orders WHERE decided_at >= ?1 AND +status IN ('approved', 'rejected', 'confirmed')
         ORDER BY decided_at DESC, order_id DESC LIMIT ?2",
        &[&since.millis(), &limit],
    )?;
    let total = conn
        .prepare_cached(
            "SELECT count(*) FROM orders WHERE decided_at >= ?1 AND +status IN ('approved', 'rejected', 'confirmed')",
        )?
        .query_row([since.millis()], |row| row.get(0))?;
    Ok((orders, total))
}

/// Orders that were queued from one instant on and before another, by the time of that.
pub fn queued_between(conn: &Connection, from: Timestamp, to: Timestamp) -> Result<Vec<Order>> {
    collect(
        conn,
        "SELECT * FROM orders WHERE queued_time >= ?1 AND queued_time < ?2 ORDER BY queued_time, order_id",
        &[&from.millis(), &to.millis()],
    )
}

/// How many orders a customer has in the mirror.
pub fn count_of_user(conn: &Connection, user: UserId) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM orders WHERE user_id = ?1")?
        .query_row([user.get()], |row| row.get(0))?)
}

/// How many open orders there are in each status.
pub fn counts(conn: &Connection) -> Result<BTreeMap<OrderStatus, i64>> {
    let mut statement = conn.prepare_cached(
        "SELECT status, count(*) AS count FROM orders WHERE status IN ('new', 'running', 'pending') GROUP BY status",
    )?;
    let mut rows = statement.query([])?;
    let mut counts = BTreeMap::new();
    while let Some(row) = rows.next()? {
        counts.insert(row.parsed("status")?, row.get("count")?);
    }
    Ok(counts)
}

/// The table's columns, in its order.
#[rustfmt::skip]
pub(crate) const COLUMNS: [&str; 21] = [
    "order_id", "store_id", "user_id", "creation_time", "status", "queued_time", "accept_by", "due_at", "display_no",
    "customer_name", "note", "substitution", "payment_expected", "decision", "reason", "decided_by", "decided_at",
    "claimed_by", "version", "accepted_by", "accepted_at",
];

fn read(conn: &Connection, row: &Row<'_>) -> Result<Order> {
    let row = Placed::new(row, &COLUMNS);
    let id = row.id("order_id", OrderId::new)?;
    Ok(Order {
        order_id: id,
        store_id: row.id("store_id", StoreId::new)?,
        user_id: row.id("user_id", UserId::new)?,
        creation_time: row.time("creation_time")?,
        status: row.parsed("status")?,
        queued_time: row.time("queued_time")?,
        accept_by: row.time_optional("accept_by")?,
        due_at: row.time_optional("due_at")?,
        display_no: row.value("display_no")?,
        customer_name: row.value("customer_name")?,
        note: row.value("note")?,
        substitution: row.value("substitution")?,
        payment_expected: row.value("payment_expected")?,
        decision: row.word_optional("decision", &[Decision::Approved, Decision::Rejected], Decision::word)?,
        reason: row.value("reason")?,
        decided_by: row.value("decided_by")?,
        decided_at: row.time_optional("decided_at")?,
        claimed_by: row.value("claimed_by")?,
        accepted_by: row.value("accepted_by")?,
        accepted_at: row.time_optional("accepted_at")?,
        version: row.value("version")?,
        lines: parts::lines(conn, id)?,
        range: parts::range(conn, id)?,
        payments: parts::payments(conn, id)?,
        receipts: parts::receipts(conn, id)?,
        shopper: parts::shopper(conn, id)?,
    })
}

/// Every order's number, for checks.
pub(crate) fn ids(conn: &Connection) -> Result<Vec<OrderId>> {
    let mut statement = conn.prepare("SELECT order_id FROM orders ORDER BY order_id")?;
    let mut rows = statement.query(params![])?;
    let mut ids = Vec::new();
    while let Some(row) = rows.next()? {
        ids.push(row.id("order_id", OrderId::new)?);
    }
    Ok(ids)
}

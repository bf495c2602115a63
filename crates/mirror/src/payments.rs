//! Payments across orders.

use aisle_domain::{OrderId, Payment, PaymentId};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    error::{MirrorError, Result},
    orders::payment_row,
};

/// Payments by number; only those without a decision here, where that is asked.
pub fn list(
    conn: &Connection,
    undecided_only: bool,
    after: Option<PaymentId>,
    limit: usize,
) -> Result<Vec<Payment>> {
    let sql = if undecided_only {
        "SELECT * FROM payments WHERE status IS NULL AND payment_id > ?1 ORDER BY payment_id LIMIT ?2"
    } else {
        "SELECT * FROM payments WHERE payment_id > ?1 ORDER BY payment_id LIMIT ?2"
    };
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows =
        statement.query(params![after.map_or(0, PaymentId::get), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(payment_row(row)?);
    }
    Ok(found)
}

/// The order of a payment.
pub fn order_of(conn: &Connection, id: PaymentId) -> Result<Option<OrderId>> {
    let order: Option<i64> = conn
        .prepare_cached("SELECT order_id FROM payments WHERE payment_id = ?1")?
        .query_row([id.get()], |row| row.get(0))
        .optional()?;
    let bad =
        |e: aisle_domain::BadId| MirrorError::BadRow { what: "a payment's order".into(), why: e.to_string() };
    order.map(|order| OrderId::new(order).map_err(bad)).transpose()
}

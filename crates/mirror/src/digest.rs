//! Count and sum over central's rows in the mirror: over bases where they are kept, over shown rows elsewhere.

use aisle_domain::{ItemId, OrderId, Subject, digest::RowDigest};
use rusqlite::Connection;

use crate::{error::Result, row::Columns};

/// Of orders and of items.
pub fn rows(conn: &Connection) -> Result<(RowDigest, RowDigest)> {
    let orders = digest(
        conn,
        "SELECT o.order_id AS id, coalesce(b.version, o.version) AS version
         FROM orders o LEFT JOIN bases b ON b.kind = 'order' AND b.id = o.order_id",
        |id| Ok(Subject::Order(OrderId::new(id)?)),
    )?;
    // An item that only this desk has yet has a base without a row: central does not count it.
    let items = digest(
        conn,
        "SELECT i.item_id AS id, CASE WHEN b.id IS NULL THEN i.version ELSE b.version END AS version
         FROM items i LEFT JOIN bases b ON b.kind = 'item' AND b.id = i.item_id
         WHERE b.id IS NULL OR b.row IS NOT NULL",
        |id| Ok(Subject::Item(ItemId::new(id)?)),
    )?;
    Ok((orders, items))
}

fn digest(
    conn: &Connection,
    sql: &str,
    subject: impl Fn(i64) -> std::result::Result<Subject, aisle_domain::BadId>,
) -> Result<RowDigest> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut digest = RowDigest::default();
    while let Some(row) = rows.next()? {
        digest.add(row.id("id", &subject)?, row.get("version")?);
    }
    Ok(digest)
}

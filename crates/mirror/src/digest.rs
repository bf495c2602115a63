//! Count and sum over central's rows in the mirror: over bases where they are kept, over shown rows elsewhere.

use aisle_domain::{
    ItemId, Lane, OrderId, Subject, Timestamp,
    digest::{DigestView, RowDigest},
};
use rusqlite::{Connection, Transaction, params};

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

/// What central said of its own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentralDigest {
    /// Where in the feed it said so.
    pub offset: i64,
    /// Count and sum.
    pub rows: DigestView,
    /// When it came.
    pub at: Timestamp,
}

/// Digests of central's that are kept, of each lane.
const KEPT: i64 = 20;

/// Keeps central's word.
pub(crate) fn remember(
    tx: &Transaction<'_>,
    lane: Lane,
    offset: i64,
    rows: &DigestView,
    at: Timestamp,
) -> Result<()> {
    let count = i64::try_from(rows.count).unwrap_or(i64::MAX);
    tx.prepare_cached("INSERT INTO digests (lane, offset, count, sum, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![lane.word(), offset, count, rows.sum, at.millis()])?;
    tx.prepare_cached(
        "DELETE FROM digests WHERE lane = ?1
         AND id <= (SELECT id FROM digests WHERE lane = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![lane.word(), KEPT])?;
    Ok(())
}

/// Central's digests of a lane, newest first, at most 20.
pub fn of_central(conn: &Connection, lane: Lane) -> Result<Vec<CentralDigest>> {
    let mut statement =
        conn.prepare_cached("SELECT offset, count, sum, at FROM digests WHERE lane = ?1 ORDER BY id DESC")?;
    let mut rows = statement.query([lane.word()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let count = u64::try_from(row.get::<_, i64>("count")?).unwrap_or_default();
        let rows = DigestView { count, sum: row.get("sum")? };
        found.push(CentralDigest { offset: row.get("offset")?, rows, at: row.time("at")? });
    }
    Ok(found)
}

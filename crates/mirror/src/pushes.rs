//! The log of pushes.

use aisle_domain::Timestamp;
use rusqlite::{Connection, Transaction, params};

use crate::{error::Result, row::Columns};

/// One push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PushRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Changes that were sent.
    pub sent: i64,
    /// Changes sent at that time that central has acknowledged since.
    pub acked: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// Pushes that are kept.
const KEPT: i64 = 1000;

/// Records a push.
pub fn record(tx: &Transaction<'_>, at: Timestamp, sent: i64, error: Option<&str>) -> Result<i64> {
    tx.prepare_cached("INSERT INTO pushes (at, sent, error) VALUES (?1, ?2, ?3)")?.execute(params![
        at.millis(),
        sent,
        error
    ])?;
    let id = tx.last_insert_rowid();
    tx.prepare_cached("DELETE FROM pushes WHERE id <= ?1")?.execute([id - KEPT])?;
    Ok(id)
}

/// The last pushes, newest first.
pub fn recent(conn: &Connection, limit: usize) -> Result<Vec<PushRow>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, at, sent, error,
                (SELECT count(*) FROM outbox WHERE sent_at = pushes.at AND state IN ('received', 'refused')) AS acked
         FROM pushes ORDER BY id DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(PushRow {
            id: row.get("id")?,
            at: row.time("at")?,
            sent: row.get("sent")?,
            acked: row.get("acked")?,
            error: row.get("error")?,
        });
    }
    Ok(found)
}

//! Free keys with text values.

use rusqlite::{Connection, OptionalExtension, Transaction, params};

use crate::error::Result;

/// The value of a key.
pub fn get(conn: &Connection, key: &str) -> Result<Option<String>> {
    Ok(conn
        .prepare_cached("SELECT value FROM settings WHERE key = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?)
}

/// Sets a key.
pub fn set(tx: &Transaction<'_>, key: &str, value: &str) -> Result<()> {
    put(tx, key, value)
}

/// Sets a key of a database that is being made: nobody else sees it yet.
pub(crate) fn put(conn: &Connection, key: &str, value: &str) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO settings (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
    )?
    .execute(params![key, value])?;
    Ok(())
}

/// Forgets a key.
pub(crate) fn remove(tx: &Transaction<'_>, key: &str) -> Result<()> {
    tx.prepare_cached("DELETE FROM settings WHERE key = ?1")?.execute([key])?;
    Ok(())
}

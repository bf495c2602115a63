//! Fields that desk and central both changed, by central's verdict, until a person has decided.

use aisle_domain::{ChangeId, ItemId, Timestamp, item::Field};
use rusqlite::{Connection, Row, Transaction, params};

use crate::{error::Result, row::Columns};

/// How many are open.
pub fn count_open(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM conflicts WHERE closed_at IS NULL")?
        .query_row([], |row| row.get(0))?)
}

/// One for each item and field; a later own value joins it.
pub(crate) fn open(
    tx: &Transaction<'_>,
    item: ItemId,
    fields: &[Field],
    change: ChangeId,
    at: Timestamp,
) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO conflicts (item_id, field, change_id, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (item_id, field) WHERE closed_at IS NULL DO UPDATE SET change_id = excluded.change_id, at = excluded.at",
    )?;
    for field in fields {
        statement.execute(params![item.get(), field.word(), change.to_string(), at.millis()])?;
    }
    Ok(())
}

/// A field that waits for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// Its number here.
    pub conflict_id: i64,
    /// The item.
    pub item: ItemId,
    /// The field.
    pub field: Field,
    /// The refused change with this desk's value.
    pub change_id: ChangeId,
    /// When central said so.
    pub at: Timestamp,
}

fn read(row: &Row<'_>) -> Result<Conflict> {
    Ok(Conflict {
        conflict_id: row.get("conflict_id")?,
        item: row.id("item_id", ItemId::new)?,
        field: row.word("field", &Field::ALL, Field::word)?,
        change_id: row.parsed("change_id")?,
        at: row.time("at")?,
    })
}

/// One that is open.
pub fn load(conn: &Connection, id: i64) -> Result<Option<Conflict>> {
    let mut statement = conn.prepare_cached(
        "SELECT conflict_id, item_id, field, change_id, at FROM conflicts WHERE conflict_id = ?1 AND closed_at IS NULL",
    )?;
    let mut rows = statement.query([id])?;
    rows.next()?.map(read).transpose()
}

/// Closes one: central's value is kept. Answers how many of its change are open still.
pub(crate) fn close_one(tx: &Transaction<'_>, conflict: &Conflict, at: Timestamp) -> Result<i64> {
    tx.prepare_cached("UPDATE conflicts SET closed_at = ?2 WHERE conflict_id = ?1")?
        .execute(params![conflict.conflict_id, at.millis()])?;
    Ok(tx
        .prepare_cached("SELECT count(*) FROM conflicts WHERE change_id = ?1 AND closed_at IS NULL")?
        .query_row([conflict.change_id.to_string()], |row| row.get(0))?)
}

/// Closes those fields that a later change gives a value.
pub(crate) fn close_fields(tx: &Transaction<'_>, change: ChangeId, fields: &[Field], at: Timestamp) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "UPDATE conflicts SET closed_at = ?3 WHERE change_id = ?1 AND field = ?2 AND closed_at IS NULL",
    )?;
    for field in fields {
        statement.execute(params![change.to_string(), field.word(), at.millis()])?;
    }
    Ok(())
}

/// Opens again what a change closed that was then taken back, unless its field is open by now for another one.
pub(crate) fn reopen(tx: &Transaction<'_>, replaced: ChangeId, closed_at: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "UPDATE conflicts AS c SET closed_at = NULL WHERE change_id = ?1 AND closed_at = ?2 AND NOT EXISTS (
            SELECT 1 FROM conflicts o WHERE o.item_id = c.item_id AND o.field = c.field AND o.closed_at IS NULL)",
    )?
    .execute(params![replaced.to_string(), closed_at.millis()])?;
    Ok(())
}

/// Those that are open, oldest first.
pub fn list(conn: &Connection, limit: usize) -> Result<Vec<Conflict>> {
    let mut statement = conn.prepare_cached(
        "SELECT conflict_id, item_id, field, change_id, at FROM conflicts WHERE closed_at IS NULL
         ORDER BY conflict_id LIMIT ?1",
    )?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Closes what a change left open: it was replaced, or central's value is kept.
pub(crate) fn close_of(tx: &Transaction<'_>, change: ChangeId, at: Timestamp) -> Result<()> {
    tx.prepare_cached("UPDATE conflicts SET closed_at = ?2 WHERE change_id = ?1 AND closed_at IS NULL")?
        .execute(params![change.to_string(), at.millis()])?;
    Ok(())
}

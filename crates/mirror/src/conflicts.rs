//! Fields that desk and central both changed, by central's verdict, until a person has decided.

use aisle_domain::{ChangeId, ItemId, Timestamp, item::Field};
use rusqlite::{Connection, Transaction, params};

use crate::error::Result;

/// How many are open.
pub fn count_open(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM conflicts WHERE closed_at IS NULL")?
        .query_row([], |row| row.get(0))?)
}

/// One for each item and field; a later own value joins it.
pub(crate) fn open(tx: &Transaction<'_>, item: ItemId, fields: &[Field], change: ChangeId, at: Timestamp) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "INSERT INTO conflicts (item_id, field, change_id, at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (item_id, field) WHERE closed_at IS NULL DO UPDATE SET change_id = excluded.change_id, at = excluded.at",
    )?;
    for field in fields {
        statement.execute(params![item.get(), field.word(), change.to_string(), at.millis()])?;
    }
    Ok(())
}

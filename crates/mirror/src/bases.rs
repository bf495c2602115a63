//! Central's last row, kept beside the shown one while changes on it are unacknowledged.

use aisle_domain::{ItemId, OrderId, Subject};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    error::Result,
    row::{Columns, bad},
};

/// Which table a base stands beside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Order,
    Item,
    Store,
}

impl Kind {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Item => "item",
            Self::Store => "store",
        }
    }
}

/// A base: what central has, which may be nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Base<T>(pub(crate) Option<T>);

/// The base of a row, where one is kept.
pub(crate) fn load<T: DeserializeOwned>(conn: &Connection, kind: Kind, id: i64) -> Result<Option<Base<T>>> {
    let row: Option<Option<String>> = conn
        .prepare_cached("SELECT row FROM bases WHERE kind = ?1 AND id = ?2")?
        .query_row(params![kind.word(), id], |row| row.get(0))
        .optional()?;
    match row {
        None => Ok(None),
        Some(None) => Ok(Some(Base(None))),
        Some(Some(json)) => Ok(Some(Base(Some(serde_json::from_str(&json)?)))),
    }
}

/// Keeps a base, in the place of the one before.
pub(crate) fn store<T: Serialize>(
    tx: &Transaction<'_>,
    kind: Kind,
    id: i64,
    base: Option<(&T, i64)>,
) -> Result<()> {
    let json = base.map(|(row, _)| serde_json::to_string(row)).transpose()?;
    tx.prepare_cached(
        "INSERT INTO bases (kind, id, version, row) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (kind, id) DO UPDATE SET version = excluded.version, row = excluded.row",
    )?
    .execute(params![kind.word(), id, base.map(|(_, version)| version), json])?;
    Ok(())
}

/// Drops a base: nothing on the row is unacknowledged any more.
pub(crate) fn remove(tx: &Transaction<'_>, kind: Kind, id: i64) -> Result<()> {
    tx.prepare_cached("DELETE FROM bases WHERE kind = ?1 AND id = ?2")?.execute(params![kind.word(), id])?;
    Ok(())
}

/// Every order and item that a base is kept beside.
pub(crate) fn subjects(conn: &Connection) -> Result<Vec<Subject>> {
    let mut statement = conn.prepare_cached("SELECT kind, id FROM bases WHERE kind IN ('order', 'item')")?;
    let mut rows = statement.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(match row.get_ref("kind")?.as_str().map_err(|e| bad("kind", e))? {
            "order" => Subject::Order(row.id("id", OrderId::new)?),
            _ => Subject::Item(row.id("id", ItemId::new)?),
        });
    }
    Ok(found)
}

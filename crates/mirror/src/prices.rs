//! The prices an item had.

use aisle_domain::{ItemId, Money, Timestamp};
use rusqlite::{Connection, Transaction, params};

use crate::{error::Result, row::Columns};

/// One change of a price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceEntry {
    /// When.
    pub at: Timestamp,
    /// The price before; `None` for the first that was seen.
    pub old: Option<Money>,
    /// The price from then on.
    pub new: Money,
    /// Who set it.
    pub by: Option<String>,
    /// `here`, `central` or `import`.
    pub source: String,
}

/// Where a price comes from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PriceSource<'a> {
    pub(crate) by: Option<&'a str>,
    pub(crate) source: &'static str,
    pub(crate) at: Timestamp,
}

pub(crate) fn record(
    tx: &Transaction<'_>,
    item: ItemId,
    old: Option<Money>,
    new: Money,
    from: PriceSource<'_>,
) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO price_history (item_id, at, old, new, by, source) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        item.get(),
        from.at.millis(),
        old.map(Money::minor),
        new.minor(),
        from.by,
        from.source
    ])?;
    Ok(())
}

/// An item's prices, newest first.
pub fn history(conn: &Connection, item: ItemId, limit: usize) -> Result<Vec<PriceEntry>> {
    let mut statement = conn.prepare_cached(
        "SELECT at, old, new, by, source FROM price_history WHERE item_id = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![item.get(), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(PriceEntry {
            at: row.time("at")?,
            old: row.get::<_, Option<i64>>("old")?.map(Money::from_minor),
            new: row.money("new")?,
            by: row.get("by")?,
            source: row.get("source")?,
        });
    }
    Ok(found)
}

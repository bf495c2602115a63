//! The catalog: reads, search, and the one place that writes its shown rows.

use aisle_domain::{Availability, Barcode, Item, ItemId, StoreId};
use rusqlite::{Connection, Row, ToSql, Transaction, params};

use crate::{error::Result, row::Columns};

/// Matches that a search counts at most.
const COUNTED: usize = 1000;

fn read(row: &Row<'_>) -> Result<Item> {
    Ok(Item {
        item_id: row.id("item_id", ItemId::new)?,
        store_id: row.id("store_id", StoreId::new)?,
        unit_price: row.money("unit_price")?,
        barcode: row.parsed_optional("barcode")?,
        name: row.get("name")?,
        category: row.get("category")?,
        availability: row.word(
            "availability",
            &[Availability::Available, Availability::OutOfStock],
            Availability::word,
        )?,
        available_until: row.time_optional("available_until")?,
        version: row.get("version")?,
        deleted: row.get("deleted")?,
        changed: row.json("changed")?,
    })
}

fn collect(conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<Item>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()? {
        items.push(read(row)?);
    }
    Ok(items)
}

/// The item as it is shown, a deleted one too.
pub fn load(conn: &Connection, id: ItemId) -> Result<Option<Item>> {
    Ok(collect(conn, "SELECT * FROM items WHERE item_id = ?1", &[&id.get()])?.into_iter().next())
}

/// Items with this barcode, deleted ones too.
pub fn by_barcode(conn: &Connection, barcode: &Barcode) -> Result<Vec<Item>> {
    collect(conn, "SELECT * FROM items WHERE barcode = ?1 ORDER BY item_id", &[&barcode.as_str()])
}

/// A page of the catalog by name.
pub fn page(conn: &Connection, offset: i64, limit: i64) -> Result<Vec<Item>> {
    let sql = "SELECT * FROM items WHERE deleted = 0 ORDER BY name, item_id LIMIT ?2 OFFSET ?1";
    collect(conn, sql, &[&offset, &limit])
}

/// How many items the catalog has.
pub fn count(conn: &Connection) -> Result<i64> {
    Ok(conn.prepare_cached("SELECT count(*) FROM items WHERE deleted = 0")?.query_row([], |row| row.get(0))?)
}

/// Items that match what was typed, and how many there are (counted to 1000): first the one with this number, then
/// barcodes that begin so, then the names that are exactly this, then those that have all the words, in any order
/// and from their first letter on, in name or category.
pub fn search(conn: &Connection, text: &str, offset: i64, limit: i64) -> Result<(Vec<Item>, i64)> {
    let mut found: Vec<i64> = Vec::new();
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if digits {
        extend(&mut found, conn, "SELECT item_id FROM items WHERE item_id = ?1 AND deleted = 0", &[&text.parse::<i64>().ok()])?;
        let sql = "SELECT item_id FROM items WHERE barcode >= ?1 AND barcode < ?1 || ':' AND deleted = 0
                   ORDER BY barcode, item_id LIMIT 1000";
        extend(&mut found, conn, sql, &[&text])?;
    }
    extend(&mut found, conn, "SELECT item_id FROM items WHERE name = ?1 AND deleted = 0 ORDER BY item_id LIMIT 1000", &[&text])?;
    if let Some(query) = words_query(text) {
        let sql = "SELECT i.item_id FROM items_words w JOIN items i ON i.item_id = w.rowid
                   WHERE items_words MATCH ?1 AND i.deleted = 0 LIMIT 1000";
        extend(&mut found, conn, sql, &[&query])?;
    }
    found.truncate(COUNTED);
    let (skip, take) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
    let mut items = Vec::new();
    for id in found.iter().skip(skip).take(take) {
        items.extend(collect(conn, "SELECT * FROM items WHERE item_id = ?1", &[id])?);
    }
    Ok((items, i64::try_from(found.len()).unwrap_or(i64::MAX)))
}

fn extend(found: &mut Vec<i64>, conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<()> {
    if found.len() >= COUNTED {
        return Ok(());
    }
    let known: std::collections::HashSet<i64> = found.iter().copied().collect();
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    while let Some(row) = rows.next()? {
        let id = row.get(0)?;
        if !known.contains(&id) {
            found.push(id);
        }
    }
    Ok(())
}

/// Every word as a prefix, quoted so that no sign of the query language is read in it.
pub(crate) fn words_query(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| format!("\"{word}\"*"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Writes an item in the place of the one before.
pub(crate) fn write(tx: &Transaction<'_>, item: &Item) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO items (item_id, store_id, unit_price, barcode, name, category, availability, available_until,
             version, deleted, changed)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT (item_id) DO UPDATE SET store_id = excluded.store_id, unit_price = excluded.unit_price,
             barcode = excluded.barcode, name = excluded.name, category = excluded.category,
             availability = excluded.availability, available_until = excluded.available_until,
             version = excluded.version, deleted = excluded.deleted, changed = excluded.changed",
    )?
    .execute(params![
        item.item_id.get(),
        item.store_id.get(),
        item.unit_price.minor(),
        item.barcode.as_ref().map(Barcode::as_str),
        item.name,
        item.category,
        item.availability.word(),
        item.available_until.map(aisle_domain::Timestamp::millis),
        item.version,
        item.deleted,
        serde_json::to_string(&item.changed)?,
    ])?;
    Ok(())
}

/// Removes an item that central no longer keeps.
pub(crate) fn remove(tx: &Transaction<'_>, item: ItemId) -> Result<()> {
    tx.prepare_cached("DELETE FROM items WHERE item_id = ?1")?.execute([item.get()])?;
    Ok(())
}

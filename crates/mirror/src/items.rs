//! The catalog: reads, search, and the one place that writes its shown rows.

mod similar;

use std::collections::HashSet;

use aisle_domain::{Availability, Barcode, Item, ItemId, StoreId};
use rusqlite::{Connection, ErrorCode, Row, ToSql, Transaction, params};

use crate::{
    error::{MirrorError, Result},
    row::{Columns, Placed},
};

pub use similar::{Wanted, similar};

/// Matches that a search counts at most.
const COUNTED: usize = 1000;

/// From this many on, letters are looked for among barcodes too; digits always are.
const CODE_LETTERS: usize = 3;

const BY_NUMBER: &str = "SELECT * FROM items WHERE item_id = ?1";
const BY_BARCODE: &str = "SELECT * FROM items WHERE barcode = ?1 ORDER BY item_id";
const LIVE_BY_NUMBER: &str = "SELECT item_id FROM items WHERE item_id = ?1 AND deleted = 0";
const LIVE_BY_BARCODE: &str =
    "SELECT item_id FROM items WHERE barcode = ?1 AND deleted = 0 ORDER BY item_id LIMIT 500";
const LIVE_BY_NAME: &str =
    "SELECT item_id FROM items WHERE name COLLATE NOCASE = ?1 AND deleted = 0 ORDER BY item_id LIMIT 1000";
const LIVE_BY_BARCODE_START: &str = "SELECT item_id FROM items WHERE barcode >= ?1 AND barcode < ?2 AND deleted = 0 ORDER BY barcode, item_id LIMIT 500";
const LIVE_BY_NAME_START: &str =
    "SELECT item_id FROM items WHERE name COLLATE NOCASE >= ?1 AND name COLLATE NOCASE < ?2 AND deleted = 0
     ORDER BY name COLLATE NOCASE, item_id LIMIT 1000";
const LIVE_BY_WORDS: &str = "SELECT rowid FROM items_words WHERE items_words MATCH ?1 LIMIT 1000";

/// The table's columns, in its order.
#[rustfmt::skip]
pub(crate) const COLUMNS: [&str; 11] = [
    "item_id", "store_id", "unit_price", "barcode", "name", "category", "availability", "available_until", "version",
    "deleted", "changed",
];

fn read(row: &Row<'_>) -> Result<Item> {
    let row = Placed::new(row, &COLUMNS);
    Ok(Item {
        item_id: row.id("item_id", ItemId::new)?,
        store_id: row.id("store_id", StoreId::new)?,
        unit_price: row.money("unit_price")?,
        barcode: row.parsed_optional("barcode")?,
        name: row.value("name")?,
        category: row.value("category")?,
        availability: row.word(
            "availability",
            &[Availability::Available, Availability::OutOfStock],
            Availability::word,
        )?,
        available_until: row.time_optional("available_until")?,
        version: row.value("version")?,
        deleted: row.value("deleted")?,
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
    Ok(collect(conn, BY_NUMBER, &[&id.get()])?.into_iter().next())
}

/// Items with this barcode, deleted ones too.
pub fn by_barcode(conn: &Connection, barcode: &Barcode) -> Result<Vec<Item>> {
    collect(conn, BY_BARCODE, &[&barcode.as_str()])
}

/// Items with this code in whichever way it is written, deleted ones too: as it stands first.
pub fn by_code(conn: &Connection, code: &Barcode) -> Result<Vec<Item>> {
    for spelled in code.spellings() {
        let found = by_barcode(conn, &spelled)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

/// A page of the catalog by name, whatever its letters' case, then by number.
pub fn page(conn: &Connection, offset: i64, limit: i64) -> Result<Vec<Item>> {
    let sql = "SELECT * FROM items WHERE deleted = 0 ORDER BY name COLLATE NOCASE, item_id LIMIT ?2 OFFSET ?1";
    collect(conn, sql, &[&offset, &limit])
}

/// The catalog in the order of [`page`], behind the item with this name and number.
pub fn list(conn: &Connection, after: Option<(&str, ItemId)>, limit: usize) -> Result<Vec<Item>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let Some((name, id)) = after else { return page(conn, 0, limit) };
    let sql = "SELECT * FROM items
               WHERE deleted = 0 AND name COLLATE NOCASE >= ?1 AND (name COLLATE NOCASE > ?1 OR item_id > ?2)
               ORDER BY name COLLATE NOCASE, item_id LIMIT ?3";
    collect(conn, sql, &[&name, &id.get(), &limit])
}

/// How many items the catalog has.
pub fn count(conn: &Connection) -> Result<i64> {
    Ok(conn.prepare_cached("SELECT count(*) FROM items WHERE deleted = 0")?.query_row([], |row| row.get(0))?)
}

/// Items that match what was typed, and how many there are, counted to 1000: the one with this number, the barcode,
/// the name itself, barcodes and names that begin so, then those that have all the words from their first letters
/// on, in any order, in name or category.
pub fn search(conn: &Connection, text: &str, offset: i64, limit: i64) -> Result<(Vec<Item>, i64)> {
    let found = matches(conn, text.trim())?;
    let (skip, take) = (usize::try_from(offset).unwrap_or(0), usize::try_from(limit).unwrap_or(0));
    let mut items = Vec::new();
    for id in found.iter().skip(skip).take(take) {
        items.extend(collect(conn, BY_NUMBER, &[id])?);
    }
    Ok((items, i64::try_from(found.len()).unwrap_or(i64::MAX)))
}

fn matches(conn: &Connection, text: &str) -> Result<Vec<i64>> {
    let mut found = Found::default();
    if text.is_empty() {
        return Ok(found.ids);
    }
    let end = format!("{text}\u{10ffff}");
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    let code = text.bytes().all(|b| b.is_ascii_graphic()) && (digits || text.len() >= CODE_LETTERS);
    if digits {
        found.extend(conn, LIVE_BY_NUMBER, &[&text.parse::<i64>().ok()])?;
    }
    if code {
        found.extend(conn, LIVE_BY_BARCODE, &[&text])?;
    }
    found.extend(conn, LIVE_BY_NAME, &[&text])?;
    if code {
        found.extend(conn, LIVE_BY_BARCODE_START, &[&text, &end])?;
    }
    found.extend(conn, LIVE_BY_NAME_START, &[&text, &end])?;
    if let Some(query) = words_query(text) {
        // What begins with the text has been found by then.
        found.extend_by_words(conn, &query)?;
    }
    found.ids.truncate(COUNTED);
    Ok(found.ids)
}

/// Numbers of items, each once, in the order in which they were found.
#[derive(Default)]
struct Found {
    ids: Vec<i64>,
    known: HashSet<i64>,
}

impl Found {
    fn extend(&mut self, conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<()> {
        if self.ids.len() >= COUNTED {
            return Ok(());
        }
        let mut statement = conn.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            let id = row.get(0)?;
            if self.known.insert(id) {
                self.ids.push(id);
            }
        }
        Ok(())
    }

    /// What the index of words finds; nothing where a sign that is newer than SQLite's tables of letters cuts a word in
    /// two, which this index does not take.
    fn extend_by_words(&mut self, conn: &Connection, query: &str) -> Result<()> {
        match self.extend(conn, LIVE_BY_WORDS, &[&query]) {
            Err(MirrorError::Sqlite(rusqlite::Error::SqliteFailure(code, _)))
                if code.code == ErrorCode::Unknown =>
            {
                Ok(())
            }
            other => other,
        }
    }
}

/// Every word as a prefix, quoted so that no sign of the query language is read in it.
fn words_query(text: &str) -> Option<String> {
    query(text, "*")
}

/// Every word as it is.
pub(crate) fn whole_words_query(text: &str) -> Option<String> {
    query(text, "")
}

fn query(text: &str, end: &str) -> Option<String> {
    let words: Vec<String> = text
        .split(|c: char| !is_of_word(c))
        .filter(|word| word.contains(char::is_alphanumeric))
        .map(|word| format!("\"{word}\"{end}"))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// Whether the index has this sign inside words: letters, digits, and the marks that belong to them.
fn is_of_word(c: char) -> bool {
    c.is_alphanumeric()
        || matches!(c,
            '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}' | '\u{900}'..='\u{963}' | '\u{971}'..='\u{df3}' | '\u{e31}'..='\u{e3a}'
            | '\u{e47}'..='\u{e4e}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20f0}')
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

//! The table `items`.

use aisle_domain::{Item, ItemId, StoreId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, columns};
use crate::error::CentralError;

const COLUMNS: &str =
    "item_id, store_id, unit_price, barcode, name, category, availability, available_until, version,
    deleted, changed";

fn read(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        item_id: columns::id(row, 0, ItemId::new)?,
        store_id: columns::id(row, 1, StoreId::new)?,
        unit_price: columns::money(row, 2)?,
        barcode: columns::barcode_or_none(row, 3)?,
        name: row.get(4)?,
        category: row.get(5)?,
        availability: columns::availability(row, 6)?,
        available_until: columns::time_or_none(row, 7)?,
        version: row.get(8)?,
        deleted: row.get(9)?,
        changed: columns::json(row, 10)?,
    })
}

impl Tx<'_> {
    /// The item; `None` when central does not have it or keeps it only as archive.
    pub(crate) fn item(&self, store: StoreId, item: ItemId) -> Result<Option<Item>, CentralError> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM items WHERE store_id = ?1 AND item_id = ?2 AND gone_at IS NULL"
        ))?;
        Ok(statement.query_row((store.get(), item.get()), read).optional()?)
    }

    /// Whether the number is in use at the store, archived items included.
    pub(crate) fn item_is_known(&self, store: StoreId, item: ItemId) -> Result<bool, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT 1 FROM items WHERE store_id = ?1 AND item_id = ?2")?;
        Ok(statement.exists((store.get(), item.get()))?)
    }

    /// A store's items by number, those after `after`; deleted ones too, archived ones not.
    pub(crate) fn items(&self, store: StoreId, after: i64, limit: i64) -> Result<Vec<Item>, CentralError> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM items WHERE store_id = ?1 AND item_id > ?2 AND gone_at IS NULL
             ORDER BY item_id LIMIT ?3"
        ))?;
        let items = statement.query_map((store.get(), after, limit), read)?.collect::<Result<_, _>>()?;
        Ok(items)
    }

    /// Writes the item, new or not.
    pub(crate) fn save_item(&self, item: &Item, now: Timestamp) -> Result<(), CentralError> {
        let deleted_at = item.deleted.then_some(now.millis());
        self.conn
            .prepare_cached(&format!(
                "INSERT INTO items ({COLUMNS}, deleted_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
                 ON CONFLICT (store_id, item_id) DO UPDATE SET
                    unit_price = excluded.unit_price, barcode = excluded.barcode, name = excluded.name,
                    category = excluded.category, availability = excluded.availability,
                    available_until = excluded.available_until, version = excluded.version,
                    deleted = excluded.deleted, changed = excluded.changed,
                    deleted_at = iif(excluded.deleted, coalesce(deleted_at, excluded.deleted_at), NULL),
                    gone_at = NULL"
            ))?
            .execute(params![
                item.item_id.get(),
                item.store_id.get(),
                item.unit_price.minor(),
                item.barcode.as_ref().map(aisle_domain::Barcode::as_str),
                item.name,
                item.category,
                item.availability.word(),
                item.available_until.map(Timestamp::millis),
                item.version,
                item.deleted,
                serde_json::to_string(&item.changed)?,
                deleted_at,
            ])?;
        Ok(())
    }
}

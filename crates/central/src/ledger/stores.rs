//! The table `stores`.

use aisle_domain::{Currency, Store, StoreId, store::Durability};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, columns};
use crate::error::CentralError;

const COLUMNS: &str = "store_id, name, address1, address2, city, state, country, postal_code, currency, time_zone,
    day_starts, durability, policies, reasons, paused_until, busy_minutes, busy_until, version";

fn read(row: &Row<'_>) -> rusqlite::Result<Store> {
    let durability: String = row.get(11)?;
    Ok(Store {
        store_id: columns::id(row, 0, StoreId::new)?,
        name: row.get(1)?,
        address1: row.get(2)?,
        address2: row.get(3)?,
        city: row.get(4)?,
        state: row.get(5)?,
        country: row.get(6)?,
        postal_code: row.get(7)?,
        currency: Currency(row.get(8)?),
        time_zone: row.get(9)?,
        day_starts: row.get(10)?,
        durability: if durability == "majority" { Durability::Majority } else { Durability::All },
        policies: columns::json(row, 12)?,
        reasons: columns::json(row, 13)?,
        paused_until: columns::time_or_none(row, 14)?,
        busy_minutes: row.get(15)?,
        busy_until: columns::time_or_none(row, 16)?,
        version: row.get(17)?,
    })
}

impl Tx<'_> {
    /// The store.
    pub(crate) fn store(&self, store: StoreId) -> Result<Option<Store>, CentralError> {
        let mut statement =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM stores WHERE store_id = ?1"))?;
        Ok(statement.query_row([store.get()], read).optional()?)
    }

    /// All stores, by number.
    pub(crate) fn stores(&self) -> Result<Vec<Store>, CentralError> {
        let mut statement =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM stores ORDER BY store_id"))?;
        let stores = statement.query_map([], read)?.collect::<Result<_, _>>()?;
        Ok(stores)
    }

    /// Writes the store's row, new or not.
    pub(crate) fn save_store(&self, store: &Store) -> Result<(), CentralError> {
        let durability = match store.durability {
            Durability::All => "all",
            Durability::Majority => "majority",
        };
        self.conn
            .prepare_cached(&format!(
                "INSERT OR REPLACE INTO stores ({COLUMNS})
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)"
            ))?
            .execute(params![
                store.store_id.get(),
                store.name,
                store.address1,
                store.address2,
                store.city,
                store.state,
                store.country,
                store.postal_code,
                store.currency.0,
                store.time_zone,
                store.day_starts,
                durability,
                serde_json::to_string(&store.policies)?,
                serde_json::to_string(&store.reasons)?,
                store.paused_until.map(aisle_domain::Timestamp::millis),
                store.busy_minutes,
                store.busy_until.map(aisle_domain::Timestamp::millis),
                store.version,
            ])?;
        Ok(())
    }
}

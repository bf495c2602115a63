//! The store's own row.

use aisle_domain::{Currency, Policies, Reasons, Store, StoreId, store::Durability};
use rusqlite::{Connection, Transaction, params};

use crate::{error::Result, row::Columns};

const fn durability_word(durability: Durability) -> &'static str {
    match durability {
        Durability::All => "all",
        Durability::Majority => "majority",
    }
}

/// The store, once central has sent it.
pub fn load(conn: &Connection) -> Result<Option<Store>> {
    let mut statement = conn.prepare_cached("SELECT * FROM stores LIMIT 1")?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Store {
        store_id: row.id("store_id", StoreId::new)?,
        name: row.get("name")?,
        address1: row.get("address1")?,
        address2: row.get("address2")?,
        city: row.get("city")?,
        state: row.get("state")?,
        country: row.get("country")?,
        postal_code: row.get("postal_code")?,
        currency: Currency(row.get("currency")?),
        time_zone: row.get("time_zone")?,
        day_starts: row.get("day_starts")?,
        durability: row.word("durability", &[Durability::All, Durability::Majority], durability_word)?,
        policies: row.json("policies")?,
        reasons: row.json("reasons")?,
        paused_until: row.time_optional("paused_until")?,
        busy_minutes: row.get("busy_minutes")?,
        busy_until: row.time_optional("busy_until")?,
        version: row.get("version")?,
    }))
}

/// The store's policies and reasons, once central has sent its row.
pub(crate) fn rules(conn: &Connection) -> Result<Option<(Policies, Reasons)>> {
    let mut statement = conn.prepare_cached("SELECT policies, reasons FROM stores LIMIT 1")?;
    let mut rows = statement.query([])?;
    rows.next()?.map(|row| Ok((row.json("policies")?, row.json("reasons")?))).transpose()
}

/// Writes the row in the place of the one before.
pub(crate) fn write(tx: &Transaction<'_>, store: &Store) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO stores (store_id, name, address1, address2, city, state, country, postal_code, currency,
             time_zone, day_starts, durability, policies, reasons, paused_until, busy_minutes, busy_until, version)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    )?
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
        durability_word(store.durability),
        serde_json::to_string(&store.policies)?,
        serde_json::to_string(&store.reasons)?,
        store.paused_until.map(aisle_domain::Timestamp::millis),
        store.busy_minutes,
        store.busy_until.map(aisle_domain::Timestamp::millis),
        store.version,
    ])?;
    Ok(())
}

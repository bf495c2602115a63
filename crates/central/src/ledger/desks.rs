//! The table `desks`.

use aisle_contract::HeartbeatMessage;
use aisle_domain::{ChangeId, DeskId, Incarnation, StoreId, Timestamp};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, columns};
use crate::error::CentralError;

/// A desk as central knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Desk {
    /// The desk.
    pub(crate) id: DeskId,
    /// Its store.
    pub(crate) store: StoreId,
    /// Its name, once a heartbeat told it.
    pub(crate) name: Option<String>,
    /// All its numberings, in the order they were first heard.
    pub(crate) incarnations: Vec<Incarnation>,
    /// When it was heard last.
    pub(crate) last_heard: Option<Timestamp>,
    /// Changes it has not had acknowledged, by its last heartbeat.
    pub(crate) outbox: Option<i64>,
    /// Age of the oldest of them, seconds.
    pub(crate) oldest_age_s: Option<i64>,
    /// How far its feeds are behind, records.
    pub(crate) behind: Option<i64>,
    /// Its program's version.
    pub(crate) version: Option<String>,
    /// Its clock less the time its last heartbeat was written, milliseconds.
    pub(crate) clock_offset_ms: Option<i64>,
    /// When one number was used for two changes.
    pub(crate) forked_at: Option<Timestamp>,
    /// Nobody waits for it any more.
    pub(crate) retired: bool,
}

const COLUMNS: &str = "desk_id, store_id, name, incarnations, last_heard, outbox, oldest_age_s, behind, version,
    clock_offset_ms, forked_at, retired";

fn read(row: &Row<'_>) -> rusqlite::Result<Desk> {
    Ok(Desk {
        id: columns::desk(row, 0)?,
        store: columns::id(row, 1, StoreId::new)?,
        name: row.get(2)?,
        incarnations: columns::json(row, 3)?,
        last_heard: columns::time_or_none(row, 4)?,
        outbox: row.get(5)?,
        oldest_age_s: row.get(6)?,
        behind: row.get(7)?,
        version: row.get(8)?,
        clock_offset_ms: row.get(9)?,
        forked_at: columns::time_or_none(row, 10)?,
        retired: row.get(11)?,
    })
}

impl Tx<'_> {
    /// The desk.
    pub(crate) fn desk(&self, desk: DeskId) -> Result<Option<Desk>, CentralError> {
        let mut statement =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM desks WHERE desk_id = ?1"))?;
        Ok(statement.query_row([desk.to_string()], read).optional()?)
    }

    /// A store's desks.
    pub(crate) fn desks(&self, store: StoreId) -> Result<Vec<Desk>, CentralError> {
        let mut statement = self
            .conn
            .prepare_cached(&format!("SELECT {COLUMNS} FROM desks WHERE store_id = ?1 ORDER BY desk_id"))?;
        let desks = statement.query_map([store.get()], read)?.collect::<Result<_, _>>()?;
        Ok(desks)
    }

    /// The stores of which some desk was heard since then, in order.
    pub(crate) fn listening_stores(&self, since: Timestamp) -> Result<Vec<StoreId>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT DISTINCT store_id FROM desks WHERE retired = 0 AND last_heard >= ?1 ORDER BY store_id",
        )?;
        let stores = statement
            .query_map([since.millis()], |row| columns::id(row, 0, StoreId::new))?
            .collect::<Result<_, _>>()?;
        Ok(stores)
    }

    /// Notes that a desk was heard. One that was retired is not any more.
    pub(crate) fn hear(
        &self,
        known: Option<&Desk>,
        (desk, store, incarnation): (DeskId, StoreId, Incarnation),
        at: Timestamp,
    ) -> Result<(), CentralError> {
        let mut incarnations = known.map(|d| d.incarnations.clone()).unwrap_or_default();
        if !incarnations.contains(&incarnation) {
            incarnations.push(incarnation);
        }
        self.conn
            .prepare_cached(
                "INSERT INTO desks (desk_id, store_id, incarnation, incarnations, last_heard, retired)
                 VALUES (?1, ?2, ?3, ?4, ?5, 0)
                 ON CONFLICT (desk_id) DO UPDATE SET incarnation = excluded.incarnation,
                    incarnations = excluded.incarnations,
                    retired = iif(excluded.last_heard > coalesce(last_heard, 0), 0, retired),
                    last_heard = max(coalesce(last_heard, 0), excluded.last_heard)",
            )?
            .execute((
                desk.to_string(),
                store.get(),
                incarnation.to_string(),
                serde_json::to_string(&incarnations)?,
                at.millis(),
            ))?;
        Ok(())
    }

    /// Notes what a desk says of itself, unless it was heard later already.
    pub(crate) fn take_heartbeat(
        &self,
        beat: &HeartbeatMessage,
        written_at: Timestamp,
    ) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "UPDATE desks SET name = ?2, outbox = ?3, oldest_age_s = ?4, behind = ?5, version = ?6,
                    positions = ?7, clock_offset_ms = ?8
                 WHERE desk_id = ?1 AND coalesce(last_heard, 0) <= ?9",
            )?
            .execute(params![
                beat.desk.to_string(),
                beat.body.name,
                beat.body.outbox,
                beat.body.oldest_age_s,
                beat.body.behind,
                beat.body.version,
                serde_json::to_string(&beat.body.positions)?,
                beat.body.clock.since(written_at),
                written_at.millis(),
            ])?;
        Ok(())
    }

    /// Notes that a desk used one number for two changes.
    pub(crate) fn note_fork(&self, desk: DeskId, change: ChangeId, at: Timestamp) -> Result<(), CentralError> {
        tracing::warn!(%desk, %change, "a desk used one number for two changes");
        self.conn
            .prepare_cached("UPDATE desks SET forked_at = ?2 WHERE desk_id = ?1")?
            .execute((desk.to_string(), at.millis()))?;
        Ok(())
    }

    /// Marks a desk as one that nobody waits for. False when it is not known.
    pub(crate) fn retire_desk(&self, desk: DeskId) -> Result<bool, CentralError> {
        let rows = self.conn.execute("UPDATE desks SET retired = 1 WHERE desk_id = ?1", [desk.to_string()])?;
        Ok(rows > 0)
    }
}

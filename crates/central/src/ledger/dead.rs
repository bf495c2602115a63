//! The table `dead_letters`: records that could not be applied, byte for byte.

use aisle_contract::Incoming;
use aisle_domain::{ChangeId, StoreId, Timestamp};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, columns};
use crate::error::CentralError;

/// A record that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DeadLetter {
    /// Its number at central.
    pub(crate) id: i64,
    /// The cluster it was read from.
    pub(crate) cluster: String,
    /// The partition of `aisle.changes`.
    pub(crate) partition: i32,
    /// Its offset there.
    pub(crate) offset: i64,
    /// The store, where the envelope tells it.
    pub(crate) store: Option<StoreId>,
    /// The change, where the envelope tells it.
    pub(crate) change: Option<ChangeId>,
    /// Why.
    pub(crate) why: String,
    /// The record's key.
    pub(crate) key: Option<Vec<u8>>,
    /// The record's headers.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    /// The record's value.
    pub(crate) raw: Option<Vec<u8>>,
    /// When central put it aside.
    pub(crate) at: Timestamp,
    /// `open`, `replayed` or `skipped`.
    pub(crate) state: String,
}

impl DeadLetter {
    /// The record as it was read.
    pub(crate) fn record(&self, topic: String) -> Incoming {
        Incoming {
            topic,
            partition: self.partition,
            offset: self.offset,
            written_at: self.at,
            key: self.key.clone(),
            headers: self.headers.clone(),
            value: self.raw.clone(),
        }
    }
}

/// What is written of a record that could not be applied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NewDeadLetter<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) record: &'a Incoming,
    pub(crate) store: Option<StoreId>,
    pub(crate) change: Option<ChangeId>,
    pub(crate) why: &'a str,
}

const COLUMNS: &str =
    "id, cluster, partition, offset, store_id, change_id, why, message_key, headers, raw, at, state";

fn read(row: &Row<'_>) -> rusqlite::Result<DeadLetter> {
    let headers: Vec<(String, String)> = columns::json(row, 8)?;
    let plain = |(name, text): (String, String)| (name, BASE64.decode(text).unwrap_or_default());
    Ok(DeadLetter {
        id: row.get(0)?,
        cluster: row.get(1)?,
        partition: row.get(2)?,
        offset: row.get(3)?,
        store: columns::id_or_none(row, 4, StoreId::new)?,
        change: columns::change_or_none(row, 5)?,
        why: row.get(6)?,
        key: row.get(7)?,
        headers: headers.into_iter().map(plain).collect(),
        raw: row.get(9)?,
        at: columns::time(row, 10)?,
        state: row.get(11)?,
    })
}

impl Tx<'_> {
    /// Puts a record aside. False when it lies there already.
    pub(crate) fn bury(&self, letter: NewDeadLetter<'_>, now: Timestamp) -> Result<bool, CentralError> {
        let record = letter.record;
        let headers: Vec<(&str, String)> =
            record.headers.iter().map(|(name, value)| (name.as_str(), BASE64.encode(value))).collect();
        let rows = self
            .conn
            .prepare_cached(
                "INSERT INTO dead_letters (cluster, partition, offset, store_id, change_id, why, message_key, headers,
                    raw, at)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE NOT EXISTS (
                    SELECT 1 FROM dead_letters WHERE cluster = ?1 AND partition = ?2 AND offset = ?3
                        AND message_key IS ?7 AND headers = ?8 AND raw IS ?9)",
            )?
            .execute(params![
                letter.cluster,
                record.partition,
                record.offset,
                letter.store.map(StoreId::get),
                letter.change.map(|id| id.to_string()),
                letter.why,
                record.key,
                serde_json::to_string(&headers)?,
                record.value,
                now.millis(),
            ])?;
        Ok(rows > 0)
    }

    /// Dead letters by number, those after `after`.
    pub(crate) fn dead_letters(&self, after: i64, limit: i64) -> Result<Vec<DeadLetter>, CentralError> {
        let mut statement = self
            .conn
            .prepare_cached(&format!("SELECT {COLUMNS} FROM dead_letters WHERE id > ?1 ORDER BY id LIMIT ?2"))?;
        let letters = statement.query_map((after, limit), read)?.collect::<Result<_, _>>()?;
        Ok(letters)
    }

    /// One dead letter.
    pub(crate) fn dead_letter(&self, id: i64) -> Result<Option<DeadLetter>, CentralError> {
        let mut statement =
            self.conn.prepare_cached(&format!("SELECT {COLUMNS} FROM dead_letters WHERE id = ?1"))?;
        Ok(statement.query_row([id], read).optional()?)
    }

    /// Dead letters of a partition that are not on their topic yet.
    pub(crate) fn waiting_dead_letters(
        &self,
        partition: i32,
        limit: i64,
    ) -> Result<Vec<DeadLetter>, CentralError> {
        let mut statement = self.conn.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM dead_letters WHERE partition = ?1 AND published IS NULL ORDER BY id LIMIT ?2"
        ))?;
        let letters = statement.query_map((partition, limit), read)?.collect::<Result<_, _>>()?;
        Ok(letters)
    }

    /// Notes what became of a dead letter: `replayed`, which it stays, or `skipped`.
    pub(crate) fn close_dead_letter(&self, id: i64, state: &str) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("UPDATE dead_letters SET state = ?2 WHERE id = ?1 AND state <> 'replayed'")?
            .execute((id, state))?;
        Ok(())
    }

    /// Notes that a dead letter is on its topic.
    pub(crate) fn mark_dead_published(&self, id: i64, now: Timestamp) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("UPDATE dead_letters SET published = ?2 WHERE id = ?1")?
            .execute((id, now.millis()))?;
        Ok(())
    }
}

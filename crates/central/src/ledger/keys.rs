//! The tables `store_keys`, `store_users` and `alarms`.

use aisle_contract::{StoreKey, enrolment::Secret};
use aisle_domain::{DeskId, StoreId, Timestamp};
use rusqlite::OptionalExtension;

use super::{Tx, columns};
use crate::error::CentralError;

/// Desks that one store's alarms tell apart; whoever claims ever new ones fills no table with them.
const DESKS_TOLD_APART: i64 = 100;

/// What a store may sign with.
#[derive(Debug, Clone, Default)]
pub(crate) struct StoreKeys {
    /// Those that are not retired.
    pub(crate) active: Vec<StoreKey>,
    /// Whether there ever was one: from then on nothing is taken unsigned.
    pub(crate) must_sign: bool,
}

/// A key without its secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeyRow {
    /// Its name.
    pub(crate) id: String,
    /// When it was made.
    pub(crate) made: Timestamp,
    /// Since when nothing is taken with it.
    pub(crate) retired: Option<Timestamp>,
}

/// A store's user at the cluster.
#[derive(Debug, Clone)]
pub(crate) struct StoreUser {
    /// The user.
    pub(crate) username: String,
    /// The password.
    pub(crate) password: Secret,
}

/// Something was turned away that claimed to be a store's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Alarm {
    /// `unsigned`, `unknown_key`, `bad_signature` or `foreign_desk`.
    pub(crate) kind: &'static str,
    /// The store it claimed.
    pub(crate) store: StoreId,
    /// The desk it claimed, where that can be read.
    pub(crate) desk: Option<DeskId>,
    /// In words.
    pub(crate) why: String,
}

/// Alarms of one kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlarmRow {
    /// The kind.
    pub(crate) kind: String,
    /// The desk that was claimed.
    pub(crate) desk: Option<String>,
    /// When it was so first.
    pub(crate) first_at: Timestamp,
    /// When it was so last.
    pub(crate) last_at: Timestamp,
    /// How often.
    pub(crate) count: i64,
}

impl Tx<'_> {
    /// What a store may sign with.
    pub(crate) fn store_keys(&self, store: StoreId) -> Result<StoreKeys, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT key_id, secret, retired FROM store_keys WHERE store_id = ?1")?;
        let mut rows = statement.query([store.get()])?;
        let mut keys = StoreKeys::default();
        while let Some(row) = rows.next()? {
            keys.must_sign = true;
            if row.get::<_, Option<i64>>(2)?.is_none() {
                let id: String = row.get(0)?;
                let secret = Secret::new(row.get(1)?);
                let key = StoreKey::from_text(&id, secret.expose()).map_err(|e| CentralError::BadValue {
                    what: format!("the key {id} of store {store} in central's database: {e}"),
                })?;
                keys.active.push(key);
            }
        }
        Ok(keys)
    }

    /// A store's keys, oldest first.
    pub(crate) fn key_rows(&self, store: StoreId) -> Result<Vec<KeyRow>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT key_id, made, retired FROM store_keys WHERE store_id = ?1 ORDER BY made, key_id",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(KeyRow { id: row.get(0)?, made: columns::time(row, 1)?, retired: columns::time_or_none(row, 2)? })
        };
        Ok(statement.query_map([store.get()], read)?.collect::<Result<_, _>>()?)
    }

    /// Gives a store one more key.
    pub(crate) fn add_key(&self, store: StoreId, key: &StoreKey, now: Timestamp) -> Result<(), CentralError> {
        self.conn.execute(
            "INSERT INTO store_keys (store_id, key_id, secret, made) VALUES (?1, ?2, ?3, ?4)",
            (store.get(), key.id(), key.secret_text().as_str(), now.millis()),
        )?;
        Ok(())
    }

    /// Retires a store's keys but this one. Answers their names.
    pub(crate) fn retire_keys_but(
        &self,
        store: StoreId,
        kept: &str,
        now: Timestamp,
    ) -> Result<Vec<String>, CentralError> {
        let mut statement = self.conn.prepare(
            "UPDATE store_keys SET retired = ?3 WHERE store_id = ?1 AND key_id <> ?2 AND retired IS NULL
             RETURNING key_id",
        )?;
        let names = statement.query_map((store.get(), kept, now.millis()), |row| row.get(0))?;
        Ok(names.collect::<Result<_, _>>()?)
    }

    /// A store's user at the cluster.
    pub(crate) fn store_user(&self, store: StoreId) -> Result<Option<StoreUser>, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT username, password FROM store_users WHERE store_id = ?1")?;
        let read =
            |row: &rusqlite::Row<'_>| Ok(StoreUser { username: row.get(0)?, password: Secret::new(row.get(1)?) });
        Ok(statement.query_row([store.get()], read).optional()?)
    }

    /// Keeps a store's user.
    pub(crate) fn set_store_user(
        &self,
        store: StoreId,
        user: &StoreUser,
        now: Timestamp,
    ) -> Result<(), CentralError> {
        self.conn.execute(
            "INSERT INTO store_users VALUES (?1, ?2, ?3, ?4) ON CONFLICT (store_id) DO UPDATE SET
                username = excluded.username, password = excluded.password, made = excluded.made",
            (store.get(), &user.username, user.password.expose(), now.millis()),
        )?;
        Ok(())
    }

    /// Counts an alarm.
    pub(crate) fn raise(&self, alarm: &Alarm, now: Timestamp) -> Result<(), CentralError> {
        let store = alarm.store.get();
        let claimed = alarm.desk.map(|desk| desk.to_string()).unwrap_or_default();
        let told_apart: i64 = self
            .conn
            .prepare_cached("SELECT count(*) FROM alarms WHERE store_id = ?1 AND desk_id <> ?2")?
            .query_row((store, &claimed), |row| row.get(0))?;
        let desk = if told_apart < DESKS_TOLD_APART { claimed.as_str() } else { "" };
        self.conn
            .prepare_cached(
                "INSERT INTO alarms VALUES (?1, ?2, ?3, ?4, ?4, 1)
                 ON CONFLICT DO UPDATE SET count = count + 1, last_at = max(last_at, excluded.last_at)",
            )?
            .execute((store, alarm.kind, desk, now.millis()))?;
        Ok(())
    }

    /// Forgets a store's alarms.
    pub(crate) fn clear_alarms(&self, store: StoreId) -> Result<(), CentralError> {
        self.conn.execute("DELETE FROM alarms WHERE store_id = ?1", [store.get()])?;
        Ok(())
    }

    /// What was turned away that claimed to be this store's, the latest first.
    pub(crate) fn alarms(&self, store: StoreId) -> Result<Vec<AlarmRow>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT kind, nullif(desk_id, ''), first_at, last_at, count FROM alarms WHERE store_id = ?1
             ORDER BY last_at DESC, kind, desk_id",
        )?;
        let read = |row: &rusqlite::Row<'_>| {
            Ok(AlarmRow {
                kind: row.get(0)?,
                desk: row.get(1)?,
                first_at: columns::time(row, 2)?,
                last_at: columns::time(row, 3)?,
                count: row.get(4)?,
            })
        };
        Ok(statement.query_map([store.get()], read)?.collect::<Result<_, _>>()?)
    }
}

//! Central's own facts: its epoch, the partition count in force, counters.

use std::ops::RangeInclusive;

use aisle_domain::{Chance, Epoch, PaymentId, Timestamp};
use rusqlite::OptionalExtension;

use super::Tx;
use crate::error::CentralError;

const EPOCH: &str = "epoch";
const PARTITIONS: &str = "partitions";
const GROWING_TO: &str = "growing_to";
const FEWER: &str = "fewer_partitions";
const NEXT_PAYMENT: &str = "next_payment_id";
const FIRST_PARTITIONS: i32 = 12;

impl Tx<'_> {
    /// What a new database starts with.
    pub(super) fn begin_history(&self, chance: &Chance, now: Timestamp) -> Result<(), CentralError> {
        self.new_epoch(chance)?;
        self.set_meta(NEXT_PAYMENT, "1")?;
        self.set_partitions(FIRST_PARTITIONS, now)
    }

    pub(super) fn meta(&self, name: &str) -> Result<Option<String>, CentralError> {
        let mut statement = self.conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }

    pub(super) fn set_meta(&self, name: &str, value: &str) -> Result<(), CentralError> {
        self.conn
            .prepare_cached("INSERT INTO meta VALUES (?1, ?2) ON CONFLICT DO UPDATE SET value = excluded.value")?
            .execute([name, value])?;
        Ok(())
    }

    fn needed(&self, name: &str) -> Result<String, CentralError> {
        self.meta(name)?.ok_or_else(|| CentralError::NotFound { what: format!("{name} in central's own facts") })
    }

    /// Central's history.
    pub(crate) fn epoch(&self) -> Result<Epoch, CentralError> {
        let text = self.needed(EPOCH)?;
        text.parse().map_err(|e: aisle_domain::BadId| CentralError::BadValue { what: e.to_string() })
    }

    /// Begins another history.
    pub(crate) fn new_epoch(&self, chance: &Chance) -> Result<Epoch, CentralError> {
        let epoch = Epoch(chance.uuid());
        self.set_meta(EPOCH, &epoch.to_string())?;
        Ok(epoch)
    }

    /// The partition count by which stores have their homes.
    pub(crate) fn partitions(&self) -> Result<i32, CentralError> {
        let text = self.needed(PARTITIONS)?;
        text.parse().map_err(|_| CentralError::BadValue { what: format!("\"{text}\" is no partition count") })
    }

    /// Moves the homes of all stores.
    pub(crate) fn set_partitions(&self, partitions: i32, now: Timestamp) -> Result<(), CentralError> {
        self.set_meta(PARTITIONS, &partitions.to_string())?;
        self.note_counts(partitions..=partitions, now)?;
        self.conn.execute("DELETE FROM partition_growth", [])?;
        self.conn.execute("DELETE FROM meta WHERE name = ?1", [GROWING_TO])?;
        Ok(())
    }

    fn note_counts(&self, counts: RangeInclusive<i32>, now: Timestamp) -> Result<(), CentralError> {
        let mut statement = self.conn.prepare_cached("INSERT OR IGNORE INTO partition_counts VALUES (?1, ?2)")?;
        for count in counts {
            statement.execute((count, now.millis()))?;
        }
        Ok(())
    }

    /// The partition count that homes are to move to.
    pub(crate) fn growing_to(&self) -> Result<Option<i32>, CentralError> {
        Ok(self.meta(GROWING_TO)?.and_then(|text| text.parse().ok()))
    }

    /// Every partition count under which a store's changes may lie.
    pub(crate) fn partition_counts(&self) -> Result<Vec<i32>, CentralError> {
        let mut statement = self.conn.prepare_cached("SELECT partitions FROM partition_counts")?;
        let counts = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(counts)
    }

    /// Remembers how far the partitions must be read before homes move to `partitions`. A desk may have met any count on
    /// the way there, whatever was seen of it here.
    pub(crate) fn begin_growth(
        &self,
        partitions: i32,
        ends: &[(i32, i64)],
        now: Timestamp,
    ) -> Result<(), CentralError> {
        self.note_counts(self.partitions()?..=partitions, now)?;
        self.set_meta(GROWING_TO, &partitions.to_string())?;
        for (partition, end) in ends {
            self.conn.execute("INSERT OR REPLACE INTO partition_growth VALUES (?1, ?2)", (partition, end))?;
        }
        Ok(())
    }

    /// A growth that was under way in a cluster that is gone.
    pub(crate) fn forget_growth(&self) -> Result<(), CentralError> {
        self.conn.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([GROWING_TO])?;
        self.conn.prepare_cached("DELETE FROM partition_growth")?.execute([])?;
        Ok(())
    }

    /// Since when the topic shows this many partitions in this cluster, fewer than are in force. Changes may lie where
    /// their stores live under that count from then on.
    pub(crate) fn fewer_since(
        &self,
        (cluster, found): (&str, i32),
        now: Timestamp,
    ) -> Result<Timestamp, CentralError> {
        let seen = format!("{cluster} {found}");
        let since = self.meta(FEWER)?.and_then(|text| {
            let (before, since) = text.rsplit_once(' ')?;
            since.parse().ok().filter(|_| before == seen).map(Timestamp::from_millis)
        });
        // A later time than now is that of a clock that was ahead: it is counted from now.
        if let Some(since) = since.filter(|since| *since <= now) {
            return Ok(since);
        }
        self.note_counts(found..=found, now)?;
        self.set_meta(FEWER, &format!("{seen} {}", now.millis()))?;
        Ok(now)
    }

    /// Whether fewer partitions were seen lately than are in force.
    pub(crate) fn saw_fewer(&self) -> Result<bool, CentralError> {
        Ok(self.meta(FEWER)?.is_some())
    }

    /// As many partitions as are in force are there.
    pub(crate) fn forget_fewer(&self) -> Result<(), CentralError> {
        self.conn.prepare_cached("DELETE FROM meta WHERE name = ?1")?.execute([FEWER])?;
        Ok(())
    }

    /// How many partitions are still to be read to their end before homes move; `None` while none are to move.
    pub(crate) fn growth_left(&self, cluster: &str) -> Result<Option<i64>, CentralError> {
        let (waiting, left): (i64, i64) = self
            .conn
            .prepare_cached(
                "SELECT count(*), count(*) FILTER (WHERE g.read_to > coalesce(p.next_offset, 0))
                 FROM partition_growth g LEFT JOIN positions p ON p.partition = g.partition AND p.cluster = ?1",
            )?
            .query_row([cluster], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((waiting > 0).then_some(left))
    }

    /// The next number of a payment.
    pub(crate) fn next_payment_id(&self) -> Result<PaymentId, CentralError> {
        let next: i64 = self
            .conn
            .prepare_cached(
                "UPDATE meta SET value = CAST(CAST(value AS INTEGER) + 1 AS TEXT) WHERE name = ?1
                 RETURNING CAST(value AS INTEGER) - 1",
            )?
            .query_row([NEXT_PAYMENT], |row| row.get(0))?;
        PaymentId::new(next).map_err(|e| CentralError::BadValue { what: e.to_string() })
    }
}

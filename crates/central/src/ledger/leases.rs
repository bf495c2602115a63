//! The tables `leases` and `positions`: who works on a partition, and how far it is applied.

use aisle_domain::Timestamp;
use rusqlite::OptionalExtension;

use super::Tx;
use crate::error::CentralError;

/// How long a lease holds without being renewed.
pub(crate) const LEASE_MS: i64 = 6_000;
/// No lease reaches further from now, but one that was given while the clock was ahead: its holder renews it at once, or
/// is gone.
const FURTHEST_MS: i64 = 2 * LEASE_MS;

impl Tx<'_> {
    /// Takes the lease with a new term. `None` while somebody else's still holds and `patient` is wished.
    pub(crate) fn take_lease(
        &self,
        partition: i32,
        holder: &str,
        patient: bool,
        now: Timestamp,
    ) -> Result<Option<i64>, CentralError> {
        let term = self
            .conn
            .prepare_cached(
                "INSERT INTO leases VALUES (?1, 1, ?2, ?3)
                 ON CONFLICT (partition) DO UPDATE
                    SET term = term + 1, holder = excluded.holder, expires_at = excluded.expires_at
                    WHERE NOT ?4 OR expires_at NOT BETWEEN ?5 + 1 AND ?6
                 RETURNING term",
            )?
            .query_row(
                (partition, holder, now.millis() + LEASE_MS, patient, now.millis(), now.millis() + FURTHEST_MS),
                |row| row.get(0),
            )
            .optional()?;
        Ok(term)
    }

    /// Whether whoever had the lease last gave it back, or nobody ever had it.
    pub(crate) fn was_given_back(&self, partition: i32) -> Result<bool, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT 1 FROM leases WHERE partition = ?1 AND expires_at > 0")?;
        Ok(!statement.exists([partition])?)
    }

    /// Renews the lease.
    ///
    /// # Errors
    /// [`CentralError::Zombie`] when the term is over.
    pub(crate) fn hold_lease(&self, partition: i32, term: i64, now: Timestamp) -> Result<(), CentralError> {
        let rows = self
            .conn
            .prepare_cached("UPDATE leases SET expires_at = ?3 WHERE partition = ?1 AND term = ?2")?
            .execute((partition, term, now.millis() + LEASE_MS))?;
        if rows == 1 { Ok(()) } else { Err(CentralError::Zombie { partition }) }
    }

    /// Renews the leases whose term is not over. Whose is, finds out by itself.
    pub(crate) fn renew_leases(&self, held: &[(i32, i64)], now: Timestamp) -> Result<(), CentralError> {
        for (partition, term) in held {
            match self.hold_lease(*partition, *term, now) {
                Ok(()) | Err(CentralError::Zombie { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Whether the term is still the partition's.
    pub(crate) fn holds_lease(&self, partition: i32, term: i64) -> Result<bool, CentralError> {
        let mut statement = self.conn.prepare_cached("SELECT 1 FROM leases WHERE partition = ?1 AND term = ?2")?;
        Ok(statement.exists((partition, term))?)
    }

    /// Gives the lease back, so that the next worker need not wait.
    ///
    /// # Errors
    /// [`CentralError::Zombie`] when the term is over.
    pub(crate) fn release_lease(&self, partition: i32, term: i64) -> Result<(), CentralError> {
        let rows = self
            .conn
            .prepare_cached("UPDATE leases SET expires_at = 0 WHERE partition = ?1 AND term = ?2")?
            .execute((partition, term))?;
        if rows == 1 { Ok(()) } else { Err(CentralError::Zombie { partition }) }
    }

    /// Partitions whose holder is not heard any more, although it did not give them back.
    pub(crate) fn orphaned(&self, now: Timestamp) -> Result<Vec<i32>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT partition FROM leases WHERE expires_at > 0 AND expires_at NOT BETWEEN ?1 + 1 AND ?2
             ORDER BY partition",
        )?;
        let span = (now.millis(), now.millis() + FURTHEST_MS);
        let partitions = statement.query_map(span, |row| row.get(0))?.collect::<Result<_, _>>()?;
        Ok(partitions)
    }

    /// Partitions of the topic that nobody holds, whether they were given back or never taken.
    pub(crate) fn unheld(&self, now: Timestamp) -> Result<Vec<i32>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT partition FROM leases WHERE expires_at BETWEEN ?1 + 1 AND ?2 ORDER BY partition",
        )?;
        let span = (now.millis(), now.millis() + FURTHEST_MS);
        let held: Vec<i32> = statement.query_map(span, |row| row.get(0))?.collect::<Result<_, _>>()?;
        let partitions = self.growing_to()?.unwrap_or(self.partitions()?);
        Ok((0..partitions).filter(|partition| !held.contains(partition)).collect())
    }

    /// How far the partition is applied, and of which cluster.
    pub(crate) fn position(&self, partition: i32) -> Result<Option<(String, i64)>, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT cluster, next_offset FROM positions WHERE partition = ?1")?;
        Ok(statement.query_row([partition], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
    }

    /// Notes how far the partition is applied.
    pub(crate) fn set_position(
        &self,
        partition: i32,
        cluster: &str,
        next_offset: i64,
    ) -> Result<(), CentralError> {
        self.conn.prepare_cached("INSERT OR REPLACE INTO positions VALUES (?1, ?2, ?3)")?.execute((
            partition,
            cluster,
            next_offset,
        ))?;
        Ok(())
    }
}

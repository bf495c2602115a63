//! The tables `numbering` and `dedup`: what makes every change take effect once.

use aisle_contract::{ChangeEnvelope, KnownNumbering};
use aisle_domain::{ChangeId, DeskId, Incarnation, Lane, Planted, Refusal, Timestamp, is_planted};
use rusqlite::{OptionalExtension, params};

use super::{Tx, columns};
use crate::error::CentralError;

/// One numbering of a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Sequence {
    pub(crate) desk: DeskId,
    pub(crate) incarnation: Incarnation,
    pub(crate) lane: Lane,
}

impl Sequence {
    pub(crate) const fn of(envelope: &ChangeEnvelope) -> Self {
        Self { desk: envelope.desk, incarnation: envelope.incarnation, lane: envelope.lane }
    }
}

/// How far a numbering is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Count {
    /// The number that is taken next.
    pub(crate) expected: i64,
    /// The change that was taken under the number before.
    pub(crate) last: Option<ChangeId>,
    /// One number was used for two changes.
    pub(crate) forked: bool,
    /// How many numbers were taken by changes whose outcome stands under another one.
    pub(crate) repeats: i64,
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutcomeWord {
    Applied,
    Already,
    Refused,
}

impl OutcomeWord {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Already => "already",
            Self::Refused => "refused",
        }
    }
}

/// A change's first outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    /// Where it was refused.
    pub(crate) refusal: Option<Refusal>,
    pub(crate) at: Timestamp,
}

/// A refused change: its lane, why, and when.
pub(crate) type Refused = (ChangeId, Lane, Refusal, Timestamp);

impl Tx<'_> {
    /// How far a numbering is taken.
    pub(crate) fn count(&self, sequence: Sequence) -> Result<Count, CentralError> {
        let count = self
            .conn
            .prepare_cached(
                "SELECT expected, last, forked, repeats FROM numbering
                 WHERE desk_id = ?1 AND incarnation = ?2 AND lane = ?3",
            )?
            .query_row(
                (sequence.desk.to_string(), sequence.incarnation.to_string(), sequence.lane.word()),
                |row| {
                    Ok(Count {
                        expected: row.get(0)?,
                        last: columns::change_or_none(row, 1)?,
                        forked: row.get(2)?,
                        repeats: row.get(3)?,
                    })
                },
            )
            .optional()?;
        Ok(count.unwrap_or(Count { expected: 1, last: None, forked: false, repeats: 0 }))
    }

    /// Writes how far a numbering is taken.
    pub(crate) fn set_count(&self, sequence: Sequence, count: Count) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO numbering (desk_id, incarnation, lane, expected, last, forked, repeats)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET expected = excluded.expected, last = excluded.last,
                    forked = excluded.forked, repeats = excluded.repeats",
            )?
            .execute((
                sequence.desk.to_string(),
                sequence.incarnation.to_string(),
                sequence.lane.word(),
                count.expected,
                count.last.map(|id| id.to_string()),
                count.forked,
                count.repeats,
            ))?;
        Ok(())
    }

    /// Whether one number of this incarnation was used for two changes, in whichever lane.
    pub(crate) fn is_forked(&self, desk: DeskId, incarnation: Incarnation) -> Result<bool, CentralError> {
        Ok(self
            .conn
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM numbering WHERE desk_id = ?1 AND incarnation = ?2 AND forked = 1)",
            )?
            .query_row((desk.to_string(), incarnation.to_string()), |row| row.get(0))?)
    }

    /// All numberings of a desk.
    pub(crate) fn numberings(&self, desk: DeskId) -> Result<Vec<KnownNumbering>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT incarnation, lane, expected FROM numbering WHERE desk_id = ?1 ORDER BY incarnation, lane",
        )?;
        let known = statement
            .query_map([desk.to_string()], |row| {
                Ok(KnownNumbering {
                    incarnation: columns::text(row, 0)?,
                    lane: columns::lane(row, 1)?,
                    expected: row.get(2)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(known)
    }

    /// The change's first outcome, where it was seen before.
    pub(crate) fn known(&self, change: ChangeId) -> Result<Option<Known>, CentralError> {
        let row = self
            .conn
            .prepare_cached("SELECT refusal, at FROM dedup WHERE change_id = ?1")?
            .query_row([change.to_string()], |row| Ok((row.get::<_, Option<String>>(0)?, columns::time(row, 1)?)))
            .optional()?;
        row.map(|(refusal, at)| {
            Ok(Known { refusal: refusal.map(|json| serde_json::from_str(&json)).transpose()?, at })
        })
        .transpose()
    }

    /// Everything of a desk that was refused, oldest first.
    pub(crate) fn refusals_of(&self, desk: DeskId) -> Result<Vec<Refused>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT change_id, lane, refusal, at FROM dedup
             WHERE outcome = 'refused' AND forgotten = 0 AND desk_id = ?1 ORDER BY at, seq",
        )?;
        let mut rows = statement.query([desk.to_string()])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let refusal: String = row.get(2)?;
            found.push((
                columns::text(row, 0)?,
                columns::lane(row, 1)?,
                serde_json::from_str(&refusal)?,
                columns::time(row, 3)?,
            ));
        }
        Ok(found)
    }

    /// Writes a change's first outcome.
    pub(crate) fn remember(
        &self,
        envelope: &ChangeEnvelope,
        outcome: OutcomeWord,
        refusal: Option<&Refusal>,
        at: Timestamp,
    ) -> Result<(), CentralError> {
        if is_planted(Planted::NoDedup) {
            self.conn.execute("DELETE FROM dedup WHERE change_id = ?1", [envelope.change_id.to_string()])?;
        }
        self.conn
            .prepare_cached(
                "INSERT INTO dedup (change_id, outcome, refusal, store_id, desk_id, incarnation, lane, seq, at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            )?
            .execute(params![
                envelope.change_id.to_string(),
                outcome.word(),
                refusal.map(serde_json::to_string).transpose()?,
                envelope.store.get(),
                envelope.desk.to_string(),
                envelope.incarnation.to_string(),
                envelope.lane.word(),
                envelope.seq,
                at.millis(),
            ])?;
        Ok(())
    }

    /// Numberings whose remembered changes do not fill every number from the oldest of them to the one that is expected
    /// next, as text: those before it are forgotten, in their order. What was replayed has no number, and a number that
    /// repeated a change has no outcome of its own.
    pub(crate) fn holes(&self) -> Result<(u64, Vec<String>), CentralError> {
        let mut statement = self.conn.prepare(
            "SELECT n.desk_id, n.incarnation, n.lane, n.expected, count(DISTINCT d.seq), count(d.seq),
                coalesce(max(d.seq), 0), coalesce(min(d.seq), n.expected), n.repeats
             FROM numbering n LEFT JOIN dedup d
                ON d.desk_id = n.desk_id AND d.incarnation = n.incarnation AND d.lane = n.lane AND d.seq > 0
             GROUP BY n.desk_id, n.incarnation, n.lane",
        )?;
        let mut rows = statement.query([])?;
        let (mut checked, mut wrong) = (0, Vec::new());
        while let Some(row) = rows.next()? {
            checked += 1;
            let name = format!(
                "desk {} incarnation {} lane {}",
                row.get::<_, String>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?
            );
            let (expected, numbers, rows, highest, lowest, repeats): (i64, i64, i64, i64, i64, i64) =
                (row.get(3)?, row.get(4)?, row.get(5)?, row.get(6)?, row.get(7)?, row.get(8)?);
            if highest >= expected {
                wrong.push(format!("{name}: number {highest} has an outcome, but {expected} is expected next"));
            }
            if numbers != rows {
                wrong.push(format!("{name}: a number has more than one outcome"));
            }
            let missing = expected - lowest - numbers - repeats;
            if highest < expected && missing > 0 {
                wrong.push(format!("{name}: {missing} numbers between {lowest} and {expected} have no outcome"));
            }
        }
        Ok((checked, wrong))
    }
}

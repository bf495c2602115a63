//! Changes that central has acknowledged, kept for the case that it loses its history, and forgotten in the end.

use std::collections::{BTreeMap, BTreeSet};

use aisle_contract::KnownNumbering;
use aisle_domain::{ChangeId, Incarnation, Item, Lane, Order, Store, Subject, Timestamp};
use rusqlite::{Connection, Transaction, params};

use super::{ChangeState, key, subject};
use crate::{
    bases::{self, Kind},
    error::Result,
    items,
    mirror::Mirror,
    orders,
    row::{Columns, bad},
    store,
};

/// Acknowledged changes are kept this long, by central's clock.
const KEPT_MS: i64 = 35 * 24 * 60 * 60 * 1000;
/// Changes that one transaction forgets, and how many are looked at for them.
const STEP: usize = 500;

/// A change that was acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) change_id: ChangeId,
    pub(crate) subject: Subject,
}

/// Acknowledged changes that a centre with these numberings does not know, in the order of acting.
pub(crate) fn unknown_to(conn: &Connection, known: &[KnownNumbering]) -> Result<Vec<Kept>> {
    of_state(conn, ChangeState::Received, known, false)
}

/// Refused changes that a centre with these numberings knows, and has not refused.
pub(crate) fn taken_after_all(
    conn: &Connection,
    known: &[KnownNumbering],
    refused: &[ChangeId],
) -> Result<Vec<Kept>> {
    let mut taken = of_state(conn, ChangeState::Refused, known, true)?;
    taken.retain(|kept| !refused.contains(&kept.change_id));
    Ok(taken)
}

/// A change that another history of central's refused has taken effect in this one.
pub(crate) fn receive(tx: &Transaction<'_>, id: ChangeId, at: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "UPDATE outbox SET state = 'received', refusal = NULL, message = NULL, acked_at = ?2
         WHERE change_id = ?1 AND state = 'refused'",
    )?
    .execute(params![id.to_string(), at.millis()])?;
    Ok(())
}

/// Changes in a state whose numbers are known to a centre with these numberings, or are not, in the order of acting.
fn of_state(conn: &Connection, state: ChangeState, known: &[KnownNumbering], is_known: bool) -> Result<Vec<Kept>> {
    let expected: BTreeMap<(Incarnation, Lane), i64> =
        known.iter().map(|n| ((n.incarnation, n.lane), n.expected)).collect();
    let mut statement = conn.prepare_cached(
        "SELECT change_id, kind, subject, incarnation, lane, seq FROM outbox WHERE state = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([state.word()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let numbering = (row.parsed("incarnation")?, row.word("lane", &Lane::ALL, Lane::word)?);
        let seq: i64 = row.get("seq")?;
        if expected.get(&numbering).is_some_and(|expected| seq < *expected) == is_known {
            let kind = row.cell("kind")?.as_str().map_err(|e| bad("kind", e))?;
            found.push(Kept { change_id: row.parsed("change_id")?, subject: subject(kind, row.get("subject")?)? });
        }
    }
    Ok(found)
}

/// Takes acknowledged changes back into the outbox, without numbers: they are folded again over what central has.
/// Answers their subjects, each once.
pub(crate) fn take_back(tx: &Transaction<'_>, changes: &[Kept]) -> Result<Vec<Subject>> {
    let subjects: BTreeSet<Subject> = changes.iter().map(|kept| kept.subject).collect();
    for subject in &subjects {
        keep_base(tx, *subject)?;
    }
    let mut statement = tx.prepare_cached(
        "UPDATE outbox SET state = 'ready', incarnation = NULL, seq = NULL, cluster = NULL, topic = NULL,
             partition = NULL, offset = NULL, sent_at = NULL, acked_at = NULL, central_at = NULL
         WHERE change_id = ?1 AND state = 'received'",
    )?;
    for kept in changes {
        statement.execute([kept.change_id.to_string()])?;
    }
    Ok(subjects.into_iter().collect())
}

/// What is shown of a row is central's while nothing waits on it: it becomes the base of what waits from now on.
pub(crate) fn keep_base(tx: &Transaction<'_>, subject: Subject) -> Result<()> {
    let (kind, id) = key(subject);
    match subject {
        Subject::Order(order) if bases::load::<Order>(tx, kind, id)?.is_none() => {
            let shown = orders::load(tx, order)?;
            bases::store(tx, Kind::Order, id, shown.as_ref().map(|row| (row, row.version)))
        }
        Subject::Item(item) if bases::load::<Item>(tx, kind, id)?.is_none() => {
            let shown = items::load(tx, item)?;
            bases::store(tx, Kind::Item, id, shown.as_ref().map(|row| (row, row.version)))
        }
        Subject::Store if bases::load::<Store>(tx, kind, id)?.is_none() => {
            let shown = store::load(tx)?;
            bases::store(tx, Kind::Store, id, shown.as_ref().map(|row| (row, row.version)))
        }
        _ => Ok(()),
    }
}

/// Where the cluster wrote what central has not acknowledged counts no more: it is sent again.
pub(crate) fn forget_reports(tx: &Transaction<'_>) -> Result<()> {
    tx.execute(
        "UPDATE outbox SET cluster = NULL, topic = NULL, partition = NULL, offset = NULL WHERE state = 'sent'",
        [],
    )?;
    Ok(())
}

/// Whether central acknowledged a number from this one on, which it waits for again.
pub fn has_received_from(conn: &Connection, lane: Lane, incarnation: Incarnation, first: i64) -> Result<bool> {
    Ok(conn
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM outbox
                 WHERE incarnation = ?1 AND lane = ?2 AND seq >= ?3 AND state = 'received')",
        )?
        .query_row(params![incarnation.to_string(), lane.word(), first], |row| row.get(0))?)
}

impl Mirror {
    /// Forgets some of the changes that central acknowledged more than 35 days ago, by its clock as it was last told.
    /// The audit log keeps them. Answers how many; what a conflict or a later change still names stays.
    pub fn forget_received(&self) -> Result<usize> {
        let due = self.read(|conn| {
            let clocks = Lane::ALL.map(|lane| crate::feed::last_ack(conn, lane));
            let mut now: Option<Timestamp> = None;
            for ack in clocks {
                now = now.max(ack?.map(|ack| ack.central_time));
            }
            let Some(now) = now else { return Ok(Vec::new()) };
            forgettable(conn, now.millis() - KEPT_MS)
        })?;
        if due.is_empty() {
            return Ok(0);
        }
        self.write(|tx| {
            let mut count = tx.prepare_cached(
                "UPDATE numbering SET pruned = pruned + 1 WHERE (incarnation, lane) =
                     (SELECT incarnation, lane FROM outbox WHERE change_id = ?1)",
            )?;
            let mut delete =
                tx.prepare_cached("DELETE FROM outbox WHERE change_id = ?1 AND state = 'received'")?;
            let mut forgotten = 0;
            for id in &due {
                count.execute([id])?;
                forgotten += delete.execute([id])?;
            }
            Ok(forgotten)
        })
    }
}

fn forgettable(conn: &Connection, before: i64) -> Result<Vec<String>> {
    let mut statement = conn.prepare_cached(
        "SELECT change_id FROM (SELECT * FROM outbox WHERE state = 'received' AND acked_at IS NOT NULL
                                ORDER BY acked_at LIMIT ?2) o
         WHERE coalesce(central_at, acked_at) <= ?1
             AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.change_id = o.change_id AND c.closed_at IS NULL)
             AND NOT EXISTS (SELECT 1 FROM outbox r WHERE r.replaces = o.change_id)",
    )?;
    let found = statement.query_map(params![before, i64::try_from(STEP).unwrap_or(i64::MAX)], |row| row.get(0))?;
    Ok(found.collect::<std::result::Result<_, _>>()?)
}

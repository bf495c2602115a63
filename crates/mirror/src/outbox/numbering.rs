//! Numbers: given when a batch is cut, given back by a new incarnation, answered by central.

use aisle_contract::DeskAck;
use aisle_domain::{ChangeId, Incarnation, Lane, Planted, Subject, Timestamp, is_planted};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::{COLUMNS, ChangeState, Report, subject};
use crate::{
    anew,
    error::Result,
    mirror::touched_identity,
    row::{Columns, Placed, bad},
};

/// A numbered change on its way. Its body is the text that is kept: what travels is what was committed, whatever a later
/// program would make of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NumberedChange {
    /// Order of acting.
    pub id: i64,
    /// The change.
    pub change_id: ChangeId,
    /// Its lane.
    pub lane: Lane,
    /// The type's word.
    pub type_word: String,
    /// What it is done to.
    pub subject: Subject,
    /// The body as JSON.
    pub body: String,
    /// Who acted.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// The refused change that it mends.
    pub replaces: Option<ChangeId>,
    /// The numbering.
    pub incarnation: Incarnation,
    /// Its number in that.
    pub seq: i64,
    /// Where the cluster wrote it, where that was reported.
    pub place: Option<LogPlace>,
    /// Attempts to send it.
    pub attempts: i64,
    /// The last one.
    pub last_attempt_at: Option<Timestamp>,
}

/// A place in the log of changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogPlace {
    /// The cluster.
    pub cluster: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// Reads a whole row of the table as a change of this number.
fn read(row: &Row<'_>, (incarnation, seq): (Incarnation, i64)) -> Result<NumberedChange> {
    let row = Placed::new(row, &COLUMNS);
    let (cluster, partition, offset) = (row.value("cluster")?, row.value("partition")?, row.value("offset")?);
    let place = match (cluster, partition, offset) {
        (Some(cluster), Some(partition), Some(offset)) => Some(LogPlace { cluster, partition, offset }),
        _ => None,
    };
    let kind = row.cell("kind")?.as_str().map_err(|e| bad("kind", e))?;
    Ok(NumberedChange {
        id: row.value("id")?,
        change_id: row.parsed("change_id")?,
        lane: row.word("lane", &Lane::ALL, Lane::word)?,
        type_word: row.value("type")?,
        subject: subject(kind, row.value("subject")?)?,
        body: row.value("body")?,
        by: row.value("by")?,
        at: row.time("at")?,
        replaces: row.parsed_optional("replaces")?,
        incarnation,
        seq,
        place,
        attempts: row.value("attempts")?,
        last_attempt_at: row.time_optional("last_attempt_at")?,
    })
}

/// Cuts a batch: numbers ready changes of a lane, oldest first, densely from the last number on, and calls them sent.
/// Each counts as tried, so that a crash before it leaves is counted too. Empty when none is ready, and while numbers
/// are to be given anew.
pub fn cut(
    tx: &Transaction<'_>,
    lane: Lane,
    incarnation: Incarnation,
    max_changes: usize,
    max_bytes: usize,
    at: Timestamp,
) -> Result<Vec<NumberedChange>> {
    if anew::wanted(tx)?.is_some() {
        return Ok(Vec::new());
    }
    let first = next_seq(tx, lane, incarnation)?;
    let mut batch = ready(tx, lane, (incarnation, first), (max_changes, max_bytes))?;
    let Some(last) = batch.last() else { return Ok(batch) };
    let next = last.seq + 1;
    let of = incarnation.to_string();
    let mut number = tx.prepare_cached(
        "UPDATE outbox SET state = 'sent', incarnation = ?2, seq = ?3, sent_at = ?4, attempts = attempts + 1,
             last_attempt_at = ?4 WHERE id = ?1",
    )?;
    for change in &mut batch {
        number.execute(params![change.id, of, change.seq, at.millis()])?;
        change.attempts += 1;
        change.last_attempt_at = Some(at);
    }
    tx.prepare_cached(
        "INSERT INTO numbering (incarnation, lane, next_seq) VALUES (?1, ?2, ?3)
         ON CONFLICT (incarnation, lane) DO UPDATE SET next_seq = excluded.next_seq",
    )?
    .execute(params![of, lane.word(), next])?;
    Ok(batch)
}

/// Ready changes of a lane, but for those that wait behind a held one on the same thing: central takes what was done to
/// one thing in the order in which it was done.
const READY: &str = "SELECT * FROM outbox o WHERE state = 'ready' AND lane = ?1 AND NOT EXISTS (
    SELECT 1 FROM outbox h WHERE h.state = 'held' AND h.lane = ?1
        AND h.kind = o.kind AND h.subject = o.subject AND h.id < o.id)";

/// The oldest changes of a lane that may be numbered, with the numbers they get: as many as a batch takes; one at least.
fn ready(
    tx: &Transaction<'_>,
    lane: Lane,
    (incarnation, first): (Incarnation, i64),
    (max_changes, max_bytes): (usize, usize),
) -> Result<Vec<NumberedChange>> {
    let order = if is_planted(Planted::OrderByClock) { "at" } else { "id" };
    let from = if is_planted(Planted::HeldIsOvertaken) {
        "SELECT * FROM outbox WHERE state = 'ready' AND lane = ?1"
    } else {
        READY
    };
    let mut statement = tx.prepare_cached(&format!("{from} ORDER BY {order} LIMIT ?2"))?;
    let mut rows = statement.query(params![lane.word(), i64::try_from(max_changes).unwrap_or(i64::MAX)])?;
    let (mut batch, mut bytes, mut seq) = (Vec::new(), 0, first);
    while let Some(row) = rows.next()? {
        bytes += row.get_ref("body")?.as_bytes().map_err(|e| bad("body", e))?.len();
        if bytes > max_bytes && !batch.is_empty() {
            break;
        }
        batch.push(read(row, (incarnation, seq))?);
        seq += 1;
    }
    Ok(batch)
}

/// The number that a lane's next change will have.
pub fn next_seq(conn: &Connection, lane: Lane, incarnation: Incarnation) -> Result<i64> {
    let next: Option<i64> = conn
        .prepare_cached("SELECT next_seq FROM numbering WHERE incarnation = ?1 AND lane = ?2")?
        .query_row(params![incarnation.to_string(), lane.word()], |row| row.get(0))
        .optional()?;
    Ok(next.unwrap_or(1))
}

/// Whether a change of a lane may be numbered.
pub fn has_ready(conn: &Connection, lane: Lane) -> Result<bool> {
    let sql = format!("SELECT EXISTS ({READY})");
    Ok(conn.prepare_cached(&sql)?.query_row([lane.word()], |row| row.get(0))?)
}

/// Numbered changes without central's word. The plus keeps SQLite from reading all that were ever numbered.
const SENT: &str = "SELECT * FROM outbox WHERE state = 'sent' AND lane = ?1 AND +incarnation = ?2";

/// Numbered changes without central's word, by number.
pub fn numbered(conn: &Connection, lane: Lane, incarnation: Incarnation) -> Result<Vec<NumberedChange>> {
    let mut statement = conn.prepare_cached(&format!("{SENT} ORDER BY seq"))?;
    let mut rows = statement.query(params![lane.word(), incarnation.to_string()])?;
    let mut numbered = Vec::new();
    while let Some(row) = rows.next()? {
        numbered.push(read(row, (incarnation, row.get("seq")?))?);
    }
    Ok(numbered)
}

/// Counts another attempt before it is made, so that a crash in its midst is counted too.
pub fn attempted(tx: &Transaction<'_>, ids: &[ChangeId], at: Timestamp) -> Result<()> {
    let mut statement =
        tx.prepare_cached("UPDATE outbox SET attempts = attempts + 1, last_attempt_at = ?2 WHERE change_id = ?1")?;
    for id in ids {
        statement.execute(params![id.to_string(), at.millis()])?;
    }
    Ok(())
}

/// Keeps delivery reports: where the cluster wrote each change. One for a number that was given back since says
/// nothing about the number to come.
pub fn reported(tx: &Transaction<'_>, reports: &[Report], at: Timestamp) -> Result<()> {
    let mut statement = tx.prepare_cached(
        "UPDATE outbox SET cluster = ?2, topic = ?3, partition = ?4, offset = ?5, last_attempt_at = ?6
         WHERE change_id = ?1 AND state <> 'ready'",
    )?;
    for report in reports {
        statement.execute(params![
            report.change_id.to_string(),
            report.cluster,
            report.topic,
            report.partition,
            report.offset,
            at.millis()
        ])?;
        if is_planted(Planted::ReceivedOnDelivery) {
            let sql =
                "UPDATE outbox SET state = 'received', acked_at = ?2 WHERE change_id = ?1 AND state = 'sent'";
            tx.execute(sql, params![report.change_id.to_string(), at.millis()])?;
        }
    }
    Ok(())
}

/// A new incarnation: changes without central's word give their numbers back and are numbered anew from 1, in the
/// order of acting. Answers how many.
pub(crate) fn renumber(tx: &Transaction<'_>, new: Incarnation) -> Result<usize> {
    let again = tx.execute(
        "UPDATE outbox SET state = 'ready', incarnation = NULL, seq = NULL, cluster = NULL, topic = NULL,
             partition = NULL, offset = NULL, sent_at = NULL WHERE state = 'sent'",
        [],
    )?;
    if !is_planted(Planted::SameIncarnation) {
        tx.execute("UPDATE identity SET incarnation = ?1", [new.to_string()])?;
    }
    touched_identity();
    Ok(again)
}

/// Other copies of this data may have sent whatever waits in it: that counts as tried, and is not taken back any more.
pub(crate) fn suspect(tx: &Transaction<'_>) -> Result<()> {
    tx.execute("UPDATE outbox SET attempts = 1 WHERE state IN ('held', 'ready') AND attempts = 0", [])?;
    Ok(())
}

/// Central has everything below `expected`: answers the subjects whose changes that acknowledges.
pub(crate) fn acknowledge(
    tx: &Transaction<'_>,
    lane: Lane,
    incarnation: Incarnation,
    expected: i64,
    (at, central_at): (Timestamp, Timestamp),
) -> Result<Vec<(ChangeId, Subject)>> {
    let covered = covered(tx, lane, incarnation, expected)?;
    let mut statement = tx.prepare_cached(
        "UPDATE outbox SET state = 'received', acked_at = ?2, central_at = ?3, will_be_refused = NULL
         WHERE id = ?1",
    )?;
    for (id, ..) in &covered {
        statement.execute(params![id, at.millis(), central_at.millis()])?;
    }
    Ok(covered.into_iter().map(|(_, change, subject)| (change, subject)).collect())
}

/// Central has read beyond changes that it still waits for: they were dropped, or lost with their place. They go again at
/// the next push, whatever is heard until then. Where it waits for a number that nothing here has, a new numbering is
/// needed, and its evidence stays.
pub(crate) fn forget_dropped(tx: &Transaction<'_>, ack: &DeskAck) -> Result<()> {
    let of = ack.incarnation.to_string();
    let lane = ack.lane.word();
    let has_wanted: bool = tx
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM outbox
             WHERE incarnation = ?1 AND lane = ?2 AND seq = ?3 AND state = 'sent')",
        )?
        .query_row(params![of, lane, ack.expected], |row| row.get(0))?;
    if has_wanted && !is_planted(Planted::NoResend) {
        let mut forget = tx.prepare_cached(
            "UPDATE outbox SET cluster = NULL, topic = NULL, partition = NULL, offset = NULL
             WHERE incarnation = ?1 AND lane = ?2 AND seq >= ?3 AND state = 'sent'
                 AND cluster = ?4 AND partition = ?5 AND offset < ?6",
        )?;
        for at in ack.positions() {
            forget.execute(params![of, lane, ack.expected, at.cluster, at.partition, at.offset])?;
        }
    }
    Ok(())
}

/// Changes below `expected` without a word, by number, each with its row's id: looked for downwards to the first that an ack covered, with
/// which all below it were answered. So a long outbox is not read through for each word on a few of its changes. One
/// that counts as received because another history took it says nothing of those below it.
fn covered(
    tx: &Transaction<'_>,
    lane: Lane,
    incarnation: Incarnation,
    expected: i64,
) -> Result<Vec<(i64, ChangeId, Subject)>> {
    let mut statement = tx.prepare_cached(
        "SELECT id, change_id, kind, subject, state, central_at FROM outbox
         WHERE incarnation = ?1 AND lane = ?2 AND seq < ?3 ORDER BY seq DESC",
    )?;
    let mut rows = statement.query(params![incarnation.to_string(), lane.word(), expected])?;
    let mut covered = Vec::new();
    while let Some(row) = rows.next()? {
        match row.word("state", &ChangeState::ALL, ChangeState::word)? {
            ChangeState::Received if row.get::<_, Option<i64>>("central_at")?.is_some() => break,
            ChangeState::Sent => {
                let kind = row.cell("kind")?.as_str().map_err(|e| bad("kind", e))?;
                let subject = subject(kind, row.get("subject")?)?;
                covered.push((row.get("id")?, row.parsed("change_id")?, subject));
            }
            ChangeState::Received | ChangeState::Refused | ChangeState::Held | ChangeState::Ready => {}
        }
    }
    covered.reverse();
    Ok(covered)
}

/// What is wrong with the numbers: gaps in this incarnation's, or numbers at or beyond the next. An older one may
/// have gaps: what it had not been answered for was numbered anew.
pub(crate) fn check_dense(conn: &Connection) -> Result<(i64, Vec<String>)> {
    let mut statement = conn.prepare(
        "SELECT o.incarnation = i.incarnation AS own, o.lane, count(*) + coalesce(n.pruned, 0) AS count,
             max(o.seq) AS top, n.next_seq
         FROM outbox o JOIN identity i LEFT JOIN numbering n ON n.incarnation = o.incarnation AND n.lane = o.lane
         WHERE o.seq IS NOT NULL GROUP BY o.incarnation, o.lane",
    )?;
    let mut rows = statement.query([])?;
    let (mut checked, mut problems) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let (count, top): (i64, i64) = (row.get("count")?, row.get("top")?);
        let next: Option<i64> = row.get("next_seq")?;
        let lane: String = row.get("lane")?;
        checked += count;
        let gaps = row.get::<_, bool>("own")? && (count != top || next != Some(top + 1));
        if gaps || next.is_none_or(|next| next <= top) {
            let next = next.map_or_else(|| "unknown".to_owned(), |next| next.to_string());
            problems.push(format!("lane {lane}: {count} numbers up to {top}, the next would be {next}"));
        }
    }
    Ok((checked, problems))
}

//! Changes on their way to central, in the order of acting. What a person did is never dropped and never deleted;
//! only its state moves: held, ready, sent, received or refused.

mod kept;
mod numbering;

use std::str::FromStr;

use aisle_contract::up;
use aisle_domain::{Change, ChangeId, Incarnation, ItemId, Lane, OrderId, Refusal, Subject, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, Transaction, params};

use crate::{
    bases::Kind,
    error::{MirrorError, Result},
    row::{Columns, Placed, bad},
};

pub use kept::has_received_from;
pub(crate) use kept::{forget_reports, keep_base, receive, take_back, taken_after_all, unknown_to};
pub use numbering::{LogPlace, NumberedChange, attempted, cut, has_ready, next_seq, numbered, reported};
pub(crate) use numbering::{acknowledge, check_dense, forget_dropped, renumber, suspect};

/// Where a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChangeState {
    /// Committed here; its five seconds are not over.
    Held,
    /// Committed here; it may be numbered.
    Ready,
    /// Numbered for sending.
    Sent,
    /// Central has it.
    Received,
    /// Central refused it.
    Refused,
}

impl ChangeState {
    /// Every state, in the order of a change's life.
    pub const ALL: [Self; 5] = [Self::Held, Self::Ready, Self::Sent, Self::Received, Self::Refused];

    /// The word of the table, of screens and of the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Ready => "ready",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Refused => "refused",
        }
    }
}

/// A word that is no state of a change.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a state of a change; there are held, ready, sent, received, refused")]
pub struct BadState(pub String);

impl FromStr for ChangeState {
    type Err = BadState;

    fn from_str(text: &str) -> std::result::Result<Self, BadState> {
        Self::ALL.into_iter().find(|state| state.word() == text).ok_or_else(|| BadState(text.into()))
    }
}

/// A change with what is known of its way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Order of acting.
    pub id: i64,
    /// The change.
    pub change_id: ChangeId,
    /// The act.
    pub change: Change,
    /// Who acted.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Where it is.
    pub state: ChangeState,
    /// Its lane.
    pub lane: Lane,
    /// The numbering its number is of.
    pub incarnation: Option<Incarnation>,
    /// Its number.
    pub seq: Option<i64>,
    /// Where the cluster wrote it: topic.
    pub topic: Option<String>,
    /// Partition.
    pub partition: Option<i32>,
    /// Offset.
    pub offset: Option<i64>,
    /// The cluster.
    pub cluster: Option<String>,
    /// When it was numbered.
    pub sent_at: Option<Timestamp>,
    /// Attempts to send it.
    pub attempts: i64,
    /// The last one.
    pub last_attempt_at: Option<Timestamp>,
    /// When central's word came.
    pub acked_at: Option<Timestamp>,
    /// Why central refused it.
    pub refusal: Option<Refusal>,
    /// The same in central's words.
    pub message: Option<String>,
    /// The refused change that it mends.
    pub replaces: Option<ChangeId>,
    /// Why it no longer folds.
    pub will_be_refused: Option<Refusal>,
    /// A refused one that needs no fix.
    pub closed: bool,
}

impl OutboxRow {
    /// Whether it can be taken back: it has no number and never had one, so that nobody else can know it.
    pub const fn is_undoable(&self) -> bool {
        matches!(self.state, ChangeState::Held | ChangeState::Ready) && self.attempts == 0
    }
}

/// How many changes are in each state that still matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutboxCounts {
    /// Held.
    pub held: i64,
    /// Ready.
    pub ready: i64,
    /// Sent.
    pub sent: i64,
    /// Refused and neither replaced nor closed.
    pub refused: i64,
    /// When the oldest of held, ready and sent was done.
    pub oldest_at: Option<Timestamp>,
}

/// A delivery report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The change.
    pub change_id: ChangeId,
    /// The cluster.
    pub cluster: String,
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
}

/// Kind and number of a subject, as the tables keep it. The store is number 0.
pub(crate) const fn key(subject: Subject) -> (Kind, i64) {
    match subject {
        Subject::Order(id) => (Kind::Order, id.get()),
        Subject::Item(id) => (Kind::Item, id.get()),
        Subject::Store => (Kind::Store, 0),
    }
}

/// The subject that the tables keep as this kind and number.
pub(crate) fn subject(kind: &str, id: i64) -> Result<Subject> {
    Ok(match kind {
        "order" => Subject::Order(OrderId::new(id)?),
        "item" => Subject::Item(ItemId::new(id)?),
        _ => Subject::Store,
    })
}

/// The table's columns, in its order.
#[rustfmt::skip]
pub(crate) const COLUMNS: [&str; 27] = [
    "id", "change_id", "lane", "type", "kind", "subject", "body", "by", "at", "state", "replaces", "set_id",
    "incarnation", "seq", "cluster", "topic", "partition", "offset", "attempts", "last_attempt_at", "sent_at",
    "acked_at", "refusal", "message", "will_be_refused", "closed_at", "central_at",
];

/// Reads a whole row of the table.
pub(crate) fn read(row: &Row<'_>) -> Result<OutboxRow> {
    let row = Placed::new(row, &COLUMNS);
    let word: String = row.value("type")?;
    let body = row.cell("body")?.as_str().map_err(|e| bad("body", e))?;
    Ok(OutboxRow {
        id: row.value("id")?,
        change_id: row.parsed("change_id")?,
        change: up::change_of(&word, body.as_bytes()).map_err(|e| bad("body", e))?,
        by: row.value("by")?,
        at: row.time("at")?,
        state: row.word("state", &ChangeState::ALL, ChangeState::word)?,
        lane: row.word("lane", &Lane::ALL, Lane::word)?,
        incarnation: row.parsed_optional("incarnation")?,
        seq: row.value("seq")?,
        topic: row.value("topic")?,
        partition: row.value("partition")?,
        offset: row.value("offset")?,
        cluster: row.value("cluster")?,
        sent_at: row.time_optional("sent_at")?,
        attempts: row.value("attempts")?,
        last_attempt_at: row.time_optional("last_attempt_at")?,
        acked_at: row.time_optional("acked_at")?,
        refusal: row.json_optional("refusal")?,
        message: row.value("message")?,
        replaces: row.parsed_optional("replaces")?,
        will_be_refused: row.json_optional("will_be_refused")?,
        closed: row.value::<Option<i64>>("closed_at")?.is_some(),
    })
}

pub(crate) fn collect(conn: &Connection, sql: &str, params: &[&dyn ToSql]) -> Result<Vec<OutboxRow>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query(params)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// Rows in these states, as a union that reads each state and lane in the index's own order and merges them.
fn in_states(states: &[ChangeState], and: &str) -> String {
    let of_state = |state: &ChangeState| {
        Lane::ALL.map(|lane| {
            format!("SELECT * FROM outbox WHERE state = '{}' AND lane = '{}'{and}", state.word(), lane.word())
        })
    };
    states.iter().flat_map(of_state).collect::<Vec<_>>().join(" UNION ALL ")
}

/// Adds a change with its body as it will travel, held or ready.
pub(crate) fn append(tx: &Transaction<'_>, new: &crate::NewChange, body: &str) -> Result<()> {
    let (kind, subject) = key(new.change.subject());
    let state = if new.held { ChangeState::Held } else { ChangeState::Ready };
    tx.prepare_cached(
        "INSERT INTO outbox (change_id, lane, type, kind, subject, body, by, at, state, replaces)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        new.change_id.to_string(),
        new.change.lane().word(),
        new.change.type_word(),
        kind.word(),
        subject,
        body,
        new.by,
        new.at.millis(),
        state.word(),
        new.replaces.map(|id| id.to_string()),
    ])?;
    Ok(())
}

/// Held or ready ones may be taken back: the audit log keeps them.
pub(crate) fn delete(tx: &Transaction<'_>, id: ChangeId) -> Result<()> {
    tx.prepare_cached("DELETE FROM outbox WHERE change_id = ?1 AND seq IS NULL")?.execute([id.to_string()])?;
    Ok(())
}

/// Held becomes ready: one, or all.
pub(crate) fn release(tx: &Transaction<'_>, id: Option<ChangeId>) -> Result<usize> {
    Ok(tx
        .prepare_cached(
            "UPDATE outbox SET state = 'ready' WHERE state = 'held' AND (?1 IS NULL OR change_id = ?1)",
        )?
        .execute([id.map(|id| id.to_string())])?)
}

/// How many changes wait, and since when.
pub fn counts(conn: &Connection) -> Result<OutboxCounts> {
    let mut counts = OutboxCounts::default();
    let mut statement = conn.prepare_cached(
        "SELECT s.state, s.count, o.at AS oldest
         FROM (SELECT state, count(*) AS count, min(id) AS first FROM outbox
               WHERE state IN ('held', 'ready', 'sent') GROUP BY state) s
         JOIN outbox o ON o.id = s.first",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let count = row.get("count")?;
        match row.word("state", &ChangeState::ALL, ChangeState::word)? {
            ChangeState::Held => counts.held = count,
            ChangeState::Ready => counts.ready = count,
            ChangeState::Sent => counts.sent = count,
            ChangeState::Refused | ChangeState::Received => {}
        }
        let oldest = row.time("oldest")?;
        counts.oldest_at = Some(counts.oldest_at.map_or(oldest, |at| at.min(oldest)));
    }
    counts.refused = conn
        .prepare_cached(
            "SELECT count(*) FROM outbox o WHERE o.state = 'refused' AND o.closed_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM outbox r WHERE r.replaces = o.change_id)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(counts)
}

/// The newest change of all; 0 before the first.
pub fn last(conn: &Connection) -> Result<i64> {
    let last: Option<i64> = conn.query_row("SELECT max(id) FROM outbox", [], |row| row.get(0))?;
    Ok(last.unwrap_or(0))
}

/// The oldest change that the cluster has and central has no word on yet.
pub fn oldest_sent(conn: &Connection) -> Result<Option<i64>> {
    let sql =
        "SELECT id FROM outbox WHERE state = 'sent' AND lane = ?1 AND offset IS NOT NULL ORDER BY id LIMIT 1";
    let mut oldest: Option<i64> = None;
    for lane in Lane::ALL {
        let id: Option<i64> = conn.prepare_cached(sql)?.query_row([lane.word()], |row| row.get(0)).optional()?;
        oldest = oldest.into_iter().chain(id).min();
    }
    Ok(oldest)
}

/// How many changes up to this one have no word from central.
pub fn count_open(conn: &Connection, to: i64) -> Result<u64> {
    let count: i64 = conn
        .prepare_cached("SELECT count(*) FROM outbox WHERE state IN ('held', 'ready', 'sent') AND id <= ?1")?
        .query_row([to], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// How many changes the cluster does not have, by what was reported of them.
pub fn count_unsent(conn: &Connection) -> Result<usize> {
    let count: i64 = conn
        .prepare_cached(
            "SELECT count(*) FROM outbox
             WHERE state IN ('held', 'ready', 'sent') AND (state <> 'sent' OR offset IS NULL)",
        )?
        .query_row([], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
}

/// One change.
pub fn load(conn: &Connection, id: ChangeId) -> Result<Option<OutboxRow>> {
    Ok(collect(conn, "SELECT * FROM outbox WHERE change_id = ?1", &[&id.to_string()])?.into_iter().next())
}

/// Changes in these states, in the order of acting.
pub fn list(
    conn: &Connection,
    states: &[ChangeState],
    after: Option<i64>,
    limit: usize,
) -> Result<Vec<OutboxRow>> {
    if states.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!("{} ORDER BY id LIMIT ?2", in_states(states, " AND id > ?1"));
    collect(conn, &sql, &[&after.unwrap_or(0), &i64::try_from(limit).unwrap_or(i64::MAX)])
}

/// Changes in these states, newest first: by when central's word came, those without one before all others.
pub fn newest(conn: &Connection, states: &[ChangeState], limit: usize) -> Result<Vec<OutboxRow>> {
    let most = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut found = Vec::new();
    for state in states {
        found.extend(match state {
            ChangeState::Received | ChangeState::Refused => {
                let sql = "SELECT * FROM outbox WHERE state = ?1 AND acked_at IS NOT NULL
                           ORDER BY acked_at DESC, id DESC LIMIT ?2";
                collect(conn, sql, &[&state.word(), &most])?
            }
            ChangeState::Held | ChangeState::Ready | ChangeState::Sent => {
                collect(conn, &format!("{} ORDER BY id DESC LIMIT ?1", in_states(&[*state], "")), &[&most])?
            }
        });
    }
    found.sort_by_key(|row| std::cmp::Reverse((row.acked_at.map_or(i64::MAX, Timestamp::millis), row.id)));
    found.truncate(limit);
    Ok(found)
}

/// All changes on one subject, in the order of acting.
pub fn of_subject(conn: &Connection, subject: Subject) -> Result<Vec<OutboxRow>> {
    let (kind, id) = key(subject);
    collect(conn, "SELECT * FROM outbox WHERE kind = ?1 AND subject = ?2 ORDER BY id", &[&kind.word(), &id])
}

/// Changes on one subject that the fold takes: without central's word yet.
pub(crate) fn unacknowledged(conn: &Connection, subject: Subject) -> Result<Vec<OutboxRow>> {
    let (kind, id) = key(subject);
    let sql =
        "SELECT * FROM outbox WHERE kind = ?1 AND subject = ?2 AND state IN ('held', 'ready', 'sent') ORDER BY id";
    collect(conn, sql, &[&kind.word(), &id])
}

/// The worst state of a subject's changes: refused, then what waits, then received; `None` without any.
pub fn worst_state(conn: &Connection, subject: Subject) -> Result<Option<ChangeState>> {
    let (kind, id) = key(subject);
    let word: Option<String> = conn
        .prepare_cached(
            "SELECT state FROM outbox o WHERE kind = ?1 AND subject = ?2
             ORDER BY CASE WHEN state = 'refused' AND closed_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM outbox r WHERE r.replaces = o.change_id) THEN 0
                 WHEN state IN ('held', 'ready') THEN 1 WHEN state = 'sent' THEN 2 ELSE 3 END LIMIT 1",
        )?
        .query_row(params![kind.word(), id], |row| row.get(0))
        .optional()?;
    word.map(|word| word.parse().map_err(|e| bad("state", e))).transpose()
}

/// The newest change that can be taken back.
pub fn latest_undoable(conn: &Connection) -> Result<Option<OutboxRow>> {
    let waiting = in_states(&[ChangeState::Held, ChangeState::Ready], " AND attempts = 0");
    let sql = format!("{waiting} ORDER BY id DESC LIMIT 1");
    Ok(collect(conn, &sql, &[])?.into_iter().next())
}

/// How many changes central has acknowledged since then.
pub fn received_since(conn: &Connection, since: Timestamp) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM outbox WHERE acked_at >= ?1 AND state = 'received'")?
        .query_row([since.millis()], |row| row.get(0))?)
}

/// Central refused a change; answers its subject where this desk waits for that word.
pub(crate) fn refuse(
    tx: &Transaction<'_>,
    id: ChangeId,
    refusal: &Refusal,
    message: &str,
    at: Timestamp,
) -> Result<Option<Subject>> {
    // One that was received is refused by a centre that had forgotten it and judged it once more.
    let waits = |row: &OutboxRow| matches!(row.state, ChangeState::Sent | ChangeState::Received);
    let Some(row) = load(tx, id)?.filter(waits) else { return Ok(None) };
    tx.prepare_cached(
        "UPDATE outbox SET state = 'refused', refusal = ?2, message = ?3, acked_at = ?4, will_be_refused = NULL
         WHERE change_id = ?1",
    )?
    .execute(params![id.to_string(), serde_json::to_string(refusal)?, message, at.millis()])?;
    Ok(Some(row.change.subject()))
}

/// A refused change that needs no fix.
pub(crate) fn close(tx: &Transaction<'_>, id: ChangeId, at: Timestamp) -> Result<()> {
    tx.prepare_cached("UPDATE outbox SET closed_at = ?2 WHERE change_id = ?1")?
        .execute(params![id.to_string(), at.millis()])?;
    Ok(())
}

/// Marks a change that no longer folds, or takes the mark away.
pub(crate) fn mark(tx: &Transaction<'_>, id: ChangeId, will_be: Option<&Refusal>) -> Result<()> {
    let json = will_be.map(serde_json::to_string).transpose()?;
    tx.prepare_cached("UPDATE outbox SET will_be_refused = ?2 WHERE change_id = ?1")?
        .execute(params![id.to_string(), json])?;
    Ok(())
}

impl From<aisle_domain::BadId> for MirrorError {
    fn from(error: aisle_domain::BadId) -> Self {
        Self::BadRow { what: "an id".into(), why: error.to_string() }
    }
}

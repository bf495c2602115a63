//! The audit log: what happened, for ever, each entry's hash covering the one before it in its incarnation.

use std::collections::BTreeMap;

use aisle_domain::{ChangeId, Subject, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{error::Result, outbox::ChangeState, row::Columns};

/// An entry of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its number.
    pub id: i64,
    /// When it happened: for acts the desk's clock, for central's acts central's.
    pub at: Timestamp,
    /// A change's type, `central.*`, `change.*`, `withdrawn`, or what became of the desk itself: `desk.*`, `feed.*`.
    pub kind: String,
    /// `order/N`, `item/N` or `store`.
    pub subject: String,
    /// Who.
    pub by: Option<String>,
    /// At which desk.
    pub desk: Option<String>,
    /// The change.
    pub change_id: Option<ChangeId>,
    /// The facts.
    pub text_json: Value,
    /// Where the change is now.
    pub state: Option<ChangeState>,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// What is written to the log.
#[derive(Debug, Clone)]
pub(crate) struct Entry<'a> {
    pub(crate) at: Timestamp,
    pub(crate) kind: &'a str,
    pub(crate) subject: Subject,
    pub(crate) by: Option<&'a str>,
    pub(crate) change_id: Option<ChangeId>,
    /// JSON.
    pub(crate) body: &'a str,
}

/// Appends an entry and its link of the chain.
pub(crate) fn append(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<()> {
    let (incarnation, desk_id, desk): (String, String, String) = tx
        .prepare_cached("SELECT incarnation, desk_id, desk_name FROM identity")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let last: Option<(String, Vec<u8>)> = tx
        .prepare_cached("SELECT incarnation, hash FROM audit_log ORDER BY id DESC LIMIT 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let before = last.filter(|(of, _)| *of == incarnation).map(|(_, hash)| hash);
    let subject = entry.subject.to_string();
    let change_id = entry.change_id.map(|id| id.to_string());
    let desk = entry.by.is_some_and(|by| by != "central").then_some(desk);
    let at = entry.at.millis();
    let hash = link(
        before.as_deref().unwrap_or(desk_id.as_bytes()),
        [
            Some(&incarnation),
            Some(&at.to_string()),
            Some(entry.kind),
            Some(&subject),
            entry.by,
            desk.as_deref(),
            change_id.as_deref(),
            Some(entry.body),
        ],
    );
    tx.prepare_cached(
        "INSERT INTO audit_log (incarnation, at, kind, subject, by, desk, change_id, body, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        incarnation,
        at,
        entry.kind,
        subject,
        entry.by,
        desk,
        change_id,
        entry.body,
        hash.as_slice()
    ])?;
    Ok(())
}

/// SHA-256 over the hash before and the row's columns, each with its length so that none can run into the next.
fn link(before: &[u8], columns: [Option<&str>; 8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    for column in columns {
        let length = column.map_or(-1, |text| i64::try_from(text.len()).unwrap_or(i64::MAX));
        hash.update(length.to_be_bytes());
        hash.update(column.unwrap_or_default().as_bytes());
    }
    hash.finalize().into()
}

/// When a change of this kind was made here to a subject last, and not taken back.
pub fn made_at(conn: &Connection, subject: Subject, kind: &str) -> Result<Option<Timestamp>> {
    let at: Option<i64> = conn
        .prepare_cached(
            "SELECT at FROM audit_log a WHERE subject = ?1 AND kind = ?2
                 AND NOT EXISTS (SELECT 1 FROM audit_log w WHERE w.change_id = a.change_id AND w.kind = 'withdrawn')
             ORDER BY id DESC LIMIT 1",
        )?
        .query_row((subject.to_string(), kind), |row| row.get(0))
        .optional()?;
    Ok(at.map(Timestamp::from_millis))
}

/// Entries of one subject, oldest first; the newest `limit` of them.
pub fn of_subject(conn: &Connection, subject: Subject, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = conn.prepare_cached(
        "SELECT a.id, a.at, a.kind, a.subject, a.by, a.desk, a.change_id, a.body,
             coalesce(o.state, (SELECT substr(r.kind, 8) FROM audit_log r WHERE r.change_id = a.change_id
                 AND r.kind IN ('change.received', 'change.refused') ORDER BY r.id DESC LIMIT 1)) AS state,
             coalesce(o.message, (SELECT r.body ->> '$.message' FROM audit_log r WHERE r.change_id = a.change_id
                 AND r.kind = 'change.refused' ORDER BY r.id DESC LIMIT 1)) AS message
         FROM audit_log a LEFT JOIN outbox o ON o.change_id = a.change_id
         WHERE a.subject = ?1 ORDER BY a.id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![subject.to_string(), i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(entry(row)?);
    }
    found.reverse();
    Ok(found)
}

/// How often each kind of thing stands in the log.
pub fn counts(conn: &Connection) -> Result<BTreeMap<String, i64>> {
    let mut statement = conn.prepare("SELECT kind, count(*) FROM audit_log GROUP BY kind")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

/// Entries of one kind about the desk itself, newest first.
pub fn of_kind(conn: &Connection, kind: &str, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, at, kind, subject, by, desk, change_id, body, NULL AS state, NULL AS message
         FROM audit_log WHERE subject = 'store' AND kind = ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let mut rows = statement.query(params![kind, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(entry(row)?);
    }
    Ok(found)
}

fn entry(row: &Row<'_>) -> Result<AuditEntry> {
    let state = row.word_optional("state", &ChangeState::ALL, ChangeState::word)?;
    Ok(AuditEntry {
        id: row.get("id")?,
        at: row.time("at")?,
        kind: row.get("kind")?,
        subject: row.get("subject")?,
        by: row.get("by")?,
        desk: row.get("desk")?,
        change_id: row.parsed_optional("change_id")?,
        text_json: row.json("body")?,
        state,
        reason: row.get::<_, Option<String>>("message")?.filter(|_| state == Some(ChangeState::Refused)),
    })
}

/// Checks every link; answers how many there are and which are broken.
pub(crate) fn check_chain(conn: &Connection) -> Result<(i64, Vec<String>)> {
    let desk_id: String = conn.query_row("SELECT desk_id FROM identity", [], |row| row.get(0))?;
    let mut statement = conn.prepare(
        "SELECT incarnation, CAST(at AS TEXT), kind, subject, by, desk, change_id, body, id, hash
         FROM audit_log ORDER BY incarnation, id",
    )?;
    let mut rows = statement.query([])?;
    let (mut checked, mut problems) = (0, Vec::new());
    let mut before: Option<(String, Vec<u8>)> = None;
    while let Some(row) = rows.next()? {
        let mut columns: [Option<String>; 8] = Default::default();
        for (index, column) in columns.iter_mut().enumerate() {
            *column = row.get(index)?;
        }
        let incarnation = columns.first().cloned().flatten().unwrap_or_default();
        let start = before.take().filter(|(of, _)| *of == incarnation).map(|(_, hash)| hash);
        let expected =
            link(start.as_deref().unwrap_or(desk_id.as_bytes()), columns.each_ref().map(Option::as_deref));
        let hash: Vec<u8> = row.get("hash")?;
        if hash != expected {
            problems.push(format!("entry {} does not follow from the one before it", row.get::<_, i64>("id")?));
        }
        checked += 1;
        before = Some((incarnation, hash));
    }
    Ok((checked, problems))
}

//! The audit log: what happened, for ever, each entry's hash covering the one before it in its incarnation.

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
    /// A change's type, `central.*`, `change.received`, `change.refused` or `withdrawn`.
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
    pub(crate) body: Value,
}

/// Appends an entry and its link of the chain.
pub(crate) fn append(tx: &Transaction<'_>, entry: &Entry<'_>) -> Result<()> {
    let (incarnation, desk_id, desk): (String, String, String) = tx
        .prepare_cached("SELECT incarnation, desk_id, desk_name FROM identity")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let before: Option<Vec<u8>> = tx
        .prepare_cached("SELECT hash FROM audit_log WHERE incarnation = ?1 ORDER BY id DESC LIMIT 1")?
        .query_row([&incarnation], |row| row.get(0))
        .optional()?;
    let body = entry.body.to_string();
    let subject = entry.subject.to_string();
    let change_id = entry.change_id.map(|id| id.to_string());
    let desk = entry.by.is_some_and(|by| by != "central").then_some(desk);
    let hash = link(
        before.as_deref().unwrap_or(desk_id.as_bytes()),
        &[
            &entry.at.millis().to_string(),
            entry.kind,
            &subject,
            entry.by.unwrap_or_default(),
            change_id.as_deref().unwrap_or_default(),
            &body,
        ],
    );
    tx.prepare_cached(
        "INSERT INTO audit_log (incarnation, at, kind, subject, by, desk, change_id, body, hash)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        incarnation,
        entry.at.millis(),
        entry.kind,
        subject,
        entry.by,
        desk,
        change_id,
        body,
        hash.as_slice()
    ])?;
    Ok(())
}

/// SHA-256 over the hash before and the fields, each ended by a zero byte.
fn link(before: &[u8], fields: &[&str]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(before);
    for field in fields {
        hash.update(field.as_bytes());
        hash.update([0]);
    }
    hash.finalize().into()
}

/// Entries of one subject, oldest first; the newest `limit` of them.
pub fn of_subject(conn: &Connection, subject: Subject, limit: usize) -> Result<Vec<AuditEntry>> {
    let mut statement = conn.prepare_cached(
        "SELECT a.id, a.at, a.kind, a.subject, a.by, a.desk, a.change_id, a.body, o.state, o.message
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
        "SELECT id, incarnation, at, kind, subject, by, change_id, body, hash FROM audit_log ORDER BY incarnation, id",
    )?;
    let mut rows = statement.query([])?;
    let (mut checked, mut problems) = (0, Vec::new());
    let mut before: Option<(String, Vec<u8>)> = None;
    while let Some(row) = rows.next()? {
        let incarnation: String = row.get("incarnation")?;
        let text = |column: &str| -> Result<String> { Ok(row.get::<_, Option<String>>(column)?.unwrap_or_default()) };
        let start = before.take().filter(|(of, _)| *of == incarnation).map(|(_, hash)| hash);
        let expected = link(
            start.as_deref().unwrap_or(desk_id.as_bytes()),
            &[
                &row.get::<_, i64>("at")?.to_string(),
                &text("kind")?,
                &text("subject")?,
                &text("by")?,
                &text("change_id")?,
                &text("body")?,
            ],
        );
        let hash: Vec<u8> = row.get("hash")?;
        if hash != expected {
            problems.push(format!("entry {} does not follow from the one before it", row.get::<_, i64>("id")?));
        }
        checked += 1;
        before = Some((incarnation, hash));
    }
    Ok((checked, problems))
}

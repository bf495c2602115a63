//! The table `audit`: everything that was done to a store's rows, and every change with its outcome.

use aisle_domain::{ChangeId, DeskId, StoreId, Subject, Timestamp};
use rusqlite::params;

use super::{Tx, columns};
use crate::error::CentralError;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditEntry {
    pub(crate) at: Timestamp,
    pub(crate) store: StoreId,
    pub(crate) subject: Subject,
    /// A change's type, or what central did.
    pub(crate) kind: String,
    pub(crate) by: String,
    pub(crate) desk: Option<DeskId>,
    pub(crate) change: Option<ChangeId>,
    pub(crate) acted_at: Option<Timestamp>,
    /// `applied`, `already`, `refused`; `done` for an act of central itself.
    pub(crate) outcome: &'static str,
    /// Of a refusal.
    pub(crate) code: Option<&'static str>,
    /// JSON.
    pub(crate) detail: Option<String>,
}

impl AuditEntry {
    /// An act of central itself.
    pub(crate) fn of_central(store: StoreId, subject: Subject, kind: &str, at: Timestamp) -> Self {
        Self {
            at,
            store,
            subject,
            kind: kind.into(),
            by: "central".into(),
            desk: None,
            change: None,
            acted_at: None,
            outcome: "done",
            code: None,
            detail: None,
        }
    }
}

/// An entry as it is read for a history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AuditRow {
    pub(crate) at: Timestamp,
    pub(crate) kind: String,
    pub(crate) by: String,
    pub(crate) desk: Option<String>,
    pub(crate) change: Option<ChangeId>,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    pub(crate) detail: Option<String>,
}

impl Tx<'_> {
    /// Writes an entry.
    pub(crate) fn audit(&self, entry: &AuditEntry) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT INTO audit (at, store_id, subject, kind, by, desk_id, change_id, acted_at, outcome, code, detail)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                entry.at.millis(),
                entry.store.get(),
                entry.subject.to_string(),
                entry.kind,
                entry.by,
                entry.desk.map(|id| id.to_string()),
                entry.change.map(|id| id.to_string()),
                entry.acted_at.map(Timestamp::millis),
                entry.outcome,
                entry.code,
                entry.detail,
            ])?;
        Ok(())
    }

    /// What happened to a subject, oldest first.
    pub(crate) fn history(&self, store: StoreId, subject: Subject) -> Result<Vec<AuditRow>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT at, kind, by, desk_id, change_id, outcome, code, detail FROM audit
             WHERE store_id = ?1 AND subject = ?2 ORDER BY id",
        )?;
        let rows = statement
            .query_map((store.get(), subject.to_string()), |row| {
                Ok(AuditRow {
                    at: columns::time(row, 0)?,
                    kind: row.get(1)?,
                    by: row.get(2)?,
                    desk: row.get(3)?,
                    change: columns::change_or_none(row, 4)?,
                    outcome: row.get(5)?,
                    code: row.get(6)?,
                    detail: row.get(7)?,
                })
            })?
            .collect::<Result<_, _>>()?;
        Ok(rows)
    }
}

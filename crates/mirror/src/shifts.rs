//! Shifts: when somebody began and ended one, and what they left to whoever came next.

use aisle_domain::{Subject, Timestamp};
use rusqlite::{Connection, Row, params};
use serde_json::{Value, json};

use crate::{
    audit::{self, Entry},
    error::{MirrorError, Result},
    mirror::Mirror,
    row::Columns,
};

/// A shift of this desk.
#[derive(Debug, Clone, PartialEq)]
pub struct Shift {
    /// When it began.
    pub opened_at: Timestamp,
    /// Who began it.
    pub opened_by: String,
    /// When it ended.
    pub closed_at: Option<Timestamp>,
    /// Who ended it.
    pub closed_by: Option<String>,
    /// What they wrote to whoever comes next.
    pub note: Option<String>,
    /// What was open and unsent then, as it was shown.
    pub remaining: Option<Value>,
}

fn read(row: &Row<'_>) -> Result<Shift> {
    Ok(Shift {
        opened_at: row.time("opened_at")?,
        opened_by: row.get("opened_by")?,
        closed_at: row.time_optional("closed_at")?,
        closed_by: row.get("closed_by")?,
        note: row.get("note")?,
        remaining: row.json_optional("remaining")?,
    })
}

fn one(conn: &Connection, sql: &str) -> Result<Option<Shift>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    rows.next()?.map(read).transpose()
}

/// The shift that has begun and not ended.
pub fn open(conn: &Connection) -> Result<Option<Shift>> {
    one(conn, "SELECT * FROM shifts WHERE closed_at IS NULL")
}

/// The one that ended last.
pub fn last(conn: &Connection) -> Result<Option<Shift>> {
    one(conn, "SELECT * FROM shifts WHERE closed_at IS NOT NULL ORDER BY closed_at DESC, shift_id DESC LIMIT 1")
}

impl Mirror {
    /// Begins a shift. Answers false, and changes nothing, where one has begun already.
    pub fn open_shift(&self, by: &str, at: Timestamp) -> Result<bool> {
        self.write(|tx| {
            if open(tx)?.is_some() {
                return Ok(false);
            }
            tx.prepare_cached("INSERT INTO shifts (opened_at, opened_by) VALUES (?1, ?2)")?
                .execute(params![at.millis(), by])?;
            log(tx, "shift.opened", &json!({}), by, at)?;
            Ok(true)
        })
    }

    /// Ends the shift with what is left.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where none has begun.
    pub fn close_shift(&self, note: Option<&str>, remaining: &Value, by: &str, at: Timestamp) -> Result<()> {
        self.write(|tx| {
            let closed = tx
                .prepare_cached(
                    "UPDATE shifts SET closed_at = max(?1, opened_at), closed_by = ?2, note = ?3, remaining = ?4
                     WHERE closed_at IS NULL",
                )?
                .execute(params![at.millis(), by, note, remaining.to_string()])?;
            if closed == 0 {
                return Err(MirrorError::NotFound { what: "shift that has begun".into() });
            }
            log(tx, "shift.closed", &json!({ "note": note, "remaining": remaining }), by, at)
        })
    }
}

fn log(tx: &rusqlite::Transaction<'_>, kind: &str, body: &Value, by: &str, at: Timestamp) -> Result<()> {
    let (by, body) = (Some(by), &body.to_string());
    audit::append(tx, &Entry { at, kind, subject: Subject::Store, by, change_id: None, body })
}

//! The people of this desk: names, roles, and their PINs as hashes.

use aisle_domain::{Role, Subject, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};
use serde_json::json;

use crate::{
    audit::{self, Entry},
    error::{MirrorError, Result},
    mirror::Mirror,
    row::Columns,
};

/// A person who works at this desk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Their number at this desk.
    pub staff_id: i64,
    /// Their name, as it stands in the audit log and at central.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Their PIN's hash, once they have one.
    pub pin: Option<String>,
    /// Wrong PINs since the last right one.
    pub wrong_pins: u32,
    /// When the last of them was tried.
    pub wrong_at: Option<Timestamp>,
    /// When they were signed in last.
    pub last_here: Option<Timestamp>,
}

/// What is done to the list of people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberEdit<'a> {
    /// Somebody new.
    Add {
        /// Their name.
        name: &'a str,
        /// What they are.
        role: Role,
        /// Their PIN's hash.
        pin: Option<&'a str>,
    },
    /// Another name.
    Rename(i64, &'a str),
    /// Another role.
    SetRole(i64, Role),
    /// Another PIN, or the first.
    SetPin(i64, &'a str),
    /// They do not work here any more. What they did stays.
    Disable(i64),
}

fn read(row: &Row<'_>) -> Result<Member> {
    Ok(Member {
        staff_id: row.get("staff_id")?,
        name: row.get("name")?,
        role: row.word("role", &Role::ALL, Role::word)?,
        pin: row.get("pin")?,
        wrong_pins: row.get("wrong_pins")?,
        wrong_at: row.time_optional("wrong_at")?,
        last_here: row.time_optional("last_here")?,
    })
}

/// Everybody who works here, in the order in which they came.
pub fn list(conn: &Connection) -> Result<Vec<Member>> {
    let mut statement = conn.prepare_cached("SELECT * FROM staff WHERE disabled_at IS NULL ORDER BY staff_id")?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        all.push(read(row)?);
    }
    Ok(all)
}

/// One who works here.
pub fn load(conn: &Connection, staff_id: i64) -> Result<Option<Member>> {
    let mut statement = conn.prepare_cached("SELECT * FROM staff WHERE staff_id = ?1 AND disabled_at IS NULL")?;
    let mut rows = statement.query([staff_id])?;
    rows.next()?.map(read).transpose()
}

/// One who works here, by name; upper and lower case are the same.
pub fn by_name(conn: &Connection, name: &str) -> Result<Option<Member>> {
    let mut statement =
        conn.prepare_cached("SELECT * FROM staff WHERE name = ?1 COLLATE NOCASE AND disabled_at IS NULL")?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(read).transpose()
}

/// Another one who works here has the name.
pub fn is_taken(conn: &Connection, name: &str, by_other_than: Option<i64>) -> Result<bool> {
    Ok(by_name(conn, name)?.is_some_and(|member| Some(member.staff_id) != by_other_than))
}

/// Whether somebody else works here as a manager.
pub fn has_other_manager(conn: &Connection, staff_id: i64) -> Result<bool> {
    let found: Option<i64> = conn
        .prepare_cached(
            "SELECT staff_id FROM staff WHERE role = 'manager' AND staff_id <> ?1 AND disabled_at IS NULL LIMIT 1",
        )?
        .query_row([staff_id], |row| row.get(0))
        .optional()?;
    Ok(found.is_some())
}

/// Changes the list. Answers whose row it was.
///
/// # Errors
/// [`MirrorError::NotFound`] for somebody who does not work here.
pub fn edit(tx: &Transaction<'_>, edit: MemberEdit<'_>, by: &str, at: Timestamp) -> Result<i64> {
    let (id, kind, body) = match edit {
        MemberEdit::Add { name, role, pin } => {
            tx.prepare_cached("INSERT INTO staff (name, role, pin) VALUES (?1, ?2, ?3)")?.execute(params![
                name,
                role.word(),
                pin
            ])?;
            (tx.last_insert_rowid(), "staff.added", json!({ "name": name, "role": role.word() }))
        }
        MemberEdit::Rename(id, name) => {
            let before = needed(tx, id)?.name;
            tx.prepare_cached("UPDATE staff SET name = ?2 WHERE staff_id = ?1")?.execute(params![id, name])?;
            (id, "staff.renamed", json!({ "from": before, "to": name }))
        }
        MemberEdit::SetRole(id, role) => {
            let before = needed(tx, id)?;
            tx.prepare_cached("UPDATE staff SET role = ?2 WHERE staff_id = ?1")?
                .execute(params![id, role.word()])?;
            let body = json!({ "name": before.name, "from": before.role.word(), "to": role.word() });
            (id, "staff.role_set", body)
        }
        MemberEdit::SetPin(id, pin) => {
            let name = needed(tx, id)?.name;
            tx.prepare_cached("UPDATE staff SET pin = ?2, wrong_pins = 0, wrong_at = NULL WHERE staff_id = ?1")?
                .execute(params![id, pin])?;
            (id, "staff.pin_set", json!({ "name": name }))
        }
        MemberEdit::Disable(id) => {
            let name = needed(tx, id)?.name;
            tx.prepare_cached("UPDATE staff SET disabled_at = ?2, pin = NULL WHERE staff_id = ?1")?
                .execute(params![id, at.millis()])?;
            (id, "staff.disabled", json!({ "name": name }))
        }
    };
    log(tx, kind, &body, Some(by), at)?;
    Ok(id)
}

fn needed(tx: &Transaction<'_>, staff_id: i64) -> Result<Member> {
    load(tx, staff_id)?.ok_or_else(|| MirrorError::NotFound { what: format!("person {staff_id} at this desk") })
}

fn log(tx: &Transaction<'_>, kind: &str, body: &serde_json::Value, by: Option<&str>, at: Timestamp) -> Result<()> {
    let body = &body.to_string();
    audit::append(tx, &Entry { at, kind, subject: Subject::Store, by, change_id: None, body })
}

const HERE: &str = "UPDATE staff SET last_here = ?2 WHERE staff_id = ?1";

impl Mirror {
    /// Counts a PIN that is about to be tried as a wrong one: whoever ends the program meanwhile gains nothing. Answers how
    /// many there are with it.
    pub fn count_pin(&self, staff_id: i64, at: Timestamp) -> Result<u32> {
        self.write(|tx| {
            Ok(tx
                .prepare_cached(
                    "UPDATE staff SET wrong_pins = wrong_pins + 1, wrong_at = ?2 WHERE staff_id = ?1
                     RETURNING wrong_pins",
                )?
                .query_row(params![staff_id, at.millis()], |row| row.get(0))?)
        })
    }

    /// The PIN was the right one.
    pub fn pin_was_right(&self, staff_id: i64) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached("UPDATE staff SET wrong_pins = 0, wrong_at = NULL WHERE staff_id = ?1")?
                .execute([staff_id])?;
            Ok(())
        })
    }

    /// Somebody is signed in from now on.
    pub fn signed_in(&self, member: &Member, at: Timestamp) -> Result<()> {
        self.write(|tx| {
            tx.prepare_cached(HERE)?.execute(params![member.staff_id, at.millis()])?;
            log(tx, "desk.signed_in", &json!({}), Some(&member.name), at)
        })
    }

    /// The desk is locked from now on: by somebody, or by itself after nobody was there.
    pub fn locked(&self, by: Option<&Member>, at: Timestamp) -> Result<()> {
        self.write(|tx| {
            if let Some(member) = by {
                tx.prepare_cached(HERE)?.execute(params![member.staff_id, at.millis()])?;
            }
            let body = json!({ "by_itself": by.is_none() });
            log(tx, "desk.locked", &body, by.map(|member| member.name.as_str()), at)
        })
    }
}

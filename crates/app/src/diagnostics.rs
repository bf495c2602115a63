//! What support needs to know of a desk: how it, its database and its line are. No secret is in it, no name of a customer or
//! of staff, and nothing of what anybody bought, wrote or paid.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write},
    path::Path,
};

use aisle_domain::Timestamp;
use aisle_mirror::{ChangeState, MirrorError, OutboxRow, anew, audit, feed, outbox, pushes, verify};
use serde_json::{Value, json};

use crate::{
    desk::Desk,
    error::AppError,
    settings::{DeskSettings, SettingsView},
};

/// Rows of each kind that are told, the newest.
const ENTRIES: usize = 50;

impl Desk {
    /// The whole of it as one JSON object: `made_at`, `program`, `status`, `settings`, `database`, `checks`, `pushes`,
    /// `changes`, `parked`, `renumbered`, `audit`.
    ///
    /// # Errors
    /// Where the database cannot be read.
    pub fn diagnostics(&self) -> Result<Value, AppError> {
        let SettingsView { connection, database_bytes, .. } = self.settings()?;
        let own = DeskSettings::load(&self.mirror)?;
        Ok(json!({
            "made_at": self.now(),
            "program": {
                "version": env!("CARGO_PKG_VERSION"), "system": std::env::consts::OS, "machine": std::env::consts::ARCH,
            },
            "status": self.status()?,
            "settings": {
                "brokers": connection.brokers, "topic_prefix": connection.topic_prefix,
                "security": connection.security, "own_authority": connection.ca_file.is_some(),
                "push_interval_s": own.push_interval_s, "push_decisions_at_once": own.push_decisions_at_once,
                "theme": own.theme, "alarm_volume": own.alarm_volume,
            },
            "database": { "bytes": database_bytes, "schema_version": self.mirror.identity().schema_version },
            "checks": self.checks()?,
            "pushes": self.pushes()?,
            "changes": self.open_changes()?,
            "parked": self.parked_ones()?,
            "renumbered": self.renumbered()?,
            "audit": self.mirror.read(audit::counts)?,
        }))
    }

    /// Writes [`Desk::diagnostics`] to a new file, readable, and answers it.
    ///
    /// # Errors
    /// Where the database cannot be read, `file_exists`, or where the file cannot be written: then nothing of it stays.
    pub fn write_diagnostics(&self, file: &Path) -> Result<Value, AppError> {
        let all = self.diagnostics()?;
        let text = serde_json::to_string_pretty(&all).map_err(MirrorError::from)?;
        let cannot = |error: std::io::Error| match error.kind() {
            ErrorKind::AlreadyExists => MirrorError::Exists { file: file.into() },
            _ => MirrorError::Io { what: format!("{} cannot be written", file.display()), error },
        };
        let mut open = OpenOptions::new().write(true).create_new(true).open(file).map_err(cannot)?;
        let written = open.write_all(text.as_bytes()).and_then(|()| open.write_all(b"\n"));
        if let Err(error) = written.and_then(|()| open.sync_all()) {
            drop(std::fs::remove_file(file));
            return Err(cannot(error).into());
        }
        Ok(all)
    }

    fn checks(&self) -> Result<Vec<Value>, AppError> {
        let found = self.mirror.read(|conn| verify::run(conn, false, Some(self.mirror.ranges())))?;
        let told = |check: &verify::Check| {
            let problems: Vec<String> = check.problems.iter().map(|text| without_quotations(text)).collect();
            json!({ "name": check.name, "ok": check.ok, "checked": check.checked, "problems": problems })
        };
        Ok(found.iter().map(told).collect())
    }

    fn pushes(&self) -> Result<Vec<Value>, AppError> {
        let rows = self.mirror.read(|conn| pushes::recent(conn, ENTRIES))?;
        let told = |row: &pushes::PushRow| json!({ "at": row.at, "sent": row.sent, "acked": row.acked, "error": row.error });
        Ok(rows.iter().map(told).collect())
    }

    /// Those without central's word, and those that it refused.
    fn open_changes(&self) -> Result<Vec<Value>, AppError> {
        let states = [ChangeState::Held, ChangeState::Ready, ChangeState::Sent, ChangeState::Refused];
        Ok(self.mirror.read(|conn| outbox::newest(conn, &states, ENTRIES))?.iter().map(change).collect())
    }

    fn parked_ones(&self) -> Result<Vec<Value>, AppError> {
        let rows = self.mirror.read(|conn| feed::parked(conn, ENTRIES))?;
        let told = |row: &aisle_mirror::Parked| {
            json!({
                "topic": row.topic, "partition": row.partition, "offset": row.offset, "key": row.key,
                "why": without_quotations(&row.why), "at": row.at,
            })
        };
        Ok(rows.iter().map(told).collect())
    }

    fn renumbered(&self) -> Result<Vec<Value>, AppError> {
        let rows = self.mirror.read(|conn| anew::recent(conn, ENTRIES))?;
        Ok(rows.iter().map(|row| json!({ "at": row.at, "why": row.why.word() })).collect())
    }
}

/// A change by what it is and where it stands; not what it says.
fn change(row: &OutboxRow) -> Value {
    let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "change_id": row.change_id, "type": row.change.type_word(), "subject": row.change.subject().to_string(),
        "at": row.at, "state": row.state.word(), "incarnation": row.incarnation, "seq": row.seq, "topic": row.topic,
        "partition": row.partition, "offset": row.offset, "sent_at": text(row.sent_at), "attempts": row.attempts,
        "last_attempt_at": text(row.last_attempt_at), "acked_at": text(row.acked_at),
        "refusal": row.refusal.as_ref().map(aisle_domain::Refusal::code), "closed": row.closed,
    })
}

/// What an error quotes may be somebody's name: what stands between quotation marks is left out.
fn without_quotations(text: &str) -> String {
    let is_mark = |c: char| matches!(c, '"' | '`');
    text.split(is_mark).enumerate().map(|(place, part)| if place % 2 == 0 { part } else { "\"..\"" }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_error_quotes_is_left_out_and_the_rest_is_told() {
        let told = without_quotations(r#"line 3: "Mary Miller" is no number, `x` neither"#);
        assert_eq!(told, r#"line 3: ".." is no number, ".." neither"#);
        assert_eq!(without_quotations("nothing is quoted"), "nothing is quoted");
        assert_eq!(without_quotations(r#"an end that never comes: "Mary"#), r#"an end that never comes: "..""#);
    }
}

//! What needs somebody: refused changes, conflicts, parked messages; backups and what is brought back from them.

use std::path::Path;

use aisle_app::{Desk, ItemFields};
use aisle_mirror::{Mirror, feed};
use aisle_sync::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{acts, folder};
use crate::{
    args::{Conflict, Global, Keep, Parked, Restore},
    exit::{self, Failure},
    output::{self, Output},
};

const ENTRIES: usize = 1000;

pub(crate) fn resend(
    desk: &Desk,
    change: &str,
    fields: &[(String, String)],
) -> Result<aisle_app::views::ActReceipt, Failure> {
    let fields: ItemFields = fields.iter().cloned().collect();
    Ok(desk.resend(change.parse()?, &fields)?)
}

pub(crate) fn close(change: &str, global: &Global, output: Output) -> Result<u8, Failure> {
    let receipt = folder::open_to_act(global)?.close_change(change.parse()?)?;
    output.result(&json!({ "change_id": receipt.change_id, "state": "closed", "subject": receipt.subject }))?;
    Ok(exit::OK)
}

pub(crate) fn conflict(command: &Conflict, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Conflict::List => {
            let found = folder::open_to_read(global)?.conflicts()?;
            output.result(&json!({ "items": found, "next": null }))?;
            Ok(exit::OK)
        }
        Conflict::Resolve { id, keep, act } => {
            let keep = match keep {
                Keep::Mine => aisle_app::Keep::Mine,
                Keep::Central => aisle_app::Keep::Central,
            };
            let number = number(id, "conflict")?;
            acts::each(std::slice::from_ref(id), act, global, output, &|desk, _| Ok(desk.resolve(number, keep)?))
        }
    }
}

fn number(text: &str, what: &str) -> Result<i64, Failure> {
    text.parse().map_err(|_| Failure::new("bad_id", format!("\"{text}\" is not the number of a {what}")))
}

pub(crate) fn parked(command: &Parked, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Parked::List => {
            let desk = folder::open_to_read(global)?;
            let rows = desk.mirror().read(|conn| feed::parked(conn, ENTRIES))?;
            let rows: Vec<Value> = rows.iter().map(row).collect();
            output.result(&json!({ "items": rows, "next": null }))?;
        }
        Parked::Show { id } => {
            let found = folder::open_to_read(global)?.parked(number(id, "parked message")?)?;
            let mut shown = row(&found.parked);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let headers: Vec<Value> =
                found.record.headers.iter().map(|(name, value)| json!([name, text(value)])).collect();
            if let Value::Object(fields) = &mut shown {
                fields.insert("lane".into(), json!(found.lane.word()));
                fields.insert("headers".into(), Value::Array(headers));
                fields.insert("value".into(), json!(found.record.value.as_deref().map(text)));
            }
            output.result(&shown)?;
        }
        Parked::Retry { id } => {
            let id = id.as_deref().map(|id| number(id, "parked message")).transpose()?;
            let done = folder::open_to_act(global)?.retry_parked(id)?;
            let failed = done.iter().any(|one| one.why.is_some());
            let rows: Vec<Value> = done
                .iter()
                .map(|one| json!({ "id": one.id.to_string(), "applied": one.why.is_none(), "why": one.why }))
                .collect();
            output.result(&json!({ "items": rows, "next": null }))?;
            return Ok(output::check_code(!failed));
        }
    }
    Ok(exit::OK)
}

fn row(row: &aisle_mirror::Parked) -> Value {
    json!({
        "id": row.id.to_string(), "topic": row.topic, "partition": row.partition, "offset": row.offset, "key": row.key,
        "why": row.why, "at": row.at,
    })
}

pub(crate) fn backup(file: &Path, global: &Global, output: Output) -> Result<u8, Failure> {
    let desk = folder::open_to_read(global)?;
    desk.back_up(file)?;
    let identity = desk.mirror().identity();
    output.result(&json!({
        "file": file.display().to_string(), "store_id": identity.store_id, "incarnation": identity.incarnation,
        "schema_version": identity.schema_version,
    }))?;
    Ok(exit::OK)
}

/// Prints what the file says, so that whoever sends it away has seen it.
pub(crate) fn diagnostics(file: &Path, global: &Global, output: Output) -> Result<u8, Failure> {
    let told = folder::open_to_read(global)?.write_diagnostics(file)?;
    output::document(&told)?;
    output.message(&format!("written to {}; nothing was sent anywhere", file.display()))?;
    Ok(exit::OK)
}

pub(crate) fn restore(command: &Restore, global: &Global, output: Output) -> Result<u8, Failure> {
    let dir = folder::path(global)?;
    let question = format!(
        "Put {} in the place of the desk in {}? Its database is kept in the folder copies.",
        command.file.display(),
        dir.display()
    );
    output.confirm(&question, command.yes, global)?;
    let now = SystemClock::default().now();
    let done = Mirror::restore(&dir, &command.file, aisle_sync::system_chance().incarnation(), now)?;
    output.result(&json!({
        "incarnation": done.incarnation, "outbox_kept": done.outbox_kept,
        "replaced": done.replaced.as_ref().map(|file| file.display().to_string()),
        "replaced_is_damaged": done.replaced_is_damaged,
    }))?;
    if let Some(file) = done.replaced.filter(|_| done.replaced_is_damaged) {
        output.message(&format!(
            "the replaced database is damaged: changes that were only in it are not here; it is kept as {}",
            file.display()
        ))?;
    }
    Ok(exit::OK)
}

//! Reads and checks of the desk's own database.

use aisle_domain::{Subject, digest::DigestView};
use aisle_mirror::{audit, digest as rows_digest, feed, verify as checks};
use serde_json::json;

use super::folder;
use crate::{
    args::{Audit, Config, Global},
    exit::{self, Failure},
    output::{Output, check_code},
};

const ENTRIES: usize = 1000;

pub(crate) fn status(global: &Global, output: Output) -> Result<u8, Failure> {
    output.result(&folder::open_to_read(global)?.status()?)?;
    Ok(exit::OK)
}

pub(crate) fn audit(command: &Audit, global: &Global, output: Output) -> Result<u8, Failure> {
    let Audit::List { subject } = command;
    let desk = folder::open_to_read(global)?;
    let subject = parse_subject(subject)?;
    let rows: Vec<_> = desk
        .mirror()
        .read(|conn| audit::of_subject(conn, subject, ENTRIES))?
        .into_iter()
        .map(|entry| {
            json!({
                "id": entry.id.to_string(), "at": entry.at, "kind": entry.kind, "subject": entry.subject,
                "by": entry.by, "desk": entry.desk, "change_id": entry.change_id, "body": entry.text_json,
                "state": entry.state.map(aisle_mirror::ChangeState::word), "reason": entry.reason,
            })
        })
        .collect();
    output.result(&json!({ "items": rows, "next": null }))?;
    Ok(exit::OK)
}

fn parse_subject(text: &str) -> Result<Subject, Failure> {
    match text.split_once('/') {
        Some(("order", id)) => Ok(Subject::Order(id.parse()?)),
        Some(("item", id)) => Ok(Subject::Item(id.parse()?)),
        None if text == "store" => Ok(Subject::Store),
        _ => Err(Failure::new("bad_value", format!("\"{text}\" is not order/N, item/N or store"))),
    }
}

pub(crate) fn verify(deep: bool, global: &Global, output: Output) -> Result<u8, Failure> {
    let desk = folder::open_to_read(global)?;
    let mirror = desk.mirror();
    let found = mirror.read(|conn| checks::run(conn, deep, Some(mirror.ranges())))?;
    let ok = found.iter().all(|check| check.ok);
    let rows: Vec<_> = found
        .iter()
        .map(|c| json!({ "name": c.name, "ok": c.ok, "checked": c.checked, "problems": c.problems }))
        .collect();
    output.result(&json!({ "ok": ok, "checks": rows }))?;
    Ok(check_code(ok))
}

pub(crate) fn digest(global: &Global, output: Output) -> Result<u8, Failure> {
    let desk = folder::open_to_read(global)?;
    let (epoch, (orders, items)) =
        desk.mirror().read(|conn| Ok((feed::epoch(conn)?, rows_digest::rows(conn)?)))?;
    output.result(&json!({
        "epoch": epoch,
        "tables": { "orders": DigestView::from(orders), "items": DigestView::from(items) },
    }))?;
    Ok(exit::OK)
}

pub(crate) fn config(command: &Config, global: &Global, output: Output) -> Result<u8, Failure> {
    match command {
        Config::Get => output.result(&folder::open_to_read(global)?.settings()?)?,
        Config::Set { key, value } => output.result(&folder::open_to_act(global)?.set_setting(key, value)?)?,
    }
    Ok(exit::OK)
}

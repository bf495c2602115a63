//! Central's history, as each lane mirrors it, and what becomes of changes that another history does not know.

use aisle_contract::{DeskAck, KnownNumbering};
use aisle_domain::{ChangeId, Epoch, Lane, Subject, Timestamp};
use rusqlite::{Connection, Transaction};
use serde_json::json;

use crate::{
    anew::{self, Anew},
    audit::{self, Entry},
    conflicts,
    error::Result,
    outbox, settings,
};

const SETTLED: &str = "epoch.settled";
/// The heartbeats that asked the history that is not settled.
const ASKED: &str = "epoch.asked";
/// Of those the last ones. Each is answered or lost before so many more are sent.
const MOST_ASKED: usize = 16;

const fn key(lane: Lane) -> &'static str {
    match lane {
        Lane::Orders => "epoch",
        Lane::Catalog => "epoch.catalog",
    }
}

fn read(conn: &Connection, key: &str) -> Result<Option<Epoch>> {
    Ok(settings::get(conn, key)?.and_then(|text| text.parse().ok()))
}

/// The history that a lane mirrors, once a message has named it.
pub(crate) fn of_lane(conn: &Connection, lane: Lane) -> Result<Option<Epoch>> {
    read(conn, key(lane))
}

/// The history that knows this desk's changes, or is known not to: central is told of it until it has answered for
/// another one.
pub fn settled(conn: &Connection) -> Result<Option<Epoch>> {
    Ok(match read(conn, SETTLED)? {
        Some(epoch) => Some(epoch),
        None => of_lane(conn, Lane::Orders)?,
    })
}

/// Whether central has another history and has not told yet which changes it knows.
pub fn is_unsettled(conn: &Connection) -> Result<bool> {
    Ok(settled(conn)? != of_lane(conn, Lane::Orders)?)
}

/// A lane mirrors this history from now on. Whether it is another one than before, which is to be asked what it knows.
pub(super) fn set(tx: &Transaction<'_>, lane: Lane, epoch: Epoch) -> Result<bool> {
    let is_new = of_lane(tx, lane)? != Some(epoch);
    if lane == Lane::Orders && is_new {
        let settled = settled(tx)?.unwrap_or(epoch);
        settings::set(tx, SETTLED, &settled.to_string())?;
        settings::remove(tx, ASKED)?;
    }
    settings::set(tx, key(lane), &epoch.to_string())?;
    Ok(lane == Lane::Orders && is_new && is_unsettled(tx)?)
}

/// Notes the heartbeat that is about to ask central's history what it knows.
///
/// # Errors
/// Where the database cannot be written.
pub fn ask(tx: &Transaction<'_>, heartbeat: ChangeId) -> Result<()> {
    let mut asked = asked(tx)?;
    asked.push(heartbeat);
    let kept = asked.split_off(asked.len().saturating_sub(MOST_ASKED));
    settings::set(tx, ASKED, &serde_json::to_string(&kept)?)
}

fn asked(conn: &Connection) -> Result<Vec<ChangeId>> {
    Ok(settings::get(conn, ASKED)?.map(|json| serde_json::from_str(&json)).transpose()?.unwrap_or_default())
}

/// Whether an ack answers a heartbeat that asked this history. One that was sent before lies in the log among the changes
/// that a restored centre reads once more: its answer says nothing of those behind it.
pub(super) fn is_answer(conn: &Connection, ack: &DeskAck) -> Result<bool> {
    let asked = asked(conn)?;
    Ok(ack.heartbeat.is_some_and(|heartbeat| asked.contains(&heartbeat)))
}

/// Central has told what it knows of this desk: what it had acknowledged and does not know now is sent again, in the
/// order of acting, under new numbers. Changes that it had not acknowledged count as never sent.
pub(super) fn settle(tx: &Transaction<'_>, ack: &DeskAck, at: Timestamp) -> Result<Vec<Subject>> {
    let own = KnownNumbering { incarnation: ack.incarnation, lane: ack.lane, expected: ack.expected };
    let known = ack.numberings.clone().unwrap_or_else(|| vec![own]);
    if ack.numberings.is_some() {
        take_refusals_back(tx, ack, &known, at)?;
    }
    let unknown = outbox::unknown_to(tx, &known)?;
    let subjects = outbox::take_back(tx, &unknown)?;
    outbox::forget_reports(tx)?;
    let epoch = of_lane(tx, Lane::Orders)?;
    if !unknown.is_empty() {
        anew::want(tx, Anew::Epoch, json!({ "epoch": epoch, "sent_again": unknown.len() }), at)?;
    }
    if let Some(epoch) = epoch {
        settings::set(tx, SETTLED, &epoch.to_string())?;
    }
    settings::remove(tx, ASKED)?;
    let body = &json!({ "epoch": epoch, "sent_again": unknown.len() }).to_string();
    let entry =
        Entry { at, kind: "feed.epoch", subject: Subject::Store, by: Some("central"), change_id: None, body };
    audit::append(tx, &entry)?;
    Ok(subjects)
}

/// What the history before refused, and this one has taken.
fn take_refusals_back(tx: &Transaction<'_>, ack: &DeskAck, known: &[KnownNumbering], at: Timestamp) -> Result<()> {
    let body = &json!({ "expected": ack.expected, "position": ack.position }).to_string();
    for kept in outbox::taken_after_all(tx, known, &ack.refused)? {
        // By central's clock: how long it is kept counts from it, and this computer's may be years off.
        outbox::receive(tx, kept.change_id, ack.central_time)?;
        conflicts::close_of(tx, kept.change_id, at)?;
        let change_id = Some(kept.change_id);
        let entry =
            Entry { at, kind: "change.received", subject: kept.subject, by: Some("central"), change_id, body };
        audit::append(tx, &entry)?;
    }
    Ok(())
}

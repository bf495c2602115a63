//! What is noted of the records of a feed while it is mirrored anew.

use aisle_contract::{DeskAck, DigestMessage};
use aisle_domain::{Epoch, Item, ItemId, Lane, Order, OrderId, Store, Subject, Timestamp, digest::RowDigest};
use rusqlite::{OptionalExtension, Transaction, params};
use serde::{Serialize, de::DeserializeOwned};

use super::{Phase, Remirror};
use crate::{
    bases::{self, Base},
    error::Result,
    feed::{FeedApplied, central, plan::Meaning},
    items, orders,
    outbox::key,
    store,
};

/// Takes one record: notes it, and applies it where what it says can be shown at once.
pub(crate) fn take(
    tx: &Transaction<'_>,
    state: &mut Remirror,
    (offset, epoch): (i64, Option<Epoch>),
    meaning: &Meaning<'_>,
    at: Timestamp,
) -> Result<FeedApplied> {
    let lane = state.lane;
    let reading = state.phase == Phase::Reading;
    if reading {
        follow_epoch(tx, state, epoch)?;
    }
    // Words of a history that is over say nothing of what this one knows.
    let is_heard = !reading || epoch == crate::feed::epoch_of_lane(tx, lane)?;
    if let Meaning::Order(row) = meaning
        && !reading
    {
        orders::claim_numbers(tx, row)?;
    }
    let shown_later = reading && !matches!(meaning, Meaning::Digest(_));
    let applied = match meaning {
        Meaning::Ack(_) | Meaning::Refused(_) if !is_heard => FeedApplied::default(),
        Meaning::Ack(ack) if reading && is_older(tx, ack)? => FeedApplied::default(),
        Meaning::Ack(_) | Meaning::Refused(_) => central::apply(tx, lane, offset, meaning, at)?,
        _ if shown_later => FeedApplied::default(),
        _ => central::apply(tx, lane, offset, meaning, at)?,
    };
    match meaning {
        Meaning::Order(row) => note(tx, state, Subject::Order(row.order_id), row.version, *row)?,
        Meaning::Item(row) => note(tx, state, Subject::Item(row.item_id), row.version, *row)?,
        Meaning::Store(row) => note(tx, state, Subject::Store, row.version, *row)?,
        Meaning::OrderGone(id) => forget(tx, state, Subject::Order(*id))?,
        Meaning::ItemGone(id) => forget(tx, state, Subject::Item(*id))?,
        Meaning::Digest(digest) => compare(state, digest),
        Meaning::Ack(_)
        | Meaning::Refused(_)
        | Meaning::Nothing
        | Meaning::Known
        | Meaning::Park(_)
        | Meaning::Stray(_) => {}
    }
    Ok(applied)
}

/// An ack that was read before, or one before it.
fn is_older(tx: &Transaction<'_>, ack: &DeskAck) -> Result<bool> {
    let last = crate::feed::last_ack(tx, ack.lane)?;
    Ok(last.is_some_and(|last| last.incarnation == ack.incarnation && last.central_time > ack.central_time))
}

/// A later history tells all its rows again: what an earlier one had is void.
fn follow_epoch(tx: &Transaction<'_>, state: &mut Remirror, epoch: Option<Epoch>) -> Result<()> {
    if epoch.is_none() || state.epoch == epoch {
        return Ok(());
    }
    if state.epoch.is_some() {
        tx.prepare_cached("DELETE FROM seen WHERE lane = ?1")?.execute([state.lane.word()])?;
        state.rows = RowDigest::default();
        state.unread = 0;
    }
    state.epoch = epoch;
    state.agreed = false;
    Ok(())
}

/// Whether what was seen so far is all that central had when it said this. What is missing may be what could not be read;
/// not all of that need be rows of central's.
fn compare(state: &mut Remirror, digest: &DigestMessage) {
    let seen: aisle_domain::digest::DigestView = state.rows.into();
    let same = match digest.rows.count.checked_sub(seen.count) {
        Some(0) => seen.sum == digest.rows.sum,
        Some(missing) => missing <= state.unread.unsigned_abs(),
        None => false,
    };
    state.agreed |= same;
}

/// A row as a lane's tables have it, without this desk's own changes.
pub(super) trait Mirrored: Sized + PartialEq + Serialize + DeserializeOwned {
    fn shown(tx: &Transaction<'_>, subject: Subject) -> Result<Option<Self>>;
}

impl Mirrored for Order {
    fn shown(tx: &Transaction<'_>, subject: Subject) -> Result<Option<Self>> {
        let Subject::Order(id) = subject else { return Ok(None) };
        orders::load(tx, id)
    }
}

impl Mirrored for Item {
    fn shown(tx: &Transaction<'_>, subject: Subject) -> Result<Option<Self>> {
        let Subject::Item(id) = subject else { return Ok(None) };
        items::load(tx, id)
    }
}

impl Mirrored for Store {
    fn shown(tx: &Transaction<'_>, _: Subject) -> Result<Option<Self>> {
        store::load(tx)
    }
}

/// Central's row as it is mirrored now.
pub(super) fn base<T: Mirrored>(tx: &Transaction<'_>, subject: Subject) -> Result<Option<T>> {
    let (kind, id) = key(subject);
    match bases::load::<T>(tx, kind, id)? {
        Some(Base(base)) => Ok(base),
        None => T::shown(tx, subject),
    }
}

/// Notes the version of a row, and the row itself where the mirror has another one.
fn note<T: Mirrored>(
    tx: &Transaction<'_>,
    state: &mut Remirror,
    subject: Subject,
    version: i64,
    row: &T,
) -> Result<()> {
    let differs = base::<T>(tx, subject)?.as_ref() != Some(row);
    let json = differs.then(|| serde_json::to_string(row)).transpose()?;
    write(tx, state, subject, Some(version), json.as_deref())
}

/// The row that a record's key names, where central can have one under it.
pub(crate) fn row_of_key(lane: Lane, key: &str) -> Option<Subject> {
    let (kind, id) = key.split_once('/')?;
    let id = id.parse().ok()?;
    match (lane, kind) {
        (Lane::Orders, "order") => OrderId::new(id).ok().map(Subject::Order),
        (Lane::Catalog, "item") => ItemId::new(id).ok().map(Subject::Item),
        _ => None,
    }
}

/// Notes a row that is there and cannot be read.
pub(crate) fn note_unreadable(tx: &Transaction<'_>, state: &mut Remirror, key: Option<&str>) -> Result<()> {
    match key.and_then(|key| row_of_key(state.lane, key)) {
        Some(subject) => write(tx, state, subject, None, None),
        None => Ok(()),
    }
}

fn write(
    tx: &Transaction<'_>,
    state: &mut Remirror,
    subject: Subject,
    version: Option<i64>,
    json: Option<&str>,
) -> Result<()> {
    let (_, id) = key(subject);
    uncount(tx, state, subject)?;
    tx.prepare_cached("INSERT OR REPLACE INTO seen (lane, id, version, row) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![state.lane.word(), id, version, json])?;
    match version {
        _ if subject == Subject::Store => {}
        Some(version) => state.rows.add(subject, version),
        None => state.unread += 1,
    }
    Ok(())
}

/// Central does not have the row any more.
fn forget(tx: &Transaction<'_>, state: &mut Remirror, subject: Subject) -> Result<()> {
    let (_, id) = key(subject);
    uncount(tx, state, subject)?;
    tx.prepare_cached("DELETE FROM seen WHERE lane = ?1 AND id = ?2")?.execute(params![state.lane.word(), id])?;
    Ok(())
}

fn uncount(tx: &Transaction<'_>, state: &mut Remirror, subject: Subject) -> Result<()> {
    let (_, id) = key(subject);
    let before: Option<Option<i64>> = tx
        .prepare_cached("SELECT version FROM seen WHERE lane = ?1 AND id = ?2")?
        .query_row(params![state.lane.word(), id], |row| row.get(0))
        .optional()?;
    match before {
        _ if subject == Subject::Store => {}
        Some(Some(version)) => state.rows.remove(subject, version),
        Some(None) => state.unread -= 1,
        None => {}
    }
    Ok(())
}

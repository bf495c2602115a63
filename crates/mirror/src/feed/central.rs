//! One message of central's, applied to base, shown row and outbox.

use aisle_contract::{ChangeRefused, DeskAck};
use aisle_domain::{
    ChangeId, Item, ItemId, Lane, Order, OrderId, OrderStatus, Reasons, Refusal, Store, Subject, Timestamp,
};
use rusqlite::Transaction;
use serde_json::json;

use super::{FeedApplied, plan::Meaning};
use crate::{
    alarms, anew,
    audit::{self, Entry},
    bases::{self, Base, Kind},
    conflicts, digest,
    error::Result,
    items, orders, outbox,
    prices::PriceSource,
    refold, store,
};

pub(crate) fn apply(
    tx: &Transaction<'_>,
    lane: Lane,
    offset: i64,
    meaning: &Meaning<'_>,
    at: Timestamp,
) -> Result<FeedApplied> {
    let mut applied = FeedApplied::default();
    match meaning {
        Meaning::Known | Meaning::Park(_) | Meaning::Stray(_) | Meaning::Nothing => Ok(()),
        Meaning::Order(row) => order(tx, row, false, at, &mut applied),
        Meaning::Item(row) => item(tx, row, false, at, &mut applied),
        Meaning::Store(row) => the_store(tx, row, false, at, &mut applied),
        Meaning::Refused(refused) => refusal(tx, refused, at, &mut applied),
        Meaning::Ack(ack) => acknowledge(tx, ack, at, &mut applied),
        Meaning::Digest(digest) => digest::remember(tx, lane, offset, &digest.rows, at),
        Meaning::OrderGone(id) => gone_order(tx, *id, at, &mut applied),
        Meaning::ItemGone(id) => gone_item(tx, *id, at, &mut applied),
    }?;
    Ok(applied)
}

const fn central(at: Timestamp) -> PriceSource<'static> {
    PriceSource { by: Some("central"), source: "central", at }
}

pub(crate) fn fold(
    tx: &Transaction<'_>,
    subject: Subject,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let newly = refold::refold(tx, subject, central(at))?;
    note(subject, newly, applied);
    Ok(())
}

/// Folds a subject again after central's word on changes to it. A row that no table takes as it would be shown then does not
/// keep the word from being heard: without it the next one would acknowledge what was refused. The row itself differs from
/// central's digest from then on, which mirrors it anew.
pub(crate) fn fold_after(
    tx: &Transaction<'_>,
    subject: Subject,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let folded = super::whole(tx, |tx| {
        let mut one = FeedApplied::default();
        fold(tx, subject, at, &mut one)?;
        Ok(one)
    })?;
    match folded {
        Ok(one) => applied.merge(one),
        Err(why) => tracing::warn!(%subject, why, "a row could not be shown after central's word on its changes"),
    }
    Ok(())
}

/// Notes that a subject was folded again, and what no longer folds since now.
fn note(subject: Subject, newly: Vec<ChangeId>, applied: &mut FeedApplied) {
    applied.outbox |= !newly.is_empty();
    applied.will_be_refused.extend(newly);
    match subject {
        Subject::Order(id) => applied.orders.push(id),
        Subject::Item(id) => applied.items.push(id),
        Subject::Store => applied.store = true,
    }
}

/// Whether a row takes the place of the one before: by its version, or `as_it_is` where it is known to be central's.
fn is_news<T: PartialEq>(before: Option<&T>, row: &T, version: impl Fn(&T) -> i64, as_it_is: bool) -> bool {
    before.is_none_or(|before| if as_it_is { before != row } else { version(row) > version(before) })
}

pub(crate) fn order(
    tx: &Transaction<'_>,
    row: &Order,
    as_it_is: bool,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let id = row.order_id;
    let shown = orders::load(tx, id)?;
    let kept = bases::load::<Order>(tx, Kind::Order, id.get())?;
    let before = kept.as_ref().map_or(shown.as_ref(), |Base(base)| base.as_ref());
    if !is_news(before, row, |row| row.version, as_it_is) {
        return Ok(());
    }
    record(tx, before, row, at)?;
    if kept.is_some() {
        bases::store(tx, Kind::Order, id.get(), Some((row, row.version)))?;
        let newly = refold::show_order(tx, id, shown.as_ref(), Some(row))?;
        note(Subject::Order(id), newly, applied);
    } else {
        orders::write(tx, row, shown.as_ref())?;
        applied.orders.push(id);
    }
    alarm(tx, before, row, at, applied)
}

/// Rings for an order that is new here, or that central ended under the hands of whoever picks it.
fn alarm(
    tx: &Transaction<'_>,
    before: Option<&Order>,
    row: &Order,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let id = row.order_id;
    if row.status != OrderStatus::New {
        alarms::settle(tx, id, row.status)?;
    } else if before.is_none() {
        alarms::raise(tx, id, "new", at)?;
        applied.new_orders.push(id);
    }
    let was_open = before.is_some_and(|b| b.status.is_open());
    if was_open && row.is_ended_by_central() && row.reason.as_deref() != Some(Reasons::MISSED) {
        alarms::raise(tx, id, "cancelled", at)?;
        applied.cancelled.push(id);
    }
    Ok(())
}

/// Writes what central did to the audit log, each thing once: it is told by the difference of its two rows.
fn record(tx: &Transaction<'_>, before: Option<&Order>, row: &Order, at: Timestamp) -> Result<()> {
    let subject = Subject::Order(row.order_id);
    let log = |at: Timestamp, kind: &str, body: serde_json::Value| {
        let body = &body.to_string();
        audit::append(tx, &Entry { at, kind, subject, by: Some("central"), change_id: None, body })
    };
    if before.is_none() {
        log(row.queued_time, "central.queued", json!({ "creation_time": row.creation_time }))?;
    }
    if let Some(range) = row.range.as_ref().filter(|range| before.and_then(|b| b.range.as_ref()) != Some(*range)) {
        log(range.set_at, "central.range", json!(range))?;
    }
    let known = |id| before.is_some_and(|b| b.payments.iter().any(|p| p.payment_id == id));
    for payment in row.payments.iter().filter(|p| !known(p.payment_id)) {
        let body = json!({ "payment_id": payment.payment_id, "amount": payment.amount });
        log(payment.made_at, "central.payment", body)?;
    }
    let known = |id| before.is_some_and(|b| b.receipts.iter().any(|r| r.transaction_id == id));
    for receipt in row.receipts.iter().filter(|r| !known(r.transaction_id)) {
        log(at, "central.receipt", json!({ "transaction_id": receipt.transaction_id, "amount": receipt.amount }))?;
    }
    let status_changed = before.is_none_or(|b| b.status != row.status);
    if status_changed && row.is_ended_by_central() {
        let kind =
            if row.reason.as_deref() == Some(Reasons::MISSED) { "central.missed" } else { "central.cancelled" };
        log(row.decided_at.unwrap_or(at), kind, json!({ "reason": row.reason }))?;
    } else if status_changed && row.status == OrderStatus::Confirmed {
        let body = json!({ "decision": row.decision, "decided_by": row.decided_by, "reason": row.reason });
        log(at, "central.confirmed", body)?;
    }
    Ok(())
}

pub(crate) fn item(
    tx: &Transaction<'_>,
    row: &Item,
    as_it_is: bool,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let id = row.item_id;
    let shown = items::load(tx, id)?;
    if let Some(Base(base)) = bases::load::<Item>(tx, Kind::Item, id.get())? {
        if !is_news(base.as_ref(), row, |row| row.version, as_it_is) {
            return Ok(());
        }
        bases::store(tx, Kind::Item, id.get(), Some((row, row.version)))?;
        let newly = refold::show_item(tx, id, shown.as_ref(), Some(row), central(at))?;
        note(Subject::Item(id), newly, applied);
        Ok(())
    } else {
        if !is_news(shown.as_ref(), row, |row| row.version, as_it_is) {
            return Ok(());
        }
        refold::write_item(tx, shown.as_ref(), Some(row), id, central(at))?;
        applied.items.push(id);
        Ok(())
    }
}

pub(crate) fn the_store(
    tx: &Transaction<'_>,
    row: &Store,
    as_it_is: bool,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    let shown = store::load(tx)?;
    let kept = bases::load::<Store>(tx, Kind::Store, 0)?;
    let before = kept.as_ref().map_or(shown.as_ref(), |Base(base)| base.as_ref());
    if !is_news(before, row, |row| row.version, as_it_is) {
        return Ok(());
    }
    let rules = refold::rules(tx)?;
    if kept.is_some() {
        bases::store(tx, Kind::Store, 0, Some((row, row.version)))?;
        fold(tx, Subject::Store, at, applied)?;
    } else {
        store::write(tx, row)?;
        applied.store = true;
    }
    if rules != refold::rules(tx)? {
        // Changes fold by the store's rules: what waits is judged by the new ones.
        for subject in bases::subjects(tx)? {
            fold(tx, subject, at, applied)?;
        }
    }
    Ok(())
}

/// A word that was said before the last one and came behind it: of a worker that stood still until it was replaced. A
/// centre that went back has read less, and says so later.
fn is_overtaken(tx: &Transaction<'_>, ack: &DeskAck) -> Result<bool> {
    let Some(last) = super::last_ack(tx, ack.lane)? else { return Ok(false) };
    let (of, after) = (&last.position, &ack.position);
    let is_of_one_log = (of.cluster == after.cluster) && (of.partition == after.partition);
    let is_of_one_numbering = last.incarnation == ack.incarnation;
    Ok(is_of_one_numbering && is_of_one_log && after.offset < of.offset && ack.central_time < last.central_time)
}

fn acknowledge(tx: &Transaction<'_>, ack: &DeskAck, at: Timestamp, applied: &mut FeedApplied) -> Result<()> {
    if is_overtaken(tx, ack)? {
        return Ok(());
    }
    applied.acks.push(ack.clone());
    // What was said of numbers that are given up says nothing of the changes that have them here.
    if anew::wanted(tx)?.is_some() {
        return Ok(());
    }
    if let Some((why, facts)) = anew::objection(tx, ack)? {
        applied.anew = anew::want(tx, why, facts, at)?;
        return Ok(());
    }
    super::remember_ack(tx, ack)?;
    outbox::forget_dropped(tx, ack)?;
    let covered = outbox::acknowledge(tx, ack.lane, ack.incarnation, ack.expected, (at, ack.central_time))?;
    let body = &json!({ "expected": ack.expected, "position": ack.position }).to_string();
    for (change_id, subject) in covered {
        let entry =
            Entry { at, kind: "change.received", subject, by: Some("central"), change_id: Some(change_id), body };
        audit::append(tx, &entry)?;
        fold_after(tx, subject, at, applied)?;
        applied.received += 1;
        applied.outbox = true;
    }
    Ok(())
}

fn refusal(tx: &Transaction<'_>, refused: &ChangeRefused, at: Timestamp, applied: &mut FeedApplied) -> Result<()> {
    let change_id = refused.change_id;
    let Some(subject) = outbox::refuse(tx, change_id, &refused.refusal, &refused.message, at)? else {
        return Ok(());
    };
    let body = &json!({ "refusal": refused.refusal, "message": refused.message }).to_string();
    let entry =
        Entry { at, kind: "change.refused", subject, by: Some("central"), change_id: Some(change_id), body };
    audit::append(tx, &entry)?;
    if let (Refusal::BothChanged { fields }, Subject::Item(item)) = (&refused.refusal, subject) {
        conflicts::open(tx, item, fields, change_id, at)?;
    }
    fold_after(tx, subject, at, applied)?;
    applied.refused.push(change_id);
    applied.outbox = true;
    Ok(())
}

pub(crate) fn gone_order(
    tx: &Transaction<'_>,
    id: OrderId,
    at: Timestamp,
    applied: &mut FeedApplied,
) -> Result<()> {
    if outbox::unacknowledged(tx, Subject::Order(id))?.is_empty() {
        orders::remove(tx, id)?;
        bases::remove(tx, Kind::Order, id.get())?;
        applied.orders.push(id);
        return Ok(());
    }
    bases::store::<Order>(tx, Kind::Order, id.get(), None)?;
    fold(tx, Subject::Order(id), at, applied)
}

pub(crate) fn gone_item(tx: &Transaction<'_>, id: ItemId, at: Timestamp, applied: &mut FeedApplied) -> Result<()> {
    if outbox::unacknowledged(tx, Subject::Item(id))?.is_empty() {
        items::remove(tx, id)?;
        bases::remove(tx, Kind::Item, id.get())?;
        applied.items.push(id);
        return Ok(());
    }
    bases::store::<Item>(tx, Kind::Item, id.get(), None)?;
    fold(tx, Subject::Item(id), at, applied)
}

//! What a change does at central: the domain's own functions over central's rows.

use aisle_contract::{ChangeEnvelope, MAX_VALUE_BYTES};
use aisle_domain::{Change, Context, Item, OrderStatus, Outcome, Refusal, Subject, decide, fold, item::ChangedBy};

use super::rows::Rows;
use crate::{error::CentralError, ledger::OutcomeWord};

/// A change larger than this is looked at for the size of the row it makes.
const LARGE_BYTES: usize = 10_000;

type Verdict = Result<OutcomeWord, Refusal>;

/// Decides a change, of so many bytes in its record, and writes what it does into `rows`.
pub(super) fn decide(
    rows: &mut Rows<'_, '_>,
    envelope: &ChangeEnvelope,
    (change, bytes): (&Change, usize),
) -> Result<Verdict, CentralError> {
    let is_large = bytes + envelope.staff.len() > LARGE_BYTES;
    match change.subject() {
        Subject::Order(_) => decide_order(rows, envelope, (change, is_large)),
        Subject::Item(_) => decide_item(rows, envelope, (change, is_large)),
        Subject::Store => decide_store(rows, envelope, change),
    }
}

fn decide_order(
    rows: &mut Rows<'_, '_>,
    envelope: &ChangeEnvelope,
    (change, is_large): (&Change, bool),
) -> Result<Verdict, CentralError> {
    let Subject::Order(number) = change.subject() else { return Ok(Err(not_of("an order", change))) };
    let store = rows.known_store(envelope.store)?;
    let names_range = matches!(
        change,
        Change::PaymentApproved(c) if c.range_version.is_some()
    ) || matches!(change, Change::PaymentDeclined(c) if c.range_version.is_some());
    let superseded = if names_range { rows.superseded_ranges(envelope.store, number)? } else { Vec::new() };
    let Some(order) = rows.order(envelope.store, number)? else {
        return Ok(Err(Refusal::NotFound { what: format!("order {number}") }));
    };
    let context = Context {
        policies: &store.policies,
        reasons: &store.reasons,
        superseded: &superseded,
        by: &envelope.staff,
        at: envelope.acted_at,
    };
    let before = is_large.then(|| order.clone());
    let verdict = match decide::apply(order, change, &context) {
        Ok(Outcome::Applied) => {
            // Only a decision: a note on an order that the customer cancelled does not confirm it.
            if change.is_decision() && matches!(order.status, OrderStatus::Approved | OrderStatus::Rejected) {
                order.confirm().map_err(Refusal::from)?;
            }
            Ok(OutcomeWord::Applied)
        }
        Ok(Outcome::Already { .. }) => Ok(OutcomeWord::Already),
        Err(refusal) => Err(refusal),
    };
    match before {
        Some(before) if serde_json::to_string(order)?.len() > MAX_VALUE_BYTES => {
            *order = before;
            Ok(Err(too_large()))
        }
        _ => Ok(verdict),
    }
}

fn decide_item(
    rows: &mut Rows<'_, '_>,
    envelope: &ChangeEnvelope,
    (change, is_large): (&Change, bool),
) -> Result<Verdict, CentralError> {
    let Subject::Item(number) = change.subject() else { return Ok(Err(not_of("an item", change))) };
    if let Change::ItemCreated(created) = change
        && let Some(refusal) = foreign(&created.item, envelope)
    {
        return Ok(Err(refusal));
    }
    let policies = rows.known_store(envelope.store)?.policies.fields;
    let who = ChangedBy { by: envelope.staff.clone(), at: envelope.acted_at };
    let row = rows.item(envelope.store, number)?;
    let before = row.clone();
    let verdict = fold::apply_item(row, change, &policies, &who);
    if let (None, Some(made)) = (&before, row.as_mut()) {
        // What a desk says of its version, its removal and its history is central's to say.
        made.version = 0;
        made.deleted = false;
        made.changed.clear();
    }
    if is_large && serde_json::to_string(row)?.len() > MAX_VALUE_BYTES {
        *row = before;
        return Ok(Err(too_large()));
    }
    Ok(verdict.map(|()| if *row == before { OutcomeWord::Already } else { OutcomeWord::Applied }))
}

fn decide_store(
    rows: &mut Rows<'_, '_>,
    envelope: &ChangeEnvelope,
    change: &Change,
) -> Result<Verdict, CentralError> {
    let before = rows.known_store(envelope.store)?;
    let mut store = (*before).clone();
    if let Err(refusal) = fold::apply_store(&mut store, change) {
        return Ok(Err(refusal));
    }
    if store == *before {
        return Ok(Ok(OutcomeWord::Already));
    }
    rows.set_store(store);
    Ok(Ok(OutcomeWord::Applied))
}

/// Why a store may not make this item.
fn foreign(item: &Item, envelope: &ChangeEnvelope) -> Option<Refusal> {
    let what = if item.store_id != envelope.store {
        format!("an item of store {} cannot be made by store {}", item.store_id, envelope.store)
    } else if !item.item_id.is_born_at_desk() {
        format!("{} is a number of central's own; an item made at a desk has bit 62 set", item.item_id)
    } else {
        return None;
    };
    Some(Refusal::BadValue { what })
}

fn too_large() -> Refusal {
    Refusal::BadValue { what: "the row would be larger than a feed takes; use a shorter text".into() }
}

fn not_of(what: &str, change: &Change) -> Refusal {
    Refusal::NotUnderstood { what: format!("{} is no change of {what}", change.type_word()) }
}

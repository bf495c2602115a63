//! Shown row = fold(base, my unacknowledged changes). Refusals, cancellations, echoes and merges all come out of
//! this one rule; nothing else mends a row.

use crate::{
    change::{Change, Pending},
    decide::{self, Context},
    ids::ChangeId,
    item::{ChangedBy, FieldVerdict, Item},
    order::Order,
    refusal::Refusal,
    store::{FieldPolicies, Policies, Reasons, Store},
};

/// A row with the changes that no longer fold, and why central will refuse them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<T> {
    /// The row to show.
    pub row: T,
    /// Changes that had no effect.
    pub refused: Vec<(ChangeId, Refusal)>,
}

/// Folds changes, in order of acting, over central's order.
pub fn fold_order(base: &Order, changes: &[Pending], policies: &Policies, reasons: &Reasons) -> Folded<Order> {
    let mut row = base.clone();
    let mut refused = Vec::new();
    for pending in changes {
        let context = Context { policies, reasons, superseded: &[], by: &pending.by, at: pending.at };
        if let Err(refusal) = decide::apply(&mut row, &pending.change, &context) {
            refused.push((pending.change_id, refusal));
        }
    }
    Folded { row, refused }
}

/// Folds changes, in order of acting, over central's item; `None` is an item that central does not have.
pub fn fold_item(base: Option<&Item>, changes: &[Pending], policies: &FieldPolicies) -> Folded<Option<Item>> {
    let mut row = base.cloned();
    let mut refused = Vec::new();
    for pending in changes {
        let who = ChangedBy { by: pending.by.clone(), at: pending.at };
        if let Err(refusal) = apply_item(&mut row, &pending.change, policies, &who) {
            refused.push((pending.change_id, refusal));
        }
    }
    Folded { row, refused }
}

/// Applies a change to an item, or makes or removes it. What merges is written even when the answer is a refusal:
/// fields are judged on their own.
///
/// # Errors
/// [`Refusal::BothChanged`] and [`Refusal::KeptCentral`] name the fields that were not written; else as
/// [`Item::edit`].
pub fn apply_item(
    row: &mut Option<Item>,
    change: &Change,
    policies: &FieldPolicies,
    who: &ChangedBy,
) -> Result<(), Refusal> {
    match change {
        Change::ItemChanged(c) => {
            let missing = || Refusal::NotFound { what: format!("item {}", c.item) };
            let verdicts = row.as_mut().ok_or_else(missing)?.edit(&c.changes, policies, who)?;
            let fields = |wanted: FieldVerdict| -> Vec<_> {
                verdicts.iter().filter(|(_, v)| **v == wanted).map(|(f, _)| *f).collect()
            };
            match (fields(FieldVerdict::Ask), fields(FieldVerdict::KeptCentral)) {
                (ask, _) if !ask.is_empty() => Err(Refusal::BothChanged { fields: ask }),
                (_, kept) if !kept.is_empty() => Err(Refusal::KeptCentral { fields: kept }),
                _ => Ok(()),
            }
        }
        Change::ItemCreated(c) => match row {
            Some(present) if is_same_item(present, &c.item) => Ok(()),
            Some(_) => Err(Refusal::IdTaken),
            None => {
                crate::item::check_name(&c.item.name)?;
                crate::item::check_price(c.item.unit_price)?;
                *row = Some(c.item.clone());
                Ok(())
            }
        },
        Change::ItemDeleted(c) => match row {
            Some(item) => {
                item.deleted = true;
                Ok(())
            }
            None => Err(Refusal::NotFound { what: format!("item {}", c.item) }),
        },
        other => Err(Refusal::NotUnderstood { what: format!("{} is no change of an item", other.type_word()) }),
    }
}

/// Whether central's row is the one this desk made, whatever has been edited since.
fn is_same_item(present: &Item, made: &Item) -> bool {
    present.item_id == made.item_id && made.item_id.is_born_at_desk()
}

/// Folds changes, in order of acting, over central's store row.
pub fn fold_store(base: &Store, changes: &[Pending]) -> Folded<Store> {
    let mut row = base.clone();
    let mut refused = Vec::new();
    for pending in changes {
        if let Err(refusal) = apply_store(&mut row, &pending.change) {
            refused.push((pending.change_id, refusal));
        }
    }
    Folded { row, refused }
}

/// Applies a change to the store's row: the last word holds.
///
/// # Errors
/// [`Refusal::NotUnderstood`] for a change of anything else.
pub fn apply_store(store: &mut Store, change: &Change) -> Result<(), Refusal> {
    match change {
        Change::StorePaused(c) => store.paused_until = c.until,
        Change::StoreBusy(c) => {
            store.busy_minutes = Some(c.minutes);
            store.busy_until = Some(c.until);
        }
        other => {
            return Err(Refusal::NotUnderstood { what: format!("{} is no change of a store", other.type_word()) });
        }
    }
    Ok(())
}

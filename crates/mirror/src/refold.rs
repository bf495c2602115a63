//! Shown = fold(base, unacknowledged): the one rule that mends a row, whatever made that necessary.

use aisle_domain::{
    ChangeId, Item, ItemId, Order, OrderId, Pending, Policies, Reasons, Refusal, Store, Subject,
    fold::{self, Folded},
};
use rusqlite::{Connection, Transaction};

use crate::{
    bases::{self, Base, Kind},
    error::Result,
    items, orders,
    outbox::{self, OutboxRow},
    prices::{self, PriceSource},
    store,
};

/// The store's policies and reasons, or what holds before its row has come.
pub(crate) fn rules(conn: &Connection) -> Result<(Policies, Reasons)> {
    Ok(store::rules(conn)?.unwrap_or_default())
}

pub(crate) fn pending(rows: &[OutboxRow]) -> Vec<Pending> {
    rows.iter()
        .map(|row| Pending {
            change_id: row.change_id,
            change: row.change.clone(),
            by: row.by.clone(),
            at: row.at,
        })
        .collect()
}

/// Folds a subject again and writes what is shown; answers changes that no longer fold since now.
pub(crate) fn refold(tx: &Transaction<'_>, subject: Subject, from: PriceSource<'_>) -> Result<Vec<ChangeId>> {
    match subject {
        Subject::Order(id) => order(tx, id),
        Subject::Item(id) => item(tx, id, from),
        Subject::Store => the_store(tx),
    }
}

fn order(tx: &Transaction<'_>, id: OrderId) -> Result<Vec<ChangeId>> {
    let shown = orders::load(tx, id)?;
    match bases::load::<Order>(tx, Kind::Order, id.get())? {
        Some(Base(base)) => show_order(tx, id, shown.as_ref(), base.as_ref()),
        None => show_order(tx, id, shown.as_ref(), shown.as_ref()),
    }
}

/// Shows what waits on an order folded over `base`, in the place of what is `shown`; answers changes that no longer
/// fold since now.
pub(crate) fn show_order(
    tx: &Transaction<'_>,
    id: OrderId,
    shown: Option<&Order>,
    base: Option<&Order>,
) -> Result<Vec<ChangeId>> {
    let rows = outbox::unacknowledged(tx, Subject::Order(id))?;
    if rows.is_empty() {
        write_order(tx, shown, base, id)?;
        bases::remove(tx, Kind::Order, id.get())?;
        return Ok(Vec::new());
    }
    let (policies, reasons) = rules(tx)?;
    let folded = fold_order(base, id, &pending(&rows), &policies, &reasons);
    write_order(tx, shown, folded.row.as_ref(), id)?;
    mark(tx, &rows, &folded.refused)
}

fn write_order(tx: &Transaction<'_>, before: Option<&Order>, after: Option<&Order>, id: OrderId) -> Result<()> {
    match after {
        None => orders::remove(tx, id),
        Some(_) if before == after => Ok(()),
        Some(row) => orders::write(tx, row, before),
    }
}

/// The fold of an order, which nothing folds over once central has forgotten it.
pub(crate) fn fold_order(
    base: Option<&Order>,
    id: OrderId,
    changes: &[Pending],
    policies: &Policies,
    reasons: &Reasons,
) -> Folded<Option<Order>> {
    if let Some(base) = base {
        let Folded { row, refused } = fold::fold_order(base, changes, policies, reasons);
        return Folded { row: Some(row), refused };
    }
    let gone = || Refusal::NotFound { what: format!("order {id} at central any more") };
    Folded { row: None, refused: changes.iter().map(|change| (change.change_id, gone())).collect() }
}

fn item(tx: &Transaction<'_>, id: ItemId, from: PriceSource<'_>) -> Result<Vec<ChangeId>> {
    let shown = items::load(tx, id)?;
    match bases::load::<Item>(tx, Kind::Item, id.get())? {
        Some(Base(base)) => show_item(tx, id, shown.as_ref(), base.as_ref(), from),
        None => show_item(tx, id, shown.as_ref(), shown.as_ref(), from),
    }
}

/// Shows what waits on an item folded over `base`, in the place of what is `shown`; answers changes that no longer
/// fold since now.
pub(crate) fn show_item(
    tx: &Transaction<'_>,
    id: ItemId,
    shown: Option<&Item>,
    base: Option<&Item>,
    from: PriceSource<'_>,
) -> Result<Vec<ChangeId>> {
    let rows = outbox::unacknowledged(tx, Subject::Item(id))?;
    if rows.is_empty() {
        write_item(tx, shown, base, id, from)?;
        bases::remove(tx, Kind::Item, id.get())?;
        return Ok(Vec::new());
    }
    let (policies, _) = rules(tx)?;
    let folded: Folded<Option<Item>> = fold::fold_item(base, &pending(&rows), &policies.fields);
    write_item(tx, shown, folded.row.as_ref(), id, from)?;
    mark(tx, &rows, &folded.refused)
}

/// Writes the shown item, and its price's history where that changed.
pub(crate) fn write_item(
    tx: &Transaction<'_>,
    before: Option<&Item>,
    after: Option<&Item>,
    id: ItemId,
    from: PriceSource<'_>,
) -> Result<()> {
    let Some(item) = after else { return items::remove(tx, id) };
    if before == Some(item) {
        return Ok(());
    }
    items::write(tx, item)?;
    match before {
        Some(old) if old.unit_price != item.unit_price => {
            prices::record(tx, id, Some(old.unit_price), item.unit_price, from)
        }
        _ => Ok(()),
    }
}

fn the_store(tx: &Transaction<'_>) -> Result<Vec<ChangeId>> {
    let rows = outbox::unacknowledged(tx, Subject::Store)?;
    let base = bases::load::<Store>(tx, Kind::Store, 0)?.and_then(|Base(row)| row);
    // A store may be paused before its row has come: then there is nothing to fold over yet.
    let over = base.map_or_else(|| store::load(tx), |row| Ok(Some(row)))?;
    let folded = over.map(|row| fold::fold_store(&row, &pending(&rows)));
    if let Some(folded) = &folded {
        store::write(tx, &folded.row)?;
    }
    if rows.is_empty() {
        bases::remove(tx, Kind::Store, 0)?;
    }
    mark(tx, &rows, folded.as_ref().map_or(&[], |folded| &folded.refused))
}

fn mark(tx: &Transaction<'_>, rows: &[OutboxRow], refused: &[(ChangeId, Refusal)]) -> Result<Vec<ChangeId>> {
    let mut newly = Vec::new();
    for row in rows {
        let why = refused.iter().find(|(id, _)| *id == row.change_id).map(|(_, refusal)| refusal);
        if row.will_be_refused.as_ref() == why {
            continue;
        }
        outbox::mark(tx, row.change_id, why)?;
        if why.is_some() {
            newly.push(row.change_id);
        }
    }
    Ok(newly)
}

//! Writes a shown order: the head, and of its parts only what differs from before.

use aisle_domain::{Order, OrderId, Payment, Receipt};
use rusqlite::{Transaction, params};

use crate::{
    bases::{self, Base, Kind},
    error::Result,
    mirror::touched,
};

/// Writes the order in the place of `before`.
pub(crate) fn write(tx: &Transaction<'_>, order: &Order, before: Option<&Order>) -> Result<()> {
    touched(order.order_id.get());
    head(tx, order, before)?;
    if before.is_none_or(|b| b.lines != order.lines) {
        lines(tx, order)?;
    }
    if before.is_none_or(|b| b.range != order.range) {
        range(tx, order)?;
    }
    if before.is_none_or(|b| b.payments != order.payments) {
        tx.prepare_cached("DELETE FROM payments WHERE order_id = ?1")?.execute([order.order_id.get()])?;
        for (place, payment) in (1_i64..).zip(&order.payments) {
            self::payment(tx, payment, place)?;
        }
    }
    if before.is_none_or(|b| b.receipts != order.receipts) {
        delete_receipts(tx, order.order_id)?;
        for (place, receipt) in (1_i64..).zip(&order.receipts) {
            self::receipt(tx, receipt, place)?;
        }
    }
    if before.is_none_or(|b| b.shopper != order.shopper) {
        tx.prepare_cached("DELETE FROM shoppers WHERE order_id = ?1")?.execute([order.order_id.get()])?;
        if let Some(shopper) = &order.shopper {
            tx.prepare_cached("INSERT INTO shoppers (shopper_id, order_id, rating) VALUES (?1, ?2, ?3)")?
                .execute(params![shopper.shopper_id.get(), order.order_id.get(), shopper.rating])?;
        }
    }
    Ok(())
}

/// Takes the numbers of an order's payments and receipts away from any other order, and from what waits to be shown of it
/// again: another history of central's may have given them anew. Whoever had them here is put back or swept by itself.
pub(crate) fn claim_numbers(tx: &Transaction<'_>, order: &Order) -> Result<()> {
    let own = order.order_id.get();
    for payment in &order.payments {
        let id = payment.payment_id;
        give_up(tx, ("payments", "payment_id"), (id.get(), own), |base| {
            base.payments.retain(|payment| payment.payment_id != id);
        })?;
        tx.prepare_cached("DELETE FROM payments WHERE payment_id = ?1 AND order_id <> ?2")?
            .execute((id.get(), own))?;
    }
    for receipt in &order.receipts {
        let id = receipt.transaction_id;
        give_up(tx, ("shopper_order_details", "transaction_id"), (id.get(), own), |base| {
            base.receipts.retain(|receipt| receipt.transaction_id != id);
        })?;
        for table in ["shopper_order_items", "shopper_order_details"] {
            tx.prepare_cached(&format!("DELETE FROM {table} WHERE transaction_id = ?1 AND order_id <> ?2"))?
                .execute((id.get(), own))?;
        }
    }
    Ok(())
}

/// Removes the part with a number from the base of every other order that shows it.
fn give_up(
    tx: &Transaction<'_>,
    (table, column): (&str, &str),
    (number, claimed_by): (i64, i64),
    remove: impl Fn(&mut Order),
) -> Result<()> {
    let mut owners = tx.prepare_cached(&format!(
        "SELECT order_id FROM {table} WHERE {column} = ?1 AND order_id IS NOT NULL AND order_id <> ?2"
    ))?;
    let owners: Vec<i64> =
        owners.query_map((number, claimed_by), |row| row.get(0))?.collect::<std::result::Result<_, _>>()?;
    for owner in owners {
        if let Some(Base(Some(mut base))) = bases::load::<Order>(tx, Kind::Order, owner)? {
            remove(&mut base);
            bases::store(tx, Kind::Order, owner, Some((&base, base.version)))?;
        }
    }
    Ok(())
}

/// The columns that acts change; whoever changes another one rewrites the row with all its indexes.
fn same_but_for_acts(before: &Order, order: &Order) -> bool {
    (before.user_id, before.creation_time, before.queued_time, before.accept_by)
        == (order.user_id, order.creation_time, order.queued_time, order.accept_by)
        && (&before.display_no, &before.customer_name, &before.note, &before.substitution)
            == (&order.display_no, &order.customer_name, &order.note, &order.substitution)
        && before.payment_expected == order.payment_expected
}

fn head(tx: &Transaction<'_>, order: &Order, before: Option<&Order>) -> Result<()> {
    if before.is_none_or(|before| !same_but_for_acts(before, order)) {
        return whole_head(tx, order);
    }
    tx.prepare_cached(
        "UPDATE orders SET status = ?2, due_at = ?3, decision = ?4, reason = ?5, decided_by = ?6, decided_at = ?7,
             claimed_by = ?8, version = ?9, accepted_by = ?10, accepted_at = ?11
         WHERE order_id = ?1",
    )?
    .execute(params![
        order.order_id.get(),
        order.status.word(),
        order.due_at.map(aisle_domain::Timestamp::millis),
        order.decision.map(aisle_domain::Decision::word),
        order.reason,
        order.decided_by,
        order.decided_at.map(aisle_domain::Timestamp::millis),
        order.claimed_by,
        order.version,
        order.accepted_by,
        order.accepted_at.map(aisle_domain::Timestamp::millis),
    ])?;
    Ok(())
}

fn whole_head(tx: &Transaction<'_>, order: &Order) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO orders (order_id, store_id, user_id, creation_time, status, queued_time, accept_by,
             due_at, display_no, customer_name, note, substitution, payment_expected, decision, reason, decided_by,
             decided_at, claimed_by, version, accepted_by, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21)",
    )?
    .execute(params![
        order.order_id.get(),
        order.store_id.get(),
        order.user_id.get(),
        order.creation_time.millis(),
        order.status.word(),
        order.queued_time.millis(),
        order.accept_by.map(aisle_domain::Timestamp::millis),
        order.due_at.map(aisle_domain::Timestamp::millis),
        order.display_no,
        order.customer_name,
        order.note,
        order.substitution,
        order.payment_expected,
        order.decision.map(aisle_domain::Decision::word),
        order.reason,
        order.decided_by,
        order.decided_at.map(aisle_domain::Timestamp::millis),
        order.claimed_by,
        order.version,
        order.accepted_by,
        order.accepted_at.map(aisle_domain::Timestamp::millis),
    ])?;
    Ok(())
}

fn lines(tx: &Transaction<'_>, order: &Order) -> Result<()> {
    tx.prepare_cached("DELETE FROM client_order_items WHERE order_id = ?1")?.execute([order.order_id.get()])?;
    let mut statement = tx.prepare_cached(
        "INSERT INTO client_order_items (order_id, item_id, line_no, name, barcode, order_unit_price, quantity, unit,
             note, state, picked_quantity, substitute)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?;
    for (line_no, line) in (1_i64..).zip(&order.lines) {
        statement.execute(params![
            order.order_id.get(),
            line.item_id.get(),
            line_no,
            line.name,
            line.barcode.as_ref().map(aisle_domain::Barcode::as_str),
            line.order_unit_price.minor(),
            line.quantity.thousandths(),
            line.unit,
            line.note,
            line.state.word(),
            line.picked_quantity.map(aisle_domain::Quantity::thousandths),
            line.substitute.map(aisle_domain::ItemId::get),
        ])?;
    }
    Ok(())
}

fn range(tx: &Transaction<'_>, order: &Order) -> Result<()> {
    let Some(range) = &order.range else {
        tx.prepare_cached("DELETE FROM amount_ranges WHERE order_id = ?1")?.execute([order.order_id.get()])?;
        return Ok(());
    };
    tx.prepare_cached(
        "INSERT OR REPLACE INTO amount_ranges (order_id, store_id, amount_lo, amount_hi, version, set_at, set_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?
    .execute(params![
        order.order_id.get(),
        order.store_id.get(),
        range.amount_lo.minor(),
        range.amount_hi.minor(),
        range.version,
        range.set_at.millis(),
        range.set_by,
    ])?;
    Ok(())
}

fn payment(tx: &Transaction<'_>, payment: &Payment, place: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO payments (payment_id, order_id, store_id, amount, made_at, decide_by, status, reason, decided_by,
             decided_at, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?
    .execute(params![
        payment.payment_id.get(),
        payment.order_id.get(),
        payment.store_id.get(),
        payment.amount.minor(),
        payment.made_at.millis(),
        payment.decide_by.map(aisle_domain::Timestamp::millis),
        payment.status.map(aisle_domain::PaymentStatus::word),
        payment.reason,
        payment.decided_by,
        payment.decided_at.map(aisle_domain::Timestamp::millis),
        place,
    ])?;
    Ok(())
}

fn receipt(tx: &Transaction<'_>, receipt: &Receipt, place: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO shopper_order_details (transaction_id, order_id, store_id, datetime, amount, place)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        receipt.transaction_id.get(),
        receipt.order_id.get(),
        receipt.store_id.get(),
        receipt.datetime.millis(),
        receipt.amount.minor(),
        place,
    ])?;
    let mut statement = tx.prepare_cached(
        "INSERT INTO shopper_order_items (transaction_id, line_no, order_id, item_id, name, unit_price, quantity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for line in &receipt.lines {
        statement.execute(params![
            receipt.transaction_id.get(),
            line.line_no,
            receipt.order_id.get(),
            line.item_id.map(aisle_domain::ItemId::get),
            line.name,
            line.unit_price.minor(),
            line.quantity.thousandths(),
        ])?;
    }
    Ok(())
}

fn delete_receipts(tx: &Transaction<'_>, order: OrderId) -> Result<()> {
    tx.prepare_cached(
        "DELETE FROM shopper_order_items WHERE transaction_id IN
             (SELECT transaction_id FROM shopper_order_details WHERE order_id = ?1)",
    )?
    .execute([order.get()])?;
    tx.prepare_cached("DELETE FROM shopper_order_details WHERE order_id = ?1")?.execute([order.get()])?;
    Ok(())
}

/// Removes an order that central no longer keeps.
pub(crate) fn remove(tx: &Transaction<'_>, order: OrderId) -> Result<()> {
    touched(order.get());
    delete_receipts(tx, order)?;
    for table in ["client_order_items", "payments", "shoppers", "amount_ranges", "alarms", "orders"] {
        tx.prepare_cached(&format!("DELETE FROM {table} WHERE order_id = ?1"))?.execute([order.get()])?;
    }
    Ok(())
}

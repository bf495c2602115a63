//! What belongs to an order: lines, range, payments, receipts, shopper.

use aisle_domain::{
    AmountRange, ItemId, LineState, OrderId, OrderLine, Payment, PaymentId, PaymentStatus, Receipt, ReceiptLine,
    Shopper, ShopperId, StoreId, TransactionId,
};
use rusqlite::{Connection, Row};

use crate::{
    error::Result,
    row::{Columns, Placed},
};

fn collect<T>(conn: &Connection, sql: &str, id: i64, read: impl Fn(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The columns of an order's lines, in their table's order.
#[rustfmt::skip]
pub(crate) const LINE_COLUMNS: [&str; 12] = [
    "order_id", "item_id", "line_no", "name", "barcode", "order_unit_price", "quantity", "unit", "note", "state",
    "picked_quantity", "substitute",
];

pub(super) fn lines(conn: &Connection, order: OrderId) -> Result<Vec<OrderLine>> {
    let sql = "SELECT * FROM client_order_items WHERE order_id = ?1 ORDER BY line_no";
    collect(conn, sql, order.get(), |row| {
        let row = Placed::new(row, &LINE_COLUMNS);
        Ok(OrderLine {
            item_id: row.id("item_id", ItemId::new)?,
            name: row.value("name")?,
            barcode: row.parsed_optional("barcode")?,
            order_unit_price: row.money("order_unit_price")?,
            quantity: row.quantity("quantity")?,
            unit: row.value("unit")?,
            note: row.value("note")?,
            state: row.word("state", &LineState::ALL, LineState::word)?,
            picked_quantity: row
                .value::<Option<i64>>("picked_quantity")?
                .map(|_| row.quantity("picked_quantity"))
                .transpose()?,
            substitute: row.id_optional("substitute", ItemId::new)?,
        })
    })
}

pub(super) fn range(conn: &Connection, order: OrderId) -> Result<Option<AmountRange>> {
    let found = collect(conn, "SELECT * FROM amount_ranges WHERE order_id = ?1", order.get(), |row| {
        Ok(AmountRange {
            amount_lo: row.money("amount_lo")?,
            amount_hi: row.money("amount_hi")?,
            version: row.get("version")?,
            set_at: row.time("set_at")?,
            set_by: row.get("set_by")?,
        })
    })?;
    Ok(found.into_iter().next())
}

pub(super) fn payments(conn: &Connection, order: OrderId) -> Result<Vec<Payment>> {
    collect(conn, "SELECT * FROM payments WHERE order_id = ?1 ORDER BY place", order.get(), payment)
}

/// One row of `payments`.
pub(crate) fn payment(row: &Row<'_>) -> Result<Payment> {
    Ok(Payment {
        payment_id: row.id("payment_id", PaymentId::new)?,
        order_id: row.id("order_id", OrderId::new)?,
        store_id: row.id("store_id", StoreId::new)?,
        amount: row.money("amount")?,
        made_at: row.time("made_at")?,
        decide_by: row.time_optional("decide_by")?,
        status: row.word_optional(
            "status",
            &[PaymentStatus::Approved, PaymentStatus::Rejected],
            PaymentStatus::word,
        )?,
        reason: row.get("reason")?,
        decided_by: row.get("decided_by")?,
        decided_at: row.time_optional("decided_at")?,
    })
}

pub(super) fn receipts(conn: &Connection, order: OrderId) -> Result<Vec<Receipt>> {
    let sql = "SELECT * FROM shopper_order_details WHERE order_id = ?1 ORDER BY place";
    collect(conn, sql, order.get(), |row| {
        let id = row.id("transaction_id", TransactionId::new)?;
        Ok(Receipt {
            transaction_id: id,
            order_id: row.id("order_id", OrderId::new)?,
            store_id: row.id("store_id", StoreId::new)?,
            datetime: row.time("datetime")?,
            amount: row.money("amount")?,
            lines: receipt_lines(conn, id)?,
        })
    })
}

fn receipt_lines(conn: &Connection, id: TransactionId) -> Result<Vec<ReceiptLine>> {
    let sql = "SELECT * FROM shopper_order_items WHERE transaction_id = ?1 ORDER BY line_no";
    collect(conn, sql, id.get(), |row| {
        Ok(ReceiptLine {
            line_no: row.get("line_no")?,
            item_id: row.id_optional("item_id", ItemId::new)?,
            name: row.get("name")?,
            unit_price: row.money("unit_price")?,
            quantity: row.quantity("quantity")?,
        })
    })
}

pub(super) fn shopper(conn: &Connection, order: OrderId) -> Result<Option<Shopper>> {
    let found = collect(conn, "SELECT * FROM shoppers WHERE order_id = ?1", order.get(), |row| {
        Ok(Shopper { shopper_id: row.id("shopper_id", ShopperId::new)?, rating: row.get("rating")? })
    })?;
    Ok(found.into_iter().next())
}

//! The tables of an order: `orders`, `client_order_items`, `payments`, `shoppers`, `shopper_order_details`,
//! `shopper_order_items`. An order is read and written whole; only what differs is written.

use aisle_domain::{
    AmountRange, ItemId, Order, OrderId, OrderLine, Payment, PaymentId, Receipt, ReceiptLine, Shopper, ShopperId,
    StoreId, Timestamp, TransactionId, UserId,
};
use rusqlite::{OptionalExtension, Row, params};

use super::{Tx, columns};
use crate::error::CentralError;

const HEAD: &str =
    "order_id, store_id, user_id, creation_time, status, queued_time, accept_by, due_at, display_no,
    customer_name, note, substitution, payment_expected, decision, reason, decided_by, decided_at, claimed_by,
    accepted_by, accepted_at, version";

/// The head with what hangs on it once, and whether there is more: one statement for most orders, lines aside.
const WHOLE: &str = "SELECT o.order_id, o.store_id, o.user_id, o.creation_time, o.status, o.queued_time, o.accept_by,
        o.due_at, o.display_no, o.customer_name, o.note, o.substitution, o.payment_expected, o.decision, o.reason,
        o.decided_by, o.decided_at, o.claimed_by, o.accepted_by, o.accepted_at, o.version, r.amount_lo, r.amount_hi, r.version, r.set_at, r.set_by,
        s.shopper_id, s.rating,
        EXISTS (SELECT 1 FROM payments p WHERE p.store_id = o.store_id AND p.order_id = o.order_id),
        EXISTS (SELECT 1 FROM shopper_order_details d WHERE d.store_id = o.store_id AND d.order_id = o.order_id)
    FROM orders o
    LEFT JOIN amount_ranges r ON r.store_id = o.store_id AND r.order_id = o.order_id
    LEFT JOIN shoppers s ON s.store_id = o.store_id AND s.order_id = o.order_id
    WHERE o.store_id = ?1 AND o.order_id = ?2 AND o.gone_at IS NULL";

/// An order without its lines, and whether it has payments and receipts.
fn read_head(row: &Row<'_>) -> rusqlite::Result<(Order, bool, bool)> {
    let range = row.get::<_, Option<i64>>(21)?.map(|_| read_range(row, 21)).transpose()?;
    let shopper = columns::id_or_none(row, 26, ShopperId::new)?
        .map(|shopper_id| Ok::<_, rusqlite::Error>(Shopper { shopper_id, rating: row.get(27)? }))
        .transpose()?;
    let order = Order {
        order_id: columns::id(row, 0, OrderId::new)?,
        store_id: columns::id(row, 1, StoreId::new)?,
        user_id: columns::id(row, 2, UserId::new)?,
        creation_time: columns::time(row, 3)?,
        status: columns::text(row, 4)?,
        queued_time: columns::time(row, 5)?,
        accept_by: columns::time_or_none(row, 6)?,
        due_at: columns::time_or_none(row, 7)?,
        display_no: row.get(8)?,
        customer_name: row.get(9)?,
        note: row.get(10)?,
        substitution: row.get(11)?,
        payment_expected: row.get(12)?,
        decision: columns::decision_or_none(row, 13)?,
        reason: row.get(14)?,
        decided_by: row.get(15)?,
        decided_at: columns::time_or_none(row, 16)?,
        claimed_by: row.get(17)?,
        accepted_by: row.get(18)?,
        accepted_at: columns::time_or_none(row, 19)?,
        version: row.get(20)?,
        lines: Vec::new(),
        range,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper,
    };
    Ok((order, row.get(28)?, row.get(29)?))
}

/// A line with its number on the order.
fn read_line(row: &Row<'_>) -> rusqlite::Result<(i64, OrderLine)> {
    let line = OrderLine {
        item_id: columns::id(row, 0, ItemId::new)?,
        name: row.get(1)?,
        barcode: columns::barcode_or_none(row, 2)?,
        order_unit_price: columns::money(row, 3)?,
        quantity: columns::quantity(row, 4)?,
        unit: row.get(5)?,
        note: row.get(6)?,
        state: columns::line_state(row, 7)?,
        picked_quantity: columns::quantity_or_none(row, 8)?,
        substitute: columns::id_or_none(row, 9, ItemId::new)?,
    };
    Ok((row.get(10)?, line))
}

fn read_payment(row: &Row<'_>) -> rusqlite::Result<Payment> {
    Ok(Payment {
        payment_id: columns::id(row, 0, PaymentId::new)?,
        order_id: columns::id(row, 1, OrderId::new)?,
        store_id: columns::id(row, 2, StoreId::new)?,
        amount: columns::money(row, 3)?,
        made_at: columns::time(row, 4)?,
        decide_by: columns::time_or_none(row, 5)?,
        status: columns::payment_status_or_none(row, 6)?,
        reason: row.get(7)?,
        decided_by: row.get(8)?,
        decided_at: columns::time_or_none(row, 9)?,
    })
}

fn read_receipt_line(row: &Row<'_>) -> rusqlite::Result<ReceiptLine> {
    Ok(ReceiptLine {
        line_no: row.get(0)?,
        item_id: columns::id_or_none(row, 1, ItemId::new)?,
        name: row.get(2)?,
        unit_price: columns::money(row, 3)?,
        quantity: columns::quantity(row, 4)?,
    })
}

/// A range whose columns begin at `first`.
pub(super) fn read_range(row: &Row<'_>, first: usize) -> rusqlite::Result<AmountRange> {
    Ok(AmountRange {
        amount_lo: columns::money(row, first)?,
        amount_hi: columns::money(row, first + 1)?,
        version: row.get(first + 2)?,
        set_at: columns::time(row, first + 3)?,
        set_by: row.get(first + 4)?,
    })
}

impl Tx<'_> {
    /// The order, whole; `None` when central does not have it or keeps it only as archive.
    pub(crate) fn order(&self, store: StoreId, order: OrderId) -> Result<Option<Order>, CentralError> {
        let key = (store.get(), order.get());
        let head = self.conn.prepare_cached(WHOLE)?.query_row(key, read_head).optional()?;
        let Some((mut order, paid, receipted)) = head else { return Ok(None) };
        order.lines = self.lines(key)?;
        if paid {
            order.payments = self.payments(key)?;
        }
        if receipted {
            order.receipts = self.receipts(key)?;
        }
        Ok(Some(order))
    }

    fn lines(&self, key: (i64, i64)) -> Result<Vec<OrderLine>, CentralError> {
        let mut lines: Vec<(i64, OrderLine)> = self
            .conn
            .prepare_cached(
                "SELECT item_id, name, barcode, order_unit_price, quantity, unit, note, state, picked_quantity,
                    substitute, line_no FROM client_order_items WHERE store_id = ?1 AND order_id = ?2",
            )?
            .query_map(key, read_line)?
            .collect::<Result<_, _>>()?;
        lines.sort_unstable_by_key(|(number, _)| *number);
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    fn payments(&self, key: (i64, i64)) -> Result<Vec<Payment>, CentralError> {
        let payments = self
            .conn
            .prepare_cached(
                "SELECT payment_id, order_id, store_id, amount, made_at, decide_by, status, reason, decided_by,
                    decided_at FROM payments WHERE store_id = ?1 AND order_id = ?2 ORDER BY payment_id",
            )?
            .query_map(key, read_payment)?
            .collect::<Result<_, _>>()?;
        Ok(payments)
    }

    fn receipts(&self, (store, order): (i64, i64)) -> Result<Vec<Receipt>, CentralError> {
        let mut receipts: Vec<Receipt> = self
            .conn
            .prepare_cached(
                "SELECT transaction_id, order_id, store_id, datetime, amount FROM shopper_order_details
                 WHERE store_id = ?1 AND order_id = ?2 ORDER BY datetime, transaction_id",
            )?
            .query_map((store, order), |row| {
                Ok(Receipt {
                    transaction_id: columns::id(row, 0, TransactionId::new)?,
                    order_id: columns::id(row, 1, OrderId::new)?,
                    store_id: columns::id(row, 2, StoreId::new)?,
                    datetime: columns::time(row, 3)?,
                    amount: columns::money(row, 4)?,
                    lines: Vec::new(),
                })
            })?
            .collect::<Result<_, _>>()?;
        for receipt in &mut receipts {
            receipt.lines = self
                .conn
                .prepare_cached(
                    "SELECT line_no, item_id, name, unit_price, quantity FROM shopper_order_items
                     WHERE store_id = ?1 AND transaction_id = ?2 ORDER BY line_no",
                )?
                .query_map((store, receipt.transaction_id.get()), read_receipt_line)?
                .collect::<Result<_, _>>()?;
        }
        Ok(receipts)
    }

    /// The stores that have an order of this number.
    pub(crate) fn stores_of_order(&self, order: OrderId) -> Result<Vec<StoreId>, CentralError> {
        let mut statement =
            self.conn.prepare_cached("SELECT store_id FROM orders WHERE order_id = ?1 ORDER BY store_id")?;
        let stores = statement
            .query_map([order.get()], |row| columns::id(row, 0, StoreId::new))?
            .collect::<Result<_, _>>()?;
        Ok(stores)
    }

    /// A store's orders by number, those after `after`; archived ones are left out.
    pub(crate) fn orders(&self, store: StoreId, after: i64, limit: i64) -> Result<Vec<Order>, CentralError> {
        let numbers: Vec<OrderId> = self
            .conn
            .prepare_cached(
                "SELECT order_id FROM orders WHERE store_id = ?1 AND order_id > ?2 AND gone_at IS NULL
                 ORDER BY order_id LIMIT ?3",
            )?
            .query_map((store.get(), after, limit), |row| columns::id(row, 0, OrderId::new))?
            .collect::<Result<_, _>>()?;
        numbers.into_iter().filter_map(|number| self.order(store, number).transpose()).collect()
    }

    /// How many rows hang on orders, and those whose order is not there.
    pub(crate) fn orphans(&self) -> Result<(u64, Vec<String>), CentralError> {
        let (mut checked, mut lost) = (0, Vec::new());
        for table in ["client_order_items", "payments", "shoppers", "shopper_order_details", "amount_ranges"] {
            let (rows, orphans): (i64, i64) = self.conn.query_row(
                &format!(
                    "SELECT count(*), count(*) FILTER (WHERE o.order_id IS NULL) FROM {table} t
                     LEFT JOIN orders o ON o.store_id = t.store_id AND o.order_id = t.order_id"
                ),
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )?;
            checked += rows.unsigned_abs();
            if orphans > 0 {
                lost.push(format!("{orphans} rows of {table} belong to no order"));
            }
        }
        Ok((checked, lost))
    }

    /// Orders that nobody accepted in time.
    pub(crate) fn orders_to_miss(
        &self,
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<(StoreId, OrderId)>, CentralError> {
        let mut statement = self.conn.prepare_cached(
            "SELECT store_id, order_id FROM orders
             WHERE status = 'new' AND accept_by IS NOT NULL AND accept_by <= ?1 ORDER BY accept_by LIMIT ?2",
        )?;
        let keys = statement
            .query_map((now.millis(), limit), |row| {
                Ok((columns::id(row, 0, StoreId::new)?, columns::id(row, 1, OrderId::new)?))
            })?
            .collect::<Result<_, _>>()?;
        Ok(keys)
    }

    /// Writes an order: what differs from `before`, all of it where there was none.
    pub(crate) fn save_order(
        &self,
        before: Option<&Order>,
        order: &Order,
        now: Timestamp,
    ) -> Result<(), CentralError> {
        self.save_head(order, now)?;
        let known = before.map(|b| b.lines.as_slice()).unwrap_or_default();
        for (number, line) in (1_i64..).zip(&order.lines) {
            if !known.iter().any(|k| k == line) {
                self.save_line(order, number, line)?;
            }
        }
        let known = before.map(|b| b.payments.as_slice()).unwrap_or_default();
        for payment in order.payments.iter().filter(|p| !known.contains(p)) {
            self.save_payment(payment)?;
        }
        let known = before.map(|b| b.receipts.as_slice()).unwrap_or_default();
        for receipt in order.receipts.iter().filter(|r| !known.contains(r)) {
            self.save_receipt(receipt)?;
        }
        if let Some(range) = order.range.as_ref().filter(|r| before.is_none_or(|b| b.range.as_ref() != Some(r))) {
            self.save_range(order, range)?;
        }
        if let Some(shopper) =
            order.shopper.as_ref().filter(|s| before.is_none_or(|b| b.shopper.as_ref() != Some(s)))
        {
            self.conn.prepare_cached("INSERT OR REPLACE INTO shoppers VALUES (?1, ?2, ?3, ?4)")?.execute(
                params![order.store_id.get(), order.order_id.get(), shopper.shopper_id.get(), shopper.rating,],
            )?;
        }
        Ok(())
    }

    fn save_head(&self, order: &Order, now: Timestamp) -> Result<(), CentralError> {
        let closed_at = (!order.status.is_open()).then_some(now.millis());
        self.conn
            .prepare_cached(&format!(
                "INSERT INTO orders ({HEAD}, closed_at) VALUES
                    (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20,
                     ?21, ?22)
                 ON CONFLICT (store_id, order_id) DO UPDATE SET
                    status = excluded.status, accept_by = excluded.accept_by, due_at = excluded.due_at,
                    note = excluded.note, payment_expected = excluded.payment_expected,
                    decision = excluded.decision, reason = excluded.reason, decided_by = excluded.decided_by,
                    decided_at = excluded.decided_at, claimed_by = excluded.claimed_by,
                    accepted_by = excluded.accepted_by, accepted_at = excluded.accepted_at, version = excluded.version,
                    closed_at = coalesce(closed_at, excluded.closed_at)"
            ))?
            .execute(params![
                order.order_id.get(),
                order.store_id.get(),
                order.user_id.get(),
                order.creation_time.millis(),
                order.status.word(),
                order.queued_time.millis(),
                order.accept_by.map(Timestamp::millis),
                order.due_at.map(Timestamp::millis),
                order.display_no,
                order.customer_name,
                order.note,
                order.substitution,
                order.payment_expected,
                order.decision.map(aisle_domain::Decision::word),
                order.reason,
                order.decided_by,
                order.decided_at.map(Timestamp::millis),
                order.claimed_by,
                order.accepted_by,
                order.accepted_at.map(Timestamp::millis),
                order.version,
                closed_at,
            ])?;
        Ok(())
    }

    fn save_line(&self, order: &Order, number: i64, line: &OrderLine) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO client_order_items (store_id, order_id, item_id, line_no, name, barcode,
                    order_unit_price, quantity, unit, note, state, picked_quantity, substitute)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                order.store_id.get(),
                order.order_id.get(),
                line.item_id.get(),
                number,
                line.name,
                line.barcode.as_ref().map(aisle_domain::Barcode::as_str),
                line.order_unit_price.minor(),
                line.quantity.thousandths(),
                line.unit,
                line.note,
                line.state.word(),
                line.picked_quantity.map(aisle_domain::Quantity::thousandths),
                line.substitute.map(ItemId::get),
            ])?;
        Ok(())
    }

    fn save_payment(&self, payment: &Payment) -> Result<(), CentralError> {
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO payments (payment_id, order_id, store_id, amount, made_at, decide_by, status,
                    reason, decided_by, decided_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            )?
            .execute(params![
                payment.payment_id.get(),
                payment.order_id.get(),
                payment.store_id.get(),
                payment.amount.minor(),
                payment.made_at.millis(),
                payment.decide_by.map(Timestamp::millis),
                payment.status.map(aisle_domain::PaymentStatus::word),
                payment.reason,
                payment.decided_by,
                payment.decided_at.map(Timestamp::millis),
            ])?;
        Ok(())
    }

    fn save_receipt(&self, receipt: &Receipt) -> Result<(), CentralError> {
        let (store, transaction) = (receipt.store_id.get(), receipt.transaction_id.get());
        self.conn.prepare_cached("INSERT INTO shopper_order_details VALUES (?1, ?2, ?3, ?4, ?5)")?.execute((
            store,
            transaction,
            receipt.order_id.get(),
            receipt.datetime.millis(),
            receipt.amount.minor(),
        ))?;
        for line in &receipt.lines {
            self.conn
                .prepare_cached("INSERT INTO shopper_order_items VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
                .execute(params![
                store,
                transaction,
                line.line_no,
                receipt.order_id.get(),
                line.item_id.map(ItemId::get),
                line.name,
                line.unit_price.minor(),
                line.quantity.thousandths(),
            ])?;
        }
        Ok(())
    }
}

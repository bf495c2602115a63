//! A customer's order, queued for a store.

use aisle_domain::{
    AmountRange, LineState, Order, OrderId, OrderLine, OrderStatus, Quantity, Store, StoreId, Subject, Timestamp,
    UserId, item::Item,
};

use super::needed_store;
use crate::{Centre, apply::Rows, error::CentralError, ledger::AuditEntry};

/// An order as a customer made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewOrder {
    /// Its number.
    pub order_id: OrderId,
    /// The customer.
    pub user_id: UserId,
    /// When the customer made it.
    pub creation_time: Timestamp,
    /// Until when the store has to accept it; for ever where it is none.
    pub accept_by: Option<Timestamp>,
    /// When it is to be ready.
    pub due_at: Option<Timestamp>,
    /// Whether a payment comes in later, or it was paid online.
    pub payment_expected: bool,
    /// What is ordered: each item once, at the price that it has now.
    pub lines: Vec<OrderLine>,
}

/// A line for so much of an item as it is in the catalog now.
pub(crate) fn line_of(item: &Item, quantity: Quantity) -> OrderLine {
    OrderLine {
        item_id: item.item_id,
        name: item.name.clone(),
        barcode: item.barcode.clone(),
        order_unit_price: item.unit_price,
        quantity,
        unit: if quantity.thousandths() % 1000 == 0 { "each" } else { "kg" }.into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    }
}

impl NewOrder {
    /// The row as it is queued: new, with the range that its lines give.
    pub(crate) fn row(self, store: &Store, now: Timestamp) -> Order {
        let digits = self.order_id.to_string();
        let mut row = Order {
            order_id: self.order_id,
            store_id: store.store_id,
            user_id: self.user_id,
            creation_time: self.creation_time,
            status: OrderStatus::New,
            queued_time: now,
            accept_by: self.accept_by,
            due_at: self.due_at,
            display_no: digits.get(digits.len().saturating_sub(4)..).unwrap_or(&digits).into(),
            customer_name: None,
            note: None,
            substitution: None,
            payment_expected: self.payment_expected,
            decision: None,
            reason: None,
            decided_by: None,
            decided_at: None,
            claimed_by: None,
            accepted_by: None,
            accepted_at: None,
            version: 0,
            lines: self.lines,
            range: None,
            payments: Vec::new(),
            receipts: Vec::new(),
            shopper: None,
        };
        row.range = Some(AmountRange::derive(row.expected(), &store.policies, 1, now, "central"));
        row
    }
}

impl Centre {
    /// Queues an order for a store. Needs no broker.
    ///
    /// # Errors
    /// [`CentralError::Taken`] for a number that the store has, [`CentralError::BadValue`] for an item on two lines.
    pub fn queue_order(&self, store: StoreId, new: NewOrder) -> Result<(), CentralError> {
        let now = self.now();
        let id = new.order_id;
        let mut items: Vec<_> = new.lines.iter().map(|line| line.item_id).collect();
        items.sort_unstable();
        if items.windows(2).any(|pair| pair.first() == pair.last()) {
            return Err(CentralError::BadValue { what: format!("order {id} has one item on two lines") });
        }
        self.ledger()?.write(|tx| {
            let row = needed_store(tx, store)?;
            if tx.order(store, id)?.is_some() {
                return Err(CentralError::Taken { what: format!("order {id} of store {store}") });
            }
            let mut rows = Rows::new(tx, now);
            rows.add_order(new.row(&row, now));
            rows.write()?;
            tx.audit(&AuditEntry::of_central(store, Subject::Order(id), "order.queued", now))
        })
    }
}

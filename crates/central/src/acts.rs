//! Acts of the centre itself. They write SQL and `feed_outbox` in one transaction and need no broker: the worker of
//! the store's home partition publishes them.

mod alarms;
mod dead;
mod enrol;
mod grants;
mod items;
mod queue;
mod stores;

pub use enrol::EnrolOptions;
pub use grants::GrantsOptions;
pub use items::ItemChange;
pub use queue::NewOrder;
pub(crate) use queue::line_of;
pub use stores::NewStore;

use aisle_domain::{
    AmountRange, Money, Order, OrderId, OrderStatus, Payment, Reasons, Refusal, StoreId, Subject, Timestamp,
};

use crate::{
    Centre,
    apply::Rows,
    error::CentralError,
    ledger::{AuditEntry, Ledger, Tx},
    views::{EpochView, OrderView, Page, PaymentView},
};

/// How long a till waits for the decision on a payment.
pub(crate) const DECIDE_WITHIN_MS: i64 = 10 * 60 * 1000;
/// The most that a list gives at once.
const MOST: u32 = 1_000;
/// Rows a transaction.
const STEP: i64 = 200;

/// Ends orders whose time to be accepted is over. Answers how many.
pub(crate) fn miss_overdue(ledger: &mut Ledger, now: Timestamp) -> Result<usize, CentralError> {
    if ledger.read(|tx| tx.orders_to_miss(now, 1))?.is_empty() {
        return Ok(0);
    }
    ledger.write(|tx| {
        let due = tx.orders_to_miss(now, STEP)?;
        let mut rows = Rows::new(tx, now);
        for (store, order) in &due {
            if let Some(row) = rows.order(*store, *order)? {
                row.miss(now).map_err(Refusal::from)?;
                tx.audit(&AuditEntry::of_central(*store, Subject::Order(*order), "order.missed", now))?;
            }
        }
        rows.write()?;
        Ok(due.len())
    })
}

/// Changes one order as central, in one transaction with its audit entry and its feed row.
pub(crate) fn change_order(
    tx: &Tx<'_>,
    (store, order): (StoreId, OrderId),
    kind: &str,
    detail: Option<serde_json::Value>,
    now: Timestamp,
    change: impl FnOnce(&mut Order) -> Result<(), CentralError>,
) -> Result<(), CentralError> {
    let mut rows = Rows::new(tx, now);
    let row =
        rows.order(store, order)?.ok_or_else(|| CentralError::NotFound { what: format!("order {order}") })?;
    change(row)?;
    rows.write()?;
    tx.audit(&AuditEntry {
        detail: detail.map(|d| d.to_string()),
        ..AuditEntry::of_central(store, Subject::Order(order), kind, now)
    })
}

/// The store of an order: the one that is named, else the only one that has it.
fn store_of(tx: &Tx<'_>, named: Option<StoreId>, order: OrderId) -> Result<StoreId, CentralError> {
    let what = format!("order {order}");
    let stores = tx.stores_of_order(order)?;
    match (named, stores.as_slice()) {
        (Some(store), stores) if stores.contains(&store) => Ok(store),
        (None, [only]) => Ok(*only),
        (Some(_), _) | (None, []) => Err(CentralError::NotFound { what }),
        (None, several) => {
            let stores = several.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            Err(CentralError::Ambiguous { what, stores })
        }
    }
}

fn view(tx: &Tx<'_>, store: StoreId, order: OrderId) -> Result<OrderView, CentralError> {
    let row = tx.order(store, order)?.ok_or_else(|| CentralError::NotFound { what: format!("order {order}") })?;
    let currency = needed_store(tx, store)?.currency;
    Ok(OrderView::of(&row, &currency, tx.history(store, Subject::Order(order))?))
}

fn needed_store(tx: &Tx<'_>, store: StoreId) -> Result<aisle_domain::Store, CentralError> {
    tx.store(store)?.ok_or_else(|| CentralError::NotFound { what: format!("store {store}") })
}

fn cut_page<T>(mut rows: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Page<T> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = if more { rows.last().map(cursor) } else { None };
    Page { items: rows, next }
}

/// The number behind which a list goes on.
fn after(cursor: Option<&str>) -> Result<i64, CentralError> {
    cursor.map_or(Ok(0), |text| {
        text.parse().map_err(|_| CentralError::BadValue { what: format!("\"{text}\" is no cursor of this list") })
    })
}

impl Centre {
    /// A store's orders by number, those in one of `statuses` (all where none is named), beyond the cursor `after`.
    pub fn list_orders(
        &self,
        store: StoreId,
        statuses: &[OrderStatus],
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page<OrderView>, CentralError> {
        let limit = limit.clamp(1, MOST);
        let mut from = after(cursor)?;
        self.ledger()?.read(|tx| {
            let currency = needed_store(tx, store)?.currency;
            let mut found = Vec::new();
            loop {
                let step = tx.orders(store, from, STEP)?;
                let Some(last) = step.last() else { break };
                from = last.order_id.get();
                let wanted = step.iter().filter(|o| statuses.is_empty() || statuses.contains(&o.status));
                found.extend(wanted.map(|o| OrderView::of(o, &currency, Vec::new())));
                if found.len() > usize::try_from(limit).unwrap_or(usize::MAX) {
                    break;
                }
            }
            Ok(cut_page(found, limit, |o: &OrderView| o.order_id.to_string()))
        })
    }

    /// One order with its history. The store need only be named where several have an order of this number.
    pub fn show_order(&self, store: Option<StoreId>, order: OrderId) -> Result<OrderView, CentralError> {
        self.ledger()?.read(|tx| view(tx, store_of(tx, store, order)?, order))
    }

    /// Cancels an order for the customer. Final. The row's reason is `cancelled`; the one given here stands in its
    /// history.
    ///
    /// # Errors
    /// [`CentralError::Refused`] when the order is decided already.
    pub fn cancel_order(
        &self,
        store: Option<StoreId>,
        order: OrderId,
        reason: &str,
    ) -> Result<OrderView, CentralError> {
        if reason.trim().is_empty() {
            return Err(CentralError::BadValue {
                what: "a cancellation needs a reason, such as cancelled".into(),
            });
        }
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = store_of(tx, store, order)?;
            cancel(tx, (store, order), reason, now)?;
            view(tx, store, order)
        })
    }

    /// Gives an order another authorised range; the one before stays known.
    ///
    /// # Errors
    /// [`CentralError::BadValue`] unless 0 <= lo <= hi.
    pub fn set_range(
        &self,
        store: Option<StoreId>,
        order: OrderId,
        lo: Money,
        hi: Money,
    ) -> Result<OrderView, CentralError> {
        if lo < Money::ZERO || hi < lo {
            return Err(CentralError::BadValue {
                what: format!(
                    "[{lo}, {hi}] is no range; the lower end is zero or more and not above the upper end"
                ),
            });
        }
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = store_of(tx, store, order)?;
            let facts = serde_json::json!({ "amount_lo": lo, "amount_hi": hi });
            change_order(tx, (store, order), "range.set", Some(facts), now, |row| {
                let version = row.range.as_ref().map_or(0, |r| r.version) + 1;
                row.range = Some(AmountRange {
                    amount_lo: lo,
                    amount_hi: hi,
                    version,
                    set_at: now,
                    set_by: "central".into(),
                });
                Ok(())
            })?;
            view(tx, store, order)
        })
    }

    /// Adds a payment to an order, by the next number of central's own counter. On an order that is in no state for
    /// it, it is kept and changes no status.
    ///
    /// # Errors
    /// [`CentralError::BadValue`] for a negative amount.
    pub fn add_payment(
        &self,
        store: Option<StoreId>,
        order: OrderId,
        amount: Money,
    ) -> Result<PaymentView, CentralError> {
        if amount < Money::ZERO {
            return Err(CentralError::BadValue {
                what: format!("{amount} is negative; a payment is zero or more"),
            });
        }
        let now = self.now();
        self.ledger()?.write(|tx| {
            let store = store_of(tx, store, order)?;
            let payment = new_payment(tx, (store, order), amount, now)?;
            let id = payment.payment_id;
            let facts = serde_json::json!({ "payment": id, "amount": amount });
            change_order(tx, (store, order), "payment.received", Some(facts), now, |row| {
                row.receive_payment(payment);
                Ok(())
            })?;
            let view = view(tx, store, order)?;
            view.payments
                .into_iter()
                .find(|p| p.payment_id == id)
                .ok_or_else(|| CentralError::NotFound { what: format!("payment {id}") })
        })
    }

    /// Begins another history, for a database that was restored from a backup: every row goes down the feeds anew,
    /// and the desks mirror it anew and send again what this history does not know.
    pub fn new_epoch(&self) -> Result<EpochView, CentralError> {
        let now = self.now();
        let mut ledger = self.ledger()?;
        let epoch = ledger.write(|tx| {
            let epoch = tx.new_epoch(&self.chance)?;
            tx.stores()?.iter().try_for_each(|store| tx.begin_refill(store.store_id))?;
            Ok(epoch)
        })?;
        let mut rows = 0;
        while let Some(sent) = ledger.write(|tx| tx.refill_some(now))? {
            rows += sent;
        }
        Ok(EpochView { epoch, rows })
    }
}

/// Cancels an order for the customer.
pub(crate) fn cancel(
    tx: &Tx<'_>,
    key: (StoreId, OrderId),
    reason: &str,
    now: Timestamp,
) -> Result<(), CentralError> {
    let facts = serde_json::json!({ "reason": reason });
    change_order(tx, key, "order.cancelled", Some(facts), now, |row| {
        row.cancel(Reasons::CANCELLED, "central", now).map_err(|e| Refusal::from(e).into())
    })
}

/// A payment that comes in now.
pub(crate) fn new_payment(
    tx: &Tx<'_>,
    (store_id, order_id): (StoreId, OrderId),
    amount: Money,
    now: Timestamp,
) -> Result<Payment, CentralError> {
    Ok(Payment {
        payment_id: tx.next_payment_id()?,
        order_id,
        store_id,
        amount,
        made_at: now,
        decide_by: Some(now.plus_millis(DECIDE_WITHIN_MS)),
        status: None,
        reason: None,
        decided_by: None,
        decided_at: None,
    })
}

//! Orders: the queue, one order, accepting and rejecting.

use std::collections::BTreeSet;

use aisle_domain::{
    Change, ItemId, OrderId, OrderStatus, ShopperId, Subject, Timestamp,
    change::{
        Audience, DueSet, OrderAccepted, OrderClaimed, OrderNoted, OrderRejected, RangeRequested, ShopperRated,
    },
};
use aisle_mirror::{AuditEntry, OrderFilter, alarms, audit, orders, outbox};

use crate::{
    days,
    desk::Desk,
    error::AppError,
    present,
    staff::ManagerPin,
    views::{ActReceipt, HistoryEntry, OrderCard, OrderDetail, OrderQueue, Page, Undo},
    wording::Words,
};

const QUEUE_LIMIT: usize = 1000;
const DECIDED_LIMIT: usize = 50;
const HISTORY_LIMIT: usize = 500;

/// Why an order is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rejection {
    /// A code of the store's list.
    pub reason: String,
    /// The lines that fail.
    pub items: Vec<ItemId>,
    /// What staff wrote.
    pub note: Option<String>,
}

/// Why a payment outside its range is approved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ApprovalReason {
    /// For an amount below the range.
    pub reason: Option<String>,
    /// For an amount above it, by a manager.
    pub override_reason: Option<String>,
    /// The manager, where it is not the person who is signed in.
    pub manager: Option<ManagerPin>,
}

/// Puts an accept into the timeline that this desk knows from the order's row only.
fn tell_accept_elsewhere(history: &mut Vec<HistoryEntry>, order: &aisle_domain::Order, entries: &[AuditEntry]) {
    let Some(at) = order.accepted_at else { return };
    if entries.iter().any(|entry| entry.kind == "order.accepted" && entry.at == at) {
        return;
    }
    let later = |entry: &HistoryEntry| entry.at.parse::<Timestamp>().is_ok_and(|other| other > at);
    let place = history.iter().position(later).unwrap_or(history.len());
    let entry = HistoryEntry {
        at: at.to_string(),
        kind: "accepted".into(),
        text: "Order accepted".into(),
        by: order.accepted_by.clone(),
        desk: None,
        change_id: None,
        state: None,
        reason: None,
    };
    history.insert(place, entry);
}

impl Desk {
    /// The queue in groups of urgency: open orders by age, then what was decided today.
    pub fn queue(&self) -> Result<OrderQueue, AppError> {
        let store = self.store()?;
        let since = days::begun(&store, self.now(), 0);
        let filter = OrderFilter {
            statuses: vec![OrderStatus::New, OrderStatus::Running, OrderStatus::Pending],
            limit: QUEUE_LIMIT,
            ..OrderFilter::default()
        };
        let (open, decided, decided_total, unheard) = self.mirror.read(|conn| {
            let (decided, total) = orders::decided_since(conn, since, DECIDED_LIMIT)?;
            Ok((orders::list(conn, &filter)?, decided, total, alarms::unheard(conn)?))
        })?;
        let unheard: BTreeSet<OrderId> = unheard.into_iter().map(|(order, _, _)| order).collect();
        let mut queue = OrderQueue {
            stop: Vec::new(),
            new: Vec::new(),
            payment: Vec::new(),
            picking: Vec::new(),
            decided: Vec::new(),
            decided_total,
        };
        for order in &open {
            let card = self.card(order, &store, &unheard)?;
            match order.status {
                OrderStatus::New => queue.new.push(card),
                OrderStatus::Pending => queue.payment.push(card),
                _ => queue.picking.push(card),
            }
        }
        for order in &decided {
            let card = self.card(order, &store, &unheard)?;
            if card.cancelled && card.unheard { queue.stop.push(card) } else { queue.decided.push(card) }
        }
        Ok(queue)
    }

    pub(crate) fn card(
        &self,
        order: &aisle_domain::Order,
        store: &aisle_domain::Store,
        unheard: &BTreeSet<OrderId>,
    ) -> Result<OrderCard, AppError> {
        let worst = self.mirror.read(|conn| outbox::worst_state(conn, Subject::Order(order.order_id)))?;
        Ok(present::card(order, store, present::sync_state(worst), unheard.contains(&order.order_id)))
    }

    /// A page of orders in the order of their queueing, for the command line.
    pub fn list_orders(&self, filter: &OrderFilter) -> Result<Page<OrderDetail>, AppError> {
        let rows = self.mirror.read(|conn| orders::list(conn, filter))?;
        let next = (rows.len() >= filter.limit)
            .then(|| rows.last().map(|o| format!("{}:{}", o.queued_time.millis(), o.order_id)))
            .flatten();
        let items = rows.iter().map(|order| self.detail(order)).collect::<Result<_, _>>()?;
        Ok(Page { items, next })
    }

    /// One order with its timeline.
    pub fn order(&self, id: OrderId) -> Result<OrderDetail, AppError> {
        self.detail(&self.require_order(id)?)
    }

    fn detail(&self, order: &aisle_domain::Order) -> Result<OrderDetail, AppError> {
        let store = self.store()?;
        let subject = Subject::Order(order.order_id);
        let (changes, worst, entries, of_customer) = self.mirror.read(|conn| {
            Ok((
                outbox::of_subject(conn, subject)?,
                outbox::worst_state(conn, subject)?,
                audit::of_subject(conn, subject, HISTORY_LIMIT)?,
                orders::count_of_user(conn, order.user_id)?,
            ))
        })?;
        let words = Words { store: &store, name_of: &|id| self.name_in(order, id) };
        let undo = changes.iter().rev().find(|row| row.is_undoable()).map(|row| Undo {
            change_id: row.change_id.to_string(),
            text: words.change(&row.change),
            hold_ms: self.hold_ms(row.change_id).unwrap_or(0),
        });
        let substitutes = self.substitutes(order)?;
        let mut detail = present::detail(order, &store, &substitutes, present::sync_state(worst), of_customer);
        detail.history = words.timeline(&entries);
        tell_accept_elsewhere(&mut detail.history, order, &entries);
        detail.undo = undo;
        detail.needs_eyes = self.needs_eyes(order, &store)?;
        detail.will_be_refused =
            changes.iter().find_map(|row| row.will_be_refused.as_ref().map(ToString::to_string));
        Ok(detail)
    }

    /// Accepts a new order: picking begins.
    pub fn accept(&self, id: OrderId, hold: bool) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.status;
        let receipt = self.act(Change::OrderAccepted(OrderAccepted { order: id, from }), hold, None)?;
        // At a terminal nobody waits beside a printer.
        if self.has_line() {
            self.print_accepted(id);
        }
        Ok(receipt)
    }

    /// Rejects an order that is new or being picked.
    pub fn reject(&self, id: OrderId, why: &Rejection, hold: bool) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.status;
        let change = OrderRejected {
            order: id,
            from,
            reason: why.reason.clone(),
            lines: why.items.clone(),
            note: why.note.clone(),
        };
        self.act(Change::OrderRejected(change), hold, None)
    }

    /// Sets the time that is promised for one order.
    pub fn set_due(&self, id: OrderId, to: Option<Timestamp>) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.due_at;
        if let Some(to) = to {
            self.check_to_come(to)?;
        }
        self.act(Change::DueSet(DueSet { order: id, from, to }), false, None)
    }

    /// Takes care of an order.
    pub fn claim(&self, id: OrderId) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.claimed_by;
        let to = Some(self.person()?);
        self.act(Change::OrderClaimed(OrderClaimed { order: id, from, to }), false, None)
    }

    /// Leaves an order to whoever takes it next.
    pub fn unclaim(&self, id: OrderId) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.claimed_by;
        self.act(Change::OrderClaimed(OrderClaimed { order: id, from, to: None }), false, None)
    }

    /// Asks central for a new range.
    pub fn ask_range(&self, id: OrderId) -> Result<ActReceipt, AppError> {
        let range_version = self.require_order(id)?.range.map(|range| range.version);
        self.act(Change::RangeRequested(RangeRequested { order: id, range_version }), false, None)
    }

    /// Writes a note to colleagues or to the customer.
    pub fn note(&self, id: OrderId, audience: Audience, text: &str) -> Result<ActReceipt, AppError> {
        self.require_order(id)?;
        if text.trim().is_empty() || text.chars().count() > 2000 {
            let message = "a note has 1 to 2000 characters".into();
            return Err(AppError::Input { code: "bad_value", message });
        }
        let change = OrderNoted { order: id, audience, text: text.trim().into() };
        self.act(Change::OrderNoted(change), false, None)
    }

    /// Rates whoever shopped the order.
    ///
    /// # Errors
    /// `not_found` where it is not known who does.
    pub fn rate_shopper(&self, id: OrderId, rating: u8) -> Result<ActReceipt, AppError> {
        let shopper = self.require_order(id)?.shopper.map(|shopper| shopper.shopper_id);
        let missing = || AppError::NotFound(format!("shopper of order {id}"));
        self.rate(id, shopper.ok_or_else(missing)?, rating)
    }

    /// Rates the shopper of an order.
    pub fn rate(&self, id: OrderId, shopper: ShopperId, rating: u8) -> Result<ActReceipt, AppError> {
        let from = self.require_order(id)?.shopper.and_then(|s| s.rating);
        self.act(Change::ShopperRated(ShopperRated { order: id, shopper, from, rating }), false, None)
    }
}

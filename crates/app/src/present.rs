//! From the domain to views. Pure: what is shown follows from the rows alone.

use std::collections::BTreeMap;

use aisle_domain::{
    AmountRange, Currency, Item, ItemId, LineState, Money, Order, OrderLine, OrderStatus, Payment, Reasons,
    ReceiptLine, Store, StoreId,
    order::Receipt,
    receipt::{self, Difference, LineMatch},
};
use aisle_mirror::ChangeState;

use crate::picking::shelf_prices;
use crate::views::{
    DifferenceView, ItemView, LineView, OrderCard, OrderDetail, PaymentView, RangeView, ReasonView, ReasonsView,
    ReceiptLineView, ReceiptView, ShopperView, StoreView, SyncState,
};

/// Placed this long before central could queue it here: it waited for the line. Replayed orders of long ago did not.
const LATE_ARRIVAL_MS: std::ops::Range<i64> = 10 * 60 * 1000..24 * 60 * 60 * 1000;

/// The store before central has sent its row.
pub(crate) fn unknown_store(store_id: StoreId) -> Store {
    Store {
        store_id,
        name: format!("Store {store_id}"),
        address1: "not known yet".into(),
        address2: None,
        city: None,
        state: None,
        country: None,
        postal_code: None,
        currency: Currency("USD".into()),
        time_zone: "UTC".into(),
        day_starts: 0,
        durability: aisle_domain::store::Durability::default(),
        policies: aisle_domain::Policies::default(),
        reasons: Reasons::default(),
        paused_until: None,
        busy_minutes: None,
        busy_until: None,
        version: 0,
    }
}

pub(crate) fn store(store: &Store) -> StoreView {
    let reasons = |list: &[aisle_domain::Reason]| list.iter().map(ReasonView::from).collect();
    StoreView {
        store_id: store.store_id.to_string(),
        name: store.name.clone(),
        city: store.city.clone(),
        currency: store.currency.0.clone(),
        time_zone: store.time_zone.clone(),
        reasons: ReasonsView {
            reject: reasons(&store.reasons.reject),
            decline: reasons(&store.reasons.decline),
            approve_outside: reasons(&store.reasons.approve_outside),
        },
        paused_until: store.paused_until.map(|at| at.to_string()),
        busy_minutes: store.busy_minutes,
        busy_until: store.busy_until.map(|at| at.to_string()),
    }
}

pub(crate) fn sync_state(worst: Option<ChangeState>) -> Option<SyncState> {
    worst.map(|state| match state {
        ChangeState::Refused => SyncState::Refused,
        ChangeState::Held | ChangeState::Ready => SyncState::Saved,
        ChangeState::Sent => SyncState::Sent,
        ChangeState::Received => SyncState::Received,
    })
}

/// The range in force, or the one that the store's policies give: shown, and named by no decision.
pub(crate) fn effective_range(order: &Order, store: &Store) -> AmountRange {
    order
        .range
        .clone()
        .unwrap_or_else(|| AmountRange::derive(order.expected(), &store.policies, 0, order.queued_time, "desk"))
}

/// The range's version that a decision names: none for a derived one.
pub(crate) fn version_to_name(order: &Order) -> Option<i64> {
    order.range.as_ref().map(|range| range.version).filter(|version| *version > 0)
}

fn range(range: &AmountRange) -> RangeView {
    RangeView { lo: range.amount_lo.to_string(), hi: range.amount_hi.to_string(), version: range.version }
}

fn difference(part: &Difference) -> DifferenceView {
    DifferenceView {
        kind: part.kind,
        amount: part.amount.to_string(),
        item_id: part.item_id.map(|id| id.to_string()),
        name: part.name.clone(),
    }
}

/// Ended for the customer: somebody may be picking it. One that was missed concerns nobody any more.
fn is_cancelled(order: &Order) -> bool {
    order.is_ended_by_central() && order.reason.as_deref() != Some(Reasons::MISSED)
}

fn customer(order: &Order) -> String {
    order.customer_name.clone().unwrap_or_else(|| format!("Customer {}", order.user_id))
}

pub(crate) fn payment(order: &Order, payment: &Payment, store: &Store, sync: Option<SyncState>) -> PaymentView {
    let in_force = effective_range(order, store);
    // What this payment itself has used does not count against it.
    let used = match payment.status {
        Some(aisle_domain::PaymentStatus::Approved) => order.used().minus(payment.amount),
        _ => order.used(),
    };
    PaymentView {
        payment_id: payment.payment_id.to_string(),
        order_id: order.order_id.to_string(),
        display_no: order.display_no.clone(),
        store_id: order.store_id.to_string(),
        amount: payment.amount.to_string(),
        currency: store.currency.0.clone(),
        verdict: Some(in_force.judge(payment.amount, used)),
        range: Some(range(&in_force)),
        status: payment.status,
        decide_by: payment.decide_by.map(|at| at.to_string()),
        paid_at: Some(payment.made_at.to_string()),
        sync,
        difference: receipt::explain(&order.lines, &order.receipts).iter().map(difference).collect(),
    }
}

pub(crate) fn card(order: &Order, store: &Store, sync: Option<SyncState>, unheard: bool) -> OrderCard {
    let waiting = order.waiting_payment().map(|p| payment(order, p, store, None));
    let picked = order.lines.iter().filter(|l| l.state != aisle_domain::LineState::ToPick).count();
    OrderCard {
        order_id: order.order_id.to_string(),
        display_no: order.display_no.clone(),
        status: order.status,
        decision: order.decision,
        cancelled: is_cancelled(order),
        reason: order.reason.clone(),
        customer: customer(order),
        creation_time: order.creation_time.to_string(),
        queued_time: order.queued_time.to_string(),
        accept_by: order.accept_by.map(|at| at.to_string()),
        due_at: order.due_at.map(|at| at.to_string()),
        claimed_by: order.claimed_by.clone(),
        lines: u32::try_from(order.lines.len()).unwrap_or(u32::MAX),
        pieces: order.lines.iter().map(|l| l.quantity).sum::<aisle_domain::Quantity>().to_string(),
        expected: order.expected().to_string(),
        payment: waiting,
        picked_lines: u32::try_from(picked).unwrap_or(u32::MAX),
        decided_at: order.decided_at.map(|at| at.to_string()),
        sync,
        unheard,
        late_arrival: is_late_arrival(order),
    }
}

pub(crate) fn is_late_arrival(order: &Order) -> bool {
    order.status == OrderStatus::New && LATE_ARRIVAL_MS.contains(&order.queued_time.since(order.creation_time))
}

pub(crate) fn detail(
    order: &Order,
    store: &Store,
    substitutes: &BTreeMap<ItemId, Item>,
    sync: Option<SyncState>,
    of_customer: i64,
) -> OrderDetail {
    let shelf = shelf_prices(substitutes);
    let in_force = effective_range(order, store);
    let used = order.used();
    let matched = receipt::match_lines(&order.lines, &order.receipts);
    let parts = receipt::explain(&order.lines, &order.receipts);
    let has_receipt = !order.receipts.is_empty();
    let lines = matched
        .lines
        .iter()
        .map(|(line, bought)| LineView {
            substitute_name: substitute_name(order, line, substitutes),
            picked_total: (line.state != LineState::ToPick).then(|| line.picked_total(&shelf).to_string()),
            ..line_view(line, bought.as_ref().filter(|_| has_receipt), has_receipt, &parts)
        })
        .collect();
    OrderDetail {
        order_id: order.order_id.to_string(),
        display_no: order.display_no.clone(),
        store_id: order.store_id.to_string(),
        user_id: order.user_id.to_string(),
        customer: customer(order),
        customer_orders: of_customer,
        status: order.status,
        decision: order.decision,
        reason: order.reason.clone(),
        decided_by: order.decided_by.clone(),
        decided_at: order.decided_at.map(|at| at.to_string()),
        cancelled: is_cancelled(order),
        creation_time: order.creation_time.to_string(),
        queued_time: order.queued_time.to_string(),
        accept_by: order.accept_by.map(|at| at.to_string()),
        due_at: order.due_at.map(|at| at.to_string()),
        claimed_by: order.claimed_by.clone(),
        version: order.version,
        range: Some(range(&in_force)),
        expected: order.expected().to_string(),
        picked: order.picked(&shelf).to_string(),
        forecast: order.forecast(&shelf).to_string(),
        headroom_lo: Some(in_force.amount_lo.minus(used).max(Money::ZERO).to_string()),
        headroom_hi: Some(in_force.amount_hi.minus(used).max(Money::ZERO).to_string()),
        ceiling: Some(in_force.ceiling(&store.policies).to_string()),
        currency: store.currency.0.clone(),
        note: order.note.clone(),
        substitution: order.substitution.clone(),
        payment_expected: order.payment_expected,
        lines,
        payments: order.payments.iter().map(|p| payment(order, p, store, sync)).collect(),
        receipt: order.receipts.last().map(receipt_view),
        extra: matched.extra.iter().map(|line| receipt_line(line)).collect(),
        difference: parts.iter().map(difference).collect(),
        shopper: order
            .shopper
            .as_ref()
            .map(|s| ShopperView { shopper_id: s.shopper_id.to_string(), rating: s.rating }),
        sync,
        history: Vec::new(),
        undo: None,
        will_be_refused: None,
        late_arrival: is_late_arrival(order),
        needs_eyes: None,
    }
}

/// The name of what lies in the basket instead: as the receipt has it, else as the catalog does.
fn substitute_name(order: &Order, line: &OrderLine, substitutes: &BTreeMap<ItemId, Item>) -> Option<String> {
    let id = line.substitute?;
    let bought = order.receipts.iter().flat_map(|r| &r.lines).find(|l| l.item_id == Some(id));
    bought.map(|l| &l.name).or_else(|| substitutes.get(&id).map(|item| &item.name)).cloned()
}

/// What a line and the receipt say by themselves.
fn line_view(line: &OrderLine, bought: Option<&LineMatch>, has_receipt: bool, parts: &[Difference]) -> LineView {
    let own = || parts.iter().filter(|part| part.item_id == Some(line.item_id));
    LineView {
        item_id: line.item_id.to_string(),
        name: line.name.clone(),
        barcode: line.barcode.as_ref().map(ToString::to_string),
        order_unit_price: line.order_unit_price.to_string(),
        quantity: line.quantity.to_string(),
        unit: line.unit.clone(),
        total: line.total().to_string(),
        state: line.state,
        picked_quantity: line.picked_quantity.map(|q| q.to_string()),
        substitute: line.substitute.map(|id| id.to_string()),
        picked_total: None,
        substitute_name: None,
        note: line.note.clone(),
        receipt_total: bought.map(|b| b.total.to_string()),
        receipt_name: bought.map(|b| b.name.clone()),
        difference: has_receipt.then(|| own().map(|part| part.amount).sum::<Money>().to_string()),
        why: own().max_by_key(|part| part.amount.minor().abs()).map(|part| part.kind),
    }
}

fn receipt_line(line: &ReceiptLine) -> ReceiptLineView {
    ReceiptLineView {
        line_no: line.line_no,
        item_id: line.item_id.map(|id| id.to_string()),
        name: line.name.clone(),
        unit_price: line.unit_price.to_string(),
        quantity: line.quantity.to_string(),
        total: line.total().to_string(),
    }
}

fn receipt_view(receipt: &Receipt) -> ReceiptView {
    ReceiptView {
        transaction_id: receipt.transaction_id.to_string(),
        datetime: receipt.datetime.to_string(),
        amount: receipt.amount.to_string(),
        lines: receipt.lines.iter().map(receipt_line).collect(),
    }
}

pub(crate) fn item(item: &aisle_domain::Item, sync: Option<SyncState>) -> ItemView {
    ItemView {
        item_id: item.item_id.to_string(),
        barcode: item.barcode.as_ref().map(ToString::to_string),
        name: item.name.clone(),
        category: item.category.clone(),
        unit_price: item.unit_price.to_string(),
        availability: item.availability,
        available_until: item.available_until.map(|at| at.to_string()),
        version: item.version,
        sync,
    }
}

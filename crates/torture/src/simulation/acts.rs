//! What somebody at a desk does next, given what the desk shows.

use std::collections::BTreeMap;

use aisle_domain::{
    Availability, Change, Field, Item, ItemId, LineState, Money, Order, OrderStatus, Timestamp,
    change::{
        Audience, DueSet, ItemChanged, ItemCreated, ItemDeleted, LineSeen, LineSet, OrderAccepted, OrderClaimed,
        OrderNoted, OrderRejected, OrderSentBack, PaymentApproved, PaymentDeclined, StoreBusy, StorePaused,
    },
    item::{ChangedBy, Edit, ItemEdits},
    range::Verdict,
};
use aisle_mirror::{Mirror, OrderFilter, items, orders};

use aisle_testkit::dice::Dice;

/// The next act, where the desk shows something to act on.
pub(crate) fn next(mirror: &Mirror, dice: &mut Dice, now: Timestamp) -> Option<Change> {
    match dice.below(20) {
        0 => Some(on_store(dice, now)),
        1..8 => on_item(mirror, dice, now),
        _ => on_order(mirror, dice, now),
    }
}

/// What the rule says to do with an order: accept it, approve a payment inside its range, decline any other.
pub(crate) fn by_the_rule(order: &Order) -> Option<Change> {
    if order.status == OrderStatus::New {
        return Some(Change::OrderAccepted(OrderAccepted { order: order.order_id, from: OrderStatus::New }));
    }
    let (payment, range) = (order.waiting_payment()?, order.range.as_ref()?);
    if range.judge(payment.amount, order.used()) == Verdict::Inside {
        return Some(approve(order));
    }
    Some(Change::PaymentDeclined(PaymentDeclined {
        order: order.order_id,
        payment: payment.payment_id,
        amount: payment.amount,
        range_version: Some(range.version),
        reason: "outside_range".into(),
        note: None,
        ends_order: true,
    }))
}

fn on_store(dice: &mut Dice, now: Timestamp) -> Change {
    let until = now.plus_millis(i64::try_from(dice.below(3_600_000)).unwrap());
    if dice.chance(50, 100) {
        Change::StorePaused(StorePaused { until: dice.chance(70, 100).then_some(until) })
    } else {
        Change::StoreBusy(StoreBusy { minutes: u32::try_from(dice.below(60)).unwrap(), until })
    }
}

fn on_order(mirror: &Mirror, dice: &mut Dice, now: Timestamp) -> Option<Change> {
    let filter = OrderFilter { limit: 200, ..OrderFilter::default() };
    let shown = mirror.read(|conn| orders::list(conn, &filter)).ok()?;
    if shown.is_empty() {
        return None;
    }
    let order = dice.pick(&shown).unwrap().clone();
    Some(match (order.status, dice.below(10)) {
        (_, 0) => note(&order, dice),
        (_, 1) => claim(&order, dice),
        (_, 2) => due(&order, dice, now),
        (OrderStatus::New | OrderStatus::Running, 3) => reject(&order, dice),
        (OrderStatus::New, _) => {
            Change::OrderAccepted(OrderAccepted { order: order.order_id, from: OrderStatus::New })
        }
        (OrderStatus::Running, _) if !order.lines.is_empty() => line(&order, dice),
        (OrderStatus::Pending, 3) => decline(&order, dice),
        (OrderStatus::Pending, 4) => sent_back(&order),
        (OrderStatus::Pending, _) => approve(&order),
        _ => note(&order, dice),
    })
}

fn note(order: &Order, dice: &mut Dice) -> Change {
    let audience = if dice.chance(50, 100) { Audience::Staff } else { Audience::Customer };
    Change::OrderNoted(OrderNoted { order: order.order_id, audience, text: format!("note {}", dice.below(1000)) })
}

fn claim(order: &Order, dice: &mut Dice) -> Change {
    let to = dice.chance(80, 100).then(|| format!("Ana {}", dice.below(9)));
    Change::OrderClaimed(OrderClaimed { order: order.order_id, from: order.claimed_by.clone(), to })
}

fn due(order: &Order, dice: &mut Dice, now: Timestamp) -> Change {
    let to = Some(now.plus_millis(i64::try_from(dice.below(7_200_000)).unwrap()));
    Change::DueSet(DueSet { order: order.order_id, from: order.due_at, to })
}

fn reject(order: &Order, dice: &mut Dice) -> Change {
    let out = dice.chance(50, 100) && !order.lines.is_empty();
    Change::OrderRejected(OrderRejected {
        order: order.order_id,
        from: order.status,
        reason: if out { "out_of_stock" } else { "too_busy" }.into(),
        lines: if out { vec![order.lines[0].item_id] } else { Vec::new() },
        note: None,
    })
}

fn line(order: &Order, dice: &mut Dice) -> Change {
    let line = dice.pick(&order.lines).unwrap();
    let state =
        *dice.pick(&[LineState::Found, LineState::Short, LineState::OutOfStock, LineState::ToPick]).unwrap();
    let picked_quantity = (state == LineState::Found).then_some(line.quantity);
    Change::LineSet(LineSet {
        order: order.order_id,
        item: line.item_id,
        from: LineSeen { state: line.state, picked_quantity: line.picked_quantity },
        to: LineSeen { state, picked_quantity },
        substitute: None,
    })
}

fn approve(order: &Order) -> Change {
    let payment = order.waiting_payment();
    Change::PaymentApproved(PaymentApproved {
        order: order.order_id,
        payment: payment.map(|p| p.payment_id),
        amount: payment.map(|p| p.amount),
        range_version: order.range.as_ref().map(|range| range.version),
        reason: Some("weighed".into()),
        override_: None,
    })
}

fn decline(order: &Order, dice: &mut Dice) -> Change {
    let Some(payment) = order.waiting_payment() else { return note(order, dice) };
    Change::PaymentDeclined(PaymentDeclined {
        order: order.order_id,
        payment: payment.payment_id,
        amount: payment.amount,
        range_version: order.range.as_ref().map(|range| range.version),
        reason: "wrong_order".into(),
        note: None,
        ends_order: dice.chance(30, 100),
    })
}

fn sent_back(order: &Order) -> Change {
    match order.waiting_payment() {
        Some(payment) => {
            Change::OrderSentBack(OrderSentBack { order: order.order_id, payment: payment.payment_id, note: None })
        }
        None => claim(order, &mut Dice::new(0)),
    }
}

fn on_item(mirror: &Mirror, dice: &mut Dice, now: Timestamp) -> Option<Change> {
    let shown = mirror.read(|conn| items::page(conn, 0, 100)).ok()?;
    if shown.is_empty() || dice.chance(6, 100) {
        return Some(create(mirror, dice, now));
    }
    let item = dice.pick(&shown).unwrap();
    let mut changes = ItemEdits::default();
    match dice.below(20) {
        0 => return Some(Change::ItemDeleted(ItemDeleted { item: item.item_id })),
        1..5 => changes.name = Some(Edit { from: item.name.clone(), to: format!("Thing {}", dice.below(30)) }),
        5..9 => {
            let to = *dice.pick(&[Availability::Available, Availability::OutOfStock]).unwrap();
            changes.availability = Some(Edit { from: item.availability, to });
        }
        _ => changes.unit_price = Some(Edit { from: item.unit_price, to: price(dice) }),
    }
    Some(Change::ItemChanged(ItemChanged { item: item.item_id, changes }))
}

pub(crate) fn price(dice: &mut Dice) -> Money {
    Money::from_minor(i64::try_from(50 + dice.below(900)).unwrap())
}

fn create(mirror: &Mirror, dice: &mut Dice, now: Timestamp) -> Change {
    // An item that is born at a desk has bit 62 set.
    let number = (1 << 62) | i64::try_from(dice.bits() >> 4).unwrap();
    let by = ChangedBy { by: "Ana".into(), at: now };
    let item = Item {
        item_id: ItemId::new(number).unwrap(),
        store_id: mirror.identity().store_id,
        unit_price: price(dice),
        barcode: None,
        name: format!("New {}", dice.below(100)),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version: 0,
        deleted: false,
        changed: BTreeMap::from([(Field::UnitPrice, by)]),
    };
    Change::ItemCreated(Box::new(ItemCreated { item }))
}

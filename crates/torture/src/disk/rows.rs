//! Rows of central's and changes of staff's, for a small store.

use aisle_contract::{ChangeRefused, DeskAck, DownBody, DownMessage, Incoming, down::CentralPosition};
use aisle_domain::{
    AmountRange, Availability, Change, ChangeId, Currency, DeskId, Epoch, Incarnation, Item, ItemId, Lane,
    LineState, Money, Order, OrderId, OrderLine, OrderStatus, Payment, PaymentId, Quantity, Refusal, Store,
    StoreId, Timestamp, UserId,
    change::{Audience, ItemChanged, OrderAccepted, OrderNoted, PaymentApproved},
    item::{Edit, ItemEdits},
};
use aisle_mirror::{FeedEntry, NewDesk};
use uuid::Uuid;

pub(crate) const CLUSTER: &str = "cluster-a";
pub(crate) const ORDERS: i64 = 6;
pub(crate) const ITEMS: i64 = 12;
/// Orders from this number on have a payment that waits.
const PAID_FROM: i64 = 4;

pub(crate) const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + seconds * 1000)
}

pub(crate) fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

pub(crate) fn order_id(number: i64) -> OrderId {
    OrderId::new(number).unwrap()
}

pub(crate) fn item_id(number: i64) -> ItemId {
    ItemId::new(number).unwrap()
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub(crate) fn new_desk() -> NewDesk {
    NewDesk {
        store_id: store_id(),
        desk_id: DeskId(Uuid::from_u128(7)),
        incarnation: Incarnation(0xa1),
        desk_name: "Front desk".into(),
        at: at(0),
    }
}

pub(crate) fn entry(offset: i64, body: DownBody) -> FeedEntry {
    let record = Incoming {
        topic: "aisle.store.367".into(),
        partition: 0,
        offset,
        written_at: at(offset),
        key: body.key().map(String::into_bytes),
        headers: Vec::new(),
        value: Some(b"{}".to_vec()),
    };
    let message = Ok(DownMessage { epoch: Some(Epoch(Uuid::from_u128(99))), body });
    FeedEntry { offset, written_at: at(offset), record, message }
}

pub(crate) fn store(version: i64) -> DownBody {
    DownBody::Store(Box::new(Store {
        store_id: store_id(),
        name: "Corner Market".into(),
        address1: "1 Main Street".into(),
        address2: None,
        city: Some("Springfield".into()),
        state: None,
        country: None,
        postal_code: None,
        currency: Currency("USD".into()),
        time_zone: "America/Chicago".into(),
        day_starts: 240,
        durability: aisle_domain::store::Durability::All,
        policies: aisle_domain::Policies::default(),
        reasons: aisle_domain::Reasons::default(),
        paused_until: None,
        busy_minutes: None,
        busy_until: None,
        version,
    }))
}

/// An order of 20.00, from a certain number on with a payment that waits.
pub(crate) fn order(number: i64, version: i64) -> DownBody {
    let line = |item: i64, price: &str, thousandths| OrderLine {
        item_id: item_id(item),
        name: format!("Item {item}"),
        barcode: None,
        order_unit_price: money(price),
        quantity: Quantity::from_thousandths(thousandths).unwrap(),
        unit: "each".into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    };
    let paid = (PAID_FROM..=ORDERS).contains(&number);
    let payment = Payment {
        payment_id: payment_id(number),
        order_id: order_id(number),
        store_id: store_id(),
        amount: money("19.00"),
        made_at: at(50),
        decide_by: None,
        status: None,
        reason: None,
        decided_by: None,
        decided_at: None,
    };
    DownBody::Order(Box::new(Order {
        order_id: order_id(number),
        store_id: store_id(),
        user_id: UserId::new(500 + number).unwrap(),
        creation_time: at(-60),
        status: if paid { OrderStatus::Pending } else { OrderStatus::New },
        queued_time: at(number),
        accept_by: Some(at(number + 600)),
        due_at: None,
        display_no: format!("{:04}", number % 10_000),
        customer_name: Some(format!("Mary Miller {number}")),
        note: Some("m".repeat(usize::try_from(version * 37 % 2500).unwrap())),
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        accepted_by: None,
        accepted_at: None,
        version,
        lines: vec![line(1, "5.00", 2000), line(2, "10.00", 1000)],
        range: Some(AmountRange {
            amount_lo: money("14.00"),
            amount_hi: money("22.00"),
            version: 1,
            set_at: at(number),
            set_by: "central".into(),
        }),
        payments: if paid { vec![payment] } else { Vec::new() },
        receipts: Vec::new(),
        shopper: None,
    }))
}

fn payment_id(order: i64) -> PaymentId {
    PaymentId::new(9000 + order).unwrap()
}

pub(crate) fn item(number: i64, version: i64) -> DownBody {
    DownBody::Item(Box::new(Item {
        item_id: item_id(number),
        store_id: store_id(),
        unit_price: Money::from_minor(199 + version % 7 * 10),
        barcode: Some(format!("20{number:011}").parse().unwrap()),
        name: format!("Whole milk {number}"),
        category: Some("Dairy".into()),
        availability: Availability::Available,
        available_until: None,
        version,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }))
}

pub(crate) fn ack(incarnation: Incarnation, lane: Lane, expected: i64) -> DownBody {
    DownBody::Ack(Box::new(DeskAck {
        desk: new_desk().desk_id,
        incarnation,
        lane,
        expected,
        position: CentralPosition { cluster: CLUSTER.into(), partition: 3, offset: 40 },
        elsewhere: Vec::new(),
        central_time: at(600),
        heartbeat: None,
        last: None,
        forked: false,
        numberings: None,
        refused: Vec::new(),
    }))
}

pub(crate) fn refused(change_id: ChangeId) -> DownBody {
    let refusal = Refusal::RangeChanged;
    let message = refusal.to_string();
    DownBody::Refused(Box::new(ChangeRefused {
        change_id,
        desk: new_desk().desk_id,
        refusal,
        message,
        at: at(600),
    }))
}

pub(crate) fn accept(number: i64) -> Change {
    Change::OrderAccepted(OrderAccepted { order: order_id(number), from: OrderStatus::New })
}

pub(crate) fn note(number: i64, text: String) -> Change {
    Change::OrderNoted(OrderNoted { order: order_id(number), audience: Audience::Staff, text })
}

pub(crate) fn approve(number: i64) -> Change {
    Change::PaymentApproved(PaymentApproved {
        order: order_id(number),
        payment: Some(payment_id(number)),
        amount: Some(money("19.00")),
        range_version: Some(1),
        reason: None,
        override_: None,
    })
}

pub(crate) fn price(item: &Item, to: i64) -> Change {
    let unit_price = Some(Edit { from: item.unit_price, to: Money::from_minor(to) });
    Change::ItemChanged(ItemChanged {
        item: item.item_id,
        changes: ItemEdits { unit_price, ..ItemEdits::default() },
    })
}

//! One order and one item, as central would send them, and what staff do to them.

use aisle_contract::{DownBody, Outgoing, TopicNames, down::FeedRecord};
use aisle_domain::{
    Availability, Change, Epoch, Item, ItemId, Lane, Order, OrderId, OrderStatus, StoreId, Timestamp, UserId,
    change::{Audience, ItemChanged, OrderNoted},
    item::{Edit, ItemEdits},
};
use uuid::Uuid;

pub(crate) const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

pub(crate) fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

fn order(number: i64, version: i64) -> DownBody {
    DownBody::Order(Box::new(Order {
        order_id: OrderId::new(number).unwrap(),
        store_id: store_id(),
        user_id: UserId::new(500).unwrap(),
        creation_time: NOON,
        status: OrderStatus::New,
        queued_time: NOON,
        accept_by: None,
        due_at: None,
        display_no: "0001".into(),
        customer_name: None,
        note: None,
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
        lines: Vec::new(),
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    }))
}

fn item(number: i64, version: i64) -> DownBody {
    DownBody::Item(Box::new(Item {
        item_id: ItemId::new(number).unwrap(),
        store_id: store_id(),
        unit_price: "1.99".parse().unwrap(),
        barcode: None,
        name: "Whole milk".into(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }))
}

/// The row that each feed gets in this phase; the first is what staff act on.
pub(crate) fn feed(lane: Lane, phase: i64) -> Outgoing {
    let body = match lane {
        Lane::Orders => order(1 + phase, 1),
        Lane::Catalog => item(10 + phase, 1),
    };
    let record = FeedRecord::of(lane, &body).unwrap().unwrap();
    record.encode(&TopicNames::default(), store_id(), Epoch(Uuid::from_u128(99)), 1 + phase, NOON)
}

/// What staff do in this phase, in this lane.
pub(crate) fn act(lane: Lane, phase: i64) -> Change {
    match lane {
        Lane::Orders => Change::OrderNoted(OrderNoted {
            order: OrderId::new(1).unwrap(),
            audience: Audience::Staff,
            text: format!("note {phase}"),
        }),
        Lane::Catalog => {
            let name = |phase: i64| if phase == 0 { "Whole milk".to_owned() } else { format!("Milk {phase}") };
            let edit = Some(Edit { from: name(phase), to: name(phase + 1) });
            Change::ItemChanged(ItemChanged {
                item: ItemId::new(10).unwrap(),
                changes: ItemEdits { name: edit, ..ItemEdits::default() },
            })
        }
    }
}

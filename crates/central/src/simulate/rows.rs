//! The files' rows as central's.

use aisle_domain::{
    AmountRange, Availability, BadId, Item, LineState, Order, OrderId, OrderLine, OrderStatus, Receipt,
    ReceiptLine, Store, StoreId, Timestamp,
};

use super::{
    SimulateOptions, Speed,
    input::{Input, InputItem, InputOrder, InputReceipt},
    plan,
};
use crate::error::CentralError;

pub(super) fn bad_id(error: &BadId) -> CentralError {
    CentralError::BadValue { what: error.to_string() }
}

pub(super) fn receipt_row((store_id, order_id): (StoreId, OrderId), input: &InputReceipt) -> Receipt {
    let lines = (1_u32..)
        .zip(&input.lines)
        .map(|(line_no, (line, name))| ReceiptLine {
            line_no,
            item_id: Some(line.item_id),
            name: name.clone(),
            unit_price: line.unit_price,
            quantity: line.quantity,
        })
        .collect();
    Receipt {
        transaction_id: input.transaction_id,
        order_id,
        store_id,
        datetime: input.datetime,
        amount: input.amount,
        lines,
    }
}

pub(super) fn item_row(store_id: StoreId, item: &InputItem) -> Item {
    Item {
        item_id: item.item_id,
        store_id,
        unit_price: item.unit_price,
        barcode: item.barcode.clone(),
        name: item.name.clone(),
        category: item.category.clone(),
        availability: Availability::Available,
        available_until: None,
        version: 0,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }
}

pub(super) fn order_row(
    store: &Store,
    input: &Input,
    order: &InputOrder,
    options: &SimulateOptions,
    now: Timestamp,
) -> Result<Order, CentralError> {
    let lines = order
        .lines
        .iter()
        .map(|line| {
            let item = input
                .item(line.item_id)
                .ok_or_else(|| CentralError::NotFound { what: format!("item {} in items.csv", line.item_id) })?;
            Ok(OrderLine {
                item_id: line.item_id,
                name: item.name.clone(),
                barcode: item.barcode.clone(),
                order_unit_price: line.unit_price,
                quantity: line.quantity,
                unit: if line.quantity.thousandths() % 1000 == 0 { "each" } else { "kg" }.into(),
                note: None,
                state: LineState::ToPick,
                picked_quantity: None,
                substitute: None,
            })
        })
        .collect::<Result<Vec<_>, CentralError>>()?;
    let busy = store.busy_until.filter(|until| *until > now).and(store.busy_minutes).unwrap_or(0);
    let deadline = match options.speed {
        Speed::Max => None,
        speed @ Speed::Times(_) => Some(now.plus_millis(speed.scaled(options.accept_within_ms))),
    };
    let digits = order.order_id.to_string();
    let mut row = Order {
        order_id: order.order_id,
        store_id: store.store_id,
        user_id: order.user_id,
        creation_time: order.creation_time,
        status: OrderStatus::New,
        queued_time: now,
        accept_by: deadline,
        due_at: Some(plan::due_at(options.seed, order.order_id, now, busy)),
        display_no: digits.get(digits.len().saturating_sub(4)..).unwrap_or(&digits).into(),
        customer_name: None,
        note: None,
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        version: 0,
        lines,
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    };
    row.range = Some(AmountRange::derive(row.expected(), &store.policies, 1, now, "central"));
    Ok(row)
}

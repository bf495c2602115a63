//! The files' rows as central's.

use aisle_domain::{
    Availability, BadId, Item, Order, OrderId, OrderLine, Receipt, ReceiptLine, Store, StoreId, Timestamp,
};

use super::{
    SimulateOptions, Speed,
    input::{Input, InputItem, InputOrder, InputReceipt},
    plan,
};
use crate::{
    acts::{NewOrder, line_of},
    error::CentralError,
};

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
            let order_unit_price = line.unit_price;
            Ok(OrderLine { order_unit_price, ..line_of(&item_row(store.store_id, item), line.quantity) })
        })
        .collect::<Result<Vec<_>, CentralError>>()?;
    let busy = store.busy_until.filter(|until| *until > now).and(store.busy_minutes).unwrap_or(0);
    let accept_by = match options.speed {
        Speed::Max => None,
        speed @ Speed::Times(_) => Some(now.plus_millis(speed.scaled(options.accept_within_ms))),
    };
    let new = NewOrder {
        order_id: order.order_id,
        user_id: order.user_id,
        creation_time: order.creation_time,
        accept_by,
        due_at: Some(plan::due_at(options.seed, order.order_id, now, busy)),
        payment_expected: true,
        lines,
    };
    Ok(new.row(store, now))
}

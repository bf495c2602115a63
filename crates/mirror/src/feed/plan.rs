//! What a record of a feed means for this desk, told before anything is written. Pure.

use std::collections::BTreeSet;

use aisle_contract::{ChangeRefused, DeskAck, DigestMessage, DownBody};
use aisle_domain::{Item, ItemId, Lane, Money, Order, OrderId, Store};

use super::FeedEntry;
use crate::mirror::Identity;

const ADDRESS_CHARS: usize = 255;

/// What is to be done with one record.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Meaning<'a> {
    /// It lies before the position: it has been applied.
    Known,
    /// It cannot be applied, and why.
    Park(String),
    /// It is none of this feed's, and why: nothing is missing for it.
    Stray(String),
    /// A word for another desk or an older numbering, something that was compacted away, or a mere sign of life.
    Nothing,
    /// Central's whole order.
    Order(&'a Order),
    /// Central's whole item.
    Item(&'a Item),
    /// Central's whole row of the store.
    Store(&'a Store),
    /// This desk's change was refused.
    Refused(&'a ChangeRefused),
    /// This desk's changes have outcomes.
    Ack(&'a DeskAck),
    /// Count and sum of central's rows.
    Digest(&'a DigestMessage),
    /// Central no longer keeps the order.
    OrderGone(OrderId),
    /// Central no longer keeps the item.
    ItemGone(ItemId),
}

/// What a record of `lane` at or behind `start` means, read from the feed of `cluster`.
pub(crate) fn meaning<'a>(
    identity: &Identity,
    (lane, cluster): (Lane, &str),
    start: i64,
    entry: &'a FeedEntry,
) -> Meaning<'a> {
    if entry.offset < start {
        return Meaning::Known;
    }
    let body = match &entry.message {
        Ok(message) => &message.body,
        Err(why) => return Meaning::Park(why.clone()),
    };
    if let Some(why) = astray(identity, lane, body) {
        return Meaning::Stray(why);
    }
    match objection(body) {
        Some(why) => Meaning::Park(why),
        None => accepted(identity, cluster, body),
    }
}

fn accepted<'a>(identity: &Identity, cluster: &str, body: &'a DownBody) -> Meaning<'a> {
    match body {
        DownBody::Order(row) => Meaning::Order(row),
        DownBody::Item(row) => Meaning::Item(row),
        DownBody::Store(row) => Meaning::Store(row),
        DownBody::Refused(refused) if refused.desk == identity.desk_id => Meaning::Refused(refused),
        DownBody::Ack(ack) if is_ours(ack, identity, cluster) => Meaning::Ack(ack),
        DownBody::Digest(digest) => Meaning::Digest(digest),
        DownBody::OrderGone(id) => Meaning::OrderGone(*id),
        DownBody::ItemGone(id) => Meaning::ItemGone(*id),
        DownBody::Refused(_) | DownBody::Ack(_) | DownBody::Heartbeat(_) | DownBody::Gone => Meaning::Nothing,
    }
}

/// An ack that tells of another cluster says nothing here: the refusals that it covers may have been lost with that one,
/// and what has no word is sent again.
fn is_ours(ack: &DeskAck, identity: &Identity, cluster: &str) -> bool {
    ack.desk == identity.desk_id && ack.incarnation == identity.incarnation && ack.position.cluster == cluster
}

/// Why a record does not belong into this feed.
fn astray(identity: &Identity, lane: Lane, body: &DownBody) -> Option<String> {
    let (own_lane, store) = match body {
        DownBody::Order(order) => (Lane::Orders, Some(order.store_id)),
        DownBody::Store(store) => (Lane::Orders, Some(store.store_id)),
        DownBody::Item(item) => (Lane::Catalog, Some(item.store_id)),
        DownBody::OrderGone(_) | DownBody::Heartbeat(_) => (Lane::Orders, None),
        DownBody::ItemGone(_) => (Lane::Catalog, None),
        DownBody::Ack(ack) => (ack.lane, None),
        DownBody::Refused(_) | DownBody::Digest(_) | DownBody::Gone => (lane, None),
    };
    if own_lane != lane {
        return Some(format!("it belongs to the lane {}, not to {}", own_lane.word(), lane.word()));
    }
    let store = store.filter(|store| *store != identity.store_id)?;
    Some(format!("it is a row of store {store}, this desk is of store {}", identity.store_id))
}

/// Why a record that was understood may not be applied all the same.
fn objection(body: &DownBody) -> Option<String> {
    match body {
        DownBody::Order(order) => bad_order(order),
        DownBody::Store(store) if store.address1.is_empty() || store.address1.chars().count() > ADDRESS_CHARS => {
            Some(format!("the first line of the store's address has to have 1 to {ADDRESS_CHARS} characters"))
        }
        DownBody::Item(item) if item.unit_price < Money::ZERO => {
            Some(format!("the price of item {} is {}, below zero", item.item_id, item.unit_price))
        }
        _ => None,
    }
}

fn bad_order(order: &Order) -> Option<String> {
    let id = order.order_id;
    if let Some(range) = order.range.as_ref().filter(|range| range.amount_lo > range.amount_hi) {
        return Some(format!("the range of order {id} goes from {} down to {}", range.amount_lo, range.amount_hi));
    }
    for (index, line) in order.lines.iter().enumerate() {
        if order.lines.iter().take(index).any(|other| other.item_id == line.item_id) {
            return Some(format!("order {id} has item {} on two lines", line.item_id));
        }
    }
    let strays =
        order.payments.iter().any(|p| p.order_id != id) || order.receipts.iter().any(|r| r.order_id != id);
    if strays {
        return Some(format!("order {id} comes with a payment or receipt of another order"));
    }
    let store = order.store_id;
    let foreign =
        order.payments.iter().any(|p| p.store_id != store) || order.receipts.iter().any(|r| r.store_id != store);
    if foreign {
        return Some(format!("order {id} comes with a payment or receipt of another store"));
    }
    bad_number(order).or_else(|| bad_rating(order))
}

/// What one order has twice under one number.
fn bad_number(order: &Order) -> Option<String> {
    let id = order.order_id;
    let payments = order.payments.iter().map(|payment| payment.payment_id);
    if let Some(payment) = first_repeated(payments) {
        return Some(format!("order {id} has payment {payment} twice"));
    }
    let receipts = order.receipts.iter().map(|receipt| receipt.transaction_id);
    if let Some(transaction) = first_repeated(receipts) {
        return Some(format!("order {id} has receipt {transaction} twice"));
    }
    order.receipts.iter().find_map(|receipt| {
        let line = first_repeated(receipt.lines.iter().map(|line| line.line_no))?;
        Some(format!("receipt {} has line {line} twice", receipt.transaction_id))
    })
}

fn first_repeated<T: Ord + Copy>(numbers: impl Iterator<Item = T>) -> Option<T> {
    let mut seen = BTreeSet::new();
    let mut numbers = numbers;
    numbers.find(|number| !seen.insert(*number))
}

fn bad_rating(order: &Order) -> Option<String> {
    let rating = order.shopper.as_ref().and_then(|shopper| shopper.rating)?;
    let is_good = (1..=5).contains(&rating);
    (!is_good).then(|| format!("order {} rates its shopper {rating}, not 1 to 5", order.order_id))
}

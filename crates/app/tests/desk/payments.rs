//! Payments: what may be decided, and what is told where it may not.

use aisle_app::{AppError, ApprovalReason, Rejection};
use aisle_contract::{ChangeRefused, DownBody};
use aisle_domain::{
    AmountRange, DeskId, Lane, Money, Order, OrderStatus, Payment, PaymentId, Refusal, StoreId, Verdict,
};
use aisle_mirror::{feed, outbox};
use uuid::Uuid;

use crate::{
    picking,
    shop::{Shop, now, refused},
    staff::pending,
};

fn id(number: i64) -> PaymentId {
    PaymentId::new(number).unwrap()
}

fn shop_with(order: Order) -> Shop {
    let mut shop = Shop::open();
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    shop
}

fn approve(shop: &Shop, payment: i64) -> Result<String, AppError> {
    shop.desk.approve(id(payment), &ApprovalReason::default(), false).map(|done| done.change_id)
}

/// What is known of the order's payments, and where it is.
fn shown(shop: &Shop) -> (OrderStatus, Vec<Option<&'static str>>) {
    let order = shop.desk.order(picking::order().order_id).unwrap();
    (
        order.status,
        order.payments.iter().map(|payment| payment.status.map(aisle_domain::PaymentStatus::word)).collect(),
    )
}

#[test]
fn a_payment_is_decided_once_and_whoever_comes_second_is_told_and_changes_nothing() {
    let shop = shop_with(pending(700));
    approve(&shop, 1).unwrap();
    let decided = shown(&shop);
    assert_eq!(decided, (OrderStatus::Approved, vec![Some("approved")]));
    let (code, words) = refused(approve(&shop, 1));
    assert_eq!(code, "already_decided");
    assert!(words.contains("Manager"), "{words}");
    assert_eq!(refused(shop.desk.decline(id(1), "outside_range", false, None, false)).0, "already_decided");
    assert_eq!(shown(&shop), decided);
}

#[test]
fn a_payment_that_is_not_here_and_one_of_another_store_are_told_and_nothing_is_decided() {
    let shop = shop_with(pending(700));
    let (code, words) = refused(approve(&shop, 77));
    assert_eq!((code.as_str(), words.contains("77")), ("not_found", true), "{words}");
    let mut foreign = pending(700);
    foreign.payments[0].store_id = StoreId::new(999).unwrap();
    let mut shop = shop_with(picking::order());
    foreign.version = 9;
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(foreign)));
    assert_eq!(refused(approve(&shop, 1)).0, "not_found", "its row is put aside");
    let aside = shop.desk.mirror().read(|conn| feed::parked(conn, 10)).unwrap();
    assert!(aside[0].why.contains("another store"), "{aside:?}");
    assert_eq!(shown(&shop).0, OrderStatus::Running, "what was there stays");
}

#[test]
fn a_range_that_goes_down_is_put_aside_and_the_one_before_holds() {
    let mut shop = shop_with(pending(700));
    let mut order = pending(700);
    order.version = 9;
    let (amount_lo, amount_hi) = (Money::from_minor(900), Money::from_minor(100));
    order.range = Some(AmountRange { amount_lo, amount_hi, version: 1, set_at: now(), set_by: "central".into() });
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    let aside = shop.desk.mirror().read(|conn| feed::parked(conn, 10)).unwrap();
    assert!(aside[0].why.contains("down to"), "{aside:?}");
    approve(&shop, 1).unwrap();
}

#[test]
fn a_decision_on_a_range_that_has_changed_meanwhile_brings_the_payment_back_with_the_reason() {
    let mut shop = shop_with(pending(700));
    let change = approve(&shop, 1).unwrap();
    let mirror = shop.desk.mirror();
    let incarnation = mirror.identity().incarnation;
    let sent = mirror.write(|tx| outbox::cut(tx, Lane::Orders, incarnation, 500, 256 * 1024, now())).unwrap();
    assert_eq!(sent.len(), 1);
    let refusal = ChangeRefused {
        change_id: change.parse().unwrap(),
        desk: DeskId(Uuid::from_u128(7)),
        refusal: Refusal::RangeChanged,
        message: Refusal::RangeChanged.to_string(),
        at: now(),
    };
    shop.feed(Lane::Orders, &DownBody::Refused(Box::new(refusal)));
    assert_eq!(shown(&shop), (OrderStatus::Pending, vec![None]), "it waits for a decision again");
    let history = shop.desk.order(picking::order().order_id).unwrap().history;
    let entry = history.iter().find(|entry| entry.change_id.as_deref() == Some(change.as_str())).unwrap();
    assert_eq!(entry.state, Some("refused"));
    assert!(entry.reason.as_deref().is_some_and(|why| why.contains("range")), "{entry:?}");
    assert_eq!(shop.desk.status().unwrap().waiting.refused, 1);
}

#[test]
fn a_further_payment_counts_what_was_approved_before_and_the_oldest_waits_first() {
    let mut order = pending(300);
    let first = order.payments[0].clone();
    order.payments[0].status = Some(aisle_domain::PaymentStatus::Approved);
    order.payments.push(Payment { payment_id: id(2), amount: Money::from_minor(400), ..first.clone() });
    order.payments.push(Payment { payment_id: id(3), amount: Money::from_minor(400), ..first });
    let shop = shop_with(order);
    let waiting = shop.desk.waiting_payments().unwrap();
    let of: Vec<_> = waiting.iter().map(|payment| (payment.payment_id.as_str(), payment.verdict)).collect();
    assert_eq!(of, [("2", Some(Verdict::Inside))], "3.00 and 4.00 of 5.07 to 7.98; the third queues behind it");
    approve(&shop, 2).unwrap();
    let detail = shop.desk.order(picking::order().order_id).unwrap();
    let third = detail.payments.iter().find(|payment| payment.payment_id == "3").unwrap();
    assert_eq!((third.status, third.verdict), (None, Some(Verdict::Above)), "with 7.00 used already");
}

#[test]
fn a_reason_that_central_does_not_know_is_refused_with_its_word_and_nothing_is_done() {
    let shop = shop_with(pending(700));
    let (code, words) = refused(shop.desk.decline(id(1), "bad_mood", false, None, false));
    assert_eq!((code.as_str(), words.contains("bad_mood")), ("unknown_reason", true), "{words}");
    let why = Rejection { reason: "bad_mood".into(), ..Rejection::default() };
    let running = shop_with(picking::order());
    assert_eq!(refused(running.desk.reject(picking::order().order_id, &why, false)).0, "unknown_reason");
    assert_eq!(shown(&shop), (OrderStatus::Pending, vec![None]));
}

//! Accepting orders by rule.

use aisle_app::Pin;
use aisle_contract::DownBody;
use aisle_domain::{Availability, Eyes, Item, Lane, Order, OrderId, OrderStatus};

use crate::{
    picking,
    shop::{Shop, item, now, refused},
    staff,
};

fn fresh(number: i64) -> Order {
    Order {
        order_id: OrderId::new(number).unwrap(),
        status: OrderStatus::New,
        creation_time: now().plus_millis(-60_000),
        queued_time: now().plus_millis(-50_000 + number),
        note: None,
        substitution: None,
        ..picking::order()
    }
}

fn open_with(orders: Vec<Order>) -> Shop {
    let mut shop = Shop::open();
    for order in orders {
        shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    }
    shop
}

fn status(shop: &Shop, number: i64) -> OrderStatus {
    shop.desk.order(OrderId::new(number).unwrap()).unwrap().status
}

#[test]
fn nothing_is_accepted_by_rule_until_somebody_switches_it_on() {
    let shop = open_with(vec![fresh(1)]);
    assert_eq!(shop.desk.accept_by_rule().unwrap(), []);
    assert_eq!(status(&shop, 1), OrderStatus::New);
    assert_eq!(shop.desk.order(OrderId::new(1).unwrap()).unwrap().needs_eyes, None);
}

#[test]
fn the_rule_accepts_what_nobody_has_to_look_at_and_says_in_whose_name() {
    let noted = Order { note: Some("Call me".into()), ..fresh(2) };
    let shop = open_with(vec![fresh(1), noted, fresh(3)]);
    shop.desk.set_setting("auto_accept", "true").unwrap();
    let accepted = shop.desk.accept_by_rule().unwrap();
    assert_eq!(accepted, [OrderId::new(1).unwrap(), OrderId::new(3).unwrap()]);
    assert_eq!(
        [1, 2, 3].map(|n| status(&shop, n)),
        [OrderStatus::Running, OrderStatus::New, OrderStatus::Running]
    );
    let history = shop.desk.order(OrderId::new(1).unwrap()).unwrap().history;
    assert!(
        history.iter().any(|entry| entry.by.as_deref().is_some_and(|by| by.starts_with("Auto-accept, set by ")))
    );
    assert_eq!(shop.desk.order(OrderId::new(2).unwrap()).unwrap().needs_eyes, Some(Eyes::Note));
    assert_eq!(shop.desk.accept_by_rule().unwrap(), [], "what is left stays left");
    shop.desk.set_setting("auto_accept_leaves", "ask").unwrap();
    assert_eq!(shop.desk.accept_by_rule().unwrap().len(), 1, "a note is no reason any more");
}

#[test]
fn an_order_with_an_item_that_is_out_of_stock_is_left_to_somebody() {
    let order = fresh(1);
    let of_line = order.lines[0].item_id;
    let mut shop = open_with(vec![order]);
    let gone = Item { availability: Availability::OutOfStock, ..item(of_line.get(), "Milk", 100) };
    shop.feed(Lane::Catalog, &DownBody::Item(Box::new(gone)));
    shop.desk.set_setting("auto_accept", "true").unwrap();
    assert_eq!(shop.desk.accept_by_rule().unwrap(), []);
    assert_eq!(shop.desk.order(OrderId::new(1).unwrap()).unwrap().needs_eyes, Some(Eyes::OutOfStock));
}

#[test]
fn orders_that_came_long_after_they_were_placed_and_dear_ones_are_left_to_somebody() {
    let late = Order { creation_time: now().plus_millis(-3_600_000), ..fresh(1) };
    let shop = open_with(vec![late, fresh(2)]);
    shop.desk.set_setting("auto_accept_up_to", "0.01").unwrap();
    shop.desk.set_setting("auto_accept", "true").unwrap();
    assert_eq!(shop.desk.accept_by_rule().unwrap(), []);
    let eyes = |n| shop.desk.order(OrderId::new(n).unwrap()).unwrap().needs_eyes;
    assert_eq!([1, 2].map(eyes), [Some(Eyes::LateArrival), Some(Eyes::Amount)]);
    shop.desk.set_setting("auto_accept_up_to", "").unwrap();
    assert_eq!(shop.desk.accept_by_rule().unwrap().len(), 1);
}

#[test]
fn the_rule_goes_on_while_the_desk_is_locked_and_only_a_manager_sets_it() {
    let mut shop = staff::with_noor();
    let (code, _) = refused(shop.desk.set_setting("auto_accept", "true"));
    assert_eq!(code, "not_allowed");
    shop.desk.sign_in("1", Some(&Pin::new(staff::TEO))).unwrap();
    shop.desk.set_setting("auto_accept", "true").unwrap();
    shop.desk.lock().unwrap();
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(fresh(9))));
    assert_eq!(shop.desk.accept_by_rule().unwrap().len(), 1);
}

#[test]
fn settings_that_are_none_are_refused_with_what_is_wanted() {
    let shop = Shop::open();
    for (key, value, want) in [
        ("auto_accept", "yes", "true or false"),
        ("auto_accept_up_to", "-5", "an amount above zero"),
        ("auto_accept_up_to", "1.234", "an amount above zero"),
        ("auto_accept_leaves", "note,weather", "some of note,ask,out_of_stock"),
    ] {
        let (code, words) = refused(shop.desk.set_setting(key, value));
        assert_eq!(code, "bad_value");
        assert!(words.contains(want), "{words}");
    }
}

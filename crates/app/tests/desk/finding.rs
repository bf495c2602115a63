//! Finding orders, and views of them that have a name.

use aisle_app::views::{Keeper, OrderFlag, OrdersQuery, Period};
use aisle_contract::DownBody;
use aisle_domain::{Lane, LineState, Order, OrderId, OrderStatus};

use crate::{
    picking,
    shop::{Shop, now, refused},
};

fn shop() -> Shop {
    let mut shop = Shop::open();
    let of = |number: i64, ago_h: i64| Order {
        order_id: OrderId::new(number).unwrap(),
        display_no: format!("{number:04}"),
        status: OrderStatus::New,
        queued_time: now().plus_millis(-ago_h * 3_600_000),
        ..picking::order()
    };
    let mut lacking = of(2, 30);
    lacking.lines[0].state = LineState::OutOfStock;
    let late = Order { due_at: Some(now().plus_millis(-1000)), ..of(3, 300) };
    for order in [of(1, 0), lacking, late] {
        shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    }
    shop
}

fn numbers(shop: &Shop, query: &OrdersQuery) -> Vec<String> {
    shop.desk.find_orders(query).unwrap().rows.into_iter().map(|row| row.card.order_id).collect()
}

#[test]
fn a_question_that_asks_for_nothing_is_answered_by_every_order_the_newest_first() {
    let shop = shop();
    assert_eq!(numbers(&shop, &OrdersQuery::default()), ["1", "2", "3"]);
    assert_eq!(shop.desk.find_orders(&OrdersQuery::default()).unwrap().total, 3);
}

#[test]
fn flags_days_and_who_takes_care_narrow_it() {
    let shop = shop();
    let any = OrdersQuery::default;
    assert_eq!(numbers(&shop, &OrdersQuery { flags: vec![OrderFlag::Late], ..any() }), ["3"]);
    assert_eq!(numbers(&shop, &OrdersQuery { flags: vec![OrderFlag::Incomplete], ..any() }), ["2"]);
    let both = vec![OrderFlag::Late, OrderFlag::Incomplete];
    assert_eq!(numbers(&shop, &OrdersQuery { flags: both, ..any() }), Vec::<String>::new());
    assert_eq!(numbers(&shop, &OrdersQuery { period: Period::Week, ..any() }), ["1", "2"]);
    shop.desk.claim(OrderId::new(2).unwrap()).unwrap();
    assert_eq!(numbers(&shop, &OrdersQuery { keeper: Keeper::Me, ..any() }), ["2"]);
    assert_eq!(numbers(&shop, &OrdersQuery { keeper: Keeper::Nobody, ..any() }), ["1", "3"]);
    assert_eq!(
        numbers(&shop, &OrdersQuery { flags: vec![OrderFlag::Unsent], ..any() }),
        ["2"],
        "it was claimed here"
    );
}

#[test]
fn an_accept_at_another_desk_stands_in_the_timeline_with_who_and_when() {
    let mut shop = shop();
    let at = now().plus_millis(-5000);
    let accepted = Order {
        order_id: OrderId::new(9).unwrap(),
        accepted_by: Some("Sam".into()),
        accepted_at: Some(at),
        ..picking::order()
    };
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(accepted)));
    let history = shop.desk.order(OrderId::new(9).unwrap()).unwrap().history;
    let told: Vec<_> = history.iter().filter(|entry| entry.text == "Order accepted").collect();
    let [entry] = told.as_slice() else { panic!("{history:?}") };
    assert_eq!((entry.by.as_deref(), &entry.at), (Some("Sam"), &at.to_string()));
    shop.desk.accept(OrderId::new(1).unwrap(), false).unwrap();
    let own = shop.desk.order(OrderId::new(1).unwrap()).unwrap().history;
    assert_eq!(own.iter().filter(|entry| entry.text == "Order accepted").count(), 1, "its own once");
}

#[test]
fn views_are_kept_by_name_replaced_by_name_and_removed() {
    let shop = shop();
    let late = OrdersQuery { flags: vec![OrderFlag::Late], ..OrdersQuery::default() };
    let mine = OrdersQuery { keeper: Keeper::Me, ..OrdersQuery::default() };
    shop.desk.save_view(" Hurry ", &mine).unwrap();
    let views = shop.desk.save_view("Hurry", &late).unwrap();
    let [view] = views.as_slice() else { panic!("{views:?}") };
    assert_eq!((view.name.as_str(), &view.query), ("Hurry", &late));
    assert_eq!(shop.desk.remove_view("Hurry").unwrap(), []);
    assert_eq!(refused(shop.desk.remove_view("Hurry")).0, "not_found");
}

#[test]
fn names_and_texts_that_are_none_are_refused() {
    let shop = shop();
    let query = OrdersQuery::default();
    for name in ["", "  ", "a\nb", &"x".repeat(41)] {
        assert_eq!(refused(shop.desk.save_view(name, &query)).0, "bad_value", "{name:?}");
    }
    let long = OrdersQuery { text: "x".repeat(201), ..query.clone() };
    assert_eq!(refused(shop.desk.find_orders(&long)).0, "bad_value");
    for n in 0..50 {
        shop.desk.save_view(&format!("View {n}"), &query).unwrap();
    }
    let (code, words) = refused(shop.desk.save_view("One more", &query));
    assert_eq!(code, "bad_value");
    assert!(words.contains("50 views"), "{words}");
    shop.desk.save_view("View 7", &query).unwrap();
}

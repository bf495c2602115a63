//! Finding orders as staff type.

use aisle_contract::DownBody;
use aisle_domain::{
    Decision, LineState, Order, OrderStatus, Quantity, ReceiptLine, Timestamp, TransactionId, order::Receipt,
};
use aisle_mirror::{Care, OrderFilter, Stage, orders};

use crate::fixtures::{Desk, order, pending_order};

/// Numbers of the orders that fit, and how many there are in all.
fn found_orders(desk: &Desk, text: &str, filter: &OrderFilter) -> (Vec<i64>, i64) {
    let filter = OrderFilter { limit: 50, ..filter.clone() };
    let (found, total) = desk.mirror.read(|conn| orders::find(conn, text, &filter)).unwrap();
    (found.iter().map(|found| found.order.order_id.get()).collect(), total)
}

#[test]
fn orders_are_found_by_number_last_digits_and_part_of_the_name() {
    let mut desk = Desk::new();
    desk.orders((1..=30).map(|n| DownBody::Order(Box::new(order(70_000 + n, 1)))).collect());
    let find = |text: &str| found_orders(&desk, text, &OrderFilter::default()).0;
    assert_eq!(find("70007"), [70_007]);
    assert_eq!(find("0012"), [70_012]);
    assert_eq!(find("12"), [70_012]);
    assert_eq!(find("miller 70003"), [70_003]);
    assert_eq!(find("mary").len(), 30);
    assert_eq!(find("%"), Vec::<i64>::new());
    assert_eq!(find("").len(), 30, "without a text all of them fit");
}

#[test]
fn orders_are_found_by_what_lies_in_them_and_what_they_cost() {
    let mut desk = Desk::new();
    let mut with_milk = order(70_001, 1);
    with_milk.lines[0].name = "Whole Milk 100%".into();
    with_milk.lines[0].barcode = Some("036000291452".parse().unwrap());
    let cost = with_milk.expected();
    let mut paid = pending_order(70_002, 4, "77.31");
    let receipt = Receipt {
        order_id: paid.order_id,
        store_id: paid.store_id,
        transaction_id: TransactionId::new(9).unwrap(),
        datetime: paid.queued_time,
        amount: "77.30".parse().unwrap(),
        lines: vec![ReceiptLine {
            line_no: 1,
            item_id: None,
            name: "Candied ginger".into(),
            unit_price: "77.30".parse().unwrap(),
            quantity: Quantity::from_thousandths(1000).unwrap(),
        }],
    };
    paid.receipts.push(receipt);
    desk.orders([with_milk, paid].map(|order| DownBody::Order(Box::new(order))).to_vec());
    let find = |text: &str| found_orders(&desk, text, &OrderFilter::default()).0;
    assert_eq!(find("milk 100%"), [70_001], "a part of a name, taken as it is written");
    assert_eq!(find("milk 100_"), Vec::<i64>::new());
    assert_eq!(find("0036000291452"), [70_001], "another spelling of the same code");
    assert_eq!(find("ginger"), [70_002], "what was bought and not ordered");
    assert_eq!(find("77.31"), [70_002], "what is paid");
    assert_eq!(find("$77,30"), [70_002], "what the receipt says");
    assert!(find(&cost.to_string()).contains(&70_001), "what the lines cost");
    assert_eq!(find("lk"), Vec::<i64>::new(), "two letters are no item");
    let (first, _) = desk
        .mirror
        .read(|conn| orders::find(conn, "milk", &OrderFilter { limit: 1, ..OrderFilter::default() }))
        .unwrap();
    assert_eq!(first[0].item.as_deref(), Some("Whole Milk 100%"));
}

#[test]
fn a_number_comes_before_a_name_and_a_name_before_an_item() {
    let mut desk = Desk::new();
    let named = |number: i64, name: &str, item: &str| {
        let mut order = order(number, 1);
        order.customer_name = Some(name.into());
        order.lines[0].name = item.into();
        DownBody::Order(Box::new(order))
    };
    desk.orders(vec![
        named(70_500, "Ann", "Bread 70600"),
        named(70_550, "Mrs 70600", "Bread"),
        named(70_600, "Ann", "Bread"),
    ]);
    assert_eq!(found_orders(&desk, "70600", &OrderFilter::default()), (vec![70_600, 70_550, 70_500], 3));
    let one = OrderFilter { statuses: vec![OrderStatus::Running], ..OrderFilter::default() };
    assert_eq!(found_orders(&desk, "70600", &one), (vec![], 0), "the filter holds for what the text finds");
}

#[test]
fn what_central_has_confirmed_is_still_approved_or_rejected() {
    let mut desk = Desk::new();
    let confirmed = |number: i64, decision| {
        let order = Order { status: OrderStatus::Confirmed, decision, ..order(number, 1) };
        DownBody::Order(Box::new(order))
    };
    desk.orders(vec![
        confirmed(1, Some(Decision::Approved)),
        confirmed(2, Some(Decision::Rejected)),
        confirmed(3, None),
    ]);
    let at = |stage| found_orders(&desk, "", &OrderFilter { stages: vec![stage], ..OrderFilter::default() }).0;
    assert_eq!(at(Stage::Approved), [1]);
    assert_eq!(at(Stage::Rejected), [3, 2]);
}

#[test]
fn orders_are_filtered_by_when_who_and_what_is_wrong_with_them() {
    let mut desk = Desk::new();
    let base = order(1, 1).queued_time.millis();
    let time = |ms: i64| Timestamp::from_millis(base + ms);
    let mut claimed = order(1, 1);
    claimed.claimed_by = Some("Noor".into());
    claimed.due_at = Some(time(1_000));
    let mut decided = order(2, 1);
    decided.status = OrderStatus::Approved;
    decided.due_at = Some(time(60_000));
    decided.decided_at = Some(time(60_001));
    let mut short = order(3, 1);
    short.lines[0].state = LineState::OutOfStock;
    short.queued_time = time(500_000);
    let above = pending_order(4, 4, "99999.00");
    desk.orders([claimed, decided, short, above].map(|order| DownBody::Order(Box::new(order))).to_vec());
    let of = |filter: OrderFilter| {
        let mut ids = found_orders(&desk, "", &filter).0;
        ids.sort_unstable();
        ids
    };
    let any = OrderFilter::default;
    assert_eq!(of(OrderFilter { care: Some(Care::Of("Noor".into())), ..any() }), [1]);
    assert_eq!(of(OrderFilter { care: Some(Care::Nobody), ..any() }), [2, 3, 4]);
    assert_eq!(of(OrderFilter { late_at: Some(time(1_000)), ..any() }), [2], "due now is not late yet");
    assert_eq!(of(OrderFilter { late_at: Some(time(1_001)), ..any() }), [1, 2]);
    let at = |stage| of(OrderFilter { stages: vec![stage], ..any() });
    assert_eq!((at(Stage::New), at(Stage::Pending), at(Stage::Approved)), (vec![1, 3], vec![4], vec![2]));
    assert_eq!(of(OrderFilter { stages: vec![Stage::Pending, Stage::Rejected], ..any() }), [4]);
    assert_eq!(of(OrderFilter { incomplete: true, ..any() }), [3]);
    assert_eq!(of(OrderFilter { outside_range: true, ..any() }), [4]);
    assert_eq!(of(OrderFilter { queued_from: Some(time(500_000)), ..any() }), [3]);
    assert!(!of(OrderFilter { queued_before: Some(time(500_000)), ..any() }).contains(&3));
}

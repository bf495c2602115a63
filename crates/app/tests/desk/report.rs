//! The day: what its orders came to.

use aisle_contract::DownBody;
use aisle_domain::{
    Decision, Lane, LineState, Money, Order, OrderId, OrderStatus, Payment, PaymentId, PaymentStatus, Shopper,
    ShopperId, Timestamp,
};

use crate::{
    picking,
    shop::{Shop, refused, store_id},
};

/// Noon of 5 April 2017 in Chicago, so many minutes later.
fn at(minutes: i64) -> Timestamp {
    let noon: Timestamp = "2017-04-05T17:00:00.000Z".parse().unwrap();
    noon.plus_millis(minutes * 60_000)
}

fn payment(order: i64, minor: i64, status: Option<PaymentStatus>, reason: Option<&str>) -> Payment {
    Payment {
        payment_id: PaymentId::new(order).unwrap(),
        order_id: OrderId::new(order).unwrap(),
        store_id: store_id(),
        amount: Money::from_minor(minor),
        made_at: at(10),
        decide_by: None,
        status,
        reason: reason.map(Into::into),
        decided_by: status.map(|_| "Noor".into()),
        decided_at: status.map(|_| at(11)),
    }
}

/// Each costs 7.25, with a range of 5.07 to 7.98.
fn order(number: i64, minutes: i64) -> Order {
    Order {
        order_id: OrderId::new(number).unwrap(),
        display_no: format!("{number:04}"),
        queued_time: at(minutes),
        status: OrderStatus::New,
        ..picking::order()
    }
}

fn shop() -> Shop {
    let mut shop = Shop::open();
    let mut approved = Order {
        status: OrderStatus::Confirmed,
        decision: Some(Decision::Approved),
        payments: vec![payment(1, 700, Some(PaymentStatus::Approved), None)],
        shopper: Some(Shopper { shopper_id: ShopperId::new(9).unwrap(), rating: Some(4) }),
        ..order(1, 0)
    };
    approved.lines[0].state = LineState::OutOfStock;
    let declined = Order {
        status: OrderStatus::Running,
        payments: vec![payment(2, 900, Some(PaymentStatus::Rejected), Some("outside_range"))],
        shopper: Some(Shopper { shopper_id: ShopperId::new(9).unwrap(), rating: None }),
        ..order(2, 60)
    };
    let missed = Order {
        status: OrderStatus::Confirmed,
        decision: Some(Decision::Rejected),
        reason: Some("=missed".into()),
        decided_by: Some("central".into()),
        ..order(3, 90)
    };
    let open = order(4, 100);
    // The evening before, and midnight of the day after.
    let others = [order(5, -13 * 60), order(6, 12 * 60)];
    for order in [approved, declined, missed, open].into_iter().chain(others) {
        shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    }
    shop
}

const DAY: Option<&str> = Some("2017-04-05");

#[test]
fn a_day_counts_the_orders_of_the_stores_calendar_to_the_cent() {
    let report = shop().desk.report(DAY).unwrap();
    assert_eq!((report.day.as_str(), report.is_running), ("2017-04-05", false));
    assert_eq!((report.from.as_str(), report.to.as_str()), ("2017-04-05T05:00:00Z", "2017-04-06T05:00:00Z"));
    assert_eq!((report.orders.count, report.orders.amount.as_str()), (4, "29.00"));
    assert_eq!((report.paid.count, report.paid.amount.as_str(), report.difference.as_str()), (2, "16.00", "1.50"));
    assert_eq!((report.approved.count, report.approved.amount.as_str()), (1, "7.00"));
    assert_eq!((report.declined.count, report.declined.amount.as_str()), (1, "9.00"));
    assert_eq!((report.open.count, report.open.amount.as_str()), (2, "14.50"));
    let reasons = |list: &[aisle_app::views::OftenView]| {
        list.iter().map(|one| (one.name.clone(), one.count)).collect::<Vec<_>>()
    };
    assert_eq!(reasons(&report.rejected), [("=missed".to_owned(), 1)]);
    assert_eq!(reasons(&report.declined_for), [("outside_range".to_owned(), 1)]);
    assert_eq!(reasons(&report.missing), [("Shredded Cheese, 8 OZ".to_owned(), 1)]);
    assert_eq!((report.hours[12], report.hours[13], report.hours.iter().sum::<usize>()), (1, 3, 4));
    assert_eq!(report.to_decide.median_s, Some(60));
    assert_eq!(report.to_decide.under, [0, 0, 0, 2, 0]);
    let shopper = &report.shoppers[0];
    assert_eq!((shopper.orders, shopper.outside, shopper.rating.as_deref()), (2, 1, Some("4.0")));
    let marks: Vec<_> =
        report.marks.iter().map(|mark| (mark.display_no.as_str(), mark.percent.as_deref())).collect();
    assert_eq!(marks, [("0001", Some("96.6")), ("0002", Some("124.1"))]);
}

#[test]
fn how_long_it_took_to_accept_counts_what_was_not_taken_back() {
    let shop = shop();
    let id = OrderId::new(4).unwrap();
    let first = shop.desk.accept(id, false).unwrap();
    shop.desk.undo(Some(first.change_id.parse().unwrap())).unwrap();
    assert_eq!(shop.desk.report(DAY).unwrap().to_accept.count, 0);
    shop.desk.accept(id, false).unwrap();
    let times = shop.desk.report(DAY).unwrap().to_accept;
    assert_eq!((times.count, times.under), (1, [0, 0, 0, 0, 1]));
}

#[test]
fn a_day_without_orders_is_a_day_and_what_is_no_day_is_told() {
    let shop = shop();
    let empty = shop.desk.report(Some("2017-04-09")).unwrap();
    assert_eq!((empty.orders.count, empty.to_accept.median_s, empty.marks.len()), (0, None, 0));
    assert!(shop.desk.report(None).unwrap().is_running);
    for day in ["yesterday", "2017-02-30", "", "9999-12-31"] {
        assert_eq!(refused(shop.desk.report(Some(day))).0, "bad_value", "{day}");
    }
}

#[test]
fn the_table_of_a_day_has_every_order_and_no_formula() {
    let shop = shop();
    let export = shop.desk.export_report(DAY).unwrap();
    assert_eq!(export.rows, 4);
    let text = std::fs::read_to_string(&export.file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(lines[1].starts_with("1,0001,2017-04-05T17:00:00Z,confirmed,approved,,"), "{text}");
    assert!(lines[1].contains("7.25,7.00,USD,inside"), "{text}");
    assert!(lines[3].contains("'=missed"), "{text}");
    assert_eq!(shop.desk.export_report(DAY).unwrap(), export, "once more is the same file");
}

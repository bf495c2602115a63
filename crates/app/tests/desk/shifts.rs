//! Shifts: what one leaves and the next one finds.

use aisle_contract::DownBody;
use aisle_domain::{Lane, Order, OrderId, OrderStatus, Subject};
use aisle_mirror::audit;

use crate::{
    picking,
    shop::{Shop, now, refused},
};

fn with_orders() -> Shop {
    let mut shop = Shop::open();
    for (number, minutes, status) in
        [(1, Some(90), OrderStatus::Running), (2, Some(30), OrderStatus::New), (3, None, OrderStatus::New)]
    {
        let order = Order {
            order_id: OrderId::new(number).unwrap(),
            display_no: format!("{number:04}"),
            due_at: minutes.map(|minutes| now().plus_millis(minutes * 60_000)),
            status,
            ..picking::order()
        };
        shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    }
    shop
}

#[test]
fn a_shift_ends_with_what_is_open_and_unsent_and_a_note_to_whoever_comes_next() {
    let shop = with_orders();
    assert!(shop.desk.shift().unwrap().begun.is_none());
    shop.desk.begin_shift().unwrap();
    shop.desk.accept(OrderId::new(3).unwrap(), false).unwrap();
    let ended = shop.desk.end_shift("  Spinach is out until 22:00.  ").unwrap();
    assert!(ended.begun.is_none());
    let handover = ended.handover.unwrap();
    assert_eq!((handover.by.as_str(), handover.note.as_deref()), ("Manager", Some("Spinach is out until 22:00.")));
    let left = handover.remaining.unwrap();
    assert_eq!((left.new, left.picking, left.payments, left.unsent), (1, 2, 0, 1));
    let promised: Vec<_> = left.promised.iter().map(|one| one.display_no.as_str()).collect();
    assert_eq!(promised, ["0002", "0001"], "the next one first");
    // What happens afterwards changes what is open, and not what was left.
    shop.desk.accept(OrderId::new(2).unwrap(), false).unwrap();
    let later = shop.desk.shift().unwrap();
    assert_eq!((later.remaining.new, later.handover.unwrap().remaining.unwrap().new), (0, 1));
}

#[test]
fn one_shift_is_open_at_a_time_and_none_ends_that_has_not_begun() {
    let shop = with_orders();
    assert_eq!(refused(shop.desk.end_shift("")).0, "not_found");
    shop.desk.begin_shift().unwrap();
    assert_eq!(refused(shop.desk.begin_shift()).0, "changed");
    assert_eq!(refused(shop.desk.end_shift(&"x".repeat(2001))).0, "bad_value");
    assert!(shop.desk.shift().unwrap().begun.is_some(), "it goes on");
    let ended = shop.desk.end_shift(" ").unwrap();
    assert_eq!(ended.handover.unwrap().note, None);
    let kinds = shop.desk.mirror().read(|conn| audit::of_subject(conn, Subject::Store, 100)).unwrap();
    let kinds: Vec<_> = kinds.iter().map(|entry| entry.kind.as_str()).filter(|k| k.starts_with("shift")).collect();
    assert_eq!(kinds, ["shift.opened", "shift.closed"]);
}

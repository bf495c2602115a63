//! No query reads a large table from end to end: counted in steps of SQLite's machine, which do not depend on the
//! computer.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aisle_contract::DownBody;
use aisle_domain::{Lane, OrderStatus, Subject};
use aisle_mirror::{ChangeState, OrderFilter, audit, feed, items, orders, outbox, payments, prices};
use rusqlite::Connection;

use crate::fixtures::{
    Desk, ack, at, barcode, item, item_id, note, order, order_id, payment_id, pending_order, price,
};

const ITEMS: i64 = 6000;
const ORDERS: i64 = 1500;
/// Hundreds of steps: fewer than reading the smallest of these tables takes.
const MOST: u64 = 35;

/// A desk after some months: many rows, most changes acknowledged.
fn old_desk() -> Desk {
    let mut desk = Desk::new();
    desk.catalog((1..=ITEMS).map(|n| DownBody::Item(Box::new(item(n, 1)))).collect());
    desk.orders(
        (1..=ORDERS)
            .map(|n| {
                let mut row = pending_order(n, 1, "20.00");
                row.status = OrderStatus::Confirmed;
                row.payments[0].status = Some(aisle_domain::PaymentStatus::Approved);
                row.decided_at = Some(at(n));
                DownBody::Order(Box::new(row))
            })
            .collect(),
    );
    for n in 1..=1200 {
        desk.act(note(n, "call"));
    }
    let mut next = 1;
    while let Some(last) = desk.cut(Lane::Orders).last() {
        next = last.seq + 1;
    }
    desk.orders(vec![ack(Lane::Orders, next), DownBody::Order(Box::new(order(ORDERS + 1, 1)))]);
    desk.act(price(10, "1.99", "2.49"));
    desk
}

/// How many steps a read takes, in hundreds.
fn hundreds(conn: &mut Connection, read: impl FnOnce(&Connection)) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&count);
    conn.progress_handler(100, Some(move || counted.fetch_add(1, Ordering::Relaxed) == u64::MAX)).unwrap();
    read(conn);
    conn.progress_handler(0, None::<fn() -> bool>).unwrap();
    count.load(Ordering::Relaxed)
}

type Read = (&'static str, Box<dyn Fn(&Connection)>);

fn of(name: &'static str, read: impl Fn(&Connection) + 'static) -> Read {
    (name, Box::new(read))
}

fn reads() -> Vec<Read> {
    let subject = Subject::Order(order_id(70));
    let open = OrderFilter {
        statuses: vec![OrderStatus::New, OrderStatus::Running],
        limit: 20,
        ..OrderFilter::default()
    };
    let unsent = OrderFilter { unsent: true, limit: 20, ..OrderFilter::default() };
    let later = OrderFilter { after: Some((at(700), order_id(700))), limit: 5, ..OrderFilter::default() };
    vec![
        of("an item", |c| assert!(items::load(c, item_id(4000)).unwrap().is_some())),
        of("a barcode", |c| assert_eq!(items::by_barcode(c, &barcode(4000)).unwrap().len(), 1)),
        of("a page", |c| assert_eq!(items::page(c, 0, 20).unwrap().len(), 20)),
        of("a list", |c| {
            assert_eq!(items::list(c, Some(("Whole milk 4000", item_id(4000))), 20).unwrap().len(), 20);
        }),
        of("a search by number", |c| assert!(items::search(c, "20000000040", 0, 20).unwrap().1 > 0)),
        of("a search by words", |c| assert!(items::search(c, "4000 who", 0, 20).unwrap().1 > 0)),
        of("open orders", move |c| assert_eq!(orders::list(c, &open).unwrap().len(), 1)),
        of("unsent orders", move |c| assert!(orders::list(c, &unsent).unwrap().is_empty())),
        of("later orders", move |c| assert_eq!(orders::list(c, &later).unwrap().len(), 5)),
        of("decided orders", |c| assert_eq!(orders::decided_since(c, at(ORDERS - 4), 3).unwrap().1, 5)),
        of("orders of a customer", |c| {
            assert_eq!(orders::count_of_user(c, order(70, 1).user_id).unwrap(), 1);
        }),
        of("counts of orders", |c| assert_eq!(orders::counts(c).unwrap().len(), 1)),
        of("undecided payments", |c| assert!(payments::list(c, true, None, 20).unwrap().is_empty())),
        of("a payment's order", |c| assert!(payments::order_of(c, payment_id(70)).unwrap().is_some())),
        of("prices of an item", |c| assert_eq!(prices::history(c, item_id(10), 5).unwrap().len(), 1)),
        of("a timeline", move |c| assert!(!audit::of_subject(c, subject, 20).unwrap().is_empty())),
        of("counts of the outbox", |c| assert_eq!(outbox::counts(c).unwrap().ready, 1)),
        of("what waits", |c| {
            let waiting = [ChangeState::Held, ChangeState::Ready, ChangeState::Sent];
            assert_eq!(outbox::list(c, &waiting, None, 20).unwrap().len(), 1);
        }),
        of("what was received", |c| {
            assert_eq!(outbox::newest(c, &[ChangeState::Received, ChangeState::Refused], 5).unwrap().len(), 5);
        }),
        of("changes of an order", move |c| assert_eq!(outbox::of_subject(c, subject).unwrap().len(), 1)),
        of("the worst state", move |c| assert!(outbox::worst_state(c, subject).unwrap().is_some())),
        of("the last act", |c| assert!(outbox::latest_undoable(c).unwrap().is_some())),
        of("received today", |c| assert_eq!(outbox::received_since(c, at(90_000)).unwrap(), 0)),
        of("ready in a lane", |c| assert!(!outbox::has_ready(c, Lane::Orders).unwrap())),
        of("numbered", |c| {
            let incarnation = crate::fixtures::new_desk().incarnation;
            assert!(outbox::numbered(c, Lane::Orders, incarnation).unwrap().is_empty());
        }),
        of("a feed's position", |c| assert!(feed::position(c, Lane::Orders).unwrap().is_some())),
    ]
}

#[test]
fn every_query_of_a_screen_finds_its_rows_by_an_index() {
    let desk = old_desk();
    let mut conn = Connection::open(desk.dir().join("aisle.db")).unwrap();
    // The smallest table here has 1200 rows.
    let scan = hundreds(&mut conn, |c| {
        let count: i64 =
            c.query_row("SELECT count(*) FROM outbox WHERE +state = 'x'", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 0);
    });
    assert!(scan > MOST, "the yardstick: {scan} hundred steps");
    let slow: Vec<_> = reads()
        .into_iter()
        .map(|(name, read)| (name, hundreds(&mut conn, read)))
        .filter(|(_, steps)| *steps >= MOST)
        .collect();
    assert!(slow.is_empty(), "hundreds of steps: {slow:?}");
}

#[test]
fn the_planner_uses_the_indexes_that_were_made_for_it() {
    let desk = Desk::with_rows();
    let plan = |sql: &str| -> String {
        desk.mirror
            .read(|conn| {
                let mut statement = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                let lines = statement.query_map([], |row| row.get::<_, String>("detail"))?;
                Ok(lines.map(|line| line.unwrap()).collect::<Vec<_>>().join("; "))
            })
            .unwrap()
    };
    for (sql, index) in [
        ("SELECT * FROM items WHERE deleted = 0 ORDER BY name COLLATE NOCASE, item_id LIMIT 20", "items_by_name"),
        (
            "SELECT * FROM items WHERE barcode >= '20' AND barcode < '21' AND deleted = 0 ORDER BY barcode, item_id",
            "items_by_barcode",
        ),
        ("SELECT rowid FROM items_words WHERE items_words MATCH '\"mil\"*' LIMIT 1000", "VIRTUAL TABLE INDEX"),
        (
            "SELECT * FROM outbox WHERE state = 'ready' AND lane = 'orders' ORDER BY id LIMIT 500",
            "outbox_by_state",
        ),
        ("SELECT count(*) FROM outbox WHERE state = 'received' AND acked_at >= 5", "outbox_by_ack"),
        (
            "SELECT * FROM orders WHERE decided_at >= 5 ORDER BY decided_at DESC, order_id DESC",
            "orders_by_decision",
        ),
        ("SELECT * FROM orders WHERE status = 'new' ORDER BY queued_time, order_id", "orders_by_status"),
        (
            "SELECT * FROM payments WHERE status IS NULL AND payment_id > 0 ORDER BY payment_id",
            "payments_undecided",
        ),
    ] {
        let plan = plan(sql);
        assert!(plan.contains(index), "{sql}: {plan}");
        assert!(!plan.contains("TEMP B-TREE"), "{sql} is sorted: {plan}");
    }
}

//! The feed: rows, acknowledgements, refusals, what is parked, positions.

use aisle_contract::{Bounds, DownBody};
use aisle_domain::{
    Decision, DeskId, Epoch, Incarnation, ItemId, Lane, Order, OrderStatus, Quantity, Reasons, Receipt,
    ReceiptLine, Refusal, Shopper, ShopperId, Subject, TransactionId, change::ItemCreated,
};
use aisle_mirror::{ChangeState, FeedEntry, Reason, alarms, audit, digest, feed, items, orders, prices};
use uuid::Uuid;

use crate::fixtures::{
    CLUSTER, Desk, accept, ack, ack_of, approve, at, entry, item, item_id, money, new_desk, note, order, order_id,
    payment_id, pending_order, price, refused, rename, store, unreadable,
};

fn row(order: Order) -> DownBody {
    DownBody::Order(Box::new(order))
}

#[test]
fn a_new_order_is_shown_whole_and_rings() {
    let mut desk = Desk::new();
    let applied = desk.orders(vec![row(order(1, 1))]);
    assert_eq!(desk.order(1), order(1, 1));
    assert_eq!((applied.orders, applied.new_orders), (vec![order_id(1)], vec![order_id(1)]));
    let alarm = desk.mirror.read(alarms::unheard).unwrap();
    assert_eq!((alarm[0].0, alarm[0].1.as_str()), (order_id(1), "new"));
    assert_eq!(desk.mirror.write(|tx| alarms::acknowledge(tx, None)).unwrap(), [order_id(1)]);
    desk.assert_sound();
}

#[test]
fn a_row_of_an_equal_or_lower_version_changes_nothing() {
    let mut desk = Desk::with_rows();
    desk.orders(vec![row(order(1, 5))]);
    for version in [5, 4] {
        let mut stale = order(1, version);
        stale.note = Some("stale".into());
        let applied = desk.orders(vec![row(stale)]);
        assert!(applied.orders.is_empty());
    }
    assert_eq!(desk.order(1), order(1, 5));
}

#[test]
fn pending_changes_are_folded_over_the_new_row() {
    let mut desk = Desk::with_rows();
    desk.act(accept(1));
    let mut central = order(1, 2);
    central.note = Some("ring the bell".into());
    desk.orders(vec![row(central)]);
    let shown = desk.order(1);
    assert_eq!((shown.status, shown.note.as_deref()), (OrderStatus::Running, Some("ring the bell")));
    desk.assert_sound();
}

#[test]
fn an_acknowledged_change_leaves_the_fold_and_its_base_goes() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    let mut central = order(1, 2);
    central.status = OrderStatus::Running;
    let applied = desk.orders(vec![row(central.clone()), ack(Lane::Orders, 2)]);
    assert_eq!((applied.received, applied.acks.len(), applied.outbox), (1, 1, true));
    assert_eq!(desk.order(1), central);
    assert_eq!(desk.row(id).state, ChangeState::Received);
    let bases: i64 =
        desk.mirror.read(|conn| Ok(conn.query_row("SELECT count(*) FROM bases", [], |row| row.get(0))?)).unwrap();
    assert_eq!(bases, 0);
    let log = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 10)).unwrap();
    let received: Vec<_> = log.iter().filter(|e| e.kind == "change.received").collect();
    assert_eq!((received.len(), received[0].change_id), (1, Some(id)));
    desk.assert_sound();
}

#[test]
fn an_ack_that_tells_of_another_cluster_acknowledges_nothing() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    let DownBody::Ack(mut told) = ack(Lane::Orders, 2) else { unreachable!() };
    told.position.cluster = "the one that was lost".into();
    desk.orders(vec![DownBody::Ack(told)]);
    assert_eq!(desk.row(id).state, ChangeState::Sent, "a refusal of it may have been lost with that cluster");
    desk.orders(vec![ack(Lane::Orders, 2)]);
    assert_eq!(desk.row(id).state, ChangeState::Received);
}

#[test]
fn acks_for_other_desks_and_older_numberings_acknowledge_nothing() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    let other = ack_of(DeskId(Uuid::from_u128(8)), new_desk().incarnation, Lane::Orders, 2);
    let older = ack_of(new_desk().desk_id, Incarnation(1), Lane::Orders, 2);
    let applied = desk.orders(vec![other, older]);
    assert_eq!((applied.received, applied.acks.len()), (0, 0));
    assert_eq!(desk.row(id).state, ChangeState::Sent);
}

#[test]
fn a_refused_change_leaves_the_fold_with_its_reason() {
    let mut desk = Desk::with_rows();
    let id = desk.act(price(10, "1.99", "2.49"));
    let kept = desk.act(rename(10, "Whole milk 10", "Milk"));
    desk.cut(Lane::Catalog);
    let why = Refusal::BothChanged { fields: vec![aisle_domain::Field::UnitPrice] };
    let applied = desk.catalog(vec![refused(id, why.clone())]);
    assert_eq!(applied.refused, [id]);
    let row = desk.row(id);
    assert_eq!(
        (row.state, row.refusal, row.message),
        (ChangeState::Refused, Some(why.clone()), Some(why.to_string()))
    );
    assert_eq!((desk.item(10).unit_price, desk.item(10).name.as_str()), (money("1.99"), "Milk"));
    assert_eq!(desk.row(kept).state, ChangeState::Sent);
    let conflicts = desk.mirror.read(|conn| aisle_mirror::conflicts::list(conn, 10)).unwrap();
    assert_eq!((conflicts.len(), conflicts[0].change_id), (1, id));
    desk.assert_sound();
}

#[test]
fn a_refusal_of_another_desks_change_is_not_ours() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    let DownBody::Refused(mut body) = refused(id, Refusal::RangeChanged) else { panic!("it is a refusal") };
    body.desk = DeskId(Uuid::from_u128(8));
    desk.orders(vec![DownBody::Refused(body)]);
    assert_eq!(desk.row(id).state, ChangeState::Sent);
}

#[test]
fn a_change_that_no_longer_folds_is_marked_and_unmarked_when_it_folds_again() {
    let mut desk = Desk::with_rows();
    desk.orders(vec![row(pending_order(1, 2, "20.00"))]);
    let id = desk.act(approve(1, "20.00"));
    let mut narrowed = pending_order(1, 3, "20.00");
    narrowed.range.as_mut().unwrap().version = 2;
    let applied = desk.orders(vec![row(narrowed)]);
    assert_eq!(applied.will_be_refused, [id]);
    assert_eq!(desk.row(id).will_be_refused, Some(Refusal::RangeChanged));
    assert_eq!(desk.order(1).status, OrderStatus::Pending);
    desk.assert_sound();
    desk.orders(vec![row(pending_order(1, 4, "20.00"))]);
    assert_eq!(desk.row(id).will_be_refused, None);
    assert_eq!(desk.order(1).status, OrderStatus::Approved);
    desk.assert_sound();
}

#[test]
fn new_reasons_of_the_store_judge_what_waits_again() {
    let mut desk = Desk::with_rows();
    let id = desk.act(aisle_domain::Change::OrderRejected(aisle_domain::change::OrderRejected {
        order: order_id(1),
        from: OrderStatus::New,
        reason: "too_busy".into(),
        lines: Vec::new(),
        note: None,
    }));
    let mut stricter = store(2);
    stricter.reasons.reject.retain(|reason| reason.code != "too_busy");
    let applied = desk.orders(vec![DownBody::Store(Box::new(stricter))]);
    assert!(applied.store);
    assert_eq!(applied.will_be_refused, [id]);
    assert_eq!(desk.order(1).status, OrderStatus::New);
    desk.assert_sound();
}

#[test]
fn an_order_cancelled_under_our_hands_rings_and_warns_of_what_waits() {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    let mut cancelled = order(1, 2);
    cancelled.cancel(Reasons::CANCELLED, "customer", at(70)).unwrap();
    let applied = desk.orders(vec![row(cancelled.clone())]);
    assert_eq!((applied.cancelled, applied.will_be_refused), (vec![order_id(1)], vec![id]));
    assert_eq!(desk.order(1), cancelled);
    assert_eq!(desk.mirror.read(alarms::unheard).unwrap()[0].1, "cancelled");
    let log = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 10)).unwrap();
    assert_eq!(log.iter().filter(|e| e.kind == "central.cancelled").count(), 1);
    desk.assert_sound();
}

#[test]
fn a_missed_order_ends_its_alarm_without_another() {
    let mut desk = Desk::with_rows();
    let mut missed = order(1, 2);
    missed.miss(at(601)).unwrap();
    let applied = desk.orders(vec![row(missed)]);
    assert!(applied.cancelled.is_empty());
    assert!(desk.mirror.read(alarms::unheard).unwrap().is_empty());
}

#[test]
fn what_central_did_stands_in_the_timeline_once() {
    let mut desk = Desk::with_rows();
    desk.orders(vec![row(pending_order(1, 2, "20.00"))]);
    let mut confirmed = pending_order(1, 3, "20.00");
    confirmed.status = OrderStatus::Confirmed;
    confirmed.receipts = vec![aisle_domain::Receipt {
        transaction_id: aisle_domain::TransactionId::new(5).unwrap(),
        order_id: order_id(1),
        store_id: confirmed.store_id,
        datetime: at(55),
        amount: money("20.00"),
        lines: vec![aisle_domain::ReceiptLine {
            line_no: 1,
            item_id: Some(item_id(10)),
            name: "Item 10".into(),
            unit_price: money("10.00"),
            quantity: aisle_domain::Quantity::from_thousandths(2000).unwrap(),
        }],
    }];
    desk.orders(vec![row(confirmed.clone()), row(confirmed.clone())]);
    assert_eq!(desk.order(1), confirmed);
    let log = desk.mirror.read(|conn| audit::of_subject(conn, Subject::Order(order_id(1)), 20)).unwrap();
    let kinds: Vec<_> = log.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!(
        kinds,
        ["central.queued", "central.range", "central.payment", "central.receipt", "central.confirmed"]
    );
    desk.assert_sound();
}

#[test]
fn a_tombstone_removes_the_row_and_what_waits_on_it_will_be_refused() {
    let mut desk = Desk::with_rows();
    let (on_order, on_item) = (desk.act(note(1, "late")), desk.act(price(10, "1.99", "2.49")));
    desk.cut(Lane::Orders);
    desk.orders(vec![DownBody::OrderGone(order_id(1))]);
    desk.catalog(vec![DownBody::ItemGone(item_id(10))]);
    assert!(desk.mirror.read(|conn| orders::load(conn, order_id(1))).unwrap().is_none());
    assert!(desk.mirror.read(|conn| items::load(conn, item_id(10))).unwrap().is_none());
    for id in [on_order, on_item] {
        assert!(matches!(desk.row(id).will_be_refused, Some(Refusal::NotFound { .. })));
    }
    desk.assert_sound();
    desk.orders(vec![ack(Lane::Orders, 2)]);
    desk.assert_sound();
    let parts: i64 = desk
        .mirror
        .read(|conn| Ok(conn.query_row("SELECT count(*) FROM client_order_items", [], |row| row.get(0))?))
        .unwrap();
    assert_eq!(parts, 0);
}

#[test]
fn an_item_born_here_is_centrals_once_it_came_back() {
    let mut desk = Desk::with_rows();
    let mut born = item(1, 0);
    born.item_id = ItemId::born_at_desk(5);
    desk.act(aisle_domain::Change::ItemCreated(Box::new(ItemCreated { item: born.clone() })));
    desk.cut(Lane::Catalog);
    let before = desk.mirror.read(digest::rows).unwrap().1;
    assert_eq!(before.count, 1, "central does not have it yet");
    born.version = 1;
    desk.catalog(vec![DownBody::Item(Box::new(born.clone())), ack(Lane::Catalog, 2)]);
    assert_eq!(desk.mirror.read(|conn| items::load(conn, born.item_id)).unwrap(), Some(born));
    assert_eq!(desk.mirror.read(digest::rows).unwrap().1.count, 2);
    desk.assert_sound();
}

#[test]
fn the_digest_is_over_bases_not_over_what_is_shown() {
    let mut desk = Desk::with_rows();
    let before = desk.mirror.read(digest::rows).unwrap();
    desk.act(accept(1));
    desk.act(price(10, "1.99", "2.49"));
    assert_eq!(desk.mirror.read(digest::rows).unwrap(), before);
    let mut expected = aisle_domain::digest::RowDigest::default();
    expected.add(Subject::Order(order_id(1)), 1);
    assert_eq!(before.0, expected);
}

#[test]
fn a_price_from_central_stands_in_the_history() {
    let mut desk = Desk::with_rows();
    let mut dearer = item(10, 2);
    dearer.unit_price = money("2.19");
    desk.catalog(vec![DownBody::Item(Box::new(dearer))]);
    let history = desk.mirror.read(|conn| prices::history(conn, item_id(10), 10)).unwrap();
    assert_eq!((history[0].old, history[0].new), (Some(money("1.99")), money("2.19")));
    assert_eq!(history[0].source, "central");
}

#[test]
fn what_is_not_understood_is_parked_and_a_newer_row_clears_it() {
    let desk = Desk::new();
    let entries = [entry(1, row(order(1, 1))), unreadable(2, "order/2"), entry(3, row(order(3, 1)))];
    let applied = desk.mirror.apply_feed(Lane::Orders, CLUSTER, &entries, at(1)).unwrap();
    assert_eq!((applied.parked, applied.orders), (1, vec![order_id(1), order_id(3)]));
    let parked = desk.mirror.read(|conn| feed::parked(conn, 10)).unwrap();
    assert_eq!((parked[0].offset, parked[0].key.as_deref()), (2, Some("order/2")));
    assert!(parked[0].why.contains("v9"));
    desk.mirror.apply_feed(Lane::Orders, CLUSTER, &[entry(4, row(order(2, 1)))], at(2)).unwrap();
    assert_eq!(desk.mirror.read(feed::parked_count).unwrap(), 0);
}

#[test]
fn rows_that_no_table_takes_are_parked_with_the_reason_and_the_rest_goes_on() {
    let mut desk = Desk::new();
    let mut other_store = order(2, 1);
    other_store.store_id = aisle_domain::StoreId::new(9).unwrap();
    let mut inverted = order(3, 1);
    inverted.range.as_mut().unwrap().amount_lo = money("30.00");
    let mut doubled = order(4, 1);
    doubled.lines.push(doubled.lines[0].clone());
    let mut nowhere = store(1);
    nowhere.address1 = String::new();
    // Its payment has the number of another order's: only the table knows.
    let mut stolen = pending_order(6, 1, "20.00");
    stolen.payments[0].payment_id = crate::fixtures::payment_id(5);
    let bodies = vec![
        row(other_store),
        row(inverted),
        row(doubled),
        DownBody::Store(Box::new(nowhere)),
        DownBody::Item(Box::new(item(10, 1))),
        row(pending_order(5, 1, "20.00")),
        row(stolen),
        row(order(7, 1)),
    ];
    let applied = desk.orders(bodies);
    assert_eq!(applied.parked, 6);
    assert_eq!(applied.orders, [order_id(5), order_id(7)]);
    let parked = desk.mirror.read(|conn| feed::parked(conn, 10)).unwrap();
    assert!(parked[0].why.contains("store 9"), "{}", parked[0].why);
    assert!(parked[4].why.contains("lane"), "{}", parked[4].why);
    assert!(desk.mirror.read(|conn| orders::load(conn, order_id(6))).unwrap().is_none(), "no half of it stays");
    assert_eq!(desk.mirror.read(|conn| feed::position(conn, Lane::Orders)).unwrap().unwrap().next_offset, 9);
    desk.assert_sound();
}

/// An order whose shopper is rated as no table takes it.
fn rated_nine(number: i64) -> Order {
    Order {
        shopper: Some(Shopper { shopper_id: ShopperId::new(1).unwrap(), rating: Some(9) }),
        ..order(number, 1)
    }
}

#[test]
fn an_order_with_a_wrong_number_in_it_is_parked_in_words_a_person_understands() {
    let mut desk = Desk::new();
    let mut paid = pending_order(2, 1, "20.00");
    paid.payments.push(paid.payments[0].clone());
    let line = ReceiptLine {
        line_no: 1,
        item_id: None,
        name: "Milk".into(),
        unit_price: money("1.00"),
        quantity: Quantity::ONE,
    };
    let receipt = Receipt {
        transaction_id: TransactionId::new(70).unwrap(),
        order_id: order_id(3),
        store_id: order(3, 1).store_id,
        datetime: at(1),
        amount: money("1.00"),
        lines: vec![line.clone(), line],
    };
    let once = Receipt { lines: vec![receipt.lines[0].clone()], ..receipt.clone() };
    let lines = Order { receipts: vec![receipt], ..order(3, 1) };
    let receipts = Order {
        receipts: vec![
            Receipt { order_id: order_id(4), ..once.clone() },
            Receipt { order_id: order_id(4), ..once },
        ],
        ..order(4, 1)
    };
    let bad = [paid, lines, receipts, rated_nine(5)];
    assert_eq!(desk.orders(bad.into_iter().map(row).collect()).parked, 4);
    let parked = desk.mirror.read(|conn| feed::parked(conn, 10)).unwrap();
    let words = ["payment 9002 twice", "line 1 twice", "receipt 70 twice", "9, not 1 to 5"];
    for (parked, words) in parked.iter().zip(words) {
        assert!(parked.why.contains(words), "{}", parked.why);
    }
}

#[test]
fn a_row_that_no_table_takes_stays_parked_while_its_feed_is_mirrored_anew() {
    let desk = Desk::new();
    let rows = || [entry(1, row(order(1, 1))), entry(2, row(rated_nine(2)))];
    desk.mirror.apply_feed(Lane::Orders, CLUSTER, &rows(), at(1)).unwrap();
    desk.mirror.remirror(Lane::Orders, Reason::Asked, &serde_json::Value::Null, at(5)).unwrap();
    desk.mirror.remirror_opened(Lane::Orders, CLUSTER, Bounds { low: 1, high: 3 }).unwrap();
    desk.mirror.apply_feed(Lane::Orders, CLUSTER, &rows(), at(6)).unwrap();
    while desk.mirror.remirror_step(Lane::Orders, at(7)).unwrap().is_some() {}
    let parked = desk.mirror.read(|conn| feed::parked(conn, 10)).unwrap();
    assert_eq!((parked.len(), parked[0].key.as_deref()), (1, Some("order/2")));
}

/// A record of another of central's histories than that of the fixtures.
fn of_history(offset: i64, history: u128, body: DownBody) -> FeedEntry {
    let mut entry = entry(offset, body);
    entry.message.as_mut().unwrap().epoch = Some(Epoch(Uuid::from_u128(history)));
    entry
}

#[test]
fn what_the_newest_history_refused_is_heard_where_the_feed_has_another_one_in_between() {
    let mut desk = Desk::with_rows();
    let noted = desk.act(note(1, "ring twice"));
    desk.cut(Lane::Orders);
    let body = |version| DownBody::Store(Box::new(store(version)));
    let why = Refusal::NotFound { what: "order 1".into() };
    // Central went back twice before this desk read on, and refused in the last history.
    let feed = [
        entry(1, body(1)),
        entry(2, row(order(1, 1))),
        of_history(3, 100, body(1)),
        of_history(4, 101, body(1)),
        of_history(5, 101, refused(noted, why)),
        of_history(6, 101, ack(Lane::Orders, 2)),
    ];
    let mut readings = 0;
    loop {
        let applied = desk.mirror.apply_feed(Lane::Orders, CLUSTER, &feed, at(50)).unwrap();
        readings += 1;
        assert!(readings < 6, "it ends");
        if !applied.restart {
            break;
        }
        let remirror = desk.mirror.read(|conn| aisle_mirror::remirror::of_lane(conn, Lane::Orders)).unwrap();
        if remirror.is_some_and(|state| state.cluster.is_none()) {
            desk.mirror.remirror_opened(Lane::Orders, CLUSTER, Bounds { low: 1, high: 7 }).unwrap();
        } else {
            while desk.mirror.remirror_step(Lane::Orders, at(51)).unwrap().is_some() {}
        }
    }
    assert_eq!(desk.row(noted).state, ChangeState::Refused);
}

#[test]
fn a_refusal_is_heard_also_where_the_number_of_its_order_s_payment_went_to_another_order_meanwhile() {
    let mut desk = Desk::with_rows();
    desk.orders(vec![row(pending_order(2, 2, "18.00"))]);
    let noted = desk.act(note(2, "ring twice"));
    desk.cut(Lane::Orders);
    // As a restored centre does that has never heard of order 2, and counts payments from where it was.
    let mut first = pending_order(1, 9, "18.00");
    first.payments[0].payment_id = payment_id(2);
    desk.mirror.remirror(Lane::Orders, Reason::Epoch, &serde_json::Value::Null, at(5)).unwrap();
    desk.mirror.remirror_opened(Lane::Orders, CLUSTER, Bounds { low: 4, high: 5 }).unwrap();
    desk.orders(vec![row(first.clone())]);
    while desk.mirror.remirror_step(Lane::Orders, at(7)).unwrap().is_some() {}
    assert_eq!(desk.order(1).payments, first.payments);
    let refusal = Refusal::NotFound { what: "order 2".into() };
    let applied = desk.orders(vec![refused(noted, refusal), ack(Lane::Orders, 2)]);
    assert_eq!((applied.parked, applied.refused.as_slice()), (0, [noted].as_slice()));
    assert_eq!(desk.row(noted).state, ChangeState::Refused);
    assert_eq!(desk.order(2).payments, [], "its number is another one's");
    desk.assert_sound();
}

#[test]
fn records_before_the_position_are_skipped_and_another_cluster_starts_over() {
    let desk = Desk::new();
    let batch = [entry(1, row(order(1, 1))), entry(2, row(order(2, 1)))];
    desk.mirror.apply_feed(Lane::Orders, CLUSTER, &batch, at(1)).unwrap();
    let again = desk.mirror.apply_feed(Lane::Orders, CLUSTER, &batch, at(2)).unwrap();
    assert_eq!(again.applied, 0);
    let position = desk.mirror.read(|conn| feed::position(conn, Lane::Orders)).unwrap().unwrap();
    assert_eq!((position.cluster.as_str(), position.next_offset), (CLUSTER, 3));
    desk.mirror.apply_feed(Lane::Orders, "cluster-b", &[entry(0, row(order(1, 2)))], at(3)).unwrap();
    let position = desk.mirror.read(|conn| feed::position(conn, Lane::Orders)).unwrap().unwrap();
    assert_eq!((position.cluster.as_str(), position.next_offset), ("cluster-b", 1));
    assert_eq!(desk.order(1).version, 2);
}

#[test]
fn epoch_last_ack_and_digests_are_remembered() {
    let mut desk = Desk::with_rows();
    assert!(desk.mirror.read(feed::epoch).unwrap().is_some());
    desk.orders(vec![ack(Lane::Orders, 1)]);
    let last = desk.mirror.read(|conn| feed::last_ack(conn, Lane::Orders)).unwrap().unwrap();
    assert_eq!(last.expected, 1);
    let rows = aisle_domain::digest::DigestView { count: 1, sum: "00000000000000ff".into() };
    for _ in 0..30 {
        desk.orders(vec![DownBody::Digest(aisle_contract::DigestMessage { rows: rows.clone() })]);
    }
    let kept = desk.mirror.read(|conn| digest::of_central(conn, Lane::Orders)).unwrap();
    assert_eq!((kept.len(), &kept[0].rows), (20, &rows));
    assert!(kept[0].offset > kept[1].offset);
}

#[test]
fn many_items_are_not_named_one_by_one() {
    let mut desk = Desk::new();
    let applied = desk.catalog((1..=1500).map(|n| DownBody::Item(Box::new(item(n, 1)))).collect());
    assert!(applied.items_many && applied.items.is_empty());
    assert_eq!(applied.applied, 1500);
}

#[test]
fn a_store_of_thirteen_thousand_items_is_mirrored_in_seconds() {
    let mut desk = Desk::new();
    let started = std::time::Instant::now();
    for batch in 0..26 {
        desk.catalog((1..=500).map(|n| DownBody::Item(Box::new(item(batch * 500 + n, 1)))).collect());
    }
    let took = started.elapsed();
    assert_eq!(desk.mirror.read(items::count).unwrap(), 13_000);
    assert!(took < std::time::Duration::from_secs(20), "it took {took:?}");
    desk.assert_sound();
}

#[test]
fn each_deadline_that_comes_rings_once_and_a_later_promise_rings_again() {
    let mut desk = Desk::new();
    let promised = |number: i64, version: i64, due: i64| Order {
        status: OrderStatus::Running,
        due_at: Some(at(due)),
        ..order(number, version)
    };
    let mut till = pending_order(3, 1, "20.00");
    till.payments[0].decide_by = Some(at(1060));
    let rows = [promised(1, 1, 1000), promised(2, 1, 2000), till];
    desk.orders(rows.into_iter().map(|row| DownBody::Order(Box::new(row))).collect());
    desk.mirror.write(|tx| alarms::acknowledge(tx, None)).unwrap();
    let late = |desk: &Desk, now: i64| {
        let is_any = desk.mirror.read(|conn| alarms::is_any_late(conn, at(now))).unwrap();
        let told = desk.mirror.write(|tx| alarms::raise_late(tx, at(now))).unwrap();
        assert_eq!(is_any, !told.is_empty());
        told.iter().map(|order| order.get()).collect::<Vec<_>>()
    };
    assert_eq!(late(&desk, 999), Vec::<i64>::new());
    // A till is told a minute before it gives up.
    assert_eq!(late(&desk, 1000), [order_id(1).get(), order_id(3).get()]);
    assert_eq!(late(&desk, 1001), Vec::<i64>::new(), "each is told once");
    let unheard = desk.mirror.read(alarms::unheard).unwrap();
    assert!(unheard.len() == 2 && unheard.iter().all(|(_, kind, _)| kind == "late"), "{unheard:?}");
    desk.orders(vec![DownBody::Order(Box::new(promised(1, 2, 1500)))]);
    assert_eq!(late(&desk, 1600), [order_id(1).get()]);
    // What came long ago concerns nobody any more.
    assert_eq!(late(&desk, 2000 + 13 * 60 * 60), Vec::<i64>::new());
    desk.assert_sound();
}

#[test]
fn an_order_that_is_not_open_any_more_is_late_for_nobody() {
    let mut desk = Desk::new();
    let mut row = order(1, 1);
    (row.status, row.due_at) = (OrderStatus::Running, Some(at(1000)));
    desk.orders(vec![DownBody::Order(Box::new(row.clone()))]);
    desk.mirror.write(|tx| alarms::acknowledge(tx, None)).unwrap();
    assert_eq!(desk.mirror.write(|tx| alarms::raise_late(tx, at(1001))).unwrap(), [order_id(1)]);
    row.version = 2;
    row.status = OrderStatus::Pending;
    desk.orders(vec![DownBody::Order(Box::new(row.clone()))]);
    assert_eq!(desk.mirror.read(alarms::unheard).unwrap().len(), 1, "it is late while its payment waits too");
    row.version = 3;
    (row.status, row.decision) = (OrderStatus::Confirmed, Some(Decision::Approved));
    desk.orders(vec![DownBody::Order(Box::new(row))]);
    assert!(desk.mirror.read(alarms::unheard).unwrap().is_empty());
}

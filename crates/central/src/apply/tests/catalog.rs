//! Items, the store's row, digests, and what is forgotten.

use aisle_contract::down::FeedRecord;

use super::*;

fn made_item(number: u64) -> Item {
    Item {
        item_id: ItemId::born_at_desk(number),
        store_id: store_id(),
        unit_price: Money::from_minor(250),
        barcode: None,
        name: "Apple".into(),
        category: None,
        availability: aisle_domain::Availability::Available,
        available_until: None,
        version: 41,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }
}

fn create(item: Item) -> Change {
    Change::ItemCreated(Box::new(ItemCreated { item }))
}

fn reprice(item: ItemId, from: i64, to: i64) -> Change {
    let edit = Edit { from: Money::from_minor(from), to: Money::from_minor(to) };
    Change::ItemChanged(ItemChanged {
        item,
        changes: ItemEdits { unit_price: Some(edit), ..ItemEdits::default() },
    })
}

#[test]
fn an_item_is_made_edited_and_removed_by_a_desk() {
    let mut bench = Bench::new();
    let item = made_item(7).item_id;
    bench.send(DESK, 1, 1, create(made_item(7)));
    bench.send(DESK, 2, 2, reprice(item, 250, 300));
    bench.send(DESK, 3, 3, Change::ItemDeleted(ItemDeleted { item }));
    let row = bench.ledger.read(|tx| tx.item(store_id(), item)).unwrap().unwrap();
    assert_eq!((row.unit_price, row.deleted, row.version), (Money::from_minor(300), true, 3));
    assert_eq!(row.changed[&aisle_domain::Field::UnitPrice].by, "staff of 1");
    assert_eq!(bench.acks(Lane::Catalog).last().map(|a| a.expected), Some(4));
    assert!(bench.sent(Lane::Orders).iter().all(|b| !matches!(b, DownBody::Ack(_))), "each lane has its own acks");
}

#[test]
fn a_price_that_both_changed_is_asked_and_the_merged_field_stands() {
    let mut bench = Bench::new();
    let item = made_item(7).item_id;
    bench.send(DESK, 1, 1, create(made_item(7)));
    bench.centre.set_item(store_id(), item, &["unit_price=9.99".parse().unwrap()]).unwrap();
    bench.sent(Lane::Catalog);
    let changes = ItemEdits {
        unit_price: Some(Edit { from: Money::from_minor(250), to: Money::from_minor(300) }),
        availability: Some(Edit {
            from: aisle_domain::Availability::Available,
            to: aisle_domain::Availability::OutOfStock,
        }),
        ..ItemEdits::default()
    };
    let applied = bench.send(DESK, 2, 2, Change::ItemChanged(ItemChanged { item, changes }));
    assert_eq!(applied.refused, 1);
    let sent = bench.sent(Lane::Catalog);
    let [DownBody::Item(row), DownBody::Refused(refused), DownBody::Ack(_)] = sent.as_slice() else {
        panic!("row, refusal, ack: {sent:?}")
    };
    assert_eq!(refused.refusal, Refusal::BothChanged { fields: vec![aisle_domain::Field::UnitPrice] });
    assert_eq!(row.unit_price, Money::from_minor(999));
    assert_eq!(row.availability, aisle_domain::Availability::OutOfStock);
}

#[test]
fn an_item_of_another_store_or_with_a_number_of_centrals_own_is_refused() {
    let mut bench = Bench::new();
    let foreign = Item { store_id: StoreId::new(5).unwrap(), ..made_item(7) };
    let central = Item { item_id: ItemId::new(12).unwrap(), ..made_item(7) };
    let first = bench.record(DESK, 1, 1, create(foreign));
    let second = bench.record(DESK, 2, 2, create(central));
    assert_eq!(bench.apply(&[first, second]).refused, 2);
    assert!(bench.ledger.read(|tx| tx.items(store_id(), 0, 10)).unwrap().is_empty());
}

#[test]
fn a_text_that_makes_the_row_too_large_for_a_feed_is_refused_and_the_row_stays() {
    let mut bench = Bench::with_order();
    let huge = "x".repeat(aisle_contract::MAX_VALUE_BYTES);
    assert_eq!(bench.send(DESK, 1, 1, claim(None, &huge)).refused, 1);
    assert_eq!(bench.order().claimed_by, None);
    assert_eq!(bench.refusals(Lane::Orders)[0].code(), "bad_value");
}

#[test]
fn a_reason_that_makes_the_row_too_large_for_a_feed_is_refused_and_one_that_is_unknown_is_quoted_in_short() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let payment = pay(&bench, 1_000);
    let Change::PaymentApproved(approval) = approve(payment, 1_000, 1) else { panic!("an approval") };
    let wordy = Change::PaymentApproved(PaymentApproved { reason: Some("x".repeat(560_000)), ..approval });
    assert_eq!(bench.send(DESK, 2, 2, wordy).refused, 1);
    assert_eq!(bench.order().payments[0].status, None);
    let Change::OrderRejected(rejection) = reject() else { panic!("a rejection") };
    let unknown = Change::OrderRejected(OrderRejected {
        from: OrderStatus::Pending,
        reason: "y".repeat(900_000),
        ..rejection
    });
    assert_eq!(bench.send(DESK, 3, 3, unknown).refused, 1);
    let sent = bench.sent(Lane::Orders);
    assert_eq!(sent.iter().filter(|body| matches!(body, DownBody::Refused(_))).count(), 2);
    for body in sent {
        let record = FeedRecord::of(Lane::Orders, &body).unwrap().unwrap();
        assert!(record.data.unwrap().len() < 10_000, "{:?}", body.key());
    }
}

#[test]
fn a_place_that_was_used_before_holds_another_dead_letter_and_the_same_one_only_once() {
    let mut bench = Bench::new();
    let mut letters = ["one", "other"].map(|text| {
        let mut record = bench.record(DESK, 1, 1, reprice(ItemId::new(1).unwrap(), 1, 2));
        (record.headers, record.value, record.offset) = (Vec::new(), Some(text.as_bytes().to_vec()), 7);
        record
    });
    for record in &mut letters {
        assert_eq!(bench.apply(std::slice::from_ref(record)).dead, 1);
        bench.apply(std::slice::from_ref(record));
    }
    let kept: Vec<_> = bench.dead().into_iter().map(|letter| letter.raw.unwrap()).collect();
    assert_eq!(kept, [b"one".to_vec(), b"other".to_vec()]);
}

#[test]
fn a_pause_changes_the_stores_row_and_sends_it() {
    let mut bench = Bench::new();
    bench.sent(Lane::Orders);
    bench.send(DESK, 1, 1, Change::StorePaused(StorePaused { until: Some(at(3600)) }));
    let sent = bench.sent(Lane::Orders);
    assert!(
        matches!(&sent[0], DownBody::Store(s) if s.paused_until == Some(at(3600)) && s.version == 2),
        "{sent:?}"
    );
}

#[test]
fn what_is_kept_as_digest_is_what_the_rows_give() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(DESK, 1, 2, create(made_item(1)));
    bench.send(DESK, 2, 3, create(made_item(2)));
    bench.send(DESK, 3, 4, Change::ItemDeleted(ItemDeleted { item: made_item(1).item_id }));
    let [orders, items] = bench.ledger.read(|tx| tx.counted_digests(store_id())).unwrap();
    assert_eq!((orders.count, items.count), (1, 2));
    for (lane, counted) in [(Lane::Orders, orders), (Lane::Catalog, items)] {
        let kept = bench.ledger.read(|tx| tx.digest(Feed { store: store_id(), lane })).unwrap();
        assert_eq!(kept, counted, "{lane:?}");
    }
}

#[test]
fn published_rows_are_kept_for_a_week_however_late_they_were_published() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, reject());
    let kept = |bench: &Bench| -> i64 {
        let database = rusqlite::Connection::open(bench.centre.path()).unwrap();
        database.query_row("SELECT count(*) FROM feed_outbox", [], |row| row.get(0)).unwrap()
    };
    let day = 24 * 60 * 60;
    let forget = |bench: &mut Bench, now| {
        while bench.ledger.write(|tx| tx.forget_some(now)).unwrap() > 0 {}
    };
    let all = kept(&bench);
    assert!(all > 3, "{all}");
    forget(&mut bench, at(20 + 30 * day));
    assert_eq!(kept(&bench), all, "they wait");
    assert!(!bench.sent(Lane::Orders).is_empty() && !bench.sent(Lane::Catalog).is_empty());
    forget(&mut bench, at(20 + 37 * day));
    forget(&mut bench, at(20 + 44 * day - 1));
    assert_eq!(kept(&bench), all, "known to be published for not quite a week");
    forget(&mut bench, at(20 + 44 * day));
    assert_eq!(kept(&bench), 0);
}

#[test]
fn closed_orders_deleted_items_and_old_changes_are_forgotten_by_centrals_clock() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, reject());
    bench.send(OTHER, 1, 5, accept());
    bench.send(DESK, 1, 2, create(made_item(1)));
    bench.send(DESK, 2, 3, Change::ItemDeleted(ItemDeleted { item: made_item(1).item_id }));
    let day = 24 * 60 * 60;
    let forget = |bench: &mut Bench, now| {
        while bench.ledger.write(|tx| tx.forget_some(now)).unwrap() > 0 {}
    };
    bench.sent(Lane::Orders);
    forget(&mut bench, at(20 + 90 * day - 1));
    assert!(bench.sent(Lane::Orders).is_empty(), "a second too early");
    forget(&mut bench, at(20 + 90 * day));
    let orders = bench.sent(Lane::Orders);
    assert!(orders.contains(&DownBody::OrderGone(order_id())) && orders.contains(&DownBody::Gone), "{orders:?}");
    assert!(bench.sent(Lane::Catalog).contains(&DownBody::ItemGone(made_item(1).item_id)));
    assert_eq!(bench.centre.digest(store_id()).unwrap().tables.orders.count, 0);
    let kept = bench.ledger.read(|tx| tx.digest(Feed { store: store_id(), lane: Lane::Catalog })).unwrap();
    assert_eq!((kept.count, kept.sum), (0, 0));
    assert!(bench.ledger.read(|tx| tx.known(change_id(1))).unwrap().is_some());
    forget(&mut bench, at(20 + 400 * day));
    assert!(bench.ledger.read(|tx| tx.known(change_id(1))).unwrap().is_none());
    let history = bench.ledger.read(|tx| tx.history(store_id(), Subject::Order(order_id()))).unwrap();
    assert!(!history.is_empty(), "the audit stays");
}

#[test]
fn of_a_feed_whose_digest_is_to_be_sent_anew_one_waits_and_not_two() {
    let mut bench = Bench::new();
    let feed = Feed { store: store_id(), lane: Lane::Catalog };
    for minute in 1..4 {
        bench.ledger.write(|tx| tx.touch_digest(feed)).unwrap();
        bench.ledger.write(|tx| tx.cut_digests(store_id(), true, at(60 * minute))).unwrap();
    }
    let waiting = bench.ledger.read(|tx| tx.waiting_rows(feed, 0, 100)).unwrap();
    assert_eq!(waiting.iter().filter(|row| row.record.key == "digest").count(), 1);
}

#[test]
fn a_digest_that_was_sent_while_the_clock_was_ahead_holds_up_no_other() {
    let mut bench = Bench::new();
    let due = |bench: &mut Bench, now| {
        let feed = Feed { store: store_id(), lane: Lane::Catalog };
        bench.ledger.write(|tx| tx.touch_digest(feed)).unwrap();
        bench.ledger.read(|tx| tx.digests_due(now)).unwrap()
    };
    let cut = |bench: &mut Bench, now| {
        bench.ledger.write(|tx| tx.cut_digests(store_id(), false, now)).unwrap();
        bench.sent(Lane::Catalog);
    };
    assert_eq!(due(&mut bench, at(3_600)), [store_id()]);
    cut(&mut bench, at(3_600));
    assert_eq!(due(&mut bench, at(3_630)), [], "one a minute");
    assert_eq!(due(&mut bench, at(0)), [store_id()]);
    cut(&mut bench, at(0));
    assert_eq!(due(&mut bench, at(30)), [], "that one went");
}

#[test]
fn a_digest_that_was_taken_back_before_it_went_does_not_count_as_the_one_of_its_minute() {
    let mut bench = Bench::new();
    let feed = Feed { store: store_id(), lane: Lane::Catalog };
    let mut cut_and_take_back = |now| {
        bench
            .ledger
            .write(|tx| tx.cut_digests(store_id(), false, now).and_then(|()| tx.touch_digest(feed)))
            .unwrap();
        let due = |bench: &mut Bench, at| bench.ledger.read(|tx| tx.digests_due(at)).unwrap();
        (due(&mut bench, now), due(&mut bench, now.plus_millis(5_000)))
    };
    cut_and_take_back(at(60));
    assert_eq!(cut_and_take_back(at(120)), (vec![], vec![store_id()]), "soon, and not with every row");
    assert_eq!(cut_and_take_back(at(125)), (vec![], vec![store_id()]), "each time");
}

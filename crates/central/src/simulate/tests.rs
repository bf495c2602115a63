//! Simulated days against central's SQL; a scripted desk's changes are applied without a transport.

use std::{fmt::Write, num::NonZeroU32, path::Path, sync::Mutex};

use aisle_contract::{ChangeEnvelope, ChangeMessage, Incoming, TopicNames, partition_of};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Lane, Money, Order, Reasons,
    change::{OrderAccepted, PaymentApproved, PaymentDeclined},
};
use uuid::Uuid;

use super::*;
use crate::{
    acts::NewStore,
    apply::{Place, apply_batch},
};

fn store_id() -> StoreId {
    StoreId::new(42).unwrap()
}

fn millis(at: i64) -> Timestamp {
    Timestamp::from_millis(at)
}

/// A store with three items and two orders on each of three days; the receipt of every order is a dollar cheaper.
fn write_folder(folder: &Path) {
    let items = "item_id,barcode,name,category,unit_price\n\
        11,2000000000114,\"Beans, 15 OZ\",Grocery,0.89\n12,,Cereal,,3.69\n13,2000000000138,Milk,Dairy,1.99\n";
    std::fs::write(folder.join("items.csv"), items).unwrap();
    let (mut orders, mut receipts) = (String::new(), String::new());
    for number in 0..6 {
        let (order, day, hour) = (31_190_001_000_i64 + number, 1 + number / 2, 9 + number % 2);
        writeln!(
            orders,
            "{{\"order_id\":{order},\"store_id\":367,\"user_id\":7,\"creation_time\":\"2017-01-{day:02}T{hour:02}:00:00Z\",\
             \"items\":[{{\"item_id\":11,\"unit_price\":\"0.89\",\"quantity\":2}},\
             {{\"item_id\":12,\"unit_price\":\"3.69\",\"quantity\":1.5}}]}}"
        )
        .unwrap();
        writeln!(
            receipts,
            "{{\"transaction_id\":{order},\"order_id\":{order},\"store_id\":367,\
             \"datetime\":\"2017-01-{day:02}T{hour:02}:45:00Z\",\"amount\":\"6.32\",\
             \"items\":[{{\"item_id\":11,\"name\":\"Beans\",\"unit_price\":\"0.89\",\"quantity\":2}},\
             {{\"item_id\":12,\"name\":\"Cereal\",\"unit_price\":\"3.02\",\"quantity\":1.5}}]}}"
        )
        .unwrap();
    }
    std::fs::write(folder.join("orders.jsonl"), orders).unwrap();
    std::fs::write(folder.join("receipts.jsonl"), receipts).unwrap();
}

struct Town {
    folder: tempfile::TempDir,
    centre: Centre,
    clock: Arc<Mutex<Timestamp>>,
    seq: i64,
}

impl Town {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        write_folder(folder.path());
        let clock = Arc::new(Mutex::new(millis(1_700_000_000_000)));
        let hand = Arc::clone(&clock);
        let read = move || *hand.lock().unwrap();
        let path = folder.path().join("central.db");
        let centre = Centre::open(&path, TopicNames::default(), Arc::new(read)).unwrap();
        centre.add_store(NewStore::new(store_id(), "Corner", "Main street 1")).unwrap();
        Self { folder, centre, clock, seq: 1 }
    }

    fn options(&self) -> SimulateOptions {
        SimulateOptions::new(store_id(), self.folder.path())
    }

    fn run(&self, options: &SimulateOptions) -> SimulateSummary {
        self.centre.simulate(options, &Stop::new()).unwrap()
    }

    fn pass(&self, millis: i64) {
        let mut now = self.clock.lock().unwrap();
        *now = now.plus_millis(millis);
    }

    fn orders(&self) -> Vec<Order> {
        self.centre.ledger().unwrap().read(|tx| tx.orders(store_id(), 0, 100)).unwrap()
    }

    /// Lets the desk act on every order for which `act` has a change.
    fn desk(&mut self, act: impl Fn(&Order) -> Option<Change>) {
        let home = partition_of(store_id(), 12);
        let mut ledger = self.centre.ledger().unwrap();
        let now = self.centre.now();
        let term = ledger.write(|tx| tx.take_lease(home, "me", false, now)).unwrap().unwrap();
        for change in self.orders().iter().filter_map(act) {
            let envelope = ChangeEnvelope {
                change_id: ChangeId(Uuid::from_u128(self.seq.unsigned_abs().into())),
                store: store_id(),
                desk: DeskId(Uuid::from_u128(1)),
                incarnation: Incarnation(1),
                lane: Lane::Orders,
                seq: self.seq,
                replaces: None,
                staff: "Ana".into(),
                acted_at: now,
                key_id: None,
            };
            let sent = ChangeMessage { envelope, change }.encode("aisle.changes", home, None).unwrap();
            let record = Incoming {
                topic: sent.topic,
                partition: home,
                offset: self.seq,
                written_at: now,
                key: Some(sent.key),
                headers: sent.headers,
                value: sent.value,
            };
            let place = Place { cluster: "c", partition: home, term, now };
            let tally = ledger.write(|tx| apply_batch(tx, place, &[record])).unwrap();
            assert_eq!((tally.applied, tally.refused), (1, 0));
            self.seq += 1;
        }
    }
}

fn accept(order: &Order) -> Option<Change> {
    (order.status == OrderStatus::New)
        .then_some(Change::OrderAccepted(OrderAccepted { order: order.order_id, from: OrderStatus::New }))
}

fn approve(order: &Order) -> Option<Change> {
    let payment = order.waiting_payment()?;
    Some(Change::PaymentApproved(PaymentApproved {
        order: order.order_id,
        payment: Some(payment.payment_id),
        amount: Some(payment.amount),
        range_version: order.range.as_ref().map(|r| r.version),
        reason: None,
        override_: None,
    }))
}

fn decline(order: &Order) -> Option<Change> {
    let payment = order.waiting_payment()?;
    Some(Change::PaymentDeclined(PaymentDeclined {
        order: order.order_id,
        payment: payment.payment_id,
        amount: payment.amount,
        range_version: order.range.as_ref().map(|r| r.version),
        reason: "wrong_order".into(),
        note: None,
        ends_order: false,
    }))
}

#[test]
fn everything_at_once_releases_all_orders_in_the_order_of_the_file_and_nothing_is_missed() {
    let town = Town::new();
    let done = town.run(&town.options());
    assert_eq!((done.items, done.orders, done.payments, done.receipts, done.cancelled), (3, 6, 0, 0, 0));
    let orders = town.orders();
    assert!(orders.iter().all(|o| o.status == OrderStatus::New && o.accept_by.is_none() && o.version == 1));
    let first = &orders[0];
    assert_eq!((first.display_no.as_str(), first.customer_name.as_deref()), ("1000", None));
    assert_eq!(first.expected(), "7.32".parse::<Money>().unwrap());
    assert_eq!(first.lines[1].unit, "kg", "one and a half of it is weighed");
    let range = first.range.as_ref().unwrap();
    assert_eq!((range.amount_lo.to_string(), range.amount_hi.to_string()), ("5.12".into(), "8.06".into()));
    assert!(first.due_at.unwrap().since(first.queued_time) >= 45 * 60_000);
    assert!(town.centre.verify(None).unwrap().ok);
}

#[test]
fn an_accepted_order_is_paid_once_with_its_receipt_and_done_when_all_are_decided() {
    let mut town = Town::new();
    town.run(&town.options());
    town.desk(accept);
    let paid = town.run(&town.options());
    assert_eq!((paid.orders, paid.payments, paid.receipts), (6, 6, 6));
    let order = town.orders().remove(0);
    assert_eq!((order.status, order.version), (OrderStatus::Pending, 3), "receipt and payment are one step");
    assert_eq!((order.receipts.len(), order.payments.len()), (1, 1));
    assert!(order.shopper.is_some());
    let options = SimulateOptions { until_done: true, timeout: Some(Duration::from_millis(50)), ..town.options() };
    assert!(!town.run(&options).reached);
    town.desk(|order| if order.order_id.get() % 2 == 0 { approve(order) } else { decline(order) });
    let done = town.run(&options);
    assert!(done.reached);
    assert_eq!((done.payments, done.receipts), (6, 6), "a declined order is not paid again");
    let running = town.orders().iter().filter(|o| o.status == OrderStatus::Running).count();
    assert_eq!(running, 3);
    let report = town.centre.verify(Some(store_id())).unwrap();
    assert!(report.ok, "{report:?}");
}

#[test]
fn payments_are_numbered_by_centrals_own_counter() {
    let mut town = Town::new();
    town.run(&town.options());
    town.desk(accept);
    town.run(&town.options());
    let ids: Vec<i64> = town.orders().iter().map(|o| o.payments[0].payment_id.get()).collect();
    assert_eq!(ids, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn only_the_first_days_are_replayed_and_a_later_start_goes_on() {
    let town = Town::new();
    let one_day = SimulateOptions { days: Some(1), ..town.options() };
    assert_eq!(town.run(&one_day).orders, 2);
    assert_eq!(town.run(&one_day).orders, 2);
    let versions: Vec<i64> = town.orders().iter().map(|o| o.version).collect();
    assert_eq!(versions, [1, 1], "what is there is left alone");
    assert_eq!(town.run(&SimulateOptions { days: Some(2), ..town.options() }).orders, 4);
    assert_eq!(town.run(&town.options()).orders, 6);
    assert_eq!(town.run(&town.options()).items, 3);
}

#[test]
fn every_customer_who_is_to_cancel_cancels_and_keeps_the_reason() {
    let mut town = Town::new();
    let options = SimulateOptions { cancel_percent: 100, seed: 5, ..town.options() };
    town.run(&options);
    town.desk(accept);
    let done = town.run(&options);
    assert_eq!((done.cancelled, done.payments), (6, 0));
    assert!(
        town.orders().iter().all(|o| o.reason.as_deref() == Some(Reasons::CANCELLED) && o.is_ended_by_central())
    );
}

#[test]
fn faster_than_life_orders_come_one_after_the_other_and_those_not_accepted_are_missed() {
    let town = Town::new();
    let speed = Speed::Times(NonZeroU32::new(3600).unwrap());
    let options = SimulateOptions { speed, timeout: Some(Duration::ZERO), ..town.options() };
    assert_eq!(town.run(&options).orders, 1, "the second order comes an hour later, a second of wall time");
    let first = town.orders().remove(0);
    assert_eq!(first.accept_by.map(|by| by.since(first.queued_time)), Some(10 * 60_000 / 3600));
    town.pass(200);
    town.run(&options);
    let first = town.orders().remove(0);
    assert_eq!((first.status, first.reason.as_deref()), (OrderStatus::Rejected, Some(Reasons::MISSED)));
}

#[test]
fn a_paused_store_gets_no_new_orders_until_its_pause_is_over() {
    let town = Town::new();
    let until = town.centre.now().plus_millis(60_000);
    let pause = |until| {
        let mut ledger = town.centre.ledger().unwrap();
        let row = town.centre.store(store_id()).unwrap();
        ledger.write(|tx| tx.save_store(&Store { paused_until: until, ..row })).unwrap();
    };
    pause(Some(until));
    let speed = Speed::Times(NonZeroU32::new(60).unwrap());
    let options = SimulateOptions { speed, timeout: Some(Duration::ZERO), ..town.options() };
    assert_eq!(town.run(&options).orders, 0);
    town.pass(60_001);
    assert!(town.run(&options).orders > 0, "the pause ended by itself");
    // At the highest speed nothing waits for a time of day.
    pause(Some(until.plus_millis(600_000)));
    assert_eq!(town.run(&town.options()).orders, 6);
}

#[test]
fn a_file_that_is_wrong_is_refused_with_its_line_before_anything_is_written() {
    let cases = [
        ("items.csv", "item_id,name,unit_price\n1,Beans,0.999\n", 2, "more than two decimals"),
        ("items.csv", "item_id,name,unit_price\n1,Beans,1\n1,Beans,1\n", 3, "twice"),
        ("items.csv", "item_id,name\n1,Beans\n", 1, "unit_price is missing"),
        ("orders.jsonl", "{\"order_id\":1}\n", 1, "user_id"),
        ("orders.jsonl", "\n{", 2, "EOF"),
        ("receipts.jsonl", "", 1, "no receipt"),
    ];
    for (file, text, line, reason) in cases {
        let town = Town::new();
        std::fs::write(town.folder.path().join(file), text).unwrap();
        let refused = town.centre.simulate(&town.options(), &Stop::new()).unwrap_err();
        let CentralError::Input { line: found, reason: said, .. } = &refused else { panic!("{refused}") };
        assert_eq!(*found, line, "{refused}");
        assert!(said.contains(reason), "{refused}");
        assert!(town.orders().is_empty());
        assert_eq!(town.centre.digest(store_id()).unwrap().tables.items.count, 0);
    }
}

#[test]
fn an_order_of_an_item_that_is_not_in_the_catalog_is_refused_with_its_line() {
    let town = Town::new();
    let path = town.folder.path().join("orders.jsonl");
    let text = std::fs::read_to_string(&path).unwrap().replace("\"item_id\":12", "\"item_id\":99");
    std::fs::write(&path, text).unwrap();
    let refused = town.centre.simulate(&town.options(), &Stop::new()).unwrap_err().to_string();
    assert!(refused.contains("orders.jsonl, line 1: item 99 is not in items.csv"), "{refused}");
}

#[test]
fn an_unknown_store_and_a_missing_folder_are_told_apart() {
    let town = Town::new();
    let unknown = SimulateOptions::new(StoreId::new(1).unwrap(), town.folder.path());
    assert_eq!(town.centre.simulate(&unknown, &Stop::new()).unwrap_err().code(), "not_found");
    let nowhere = SimulateOptions::new(store_id(), town.folder.path().join("nowhere"));
    assert_eq!(town.centre.simulate(&nowhere, &Stop::new()).unwrap_err().code(), "bad_input");
}

#[test]
fn a_speed_is_max_or_how_many_times_life() {
    assert_eq!("max".parse::<Speed>().unwrap(), Speed::Max);
    assert_eq!("60".parse::<Speed>().unwrap(), Speed::Times(NonZeroU32::new(60).unwrap()));
    for wrong in ["0", "-1", "fast", ""] {
        assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
    }
}

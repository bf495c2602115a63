//! One partition's records against central's SQL, without a transport.

use std::sync::Arc;

use aisle_contract::{ChangeEnvelope, DownBody, DownMessage, Heartbeat, Outgoing, TopicNames};
use aisle_domain::{
    AmountRange, Barcode, Decision, Incarnation, Item, ItemEdits, ItemId, Lane, LineState, Money, Order, OrderId,
    OrderLine, OrderStatus, Payment, PaymentId, Policies, Quantity, Subject,
    change::{
        DueSet, ItemChanged, ItemCreated, ItemDeleted, LineSeen, LineSet, OrderAccepted, OrderClaimed, OrderNoted,
        OrderRejected, PaymentApproved, PaymentDeclined, StorePaused,
    },
    item::Edit,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{
    acts::{NewStore, change_order},
    ledger::Ledger,
};

const CLUSTER: &str = "cluster-a";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000 + seconds * 1000)
}

fn store_id() -> StoreId {
    StoreId::new(367).unwrap()
}

fn order_id() -> OrderId {
    OrderId::new(31_198_481_877).unwrap()
}

fn home() -> i32 {
    partition_of(store_id(), 12)
}

fn change_id(number: u128) -> ChangeId {
    ChangeId(Uuid::from_u128(number))
}

/// A desk that numbers its changes, and central's database with a lease on the store's partition.
struct Bench {
    _folder: tempfile::TempDir,
    centre: crate::Centre,
    ledger: Ledger,
    term: i64,
    offset: i64,
    log: Vec<Incoming>,
}

#[derive(Clone, Copy)]
struct TestDesk(u128, u64);

const DESK: TestDesk = TestDesk(1, 11);
const OTHER: TestDesk = TestDesk(2, 22);

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("central.db");
        let centre = crate::Centre::open(&path, TopicNames::default(), Arc::new(|| at(0))).unwrap();
        centre.add_store(NewStore::new(store_id(), "Store", "Main street 1")).unwrap();
        let mut ledger = centre.ledger().unwrap();
        let term = ledger.write(|tx| tx.take_lease(home(), "me", false, at(0))).unwrap().unwrap();
        Self { _folder: folder, centre, ledger, term, offset: 0, log: Vec::new() }
    }

    fn with_order() -> Self {
        let mut bench = Self::new();
        bench.add_order(order(order_id()));
        bench
    }

    fn add_order(&mut self, order: Order) {
        self.ledger
            .write(|tx| {
                let mut rows = Rows::new(tx, at(0));
                rows.add_order(order);
                rows.write()
            })
            .unwrap();
    }

    fn incoming(&mut self, outgoing: Outgoing) -> Incoming {
        let record = Incoming {
            topic: outgoing.topic,
            partition: outgoing.partition,
            offset: self.offset,
            written_at: at(1),
            key: Some(outgoing.key),
            headers: outgoing.headers,
            value: outgoing.value,
        };
        self.offset += 1;
        self.log.push(record.clone());
        record
    }

    fn record(&mut self, desk: TestDesk, seq: i64, id: u128, change: Change) -> Incoming {
        let envelope = ChangeEnvelope {
            change_id: change_id(id),
            store: store_id(),
            desk: DeskId(Uuid::from_u128(desk.0)),
            incarnation: Incarnation(desk.1),
            lane: change.lane(),
            seq,
            replaces: None,
            staff: format!("staff of {}", desk.0),
            acted_at: at(10),
            key_id: None,
        };
        let message = ChangeMessage { envelope, change };
        self.incoming(message.encode("aisle.changes", home()).unwrap())
    }

    fn place(&self) -> Place<'static> {
        Place { cluster: CLUSTER, partition: home(), term: self.term, now: at(20) }
    }

    fn apply(&mut self, records: &[Incoming]) -> Applied {
        let place = self.place();
        self.ledger.write(|tx| apply_batch(tx, place, records)).unwrap()
    }

    fn send(&mut self, desk: TestDesk, seq: i64, id: u128, change: Change) -> Applied {
        let record = self.record(desk, seq, id, change);
        self.apply(&[record])
    }

    fn order(&mut self) -> Order {
        self.ledger.read(|tx| tx.order(store_id(), order_id())).unwrap().unwrap()
    }

    /// What waits for the feed of a lane; it counts as published then.
    fn sent(&mut self, lane: Lane) -> Vec<DownBody> {
        let feed = Feed { store: store_id(), lane };
        self.ledger
            .write(|tx| {
                let rows = tx.waiting_rows(feed, 0, 10_000)?;
                let epoch = tx.epoch()?;
                let decode = |row: &crate::ledger::FeedRow| {
                    let outgoing = row.record.encode(&TopicNames::default(), store_id(), epoch, row.id, row.at);
                    let incoming = Incoming {
                        topic: outgoing.topic,
                        partition: 0,
                        offset: row.id,
                        written_at: row.at,
                        key: Some(outgoing.key),
                        headers: outgoing.headers,
                        value: outgoing.value,
                    };
                    DownMessage::decode(&incoming).unwrap().body
                };
                let bodies = rows.iter().map(decode).collect();
                if let Some(last) = rows.last() {
                    tx.mark_published(feed, last.id, at(20))?;
                }
                Ok(bodies)
            })
            .unwrap()
    }

    fn acks(&mut self, lane: Lane) -> Vec<DeskAck> {
        let acks = self.sent(lane).into_iter();
        acks.filter_map(|body| if let DownBody::Ack(ack) = body { Some(*ack) } else { None }).collect()
    }

    fn refusals(&mut self, lane: Lane) -> Vec<Refusal> {
        let all = self.sent(lane).into_iter();
        all.filter_map(|body| if let DownBody::Refused(r) = body { Some(r.refusal) } else { None }).collect()
    }

    fn dead(&mut self) -> Vec<crate::ledger::DeadLetter> {
        self.ledger.read(|tx| tx.dead_letters(0, 100)).unwrap()
    }
}

fn order(order_id: OrderId) -> Order {
    let line = OrderLine {
        item_id: ItemId::new(852_856).unwrap(),
        name: "Cards".into(),
        barcode: Some("2000008528560".parse::<Barcode>().unwrap()),
        order_unit_price: Money::from_minor(1000),
        quantity: Quantity::ONE,
        unit: "each".into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    };
    let range = AmountRange::derive(Money::from_minor(1000), &Policies::default(), 1, at(0), "central");
    Order {
        order_id,
        store_id: store_id(),
        user_id: aisle_domain::UserId::new(883).unwrap(),
        creation_time: at(-60),
        status: OrderStatus::New,
        queued_time: at(0),
        accept_by: None,
        due_at: Some(at(2700)),
        display_no: "1877".into(),
        customer_name: None,
        note: None,
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        version: 0,
        lines: vec![line],
        range: Some(range),
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    }
}

fn accept() -> Change {
    Change::OrderAccepted(OrderAccepted { order: order_id(), from: OrderStatus::New })
}

fn reject() -> Change {
    Change::OrderRejected(OrderRejected {
        order: order_id(),
        from: OrderStatus::New,
        reason: "too_busy".into(),
        lines: Vec::new(),
        note: None,
    })
}

fn approve(payment: PaymentId, amount: i64, range_version: i64) -> Change {
    Change::PaymentApproved(PaymentApproved {
        order: order_id(),
        payment: Some(payment),
        amount: Some(Money::from_minor(amount)),
        range_version: Some(range_version),
        reason: None,
        override_: None,
    })
}

fn claim(from: Option<&str>, to: &str) -> Change {
    Change::OrderClaimed(OrderClaimed { order: order_id(), from: from.map(Into::into), to: Some(to.into()) })
}

fn pay(bench: &Bench, amount: i64) -> PaymentId {
    bench.centre.add_payment(Some(store_id()), order_id(), Money::from_minor(amount)).unwrap().payment_id
}

#[test]
fn an_order_goes_its_whole_way_and_the_decision_is_confirmed_in_the_same_transaction() {
    let mut bench = Bench::with_order();
    assert_eq!(bench.send(DESK, 1, 1, accept()).applied, 1);
    assert_eq!(bench.order().status, OrderStatus::Running);
    let payment = pay(&bench, 900);
    assert_eq!(bench.order().status, OrderStatus::Pending);
    bench.sent(Lane::Orders);
    assert_eq!(bench.send(DESK, 2, 2, approve(payment, 900, 1)).applied, 1);
    let row = bench.order();
    assert_eq!((row.status, row.decision), (OrderStatus::Confirmed, Some(Decision::Approved)));
    assert_eq!(row.decided_by.as_deref(), Some("staff of 1"));
    let sent = bench.sent(Lane::Orders);
    assert!(matches!(&sent[0], DownBody::Order(o) if **o == row), "the row goes first: {sent:?}");
    let DownBody::Ack(ack) = sent.last().unwrap() else { panic!("the ack goes last: {sent:?}") };
    assert_eq!((ack.expected, ack.position.offset), (3, 2));
}

#[test]
fn a_record_that_comes_twice_has_effect_once() {
    let mut bench = Bench::with_order();
    let record = bench.record(DESK, 1, 1, accept());
    let again = bench.record(DESK, 1, 1, accept());
    let applied = bench.apply(&[record, again.clone()]);
    assert_eq!((applied.applied, applied.duplicates), (1, 1));
    let version = bench.order().version;
    assert_eq!(bench.apply(&[again]).duplicates, 1);
    assert_eq!(bench.order().version, version);
}

#[test]
fn a_gap_is_dropped_and_the_expected_number_is_published_once_a_batch() {
    let mut bench = Bench::with_order();
    bench.sent(Lane::Orders);
    let third = bench.record(DESK, 3, 3, claim(Some("b"), "c"));
    let fourth = bench.record(DESK, 4, 4, claim(Some("c"), "d"));
    assert_eq!(bench.apply(&[third.clone(), fourth.clone()]).dropped, 2);
    let acks = bench.acks(Lane::Orders);
    assert_eq!(acks.iter().map(|a| a.expected).collect::<Vec<_>>(), [1]);
    assert_eq!(acks[0].position.offset, 2, "the desk sees that central has read beyond its record");
    let first = bench.record(DESK, 1, 1, claim(None, "a"));
    let second = bench.record(DESK, 2, 2, claim(Some("a"), "b"));
    assert_eq!(bench.apply(&[first, second, third, fourth]).applied, 4);
    assert_eq!(bench.order().claimed_by.as_deref(), Some("d"));
}

#[test]
fn a_replay_of_the_whole_partition_changes_no_row() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(OTHER, 1, 2, reject());
    bench.send(DESK, 2, 3, claim(None, "a"));
    let (row, digest) = (bench.order(), bench.centre.digest(store_id()).unwrap());
    let log = bench.log.clone();
    let applied = bench.apply(&log);
    assert_eq!((applied.applied, applied.refused, applied.duplicates), (0, 0, 3));
    assert_eq!(bench.order(), row);
    assert_eq!(bench.centre.digest(store_id()).unwrap(), digest);
}

#[test]
fn of_two_desks_deciding_the_first_wins_and_the_other_is_told() {
    let mut bench = Bench::with_order();
    let first = bench.record(DESK, 1, 1, accept());
    let second = bench.record(OTHER, 1, 2, reject());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (1, 1));
    assert_eq!(bench.order().status, OrderStatus::Running);
    let refusals = bench.refusals(Lane::Orders);
    assert!(
        matches!(refusals.as_slice(), [Refusal::AlreadyDecided { status: OrderStatus::Running, .. }]),
        "{refusals:?}"
    );
}

#[test]
fn two_desks_rejecting_alike_are_both_acknowledged() {
    let mut bench = Bench::with_order();
    let first = bench.record(DESK, 1, 1, reject());
    let second = bench.record(OTHER, 1, 2, reject());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (2, 0));
    let row = bench.order();
    assert_eq!((row.status, row.decided_by.as_deref()), (OrderStatus::Confirmed, Some("staff of 1")));
    assert_eq!(bench.acks(Lane::Orders).len(), 2);
}

#[test]
fn a_decision_by_a_range_that_was_replaced_before_the_payment_is_refused() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench
        .centre
        .set_range(None, order_id(), Money::from_minor(100), Money::from_minor(2000))
        .unwrap();
    let payment = pay(&bench, 900);
    bench.sent(Lane::Orders);
    bench.send(DESK, 2, 2, approve(payment, 900, 1));
    assert_eq!(bench.refusals(Lane::Orders), [Refusal::RangeChanged]);
    assert_eq!(bench.order().waiting_payment().map(|p| p.payment_id), Some(payment), "it is back to decide");
    bench.send(DESK, 3, 3, approve(payment, 900, 2));
    assert_eq!(bench.order().status, OrderStatus::Confirmed);
}

#[test]
fn a_decision_by_the_range_that_held_when_the_payment_was_made_is_honoured() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let payment = pay(&bench, 900);
    bench
        .ledger
        .write(|tx| {
            change_order(tx, (store_id(), order_id()), "range.set", None, at(30), |row| {
                row.range = Some(AmountRange {
                    amount_lo: Money::from_minor(2000),
                    amount_hi: Money::from_minor(3000),
                    version: 2,
                    set_at: at(30),
                    set_by: "central".into(),
                });
                Ok(())
            })
        })
        .unwrap();
    bench.send(DESK, 2, 2, approve(payment, 900, 1));
    assert_eq!(bench.order().status, OrderStatus::Confirmed);
}

#[test]
fn a_refused_change_that_comes_again_is_refused_again_with_its_first_reason() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, reject());
    bench.send(OTHER, 1, 2, accept());
    let first = bench.refusals(Lane::Orders);
    assert_eq!(first.len(), 1);
    // A restored desk numbers the same change anew.
    let applied = bench.send(TestDesk(OTHER.0, 99), 1, 2, accept());
    assert_eq!((applied.duplicates, applied.refused), (1, 0));
    let sent = bench.sent(Lane::Orders);
    let [DownBody::Refused(again), DownBody::Ack(ack)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(again.refusal, first[0]);
    assert_eq!((ack.expected, ack.incarnation), (2, Incarnation(99)));
}

#[test]
fn nothing_waits_behind_a_refused_change() {
    let mut bench = Bench::with_order();
    let unknown = OrderId::new(5).unwrap();
    let lost = Change::OrderAccepted(OrderAccepted { order: unknown, from: OrderStatus::New });
    let first = bench.record(DESK, 1, 1, lost);
    let second = bench.record(DESK, 2, 2, accept());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (1, 1));
    assert_eq!(bench.refusals(Lane::Orders), [Refusal::NotFound { what: "order 5".into() }]);
}

#[test]
fn a_worker_whose_term_is_over_writes_nothing() {
    let mut bench = Bench::with_order();
    let record = bench.record(DESK, 1, 1, accept());
    bench.ledger.write(|tx| tx.take_lease(home(), "another", false, at(1))).unwrap();
    let place = bench.place();
    let ended = bench.ledger.write(|tx| apply_batch(tx, place, &[record])).unwrap_err();
    assert!(matches!(ended, CentralError::Zombie { .. }), "{ended}");
    assert_eq!(bench.order().status, OrderStatus::New);
    assert_eq!(bench.ledger.read(|tx| tx.position(home())).unwrap(), None);
}

#[test]
fn a_lease_is_waited_for_until_it_expires_or_is_given_back() {
    let mut bench = Bench::new();
    let patient = |bench: &mut Bench, now| bench.ledger.write(|tx| tx.take_lease(home(), "b", true, now)).unwrap();
    assert_eq!(patient(&mut bench, at(4)), None);
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(4))).unwrap(), Vec::<i32>::new());
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(5))).unwrap(), [home()]);
    assert_eq!(patient(&mut bench, at(5)), Some(2));
    bench.ledger.write(|tx| tx.release_lease(home(), 2)).unwrap();
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(60))).unwrap(), Vec::<i32>::new());
    assert_eq!(patient(&mut bench, at(5)), Some(3));
}

#[test]
fn a_malformed_record_is_a_dead_letter_once_and_the_rest_goes_on() {
    let mut bench = Bench::with_order();
    let mut broken = bench.record(DESK, 1, 9, accept());
    broken.headers.clear();
    broken.value = Some(vec![0xff, 0x00, 0x7b]);
    let good = bench.record(DESK, 1, 1, accept());
    let applied = bench.apply(&[broken.clone(), good]);
    assert_eq!((applied.applied, applied.dead), (1, 1));
    assert_eq!(bench.apply(&[broken.clone()]).dead, 0, "one a place in the log");
    let letters = bench.dead();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].raw, broken.value, "byte for byte");
    assert_eq!((letters[0].partition, letters[0].offset), (home(), 0));
}

#[test]
fn a_change_of_an_unknown_kind_is_refused_kept_and_the_numbering_goes_on() {
    let mut bench = Bench::with_order();
    let mut strange = bench.record(DESK, 1, 1, accept());
    for (name, value) in &mut strange.headers {
        if name == "ce_type" {
            *value = b"aisle.order.teleported.v1".to_vec();
        }
    }
    let next = bench.record(DESK, 2, 2, accept());
    let applied = bench.apply(&[strange, next]);
    assert_eq!((applied.applied, applied.refused, applied.dead), (1, 1, 1));
    let sent = bench.sent(Lane::Orders);
    assert!(sent.iter().any(|b| matches!(b, DownBody::Refused(r) if r.refusal.code() == "not_understood")));
    assert!(matches!(sent.last(), Some(DownBody::Ack(ack)) if ack.expected == 3));
}

#[test]
fn one_number_for_two_changes_is_a_fork_that_is_kept_and_not_acknowledged() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.sent(Lane::Orders);
    let applied = bench.send(DESK, 1, 2, claim(None, "copy"));
    assert_eq!((applied.applied, applied.dead), (0, 1));
    assert!(bench.dead()[0].why.starts_with("forked"));
    assert!(bench.acks(Lane::Orders).is_empty());
    assert_eq!(bench.order().claimed_by, None);
    assert!(bench.centre.list_stores().unwrap()[0].desks[0].forked_at.is_some());
}

#[test]
fn an_unknown_store_and_a_store_of_another_partition_are_dead_letters() {
    let mut bench = Bench::with_order();
    let mut stranger = bench.record(DESK, 1, 1, accept());
    for (name, value) in &mut stranger.headers {
        if name == "ce_store" {
            *value = b"4711".to_vec();
        }
    }
    assert_eq!(bench.apply(&[stranger]).dead, 1);
    let record = bench.record(DESK, 1, 1, accept());
    let elsewhere = (home() + 1) % 12;
    let term = bench.ledger.write(|tx| tx.take_lease(elsewhere, "me", false, at(0))).unwrap().unwrap();
    let place = Place { partition: elsewhere, term, ..bench.place() };
    let record = Incoming { partition: elsewhere, ..record };
    assert_eq!(bench.ledger.write(|tx| apply_batch(tx, place, &[record])).unwrap().dead, 1);
    assert_eq!(bench.order().status, OrderStatus::New);
}

#[test]
fn a_desk_cannot_speak_for_another_store() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let other = (1..).map(|n| StoreId::new(n).unwrap()).find(|s| partition_of(*s, 12) == home()).unwrap();
    bench.centre.add_store(NewStore::new(other, "Other", "Main street 2")).unwrap();
    let mut record = bench.record(DESK, 2, 2, claim(None, "x"));
    for (name, value) in &mut record.headers {
        if name == "ce_store" {
            *value = other.to_string().into_bytes();
        }
    }
    assert_eq!(bench.apply(&[record]).dead, 1);
    assert!(bench.dead()[0].why.contains("belongs to store 367"));
}

#[test]
fn a_heartbeat_is_answered_in_the_orders_lane_with_its_id_and_centrals_clock() {
    let mut bench = Bench::with_order();
    bench.sent(Lane::Orders);
    let beat = HeartbeatMessage {
        id: change_id(77),
        store: store_id(),
        desk: DeskId(Uuid::from_u128(DESK.0)),
        incarnation: Incarnation(DESK.1),
        sent_at: at(500),
        body: Heartbeat {
            version: "0.1.0".into(),
            name: "Front".into(),
            outbox: 3,
            oldest_age_s: Some(42),
            positions: Vec::new(),
            behind: Some(0),
            clock: at(500),
            epoch: None,
        },
    };
    let record = bench.incoming(beat.encode("aisle.changes", home()).unwrap());
    bench.apply(&[record]);
    let acks = bench.acks(Lane::Orders);
    assert_eq!(acks.len(), 1);
    assert_eq!((acks[0].heartbeat, acks[0].central_time, acks[0].expected), (Some(change_id(77)), at(20), 1));
    let desks = bench.centre.list_stores().unwrap().remove(0).desks;
    assert_eq!((desks[0].name.as_deref(), desks[0].outbox, desks[0].oldest_age_s), (Some("Front"), Some(3), Some(42)));
    assert_eq!(desks[0].clock_offset_ms, Some(499_000), "its clock is ahead of the cluster's");
}

#[test]
fn a_note_on_an_order_the_customer_cancelled_does_not_confirm_it() {
    let mut bench = Bench::with_order();
    bench.centre.cancel_order(None, order_id(), "customer called").unwrap();
    let noted = Change::OrderNoted(OrderNoted {
        order: order_id(),
        audience: aisle_domain::change::Audience::Staff,
        text: "told the shopper".into(),
    });
    bench.send(DESK, 1, 1, noted);
    bench.send(DESK, 2, 2, Change::DueSet(DueSet { order: order_id(), from: Some(at(2700)), to: None }));
    let row = bench.order();
    assert_eq!((row.status, row.reason.as_deref()), (OrderStatus::Rejected, Some("cancelled")));
    assert!(row.is_ended_by_central());
}

#[test]
fn a_decline_that_ends_the_order_confirms_it_and_one_that_does_not_leaves_it_running() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let decline = |payment, amount, ends_order| {
        Change::PaymentDeclined(PaymentDeclined {
            order: order_id(),
            payment,
            amount: Money::from_minor(amount),
            range_version: Some(1),
            reason: "wrong_order".into(),
            note: None,
            ends_order,
        })
    };
    let first = pay(&bench, 900);
    bench.send(DESK, 2, 2, decline(first, 900, false));
    assert_eq!(bench.order().status, OrderStatus::Running);
    let second = pay(&bench, 950);
    bench.send(DESK, 3, 3, decline(second, 950, true));
    let row = bench.order();
    assert_eq!((row.status, row.decision), (OrderStatus::Confirmed, Some(Decision::Rejected)));
}

#[test]
fn lines_are_written_on_their_own_and_read_back_as_they_were_set() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let to = LineSeen { state: LineState::Short, picked_quantity: Some(Quantity::from_thousandths(500).unwrap()) };
    let set = Change::LineSet(LineSet {
        order: order_id(),
        item: ItemId::new(852_856).unwrap(),
        from: LineSeen { state: LineState::ToPick, picked_quantity: None },
        to: to.clone(),
        substitute: None,
    });
    bench.send(DESK, 2, 2, set);
    let line = &bench.order().lines[0];
    assert_eq!((line.state, line.picked_quantity), (to.state, to.picked_quantity));
}

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
    Change::ItemChanged(ItemChanged { item, changes: ItemEdits { unit_price: Some(edit), ..ItemEdits::default() } })
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
fn a_pause_changes_the_stores_row_and_sends_it() {
    let mut bench = Bench::new();
    bench.sent(Lane::Orders);
    bench.send(DESK, 1, 1, Change::StorePaused(StorePaused { until: Some(at(3600)) }));
    let sent = bench.sent(Lane::Orders);
    assert!(matches!(&sent[0], DownBody::Store(s) if s.paused_until == Some(at(3600)) && s.version == 2), "{sent:?}");
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
fn a_payment_that_comes_while_another_waits_queues_behind_it() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let (first, second) = (pay(&bench, 300), pay(&bench, 800));
    assert!(first < second);
    let waiting: Vec<Payment> = bench.order().payments;
    assert_eq!(waiting.len(), 2);
    assert_eq!(bench.order().waiting_payment().map(|p| p.payment_id), Some(first));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However a desk's records are repeated, dropped and cut into batches: once everything was sent in order at
    /// least once, every change had effect exactly once, in order.
    #[test]
    fn numbering_is_exactly_once_and_in_order(
        noise in prop::collection::vec(0_usize..8, 0..40),
        cuts in prop::collection::vec(1_usize..7, 1..20),
    ) {
        let mut bench = Bench::with_order();
        let names: Vec<String> = (0..=8).map(|n| format!("p{n}")).collect();
        let chain = |n: usize| claim((n > 0).then(|| names[n].as_str()), &names[n + 1]);
        let make = |bench: &mut Bench, n: usize| {
            bench.record(DESK, i64::try_from(n).unwrap() + 1, n as u128 + 1, chain(n))
        };
        let mut records: Vec<Incoming> = noise.iter().map(|n| make(&mut bench, *n)).collect();
        records.extend((0..8).map(|n| make(&mut bench, n)));
        let (mut applied, mut rest, mut cut) = (0, records.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            applied += bench.apply(batch).applied;
            rest = later;
        }
        prop_assert_eq!(applied, 8);
        prop_assert_eq!(bench.order().claimed_by, Some("p8".to_owned()));
        let acks = bench.acks(Lane::Orders);
        prop_assert_eq!(acks.last().map(|a| a.expected), Some(9));
        prop_assert!(acks.is_sorted_by_key(|a| a.expected));
    }
}

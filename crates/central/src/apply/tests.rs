//! One partition's records against central's SQL, without a transport.

mod catalog;
mod life;
mod numbering;
mod signatures;

use std::sync::Arc;

use aisle_contract::{ChangeEnvelope, DownBody, DownMessage, Heartbeat, Outgoing, StoreKey, TopicNames};
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
use crate::{acts::NewStore, ledger::Ledger};

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
    folder: tempfile::TempDir,
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
        Self { folder, centre, ledger, term, offset: 0, log: Vec::new() }
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
        self.signed(store_id(), None, desk, seq, id, change)
    }

    fn signed(
        &mut self,
        store: StoreId,
        key: Option<&StoreKey>,
        desk: TestDesk,
        seq: i64,
        id: u128,
        change: Change,
    ) -> Incoming {
        let envelope = ChangeEnvelope {
            change_id: change_id(id),
            store,
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
        self.incoming(message.encode("aisle.changes", home(), key).unwrap())
    }

    fn place(&self) -> Place<'static> {
        Place { cluster: CLUSTER, partition: home(), term: self.term, now: at(20) }
    }

    fn apply(&mut self, records: &[Incoming]) -> Tally {
        let place = self.place();
        self.ledger.write(|tx| apply_batch(tx, place, records)).unwrap()
    }

    fn send(&mut self, desk: TestDesk, seq: i64, id: u128, change: Change) -> Tally {
        let record = self.record(desk, seq, id, change);
        self.apply(&[record])
    }

    /// A sign of life of a desk that has mirrored this history.
    fn beat(&mut self, desk: TestDesk, id: u128, epoch: Option<aisle_domain::Epoch>) {
        let record = self.heartbeat(desk, id, epoch);
        self.apply(&[record]);
    }

    fn heartbeat(&mut self, desk: TestDesk, id: u128, epoch: Option<aisle_domain::Epoch>) -> Incoming {
        let beat = HeartbeatMessage {
            id: change_id(id),
            store: store_id(),
            desk: DeskId(Uuid::from_u128(desk.0)),
            incarnation: Incarnation(desk.1),
            sent_at: at(500),
            body: Heartbeat {
                version: "0.1.0".into(),
                name: "Front".into(),
                outbox: 3,
                oldest_age_s: Some(42),
                positions: Vec::new(),
                behind: Some(0),
                clock: at(500),
                epoch,
            },
        };
        self.incoming(beat.encode("aisle.changes", home(), None).unwrap())
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
                    tx.mark_published(feed, last.id)?;
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
        accepted_by: None,
        accepted_at: None,
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

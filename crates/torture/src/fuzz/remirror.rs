//! A desk that mirrors its feeds anew with anything in them: whatever was there, it comes to the feeds' ends, and once
//! central has told all that it has, the desk has that and nothing else.

use std::time::Duration;

use aisle_bus::Bus;
use aisle_contract::{
    CentralPosition, DeskAck, DigestMessage, DownBody, DownMessage, Outgoing, TopicAdmin, TopicNames,
    down::FeedRecord,
};
use aisle_domain::{
    ChangeId, DeskId, Epoch, Incarnation, Item, Lane, Order, OrderId, StoreId, Subject, Timestamp,
    digest::RowDigest,
};
use aisle_mirror::{Mirror, NewDesk, Reason, feed, items, orders, remirror};
use aisle_sync::FeedReader;
use serde_json::json;
use uuid::Uuid;

use super::{
    Target, corpus,
    desk::{assert_sound, item},
    record,
};

/// As in the corpus, so that its acks are believed.
const CLUSTER: &str = "corpus";
const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
/// The heartbeat by which the desk asks each history.
const ASKED: ChangeId = ChangeId(Uuid::from_u128(1));
/// Records of one batch, and batches of one desk: each reads all of them before it once more.
const BATCH: usize = 25;
const BATCHES: u64 = 6;
/// Many more turns than any feed of so few records needs.
const TURNS: usize = 500;

fn store() -> StoreId {
    StoreId::new(367).unwrap()
}

fn order() -> Order {
    let file = std::fs::read(corpus::folder().join("down/aisle.order.state.v1")).unwrap();
    match DownMessage::decode(&record::read(&file, "", 0, 0)).unwrap().body {
        DownBody::Order(order) => *order,
        other => panic!("{other:?} is no order"),
    }
}

struct Desk {
    mirror: Mirror,
    bus: Bus,
    readers: [FeedReader; 2],
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let new = NewDesk {
            store_id: store(),
            desk_id: DeskId(Uuid::from_u128(7)),
            incarnation: Incarnation(0xa1),
            desk_name: "Desk".into(),
            at: NOW,
        };
        let mirror = Mirror::create(&folder.path().join("desk"), &new).unwrap();
        let bus = Bus::new(CLUSTER, || NOW).without_waiting();
        bus.create(&TopicNames::default().feed_specs(store(), 3), Duration::ZERO).unwrap();
        let readers = Lane::ALL.map(|lane| FeedReader::new(mirror.clone(), &corpus::options(), lane));
        Self { mirror, bus, readers, folder }
    }

    /// What central has in another history: one order and one item. It has answered this desk.
    fn send_history(&self, number: u64) -> Item {
        let (order, item) = (order(), item(1_000_000_000 + number.cast_signed()));
        let digest = |subject, version| {
            let mut rows = RowDigest::default();
            rows.add(subject, version);
            DownBody::Digest(DigestMessage { rows: rows.into() })
        };
        let of_orders = digest(Subject::Order(order.order_id), order.version);
        let of_items = digest(Subject::Item(item.item_id), item.version);
        let ack = DownBody::Ack(Box::new(self.answer()));
        self.send(number, Lane::Orders, [ack, DownBody::Order(Box::new(order)), of_orders]);
        self.send(number, Lane::Catalog, [DownBody::Item(Box::new(item.clone())), of_items]);
        item
    }

    /// Rows that the next history has otherwise, or not at all: chance seldom makes any that are taken.
    fn send_what_goes(&self, number: u64) {
        let newer = Order { version: i64::MAX, claimed_by: Some("Ana".into()), ..order() };
        let order_id = OrderId::new(1 + number.cast_signed()).unwrap();
        let other = Order { order_id, payments: Vec::new(), receipts: Vec::new(), ..order() };
        self.send(number, Lane::Orders, [newer, other].map(|order| DownBody::Order(Box::new(order))));
        self.send(number, Lane::Catalog, [DownBody::Item(Box::new(item(1 + number.cast_signed())))]);
    }

    fn send<const COUNT: usize>(&self, history: u64, lane: Lane, bodies: [DownBody; COUNT]) {
        let epoch = Epoch(Uuid::from_u64_pair(1, history));
        let encode = |body: DownBody| {
            let record = FeedRecord::of(lane, &body).unwrap().unwrap();
            record.encode(&TopicNames::default(), store(), epoch, history, NOW)
        };
        let sent = self.bus.append(bodies.map(encode).into());
        assert!(sent.iter().all(Result::is_ok), "{sent:?}");
    }

    fn answer(&self) -> DeskAck {
        let identity = self.mirror.identity();
        DeskAck {
            desk: identity.desk_id,
            incarnation: identity.incarnation,
            lane: Lane::Orders,
            expected: 1,
            position: CentralPosition { cluster: CLUSTER.into(), partition: 0, offset: 1 },
            elsewhere: Vec::new(),
            central_time: NOW,
            heartbeat: Some(ASKED),
            last: None,
            forked: false,
            numberings: Some(Vec::new()),
            refused: Vec::new(),
        }
    }

    /// Reads and works on until nothing is left to do, and is at both ends then.
    fn rest(&mut self) {
        for _ in 0..TURNS {
            let mut is_at_rest = true;
            // As a push does.
            if self.mirror.read(feed::is_unsettled).unwrap() {
                self.mirror.write(|tx| feed::ask_epoch(tx, ASKED)).unwrap();
            }
            for reader in &mut self.readers {
                let step = reader.step(&self.bus, Duration::ZERO, || NOW).unwrap();
                is_at_rest &= step.read == 0 && !step.worked;
            }
            if is_at_rest {
                return self.assert_at_the_ends();
            }
        }
        panic!("it does not come to rest: {:?}", self.under_way());
    }

    fn assert_at_the_ends(&self) {
        for lane in Lane::ALL {
            let topic = TopicNames::default().feed(store(), lane);
            let last = self.bus.records(&topic, 0).last().map(|record| record.offset + 1);
            let at = self.mirror.read(|conn| feed::position(conn, lane)).unwrap().map(|at| at.next_offset);
            assert_eq!(at, last, "{lane:?}: {:?}", self.under_way());
        }
        let is_reading = |state: &remirror::Remirror| state.phase != remirror::Phase::Waiting;
        assert!(!self.under_way().iter().any(is_reading), "{:?}", self.under_way());
    }

    fn under_way(&self) -> Vec<remirror::Remirror> {
        let of_lane = |lane| self.mirror.read(|conn| remirror::of_lane(conn, lane)).unwrap();
        Lane::ALL.into_iter().filter_map(of_lane).collect()
    }

    fn assert_has_only(&self, item: &Item) {
        assert_eq!(self.under_way(), [], "it is over");
        let order = order();
        let has = self.mirror.read(|conn| {
            let count = |table| conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
            let counts: (i64, i64) = (count("orders")?, count("items")?);
            Ok((counts, orders::load(conn, order.order_id)?, items::load(conn, item.item_id)?))
        });
        assert_eq!(has.unwrap(), ((1, 1), Some(order), Some(item.clone())), "what central has and nothing else");
    }
}

pub(super) struct Anew {
    desk: Option<Desk>,
    records: Vec<Outgoing>,
    batches: u64,
}

impl Anew {
    pub(super) fn new() -> Self {
        Self { desk: None, records: Vec::new(), batches: 0 }
    }

    /// What came is read twice, as it comes and from the feeds' beginnings; then central begins another history.
    fn apply(&mut self) {
        let desk = self.desk.get_or_insert_with(|| {
            let mut desk = Desk::new();
            // What has no history yet begins none anew.
            desk.send_history(0);
            desk.rest();
            desk
        });
        desk.send_what_goes(self.batches);
        // What is too large for a topic never comes.
        drop(desk.bus.append(std::mem::take(&mut self.records)));
        desk.rest();
        for lane in Lane::ALL {
            desk.mirror.remirror(lane, Reason::Asked, &json!({}), NOW).unwrap();
        }
        desk.rest();
        self.batches += 1;
        let item = desk.send_history(self.batches);
        desk.rest();
        desk.assert_has_only(&item);
        if self.batches.is_multiple_of(BATCHES) {
            self.close();
        }
    }

    /// Everything that the database promises holds; the next batch finds a new desk.
    fn close(&mut self) {
        let Some(desk) = self.desk.take() else { return };
        assert_sound(&desk.mirror);
        drop((desk.readers, desk.mirror, desk.folder));
    }
}

impl Target for Anew {
    fn name(&self) -> &'static str {
        "remirror"
    }

    fn corpus(&self) -> &'static str {
        "down"
    }

    fn every(&self) -> u64 {
        8
    }

    fn time(&self) -> Duration {
        Duration::from_secs(10)
    }

    fn take(&mut self, input: &[u8]) {
        for lane in Lane::ALL {
            let topic = TopicNames::default().feed(store(), lane);
            self.records.push(record::outgoing(record::read(input, &topic, 0, 0)));
        }
        if self.records.len() >= 2 * BATCH {
            self.apply();
        }
    }

    fn end(&mut self) {
        self.apply();
        self.close();
    }
}

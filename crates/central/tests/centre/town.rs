//! A cluster in one process, a centre on it, and scripted desks.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write,
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aisle_bus::Bus;
use aisle_central::{
    CentralError, Centre, FaultPoint, Faults, NewStore, Stop, SystemClock, TopicsOptions, WorkOptions, WorkReport,
};
use aisle_contract::{
    ChangeEnvelope, ChangeMessage, DeskAck, DownBody, DownMessage, TopicNames, Transport, partition_of,
};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Item, Lane, Order, OrderStatus, Refusal, StoreId, Timestamp,
    change::{OrderAccepted, PaymentApproved},
};
use uuid::Uuid;

pub(crate) const LONG: Duration = Duration::from_secs(30);

pub(crate) fn store(number: i64) -> StoreId {
    StoreId::new(number).unwrap()
}

/// The cluster and the centre, in a folder of their own.
pub(crate) struct Town {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) bus: Bus,
    pub(crate) centre: Centre,
}

/// When the cluster writes everything.
pub(crate) const WRITTEN: Timestamp = Timestamp::from_millis(1_700_000_000_000);

impl Town {
    pub(crate) fn new(stores: &[i64]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bus = Bus::new("cluster-a", || WRITTEN);
        let path = folder.path().join("central.db");
        let centre = Centre::open(&path, TopicNames::default(), Arc::new(SystemClock)).unwrap();
        for number in stores {
            centre.add_store(NewStore::new(store(*number), "Store", "Main street 1")).unwrap();
        }
        let town = Self { folder, bus, centre };
        town.make_topics();
        town
    }

    pub(crate) fn make_topics(&self) {
        let options = TopicsOptions { create: true, ..TopicsOptions::default() };
        assert!(self.centre.topics(&self.bus, &options).unwrap().ok);
    }

    pub(crate) fn work_until_idle(&self) -> WorkReport {
        self.try_work(None).unwrap()
    }

    pub(crate) fn try_work(&self, faults: Option<Arc<dyn Faults>>) -> Result<WorkReport, CentralError> {
        let options = WorkOptions { until_idle: true, timeout: Some(LONG), faults, ..WorkOptions::default() };
        let report = self.centre.work(&self.bus, &options, &Stop::new())?;
        assert!(report.reached, "the work did not come to its end in {LONG:?}");
        Ok(report)
    }

    /// Everything that lies in a feed, in order.
    pub(crate) fn feed(&self, store: StoreId, lane: Lane) -> Vec<DownMessage> {
        let topic = self.centre.names().feed(store, lane);
        self.bus.records(&topic, 0).iter().map(|record| DownMessage::decode(record).unwrap()).collect()
    }

    pub(crate) fn acks(&self, store: StoreId, lane: Lane) -> Vec<DeskAck> {
        let bodies = self.feed(store, lane).into_iter().map(|message| message.body);
        bodies.filter_map(|body| if let DownBody::Ack(ack) = body { Some(*ack) } else { None }).collect()
    }

    pub(crate) fn assert_sound(&self) {
        let report = self.centre.verify(None).unwrap();
        assert!(report.ok, "{report:#?}");
    }

    /// Changes the database behind central's back, as a fault of ours would.
    pub(crate) fn tamper(&self, sql: &str) {
        rusqlite::Connection::open(self.centre.path()).unwrap().execute_batch(sql).unwrap();
    }

    /// No row of a feed is older than one before it.
    pub(crate) fn assert_in_order(&self, store: StoreId) {
        let mut versions: BTreeMap<String, i64> = BTreeMap::new();
        for message in Lane::ALL.into_iter().flat_map(|lane| self.feed(store, lane)) {
            let (key, version) = match &message.body {
                DownBody::Order(order) => (message.body.key().unwrap(), order.version),
                DownBody::Item(item) => (message.body.key().unwrap(), item.version),
                _ => continue,
            };
            let before = versions.insert(key.clone(), version).unwrap_or(0);
            assert!(version >= before, "{key}: version {version} after {before}");
        }
    }
}

/// Waits until something holds.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + LONG;
    while !holds() {
        assert!(Instant::now() < end, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A desk that mirrors its feeds and numbers its changes.
pub(crate) struct ScriptedDesk {
    bus: Bus,
    names: TopicNames,
    store: StoreId,
    desk: DeskId,
    incarnation: Incarnation,
    seqs: BTreeMap<Lane, i64>,
    read: BTreeMap<Lane, i64>,
    acted: HashSet<String>,
    pub(crate) orders: BTreeMap<String, Order>,
    pub(crate) items: BTreeMap<String, Item>,
    pub(crate) expected: BTreeMap<Lane, i64>,
    pub(crate) refused: Vec<(ChangeId, Refusal)>,
}

impl ScriptedDesk {
    pub(crate) fn new(town: &Town, store: StoreId, number: u128) -> Self {
        Self {
            bus: town.bus.clone(),
            names: town.centre.names().clone(),
            store,
            desk: DeskId(Uuid::from_u128(number)),
            incarnation: Incarnation(7),
            seqs: BTreeMap::new(),
            read: BTreeMap::new(),
            acted: HashSet::new(),
            orders: BTreeMap::new(),
            items: BTreeMap::new(),
            expected: BTreeMap::new(),
            refused: Vec::new(),
        }
    }

    /// Sends a change with the next number of its lane.
    pub(crate) fn send(&mut self, change: Change) -> ChangeId {
        let seq = self.seqs.entry(change.lane()).or_insert(1);
        let number = *seq;
        *seq += 1;
        self.send_numbered(number, ChangeId(Uuid::new_v4()), change)
    }

    pub(crate) fn send_numbered(&self, seq: i64, change_id: ChangeId, change: Change) -> ChangeId {
        let topic = self.names.changes();
        let view = self.bus.metadata(std::slice::from_ref(&topic), LONG).unwrap();
        let partitions = i32::try_from(view.topic(&topic).unwrap().partitions.len()).unwrap();
        let envelope = ChangeEnvelope {
            change_id,
            store: self.store,
            desk: self.desk,
            incarnation: self.incarnation,
            lane: change.lane(),
            seq,
            replaces: None,
            staff: "Ana".into(),
            acted_at: Timestamp::from_millis(1_700_000_000_000),
            key_id: None,
        };
        let record =
            ChangeMessage { envelope, change }.encode(&topic, partition_of(self.store, partitions), None).unwrap();
        self.bus.append(vec![record]).remove(0).unwrap();
        change_id
    }

    /// Reads both feeds to their end.
    pub(crate) fn pull(&mut self) {
        for lane in Lane::ALL {
            let position = self.read.entry(lane).or_insert(0);
            for record in self.bus.records(&self.names.feed(self.store, lane), 0) {
                if record.offset < *position {
                    continue;
                }
                *position = record.offset + 1;
                let message = DownMessage::decode(&record).unwrap();
                let key = message.body.key();
                match message.body {
                    DownBody::Order(order) => {
                        let held = self.orders.entry(key.unwrap()).or_insert_with(|| (*order).clone());
                        if order.version > held.version {
                            *held = *order;
                        }
                    }
                    DownBody::Item(item) => {
                        let held = self.items.entry(key.unwrap()).or_insert_with(|| (*item).clone());
                        if item.version > held.version {
                            *held = *item;
                        }
                    }
                    DownBody::Ack(ack) if ack.desk == self.desk => {
                        self.expected.insert(lane, ack.expected);
                    }
                    DownBody::Refused(refused) if refused.desk == self.desk => {
                        self.refused.push((refused.change_id, refused.refusal));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Accepts every new order and approves every waiting payment, each once, with a reason where one is needed.
    pub(crate) fn accept_everything(&mut self) -> usize {
        self.pull();
        let mut changes = Vec::new();
        for order in self.orders.values() {
            if order.status == OrderStatus::New && self.acted.insert(format!("accept {}", order.order_id)) {
                changes.push(accept(order));
            }
            if let Some(payment) = order.waiting_payment()
                && self.acted.insert(format!("approve {}", payment.payment_id))
            {
                changes.push(approve(order).unwrap());
            }
        }
        let count = changes.len();
        for change in changes {
            self.send(change);
        }
        count
    }
}

pub(crate) fn accept(order: &Order) -> Change {
    Change::OrderAccepted(OrderAccepted { order: order.order_id, from: OrderStatus::New })
}

pub(crate) fn approve(order: &Order) -> Option<Change> {
    let payment = order.waiting_payment()?;
    Some(Change::PaymentApproved(PaymentApproved {
        order: order.order_id,
        payment: Some(payment.payment_id),
        amount: Some(payment.amount),
        range_version: order.range.as_ref().map(|r| r.version),
        reason: Some("weighed".into()),
        override_: None,
    }))
}

/// Strikes once.
pub(crate) struct Once {
    point: FaultPoint,
    left: Mutex<bool>,
}

impl Once {
    pub(crate) fn at(point: FaultPoint) -> Arc<dyn Faults> {
        Arc::new(Self { point, left: Mutex::new(true) })
    }
}

impl Faults for Once {
    fn strikes(&self, _partition: i32, point: FaultPoint) -> bool {
        point == self.point && std::mem::take(&mut *self.left.lock().unwrap())
    }
}

/// The files of a store with `orders` orders, 20 minutes apart; every receipt is what was ordered, a cent cheaper.
pub(crate) fn write_days(folder: &Path, orders: usize) {
    let mut items = String::from("item_id,barcode,name,category,unit_price\n");
    for number in 0..40 {
        let (id, price) = (1_000 + number, 1 + number % 7);
        writeln!(items, "{id},20000000{number:05},Thing {number},Grocery,{price}.49").unwrap();
    }
    let (mut lines, mut receipts) = (String::new(), String::new());
    let start: Timestamp = "2017-01-01T08:00:00Z".parse().unwrap();
    for number in 0..orders {
        let id = 31_198_000_000 + number;
        let at = start.plus_millis(i64::try_from(number).unwrap() * 20 * 60_000);
        let (first, second) = (number % 40, (number * 7 + 3) % 40);
        let mut cents = 0;
        let mut bought = Vec::new();
        for item in if first == second { vec![first] } else { vec![first, second] } {
            cents += (1 + item % 7) * 100 + 49;
            bought.push(format!(
                "{{\"item_id\":{},\"name\":\"Thing {item}\",\"unit_price\":\"{}.49\",\"quantity\":1}}",
                1_000 + item,
                1 + item % 7
            ));
        }
        let (bought, paid) = (bought.join(","), cents - 1);
        writeln!(
            lines,
            "{{\"order_id\":{id},\"store_id\":1,\"user_id\":{},\"creation_time\":\"{at}\",\"items\":[{bought}]}}",
            1 + number % 9
        )
        .unwrap();
        writeln!(
            receipts,
            "{{\"transaction_id\":{id},\"order_id\":{id},\"store_id\":1,\"datetime\":\"{}\",\"amount\":\"{}.{:02}\",\
             \"items\":[{bought}]}}",
            at.plus_millis(45 * 60_000),
            paid / 100,
            paid % 100
        )
        .unwrap();
    }
    std::fs::write(folder.join("items.csv"), items).unwrap();
    std::fs::write(folder.join("orders.jsonl"), lines).unwrap();
    std::fs::write(folder.join("receipts.jsonl"), receipts).unwrap();
}

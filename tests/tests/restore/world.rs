//! A centre on the in-process bus and desks that are stepped by hand: pushed, then read to the end.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions, WorkSummary,
};
use aisle_contract::{DownBody, DownMessage, Outgoing, TopicNames, down::FeedRecord};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Item, ItemId, Lane, Money, OrderId, OrderStatus, StoreId, Timestamp,
    change::{ItemChanged, ItemCreated, OrderAccepted, OrderNoted},
    item::{Edit, ItemEdits},
};
use aisle_mirror::{
    ChangeState, FeedApplied, Mirror, NewChange, NewDesk, OrderFilter, anew, digest, feed, items, orders, outbox,
    remirror, verify,
};
use aisle_sync::{Clock, FeedReader, Pusher, SyncOptions, SystemClock};
use aisle_testkit::{fixtures, mirrored::TABLES};
use uuid::Uuid;

pub(crate) const STORE: i64 = 367;

pub(crate) fn store_id() -> StoreId {
    StoreId::new(STORE).unwrap()
}

fn options() -> SyncOptions {
    SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: "test".into(),
        desk_name: "Desk".into(),
        chance: aisle_sync::system_chance(),
        key: None,
        durability: aisle_domain::store::Durability::default(),
    }
}

/// Central's clock, which a test moves on: digests are cut a minute apart.
#[derive(Clone)]
pub(crate) struct Hands(Arc<AtomicI64>);

impl Hands {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(SystemClock::default().now().millis())))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::SeqCst))
    }

    pub(crate) fn pass(&self, minutes: i64) {
        self.pass_seconds(minutes * 60);
    }

    pub(crate) fn pass_seconds(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl aisle_central::Clock for Hands {
    fn now(&self) -> Timestamp {
        Self::now(self)
    }
}

/// A cluster, a centre and the folder that all of it lives in.
pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) bus: Bus,
    pub(crate) centre: Centre,
    pub(crate) hands: Hands,
}

impl World {
    /// With `orders` orders and 700 items at central: more than one step of anything.
    pub(crate) fn new(orders: usize) -> Self {
        Self::with(orders, 700)
    }

    pub(crate) fn with(orders: usize, items: usize) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hands = Hands::new();
        let its_hands = hands.clone();
        let bus = Bus::new("bus-1", move || its_hands.now());
        let centre = open_centre(&folder.path().join("central.db"), &hands);
        let world = Self { folder, bus, centre, hands };
        world.add_store(orders, items);
        world
    }

    fn add_store(&self, orders: usize, items: usize) {
        self.centre.add_store(NewStore::new(store_id(), "Store 367", "1 Market Street")).unwrap();
        self.centre.topics(&self.bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap();
        let days = self.folder.path().join("days");
        if !days.exists() {
            fixtures::cut(&fixtures::demo(), &days, orders).unwrap();
            fixtures::cut_shelf(&days, items).unwrap();
        }
        let centre = Centre::open(self.centre.path(), TopicNames::default(), Arc::new(CentralClock)).unwrap();
        let mut replay = SimulateOptions::new(store_id(), &days);
        replay.timeout = Some(Duration::from_millis(800));
        centre.simulate(&replay, &Stop::new()).unwrap();
        self.work();
    }

    /// The store and its topics, and not a row.
    pub(crate) fn add_empty_store(&self) {
        self.centre.add_store(NewStore::new(store_id(), "Store 367", "1 Market Street")).unwrap();
        self.centre.topics(&self.bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap();
        self.work();
    }

    /// Central applies and publishes until nothing is left.
    pub(crate) fn work(&self) -> WorkSummary {
        let options =
            WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(30)), ..WorkOptions::default() };
        let report = self.centre.work(&self.bus, &options, &Stop::new()).unwrap();
        assert!(report.reached);
        report.summary
    }

    /// An order and an item came long ago, and central has forgotten them since: an uncompacted feed has them still.
    pub(crate) fn publish_and_forget(&self, order: OrderId, item: ItemId) {
        let names = TopicNames::default();
        let epoch = self.centre.digest(store_id()).unwrap().epoch;
        let records = |lane: Lane, key: &str| {
            let all = self.bus.records(&names.feed(store_id(), lane), 0);
            all.into_iter().find(|record| record.key_text() == Some(key)).unwrap()
        };
        let mut old = Vec::new();
        for (lane, key) in [(Lane::Orders, format!("order/{order}")), (Lane::Catalog, format!("item/{item}"))] {
            let body = match DownMessage::decode(&records(lane, &key)).unwrap().body {
                DownBody::Order(mut row) => {
                    row.order_id = OrderId::new(4).unwrap();
                    DownBody::Order(row)
                }
                DownBody::Item(mut row) => {
                    row.item_id = ItemId::new(4).unwrap();
                    DownBody::Item(row)
                }
                other => other,
            };
            let gone = match lane {
                Lane::Orders => DownBody::OrderGone(OrderId::new(4).unwrap()),
                Lane::Catalog => DownBody::ItemGone(ItemId::new(4).unwrap()),
            };
            for body in [body, gone] {
                let record = FeedRecord::of(lane, &body).unwrap().unwrap();
                old.push(record.encode(&names, store_id(), epoch, 0, self.hands.now()));
            }
        }
        self.bus.append(old);
    }

    /// A record as a worker would write it, whatever it says.
    pub(crate) fn publish(&self, lane: Lane, body: &DownBody) {
        let epoch = self.centre.digest(store_id()).unwrap().epoch;
        let record = FeedRecord::of(lane, body).unwrap().unwrap();
        self.bus.append(vec![record.encode(&TopicNames::default(), store_id(), epoch, 0, self.hands.now())]);
    }

    /// A record that no program can read.
    pub(crate) fn publish_unreadable(&self, lane: Lane, key: &str) {
        let topic = TopicNames::default().feed(store_id(), lane);
        let value = Some(vec![0xff, 0x00]);
        self.bus.append(vec![Outgoing { topic, partition: 0, key: key.into(), headers: Vec::new(), value }]);
    }

    /// A minute passes at central, and it cuts the digests that are due then.
    pub(crate) fn minute(&self) {
        self.hands.pass(2);
        self.work();
    }

    pub(crate) fn desk(&self, name: &str) -> Desk {
        let dir = self.folder.path().join(name);
        let new = NewDesk {
            store_id: store_id(),
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(Uuid::new_v4().as_u64_pair().0),
            desk_name: name.into(),
            at: self.hands.now(),
        };
        Desk::on(Mirror::create(&dir, &new).unwrap(), dir, self)
    }

    pub(crate) fn open(&self, dir: &Path) -> Desk {
        Desk::on(Mirror::open(dir, self.hands.now()).unwrap(), dir.into(), self)
    }

    /// Desks push and read, and central works, until nothing moves.
    pub(crate) fn settle(&self, desks: &mut [&mut Desk]) {
        for round in 0..12 {
            for desk in &mut *desks {
                desk.push();
            }
            self.minute();
            for desk in &mut *desks {
                desk.read();
            }
            if round > 0 && desks.iter().all(|desk| desk.is_at_rest()) {
                return;
            }
        }
        panic!("it does not come to rest");
    }

    /// Where a desk's rows are not central's, field by field, read without either's own code.
    pub(crate) fn difference(&self, desk: &Desk) -> Option<String> {
        let here = sql(&desk.dir.join("aisle.db"), &TABLES.map(|table| table.at_desk()).concat());
        let there = sql(self.centre.path(), &TABLES.map(|table| table.at_central(STORE)).concat());
        let lines = |text: &'_ str| text.lines().map(ToOwned::to_owned).collect::<BTreeSet<String>>();
        let (here, there) = (lines(&here), lines(&there));
        let few = |one: &BTreeSet<String>, other| one.difference(other).take(3).cloned().collect::<Vec<_>>();
        (here != there)
            .then(|| format!("only here {:?}, only at central {:?}", few(&here, &there), few(&there, &here)))
    }

    /// Every desk has what central has, field by field and by both their own counting, and both are sound.
    pub(crate) fn assert_same(&self, desks: &[&Desk]) {
        let central = self.centre.digest(store_id()).unwrap();
        for desk in desks {
            let (orders, items) = desk.mirror.read(aisle_mirror::digest::rows).unwrap();
            assert_eq!(
                (orders.into(), items.into()),
                (central.tables.orders.clone(), central.tables.items.clone())
            );
            assert_eq!(self.difference(desk), None);
            desk.assert_sound();
        }
        let report = self.centre.verify(None).unwrap();
        assert!(report.ok, "{report:#?}");
    }
}

pub(crate) fn open_centre(path: &Path, hands: &Hands) -> Centre {
    Centre::open(path, TopicNames::default(), Arc::new(hands.clone())).unwrap()
}

/// A desk with its pusher and its readers.
pub(crate) struct Desk {
    pub(crate) mirror: Mirror,
    pub(crate) dir: PathBuf,
    pub(crate) pusher: Pusher,
    readers: [FeedReader; 2],
    bus: Bus,
    hands: Hands,
    /// What the feeds changed since the test began.
    pub(crate) seen: Vec<FeedApplied>,
}

impl Desk {
    fn on(mirror: Mirror, dir: PathBuf, world: &World) -> Self {
        let readers = Lane::ALL.map(|lane| FeedReader::new(mirror.clone(), &options(), lane));
        Self {
            pusher: Pusher::new(mirror.clone(), options()),
            readers,
            mirror,
            dir,
            bus: world.bus.clone(),
            hands: world.hands.clone(),
            seen: Vec::new(),
        }
    }

    pub(crate) fn push(&mut self) {
        let outcome = self.pusher.push(&self.bus, || self.hands.now()).unwrap();
        assert_eq!(outcome.error, None);
    }

    /// The computer's clock is wrong from now on.
    pub(crate) fn set_clock_off(&mut self, seconds: i64) {
        let wrong = Hands::new();
        wrong.pass_seconds(seconds);
        self.hands = wrong;
    }

    /// Numbers what is ready, as a push does that then loses its line.
    pub(crate) fn number(&self) {
        let incarnation = self.mirror.identity().incarnation;
        for lane in Lane::ALL {
            self.mirror.write(|tx| outbox::cut(tx, lane, incarnation, 500, 100_000, self.hands.now())).unwrap();
        }
    }

    /// Reads both feeds as far as they go.
    pub(crate) fn read(&mut self) {
        for lane in 0..2 {
            while self.step(lane) {}
        }
    }

    /// One step of a lane; false when it did nothing.
    pub(crate) fn step(&mut self, lane: usize) -> bool {
        let now = self.hands.now();
        let step = self.readers[lane].step(&self.bus, Duration::ZERO, || now).unwrap();
        let went_on = step.read > 0 || step.worked;
        self.seen.push(step.applied);
        went_on
    }

    /// Nothing waits for central's word, and nothing is mirrored anew.
    pub(crate) fn is_at_rest(&self) -> bool {
        let at_rest = self.mirror.read(|conn| {
            let mut at_rest = outbox::count_open(conn, i64::MAX)? == 0
                && anew::wanted(conn)?.is_none()
                && !feed::is_unsettled(conn)?;
            for lane in Lane::ALL {
                at_rest &= remirror::of_lane(conn, lane)?.is_none() && !digest::is_suspect(conn, lane)?;
            }
            Ok(at_rest)
        });
        at_rest.unwrap()
    }

    pub(crate) fn act(&self, change: Change) -> ChangeId {
        self.try_act(change).unwrap()
    }

    pub(crate) fn try_act(&self, change: Change) -> Result<ChangeId, aisle_mirror::ActError> {
        let new = NewChange {
            change_id: ChangeId(Uuid::now_v7()),
            change,
            by: "Noor".into(),
            at: self.hands.now(),
            held: false,
            replaces: None,
        };
        self.mirror.act(&new).map(|_| new.change_id)
    }

    pub(crate) fn orders(&self, status: OrderStatus) -> Vec<OrderId> {
        let filter = OrderFilter { statuses: vec![status], limit: 1000, ..OrderFilter::default() };
        self.mirror.read(|conn| orders::list(conn, &filter)).unwrap().iter().map(|order| order.order_id).collect()
    }

    pub(crate) fn accept(&self, order: OrderId) -> ChangeId {
        self.act(Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New }))
    }

    pub(crate) fn note(&self, order: OrderId, text: &str) -> ChangeId {
        let audience = aisle_domain::change::Audience::Staff;
        self.act(Change::OrderNoted(OrderNoted { order, audience, text: text.into() }))
    }

    pub(crate) fn items(&self, limit: i64) -> Vec<Item> {
        self.mirror.read(|conn| items::page(conn, 0, limit)).unwrap()
    }

    pub(crate) fn reprice(&self, item: &Item, to: Money) -> ChangeId {
        self.try_reprice(item, to).unwrap()
    }

    pub(crate) fn try_reprice(&self, item: &Item, to: Money) -> Result<ChangeId, aisle_mirror::ActError> {
        let unit_price = Some(Edit { from: item.unit_price, to });
        self.try_act(Change::ItemChanged(ItemChanged {
            item: item.item_id,
            changes: ItemEdits { unit_price, ..ItemEdits::default() },
        }))
    }

    /// Makes an item here.
    pub(crate) fn create(&self, name: &str, unit_price: Money) -> (ItemId, ChangeId) {
        let template = self.items(1)[0].clone();
        let item_id = ItemId::born_at_desk(Uuid::new_v4().as_u64_pair().0);
        let item = Item {
            item_id,
            name: name.into(),
            unit_price,
            barcode: None,
            version: 0,
            changed: std::collections::BTreeMap::new(),
            ..template
        };
        (item_id, self.act(Change::ItemCreated(Box::new(ItemCreated { item }))))
    }

    pub(crate) fn item(&self, id: ItemId) -> Option<Item> {
        self.mirror.read(|conn| items::load(conn, id)).unwrap()
    }

    pub(crate) fn state(&self, id: ChangeId) -> ChangeState {
        self.mirror.read(|conn| outbox::load(conn, id)).unwrap().unwrap().state
    }

    /// Closes the desk; its folder stays.
    pub(crate) fn close(self) -> PathBuf {
        self.dir
    }

    pub(crate) fn assert_sound(&self) {
        let found = self.mirror.read(|conn| verify::run(conn, true, Some(self.mirror.ranges()))).unwrap();
        let broken: Vec<_> = found.into_iter().filter(|check| !check.ok).collect();
        assert!(broken.is_empty(), "{broken:#?}");
    }

    /// Audit entries of the desk itself of this kind, newest first, their `why`.
    pub(crate) fn reasons(&self, kind: &str) -> Vec<String> {
        let entries = self.mirror.read(|conn| aisle_mirror::audit::of_kind(conn, kind, 100)).unwrap();
        entries.iter().map(|e| e.text_json["why"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// Copies a closed desk's folder, as a person would.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Asks a database with SQLite's own program.
pub(crate) fn sql(file: &Path, sql: &str) -> String {
    let answer = std::process::Command::new("sqlite3").arg(file).arg(sql).output().unwrap();
    assert!(answer.status.success(), "{}", String::from_utf8_lossy(&answer.stderr));
    String::from_utf8(answer.stdout).unwrap()
}

/// How often each change had effect at central.
pub(crate) fn effects(world: &World) -> BTreeMap<String, u32> {
    let found = sql(
        world.centre.path(),
        "SELECT change_id, count(*) FROM audit WHERE outcome = 'applied' AND change_id IS NOT NULL GROUP BY change_id",
    );
    found
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(id, count)| (id.to_owned(), count.parse().unwrap()))
        .collect()
}

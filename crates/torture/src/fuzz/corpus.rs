//! The corpus: messages as desk and centre really send them, kept in the repository.

use std::{
    collections::BTreeMap,
    fmt::Write,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, EnrolOptions, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions,
};
use aisle_contract::{Attributes, DownMessage, Incoming, StoreKey, TopicNames, UpMessage, attributes::STRUCTURED};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Lane, Order, OrderId, OrderStatus, StoreId, Timestamp,
    change::{OrderAccepted, OrderRejected, RangeRequested, ShopperRated},
    store::Durability,
};
use aisle_mirror::{Mirror, NewChange, NewDesk, OrderFilter, orders};
use aisle_sync::{Clock, Goal, SyncOptions, SystemClock, once, system_chance};
use aisle_testkit::{dice::Dice, fixtures};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::record::{outgoing, written};
use crate::simulation::next_act;

/// Where it is.
pub(crate) fn folder() -> PathBuf {
    fixtures::repository().join("tests/corpus")
}

/// Every file of one target, by name.
pub(crate) fn load(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// What the corpus is signed with.
pub(crate) fn key() -> StoreKey {
    StoreKey::new("k1", [7; 32]).unwrap()
}

/// Files by target and name, of a store that works for a while.
pub fn made() -> BTreeMap<(&'static str, String), Vec<u8>> {
    let dir = tempfile::tempdir().unwrap();
    let store = StoreId::new(367).unwrap();
    let names = TopicNames::default();
    let clock = SystemClock::default();
    let bus = Bus::new("corpus", move || clock.now());
    let centre = Centre::open(&dir.path().join("central.db"), names.clone(), Arc::new(CentralClock)).unwrap();
    centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
    centre.topics(&bus, &TopicsOptions { create: true, partitions: 1, ..TopicsOptions::default() }).unwrap();
    let days = dir.path().join("days");
    fixtures::cut(&fixtures::demo(), &days, 8).unwrap();
    let mut replay = SimulateOptions::new(store, &days);
    replay.timeout = Some(Duration::from_secs(2));
    centre.simulate(&replay, &Stop::new()).unwrap();
    let new = NewDesk {
        store_id: store,
        desk_id: DeskId(Uuid::from_u128(7)),
        incarnation: Incarnation(0xa1),
        desk_name: "Front desk".into(),
        at: clock.now(),
    };
    let desk = Mirror::create(&dir.path().join("desk"), &new).unwrap();
    let mut dice = Dice::new(1);
    for round in 0..12 {
        let options =
            WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(10)), ..WorkOptions::default() };
        centre.work(&bus, &options, &Stop::new()).unwrap();
        sync(&desk, &bus);
        replay.timeout = Some(Duration::from_millis(300));
        centre.simulate(&replay, &Stop::new()).unwrap();
        let mut changes = seldom(&desk);
        if round == 1 {
            changes.extend(cancelled_meanwhile(&desk, &centre));
        }
        for change in changes {
            act(&desk, change, &mut dice, clock.now());
        }
        for _ in 0..12 {
            let Some(change) = next_act(&desk, &mut dice, clock.now()) else { continue };
            act(&desk, change, &mut dice, clock.now());
        }
    }
    let mut files = BTreeMap::new();
    of_changes(&bus.records(&names.changes(), 0), &mut files);
    for lane in Lane::ALL {
        of_feed(&bus.records(&names.feed(store, lane), 0), &mut files);
    }
    let file = dir.path().join("enrolment");
    centre.enrol(store, &EnrolOptions { brokers: "a:1,b:2".into(), ..EnrolOptions::default() }, &file).unwrap();
    files.insert(("enrolment", "plain.json".into()), std::fs::read(file).unwrap());
    files.insert(("days", "two-orders".into()), days_of(&fixtures::demo()));
    files
}

fn act(desk: &Mirror, change: Change, dice: &mut Dice, at: Timestamp) {
    let change_id = ChangeId(Uuid::from_u64_pair(dice.bits(), dice.bits()));
    // What is not allowed just now is no message.
    drop(desk.act(&NewChange { change_id, change, by: "Noor".into(), at, held: false, replaces: None }));
}

fn shown(desk: &Mirror) -> Vec<Order> {
    desk.read(|conn| orders::list(conn, &OrderFilter { limit: 200, ..OrderFilter::default() })).unwrap()
}

/// What chance does not bring in so short a time: a range asked for, an order rejected, a shopper rated.
fn seldom(desk: &Mirror) -> Vec<Change> {
    let shown = shown(desk);
    let new: Vec<OrderId> =
        shown.iter().filter(|o| o.status == OrderStatus::New).map(|order| order.order_id).collect();
    let mut changes = Vec::new();
    if let [order, ..] = new[..] {
        changes.push(Change::RangeRequested(RangeRequested { order, range_version: None }));
    }
    if let [_, order, _, ..] = new[..] {
        let (from, reason) = (OrderStatus::New, "too_busy".into());
        let rejected = OrderRejected { order, from, reason, lines: Vec::new(), note: None };
        changes.push(Change::OrderRejected(rejected));
    }
    let rated = shown.iter().find_map(|order| {
        let shopper = order.shopper.as_ref()?;
        let (order, shopper, from) = (order.order_id, shopper.shopper_id, shopper.rating);
        Some(Change::ShopperRated(ShopperRated { order, shopper, from, rating: 4 }))
    });
    changes.extend(rated);
    changes
}

/// An order is accepted here that its customer has cancelled: central will refuse that.
fn cancelled_meanwhile(desk: &Mirror, centre: &Centre) -> Option<Change> {
    let order = shown(desk).into_iter().find(|order| order.status == OrderStatus::New)?.order_id;
    centre.cancel_order(None, order, "called").unwrap();
    Some(Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New }))
}

/// A desk's sync as in every program.
pub(super) fn options() -> SyncOptions {
    SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: "0.1.0".into(),
        desk_name: "Front desk".into(),
        chance: system_chance(),
        key: None,
        durability: Durability::default(),
    }
}

fn sync(desk: &Mirror, bus: &Bus) {
    let (stop, clock, limit) = (AtomicBool::new(false), SystemClock::default(), Duration::from_secs(1));
    once(desk, bus, &options(), Goal::Both, limit, &clock, &stop, &mut |_| {}).unwrap();
}

/// One of each type: plain, signed, and in structured mode.
fn of_changes(records: &[Incoming], files: &mut BTreeMap<(&'static str, String), Vec<u8>>) {
    for record in records {
        let signed = match UpMessage::decode(record).unwrap() {
            UpMessage::Change(message) => message.encode(&record.topic, 0, Some(&key())).unwrap(),
            UpMessage::Heartbeat(beat) => beat.encode(&record.topic, 0, Some(&key())).unwrap(),
            UpMessage::NotUnderstood { why, .. } => panic!("{why}"),
        };
        let (attributes, data) = Attributes::of(record).unwrap();
        let word = attributes.get("type").unwrap().to_owned();
        if files.contains_key(&("up", word.clone())) {
            continue;
        }
        files.insert(("up", format!("{word}.structured")), structured(&attributes, &data));
        files.insert(("up", word.clone()), written(&outgoing(record.clone())));
        files.insert(("signature", word), written(&signed));
    }
}

fn structured(attributes: &Attributes<'_>, data: &[u8]) -> Vec<u8> {
    let mut event: Map<String, Value> =
        attributes.iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    event.insert("data".into(), serde_json::from_slice(data).unwrap());
    let mut file = format!("@key=367\ncontent-type={STRUCTURED}\n\n").into_bytes();
    file.extend(serde_json::to_vec(&event).unwrap());
    file
}

/// The last of each type, and a tombstone of each kind.
fn of_feed(records: &[Incoming], files: &mut BTreeMap<(&'static str, String), Vec<u8>>) {
    for record in records {
        if DownMessage::decode(record).is_ok_and(|message| message.epoch.is_some()) {
            let (attributes, _) = Attributes::of(record).unwrap();
            let word = attributes.get("type").unwrap().to_owned();
            files.insert(("down", word), written(&outgoing(record.clone())));
        }
    }
    for kind in ["order/7", "item/7", "store", "refusal/7", "digest"] {
        let name = format!("gone-{}", kind.replace('/', "-"));
        files.insert(("down", name), format!("@key={kind}\n@tombstone=\n\n").into_bytes());
    }
}

/// Two orders with their receipts, and the items of them.
fn days_of(demo: &Path) -> Vec<u8> {
    let read = |name: &str| std::fs::read_to_string(demo.join(name)).unwrap();
    let orders: Vec<String> = read("orders.jsonl").lines().take(2).map(Into::into).collect();
    let receipts: Vec<String> = read("receipts.jsonl").lines().take(2).map(Into::into).collect();
    let mut items = Vec::new();
    for (number, line) in read("items.csv").lines().enumerate() {
        let id = line.split(',').next().unwrap_or_default();
        if number == 0 || orders.iter().any(|order| order.contains(&format!("\"item_id\":{id},"))) {
            items.push(line.to_owned());
        }
    }
    let mut text = String::new();
    for (name, lines) in [("items.csv", items), ("orders.jsonl", orders), ("receipts.jsonl", receipts)] {
        writeln!(text, "=== {name}\n{}", lines.join("\n")).unwrap();
    }
    text.into_bytes()
}

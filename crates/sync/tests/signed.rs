//! A store that has been enrolled: a desk that signs gets through, one that does not yet catches up once it does.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]

use std::{
    path::Path,
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, EnrolOptions, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions,
    WorkOptions, work::WorkEventKind,
};
use aisle_contract::{Enrolment, PortError, StoreKey, TopicNames};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, OrderStatus, StoreId, change::OrderAccepted, store::Durability,
};
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, OrderFilter, orders, outbox};
use aisle_sync::{Clock, Goal, Pusher, SigningKey, SyncOptions, SyncSummary, SystemClock, once};
use aisle_testkit::fixtures;
use uuid::Uuid;

struct Town {
    dir: tempfile::TempDir,
    bus: Bus,
    centre: Centre,
    store: StoreId,
    clock: SystemClock,
}

impl Town {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SystemClock::default();
        let bus = Bus::new("bus-1", move || clock.now());
        let centre =
            Centre::open(&dir.path().join("central.db"), TopicNames::default(), Arc::new(CentralClock)).unwrap();
        let store = StoreId::new(367).unwrap();
        centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
        centre.topics(&bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap();
        let days = dir.path().join("days");
        fixtures::cut(&fixtures::demo(), &days, 4).unwrap();
        fixtures::cut_shelf(&days, 0).unwrap();
        let mut replay = SimulateOptions::new(store, &days);
        replay.timeout = Some(Duration::from_secs(2));
        centre.simulate(&replay, &Stop::new()).unwrap();
        Self { dir, bus, centre, store, clock }
    }

    fn enrol(&self, name: &str, retire_others: bool) -> Arc<StoreKey> {
        let file = self.dir.path().join(name);
        let options = EnrolOptions { brokers: "a:1".into(), retire_others, ..EnrolOptions::default() };
        self.centre.enrol(self.store, &options, &file).unwrap();
        Arc::new(Enrolment::parse(&std::fs::read_to_string(file).unwrap()).unwrap().store_key().unwrap())
    }

    fn desk(&self, name: &str) -> Mirror {
        let new = NewDesk {
            store_id: self.store,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(1),
            desk_name: name.into(),
            at: self.clock.now(),
        };
        Mirror::create(Path::new(&self.dir.path().join(name)), &new).unwrap()
    }

    /// Works until idle; answers the kinds of alarms that rang.
    fn work(&self) -> Vec<&'static str> {
        let rang = Arc::new(Mutex::new(Vec::new()));
        let own = Arc::clone(&rang);
        let options = WorkOptions {
            until_idle: true,
            timeout: Some(Duration::from_secs(30)),
            events: Some(Arc::new(move |event| {
                if let WorkEventKind::Alarm { kind, .. } = event.what {
                    own.lock().unwrap().push(kind);
                }
            })),
            ..WorkOptions::default()
        };
        assert!(self.centre.work(&self.bus, &options, &Stop::new()).unwrap().reached);
        let rang = rang.lock().unwrap();
        rang.clone()
    }

    fn sync(&self, desk: &Mirror, key: Option<&Arc<StoreKey>>, goal: Goal, seconds: u64) -> SyncSummary {
        let options = Self::options(key.map(|key| StoreKey::clone(key).into()));
        let (stop, limit) = (AtomicBool::new(false), Duration::from_secs(seconds));
        once(desk, &self.bus, &options, goal, limit, &self.clock, &stop, &mut |_| {}).unwrap()
    }

    fn options(key: Option<SigningKey>) -> SyncOptions {
        SyncOptions {
            names: TopicNames::default(),
            push_interval: Duration::from_secs(300),
            push_decisions_at_once: true,
            version: "test".into(),
            desk_name: "Desk".into(),
            chance: aisle_sync::system_chance(),
            key,
            durability: Durability::default(),
        }
    }

    fn accept(&self, desk: &Mirror, place: usize) -> ChangeId {
        let filter = OrderFilter { statuses: vec![OrderStatus::New], limit: 100, ..OrderFilter::default() };
        let order = desk.read(|conn| orders::list(conn, &filter)).unwrap()[place].order_id;
        let new = NewChange {
            change_id: ChangeId(Uuid::now_v7()),
            change: Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New }),
            by: "Noor".into(),
            at: self.clock.now(),
            held: false,
            replaces: None,
        };
        desk.act(&new).unwrap();
        new.change_id
    }
}

fn state(desk: &Mirror, id: ChangeId) -> ChangeState {
    desk.read(|conn| outbox::load(conn, id)).unwrap().unwrap().state
}

/// An enrolled store, and a desk that has caught up and accepted its first order.
fn enrolled() -> (Town, Arc<StoreKey>, Mirror, ChangeId) {
    let town = Town::new();
    let key = town.enrol("key", false);
    let desk = town.desk("desk");
    town.work();
    assert!(town.sync(&desk, Some(&key), Goal::CaughtUp, 20).reached);
    let change = town.accept(&desk, 0);
    (town, key, desk, change)
}

#[test]
fn a_desk_that_signs_gets_through() {
    let (town, key, desk, change) = enrolled();
    town.sync(&desk, Some(&key), Goal::Drained, 1);
    assert!(town.work().is_empty());
    assert!(town.sync(&desk, Some(&key), Goal::Both, 20).reached);
    assert_eq!(state(&desk, change), ChangeState::Received);
}

#[test]
fn an_enrolled_desk_sends_nothing_before_its_key_is_known() {
    let (town, key, desk, change) = enrolled();
    let late = SigningKey::default();
    let mut pusher = Pusher::new(desk.clone(), Town::options(Some(late.clone())));
    let stopped = pusher.push(&town.bus, || town.clock.now()).unwrap();
    assert!(matches!(stopped.error, Some(PortError::Closed { .. })), "{stopped:?}");
    assert_eq!(state(&desk, change), ChangeState::Ready, "it has no number");
    assert!(town.work().is_empty());
    late.learn(StoreKey::clone(&key));
    assert_eq!(pusher.push(&town.bus, || town.clock.now()).unwrap().error, None);
    assert!(town.work().is_empty(), "it is signed");
}

#[test]
fn what_a_desk_sent_unsigned_goes_again_once_it_signs() {
    let town = Town::new();
    let desk = town.desk("desk");
    town.work();
    assert!(town.sync(&desk, None, Goal::CaughtUp, 20).reached);
    let key = town.enrol("key", false);
    let change = town.accept(&desk, 0);
    town.sync(&desk, None, Goal::Drained, 1);
    let rang = town.work();
    assert!(rang.len() >= 2 && rang.iter().all(|kind| *kind == "unsigned"), "change and heartbeat: {rang:?}");
    assert_eq!(state(&desk, change), ChangeState::Sent, "never taken for received");
    assert!(town.centre.list_stores().unwrap()[0].desks.is_empty());
    // Enrolled, it says so with its next heartbeat, learns that central waits for its number, and sends it again.
    for _ in 0..3 {
        town.sync(&desk, Some(&key), Goal::Drained, 1);
        assert!(town.work().is_empty());
    }
    assert!(town.sync(&desk, Some(&key), Goal::Both, 20).reached);
    assert_eq!(state(&desk, change), ChangeState::Received);
}

#[test]
fn desks_are_enrolled_anew_one_after_the_other_without_a_gap() {
    let town = Town::new();
    let old = town.enrol("old", false);
    let (front, back) = (town.desk("front"), town.desk("back"));
    town.work();
    for desk in [&front, &back] {
        assert!(town.sync(desk, Some(&old), Goal::CaughtUp, 20).reached);
    }
    let new = town.enrol("new", false);
    let (one, two) = (town.accept(&front, 0), town.accept(&back, 1));
    town.sync(&front, Some(&new), Goal::Drained, 1);
    town.sync(&back, Some(&old), Goal::Drained, 1);
    assert!(town.work().is_empty(), "both keys are good");
    assert!(town.sync(&front, Some(&new), Goal::Both, 20).reached);
    assert!(town.sync(&back, Some(&old), Goal::Both, 20).reached);
    assert_eq!((state(&front, one), state(&back, two)), (ChangeState::Received, ChangeState::Received));
    let last = town.enrol("last", true);
    let three = town.accept(&back, 0);
    town.sync(&back, Some(&old), Goal::Drained, 1);
    let rang = town.work();
    assert!(rang.len() >= 2 && rang.iter().all(|kind| *kind == "unknown_key"), "change and heartbeat: {rang:?}");
    for _ in 0..3 {
        town.sync(&back, Some(&last), Goal::Drained, 1);
        town.work();
    }
    assert!(town.sync(&back, Some(&last), Goal::Both, 20).reached);
    assert_eq!(state(&back, three), ChangeState::Received);
}

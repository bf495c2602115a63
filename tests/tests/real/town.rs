//! A store at the reference centre, on topics of its own.

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aisle_central::{
    CentralError, Centre, Faults, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions,
    WorkOptions,
};
use aisle_contract::TopicNames;
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, OrderId, OrderStatus, StoreId};
use aisle_kafka::{Kafka, KafkaSettings, Security};
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, OrderFilter, digest, orders, outbox};
use aisle_sync::{Clock, Goal, SyncOptions, SyncSummary, SystemClock, once};
use aisle_testkit::fixtures;
use uuid::Uuid;

pub(crate) const LONG: Duration = Duration::from_secs(90);

pub(crate) struct Town {
    kafka: Kafka,
    names: TopicNames,
    pub(crate) centre: Centre,
    pub(crate) store: StoreId,
    clock: SystemClock,
}

impl Town {
    /// A store with its first orders, published; topics of its own on the shared cluster.
    pub(crate) fn new(dir: &Path, brokers: &str, prefix: &str, orders: usize) -> Self {
        let kafka = Kafka::new(KafkaSettings {
            brokers: brokers.into(),
            security: Security::Plaintext,
            client_id: format!("test-{prefix}"),
            ..KafkaSettings::default()
        })
        .unwrap();
        let names = TopicNames::new(prefix);
        let store = StoreId::new(367).unwrap();
        let centre = Centre::open(&dir.join("central.db"), names.clone(), Arc::new(CentralClock)).unwrap();
        centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
        assert!(centre.topics(&kafka, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap().ok);
        let days = dir.join("days");
        fixtures::cut(&fixtures::demo(), &days, orders).unwrap();
        centre.simulate(&SimulateOptions::new(store, &days), &Stop::new()).unwrap();
        let town = Self { kafka, names, centre, store, clock: SystemClock::default() };
        town.work(None).unwrap();
        town
    }

    /// A desk of the store that has read what there is.
    pub(crate) fn desk(&self, dir: &Path) -> Desk<'_> {
        let new = NewDesk {
            store_id: self.store,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(1),
            desk_name: "Desk 1".into(),
            at: self.clock.now(),
        };
        let desk = Desk { town: self, mirror: Mirror::create(dir, &new).unwrap() };
        assert!(desk.sync(Goal::CaughtUp, LONG).reached);
        desk
    }

    pub(crate) fn work(&self, faults: Option<Arc<dyn Faults>>) -> Result<(), CentralError> {
        let options = WorkOptions { until_idle: true, timeout: Some(LONG), faults, ..WorkOptions::default() };
        let report = self.centre.work(&self.kafka, &options, &Stop::new())?;
        assert!(report.reached, "{report:?}");
        Ok(())
    }
}

/// A desk of the town.
pub(crate) struct Desk<'t> {
    town: &'t Town,
    pub(crate) mirror: Mirror,
}

impl Desk<'_> {
    pub(crate) fn sync(&self, goal: Goal, limit: Duration) -> SyncSummary {
        let options = SyncOptions {
            names: self.town.names.clone(),
            push_interval: Duration::from_mins(5),
            push_decisions_at_once: true,
            version: "test".into(),
            desk_name: "Desk 1".into(),
            chance: aisle_sync::system_chance(),
            key: None,
            durability: aisle_domain::store::Durability::default(),
        };
        let stop = AtomicBool::new(false);
        once(&self.mirror, &self.town.kafka, &options, goal, limit, &self.town.clock, &stop, &mut |_| {}).unwrap()
    }

    pub(crate) fn orders(&self, status: OrderStatus) -> Vec<OrderId> {
        let filter = OrderFilter { statuses: vec![status], limit: 1_000, ..OrderFilter::default() };
        self.mirror.read(|conn| orders::list(conn, &filter)).unwrap().iter().map(|order| order.order_id).collect()
    }

    pub(crate) fn act(&self, change: Change, by: &str) -> ChangeId {
        let change_id = ChangeId(Uuid::now_v7());
        let at = self.town.clock.now();
        let new = NewChange { change_id, change, by: by.into(), at, held: false, replaces: None };
        self.mirror.act(&new).unwrap();
        change_id
    }

    pub(crate) fn state(&self, change: ChangeId) -> ChangeState {
        self.mirror.read(|conn| outbox::load(conn, change)).unwrap().unwrap().state
    }

    /// Whether the desk shows what central has, row for row.
    pub(crate) fn assert_same_as_central(&self, what: &str) {
        let (orders, items) = self.mirror.read(digest::rows).unwrap();
        let central = self.town.centre.digest(self.town.store).unwrap().tables;
        assert_eq!((central.orders, central.items), (orders.into(), items.into()), "{what}");
    }
}

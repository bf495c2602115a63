//! A worker of the centre that dies at its worst moments, on a real cluster of three machines: nothing is lost, nothing
//! takes effect twice, and a desk sees the end of everything.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aisle_central::{
    CentralError, Centre, FaultPoint, Faults, NewStore, SimulateOptions, Stop, SystemClock as CentralClock,
    TopicsOptions, WorkOptions,
};
use aisle_contract::TopicNames;
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, OrderId, OrderStatus, StoreId, change::OrderAccepted};
use aisle_kafka::{Kafka, KafkaSettings, Security};
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, OrderFilter, digest, orders, outbox};
use aisle_sync::{Clock, Goal, SyncOptions, SyncSummary, SystemClock, once};
use aisle_testkit::{
    fixtures,
    kafka::{Cluster, ClusterOptions, Kit},
};
use uuid::Uuid;

const ORDERS: usize = 12;
const LONG: Duration = Duration::from_secs(90);

/// Strikes the first time that a worker comes by.
struct Once {
    at: FaultPoint,
    done: AtomicBool,
}

impl Faults for Once {
    fn strikes(&self, _partition: i32, point: FaultPoint) -> bool {
        point == self.at && !self.done.swap(true, Ordering::SeqCst)
    }
}

struct Town {
    kafka: Kafka,
    names: TopicNames,
    centre: Centre,
    store: StoreId,
    mirror: Mirror,
    clock: SystemClock,
}

impl Town {
    /// A store with its first orders, published and mirrored; topics of its own on the shared cluster.
    fn new(dir: &Path, brokers: &str, prefix: &str) -> Self {
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
        fixtures::cut(&fixtures::demo(), &days, ORDERS).unwrap();
        centre.simulate(&SimulateOptions::new(store, &days), &Stop::new()).unwrap();
        let clock = SystemClock::default();
        let new = NewDesk {
            store_id: store,
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(1),
            desk_name: "Desk 1".into(),
            at: clock.now(),
        };
        let mirror = Mirror::create(&dir.join("desk"), &new).unwrap();
        let town = Self { kafka, names, centre, store, mirror, clock };
        town.work(None).unwrap();
        assert!(town.sync(Goal::CaughtUp, LONG).reached);
        assert_eq!(town.orders(OrderStatus::New).len(), ORDERS);
        town
    }

    fn work(&self, faults: Option<Arc<dyn Faults>>) -> Result<(), CentralError> {
        let options = WorkOptions { until_idle: true, timeout: Some(LONG), faults, ..WorkOptions::default() };
        let report = self.centre.work(&self.kafka, &options, &Stop::new())?;
        assert!(report.reached, "{report:?}");
        Ok(())
    }

    fn sync(&self, goal: Goal, limit: Duration) -> SyncSummary {
        let options = SyncOptions {
            names: self.names.clone(),
            push_interval: Duration::from_mins(5),
            push_decisions_at_once: true,
            version: "test".into(),
            desk_name: "Desk 1".into(),
            chance: aisle_sync::system_chance(),
            key: None,
            durability: aisle_domain::store::Durability::default(),
        };
        let stop = AtomicBool::new(false);
        once(&self.mirror, &self.kafka, &options, goal, limit, &self.clock, &stop, &mut |_| {}).unwrap()
    }

    fn orders(&self, status: OrderStatus) -> Vec<OrderId> {
        let filter = OrderFilter { statuses: vec![status], unsent: false, after: None, limit: 1_000 };
        self.mirror.read(|conn| orders::list(conn, &filter)).unwrap().iter().map(|order| order.order_id).collect()
    }

    fn accept_all(&self) -> Vec<ChangeId> {
        let accept = |order: &OrderId| {
            let change_id = ChangeId(Uuid::now_v7());
            let change = OrderAccepted { order: *order, from: OrderStatus::New };
            let new = NewChange {
                change_id,
                change: Change::OrderAccepted(change),
                by: "Noor".into(),
                at: self.clock.now(),
                held: false,
                replaces: None,
            };
            self.mirror.act(&new).unwrap();
            change_id
        };
        self.orders(OrderStatus::New).iter().map(accept).collect()
    }

    fn state(&self, change: ChangeId) -> ChangeState {
        self.mirror.read(|conn| outbox::load(conn, change)).unwrap().unwrap().state
    }
}

#[test]
fn a_worker_killed_between_its_commits_on_a_real_cluster_loses_and_doubles_nothing() {
    let Some(kit) = Kit::require("a worker killed between its commits") else { return };
    let dir = tempfile::tempdir().unwrap();
    let cluster = Cluster::start(&kit, &dir.path().join("kafka"), &ClusterOptions::default()).unwrap();
    for (at, prefix) in [
        (FaultPoint::AfterCommit, "unpublished"),
        (FaultPoint::AfterPublish, "unmarked"),
        (FaultPoint::BeforeOffsetCommit, "uncommitted"),
    ] {
        let own = dir.path().join(prefix);
        std::fs::create_dir(&own).unwrap();
        let town = Town::new(&own, &cluster.brokers(), prefix);
        let changes = town.accept_all();
        assert_eq!(changes.len(), ORDERS);
        // Nobody works yet: they are sent and wait.
        assert!(!town.sync(Goal::Drained, Duration::from_secs(5)).reached);
        assert!(changes.iter().all(|change| town.state(*change) == ChangeState::Sent), "{at:?}");
        let died = town.work(Some(Arc::new(Once { at, done: AtomicBool::new(false) }))).unwrap_err();
        assert!(matches!(died, CentralError::Struck { .. }), "{at:?}: {died}");
        // Another takes over from what SQL has, not from what the group was told.
        town.work(None).unwrap();
        let healed = town.sync(Goal::Both, LONG);
        assert!(healed.reached, "{at:?}: {healed:?}");
        assert!(changes.iter().all(|change| town.state(*change) == ChangeState::Received), "{at:?}");
        assert_eq!(town.orders(OrderStatus::Running).len(), ORDERS, "{at:?}");
        let page = town.centre.list_orders(town.store, &[], None, 1_000).unwrap();
        assert!(page.items.iter().all(|order| order.version == 2), "{at:?}: each accept took effect once");
        assert!(town.centre.verify(None).unwrap().ok, "{at:?}");
        let (orders, items) = town.mirror.read(digest::rows).unwrap();
        let central = town.centre.digest(town.store).unwrap().tables;
        assert_eq!((central.orders, central.items), (orders.into(), items.into()), "{at:?}");
    }
}

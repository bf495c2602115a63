//! A worker of the centre that dies at its worst moments: nothing is lost, nothing takes effect twice, and a desk sees the end of
//! everything.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aisle_central::{CentralError, FaultPoint, Faults};
use aisle_domain::{Change, ChangeId, OrderId, OrderStatus, change::OrderAccepted};
use aisle_mirror::ChangeState;
use aisle_sync::Goal;
use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};

use crate::town::{LONG, Town};

const ORDERS: usize = 12;

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
        let town = Town::new(&own, &cluster.brokers(), prefix, ORDERS);
        let desk = town.desk(&own.join("desk"));
        let fresh = desk.orders(OrderStatus::New);
        let accept =
            |order: &OrderId| Change::OrderAccepted(OrderAccepted { order: *order, from: OrderStatus::New });
        let changes: Vec<ChangeId> = fresh.iter().map(|order| desk.act(accept(order), "Noor")).collect();
        assert_eq!(changes.len(), ORDERS);
        // Nobody works yet: they are sent and wait.
        assert!(!desk.sync(Goal::Drained, Duration::from_secs(5)).reached);
        assert!(changes.iter().all(|change| desk.state(*change) == ChangeState::Sent), "{at:?}");
        let died = town.work(Some(Arc::new(Once { at, done: AtomicBool::new(false) }))).unwrap_err();
        assert!(matches!(died, CentralError::Struck { .. }), "{at:?}: {died}");
        // Another takes over from what SQL has, not from what the group was told.
        town.work(None).unwrap();
        let healed = desk.sync(Goal::Both, LONG);
        assert!(healed.reached, "{at:?}: {healed:?}");
        assert!(changes.iter().all(|change| desk.state(*change) == ChangeState::Received), "{at:?}");
        assert_eq!(desk.orders(OrderStatus::Running).len(), ORDERS, "{at:?}");
        let page = town.centre.list_orders(town.store, &[], None, 1_000).unwrap();
        assert!(page.items.iter().all(|order| order.version == 2), "{at:?}: each accept took effect once");
        assert!(town.centre.verify(None).unwrap().ok, "{at:?}");
        desk.assert_same_as_central(prefix);
    }
}

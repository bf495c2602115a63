//! A desk and the real centre on the in-process bus, with the faults that a line has.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

#[path = "journeys/outages.rs"]
mod outages;
#[path = "journeys/silences.rs"]
mod silences;

use std::{
    path::Path,
    sync::{Arc, atomic::AtomicBool},
    time::{Duration, Instant},
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions, WorkSummary,
};
use aisle_contract::{Bounds, ClusterView, Outgoing, PortError, Through, TopicNames, Transport};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Lane, OrderId, OrderStatus, StoreId, change::OrderAccepted,
    store::Durability,
};
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, OrderFilter, feed, orders, outbox};
use aisle_sync::{Cause, Clock, Goal, LinkState, SyncEngine, SyncOptions, SyncSummary, SystemClock, once};
use aisle_testkit::fixtures;
use uuid::Uuid;

const STORE: i64 = 367;

struct Line {
    _dir: tempfile::TempDir,
    bus: Bus,
    centre: Centre,
    mirror: Mirror,
    clock: SystemClock,
}

fn options() -> SyncOptions {
    SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: "test".into(),
        desk_name: "Desk 1".into(),
        chance: aisle_sync::system_chance(),
        key: None,
        durability: Durability::default(),
    }
}

/// A store with its first orders at central, and a desk that has read nothing yet.
fn line() -> Line {
    let dir = tempfile::tempdir().unwrap();
    let desk = dir.path().join("desk");
    line_in(dir, &desk)
}

/// The same with the desk's data in a folder of one's choice.
fn line_in(dir: tempfile::TempDir, desk: &Path) -> Line {
    let clock = SystemClock::default();
    let bus = Bus::new("bus-1", move || clock.now());
    let centre =
        Centre::open(&dir.path().join("central.db"), TopicNames::default(), Arc::new(CentralClock)).unwrap();
    let store = StoreId::new(STORE).unwrap();
    centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
    centre.topics(&bus, &TopicsOptions { create: true, ..TopicsOptions::default() }).unwrap();
    let days = dir.path().join("days");
    fixtures::cut(&fixtures::demo(), &days, 4).unwrap();
    let mut replay = SimulateOptions::new(store, &days);
    replay.timeout = Some(Duration::from_secs(2));
    centre.simulate(&replay, &Stop::new()).unwrap();
    let new = NewDesk {
        store_id: store,
        desk_id: DeskId(Uuid::new_v4()),
        incarnation: Incarnation(1),
        desk_name: "Desk 1".into(),
        at: clock.now(),
    };
    let mirror = Mirror::create(desk, &new).unwrap();
    let line = Line { _dir: dir, bus, centre, mirror, clock };
    line.central_works();
    line
}

impl Line {
    /// The desk's sync in the background, on this line.
    fn runs_on(&self, line: impl Transport + 'static) -> SyncEngine {
        SyncEngine::start(self.mirror.clone(), Arc::new(line), options(), Arc::new(self.clock), Arc::new(|_| {}))
    }

    fn central_works(&self) -> WorkSummary {
        let options =
            WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(30)), ..WorkOptions::default() };
        self.centre.work(&self.bus, &options, &Stop::new()).unwrap().summary
    }

    fn sync(&self, goal: Goal, limit: Duration) -> SyncSummary {
        let stop = AtomicBool::new(false);
        once(&self.mirror, &self.bus, &options(), goal, limit, &self.clock, &stop, &mut |_| {}).unwrap()
    }

    fn catch_up(&self) {
        let summary = self.sync(Goal::CaughtUp, Duration::from_secs(20));
        assert!(summary.reached, "{summary:?}");
    }

    fn new_orders(&self) -> Vec<OrderId> {
        let filter = OrderFilter { statuses: vec![OrderStatus::New], limit: 100, ..OrderFilter::default() };
        self.mirror.read(|conn| orders::list(conn, &filter)).unwrap().iter().map(|order| order.order_id).collect()
    }

    fn accept(&self, order: OrderId) -> ChangeId {
        let new = NewChange {
            change_id: ChangeId(Uuid::now_v7()),
            change: Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New }),
            by: "Noor".into(),
            at: self.clock.now(),
            held: false,
            replaces: None,
        };
        self.mirror.act(&new).unwrap();
        new.change_id
    }

    fn state(&self, id: ChangeId) -> ChangeState {
        self.mirror.read(|conn| outbox::load(conn, id)).unwrap().unwrap().state
    }
}

#[test]
fn an_accept_is_pushed_applied_acknowledged_and_shown_as_received() {
    let line = line();
    line.catch_up();
    let orders = line.new_orders();
    assert_eq!(orders.len(), 4);
    let change = line.accept(orders[0]);
    let pushed = line.sync(Goal::Drained, Duration::from_secs(1));
    assert_eq!((pushed.reached, pushed.sent, pushed.left), (false, 1, 1), "central has not worked yet");
    assert_eq!(line.state(change), ChangeState::Sent);
    assert_eq!(line.central_works().applied, 1);
    assert!(line.sync(Goal::Both, Duration::from_secs(20)).reached);
    assert_eq!(line.state(change), ChangeState::Received);
}

#[test]
fn a_lost_delivery_report_sends_a_change_again_and_it_takes_effect_once() {
    let line = line();
    line.catch_up();
    let orders = line.new_orders();
    let changes: Vec<_> = orders.iter().map(|order| line.accept(*order)).collect();
    line.bus.lose_reports(2);
    line.sync(Goal::Drained, Duration::from_secs(5));
    let done = line.central_works();
    assert_eq!(done.applied, 4);
    assert!(done.duplicates >= 2, "what was sent twice was seen twice: {done:?}");
    assert!(line.sync(Goal::Both, Duration::from_secs(20)).reached);
    assert!(changes.iter().all(|change| line.state(*change) == ChangeState::Received));
}

#[test]
fn with_too_few_copies_in_sync_nothing_is_numbered_and_the_cause_is_told() {
    let line = line();
    line.catch_up();
    let change = line.accept(line.new_orders()[0]);
    line.bus.in_sync(2);
    let refused = line.sync(Goal::Drained, Duration::from_secs(2));
    assert_eq!(refused.error, Some(PortError::NotEnoughReplicas));
    assert_eq!(line.state(change), ChangeState::Ready);
    line.bus.in_sync(3);
    line.sync(Goal::Drained, Duration::from_secs(1));
    line.central_works();
    assert!(line.sync(Goal::Both, Duration::from_secs(20)).reached);
}

#[test]
fn a_feed_that_may_not_be_read_is_told_and_never_taken_for_quiet() {
    let line = line();
    let topic = TopicNames::default().feed(StoreId::new(STORE).unwrap(), Lane::Orders);
    line.bus.hide_topic(&topic, true);
    let blind = line.sync(Goal::CaughtUp, Duration::from_secs(2));
    assert_eq!((blind.reached, blind.error), (false, Some(PortError::TopicMissing { topic: topic.clone() })));
    line.bus.hide_topic(&topic, false);
    line.catch_up();
}

#[test]
fn a_feed_record_that_cannot_be_read_is_parked_and_the_rest_goes_on() {
    let line = line();
    let topic = TopicNames::default().feed(StoreId::new(STORE).unwrap(), Lane::Orders);
    let odd = |key: &str, value: &[u8]| Outgoing {
        topic: topic.clone(),
        partition: 0,
        key: key.into(),
        headers: vec![("ce_specversion".into(), b"1.0".to_vec())],
        value: Some(value.to_vec()),
    };
    line.bus.append(vec![odd("order/1", b"{"), odd("song/1", &[0xff, 0xfe])]);
    line.centre.add_payment(None, first_order(&line), aisle_domain::Money::from_minor(100)).unwrap();
    line.central_works();
    let summary = line.sync(Goal::CaughtUp, Duration::from_secs(20));
    assert!(summary.reached, "{summary:?}");
    assert_eq!(summary.parked, 2);
    assert_eq!(line.mirror.read(feed::parked_count).unwrap(), 2);
    let shown = line.mirror.read(|conn| orders::load(conn, first_order(&line))).unwrap().unwrap();
    assert_eq!(shown.payments.len(), 1, "what came behind them was applied");
}

fn first_order(line: &Line) -> OrderId {
    line.centre.list_orders(StoreId::new(STORE).unwrap(), &[], None, 1).unwrap().items[0].order_id
}

#[test]
fn a_cluster_that_was_set_up_anew_gets_what_central_does_not_have_yet() {
    let line = line();
    line.catch_up();
    let change = line.accept(line.new_orders()[0]);
    line.sync(Goal::Drained, Duration::from_secs(1));
    assert_eq!(line.state(change), ChangeState::Sent);
    line.bus.rebuild("bus-2");
    line.sync(Goal::Drained, Duration::from_secs(1));
    line.central_works();
    let after = line.sync(Goal::Drained, Duration::from_secs(20));
    assert!(after.reached, "{after:?}");
    assert_eq!(line.state(change), ChangeState::Received);
}

fn until(limit: Duration, what: &str, so: impl Fn() -> bool) {
    let end = Instant::now() + limit;
    while !so() {
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_running_desk_is_up_only_once_central_has_answered_and_quits_with_everything_sent() {
    let line = line();
    let engine = line.runs_on(line.bus.clone());
    until(Duration::from_secs(10), "the orders come", || line.new_orders().len() == 4);
    let seen = engine.status().link;
    assert_eq!((seen.state, seen.cause), (LinkState::Central, Some(Cause::NotHeardYet)));
    line.central_works();
    until(Duration::from_secs(10), "the line is up", || engine.status().link.state == LinkState::Up);
    assert!(engine.status().clock_offset_ms.unwrap().abs() < 5000);
    // Once central has answered, the next push is an interval away, jitter and all; before, it comes soon.
    until(Duration::from_secs(10), "the next push is an interval away", || {
        let status = engine.status();
        status.next_push_at.unwrap().since(status.last_push_at.unwrap()) >= 4 * 60_000
    });

    line.bus.unreachable(true);
    until(Duration::from_secs(40), "the cut is told", || engine.status().link.state != LinkState::Up);
    let change = line.accept(line.new_orders()[0]);
    engine.push_now();
    line.bus.unreachable(false);
    assert_eq!(engine.quit(Duration::from_secs(20)), 0, "nothing stays unsent");
    assert_eq!(line.state(change), ChangeState::Sent);
}

#[test]
fn quitting_without_a_line_ends_in_time_and_names_what_stays() {
    let line = line();
    line.catch_up();
    line.bus.unreachable(true);
    let engine = line.runs_on(line.bus.clone());
    line.accept(line.new_orders()[0]);
    let start = Instant::now();
    assert_eq!(engine.quit(Duration::from_secs(3)), 1);
    assert!(start.elapsed() < Duration::from_secs(10));
}

/// A line on which nobody answers: every question takes all the time it is given, and more.
struct Silent(Bus);

impl Through for Silent {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.0)
    }

    fn metadata(&self, _topics: &[String], _timeout: Duration) -> Result<ClusterView, PortError> {
        std::thread::sleep(Duration::from_secs(20));
        Err(PortError::Unreachable("nobody answers".into()))
    }

    fn bounds(&self, _topic: &str, _partition: i32, _timeout: Duration) -> Result<Bounds, PortError> {
        std::thread::sleep(Duration::from_secs(20));
        Err(PortError::Unreachable("nobody answers".into()))
    }
}

#[test]
fn quitting_does_not_wait_for_a_cluster_that_does_not_answer() {
    let line = line();
    line.catch_up();
    let engine = line.runs_on(Silent(line.bus.clone()));
    std::thread::sleep(Duration::from_millis(200));
    line.accept(line.new_orders()[0]);
    let start = Instant::now();
    assert_eq!(engine.quit(Duration::from_secs(1)), 1, "counted although no push has ended");
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

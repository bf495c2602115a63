//! Partitions that go from one worker to another, or that nobody has.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, Clock, FaultPoint, Partitions, SteppedWork, Stop, SystemClock, TopicsOptions, WorkEvent, WorkOptions,
    work::WorkEventKind,
};
use aisle_contract::{
    Delivery, DownBody, Outgoing, PortError, Sender, Through, TopicNames, Transport, partition_of,
};
use aisle_domain::{Lane, OrderStatus, Timestamp};

use crate::{
    opened,
    town::{LONG, Once, ScriptedDesk, Town, WRITTEN, store, wait_for},
};

#[test]
fn a_partition_of_a_worker_that_died_is_taken_over_within_ten_seconds() {
    let (town, mut desk) = opened(3);
    let home = partition_of(store(367), 12);
    let these = WorkOptions { partitions: Partitions::These(vec![home]), ..WorkOptions::default() };
    desk.accept_everything();
    let dying = WorkOptions { faults: Some(Once::at(FaultPoint::AfterCommit)), ..these.clone() };
    assert!(town.centre.work(&town.bus, &dying, &Stop::new()).is_err());
    let died = Instant::now();
    let next = WorkOptions { until_idle: true, timeout: Some(LONG), ..these };
    let report = town.centre.work(&town.bus, &next, &Stop::new()).unwrap();
    assert!(report.reached);
    assert!(died.elapsed() < Duration::from_secs(10), "{:?}", died.elapsed());
    assert!(died.elapsed() > Duration::from_secs(2), "it waits while the lease holds");
    assert_eq!(town.acks(store(367), Lane::Orders).pop().unwrap().expected, 4);
}

/// A clock that goes forward when it is told to.
#[derive(Clone, Default)]
pub(crate) struct Told(Arc<Mutex<Duration>>);

impl Told {
    pub(crate) fn pass_to(&self, second: u64) {
        *self.0.lock().unwrap() = Duration::from_secs(second);
    }
}

impl Clock for Told {
    fn now(&self) -> Timestamp {
        WRITTEN.plus_millis(i64::try_from(self.monotonic().as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        *self.0.lock().unwrap()
    }
}

/// The town's centre by such a clock.
pub(crate) fn told(town: &Town) -> (Told, Centre) {
    let clock = Told::default();
    let path = town.folder.path().join("central.db");
    (clock.clone(), Centre::open(&path, TopicNames::default(), Arc::new(clock)).unwrap())
}

/// A clock that goes forward twenty times as fast as it should, and tells the right time.
struct Hasty(Instant);

impl Clock for Hasty {
    fn now(&self) -> Timestamp {
        SystemClock.now()
    }

    fn monotonic(&self) -> Duration {
        self.0.elapsed() * 20
    }
}

#[test]
fn partitions_that_the_group_gives_to_nobody_are_worked_on_all_the_same() {
    let (town, mut desk) = opened(3);
    town.bus.lose_group(true);
    desk.accept_everything();
    let path = town.folder.path().join("central.db");
    let centre = Centre::open(&path, TopicNames::default(), Arc::new(Hasty(Instant::now()))).unwrap();
    let options = WorkOptions { until_idle: true, timeout: Some(LONG), ..WorkOptions::default() };
    assert!(centre.work(&town.bus, &options, &Stop::new()).unwrap().reached);
    assert_eq!(town.acks(store(367), Lane::Orders).pop().unwrap().expected, 4);
    town.assert_sound();
}

#[test]
fn two_workers_share_the_partitions_and_nothing_is_applied_twice() {
    let (town, mut desk) = opened(20);
    let home = partition_of(store(367), 12);
    let applied = Arc::new(Mutex::new(0));
    let stop = Stop::new();
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let counter = Arc::clone(&applied);
            let listener = move |event: &WorkEvent| {
                if let WorkEventKind::Applied { applied, .. } = &event.what {
                    *counter.lock().unwrap() += applied;
                }
            };
            let options = WorkOptions {
                partitions: Partitions::These(vec![home, (home + 1) % 12]),
                events: Some(Arc::new(listener)),
                ..WorkOptions::default()
            };
            let (town, stop) = (&town, &stop);
            scope.spawn(move || town.centre.work(&town.bus, &options, stop).unwrap());
        }
        assert_eq!(desk.accept_everything(), 20);
        wait_for("all are acknowledged", || town.acks(store(367), Lane::Orders).iter().any(|a| a.expected == 21));
        stop.stop();
    });
    assert_eq!(*applied.lock().unwrap(), 20);
    town.assert_sound();
}

type Meanwhile = Arc<Mutex<Option<Box<dyn FnOnce() + Send>>>>;

/// A line whose first sending stands still while something else happens.
struct Standstill {
    bus: Bus,
    meanwhile: Meanwhile,
}

struct StandingSender {
    inner: Box<dyn Sender>,
    meanwhile: Meanwhile,
}

impl Sender for StandingSender {
    fn hand_over(&mut self, batch: Vec<Outgoing>) {
        if let Some(happens) = self.meanwhile.lock().unwrap_or_else(PoisonError::into_inner).take() {
            happens();
        }
        self.inner.hand_over(batch);
    }

    fn answers(&mut self, count: usize, timeout: Duration) -> Vec<Delivery> {
        self.inner.answers(count, timeout)
    }
}

impl Through for Standstill {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.bus)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        Ok(Box::new(StandingSender { inner: self.bus.sender()?, meanwhile: Arc::clone(&self.meanwhile) }))
    }
}

/// While whoever works on this line stands still in the midst of publishing, another takes its place and publishes that the
/// first order is cancelled.
fn replaced_while_publishing(town: &Town, centre: &Centre, desk: &ScriptedDesk) -> Standstill {
    let home = [partition_of(store(367), 12)];
    let order = desk.orders.values().next().unwrap().order_id;
    let (centre, bus) = (centre.clone(), town.bus.clone());
    let meanwhile = move || {
        let options = WorkOptions::default();
        let mut successor = SteppedWork::new(&centre, &bus, &options);
        successor.turn(&home).unwrap();
        centre.cancel_order(None, order, "called").unwrap();
        successor.turn(&home).unwrap();
        successor.turn(&[]).unwrap();
    };
    Standstill { bus: town.bus.clone(), meanwhile: Arc::new(Mutex::new(Some(Box::new(meanwhile)))) }
}

fn newest_status(town: &Town) -> OrderStatus {
    let mut rows = town.feed(store(367), Lane::Orders).into_iter().filter_map(|message| match message.body {
        DownBody::Order(order) => Some(order.status),
        _ => None,
    });
    rows.next_back().unwrap()
}

#[test]
fn what_a_worker_publishes_after_it_was_replaced_does_not_stay_the_newest() {
    let (town, mut desk) = opened(1);
    let home = [partition_of(store(367), 12)];
    desk.accept_everything();
    let options = WorkOptions::default();
    let line = replaced_while_publishing(&town, &town.centre, &desk);
    let mut zombie = SteppedWork::new(&town.centre, &line, &options);
    zombie.turn(&home).unwrap();
    assert_eq!(newest_status(&town), OrderStatus::Running, "it was published behind the cancellation");
    zombie.turn(&[]).unwrap();
    drop(zombie);
    town.work_until_idle();
    assert_eq!(newest_status(&town), OrderStatus::Rejected);
    assert_eq!(town.acks(store(367), Lane::Orders).pop().unwrap().expected, 2);
    town.assert_sound();
}

#[test]
fn what_a_worker_published_after_it_was_replaced_is_mended_though_it_died_before_it_noticed() {
    let (town, mut desk) = opened(1);
    let home = [partition_of(store(367), 12)];
    desk.accept_everything();
    let options = WorkOptions::default();
    let (clock, centre) = told(&town);
    let line = replaced_while_publishing(&town, &centre, &desk);
    let mut zombie = SteppedWork::new(&centre, &line, &options);
    zombie.turn(&home).unwrap();
    drop(zombie);
    let mut work = SteppedWork::new(&centre, &town.bus, &options);
    let mut pass = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            clock.pass_to(second);
            work.turn(&home).unwrap();
        }
    };
    pass(1..30);
    assert_eq!(newest_status(&town), OrderStatus::Running, "more may come late");
    pass(30..40);
    assert_eq!(newest_status(&town), OrderStatus::Rejected);
    town.assert_sound();
}

#[test]
fn stores_whose_desks_were_heard_hear_that_central_is_at_work() {
    let (town, mut desk) = opened(1);
    let beats = |number: i64| {
        let all = town.feed(store(number), Lane::Orders).into_iter();
        all.filter(|message| matches!(message.body, DownBody::Heartbeat(_))).count()
    };
    desk.accept_everything();
    let home = [partition_of(store(367), 12)];
    let options = WorkOptions::default();
    let (clock, centre) = told(&town);
    let mut work = SteppedWork::new(&centre, &town.bus, &options);
    for second in 0..60 {
        clock.pass_to(second);
        work.turn(&home).unwrap();
    }
    assert_eq!(beats(367), 4, "one at once, then every 17 seconds");
    // One whose feed takes nothing is tried again, and nobody waits for it.
    town.bus.hide_topic(&town.centre.names().feed(store(367), Lane::Orders), true);
    for second in 60..120 {
        clock.pass_to(second);
        work.turn(&home).unwrap();
    }
    town.bus.hide_topic(&town.centre.names().feed(store(367), Lane::Orders), false);
    clock.pass_to(130);
    work.turn(&home).unwrap();
    assert_eq!(beats(367), 5);
}

#[test]
fn fewer_partitions_that_are_seen_for_a_moment_move_nobody_and_those_that_stay_do() {
    let (town, _) = opened(1);
    let moved = Arc::new(Mutex::new(Vec::new()));
    let counts = Arc::clone(&moved);
    let listener = move |event: &WorkEvent| {
        if let WorkEventKind::Moved { partitions } = event.what {
            counts.lock().unwrap().push(partitions);
        }
    };
    let options = WorkOptions { events: Some(Arc::new(listener)), ..WorkOptions::default() };
    let (clock, centre) = told(&town);
    let mut work = SteppedWork::new(&centre, &town.bus, &options);
    let mut pass = |seconds: u64| {
        for _ in 0..seconds {
            *clock.0.lock().unwrap() += Duration::from_secs(1);
            work.turn(&[]).unwrap();
        }
    };
    let show = |partitions| {
        town.bus.take_away(&town.centre.names().changes());
        let topics = TopicsOptions { create: true, partitions, ..TopicsOptions::default() };
        town.centre.topics(&town.bus, &topics).unwrap();
    };
    for _ in 0..3 {
        show(6);
        pass(7);
        show(12);
        pass(7);
    }
    assert!(moved.lock().unwrap().is_empty());
    show(6);
    pass(15);
    assert_eq!(*moved.lock().unwrap(), [6]);
}

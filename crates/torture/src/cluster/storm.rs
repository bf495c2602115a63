//! The storm: a real store's days at many times their speed, in stores with two desks each, and every 20 seconds something
//! breaks by chance. In the end every order of the files is decided, row for row and cent for cent as central has it.

use std::{
    num::NonZeroU32,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use aisle_central::{SimulateOptions, Speed, Stop};
use aisle_domain::{Money, OrderStatus, Timestamp};
use aisle_mirror::{OrderFilter, orders};
use aisle_testkit::{
    dice::Dice,
    kafka::Cluster,
    proxy::{Break, Proxy},
};
use serde::Deserialize;

use super::{
    Counters, Ground, Size,
    network::behind_proxies,
    say,
    town::{Plan, Town, held},
    workers::Workers,
};
use crate::simulation::Failure;

const EVERY: Duration = Duration::from_secs(20);
const DESKS: usize = 2;
const LIMIT: Duration = Duration::from_mins(5);
/// The days go by in this share of the time in which things break.
const SHARE_PERCENT: u128 = 80;
const SMALL: (usize, u32) = (3, 256);
/// Longer than any order of the files is on its way: nobody misses one since the days go by too fast.
const FOR_EVER_MS: i64 = 400 * 24 * 60 * 60 * 1000;

/// What breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    BrokerKilled,
    BrokerPaused,
    DiskFull,
    WorkerKilled,
    DeskKilled,
    Line(Break),
    ClockMoved,
    AllLinesCut,
}

impl Fault {
    const fn word(self) -> &'static str {
        match self {
            Self::BrokerKilled => "brokers killed",
            Self::BrokerPaused => "brokers paused",
            Self::DiskFull => "disks full",
            Self::WorkerKilled => "workers killed",
            Self::DeskKilled => "desks ended at once",
            Self::Line(broken) => broken.word(),
            Self::ClockMoved => "clocks moved",
            Self::AllLinesCut => "all desks offline",
        }
    }

    fn any(dice: &mut Dice, has_small: bool) -> Self {
        match dice.below(9) {
            0 => Self::BrokerKilled,
            1 => Self::BrokerPaused,
            2 if has_small => Self::DiskFull,
            3 => Self::DeskKilled,
            4 => Self::ClockMoved,
            5 => Self::AllLinesCut,
            6 | 7 => Self::Line(*dice.pick(&Break::ALL).expect("ways to break a line")),
            _ => Self::WorkerKilled,
        }
    }
}

/// Lets so many faults happen, one every 20 seconds, to the days in `days`.
pub fn storm(ground: &Ground, faults: u64, size: Size, days: &Path) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("storm", ground.seed);
    let has_small = Cluster::can_have_small_disk(&ground.dir);
    if !has_small {
        counters.saw("full disks left out, since this user may not mount", 1);
    }
    let (cluster, proxies, told) = behind_proxies(ground, has_small.then_some(SMALL));
    let plan = Plan {
        prefix: "storm",
        size,
        partitions: 12,
        interval: Duration::from_secs(5),
        brokers: cluster.brokers_inside(),
        brokers_of_desks: told,
    };
    let town = Town::bare(ground, &plan, DESKS);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let dice = Dice::new(ground.seed);
    let mut run = Play { cluster, town: &town, workers, proxies, dice, counters: &mut counters, has_small };
    if let Err(failure) = run.all(faults, days) {
        run.workers.all.iter().for_each(|worker| say(&worker.last_words()));
        run.counters.failed(failure);
    }
    let through: u64 = run.proxies.iter().map(|proxy| proxy.passed().1).sum();
    run.counters.saw("KiB between desks and brokers", through / 1024);
    drop(run);
    counters.acts = town.acts();
    counters.took = begun.elapsed();
    counters
}

struct Play<'a> {
    cluster: Cluster,
    town: &'a Town,
    workers: Workers,
    proxies: Vec<Proxy>,
    dice: Dice,
    counters: &'a mut Counters,
    has_small: bool,
}

impl Play<'_> {
    fn all(&mut self, faults: u64, days: &Path) -> Result<(), Failure> {
        self.town.until_up(LIMIT)?;
        let files = Files::read(days);
        let length = EVERY * u32::try_from(faults).expect("a count of faults");
        let (town, at_rest, stop) = (self.town, AtomicBool::new(false), Stop::new());
        std::thread::scope(|scope| {
            // Whatever happens below, these end.
            let end = End { at_rest: &at_rest, stop: &stop };
            let simulations: Vec<_> = town
                .stores
                .iter()
                .map(|store| {
                    let options = SimulateOptions {
                        speed: files.speed(length),
                        until_done: true,
                        accept_within_ms: FOR_EVER_MS,
                        ..SimulateOptions::new(*store, days)
                    };
                    let stop = &stop;
                    scope.spawn(move || town.centre.simulate(&options, stop))
                })
                .collect();
            let at_rest = &at_rest;
            scope.spawn(move || {
                while !at_rest.load(Ordering::Relaxed) {
                    town.desks.iter().for_each(|desk| held(desk).decide_all());
                    std::thread::sleep(Duration::from_millis(50));
                }
            });
            for _ in 0..faults {
                let next = Instant::now() + EVERY;
                self.one()?;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            let over = Instant::now();
            while simulations.iter().any(|simulation| !simulation.is_finished()) {
                if over.elapsed() > length.max(LIMIT) {
                    return Err(Failure::Stuck("the days do not come to their end".into()));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
            self.counters.heals.add(town.rest(LIMIT)?);
            drop(end);
            Ok(())
        })?;
        self.workers.all_live()?;
        self.town.judge()?;
        self.town.feeds_hold()?;
        self.check_the_files(&files)
    }

    /// Something breaks for a while and is whole again.
    fn one(&mut self) -> Result<(), Failure> {
        let fault = Fault::any(&mut self.dice, self.has_small);
        self.counters.hurt(fault.word());
        let lasts = Duration::from_millis(2_000 + self.dice.below(9_000));
        let node = 1 + self.dice.index(3);
        match fault {
            Fault::BrokerKilled => {
                self.cluster.kill(node).unwrap();
                std::thread::sleep(lasts);
                self.cluster.up(node).unwrap();
            }
            Fault::BrokerPaused => {
                self.cluster.pause(node).unwrap();
                std::thread::sleep(lasts);
                self.cluster.resume(node).unwrap();
            }
            Fault::DiskFull => {
                let (node, _) = SMALL;
                self.cluster.fill_disk(node).unwrap();
                std::thread::sleep(lasts);
                self.cluster.free_disk(node).unwrap();
                // A machine whose disk was full has ended, or has shut its disk out until it is started again.
                drop(self.cluster.kill(node));
                self.cluster.up(node).unwrap();
            }
            Fault::WorkerKilled => {
                let place = self.dice.index(self.workers.all.len());
                self.workers.kill(place)?;
                std::thread::sleep(lasts);
                self.workers.start(None);
            }
            Fault::DeskKilled => {
                let place = self.dice.index(self.town.desks.len());
                held(&self.town.desks[place]).restart();
            }
            Fault::Line(broken) => {
                let place = self.dice.index(self.proxies.len());
                self.proxies[place].set(Some(broken));
                std::thread::sleep(lasts);
                self.proxies[place].set(None);
            }
            Fault::AllLinesCut => {
                self.proxies.iter().for_each(|proxy| proxy.set(Some(Break::Blackhole)));
                std::thread::sleep(lasts);
                self.proxies.iter().for_each(|proxy| proxy.set(None));
            }
            Fault::ClockMoved => {
                let place = self.dice.index(self.town.desks.len());
                let wrong_by = i64::try_from(self.dice.below(86_400_000)).unwrap() - 43_200_000;
                held(&self.town.desks[place]).set_clock(wrong_by);
                std::thread::sleep(lasts);
                held(&self.town.desks[place]).set_clock(0);
            }
        }
        Ok(())
    }

    /// Every order of the files is confirmed at every desk, and what was paid is what the files say.
    fn check_the_files(&mut self, files: &Files) -> Result<(), Failure> {
        for desk in &self.town.desks {
            let desk = held(desk);
            let all = OrderFilter { limit: usize::MAX, ..OrderFilter::default() };
            let shown = desk.mirror().read(|conn| orders::list(conn, &all)).unwrap();
            let open = shown.iter().filter(|order| order.status != OrderStatus::Confirmed).count();
            let receipts: Money = shown.iter().flat_map(|order| &order.receipts).map(|r| r.amount).sum();
            let payments: Money = shown.iter().flat_map(|order| &order.payments).map(|p| p.amount).sum();
            if (shown.len(), open) != (files.orders.len(), 0) || [receipts, payments] != [files.paid, files.paid] {
                return Err(Failure::Wrong(format!(
                    "{}: {} orders of {}, {open} open, receipts of {receipts} and payments of {payments}, not {}",
                    desk.name,
                    shown.len(),
                    files.orders.len(),
                    files.paid
                )));
            }
        }
        self.counters.saw("orders to the cent at every desk", files.orders.len() as u64);
        Ok(())
    }
}

/// Ends those that go on until everything is at rest.
struct End<'a> {
    at_rest: &'a AtomicBool,
    stop: &'a Stop,
}

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.at_rest.store(true, Ordering::Relaxed);
        self.stop.stop();
    }
}

/// What the files of the days say.
struct Files {
    orders: Vec<Timestamp>,
    paid: Money,
}

#[derive(Deserialize)]
struct OrderOfFile {
    creation_time: Timestamp,
}

#[derive(Deserialize)]
struct ReceiptOfFile {
    amount: Money,
}

impl Files {
    fn read(days: &Path) -> Self {
        fn lines<T: for<'a> Deserialize<'a>>(file: &Path) -> Vec<T> {
            let text = std::fs::read_to_string(file).expect("a file of the days");
            text.lines().map(|line| serde_json::from_str(line).expect("a line of the days")).collect()
        }
        let orders: Vec<OrderOfFile> = lines(&days.join("orders.jsonl"));
        let receipts: Vec<ReceiptOfFile> = lines(&days.join("receipts.jsonl"));
        Self {
            orders: orders.into_iter().map(|order| order.creation_time).collect(),
            paid: receipts.into_iter().map(|receipt| receipt.amount).sum(),
        }
    }

    /// How many times faster than life the days go by in a share of this time.
    fn speed(&self, length: Duration) -> Speed {
        let (first, last) = (self.orders.iter().min(), self.orders.iter().max());
        let life = first.zip(last).map_or(0, |(first, last)| last.since(*first));
        let share = length.as_millis() * SHARE_PERCENT / 100;
        let times = u128::from(life.unsigned_abs()) / share.max(1);
        let times = u32::try_from(times).ok().and_then(NonZeroU32::new);
        Speed::Times(times.unwrap_or(NonZeroU32::MIN))
    }
}

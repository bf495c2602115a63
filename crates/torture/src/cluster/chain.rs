//! A whole chain: many stores with two desks each under one centre. Nothing is hurt; what is told is how long central's word
//! takes and what all of it needs of memory, threads and connections. First desks run in this process and act; each second
//! one is a process of its own, as in a store.

use std::time::{Duration, Instant};

use aisle_domain::{Lane, Timestamp};
use aisle_mirror::{ChangeState, OutboxRow, outbox};
use aisle_testkit::{
    kafka::{Cluster, ClusterOptions},
    processes::{self, Connections, Has},
};

use super::{
    Counters, Ground, Size, Worst,
    load::under_load,
    say,
    second::{Ended, Second},
    town::{Plan, Town, held},
    workers::Workers,
};
use crate::simulation::Failure;

const PARTITIONS: i32 = 12;
const LIMIT: Duration = Duration::from_mins(10);
/// As a store's desk pushes unless it is set otherwise.
const INTERVAL: Duration = Duration::from_mins(5);
/// Between the openings of two desks.
const PAUSE: Duration = Duration::from_millis(300);
/// Between two looks at what everybody has.
const LOOK: Duration = Duration::from_secs(15);

/// Lets the chain work for so many minutes.
pub fn chain(ground: &Ground, minutes: u64, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("chain", ground.seed);
    let cluster = ground.cluster(&ClusterOptions { heap_mb: 512, ..ClusterOptions::default() });
    let plan = Plan {
        prefix: "chain",
        size,
        partitions: PARTITIONS,
        interval: INTERVAL,
        brokers: cluster.brokers(),
        brokers_of_desks: cluster.brokers(),
    };
    let mut town = Town::closed(ground, &plan);
    town.stock(ground);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let outcome = opened(ground, &mut town, &plan).and_then(|seconds| {
        let length = Duration::from_mins(minutes);
        play(&town, (&mut workers, seconds), &cluster, (length, size.rate), &mut counters)
    });
    if let Err(failure) = outcome {
        workers.all.iter().for_each(|worker| say(&worker.last_words()));
        counters.failed(failure);
    }
    counters.acts = town.acts();
    counters.took = begun.elapsed();
    counters
}

/// A chain opens its stores one after the other, not all in the same second.
fn opened(ground: &Ground, town: &mut Town, plan: &Plan<'_>) -> Result<Vec<Second>, Failure> {
    town.until_published(LIMIT)?;
    town.open(ground, plan, 1, PAUSE);
    town.until_up(LIMIT)?;
    let seconds = town.second_desks(ground, INTERVAL, PAUSE)?;
    until_shown(town, &seconds)?;
    Ok(seconds)
}

fn play(
    town: &Town,
    (workers, mut seconds): (&mut Workers, Vec<Second>),
    cluster: &Cluster,
    (length, rate): (Duration, u64),
    counters: &mut Counters,
) -> Result<(), Failure> {
    let (begun, before) = (Instant::now(), town.acts());
    let most = under_load(town, (rate, counters.seed), || {
        let mut most = Census::default();
        while begun.elapsed() < length {
            std::thread::sleep(LOOK.min(length));
            most = most.or_more(Census::now(cluster, workers, &seconds)?);
        }
        Ok::<_, Failure>(most)
    })?;
    counters.saw("acts a minute", (town.acts() - before) * 60 / begun.elapsed().as_secs().max(1));
    town.desks.iter().for_each(|desk| held(desk).send_now());
    counters.heals.add(town.rest(LIMIT)?);
    until_shown(town, &seconds)?;
    counters.saw("desks", (town.desks.len() + seconds.len()) as u64);
    most.told(counters);
    told(town, counters);
    workers.all_live()?;
    let ended: Vec<Ended> = seconds.drain(..).map(Second::end).collect::<Result<_, _>>()?;
    town.judge_with(&ended)?;
    town.feeds_hold()
}

/// Waits until the second desks have read all there is now.
fn until_shown(town: &Town, seconds: &[Second]) -> Result<(), Failure> {
    let (ends, names) = (town.ends_of_feeds(), town.centre.names());
    let end = Instant::now() + LIMIT;
    for second in seconds {
        for lane in Lane::ALL {
            let to = ends.get(&names.feed(second.store, lane)).copied().unwrap_or(0);
            while second.position(lane) < to {
                if Instant::now() >= end {
                    let at = second.position(lane);
                    return Err(Failure::Stuck(format!("the second desk of {} is at {at} of {to}", second.store)));
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        }
    }
    Ok(())
}

/// How long central's word took. Decisions are sent at once, what else is done waits for the next push.
fn told(town: &Town, counters: &mut Counters) {
    let decided = lags(town, |row| row.change.is_decision().then_some(row.at));
    let sent = lags(town, |row| row.sent_at);
    for (name, lags, share) in [
        ("ms from a decision to central's word, p50", &decided, 50),
        ("ms from a decision to central's word, p99", &decided, 99),
        ("ms from sending any change to central's word, p50", &sent, 50),
        ("ms from sending any change to central's word, p99", &sent, 99),
    ] {
        counters.saw(name, lags.of_hundred(share));
    }
}

/// From such an instant of each change to central's word on it at its desk.
fn lags(town: &Town, from: impl Fn(&OutboxRow) -> Option<Timestamp>) -> Worst {
    let mut lags = Worst::default();
    for desk in &town.desks {
        let all = [ChangeState::Received, ChangeState::Refused];
        let rows = held(desk).mirror().read(|conn| outbox::list(conn, &all, None, usize::MAX)).unwrap();
        for (from, to) in rows.iter().filter_map(|row| from(row).zip(row.acked_at)) {
            lags.add(Duration::from_millis(to.since(from).unsigned_abs()));
        }
    }
    lags
}

/// The most that a process of each kind has, and the connections of all of them.
#[derive(Debug, Clone, Copy, Default)]
struct Census {
    desk: Has,
    desks_connections: u64,
    worker: Has,
    workers_connections: u64,
    broker: Has,
}

fn more(one: Has, other: Has) -> Has {
    Has { memory: one.memory.max(other.memory), threads: one.threads.max(other.threads) }
}

impl Census {
    fn now(cluster: &Cluster, workers: &Workers, seconds: &[Second]) -> Result<Self, Failure> {
        let unknown = |e: std::io::Error| Failure::Wrong(format!("what a process has cannot be read: {e}"));
        let made = Connections::to(&cluster.ports()).map_err(unknown)?;
        let of_all = |pids: Vec<u32>| {
            pids.into_iter()
                .try_fold((Has::default(), 0), |(most, connections), pid| {
                    Ok((more(most, processes::has(pid)?), connections + made.of(pid)?))
                })
                .map_err(unknown)
        };
        let (desk, desks_connections) = of_all(seconds.iter().filter_map(|second| second.running.id()).collect())?;
        let (worker, workers_connections) =
            of_all(workers.all.iter().filter_map(|worker| worker.running.id()).collect())?;
        let (broker, _) = of_all(cluster.pids())?;
        Ok(Self { desk, desks_connections, worker, workers_connections, broker })
    }

    fn or_more(self, other: Self) -> Self {
        Self {
            desk: more(self.desk, other.desk),
            desks_connections: self.desks_connections.max(other.desks_connections),
            worker: more(self.worker, other.worker),
            workers_connections: self.workers_connections.max(other.workers_connections),
            broker: more(self.broker, other.broker),
        }
    }

    fn told(self, counters: &mut Counters) {
        for (name, value) in [
            ("MiB of the largest second desk", self.desk.memory >> 20),
            ("threads of a second desk", self.desk.threads),
            ("connections of all second desks", self.desks_connections),
            ("MiB of the largest worker", self.worker.memory >> 20),
            ("threads of a worker", self.worker.threads),
            ("connections of all workers", self.workers_connections),
            ("MiB of the largest broker", self.broker.memory >> 20),
        ] {
            counters.saw(name, value);
        }
    }
}

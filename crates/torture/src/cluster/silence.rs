//! Silence is never health: whatever falls silent, each desk says within 40 seconds what it is.

use std::time::{Duration, Instant};

use aisle_domain::Lane;
use aisle_sync::Cause;
use aisle_testkit::kafka::{Cluster, ClusterOptions};

use super::{
    Counters, Ground, Size, say,
    town::{Plan, Town, held},
    workers::Workers,
};
use crate::simulation::Failure;

const TOLD: Duration = Duration::from_secs(40);
const MENDED: Duration = Duration::from_mins(2);
const PARTITIONS: i32 = 12;

/// Between pushes, as a desk has it where nobody chose another: a silence is told long before the next one.
const INTERVAL: Duration = Duration::from_mins(5);

/// Every silence once.
pub fn silence(ground: &Ground) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("silence", ground.seed);
    let cluster = ground.cluster(&ClusterOptions::default());
    let size = Size { stores: 3, rate: 0, workers: 1 };
    let plan = Plan {
        prefix: "silence",
        size,
        partitions: PARTITIONS,
        interval: INTERVAL,
        brokers: cluster.brokers(),
        brokers_of_desks: cluster.brokers(),
    };
    let town = Town::new(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let mut run = Play { cluster, town: &town, workers, counters: &mut counters };
    if let Err(failure) = run.all() {
        run.counters.failed(failure);
    }
    drop(run);
    counters.took = begun.elapsed();
    counters
}

struct Play<'a> {
    cluster: Cluster,
    town: &'a Town,
    workers: Workers,
    counters: &'a mut Counters,
}

impl Play<'_> {
    fn all(&mut self) -> Result<(), Failure> {
        self.town.until_up(MENDED)?;
        self.topic_missing()?;
        self.replicas_missing()?;
        self.nobody_answers()?;
        self.two_of_three()?;
        self.central_quiet()?;
        self.workers.all_live()
    }

    /// Waits for the cause, then for its end.
    fn told(&mut self, what: &'static str, limit: Duration, is: impl Fn(&Cause) -> bool) -> Result<(), Failure> {
        self.counters.hurt(what);
        let took = self.town.until_told(is, limit).map_err(|failure| match failure {
            Failure::Wrong(words) => Failure::Wrong(format!("{what}: {words}")),
            other => other,
        })?;
        self.counters.told.add(took);
        say(&format!("{what}: told after {:.1} s", took.as_secs_f64()));
        Ok(())
    }

    fn topic_missing(&mut self) -> Result<(), Failure> {
        let stores: Vec<_> = self.town.desks.iter().map(|desk| held(desk).store).collect();
        for store in stores {
            self.cluster.delete_topic(&self.town.centre.names().feed(store, Lane::Catalog)).unwrap();
        }
        self.told("feeds gone", TOLD, |cause| matches!(cause, Cause::TopicMissing(_)))?;
        self.town.make_topics(PARTITIONS);
        self.town.until_up(MENDED)?;
        // The desks mirror the feeds that were made anew, and central fills them.
        let heal = self.town.rest(MENDED)?;
        self.counters.heals.add(heal);
        self.town.judge()
    }

    fn replicas_missing(&mut self) -> Result<(), Failure> {
        self.cluster.kill(2).unwrap();
        self.told("machines gone", TOLD, |cause| matches!(cause, Cause::TooFewReplicas { .. }))?;
        self.cluster.up(2).unwrap();
        self.town.until_up(MENDED).map(|_| ())
    }

    /// All machines take connections and say nothing.
    fn nobody_answers(&mut self) -> Result<(), Failure> {
        (1..=3).for_each(|node| self.cluster.pause(node).unwrap());
        let told = self.told("clusters that stand still", TOLD, |cause| *cause == Cause::NoAnswer);
        (1..=3).for_each(|node| self.cluster.resume(node).unwrap());
        told?;
        self.town.until_up(MENDED).map(|_| ())
    }

    /// The one that is left may go on to say that all is well: any cause will do, as long as it is not taken for health.
    fn two_of_three(&mut self) -> Result<(), Failure> {
        let left = self.cluster.controller().unwrap_or(1);
        let others: Vec<usize> = (1..=3).filter(|node| *node != left).collect();
        for node in &others {
            self.cluster.kill(*node).unwrap();
        }
        self.told("times two of three gone", TOLD, |_| true)?;
        // And it stays told.
        std::thread::sleep(Duration::from_secs(15));
        self.told("times it stays told", Duration::from_millis(100), |_| true)?;
        for node in &others {
            self.cluster.up(*node).unwrap();
        }
        self.town.until_up(MENDED).map(|_| ())
    }

    fn central_quiet(&mut self) -> Result<(), Failure> {
        while !self.workers.all.is_empty() {
            self.workers.kill(0)?;
        }
        self.told("centres quiet", TOLD, |cause| matches!(cause, Cause::CentralSilent { .. }))?;
        self.workers.start_all(1);
        self.town.until_up(MENDED).map(|_| ())
    }
}

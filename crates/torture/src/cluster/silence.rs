//! Silence is never health: whatever falls silent, each desk says within 40 seconds what it is.

use std::time::{Duration, Instant};

use aisle_domain::Lane;
use aisle_sync::Cause;
use aisle_testkit::kafka::{Cluster, ClusterOptions};

use super::{
    Counters, Ground, Size, say,
    second::Second,
    town::{Plan, Town, held},
    workers::Workers,
};
use crate::simulation::Failure;

const TOLD: Duration = Duration::from_secs(40);
const MENDED: Duration = Duration::from_mins(2);
const PARTITIONS: i32 = 12;

/// Between pushes, as a desk has it where nobody chose another: a silence is told long before the next one.
const INTERVAL: Duration = Duration::from_mins(5);
/// Between pushes of the second desks, whose silence `aisle status` tells by what they hear.
const SECOND_INTERVAL: Duration = Duration::from_secs(10);

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
    let played = town
        .second_desks(ground, SECOND_INTERVAL, Duration::ZERO)
        .and_then(|seconds| Play { cluster, town: &town, seconds, workers, counters: &mut counters }.all());
    if let Err(failure) = played {
        counters.failed(failure);
    }
    counters.took = begun.elapsed();
    counters
}

struct Play<'a> {
    cluster: Cluster,
    town: &'a Town,
    /// Whose lines `aisle status` tells, beside them.
    seconds: Vec<Second>,
    workers: Workers,
    counters: &'a mut Counters,
}

impl Play<'_> {
    fn all(&mut self) -> Result<(), Failure> {
        self.until_up()?;
        self.topic_missing()?;
        self.replicas_missing()?;
        self.nobody_answers()?;
        self.two_of_three()?;
        self.central_quiet()?;
        self.workers.all_live()
    }

    /// Waits until every desk hears from central, and says so beside itself.
    fn until_up(&self) -> Result<(), Failure> {
        self.town.until_up(MENDED)?;
        self.until_beside(MENDED, |state, _| state == "up")
    }

    /// Waits until `aisle status` has said such a thing of every second desk.
    fn until_beside(&self, limit: Duration, is: impl Fn(&str, &str) -> bool) -> Result<(), Failure> {
        let end = Instant::now() + limit;
        for second in &self.seconds {
            loop {
                let (state, cause) = second.line();
                if is(&state, &cause) {
                    break;
                }
                if Instant::now() >= end {
                    let words = format!("aisle status says {state} of store {}: {cause}", second.store);
                    return Err(Failure::Wrong(words));
                }
                std::thread::sleep(Duration::from_millis(500));
            }
        }
        Ok(())
    }

    /// Waits until every desk tells the cause, and `aisle status` beside others the same in these words.
    fn told(
        &mut self,
        what: &'static str,
        limit: Duration,
        (words, is): (&str, impl Fn(&Cause) -> bool),
    ) -> Result<(), Failure> {
        self.counters.hurt(what);
        let begun = Instant::now();
        let told = self.town.until_told(is, limit).and_then(|_| {
            let left = limit.saturating_sub(begun.elapsed());
            self.until_beside(left, |state, cause| state != "up" && cause.contains(words))
        });
        told.map_err(|failure| match failure {
            Failure::Wrong(words) => Failure::Wrong(format!("{what}: {words}")),
            other => other,
        })?;
        let took = begun.elapsed();
        self.counters.told.add(took);
        say(&format!("{what}: told after {:.1} s", took.as_secs_f64()));
        Ok(())
    }

    fn topic_missing(&mut self) -> Result<(), Failure> {
        let stores: Vec<_> = self.town.desks.iter().map(|desk| held(desk).store).collect();
        for store in stores {
            self.cluster.delete_topic(&self.town.centre.names().feed(store, Lane::Catalog)).unwrap();
        }
        let missing = |cause: &Cause| matches!(cause, Cause::TopicMissing(_));
        self.told("feeds gone", TOLD, ("is missing or may not be seen", missing))?;
        self.town.make_topics(PARTITIONS);
        self.until_up()?;
        // The desks mirror the feeds that were made anew, and central fills them.
        let heal = self.town.rest(MENDED)?;
        self.counters.heals.add(heal);
        self.town.judge()
    }

    fn replicas_missing(&mut self) -> Result<(), Failure> {
        self.cluster.kill(2).unwrap();
        let too_few = |cause: &Cause| matches!(cause, Cause::TooFewReplicas { .. });
        self.told("machines gone", TOLD, ("of 3 machines have a copy", too_few))?;
        self.cluster.up(2).unwrap();
        self.until_up()
    }

    /// All machines take connections and say nothing.
    fn nobody_answers(&mut self) -> Result<(), Failure> {
        (1..=3).for_each(|node| self.cluster.pause(node).unwrap());
        let no_answer = |cause: &Cause| *cause == Cause::NoAnswer;
        let told =
            self.told("clusters that stand still", TOLD, ("take the connection and do not answer", no_answer));
        (1..=3).for_each(|node| self.cluster.resume(node).unwrap());
        told?;
        self.until_up()
    }

    /// The one that is left may go on to say that all is well: any cause will do, as long as it is not taken for health.
    fn two_of_three(&mut self) -> Result<(), Failure> {
        let left = self.cluster.controller().unwrap_or(1);
        let others: Vec<usize> = (1..=3).filter(|node| *node != left).collect();
        for node in &others {
            self.cluster.kill(*node).unwrap();
        }
        self.told("times two of three gone", TOLD, ("", |_: &Cause| true))?;
        // And it stays told.
        std::thread::sleep(Duration::from_secs(15));
        self.told("times it stays told", Duration::from_millis(500), ("", |_: &Cause| true))?;
        for node in &others {
            self.cluster.up(*node).unwrap();
        }
        self.until_up()
    }

    fn central_quiet(&mut self) -> Result<(), Failure> {
        while !self.workers.all.is_empty() {
            self.workers.kill(0)?;
        }
        let silent = |cause: &Cause| matches!(cause, Cause::CentralSilent { .. });
        self.told("centres quiet", TOLD, ("central has been silent since", silent))?;
        self.workers.start_all(1);
        self.until_up()
    }
}

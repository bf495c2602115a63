//! T5: machines of the cluster fail under load. A change counts only when it is on all machines, so while one is away
//! nothing is accepted, every desk says why, and once it is back all goes through.

use std::time::{Duration, Instant};

use aisle_contract::partition_of;
use aisle_sync::Cause;
use aisle_testkit::{
    dice::Dice,
    kafka::{Cluster, ClusterOptions},
};

use super::{
    Counters, Ground, Size,
    load::under_load,
    say,
    town::{Plan, Town, held},
};
use crate::simulation::Failure;

const PARTITIONS: i32 = 12;
/// Silence is told within this.
const TOLD: Duration = Duration::from_secs(40);
const ANSWERED: Duration = Duration::from_mins(2);
/// Of a hundred times that everything goes on after a fault, all but one take less.
const STALL: Duration = Duration::from_secs(15);
/// How long nothing may be accepted is watched for.
const SHORT: Duration = Duration::from_secs(1);
const WATCHED: &str = "times watched that nothing was accepted";
/// So often everything comes to rest and is judged.
const JUDGED_EVERY: u64 = 6;
const SMALL: (usize, u32) = (3, 192);

/// How a machine fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailOver {
    /// The machine that leads some store's partition is killed.
    Leader,
    /// It stands still for 5 to 20 seconds, with all its connections.
    Pause,
    /// The controller is killed.
    Controller,
    /// Its disk is full.
    DiskFull,
    /// It is killed and comes back with an empty disk.
    Wiped,
    /// One machine after the other is restarted in order.
    Rolling,
}

impl FailOver {
    /// Every way, the order in which a whole run takes them.
    pub const ALL: [Self; 6] =
        [Self::Leader, Self::Pause, Self::Wiped, Self::Controller, Self::DiskFull, Self::Rolling];

    const fn word(self) -> &'static str {
        match self {
            Self::Leader => "leader kills",
            Self::Pause => "pauses",
            Self::Controller => "controller kills",
            Self::DiskFull => "full disks",
            Self::Wiped => "wiped disks",
            Self::Rolling => "rolling restarts",
        }
    }
}

/// Judges whether everything went on soon, over all that was played: of some fail-overs alone a hundredth is next to nothing.
#[must_use]
pub fn went_on_soon(mut counters: Counters) -> Counters {
    let p99 = counters.stalls.of_hundred(99);
    if counters.failure.is_none() && u128::from(p99) > STALL.as_millis() {
        counters.failed(Failure::Wrong(format!("the p99 of the stalls is {p99} ms, more than {STALL:?}")));
    }
    counters
}

/// Plays so many fail-overs, of each kind in turn.
pub fn t5(ground: &Ground, runs: u64, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("T5", ground.seed);
    let has_small = Cluster::can_have_small_disk(&ground.dir);
    if !has_small {
        counters.saw("full disks skipped, since this user may not mount", 1);
    }
    let options = ClusterOptions { small_disk: has_small.then_some(SMALL), ..ClusterOptions::default() };
    let cluster = ground.cluster(&options);
    let plan = Plan {
        prefix: "t5",
        size,
        partitions: PARTITIONS,
        interval: Duration::from_secs(3),
        brokers: cluster.brokers(),
        brokers_of_desks: cluster.brokers(),
    };
    let town = Town::new(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let kinds: Vec<FailOver> =
        FailOver::ALL.into_iter().filter(|kind| has_small || *kind != FailOver::DiskFull).collect();
    let mut run = Play { cluster, town: &town, dice: Dice::new(ground.seed), counters };
    let outcome = run.all(runs, &kinds, size.rate, ground.seed).and_then(|()| workers.all_live());
    let outcome = outcome.and_then(|()| run.watched(runs, &kinds));
    if let Err(failure) = outcome {
        workers.all.iter().for_each(|worker| say(&worker.last_words()));
        run.counters.failed(failure);
    }
    run.counters.acts = town.acts();
    run.counters.took = begun.elapsed();
    run.counters
}

struct Play<'a> {
    cluster: Cluster,
    town: &'a Town,
    dice: Dice,
    counters: Counters,
}

impl Play<'_> {
    fn all(&mut self, runs: u64, kinds: &[FailOver], rate: u64, seed: u64) -> Result<(), Failure> {
        self.town.until_up(TOLD)?;
        let mut next = kinds.iter().cycle();
        let mut left = runs;
        while left > 0 {
            let now = left.min(JUDGED_EVERY);
            under_load(self.town, (rate, seed ^ left), || {
                std::thread::sleep(Duration::from_secs(2));
                for kind in next.by_ref().take(usize::try_from(now).unwrap()) {
                    self.one(*kind)?;
                }
                Ok::<(), Failure>(())
            })?;
            self.counters.heals.add(self.town.rest(ANSWERED)?);
            self.town.judge()?;
            self.town.feeds_hold()?;
            left -= now;
        }
        Ok(())
    }

    /// Of the kinds that were played, those with a machine away were watched at least once while it was.
    fn watched(&self, runs: u64, kinds: &[FailOver]) -> Result<(), Failure> {
        let played = kinds.iter().take(usize::try_from(runs).unwrap());
        let away = played.filter(|kind| **kind != FailOver::Rolling).count();
        if away == 0 || self.counters.seen.contains_key(WATCHED) {
            return Ok(());
        }
        Err(Failure::Wrong("it could never be watched whether anything was accepted".into()))
    }

    fn one(&mut self, kind: FailOver) -> Result<(), Failure> {
        self.counters.hurt(kind.word());
        match kind {
            FailOver::Leader => {
                let node = self.leader();
                self.away(|cluster| cluster.kill(node).unwrap(), |cluster| cluster.up(node).unwrap())?;
            }
            FailOver::Controller => {
                let node = self.cluster.controller().expect("a controller");
                self.away(|cluster| cluster.kill(node).unwrap(), |cluster| cluster.up(node).unwrap())?;
            }
            FailOver::Pause => {
                let (node, seconds) = (self.leader(), 5 + self.dice.below(16));
                let end = Instant::now() + Duration::from_secs(seconds);
                self.away(
                    |cluster| cluster.pause(node).unwrap(),
                    |cluster| {
                        std::thread::sleep(end.saturating_duration_since(Instant::now()));
                        cluster.resume(node).unwrap();
                    },
                )?;
            }
            FailOver::Wiped => {
                let node = self.leader();
                let comes_back = |cluster: &mut Cluster| {
                    cluster.wipe(node).unwrap();
                    cluster.up(node).unwrap();
                };
                self.away(|cluster| cluster.kill(node).unwrap(), comes_back)?;
            }
            FailOver::DiskFull => {
                let (node, _) = SMALL;
                self.away(|cluster| cluster.fill_disk(node).unwrap(), |cluster| free(cluster, node))?;
            }
            FailOver::Rolling => {
                for node in 1..=3 {
                    self.cluster.term(node).unwrap();
                    self.cluster.up(node).unwrap();
                }
            }
        }
        for stall in self.town.until_answered(ANSWERED)? {
            self.counters.stalls.add(stall);
        }
        Ok(())
    }

    /// The leader of the partition of some store.
    fn leader(&mut self) -> usize {
        let place = self.dice.index(self.town.desks.len());
        let store = held(&self.town.desks[place]).store;
        let topic = self.town.centre.names().changes();
        self.cluster.leader(&topic, partition_of(store, PARTITIONS)).unwrap()
    }

    /// One machine is away for a while: everybody is told why nothing is accepted, and nothing is.
    fn away(
        &mut self,
        goes: impl FnOnce(&mut Cluster),
        comes_back: impl FnOnce(&mut Cluster),
    ) -> Result<(), Failure> {
        goes(&mut self.cluster);
        let told = self.town.until_told(|cause| matches!(cause, Cause::TooFewReplicas { .. }), TOLD)?;
        self.counters.told.add(told);
        let topic = self.town.centre.names().changes();
        if let Some(before) = ends(self.town, &topic) {
            std::thread::sleep(SHORT);
            if let Some(after) = ends(self.town, &topic) {
                self.counters.saw(WATCHED, 1);
                if before != after {
                    let words = format!("accepted with a machine away: {before:?}, then {after:?}");
                    return Err(Failure::Wrong(words));
                }
            }
        }
        comes_back(&mut self.cluster);
        Ok(())
    }
}

/// Where the partitions end, once those that lead them are found.
fn ends(town: &Town, topic: &str) -> Option<Vec<i64>> {
    (0..5).find_map(|_| town.log.ends_now(topic).ok())
}

/// Room again. A machine whose disk was full has ended by itself, or has shut its disk out until it is restarted.
fn free(cluster: &mut Cluster, node: usize) {
    cluster.free_disk(node).unwrap();
    // It may be gone already.
    drop(cluster.kill(node));
    cluster.up(node).unwrap();
}

//! T7: all data of the cluster is gone in mid-run, and another cluster answers at the same addresses. Central fills every
//! feed again, desks mirror anew and send again what central did not acknowledge.

use std::time::{Duration, Instant};

use aisle_testkit::{dice::Dice, kafka::ClusterOptions};

use super::{
    Counters, Ground, Size,
    load::under_load,
    say,
    town::{Plan, Town},
};
use crate::simulation::Failure;

const PARTITIONS: i32 = 12;
const LIMIT: Duration = Duration::from_mins(3);

/// Loses the cluster so many times.
pub fn t7(ground: &Ground, runs: u64, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("T7", ground.seed);
    let mut cluster = ground.cluster(&ClusterOptions::default());
    let brokers = cluster.brokers();
    let plan = Plan {
        prefix: "t7",
        size,
        partitions: PARTITIONS,
        interval: Duration::from_secs(3),
        brokers: brokers.clone(),
        brokers_of_desks: brokers,
    };
    let town = Town::new(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let mut dice = Dice::new(ground.seed);
    let mut once = |counters: &mut Counters, run: u64| -> Result<(), Failure> {
        town.until_up(LIMIT)?;
        under_load(&town, (size.rate, ground.seed ^ run), || {
            std::thread::sleep(Duration::from_millis(2_000 + dice.below(3_000)));
            counters.hurt("clusters lost");
            cluster.rebuild().unwrap();
            std::thread::sleep(Duration::from_millis(dice.below(2_000)));
            town.make_topics(PARTITIONS);
            let back = Instant::now();
            for stall in town.until_answered(LIMIT)? {
                counters.stalls.add(stall);
            }
            std::thread::sleep(Duration::from_secs(1).saturating_sub(back.elapsed()));
            Ok(())
        })?;
        counters.heals.add(town.rest(LIMIT)?);
        town.judge()
    };
    for run in 0..runs {
        if let Err(failure) = once(&mut counters, run).and_then(|()| workers.all_live()) {
            counters.failed(failure);
            workers.all.iter().for_each(|worker| say(&worker.last_words()));
            break;
        }
    }
    counters.acts = town.acts();
    counters.took = begun.elapsed();
    counters
}

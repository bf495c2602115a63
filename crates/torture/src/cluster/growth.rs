//! The topic of changes grows from 12 to 24 partitions while ten stores work: every store's home moves, and each act has one
//! outcome.

use std::time::{Duration, Instant};

use aisle_contract::partition_of;
use aisle_testkit::kafka::ClusterOptions;

use super::{
    Counters, Ground, Size,
    load::under_load,
    town::{Plan, Town, held},
};
use crate::simulation::Failure;

const LIMIT: Duration = Duration::from_mins(2);

/// Grows the topic once under load.
pub fn growth(ground: &Ground, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("growth", ground.seed);
    let cluster = ground.cluster(&ClusterOptions::default());
    let plan = Plan {
        prefix: "growth",
        size,
        partitions: 12,
        interval: Duration::from_secs(2),
        brokers: cluster.brokers(),
        brokers_of_desks: cluster.brokers(),
    };
    let town = Town::new(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let outcome = play(&town, &mut counters, size.rate, ground.seed).and_then(|()| workers.all_live());
    if let Err(failure) = outcome {
        counters.failed(failure);
    }
    counters.acts = town.acts();
    counters.took = begun.elapsed();
    counters
}

fn play(town: &Town, counters: &mut Counters, rate: u64, seed: u64) -> Result<(), Failure> {
    town.until_up(LIMIT)?;
    under_load(town, (rate, seed), || {
        std::thread::sleep(Duration::from_secs(4));
        counters.hurt("growths from 12 to 24 partitions");
        town.make_topics(24);
        for stall in town.until_answered(LIMIT)? {
            counters.stalls.add(stall);
        }
        std::thread::sleep(Duration::from_secs(6));
        Ok(())
    })?;
    counters.heals.add(town.rest(LIMIT)?);
    let topic = town.centre.names().changes();
    let moved = town.desks.iter().map(|desk| partition_of(held(desk).store, 24)).filter(|home| *home >= 12);
    let used = moved.filter(|home| town.log.end(&topic, *home) > 0).count();
    if used == 0 {
        return Err(Failure::Wrong("no store has moved to a new partition".into()));
    }
    counters.saw("stores in new partitions", used as u64);
    town.judge()?;
    town.feeds_hold()
}

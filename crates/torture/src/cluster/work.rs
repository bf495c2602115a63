//! T11: worker processes die at random and at their worst moments, come and go, and stand still until others have their
//! partitions. Several centres share the cluster, so that one is hurt while another's group finds itself again.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use aisle_testkit::{dice::Dice, kafka::ClusterOptions};

use super::{
    Counters, Ground, Size,
    load::under_load,
    say,
    town::{Plan, Town},
    workers::{Worker, Workers},
};
use crate::simulation::{Failure, oracle};

const LIMIT: Duration = Duration::from_mins(3);
/// Longer than a session of the group and longer than a lease.
const FROZEN: Duration = Duration::from_millis(8_500);
/// A zombie that goes on finds out by the first thing it tries.
const FOUND_WITHIN: Duration = Duration::from_secs(15);
const AT_A_POINT: &str = "kills at a point";
/// Of so many, some die at a point.
const ENOUGH: u64 = 100;
const REPLACED: &str = "zombies found themselves replaced";
const UNTOUCHED: &str = "zombies had what they had when they went on";
const TOWNS: u64 = 6;
const POINTS: [&str; 3] = ["after_commit", "after_publish", "before_offset_commit"];

/// How often workers are hurt.
#[derive(Debug, Clone, Copy)]
pub struct Hurts {
    /// Killed, half of them at the points between the commits.
    pub kills: u64,
    /// Times that workers come and go.
    pub rebalances: u64,
    /// Frozen until they are replaced, then let go on.
    pub zombies: u64,
}

impl Hurts {
    /// What falls to one of several.
    const fn share(self, place: u64) -> Self {
        const fn part(of: u64, place: u64) -> u64 {
            (of + TOWNS - 1 - place) / TOWNS
        }
        Self {
            kills: part(self.kills, place),
            rebalances: part(self.rebalances, place),
            zombies: part(self.zombies, place),
        }
    }
}

/// Hurts workers so often.
pub fn t11(ground: &Ground, hurts: Hurts, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("T11", ground.seed);
    if !cfg!(debug_assertions) {
        counters.failed(Failure::Wrong("a build for release has no points at which a worker dies".into()));
        return counters;
    }
    let cluster = ground.cluster(&ClusterOptions::default());
    let brokers = cluster.brokers();
    std::thread::scope(|scope| {
        let towns: Vec<_> = (0..TOWNS)
            .map(|place| {
                let brokers = &brokers;
                scope.spawn(move || town(ground, place, hurts.share(place), size, brokers))
            })
            .collect();
        for one in towns {
            counters.join(one.join().expect("a town's thread"));
        }
    });
    counters.took = begun.elapsed();
    if hurts.kills >= ENOUGH && !counters.hurts.contains_key(AT_A_POINT) {
        counters.failed(Failure::Wrong(format!("of {} killed none died at a point", hurts.kills)));
    }
    if hurts.zombies > 0 && counters.seen.get(REPLACED).is_none_or(|times| *times == 0) {
        counters.failed(Failure::Wrong("no zombie lived to find itself replaced".into()));
    }
    counters
}

fn town(ground: &Ground, place: u64, hurts: Hurts, size: Size, brokers: &str) -> Counters {
    let seed = ground.seed.wrapping_mul(TOWNS) + place;
    let mut counters = Counters::new("T11", ground.seed);
    let plan = Plan {
        prefix: &format!("t11-{place}"),
        size,
        partitions: 4,
        interval: Duration::from_secs(2),
        brokers: brokers.into(),
        brokers_of_desks: brokers.into(),
    };
    let town = Town::new(ground, &plan);
    let workers = town.workers(ground);
    let mut run =
        Play { town: &town, workers, dice: Dice::new(seed), counters: &mut counters, kept: size.workers };
    // Nobody dies before there is work.
    run.workers.start_all(size.workers);
    let outcome = town.until_up(LIMIT).and_then(|_| {
        under_load(&town, (size.rate, seed), || run.all(hurts))?;
        // From here on nobody dies by itself.
        run.replace_all()?;
        let heal = town.rest(LIMIT)?;
        run.counters.heals.add(heal);
        run.workers.all_live()?;
        town.judge()
    });
    if let Err(failure) = outcome {
        run.workers.all.iter().for_each(|worker| say(&worker.last_words()));
        run.counters.failed(failure);
    }
    drop(run);
    counters.acts = town.acts();
    counters
}

struct Play<'a> {
    town: &'a Town,
    workers: Workers,
    dice: Dice,
    counters: &'a mut Counters,
    /// Processes there are while nothing is hurt.
    kept: usize,
}

impl Play<'_> {
    fn all(&mut self, hurts: Hurts) -> Result<(), Failure> {
        let mut left = hurts;
        while left.kills + left.rebalances + left.zombies > 0 {
            let of = self.dice.below(left.kills + left.rebalances + left.zombies);
            if of < left.kills {
                left.kills -= 1;
                self.kill()?;
            } else if of < left.kills + left.rebalances {
                left.rebalances -= 1;
                self.storm()?;
            } else {
                left.zombies -= 1;
                self.zombie()?;
            }
        }
        Ok(())
    }

    /// As many as there are to be; most of them die by themselves at a bad moment.
    fn staff(&mut self) -> Result<(), Failure> {
        while let Some(dead) = self.workers.take_dead()? {
            self.died(&dead, AT_A_POINT);
        }
        while self.workers.all.len() < self.kept {
            let point = self.dice.chance(70, 100).then(|| {
                let point = self.dice.pick(&POINTS).unwrap();
                format!("{point}:{}", 1 + self.dice.below(6))
            });
            self.workers.start(point.as_deref());
        }
        Ok(())
    }

    fn died(&mut self, worker: &Worker, how: &'static str) {
        self.counters.hurt(how);
        let busy = worker.told("applied");
        self.counters.saw("of the killed had applied changes", u64::from(busy));
    }

    /// Somebody dies: by itself within a while, or at the end of it.
    fn kill(&mut self) -> Result<(), Failure> {
        self.staff()?;
        // Some before they own anything, most at work.
        let end = Instant::now() + Duration::from_millis(500 + self.dice.below(8_000));
        while Instant::now() < end {
            if let Some(dead) = self.workers.take_dead()? {
                self.died(&dead, AT_A_POINT);
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let place = self.dice.index(self.workers.all.len());
        let dead = self.workers.kill(place)?;
        self.died(&dead, "kills");
        Ok(())
    }

    /// Two more come, and two go in order; the group shares its partitions out again each time.
    fn storm(&mut self) -> Result<(), Failure> {
        self.staff()?;
        self.counters.hurt("rebalances");
        for _ in 0..2 {
            self.workers.start(None);
            std::thread::sleep(Duration::from_millis(self.dice.below(1_500)));
        }
        for _ in 0..2 {
            let place = self.dice.index(self.workers.all.len());
            self.workers.dismiss(place)?;
            std::thread::sleep(Duration::from_millis(self.dice.below(500)));
        }
        Ok(())
    }

    /// One stands still until another has what it had, and then goes on as if nothing had happened. It is one that does
    /// not die of itself: it is to live to see that it was replaced.
    fn zombie(&mut self) -> Result<(), Failure> {
        self.workers.start(None);
        let place = self.at_work()?;
        self.counters.hurt("zombies");
        let mut frozen = self.workers.all.remove(place);
        frozen.running.pause().unwrap();
        let (left, terms) = (frozen.times_told("left"), frozen.terms());
        self.workers.start(None);
        std::thread::sleep(FROZEN);
        let replaced = self.is_replaced(&terms);
        frozen.running.resume().unwrap();
        if !replaced {
            // The others were too slow: there is nothing for it to find out.
            self.counters.saw(UNTOUCHED, 1);
        }
        let found = frozen.tells_more("left", left, FOUND_WITHIN);
        self.counters.saw(REPLACED, u64::from(found));
        if !frozen.running.is_alive() {
            self.counters.saw("zombies died at once", 1);
        } else if replaced && !found {
            let words = format!("a zombie never found itself replaced: {}", frozen.last_words());
            return Err(Failure::Wrong(words));
        }
        self.workers.all.push(frozen);
        self.workers.dismiss(0)?;
        self.workers.dismiss(0)
    }

    /// Whether somebody has taken one of these partitions for a later term.
    fn is_replaced(&self, terms: &BTreeMap<i64, i64>) -> bool {
        let conn = oracle::central_db(&self.town.centre);
        let mut leases = conn.prepare("SELECT partition, term FROM leases").unwrap();
        let mut leases = leases.query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)?))).unwrap();
        leases.any(|lease| {
            let (partition, term) = lease.unwrap();
            terms.get(&partition).is_some_and(|had| *had < term)
        })
    }

    /// Waits until one that does not die of itself has applied changes and has partitions still.
    fn at_work(&mut self) -> Result<usize, Failure> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            // Whoever dies while it is waited for is replaced.
            self.staff()?;
            let busy = |worker: &Worker| !worker.is_to_die && worker.told("applied") && worker.has_a_partition();
            if let Some(place) = self.workers.all.iter().position(busy) {
                return Ok(place);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Err(Failure::Stuck(format!("no worker applies anything for {LIMIT:?}")))
    }

    fn replace_all(&mut self) -> Result<(), Failure> {
        while !self.workers.all.is_empty() {
            self.workers.kill(0)?;
        }
        self.workers.start_all(self.kept);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hurt_falls_to_somebody() {
        let all = Hurts { kills: 31, rebalances: 3, zombies: 1 };
        let shares = (0..TOWNS).map(|place| all.share(place));
        let (kills, rest) =
            shares.fold((0, 0), |sum, one| (sum.0 + one.kills, sum.1 + one.rebalances + one.zombies));
        assert_eq!((kills, rest), (31, 4));
    }
}

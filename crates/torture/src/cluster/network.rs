//! T6: lines between desks and the cluster's machines break in every way in which lines break.

use std::time::{Duration, Instant};

use aisle_testkit::{
    dice::Dice,
    kafka::{Cluster, ClusterOptions},
    proxy::{Break, Proxy, Waiting},
};

use super::{
    Counters, Ground, Size,
    load::under_load,
    town::{Plan, Town},
};
use crate::simulation::Failure;

const LIMIT: Duration = Duration::from_mins(2);
/// So often everything comes to rest and is judged.
const JUDGED_EVERY: u64 = 100;
/// Of all cuts: those of all lines at once, the way out of the store. The others are of one line, whatever the other
/// lines have at that moment.
const TOGETHER_PERCENT: u64 = 10;

/// A cluster that desks reach through a proxy before each machine: with the proxies, and the addresses that desks are told.
pub(super) fn behind_proxies(ground: &Ground, small_disk: Option<(usize, u32)>) -> (Cluster, Vec<Proxy>, String) {
    let waiting: Vec<Waiting> = (0..3).map(|_| Waiting::new().unwrap()).collect();
    let advertised: Vec<u16> = waiting.iter().map(Waiting::port).collect();
    let told: Vec<String> = advertised.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let cluster = ground.cluster(&ClusterOptions { small_disk, advertised, ..ClusterOptions::default() });
    let behind = cluster.brokers();
    let ports = behind.split(',').map(|address| address.rsplit(':').next().unwrap().parse().unwrap());
    let proxies = waiting.into_iter().zip(ports).map(|(one, port)| one.before(port).unwrap()).collect();
    (cluster, proxies, told.join(","))
}

/// Breaks lines so many times.
pub fn t6(ground: &Ground, runs: u64, size: Size) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("T6", ground.seed);
    let (cluster, proxies, told) = behind_proxies(ground, None);
    let plan = Plan {
        prefix: "t6",
        size,
        partitions: 12,
        interval: Duration::from_secs(3),
        brokers: cluster.brokers_inside(),
        brokers_of_desks: told,
    };
    let town = Town::new(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(size.workers);
    let mut dice = Dice::new(ground.seed);
    let mut left = runs;
    while left > 0 {
        let now = left.min(JUDGED_EVERY);
        let outcome = round(&town, &proxies, &mut dice, &mut counters, (now, size.rate));
        if let Err(failure) = outcome.and_then(|()| workers.all_live()) {
            counters.failed(failure);
            break;
        }
        left -= now;
    }
    let through: u64 = proxies.iter().map(|proxy| proxy.passed().1).sum();
    counters.saw("KiB through the proxies", through / 1024);
    // Every act goes through one of them, in a message larger than this.
    let least = town.acts() * 64;
    if through < least {
        counters.failed(Failure::Wrong(format!("{through} bytes through the proxies, at least {least} must be")));
    }
    counters.saw("connections", proxies.iter().map(|proxy| proxy.passed().0).sum());
    counters.acts = town.acts();
    counters.took = begun.elapsed();
    counters
}

fn round(
    town: &Town,
    proxies: &[Proxy],
    dice: &mut Dice,
    counters: &mut Counters,
    (cuts, rate): (u64, u64),
) -> Result<(), Failure> {
    town.until_up(LIMIT)?;
    let seed = dice.bits();
    under_load(town, (rate, seed), || {
        let together = (cuts * TOGETHER_PERCENT).div_ceil(100);
        let lines = proxies.len() as u64;
        let mut broken = std::thread::scope(|scope| {
            let breaking: Vec<_> = (0..lines)
                .zip(proxies.chunks(1))
                .map(|(line, proxy)| {
                    let (share, dice) = ((cuts - together + line) / lines, Dice::new(dice.bits()));
                    scope.spawn(move || break_lines(proxy, share, dice))
                })
                .collect();
            breaking.into_iter().flat_map(|line| line.join().unwrap()).collect::<Vec<_>>()
        });
        broken.extend(break_lines(proxies, together, Dice::new(dice.bits())));
        counters.saw("cuts of all lines at once", together);
        for broken in broken {
            counters.hurt(broken.word());
        }
        for stall in town.until_answered(LIMIT)? {
            counters.stalls.add(stall);
        }
        Ok(())
    })?;
    counters.heals.add(town.rest(LIMIT)?);
    town.judge()?;
    town.feeds_hold()
}

/// Breaks these lines together so many times, one time after the other; answers in which ways.
fn break_lines(lines: &[Proxy], times: u64, mut dice: Dice) -> Vec<Break> {
    let set = |to: Option<Break>| {
        for line in lines {
            line.set(to);
        }
    };
    let mut all = Vec::new();
    for _ in 0..times {
        let broken = *dice.pick(&Break::ALL).unwrap();
        set(Some(broken));
        std::thread::sleep(lasts(broken, &mut dice));
        set(None);
        std::thread::sleep(Duration::from_millis(dice.below(500)));
        all.push(broken);
    }
    all
}

/// What ends connections has its effect at once; what holds them up lasts, now and then longer than a client waits for an
/// answer.
fn lasts(broken: Break, dice: &mut Dice) -> Duration {
    let most = match broken {
        Break::Reset | Break::Stranger | Break::HalfClose | Break::InsideFrame => 600,
        _ if dice.chance(5, 100) => 12_000,
        _ => 1_600,
    };
    Duration::from_millis(100 + dice.below(most))
}

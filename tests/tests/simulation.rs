//! T9: whole worlds on a simulated clock. `AISLE_RUNS` and `AISLE_SEED` say how many runs and from which seed on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on ends")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use aisle_torture::simulation::{Counters, Plan, Report, play, shrunk};

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).ok().map_or(otherwise, |text| text.parse().unwrap())
}

/// What failed, its seed, and the shortest history that fails in the same manner.
fn tell(plan: &Plan, report: &Report) -> String {
    let (short, shown) = shrunk(plan, report, Duration::from_secs(30));
    format!(
        "seed {} fails: {:?}\nagain with AISLE_RUNS=1 AISLE_SEED={}; {} of {} steps in a world of {:?}:\n{}\n{:?}",
        plan.seed,
        report.failure,
        plan.seed,
        short.steps.len(),
        plan.steps.len(),
        short.shape,
        shown.history.join("\n"),
        shown.failure,
    )
}

#[test]
fn whatever_breaks_nothing_is_lost_nothing_doubled_and_nothing_stuck() {
    let (runs, first) = (number("AISLE_RUNS", 1_000), number("AISLE_SEED", 1));
    let start = Instant::now();
    let (next, counters, failed) = (AtomicU64::new(first), Mutex::new(Counters::default()), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().unwrap().is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + runs {
                        break;
                    }
                    let plan = Plan::of(seed);
                    let report = play(&plan);
                    counters.lock().unwrap().add(&report);
                    if report.failure.is_some() {
                        failed.lock().unwrap().get_or_insert((plan, report));
                    }
                }
            });
        }
    });
    let counters = counters.into_inner().unwrap();
    println!(
        "T9: {} in {} s, from seed {first}",
        serde_json::to_string(&counters).unwrap(),
        start.elapsed().as_secs()
    );
    if let Some((plan, report)) = failed.into_inner().unwrap() {
        panic!("{}", tell(&plan, &report));
    }
}

#[test]
fn the_same_seed_is_the_same_run_to_the_last_line() {
    for seed in [3, 17, 42] {
        let plan = Plan::of(seed);
        let (one, other) = (play(&plan), play(&plan));
        assert!(one.history.len() > 50, "seed {seed} is no run worth comparing");
        assert_eq!(one.trace, other.trace, "seed {seed}");
        assert_eq!(one, other, "seed {seed}");
        assert_ne!(one.trace, play(&Plan::of(seed + 1)).trace);
    }
}

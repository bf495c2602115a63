//! T9: whole worlds on a simulated clock. `AISLE_RUNS` and `AISLE_SEED` say how many runs and from which seed on.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test that cannot go on ends")]

use std::time::{Duration, Instant};

use aisle_testkit::asked::number;
use aisle_torture::simulation::{Plan, many, play, told, with_jumping_clocks};

#[test]
fn whatever_breaks_nothing_is_lost_nothing_doubled_and_nothing_stuck() {
    let (runs, first) = (number("AISLE_RUNS", 1_000), number("AISLE_SEED", 1));
    let start = Instant::now();
    let (counters, failed) = many(first, runs);
    let seconds = start.elapsed().as_secs();
    println!("T9: {} in {seconds} s, from seed {first}", serde_json::to_string(&counters).unwrap());
    if let Some((plan, report)) = failed {
        let seed = plan.seed;
        let words = told(&plan, &report, Duration::from_secs(30));
        panic!("again with AISLE_RUNS=1 AISLE_SEED={seed}\n{words}");
    }
    assert!(counters.runs > 0 && counters.is_telling(), "too little was done to say anything: {counters:?}");
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

#[test]
fn clocks_that_jump_change_no_outcome() {
    let (wanted, first) = (number("AISLE_JUMPS", 100), number("AISLE_SEED", 1));
    let (mut jumps, mut worlds) = (0, 0);
    while jumps < wanted {
        let seed = first + worlds;
        jumps += with_jumping_clocks(seed).unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        worlds += 1;
    }
    println!("T13: {jumps} jumps in {worlds} worlds, each beside itself without them, from seed {first}");
}

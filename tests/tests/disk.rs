//! Desk and centre on disks that fail: killed programs, power cuts, errors of the system. Counts come from
//! `AISLE_RUNS`, the first seed from `AISLE_SEED`; a failure names the seed that shows it alone.

use std::time::Instant;

use aisle_testkit::asked::number;
use aisle_torture::disk::{Counters, cuts, errors, kills};

/// Runs a test's body and prints its line.
#[allow(clippy::print_stderr, reason = "the counters are the result")]
fn count(name: &str, what: &str, runs: u64, body: impl FnOnce(u64, u64) -> Counters) {
    let seed = number("AISLE_SEED", 1);
    let start = Instant::now();
    let counters = body(seed, number("AISLE_RUNS", runs));
    let seconds = start.elapsed().as_secs();
    let Counters { runs, answered, lost, torn, .. } = counters;
    eprintln!(
        "{name}: {runs} {what}, {answered} calls answered, {lost} lost, {torn} torn, seed {seed}, {seconds} s"
    );
    let shown = counters.failures.iter().take(5).map(String::as_str).collect::<Vec<_>>().join("\n");
    assert!(counters.failures.is_empty(), "{shown}");
    assert!(answered > 0, "nothing was done at all");
}

#[test]
fn t1_a_kill_loses_and_tears_nothing_that_was_told_as_done() {
    count("T1", "kills", 2_000, kills::run);
}

#[test]
fn t2_a_power_cut_loses_and_tears_nothing_that_was_told_as_done() {
    count("T2", "cuts", 5_000, cuts::run);
}

#[test]
fn t3_whatever_call_fails_the_answer_is_an_error_and_what_was_done_stays() {
    count("T3", "faults", 500, errors::run);
}

//! T12: what is no good among what is good. `AISLE_RUNS` and `AISLE_SEED` say how many worlds and from which seed on.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on ends")]

use std::time::Instant;

use aisle_testkit::asked::number;
use aisle_torture::poison::t12;

#[test]
fn what_is_no_good_is_put_aside_and_nobody_else_waits_for_it() {
    let (runs, seed) = (number("AISLE_RUNS", 3), number("AISLE_SEED", 1));
    let start = Instant::now();
    let sum = t12(seed, runs);
    println!("T12: {} in {} s, from seed {seed}", serde_json::to_string(&sum).unwrap(), start.elapsed().as_secs());
    assert!(sum.wrong.is_empty(), "{:#?}", sum.wrong);
    assert!(sum.injected >= 7 * runs, "every kind had its turn");
}

//! T16, the test of the tests: which part of the programme catches which planted bug.

use std::time::{Duration, Instant};

use aisle_domain::{Planted, planted::plant};

use crate::simulation::{Plan, play};

/// Plants the bug in this process until something fails because of it, at most for `limit`; answers what failed.
pub fn catch(bug: Planted, limit: Duration) -> Option<String> {
    plant(Some(bug));
    let caught = by_simulation(limit);
    plant(None);
    caught
}

/// Seeds until one fails.
fn by_simulation(limit: Duration) -> Option<String> {
    let end = Instant::now() + limit;
    for seed in 1.. {
        if let Some(failure) = play(&Plan::of(seed)).failure {
            return Some(format!("seed {seed} of the simulation: {failure:?}"));
        }
        if Instant::now() >= end {
            break;
        }
    }
    None
}

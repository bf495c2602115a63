//! T16: bugs are planted, one at a time, and each is caught by the programme that is meant to catch it: what fails with
//! the bug does not fail without it. In a process of its own: a planted bug is everybody's. `AISLE_PLANTED` names one to
//! plant, or says `all`; otherwise three take their turn, others each day.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test that cannot go on ends")]

use std::time::{Duration, Instant, UNIX_EPOCH};

use aisle_domain::Planted;
use aisle_torture::planted::catch;

const WITHIN: Duration = Duration::from_secs(120);

/// Whose turn it is.
fn turn() -> Vec<Planted> {
    let all = Planted::ALL;
    match std::env::var("AISLE_PLANTED").ok().as_deref() {
        Some("all") => all.to_vec(),
        Some(word) => all.iter().filter(|bug| bug.word() == word).copied().collect(),
        None => {
            #[allow(clippy::disallowed_methods, reason = "only which day it is")]
            let days = UNIX_EPOCH.elapsed().unwrap().as_secs() / 86_400;
            let first = usize::try_from(days).unwrap() * 3;
            all.iter().cycle().skip(first % all.len()).take(3).copied().collect()
        }
    }
}

#[test]
fn a_planted_bug_is_caught() {
    let turn = turn();
    assert!(!turn.is_empty(), "there is no such bug");
    let mut missed = Vec::new();
    for bug in turn {
        let start = Instant::now();
        let caught = catch(bug, WITHIN);
        let took = start.elapsed().as_secs_f32();
        let word = bug.word();
        match caught {
            Ok(what) => println!("T16: {word} caught after {took:.1} s: {what}"),
            Err(why) => missed.push(format!("{word}: {why}")),
        }
    }
    assert!(missed.is_empty(), "not caught: {missed:#?}");
}

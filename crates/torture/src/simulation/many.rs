//! Many runs side by side, until one fails.

use std::{
    fmt::Write,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    Counters,
    plan::Plan,
    shrink::shrunk,
    world::{Report, play},
};

/// Plays `runs` seeds from `first` on, on all cores. Answers what they came to and the first that failed.
pub fn many(first: u64, runs: u64) -> (Counters, Option<(Plan, Report)>) {
    let (next, counters, failed) = (AtomicU64::new(first), Mutex::new(Counters::default()), Mutex::new(None));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while failed.lock().unwrap_or_else(PoisonError::into_inner).is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first.saturating_add(runs) {
                        break;
                    }
                    let plan = Plan::of(seed);
                    let report = play(&plan);
                    counters.lock().unwrap_or_else(PoisonError::into_inner).add(&report);
                    if report.failure.is_some() {
                        failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert((plan, report));
                    }
                }
            });
        }
    });
    let whole = |poison: PoisonError<_>| poison.into_inner();
    (counters.into_inner().unwrap_or_default(), failed.into_inner().unwrap_or_else(whole))
}

/// What failed, in words: the seed, and the shortest history found within `limit` that fails in the same manner.
pub fn told(plan: &Plan, report: &Report, limit: Duration) -> String {
    let (short, shown) = shrunk(plan, report, limit);
    let mut text = format!(
        "seed {} fails: {:?}\n{} of its {} steps, in a world of {:?}, fail in the same manner:\n",
        plan.seed,
        report.failure,
        short.steps.len(),
        plan.steps.len(),
        short.shape,
    );
    for line in &shown.history {
        writeln!(text, "{line}").unwrap();
    }
    write!(text, "{:?}", shown.failure).unwrap();
    text
}

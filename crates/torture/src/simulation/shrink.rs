//! A failing run made shorter: steps are left out as long as what is left still fails in the same manner.

use std::time::{Duration, Instant};

use super::{
    plan::Plan,
    world::{Failure, Report, play},
};

fn is_same(one: &Failure, other: &Failure) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// The shortest plan found within `limit` that fails as this one does, and what comes of it.
pub fn shrunk(plan: &Plan, report: &Report, limit: Duration) -> (Plan, Report) {
    let end = Instant::now() + limit;
    let (mut best, mut shown) = (plan.clone(), report.clone());
    let Some(failure) = report.failure.clone() else { return (best, shown) };
    let mut chunk = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut shorter = false;
        while from < best.steps.len() {
            if Instant::now() >= end {
                return (best, shown);
            }
            let mut tried = best.clone();
            let to = (from + chunk).min(tried.steps.len());
            tried.steps.drain(from..to);
            let report = play(&tried);
            if report.failure.as_ref().is_some_and(|found| is_same(found, &failure)) {
                (best, shown, shorter) = (tried, report, true);
            } else {
                from = to;
            }
        }
        if chunk == 1 && !shorter {
            return (best, shown);
        }
        chunk = (chunk / 2).max(1);
    }
}

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
    shrunk_by(play, plan, report, limit)
}

fn shrunk_by(outcome: impl Fn(&Plan) -> Report, plan: &Plan, report: &Report, limit: Duration) -> (Plan, Report) {
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
            let report = outcome(&tried);
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::{
        super::plan::{Step, What},
        *,
    };

    const LONG: Duration = Duration::from_secs(30);

    fn report(failure: Option<Failure>) -> Report {
        Report { trace: 0, history: Vec::new(), acts: 0, faults: 0, kills: 0, power_cuts: 0, heal_ms: 0, failure }
    }

    /// The lowest seed's plan in which all of these happen.
    fn plan_with(whats: &[What]) -> Plan {
        let has_all = |plan: &Plan| whats.iter().all(|what| plan.steps.iter().any(|step| step.what == *what));
        (1..10_000).map(Plan::of).find(has_all).unwrap()
    }

    fn has(plan: &Plan, what: What) -> bool {
        plan.steps.iter().any(|step| step.what == what)
    }

    fn whats(plan: &Plan) -> Vec<What> {
        plan.steps.iter().map(|step| step.what).collect()
    }

    fn shrunk_from(plan: &Plan, outcome: impl Fn(&Plan) -> Report) -> (Plan, Report) {
        let failing = outcome(plan);
        assert!(failing.failure.is_some());
        shrunk_by(outcome, plan, &failing, LONG)
    }

    #[test]
    fn a_run_that_fails_by_one_step_is_reduced_to_it_and_told_as_it_fails_then() {
        let plan = plan_with(&[What::Trim]);
        let outcome = |tried: &Plan| {
            let failure = has(tried, What::Trim).then(|| Failure::Lost(format!("of {}", tried.steps.len())));
            report(failure)
        };
        let (short, shown) = shrunk_from(&plan, outcome);
        assert_eq!(whats(&short), [What::Trim]);
        assert!(plan.steps.contains(&short.steps[0]), "a step as it was, with its time and its dice");
        assert_eq!((short.seed, short.shape), (plan.seed, plan.shape));
        assert_eq!(shown.failure, Some(Failure::Lost("of 1".into())));
    }

    #[test]
    fn steps_that_fail_only_together_and_in_their_order_are_both_kept() {
        let plan = plan_with(&[What::BackUpDesk, What::RestoreDesk]);
        let is_order = |tried: &Plan| {
            let first = tried.steps.iter().position(|step| step.what == What::BackUpDesk);
            first.is_some_and(|at| tried.steps[at..].iter().any(|step| step.what == What::RestoreDesk))
        };
        let outcome = |tried: &Plan| report(is_order(tried).then(|| Failure::Doubled(String::new())));
        let (short, _) = shrunk_from(&plan, outcome);
        assert_eq!(whats(&short), [What::BackUpDesk, What::RestoreDesk]);
    }

    #[test]
    fn a_run_that_fails_otherwise_is_no_shorter_one_of_the_same_failure() {
        let plan = plan_with(&[What::Trim, What::KillDesk]);
        // Without the kill something else is wrong.
        let outcome = |tried: &Plan| match (has(tried, What::Trim), has(tried, What::KillDesk)) {
            (true, true) => report(Some(Failure::Lost("an act".into()))),
            (true, false) => report(Some(Failure::Stuck("a desk".into()))),
            _ => report(None),
        };
        let (short, shown) = shrunk_from(&plan, outcome);
        let mut left = whats(&short);
        left.sort_by_key(|what| *what == What::KillDesk);
        assert_eq!(left, [What::Trim, What::KillDesk]);
        assert_eq!(shown.failure, Some(Failure::Lost("an act".into())));
    }

    #[test]
    fn when_the_time_is_over_the_shortest_found_so_far_is_told_and_it_still_fails() {
        let plan = plan_with(&[What::Trim]);
        let plays = Cell::new(0);
        let outcome = |tried: &Plan| {
            plays.set(plays.get() + 1);
            report(has(tried, What::Trim).then(|| Failure::Lost(String::new())))
        };
        let failing = outcome(&plan);
        assert_eq!(shrunk_by(outcome, &plan, &failing, Duration::ZERO), (plan.clone(), failing.clone()));
        assert_eq!(plays.get(), 1, "nothing was played when there was no time");
        let slow = |tried: &Plan| {
            std::thread::sleep(Duration::from_millis(60));
            outcome(tried)
        };
        let (short, _) = shrunk_by(slow, &plan, &failing, Duration::from_millis(200));
        assert!((2..plan.steps.len()).contains(&short.steps.len()), "{} steps", short.steps.len());
        assert!(has(&short, What::Trim));
    }

    #[test]
    fn a_run_that_does_not_fail_stays_as_it_is() {
        let plan = Plan::of(1);
        let right = report(None);
        let outcome = |_: &Plan| unreachable!("there is nothing to look for");
        assert_eq!(shrunk_by(outcome, &plan, &right, LONG), (plan.clone(), right.clone()));
    }

    #[test]
    fn a_run_that_fails_whatever_happens_is_reduced_to_nothing() {
        let step = Step { after_ms: 1, what: What::Act, dice: 0 };
        let plan = Plan { steps: vec![step; 9], ..Plan::of(1) };
        let (short, _) = shrunk_from(&plan, |_| report(Some(Failure::Wrong(String::new()))));
        assert_eq!(short.steps, []);
    }
}

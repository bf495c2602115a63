//! T4: what goes wrong with one request of the protocol, at the beginning, in the middle and at the end of a short run of
//! a desk or of a worker, on librdkafka's own mock cluster. `AISLE_RUNS` and `AISLE_SEED` say how many cases and which,
//! `AISLE_ONLY` a part of their names, such as `Produce`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a test that cannot go on ends"
)]

mod cases;
mod desk;
mod rows;
mod worker;

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aisle_contract::PortError;
use aisle_kafka::{Kafka, KafkaSettings};
use aisle_testkit::{asked::number, dice::Dice};
use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};

use crate::cases::{Case, Fault, every_case};

/// Cases mostly wait.
const AT_ONCE: usize = 32;
/// Nothing takes longer than this, or it hangs.
const BOUND: Duration = Duration::from_secs(60);

type Cluster = MockCluster<'static, DefaultProducerContext>;

fn kafka(cluster: &Cluster) -> Kafka {
    let settings = KafkaSettings {
        brokers: cluster.bootstrap_servers(),
        client_id: "matrix".into(),
        ..KafkaSettings::default()
    };
    Kafka::new(settings).unwrap()
}

/// What went by in one case.
#[derive(Debug, Default)]
struct Seen {
    /// Errors that were told, by their words for programs.
    errors: Vec<PortError>,
    records: u64,
    /// Records that are in the log more than once.
    again: u64,
}

/// What many cases came to.
#[derive(Debug, Default)]
struct Counters {
    cases: u64,
    records: u64,
    again: u64,
    told: BTreeMap<&'static str, u64>,
    failed: Vec<String>,
    longest: Duration,
}

fn play(case: &Case) -> Result<Seen, String> {
    let run = || if case.fault.is_workers() { worker::play(case) } else { desk::play(case) };
    let seen = std::panic::catch_unwind(run).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })?;
    for error in &seen.errors {
        if !case.may_tell(error) {
            return Err(format!("told as {error:?}"));
        }
    }
    if let Some(must) = case.must_tell()
        && !seen.errors.iter().any(|error| error.code() == must)
    {
        return Err(format!("never told as {must}, only {:?}", seen.errors));
    }
    Ok(seen)
}

/// Plays `cases` of all there are, drawn by `seed`.
fn t4(seed: u64, cases: usize) -> Counters {
    let mut all = every_case();
    if let Ok(only) = std::env::var("AISLE_ONLY") {
        all.retain(|case| format!("{case:?}").contains(&only));
    }
    let mut dice = Dice::new(seed);
    for place in (1..all.len()).rev() {
        all.swap(place, dice.index(place + 1));
    }
    all.truncate(cases);
    let (next, sum) = (AtomicUsize::new(0), Mutex::new(Counters::default()));
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(case) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let start = Instant::now();
                    let outcome = play(case);
                    let took = start.elapsed();
                    let mut sum = sum.lock().unwrap();
                    sum.cases += 1;
                    sum.longest = sum.longest.max(took);
                    let outcome = outcome
                        .and_then(|went| if took < BOUND { Ok(went) } else { Err(format!("it took {took:?}")) });
                    match outcome {
                        Ok(went) => {
                            sum.records += went.records;
                            sum.again += went.again;
                            for error in went.errors {
                                *sum.told.entry(error.code()).or_default() += 1;
                            }
                        }
                        Err(why) => sum.failed.push(format!("{case:?}: {why}")),
                    }
                }
            });
        }
    });
    sum.into_inner().unwrap()
}

#[test]
fn whatever_a_request_is_answered_everything_arrives_in_order_and_nothing_hangs() {
    let (seed, cases) = (number("AISLE_SEED", 1), usize::try_from(number("AISLE_RUNS", 135)).unwrap());
    let start = Instant::now();
    let sum = t4(seed, cases);
    println!(
        "T4: {} cases of {} in {} s, from seed {seed}: {} records, {} of them more than once, {} failed, longest {} ms, told {:?}",
        sum.cases,
        every_case().len(),
        start.elapsed().as_secs(),
        sum.records,
        sum.again,
        sum.failed.len(),
        sum.longest.as_millis(),
        sum.told,
    );
    assert!(sum.failed.is_empty(), "{:#?}", sum.failed);
    assert!(sum.cases > 0, "there is no such case");
}

/// No client of ours has a name that another could take in its group: only the library's mock says this to one.
#[test]
fn a_worker_that_was_put_out_for_good_joins_anew() {
    let case = Case { fault: Fault::Answer(rdkafka::types::RDKafkaApiKey::Heartbeat, 82), position: 1, times: 1 };
    let seen = worker::play(&case);
    assert!(matches!(seen.errors[..], [PortError::Broken(_)]), "{:?}", seen.errors);
}

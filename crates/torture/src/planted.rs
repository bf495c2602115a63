//! T16, the test of the tests: which part of the programme catches which planted bug.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use aisle_central::{Centre, ItemChange, NewStore, SystemClock};
use aisle_contract::TopicNames;
use aisle_domain::{ItemId, Planted, StoreId, planted::plant};

use crate::{
    disk::{Counters, cuts, errors, kills},
    simulation::{Plan, Report, many, play},
};

/// Runs of a part at a time: few, so that what takes too long is told soon.
const RUNS: u64 = 10;
/// How long two writers must live side by side where nothing is planted.
const SIDE_BY_SIDE: Duration = Duration::from_secs(5);

/// What failed while a bug was planted.
struct Found {
    words: String,
    /// The same once more.
    again: Box<dyn FnOnce() -> Option<String>>,
}

/// Plants the bug in this process until something fails, at most for `limit`; answers what failed.
///
/// # Errors
/// Where nothing failed in that time, and where the same fails without the bug too: then it was not caught by that.
pub fn catch(bug: Planted, limit: Duration) -> Result<String, String> {
    let begun = Instant::now();
    plant(Some(bug));
    let found = match bug {
        Planted::DoneBeforeSync | Planted::SyncNormal | Planted::WritesAfterFailedSync => {
            by_disk(cuts::run, limit)
        }
        Planted::PositionBeforeRows => by_disk(kills::run, limit).or_else(|| by_disk(errors::run, limit)),
        Planted::DeferredBegin => by_two_writers(limit),
        _ => by_simulation(limit),
    };
    plant(None);
    let found = found.filter(|_| begun.elapsed() <= limit);
    let Found { words, again } = found.ok_or_else(|| format!("nothing failed within {limit:?}"))?;
    match again() {
        None => Ok(words),
        Some(without) => Err(format!("{words}; and without it: {without}")),
    }
}

/// Seeds until one fails.
fn by_simulation(limit: Duration) -> Option<Found> {
    let end = Instant::now() + limit;
    let told = |plan: &Plan, report: &Report| {
        let failure = report.failure.as_ref()?;
        Some(format!("seed {} of the simulation: {failure:?}", plan.seed))
    };
    let mut first = 1;
    while Instant::now() < end {
        if let (_, Some((plan, report))) = many(first, RUNS) {
            let words = told(&plan, &report)?;
            return Some(Found { words, again: Box::new(move || told(&plan, &play(&plan))) });
        }
        first += RUNS;
    }
    None
}

/// Disks that fail, until something is gone or torn.
fn by_disk(part: fn(u64, u64) -> Counters, limit: Duration) -> Option<Found> {
    let end = Instant::now() + limit;
    let block = move |seed| part(seed, RUNS).failures.into_iter().next();
    let mut seed = 1;
    while Instant::now() < end {
        if let Some(words) = block(seed) {
            return Some(Found { words, again: Box::new(move || block(seed)) });
        }
        seed += RUNS;
    }
    None
}

/// Two writers, until one of them is turned away.
fn by_two_writers(limit: Duration) -> Option<Found> {
    let words = two_writers(limit)?;
    Some(Found { words, again: Box::new(|| two_writers(SIDE_BY_SIDE)) })
}

/// Two programs that write to central's database: neither may be turned away because the other was faster.
fn two_writers(limit: Duration) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("central.db");
    let (end, store) = (Instant::now() + limit, StoreId::new(1).unwrap());
    let open = |path: &Path| Centre::open(path, TopicNames::default(), Arc::new(SystemClock)).unwrap();
    open(&path).add_store(NewStore::new(store, "Store", "Main street 1")).unwrap();
    let writes = |item: i64| {
        let centre = open(&path);
        let item = ItemId::new(item).unwrap();
        for price in (1..2_000).take_while(|_| Instant::now() < end) {
            let changes = ["name=Thing".to_owned(), format!("unit_price={price}.00")];
            let changes: Vec<ItemChange> = changes.iter().map(|change| change.parse().unwrap()).collect();
            if let Err(error) = centre.set_item(store, item, &changes) {
                return Some(format!("an act of central was turned away: {error}"));
            }
        }
        None
    };
    std::thread::scope(|scope| {
        let threads = [scope.spawn(|| writes(1)), scope.spawn(|| writes(2))];
        threads.into_iter().find_map(|thread| thread.join().unwrap())
    })
}

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
    simulation::{Plan, play},
};

/// Runs of a disk's part at a time.
const RUNS: u64 = 50;

/// Plants the bug in this process until something fails because of it, at most for `limit`; answers what failed.
pub fn catch(bug: Planted, limit: Duration) -> Option<String> {
    plant(Some(bug));
    let caught = match bug {
        Planted::DoneBeforeSync | Planted::SyncNormal | Planted::WritesAfterFailedSync => {
            by_disk(cuts::run, limit)
        }
        Planted::PositionBeforeRows => by_disk(kills::run, limit).or_else(|| by_disk(errors::run, limit)),
        Planted::DeferredBegin => by_two_writers(limit),
        _ => by_simulation(limit),
    };
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

/// Disks that fail, until something is gone or torn.
fn by_disk(part: fn(u64, u64) -> Counters, limit: Duration) -> Option<String> {
    let end = Instant::now() + limit;
    let mut seed = 1;
    while Instant::now() < end {
        let counters = part(seed, RUNS);
        if let Some(failure) = counters.failures.into_iter().next() {
            return Some(failure);
        }
        seed += RUNS;
    }
    None
}

/// Two programs that write to central's database: neither may be turned away because the other was faster.
fn by_two_writers(limit: Duration) -> Option<String> {
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

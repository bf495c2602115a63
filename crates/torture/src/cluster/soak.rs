//! T15: two desks of a large store work for a while, one that sends everything at once and one that sends every five
//! minutes. What they have of memory, threads, open files and of the log of their database must not grow.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aisle_central::{SimulateOptions, Speed, Stop};
use aisle_domain::{Lane, StoreId, digest::DigestView};
use aisle_mirror::{Mirror, digest, outbox};
use aisle_sync::{Clock, SystemClock};
use aisle_testkit::{
    dice::Dice,
    kafka::ClusterOptions,
    processes::{self, Has},
};
use serde_json::{Value, json};

use super::{
    Counters, Ground, Size, say,
    second::{peek, position},
    served::Served,
    town::{Plan, Town},
};
use crate::simulation::Failure;

const LIMIT: Duration = Duration::from_mins(30);
const LOOK: Duration = Duration::from_secs(5);
const WORKERS: usize = 2;
/// This share of the time, at the beginning, is not judged.
const WARM_UP_PERCENT: u32 = 30;
/// Growth of memory a minute, kilobytes.
const GROWTH_KB: i64 = 500;
/// What is watched for a shorter time says nothing of a minute's growth, since caches fill all the while: it may grow by so
/// many kilobytes in all, which is what two connections keep of their database.
const SHORT: Duration = Duration::from_mins(4);
const FILLING_KB: i128 = 16 * 1024;
const WAL_BYTES: u64 = 64 << 20;
/// Threads and files that come and go.
const SOME: u64 = 6;
const FIRST_ITEM: u64 = 100_000_000;
/// Nobody misses an order since the month goes by too fast.
const FOR_EVER_MS: i64 = 400 * 24 * 60 * 60 * 1000;

/// Lets two desks of a store with so many items work for so many minutes, over the days in `days`.
pub fn soak(ground: &Ground, minutes: u64, items: u64, days: &Path) -> Counters {
    let begun = Instant::now();
    let mut counters = Counters::new("T15", ground.seed);
    let cluster = ground.cluster(&ClusterOptions { heap_mb: 512, ..ClusterOptions::default() });
    let plan = Plan {
        prefix: "soak",
        size: Size { stores: 1, rate: 0, workers: WORKERS },
        partitions: 3,
        interval: Duration::from_secs(10),
        brokers: cluster.brokers(),
        brokers_of_desks: cluster.brokers(),
    };
    let town = Town::closed(ground, &plan);
    let mut workers = town.workers(ground);
    workers.start_all(WORKERS);
    let large = enlarged(days, &ground.folder("days"), items);
    let length = Duration::from_mins(minutes);
    let outcome = play(ground, &town, &large, (length, items), &mut counters);
    if let Err(failure) = outcome.and_then(|()| workers.all_live()) {
        workers.all.iter().for_each(|worker| say(&worker.last_words()));
        counters.failed(failure);
    }
    counters.took = begun.elapsed();
    counters
}

/// The folder of a store's days with so many items more on its shelf.
fn enlarged(days: &Path, to: &Path, items: u64) -> PathBuf {
    for file in ["orders.jsonl", "receipts.jsonl"] {
        std::fs::copy(days.join(file), to.join(file)).unwrap();
    }
    let mut shelf = std::fs::read_to_string(days.join("items.csv")).unwrap();
    for number in 0..items {
        writeln!(shelf, "{},,\"Thing of the shelf {number}\",\"Shelf\",1.99", FIRST_ITEM + number).unwrap();
    }
    std::fs::write(to.join("items.csv"), shelf).unwrap();
    to.into()
}

fn play(
    ground: &Ground,
    town: &Town,
    days: &Path,
    (length, items): (Duration, u64),
    counters: &mut Counters,
) -> Result<(), Failure> {
    let stop = Stop::new();
    std::thread::scope(|scope| {
        let ends = End(&stop);
        let options = SimulateOptions {
            // The month goes by while there is something to look at.
            speed: Speed::Times(std::num::NonZeroU32::new(4_000).unwrap()),
            until_done: true,
            accept_within_ms: FOR_EVER_MS,
            ..SimulateOptions::new(town.stores[0], days)
        };
        let stop = &stop;
        scope.spawn(move || town.centre.simulate(&options, stop));
        let desks = [opened(ground, town, "at_once")?, opened(ground, town, "every_five_minutes")?];
        for (key, value) in [("push_decisions_at_once", "false"), ("push_interval_s", "300")] {
            desks[1].call("set_setting", &json!({ "key": key, "value": value }))?;
        }
        let read = |desk: &Served| position(&desk.dir, Lane::Catalog) > i64::try_from(items).unwrap();
        until("the whole shelf is mirrored", || desks.iter().all(read))?;
        let looks = worked(&desks, length, ground.seed, counters)?;
        judged(&desks, &looks, counters)?;
        drop(ends);
        compared(town, desks)
    })
}

/// Ends what would go on.
struct End<'a>(&'a Stop);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn opened(ground: &Ground, town: &Town, name: &'static str) -> Result<Served, Failure> {
    Served::start(&town.program(ground), &town.dir, name, (town.stores[0], &town.brokers))
}

fn until(what: &str, mut holds: impl FnMut() -> bool) -> Result<(), Failure> {
    let begun = Instant::now();
    while !holds() {
        if begun.elapsed() > LIMIT {
            return Err(Failure::Stuck(format!("not within {LIMIT:?}: {what}")));
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

/// What a desk had at one moment.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Duration,
    has: Has,
    files: u64,
    wal: u64,
}

/// Staff work at both desks; answers what each had after the warm-up.
fn worked(
    desks: &[Served; 2],
    length: Duration,
    seed: u64,
    counters: &mut Counters,
) -> Result<[Vec<Look>; 2], Failure> {
    let (begun, mut dice) = (Instant::now(), Dice::new(seed));
    let mut looks = [Vec::new(), Vec::new()];
    let mut next = length * WARM_UP_PERCENT / 100;
    // What a push needs for the first time belongs to the beginning, however long a desk waits with it.
    let mut first_push = Some(next / 2);
    while begun.elapsed() < length {
        if first_push.take_if(|at| begun.elapsed() >= *at).is_some() {
            for desk in desks {
                desk.call("send_now", &Value::Null)?;
            }
        }
        for desk in desks {
            counters.acts += act(desk, &mut dice)?;
        }
        if begun.elapsed() >= next {
            next += LOOK;
            for (desk, looks) in desks.iter().zip(&mut looks) {
                looks.push(look(desk, begun.elapsed())?);
            }
        }
        std::thread::sleep(Duration::from_millis(250));
    }
    Ok(looks)
}

/// Looks at the queue and at a page of the shelf, and does what is to be done; answers how many acts were taken.
fn act(desk: &Served, dice: &mut Dice) -> Result<u64, Failure> {
    let mut done = 0;
    let queue = desk.call("orders", &Value::Null)?;
    let first = |column: &str| queue["result"][column][0]["order_id"].as_str().map(str::to_owned);
    if let Some(order) = first("new") {
        done += u64::from(taken(&desk.call("accept_order", &json!({ "order_id": order }))?));
    }
    let payments = desk.call("payments", &Value::Null)?;
    if let Some(payment) = payments["result"][0]["payment_id"].as_str() {
        let reason = (payments["result"][0]["verdict"] != "inside").then_some("weighed");
        let params = json!({ "payment_id": payment, "reason": reason, "override_reason": reason });
        done += u64::from(taken(&desk.call("approve_payment", &params)?));
    }
    desk.call("items", &json!({ "text": "thing", "offset": dice.below(500), "limit": 50 }))?;
    let item = (FIRST_ITEM + dice.below(1_000)).to_string();
    let price = format!("{}.{:02}", 1 + dice.below(9), dice.below(100));
    let edit = json!({ "item_id": item, "fields": { "unit_price": price } });
    done += u64::from(taken(&desk.call("edit_item", &edit)?));
    Ok(done)
}

/// Refused is what somebody else did before.
fn taken(answer: &Value) -> bool {
    answer.get("result").is_some()
}

fn look(desk: &Served, at: Duration) -> Result<Look, Failure> {
    let unknown = |e: std::io::Error| {
        Failure::Wrong(format!("{} cannot be looked at: {e}; {}", desk.name, desk.last_words()))
    };
    let pid = desk.running.id().expect("it runs");
    let wal = std::fs::metadata(desk.dir.join("aisle.db-wal")).map_or(0, |file| file.len());
    Ok(Look {
        at,
        has: processes::has(pid).map_err(unknown)?,
        files: processes::files(pid).map_err(unknown)?,
        wal,
    })
}

/// Whether memory that grew by so many kilobytes a minute for this long has grown too much.
fn is_too_much(growth: i64, length: Duration) -> bool {
    let grown = i128::from(growth) * i128::try_from(length.as_millis()).unwrap_or(i128::MAX) / 60_000;
    if length < SHORT { grown > FILLING_KB } else { growth > GROWTH_KB }
}

/// Kilobytes a minute by which memory grew: the slope of the line that fits best.
fn growth(looks: &[Look]) -> i64 {
    let count = i128::try_from(looks.len()).unwrap();
    let points = looks
        .iter()
        .map(|look| (i128::try_from(look.at.as_millis()).unwrap(), i128::from(look.has.memory) / 1024));
    let (mut x, mut y, mut xx, mut xy) = (0, 0, 0, 0);
    for (at, memory) in points {
        x += at;
        y += memory;
        xx += at * at;
        xy += at * memory;
    }
    let spread = count * xx - x * x;
    if spread == 0 { 0 } else { i64::try_from((count * xy - x * y) * 60_000 / spread).unwrap() }
}

fn judged(desks: &[Served; 2], looks: &[Vec<Look>; 2], counters: &mut Counters) -> Result<(), Failure> {
    let names = [
        ["MiB of the desk at once", "KiB of growth a minute, at once", "MiB of its log"],
        [
            "MiB of the desk every five minutes",
            "KiB of growth a minute, every five minutes",
            "MiB of that one's log",
        ],
    ];
    for ((desk, looks), [memory, grown, log]) in desks.iter().zip(looks).zip(names) {
        let most = |of: fn(&Look) -> u64| looks.iter().map(of).max().unwrap_or(0);
        let least = |of: fn(&Look) -> u64| looks.iter().map(of).min().unwrap_or(0);
        let (growth, wal) = (growth(looks), most(|look| look.wal));
        counters.saw(memory, most(|look| look.has.memory) >> 20);
        counters.saw(grown, growth.max(0).unsigned_abs());
        counters.saw(log, wal >> 20);
        let threads = (least(|look| look.has.threads), most(|look| look.has.threads));
        let files = (least(|look| look.files), most(|look| look.files));
        let watched = looks
            .first()
            .zip(looks.last())
            .map_or(Duration::ZERO, |(first, last)| last.at.saturating_sub(first.at));
        let is_flat = |(least, most): (u64, u64)| most <= least + SOME;
        if is_too_much(growth, watched) || wal > WAL_BYTES || !is_flat(threads) || !is_flat(files) {
            return Err(Failure::Wrong(format!(
                "{}: {growth} KiB a minute, a log of {wal} bytes, threads {threads:?}, files {files:?}",
                desk.name
            )));
        }
    }
    Ok(())
}

/// Both desks send what waits and end; then they have what central has.
fn compared(town: &Town, desks: [Served; 2]) -> Result<(), Failure> {
    let waits = |desk: &Served| peek(&desk.dir, |conn| outbox::count_open(conn, i64::MAX)).unwrap_or(1);
    let ends = |store: StoreId, lane| town.log.end(&town.centre.names().feed(store, lane), 0);
    until("everything is sent and read", || {
        desks.iter().all(|desk| {
            drop(desk.call("send_now", &Value::Null));
            let at_end = |lane| position(&desk.dir, lane) >= ends(town.stores[0], lane);
            waits(desk) == 0 && Lane::ALL.into_iter().all(at_end)
        })
    })?;
    let central = town.centre.digest(town.stores[0]).unwrap().tables;
    for mut desk in desks {
        desk.running.term().unwrap();
        if desk.running.wait(Duration::from_secs(30)).unwrap() != Some(0) {
            return Err(Failure::Wrong(format!("{} does not end in order: {}", desk.name, desk.last_words())));
        }
        let mirror = Mirror::open(&desk.dir, SystemClock::default().now()).unwrap();
        let (orders, items) = mirror.read(digest::rows).unwrap();
        let own: [DigestView; 2] = [orders.into(), items.into()];
        if own != [central.orders.clone(), central.items.clone()] {
            return Err(Failure::Wrong(format!("{} has {own:?}, and central {central:?}", desk.name)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_the_slope_of_what_was_seen() {
        let look = |second: u64, memory: u64| Look {
            at: Duration::from_secs(second),
            has: Has { memory: memory * 1024, threads: 1 },
            files: 1,
            wal: 0,
        };
        let steady: Vec<_> = (0..10).map(|n| look(n * 30, 1_000)).collect();
        assert_eq!(growth(&steady), 0);
        let grows: Vec<_> = (0..10).map(|n| look(n * 30, 1_000 + n * 100)).collect();
        assert_eq!(growth(&grows), 200);
        let falls: Vec<_> = (0..10).map(|n| look(n * 30, 2_000 - n * 50)).collect();
        assert_eq!(growth(&falls), -100);
        assert_eq!(growth(&steady[..1]), 0);
    }

    #[test]
    fn a_short_run_may_fill_its_caches_and_a_long_one_may_not_go_on() {
        assert!(!is_too_much(GROWTH_KB, Duration::from_hours(6)));
        assert!(!is_too_much(16_000, Duration::from_mins(1)));
        assert!(is_too_much(17_000, Duration::from_mins(1)));
        assert!(is_too_much(GROWTH_KB + 1, Duration::from_mins(7)));
    }
}

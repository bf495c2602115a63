//! Row f: from the program's start until orders are painted and a key was handled, over a mirror of a million items,
//! beside the smallest window that paints and answers a key; and the memory of both.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use aisle_app::{ConnectionSettings, Launcher, Security};
use aisle_contract::{DownBody, DownMessage, Incoming};
use aisle_domain::{Availability, Barcode, Epoch, Item, Lane, Money, StoreId};
use aisle_host::StandardLauncher;
use aisle_mirror::{FeedEntry, Mirror, items};
use aisle_sync::{Clock, SystemClock};
use aisle_testkit::window::{Theme, Window, can_show, program};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    arrival::new_order,
    failed,
    measure::{Round, Row, Samples, millis, short, spread_ms},
    town::{SEED, SplitMix, folder, item_id},
};
use crate::exit::Failure;

/// Where nothing listens: the desk starts without a line.
const NOWHERE: &str = "127.0.0.1:1";
const ORDERS: i64 = 8;
const BATCH: usize = 2_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// How often the page is looked at.
const LOOK: Duration = Duration::from_millis(3);
const MEGABYTE: f64 = 1_000_000.0;

pub(super) fn run(rounds: usize, shelf: usize) -> Result<Value, Failure> {
    if !can_show() {
        return Err(
            Failure::new("not_found", "the window's tools are missing").with_hint("scripts/setup.sh screen")
        );
    }
    let dir = folder()?;
    let data = dir.path().join("desk");
    let filled = Instant::now();
    fill(&data, shelf)?;
    let filled = filled.elapsed();
    let hello = program().with_file_name("examples").join("hello");
    let (mut ours, mut peers) = (Samples::default(), Samples::default());
    let (mut told, mut memory_of_ours, mut memory_of_peer) = (Vec::new(), Vec::new(), Vec::new());
    // One of each before anything is counted: the second start finds the programs' files in memory.
    for round in 0..=rounds {
        let (peer, peer_bytes) = started(
            &hello,
            dir.path(),
            "return document.querySelector('h1') ? '' : null",
            "return document.getElementById('pressed').textContent || null",
        );
        let open = "return document.querySelector('[role=option][aria-selected=true]')?.dataset.key ?? null";
        let (own, bytes) = started(&program(), &data, open, open);
        if round > 0 {
            told.push(Round { ours: millis(own), peer: millis(peer) });
            ours.push(own);
            peers.push(peer);
            memory_of_ours.push(bytes);
            memory_of_peer.push(peer_bytes);
        }
    }
    let (bytes, bytes_of_peer) = (middle(memory_of_ours), middle(memory_of_peer));
    let ratio = millis(ours.quantile(50)) / millis(peers.quantile(50));
    let row = Row {
        name: "f",
        unit: "ms",
        data: format!(
            "{shelf} items and {ORDERS} new orders, seed {SEED}; second and later starts, over WebDriver"
        ),
        peer: "the smallest Tauri window that paints and answers a key",
        n: ours.len(),
        rounds: told,
        checked: count(&data)? == i64::try_from(shelf).unwrap_or(0),
        goal: "usable <= 1.3 x; PSS of the tree <= peer + 60 MB",
        goal_met: ratio <= 1.3 && bytes <= bytes_of_peer + 60.0 * MEGABYTE,
        facts: json!({
            "usable": { "ours": spread_ms(&ours), "peer": spread_ms(&peers) },
            "pss_mb": { "ours": short(bytes / MEGABYTE), "peer": short(bytes_of_peer / MEGABYTE) },
            "filling_s": short(filled.as_secs_f64()),
        }),
    };
    Ok(row.told())
}

/// From the start until `painted` answers something and, after a press of Down, `handled` answers something else.
fn started(program: &Path, data: &Path, painted: &str, handled: &str) -> (Duration, f64) {
    let start = Instant::now();
    let window = Window::open_program(program, data, Theme::Light);
    let before = looked(&window, |answer| !answer.is_null(), painted);
    window.press("Down");
    looked(&window, |answer| !answer.is_null() && *answer != before, handled);
    let time = start.elapsed();
    // What was only needed for the start is given back soon.
    std::thread::sleep(Duration::from_secs(2));
    #[allow(clippy::cast_precision_loss, reason = "bytes of memory")]
    (time, window.memory() as f64)
}

fn looked(window: &Window, is_wanted: impl Fn(&Value) -> bool, script: &str) -> Value {
    let start = Instant::now();
    loop {
        let answer = window.js(script);
        if is_wanted(&answer) || start.elapsed() > PATIENCE {
            return answer;
        }
        std::thread::sleep(LOOK);
    }
}

fn middle(figures: Vec<f64>) -> f64 {
    super::measure::median(figures)
}

fn count(data: &Path) -> Result<i64, Failure> {
    let mirror = Mirror::open(data, SystemClock::default().now())?;
    Ok(mirror.read(items::count)?)
}

/// A desk whose mirror has this shelf and some new orders, and that has no line.
fn fill(data: &Path, shelf: usize) -> Result<(), Failure> {
    let settings = ConnectionSettings {
        store_id: "1".into(),
        brokers: NOWHERE.into(),
        security: Security::Plaintext,
        ..ConnectionSettings::default()
    };
    let opened = StandardLauncher::new(data.to_path_buf()).connect(&settings)?;
    let mirror = opened.mirror;
    let store = mirror.identity().store_id;
    let places: Vec<usize> = (0..shelf).collect();
    for batch in places.chunks(BATCH) {
        let entries = batch.iter().map(|place| item_entry(store, *place)).collect::<Result<Vec<_>, _>>()?;
        mirror.apply_feed(Lane::Catalog, "bench", &entries, SystemClock::default().now())?;
    }
    let orders = (1..=ORDERS).map(|number| {
        let order = new_order(store, number, SystemClock::default().now())?;
        Ok(entry(number - 1, DownBody::Order(Box::new(order))))
    });
    let orders = orders.collect::<Result<Vec<_>, Failure>>()?;
    mirror.apply_feed(Lane::Orders, "bench", &orders, SystemClock::default().now())?;
    Ok(())
}

/// Names as a real shelf has them: a few words of a small language, so that many share their words.
fn item_entry(store: StoreId, place: usize) -> Result<FeedEntry, Failure> {
    const WORDS: [&str; 16] = [
        "Fluid",
        "Milk",
        "White",
        "Only",
        "Cheese",
        "Natural",
        "Bulk",
        "Bread",
        "Mainstream",
        "Salad",
        "Spinach",
        "Kids",
        "Cereal",
        "Oranges",
        "Navels",
        "Own",
    ];
    let mut random = SplitMix(SEED ^ u64::try_from(place).unwrap_or(0));
    let mut words: Vec<&str> = Vec::new();
    for _ in 0..3 + random.below(3) {
        words.extend(WORDS.get(usize::try_from(random.below(16)).unwrap_or(0)));
    }
    let item = Item {
        item_id: item_id(place)?,
        store_id: store,
        unit_price: Money::from_minor(i64::try_from(49 + random.below(2_000)).unwrap_or(99)),
        barcode: Some(barcode(place)?),
        name: format!("{}, {} OZ", words.join(" "), 1 + random.below(60)),
        category: Some("Grocery".into()),
        availability: Availability::Available,
        available_until: None,
        version: 1,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    };
    Ok(entry(i64::try_from(place).unwrap_or(0), DownBody::Item(Box::new(item))))
}

/// An EAN-13 of the range for use inside a store.
fn barcode(place: usize) -> Result<Barcode, Failure> {
    let body = format!("20{place:010}");
    let sum: usize = body
        .bytes()
        .enumerate()
        .map(|(at, digit)| usize::from(digit - b'0') * if at % 2 == 0 { 1 } else { 3 })
        .sum();
    let whole = format!("{body}{}", (10 - sum % 10) % 10);
    whole.parse().map_err(|error| failed("a made-up barcode", error))
}

fn entry(offset: i64, body: DownBody) -> FeedEntry {
    let written_at = SystemClock::default().now();
    let record = Incoming {
        topic: "bench".into(),
        partition: 0,
        offset,
        written_at,
        key: body.key().map(String::into_bytes),
        headers: Vec::new(),
        value: None,
    };
    let message = DownMessage { epoch: Some(Epoch(Uuid::nil())), body };
    FeedEntry { offset, written_at, record, message: Ok(message) }
}

//! Row j: from central's publishing an order on a real cluster until its row is painted in the real window and its alarm
//! is told, beside a bare reader of the same topic.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use aisle_central::{Centre, NewStore};
use aisle_contract::{DownBody, Reader, Sender, Start, TopicNames, Transport, down::FeedRecord};
use aisle_domain::{
    AmountRange, Epoch, ItemId, Lane, LineState, Money, Order, OrderId, OrderLine, OrderStatus, Policies,
    Quantity, StoreId, Timestamp, UserId,
};
use aisle_sync::{Clock, SystemClock};
use aisle_testkit::window::{Theme, Window, can_show, until};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    failed,
    grounds::Grounds,
    measure::{Round, Row, Samples, millis, spread_ms},
    town::folder,
};
use crate::exit::Failure;

/// Orders of one round.
const ORDERS: i64 = 20;
const ASK: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two orders: each is to find the desk at rest.
const REST: Duration = Duration::from_millis(250);

/// Remembers on the page's clock when an order's row was painted, and when its alarm was told.
const WATCH: &str = "
    window.painted = {}; window.rung = {};
    const now = () => performance.timeOrigin + performance.now();
    const seen = (row) => {
        const id = row.dataset.key;
        if (id in window.painted) return;
        window.painted[id] = null;
        requestAnimationFrame(() => requestAnimationFrame(() => { window.painted[id] = now(); }));
    };
    new MutationObserver(() => document.querySelectorAll('[role=option][data-key]').forEach(seen))
        .observe(document.body, { childList: true, subtree: true });
    const handler = window.__TAURI_INTERNALS__.transformCallback(({ payload }) => {
        if (payload.type === 'alarm' && payload.ringing) window.rung[payload.order_id] ??= now();
    });
    return await window.__TAURI_INTERNALS__.invoke('plugin:event|listen', { event: 'aisle', target: { kind: 'Any' }, handler });";

pub(super) fn run(rounds: usize) -> Result<Value, Failure> {
    if !can_show() {
        return Err(
            Failure::new("not_found", "the window's tools are missing").with_hint("scripts/setup.sh screen")
        );
    }
    let dir = folder()?;
    let grounds = Grounds::start(dir.path())?;
    let (names, store) = (TopicNames::default(), StoreId::new(1)?);
    let clock = Arc::new(aisle_central::SystemClock);
    let centre = Centre::open(&dir.path().join("central.db"), names.clone(), clock)?;
    centre.add_store(NewStore::new(store, "Store", "Main street 1"))?;
    grounds.make_topics(&centre)?;
    let window = desk(&dir.path().join("desk"), &grounds, store)?;
    let kafka = grounds.connect("publisher")?;
    let mut sender = kafka.sender()?;
    let topic = names.feed(store, Lane::Orders);
    let (mut painted, mut rung, mut read, mut told) =
        (Samples::default(), Samples::default(), Samples::default(), Vec::new());
    for round in 0..i64::try_from(rounds).unwrap_or(1) {
        let mut reader = kafka.reader(&topic, 0, Start::At(grounds.end(&topic, 0)?))?;
        let (mut ours, mut peers) = (Samples::default(), Samples::default());
        for number in round * ORDERS + 1..=(round + 1) * ORDERS {
            let sent_at = publish(sender.as_mut(), &names, store, number)?;
            peers.push(arrived(reader.as_mut(), sent_at)?);
            let (row, alarm) = shown(&window, number);
            ours.push(since(sent_at, row));
            rung.push(since(sent_at, alarm));
            std::thread::sleep(REST);
        }
        told.push(Round { ours: millis(ours.quantile(50)), peer: millis(peers.quantile(50)) });
        painted.extend(&ours);
        read.extend(&peers);
    }
    let rows = window.js("return Object.keys(window.painted).length").as_u64();
    let p99 = millis(painted.quantile(99)).max(millis(rung.quantile(99)));
    let row = Row {
        name: "j",
        unit: "ms",
        data: "new orders of 8 lines, one at a time; a desk at rest".into(),
        peer: "a bare reader of the same topic in the measuring process",
        n: painted.len(),
        rounds: told,
        checked: rows == u64::try_from(painted.len()).ok(),
        goal: "painted and alarm told, p99 <= 300 ms",
        goal_met: p99 <= 300.0,
        facts: json!({ "painted": spread_ms(&painted), "alarm": spread_ms(&rung), "read": spread_ms(&read) }),
    };
    Ok(row.told())
}

/// The window of a desk on this cluster, at rest on its Orders screen.
fn desk(data: &Path, grounds: &Grounds, store: StoreId) -> Result<Window, Failure> {
    let window = Window::open(data, Theme::Light);
    window.set_size(1366, 768);
    let settings = json!({
        "store_id": store.to_string(), "desk_name": "", "brokers": grounds.brokers(), "topic_prefix": "",
        "security": "plaintext", "username": null, "password_file": null, "ca_file": null,
    });
    window.call("connect", &settings).map_err(|error| failed("connecting", error))?;
    until("the desk reads its feeds", PATIENCE, || {
        let status = window.call("status", &Value::Null).ok()?;
        let feeds = status.get("feeds")?.as_array()?;
        feeds.iter().all(|feed| feed.get("behind") == Some(&json!(0))).then_some(())
    });
    window.js_later(WATCH, &[]).map_err(|error| failed("watching the page", error))?;
    Ok(window)
}

/// The page's clock has parts of a millisecond, so this one must.
#[allow(clippy::disallowed_methods, reason = "it measures")]
fn epoch_ms() -> f64 {
    millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default())
}

/// Publishes a new order as central does; answers when, in milliseconds since 1970.
fn publish(sender: &mut dyn Sender, names: &TopicNames, store: StoreId, number: i64) -> Result<f64, Failure> {
    let at = SystemClock::default().now();
    let order = new_order(store, number, at)?;
    let epoch = Epoch(Uuid::from_u128(1));
    let record = FeedRecord::of(Lane::Orders, &DownBody::Order(Box::new(order)))
        .map_err(|error| failed("an order", error))?
        .ok_or_else(|| failed("an order", "it is never sent"))?;
    let record = record.encode(names, store, epoch, number, at);
    let sent_at = epoch_ms();
    for answer in sender.send(vec![record], ASK) {
        answer?;
    }
    Ok(sent_at)
}

fn arrived(reader: &mut dyn Reader, sent_at: f64) -> Result<Duration, Failure> {
    let start = Instant::now();
    while start.elapsed() < ASK {
        if !reader.read(10, Duration::from_millis(100))?.is_empty() {
            return Ok(since(sent_at, epoch_ms()));
        }
    }
    Err(Failure::new("timed_out", "the published order was not read back"))
}

/// When the row was painted and the alarm told, on the same clock.
fn shown(window: &Window, number: i64) -> (f64, f64) {
    until("the order is painted and rings", PATIENCE, || {
        let found =
            window.js(&format!("return [window.painted['{number}'] ?? null, window.rung['{number}'] ?? null]"));
        Some((found.get(0)?.as_f64()?, found.get(1)?.as_f64()?))
    })
}

fn since(from: f64, to: f64) -> Duration {
    Duration::from_secs_f64((to - from).max(0.0) / 1_000.0)
}

/// A new order of eight lines.
pub(super) fn new_order(store_id: StoreId, number: i64, at: Timestamp) -> Result<Order, Failure> {
    let line = |item: i64| -> Result<OrderLine, Failure> {
        Ok(OrderLine {
            item_id: ItemId::new(item)?,
            name: format!("Item {item}"),
            barcode: None,
            order_unit_price: Money::from_minor(199 + item),
            quantity: Quantity::ONE,
            unit: "each".into(),
            note: None,
            state: LineState::ToPick,
            picked_quantity: None,
            substitute: None,
        })
    };
    let mut order = Order {
        order_id: OrderId::new(number)?,
        store_id,
        user_id: UserId::new(number)?,
        creation_time: at,
        status: OrderStatus::New,
        queued_time: at,
        accept_by: None,
        due_at: None,
        display_no: format!("{:04}", number % 10_000),
        customer_name: None,
        note: None,
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        accepted_by: None,
        accepted_at: None,
        version: 1,
        lines: (1..=8).map(line).collect::<Result<_, _>>()?,
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    };
    order.range = Some(AmountRange::derive(order.expected(), &Policies::default(), 1, at, "central"));
    Ok(order)
}

//! Measurements, each beside its limit in the same run, its result checked before its time is told.

#![allow(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "times and ratios, never money")]

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use aisle_contract::{DownBody, DownMessage, Incoming};
use aisle_domain::{
    AmountRange, Change, ChangeId, DeskId, Epoch, Incarnation, ItemId, Lane, LineState, Money, Order, OrderId,
    OrderLine, OrderStatus, Policies, Quantity, StoreId, Timestamp, UserId, change::OrderAccepted,
};
use aisle_mirror::{FeedEntry, Mirror, NewChange, NewDesk, outbox};
use aisle_sync::{Clock, SystemClock};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    exit::{self, Failure},
    output::Output,
};

/// Decisions in one round.
const PAIRS: i64 = 400;

pub(super) fn run(row: &str, rounds: usize, output: Output) -> Result<u8, Failure> {
    match row {
        "e" => {
            let found = decision_commit(rounds.max(1))?;
            output.result(&found)?;
            Ok(exit::OK)
        }
        other => Err(Failure::new("not_yet", format!("row {other} is not measured yet; there is e"))),
    }
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn io(error: std::io::Error) -> Failure {
    Failure::new("io_error", format!("the measurement's own file: {error}"))
}

/// Row e: an order's decision committed with FULL, beside an append of the same bytes and fdatasync, interleaved.
fn decision_commit(rounds: usize) -> Result<Value, Failure> {
    let dir = tempfile::tempdir().map_err(io)?;
    let count = PAIRS * i64::try_from(rounds).unwrap_or(1);
    let clock = SystemClock::default();
    let mirror = mirror_with_orders(&dir.path().join("desk"), count)?;
    let mut peer = OpenOptions::new().create(true).append(true).open(dir.path().join("peer")).map_err(io)?;
    let wal = dir.path().join("desk/aisle.db-wal");
    let mut told = Vec::new();
    let mut ratios = Vec::new();
    let (mut ours_all, mut peers_all) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let first = i64::try_from(round).unwrap_or(0) * PAIRS;
        let (mut ours, mut peers) = (Vec::new(), Vec::new());
        for number in first + 1..=first + PAIRS {
            let before = length(&wal);
            let accept = accept(number, clock.now())?;
            let start = Instant::now();
            mirror.act(&accept).map_err(aisle_app::AppError::from)?;
            ours.push(start.elapsed());
            let bytes = length(&wal).saturating_sub(before).max(4096);
            let start = Instant::now();
            append(&mut peer, bytes)?;
            peers.push(start.elapsed());
        }
        let ratio = micros(quantile(&mut ours, 50)) / micros(quantile(&mut peers, 50));
        told.push(json!({ "ours": micros(quantile(&mut ours, 50)), "peer": micros(quantile(&mut peers, 50)), "ratio": ratio }));
        ratios.push(ratio);
        ours_all.extend(ours);
        peers_all.extend(peers);
    }
    let checked = mirror.read(|conn| Ok(outbox::counts(conn)?.ready))? == count;
    ratios.sort_by(f64::total_cmp);
    let (ours50, peer50) = (micros(quantile(&mut ours_all, 50)), micros(quantile(&mut peers_all, 50)));
    let (ours99, peer99) = (micros(quantile(&mut ours_all, 99)), micros(quantile(&mut peers_all, 99)));
    let goal_met = checked && ours50 <= 1.15 * peer50 + 100.0 && ours99 <= 1.5 * peer99;
    Ok(json!({
        "row": "e", "unit": "us", "n": count, "rounds": told, "median_ratio": ratios.get(ratios.len() / 2),
        "p50": { "ours": ours50, "peer": peer50 }, "p99": { "ours": ours99, "peer": peer99 },
        "checked": checked, "goal": "p50 <= 1.15 x + 100 us, p99 <= 1.5 x", "goal_met": goal_met,
    }))
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |meta| meta.len())
}

fn append(file: &mut File, bytes: u64) -> Result<(), Failure> {
    let block = vec![7_u8; usize::try_from(bytes).unwrap_or(4096)];
    file.write_all(&block).and_then(|()| file.sync_data()).map_err(io)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

fn quantile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let place = (times.len().saturating_sub(1)) * percent / 100;
    times.get(place).copied().unwrap_or_default()
}

/// A mirror that has this many new orders of eight lines, numbers from 1.
fn mirror_with_orders(dir: &Path, count: i64) -> Result<Mirror, Failure> {
    let clock = SystemClock::default();
    let store_id = StoreId::new(1)?;
    let new = NewDesk {
        store_id,
        desk_id: DeskId(Uuid::new_v4()),
        incarnation: Incarnation(1),
        desk_name: "Desk 1".into(),
        at: clock.now(),
    };
    let mirror = Mirror::create(dir, &new)?;
    let entries = (1..=count).map(|id| entry(store_id, id, clock.now())).collect::<Result<Vec<_>, Failure>>()?;
    for batch in entries.chunks(500) {
        mirror.apply_feed(Lane::Orders, "bench", batch, clock.now())?;
    }
    Ok(mirror)
}

fn accept(order: i64, at: Timestamp) -> Result<NewChange, Failure> {
    Ok(NewChange {
        change_id: ChangeId(Uuid::now_v7()),
        change: Change::OrderAccepted(OrderAccepted { order: OrderId::new(order)?, from: OrderStatus::New }),
        by: "Noor".into(),
        at,
        held: false,
        replaces: None,
    })
}

fn entry(store_id: StoreId, number: i64, at: Timestamp) -> Result<FeedEntry, Failure> {
    let order_id = OrderId::new(number)?;
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
        order_id,
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
        version: 1,
        lines: (1..=8).map(line).collect::<Result<_, _>>()?,
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    };
    order.range = Some(AmountRange::derive(order.expected(), &Policies::default(), 1, at, "central"));
    let record = Incoming {
        topic: "bench".into(),
        partition: 0,
        offset: number - 1,
        written_at: at,
        key: Some(format!("order/{order_id}").into_bytes()),
        headers: Vec::new(),
        value: None,
    };
    let message = DownMessage { epoch: Some(Epoch(Uuid::nil())), body: DownBody::Order(Box::new(order)) };
    Ok(FeedEntry { offset: number - 1, written_at: at, record, message: Ok(message) })
}

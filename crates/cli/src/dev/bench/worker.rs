//! Row h: central's worker, beside a bare loop that writes the rows the worker wrote, in transactions of as many
//! changes, with FULL.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{Stop, WorkEvent, WorkOptions, work::WorkEventKind};
use aisle_contract::{ChangeEnvelope, ChangeMessage, Outgoing, TopicNames, partition_of};
use aisle_domain::{Change, DeskId, Incarnation, StoreId};
use aisle_sync::{Clock, SystemClock};
use rusqlite::{Connection, types::Value as Cell};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    failed,
    measure::{Meter, Round, Row, Spent, short},
    town::{Size, Town, accept, act, rename},
};
use crate::exit::Failure;

/// Changes in one transaction of the worker.
const BATCH: usize = 200;
const PARTITIONS: i32 = 12;
const CLUSTER: &str = "bench";
const LONG: Duration = Duration::from_secs(600);

/// Tables of which a change writes rows, in the order of the changes.
const BY_CHANGE: [(&str, &str); 5] = [
    ("orders", "SELECT * FROM orders WHERE version > 1 ORDER BY order_id"),
    ("items", "SELECT * FROM items WHERE version > 1 ORDER BY item_id"),
    ("dedup", "SELECT * FROM dedup ORDER BY lane DESC, seq"),
    ("audit", "SELECT * FROM audit WHERE change_id IS NOT NULL ORDER BY id"),
    ("feed_outbox", "SELECT * FROM feed_outbox WHERE id > ?1 ORDER BY id"),
];
/// Tables of which every transaction writes the same few rows.
const BY_BATCH: [(&str, &str); 6] = [
    ("numbering", "SELECT * FROM numbering"),
    ("positions", "SELECT * FROM positions"),
    ("leases", "SELECT * FROM leases"),
    ("desks", "SELECT * FROM desks"),
    ("digests", "SELECT * FROM digests"),
    ("feeds", "SELECT * FROM feeds"),
];

pub(super) fn run(rounds: usize, changes: usize) -> Result<Value, Failure> {
    let half = changes / 2;
    let town = Town::new(Size { items: half.max(1_000), orders: half })?;
    let records = records(town.store, half)?;
    let n = records.len();
    let (mut told, mut ours_all, mut peer_all) = (Vec::new(), Spent::default(), Spent::default());
    let mut checked = true;
    for _ in 0..rounds {
        // The loop can only write what a worker wrote before: the rows of the round's worker, which goes first.
        let ours = work(&town, &records)?;
        let rows = Rows::read(&town.path().join("ours/central.db"), ours.published_before)?;
        let peer = rows.write(&town)?;
        checked &= ours.sound && rows.are_in(&town.path().join("peer/central.db"), ours.published_before)?;
        told.push(Round { ours: rate(n, ours.spent), peer: rate(n, peer) });
        for (all, one) in [(&mut ours_all, ours.spent), (&mut peer_all, peer)] {
            all.wall += one.wall;
            all.cpu += one.cpu;
        }
        town.forget("ours")?;
        town.forget("peer")?;
    }
    let ratio = super::measure::median(told.iter().map(|r| r.ratio()).collect());
    let seconds = |spent: Spent| json!({ "wall_s": short(spent.wall.as_secs_f64()), "cpu_s": short(spent.cpu.as_secs_f64()) });
    let row = Row {
        name: "h",
        unit: "changes a second",
        data: format!("{}; {half} orders accepted and {half} items renamed, by turns", town.told()),
        peer: "a loop over the worker's own rows, read back beforehand: prepared statements, 200 changes a transaction, FULL",
        n: n * rounds,
        rounds: told,
        checked,
        goal: "median ratio >= 0.5",
        goal_met: ratio >= 0.5,
        facts: json!({ "ours": seconds(ours_all), "bare": seconds(peer_all) }),
    };
    Ok(row.told())
}

#[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn rate(n: usize, spent: Spent) -> f64 {
    n as f64 / spent.wall.as_secs_f64()
}

/// The changes of one desk as they lie in the log, each lane numbered from 1.
fn records(store: StoreId, half: usize) -> Result<Vec<Outgoing>, Failure> {
    let names = TopicNames::default();
    let (desk, now) = (DeskId(Uuid::from_u128(7)), SystemClock::default().now());
    let mut records = Vec::with_capacity(half * 2);
    for place in 0..half {
        for change in [accept(place)?, rename(place, 300)?] {
            records.push(record(&names, (store, desk), place, change, now)?);
        }
    }
    Ok(records)
}

fn record(
    names: &TopicNames,
    (store, desk): (StoreId, DeskId),
    place: usize,
    change: Change,
    now: aisle_domain::Timestamp,
) -> Result<Outgoing, Failure> {
    let new = act(change, now, false);
    let envelope = ChangeEnvelope {
        change_id: new.change_id,
        store,
        desk,
        incarnation: Incarnation(1),
        lane: new.change.lane(),
        seq: i64::try_from(place + 1).unwrap_or(i64::MAX),
        replaces: None,
        staff: new.by,
        acted_at: now,
        key_id: None,
    };
    ChangeMessage { envelope, change: new.change }
        .encode(&names.changes(), partition_of(store, PARTITIONS), None)
        .map_err(|e| failed("a change", e))
}

/// What a worker's turn was.
struct Worked {
    spent: Spent,
    sound: bool,
    /// The highest number of `feed_outbox` before it began.
    published_before: i64,
}

/// First and last moment of a worker, with the processor's time at both.
#[derive(Default)]
struct Turn {
    begun: Option<Meter>,
    spent: Spent,
}

fn work(town: &Town, records: &[Outgoing]) -> Result<Worked, Failure> {
    let clock = SystemClock::default();
    let bus = Bus::new(CLUSTER, move || clock.now());
    let centre = town.copy_centre("ours", TopicNames::default(), CLUSTER)?;
    let published_before = last_number(centre.path())?;
    town.make_topics(centre.names(), &bus)?;
    if bus.append(records.to_vec()).iter().any(Result::is_err) {
        return Err(Failure::new("unexpected", "the bus did not take the changes"));
    }
    let partition = partition_of(town.store, PARTITIONS);
    let turn = Arc::new(Mutex::new(Turn::default()));
    let watched = Arc::clone(&turn);
    let events = move |event: &WorkEvent| {
        let mut turn = watched.lock().unwrap_or_else(PoisonError::into_inner);
        match event.what {
            WorkEventKind::Reading { partition: of, .. } if of == partition => turn.begun = Some(Meter::start()),
            WorkEventKind::Applied { .. } | WorkEventKind::Published { .. } => {
                turn.spent = turn.begun.as_ref().map(Meter::stop).unwrap_or_default();
            }
            _ => {}
        }
    };
    let options = WorkOptions {
        partitions: aisle_central::Partitions::These(vec![partition]),
        until_idle: true,
        timeout: Some(LONG),
        events: Some(Arc::new(events)),
        ..WorkOptions::default()
    };
    let report = centre.work(&bus, &options, &Stop::new())?;
    let sound = report.reached
        && report.summary.applied == u64::try_from(records.len()).unwrap_or(0)
        && report.summary.refused + report.summary.dead + report.summary.duplicates == 0
        && centre.verify(None)?.ok;
    let spent = turn.lock().unwrap_or_else(PoisonError::into_inner).spent;
    Ok(Worked { spent, sound, published_before })
}

fn sql(error: rusqlite::Error) -> Failure {
    failed("the peer's database", error)
}

fn last_number(database: &Path) -> Result<i64, Failure> {
    let conn = Connection::open(database).map_err(sql)?;
    conn.query_row("SELECT coalesce(max(id), 0) FROM feed_outbox", [], |row| row.get(0)).map_err(sql)
}

/// A table's rows, and the statement that writes one.
struct Table {
    statement: String,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    fn read(conn: &Connection, name: &str, query: &str, after: i64) -> Result<Self, Failure> {
        let mut statement = conn.prepare(query).map_err(sql)?;
        let columns: Vec<String> = statement.column_names().map(Into::into).collect();
        let after = [after];
        let given = after.get(..statement.parameter_count()).unwrap_or_default();
        let rows = statement
            .query_map(rusqlite::params_from_iter(given), |row| (0..columns.len()).map(|at| row.get(at)).collect())
            .and_then(Iterator::collect)
            .map_err(sql)?;
        Ok(Self { statement: statement_for(conn, name, &columns)?, rows })
    }
}

/// Rows that are there already are changed where they lie, as a hand would write it; others are inserted.
fn statement_for(conn: &Connection, table: &str, columns: &[String]) -> Result<String, Failure> {
    let places: Vec<String> = (1..=columns.len()).map(|at| format!("?{at}")).collect();
    let keys: Vec<String> = conn
        .prepare("SELECT name FROM pragma_table_info(?1) WHERE pk > 0")
        .and_then(|mut keys| keys.query_map([table], |row| row.get(0))?.collect())
        .map_err(sql)?;
    let pairs = |of_key: bool, between: &str| {
        let named = columns.iter().zip(&places).filter(|(column, _)| keys.contains(column) == of_key);
        named.map(|(column, place)| format!("\"{column}\" = {place}")).collect::<Vec<_>>().join(between)
    };
    Ok(match table {
        "orders" | "items" => {
            format!("UPDATE {table} SET {} WHERE {}", pairs(false, ", "), pairs(true, " AND "))
        }
        "dedup" | "audit" | "feed_outbox" => format!("INSERT INTO {table} VALUES ({})", places.join(", ")),
        _ => format!("INSERT OR REPLACE INTO {table} VALUES ({})", places.join(", ")),
    })
}

/// Everything that a worker wrote.
struct Rows {
    by_change: Vec<Table>,
    by_batch: Vec<Table>,
}

impl Rows {
    fn read(database: &Path, after: i64) -> Result<Self, Failure> {
        let conn = Connection::open(database).map_err(sql)?;
        let read = |(name, query): &(&str, &str)| Table::read(&conn, name, query, after);
        Ok(Self {
            by_change: BY_CHANGE.iter().map(read).collect::<Result<_, _>>()?,
            by_batch: BY_BATCH.iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// Every change has one row here.
    fn changes(&self) -> usize {
        let mut named = BY_CHANGE.iter().zip(&self.by_change);
        named.find(|((name, _), _)| *name == "dedup").map_or(0, |(_, table)| table.rows.len())
    }

    /// The bare loop over a copy of what the worker began with.
    fn write(&self, town: &Town) -> Result<Spent, Failure> {
        drop(town.copy_centre("peer", TopicNames::default(), CLUSTER)?);
        let mut conn = Connection::open(town.path().join("peer/central.db")).map_err(sql)?;
        conn.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
             PRAGMA cache_size = -16384;",
        )
        .map_err(sql)?;
        conn.set_prepared_statement_cache_capacity(64);
        let batches = self.changes().div_ceil(BATCH);
        let meter = Meter::start();
        for batch in 0..batches {
            self.write_batch(&mut conn, batch, batches).map_err(sql)?;
        }
        Ok(meter.stop())
    }

    /// The `batch`th part of every table, in one transaction.
    fn write_batch(&self, conn: &mut Connection, batch: usize, batches: usize) -> rusqlite::Result<()> {
        let tx = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        for table in &self.by_change {
            let mut statement = tx.prepare_cached(&table.statement)?;
            let (from, to) = (table.rows.len() * batch / batches, table.rows.len() * (batch + 1) / batches);
            for row in table.rows.get(from..to).unwrap_or_default() {
                statement.execute(rusqlite::params_from_iter(row))?;
            }
        }
        for table in &self.by_batch {
            let mut statement = tx.prepare_cached(&table.statement)?;
            for row in &table.rows {
                statement.execute(rusqlite::params_from_iter(row))?;
            }
        }
        tx.commit()
    }

    /// Whether another database holds exactly these rows.
    fn are_in(&self, database: &Path, after: i64) -> Result<bool, Failure> {
        let other = Self::read(database, after)?;
        let same = |ours: &[Table], theirs: &[Table]| ours.iter().zip(theirs).all(|(a, b)| a.rows == b.rows);
        Ok(same(&self.by_change, &other.by_change) && same(&self.by_batch, &other.by_batch))
    }
}

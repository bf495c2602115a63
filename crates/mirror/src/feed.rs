//! What comes from central: rows, acknowledgements, refusals. A batch and its position are one transaction, so a
//! record is applied once whatever happens.

mod batch;
pub(crate) mod central;
mod epoch;
pub(crate) mod plan;

use aisle_contract::{DeskAck, DownMessage, Incoming};
use aisle_domain::{ChangeId, Epoch, ItemId, Lane, OrderId, Planted, Timestamp, is_planted};
use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde_json::{Value, json};

pub(crate) use epoch::of_lane as epoch_of_lane;
pub use epoch::{ask as ask_epoch, is_unsettled, settled as settled_epoch};

use self::batch::Batch;
use crate::{error::Result, mirror::Mirror, remirror, row::Columns, settings};

/// More changed items than this are not named one by one.
const NAMED_ITEMS: usize = 1000;

/// One record of a feed, decoded as far as it can be.
#[derive(Debug, Clone)]
pub struct FeedEntry {
    /// Its place.
    pub offset: i64,
    /// When the cluster wrote it.
    pub written_at: Timestamp,
    /// As it came, for parking.
    pub record: Incoming,
    /// What it says, or why that is not understood.
    pub message: std::result::Result<DownMessage, String>,
}

/// What a batch changed, told after its commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeedApplied {
    /// Orders that changed.
    pub orders: Vec<OrderId>,
    /// Items that changed, unless `items_many`.
    pub items: Vec<ItemId>,
    /// Too many items changed to name them.
    pub items_many: bool,
    /// The store's row changed.
    pub store: bool,
    /// Orders that are new here and wait to be accepted.
    pub new_orders: Vec<OrderId>,
    /// Orders that central ended while they were open here.
    pub cancelled: Vec<OrderId>,
    /// Changes that central acknowledged.
    pub received: usize,
    /// Changes that central refused.
    pub refused: Vec<ChangeId>,
    /// Acks for this desk and its numbering.
    pub acks: Vec<DeskAck>,
    /// Changes that no longer fold.
    pub will_be_refused: Vec<ChangeId>,
    /// Messages that could not be applied.
    pub parked: usize,
    /// States of changes moved.
    pub outbox: bool,
    /// Numbers are to be given anew before anything more is numbered.
    pub anew: bool,
    /// Central has another history, which is to be asked what it knows of this desk.
    pub unsettled: bool,
    /// Central has told what it knows of this desk in its new history: what waited for that may be numbered.
    pub settled: bool,
    /// Records that were applied.
    pub applied: usize,
    /// The rest of the batch was left: the feed goes on from the position that is kept, or from its beginning.
    pub restart: bool,
}

/// Where a feed is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedPosition {
    /// The cluster that it is a position in.
    pub cluster: String,
    /// The next offset.
    pub next_offset: i64,
    /// When the last batch came.
    pub received_at: Timestamp,
}

/// A message that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parked {
    /// Its number here.
    pub id: i64,
    /// Where it lies.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// The offset.
    pub offset: i64,
    /// Its key.
    pub key: Option<String>,
    /// Why it could not be applied.
    pub why: String,
    /// When it came.
    pub at: Timestamp,
}

impl FeedApplied {
    /// Adds what something later changed.
    pub fn merge(&mut self, later: Self) {
        self.orders.extend(later.orders);
        self.items.extend(later.items);
        self.items_many |= later.items_many;
        self.store |= later.store;
        self.new_orders.extend(later.new_orders);
        self.cancelled.extend(later.cancelled);
        self.received += later.received;
        self.refused.extend(later.refused);
        self.acks.extend(later.acks);
        self.will_be_refused.extend(later.will_be_refused);
        self.parked += later.parked;
        self.outbox |= later.outbox;
        self.anew |= later.anew;
        self.unsettled |= later.unsettled;
        self.settled |= later.settled;
        self.applied += later.applied;
        self.restart |= later.restart;
    }

    /// Each row once, and many items unnamed.
    fn shorten(&mut self) {
        self.orders.sort_unstable();
        self.orders.dedup();
        self.items.sort_unstable();
        self.items.dedup();
        if self.items.len() > NAMED_ITEMS {
            self.items_many = true;
            self.items.clear();
        }
    }
}

impl Mirror {
    /// Applies a batch of a lane's feed with its position, in one transaction. Records before the position are
    /// skipped; what cannot be applied is parked and the rest goes on.
    pub fn apply_feed(
        &self,
        lane: Lane,
        cluster: &str,
        entries: &[FeedEntry],
        at: Timestamp,
    ) -> Result<FeedApplied> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Ok(FeedApplied::default());
        };
        let early = is_planted(Planted::PositionBeforeRows);
        if early {
            self.write(|tx| set_position(tx, lane, cluster, last.offset + 1, at))?;
        }
        let mut applied = self.write(|tx| {
            let remirror = remirror::of_lane(tx, lane)?;
            // It was begun since the feed was opened, or is past what it reads.
            if remirror.as_ref().is_some_and(|r| r.cluster.as_deref() != Some(cluster) || !r.phase.reads()) {
                return Ok(FeedApplied { restart: true, ..FeedApplied::default() });
            }
            let stored = position(tx, lane)?.filter(|p| p.cluster == cluster && !early);
            let start = stored.map_or(if early { first.offset } else { 0 }, |p| p.next_offset);
            let mut batch = Batch::new(tx, (lane, cluster), start, remirror, at);
            batch.take_all(&self.identity(), entries)?;
            batch.finish()
        })?;
        applied.shorten();
        Ok(applied)
    }
}

/// Does `act` wholly or not at all. Answers in words what speaks against the record; what speaks against the
/// database as a whole is the error of the whole batch.
pub(crate) fn whole<T>(
    tx: &Transaction<'_>,
    act: impl FnOnce(&Transaction<'_>) -> Result<T>,
) -> Result<std::result::Result<T, String>> {
    tx.prepare_cached("SAVEPOINT feed_record")?.execute([])?;
    let answer = match act(tx) {
        Err(error) if error.is_of_one_row() => {
            tx.prepare_cached("ROLLBACK TO feed_record")?.execute([])?;
            Err(error.to_string())
        }
        other => Ok(other?),
    };
    tx.prepare_cached("RELEASE feed_record")?.execute([])?;
    Ok(answer)
}

/// A later record of the same key stands in the place of one that was parked.
fn unpark(tx: &Transaction<'_>, lane: Lane, entry: &FeedEntry) -> Result<()> {
    if let Some(key) = entry.record.key_text() {
        tx.prepare_cached("DELETE FROM parked WHERE lane = ?1 AND key = ?2")?
            .execute(params![lane.word(), key])?;
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].map(|digit| char::from_digit(digit.into(), 16).unwrap_or_default()));
        text
    })
}

fn park(
    tx: &Transaction<'_>,
    lane: Lane,
    entry: &FeedEntry,
    (why, is_stray): (&str, bool),
    at: Timestamp,
) -> Result<()> {
    unpark(tx, lane, entry)?;
    let record = &entry.record;
    let headers: Vec<Value> = record.headers.iter().map(|(name, value)| json!([name, hex(value)])).collect();
    tx.prepare_cached(
        "INSERT INTO parked (lane, topic, partition, offset, key, headers, value, why, at, stray)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    )?
    .execute(params![
        lane.word(),
        record.topic,
        record.partition,
        record.offset,
        record.key.as_deref().map(String::from_utf8_lossy),
        Value::Array(headers).to_string(),
        record.value,
        why,
        at.millis(),
        is_stray,
    ])?;
    Ok(())
}

/// Where a lane is read, once it has been.
pub fn position(conn: &Connection, lane: Lane) -> Result<Option<FeedPosition>> {
    let mut statement =
        conn.prepare_cached("SELECT cluster, next_offset, received_at FROM feed_positions WHERE lane = ?1")?;
    let mut rows = statement.query([lane.word()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(FeedPosition {
        cluster: row.get("cluster")?,
        next_offset: row.get("next_offset")?,
        received_at: row.time("received_at")?,
    }))
}

fn set_position(tx: &Transaction<'_>, lane: Lane, cluster: &str, next: i64, at: Timestamp) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO feed_positions (lane, cluster, next_offset, received_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (lane) DO UPDATE SET cluster = excluded.cluster, next_offset = excluded.next_offset,
             received_at = excluded.received_at",
    )?
    .execute(params![lane.word(), cluster, next, at.millis()])?;
    Ok(())
}

/// Central's history that is mirrored, once a message has named it.
pub fn epoch(conn: &Connection) -> Result<Option<Epoch>> {
    epoch::of_lane(conn, Lane::Orders)
}

fn ack_key(lane: Lane) -> String {
    format!("ack.{}", lane.word())
}

/// Keeps central's last word on a lane: what may be sent again is decided by it, after a restart too.
fn remember_ack(tx: &Transaction<'_>, ack: &DeskAck) -> Result<()> {
    settings::set(tx, &ack_key(ack.lane), &serde_json::to_string(ack)?)
}

/// Central's last word on a lane of this desk's numbering.
pub fn last_ack(conn: &Connection, lane: Lane) -> Result<Option<DeskAck>> {
    Ok(settings::get(conn, &ack_key(lane))?.map(|json| serde_json::from_str(&json)).transpose()?)
}

/// How many messages are parked.
pub fn parked_count(conn: &Connection) -> Result<i64> {
    Ok(conn
        .prepare_cached("SELECT count(*) FROM parked")?
        .query_row([], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}

/// Parked messages, oldest first.
pub fn parked(conn: &Connection, limit: usize) -> Result<Vec<Parked>> {
    let mut statement =
        conn.prepare_cached("SELECT id, topic, partition, offset, key, why, at FROM parked ORDER BY id LIMIT ?1")?;
    let mut rows = statement.query([i64::try_from(limit).unwrap_or(i64::MAX)])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(Parked {
            id: row.get("id")?,
            topic: row.get("topic")?,
            partition: row.get("partition")?,
            offset: row.get("offset")?,
            key: row.get("key")?,
            why: row.get("why")?,
            at: row.time("at")?,
        });
    }
    Ok(found)
}

//! Count and sum over central's rows in the mirror: over bases where they are kept, over shown rows elsewhere.

use aisle_domain::{
    ItemId, Lane, OrderId, Subject, Timestamp,
    digest::{DigestView, RowDigest},
};
use rusqlite::{Connection, Transaction, params};

use serde_json::json;

use crate::{
    error::Result,
    mirror::Mirror,
    remirror::{self, Reason},
    row::{Columns, bad},
    settings,
};

/// Of orders and of items.
pub fn rows(conn: &Connection) -> Result<(RowDigest, RowDigest)> {
    Ok((of_lane(conn, Lane::Orders)?, of_lane(conn, Lane::Catalog)?))
}

/// Of the rows of one lane.
pub fn of_lane(conn: &Connection, lane: Lane) -> Result<RowDigest> {
    if lane == Lane::Catalog {
        return items(conn);
    }
    digest(
        conn,
        "SELECT o.order_id AS id, coalesce(b.version, o.version) AS version
         FROM orders o LEFT JOIN bases b ON b.kind = 'order' AND b.id = o.order_id",
        |id| Ok(Subject::Order(OrderId::new(id)?)),
    )
}

/// An item that only this desk has yet has a base without a row: central does not count it.
fn items(conn: &Connection) -> Result<RowDigest> {
    digest(
        conn,
        "SELECT i.item_id AS id, CASE WHEN b.id IS NULL THEN i.version ELSE b.version END AS version
         FROM items i LEFT JOIN bases b ON b.kind = 'item' AND b.id = i.item_id
         WHERE b.id IS NULL OR b.row IS NOT NULL",
        |id| Ok(Subject::Item(ItemId::new(id)?)),
    )
}

fn digest(
    conn: &Connection,
    sql: &str,
    subject: impl Fn(i64) -> std::result::Result<Subject, aisle_domain::BadId>,
) -> Result<RowDigest> {
    let mut statement = conn.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut digest = RowDigest::default();
    while let Some(row) = rows.next()? {
        digest.add(row.id("id", &subject)?, row.get("version")?);
    }
    Ok(digest)
}

/// What central said of its own rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CentralDigest {
    /// Where in the feed it said so.
    pub offset: i64,
    /// Count and sum.
    pub rows: DigestView,
    /// When it came.
    pub at: Timestamp,
}

/// What a comparison with central's last digest of a lane said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compared {
    /// Both have the same rows.
    Same,
    /// They differ, for the first time.
    Differs,
    /// They differ twice in a row: the lane is mirrored anew.
    DiffersAgain,
    /// Rows that could not be read explain any difference.
    Unread,
}

fn suspect_key(lane: Lane) -> String {
    format!("digest.differs.{}", lane.word())
}

impl Mirror {
    /// Compares the rows of a lane with what central said of its own at `offset`, the last record that was applied. One
    /// difference is kept, over a restart too; the second in a row begins the lane anew.
    pub fn compare_digest(&self, lane: Lane, offset: i64, at: Timestamp) -> Result<Compared> {
        let found = self.read(|conn| {
            let central = of_central(conn, lane)?.into_iter().next().filter(|central| central.offset == offset);
            let suspect = settings::get(conn, &suspect_key(lane))?;
            let own: DigestView = of_lane(conn, lane)?.into();
            Ok((central, own, suspect, has_unread(conn, lane)?))
        })?;
        let (Some(central), own, suspect, unread) = found else { return Ok(Compared::Unread) };
        if central.rows == own {
            if suspect.is_some() {
                self.write(|tx| forget_suspicion(tx, lane))?;
            }
            return Ok(Compared::Same);
        }
        if unread {
            return Ok(Compared::Unread);
        }
        tracing::warn!(lane = lane.word(), ?own, central = ?central.rows, offset, "the digest differs from central's");
        let again = suspect.is_some_and(|before| before != offset.to_string());
        self.write(|tx| {
            if !again {
                settings::set(tx, &suspect_key(lane), &offset.to_string())?;
                return Ok(Compared::Differs);
            }
            forget_suspicion(tx, lane)?;
            let facts = json!({ "own": own, "central": central.rows, "offset": offset });
            remirror::begin(tx, lane, Reason::Digest, &facts, at)?;
            Ok(Compared::DiffersAgain)
        })
    }
}

/// Whether the last comparison of a lane differed.
pub fn is_suspect(conn: &Connection, lane: Lane) -> Result<bool> {
    Ok(settings::get(conn, &suspect_key(lane))?.is_some())
}

fn forget_suspicion(tx: &Transaction<'_>, lane: Lane) -> Result<()> {
    settings::remove(tx, &suspect_key(lane))
}

/// Whether rows came that could not be applied.
fn has_unread(conn: &Connection, lane: Lane) -> Result<bool> {
    let mut statement =
        conn.prepare_cached("SELECT key FROM parked WHERE lane = ?1 AND NOT stray AND key IS NOT NULL")?;
    let mut rows = statement.query([lane.word()])?;
    while let Some(row) = rows.next()? {
        let key = row.get_ref("key")?.as_str().map_err(|e| bad("key", e))?;
        if remirror::row_of_key(lane, key).is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Digests of central's that are kept, of each lane.
const KEPT: i64 = 20;

/// Keeps central's word.
pub(crate) fn remember(
    tx: &Transaction<'_>,
    lane: Lane,
    offset: i64,
    rows: &DigestView,
    at: Timestamp,
) -> Result<()> {
    let count = i64::try_from(rows.count).unwrap_or(i64::MAX);
    tx.prepare_cached("INSERT INTO digests (lane, offset, count, sum, at) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![lane.word(), offset, count, rows.sum, at.millis()])?;
    tx.prepare_cached(
        "DELETE FROM digests WHERE lane = ?1
         AND id <= (SELECT id FROM digests WHERE lane = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
    )?
    .execute(params![lane.word(), KEPT])?;
    Ok(())
}

/// Central's digests of a lane, newest first, at most 20.
pub fn of_central(conn: &Connection, lane: Lane) -> Result<Vec<CentralDigest>> {
    let mut statement =
        conn.prepare_cached("SELECT offset, count, sum, at FROM digests WHERE lane = ?1 ORDER BY id DESC")?;
    let mut rows = statement.query([lane.word()])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let count = u64::try_from(row.get::<_, i64>("count")?).unwrap_or_default();
        let rows = DigestView { count, sum: row.get("sum")? };
        found.push(CentralDigest { offset: row.get("offset")?, rows, at: row.time("at")? });
    }
    Ok(found)
}

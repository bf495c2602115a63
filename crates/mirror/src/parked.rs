//! Messages that could not be applied: one by one, and tried once more.

use aisle_contract::{DownMessage, Incoming};
use aisle_domain::{Lane, Timestamp};
use rusqlite::{Connection, params};

use crate::{
    error::{MirrorError, Result},
    feed::{self, FeedApplied, FeedEntry, Parked, central, plan},
    mirror::Mirror,
    remirror,
    row::{Columns, bad},
};

/// A parked message with all that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedRecord {
    /// What a list shows of it.
    pub parked: Parked,
    /// The lane.
    pub lane: Lane,
    /// The record, byte for byte.
    pub record: Incoming,
}

/// What became of a message that was tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Retried {
    /// Its number.
    pub id: i64,
    /// Why it still cannot be applied; `None` when it was.
    pub why: Option<String>,
    /// What it changed.
    pub applied: FeedApplied,
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> =
        hex.chars().map(|c| c.to_digit(16).and_then(|d| u8::try_from(d).ok())).collect::<Option<_>>()?;
    let pairs = digits.chunks_exact(2);
    pairs.remainder().is_empty().then(|| pairs.filter_map(|p| Some((p.first()? << 4) | p.last()?)).collect())
}

/// One parked message.
pub fn load(conn: &Connection, id: i64) -> Result<Option<ParkedRecord>> {
    let mut statement = conn.prepare_cached("SELECT * FROM parked WHERE id = ?1")?;
    let mut rows = statement.query([id])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let headers: Vec<(String, String)> = row.json("headers")?;
    let headers = headers
        .into_iter()
        .map(|(name, hex)| Some((name, bytes(&hex)?)))
        .collect::<Option<_>>()
        .ok_or_else(|| bad("headers", "not pairs of hex digits"))?;
    let parked = Parked {
        id,
        topic: row.get("topic")?,
        partition: row.get("partition")?,
        offset: row.get("offset")?,
        key: row.get("key")?,
        why: row.get("why")?,
        at: row.time("at")?,
    };
    let record = Incoming {
        topic: parked.topic.clone(),
        partition: parked.partition,
        offset: parked.offset,
        written_at: parked.at,
        key: parked.key.clone().map(String::into_bytes),
        headers,
        value: row.get("value")?,
    };
    Ok(Some(ParkedRecord { lane: row.word("lane", &Lane::ALL, Lane::word)?, parked, record }))
}

impl Mirror {
    /// Reads a parked message again, as this program understands it now, and applies it where it can be.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where there is none with this number.
    pub fn retry_parked(&self, id: i64, at: Timestamp) -> Result<Retried> {
        let identity = self.identity();
        self.write(|tx| {
            let missing = || MirrorError::NotFound { what: format!("parked message {id}") };
            let kept = load(tx, id)?.ok_or_else(missing)?;
            let lane = kept.lane;
            let refused = |why: String| Retried { id, why: Some(why), applied: FeedApplied::default() };
            if remirror::of_lane(tx, lane)?.is_some() {
                return Ok(refused("the feed is being mirrored anew, and comes to it by itself".into()));
            }
            let message = match DownMessage::decode(&kept.record) {
                Ok(message) => message,
                Err(why) => return note(tx, id, refused(why.to_string())),
            };
            if message.epoch.is_some() && message.epoch != feed::epoch_of_lane(tx, lane)? {
                return Ok(refused("it is of a history of central's that is over".into()));
            }
            let offset = kept.record.offset;
            let entry = FeedEntry { offset, written_at: at, record: kept.record, message: Ok(message) };
            let cluster = feed::position(tx, lane)?.map(|at| at.cluster).unwrap_or_default();
            let meaning = plan::meaning(&identity, (lane, &cluster), offset, &entry);
            if let plan::Meaning::Park(why) | plan::Meaning::Stray(why) = meaning {
                return note(tx, id, refused(why));
            }
            match feed::whole(tx, |tx| central::apply(tx, lane, offset, &meaning, at))? {
                Err(why) => note(tx, id, refused(why)),
                Ok(applied) => {
                    tx.prepare_cached("DELETE FROM parked WHERE id = ?1")?.execute([id])?;
                    Ok(Retried { id, why: None, applied })
                }
            }
        })
    }
}

/// Keeps why it still cannot be applied.
fn note(tx: &rusqlite::Transaction<'_>, id: i64, retried: Retried) -> Result<Retried> {
    tx.prepare_cached("UPDATE parked SET why = ?2 WHERE id = ?1")?.execute(params![id, retried.why])?;
    Ok(retried)
}

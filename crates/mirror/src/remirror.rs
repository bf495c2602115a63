//! Mirroring a feed anew, in place. The feed is read from its beginning, and of every row only its last version is
//! noted. What is shown changes when the feed's end is reached, and only to what central has now; what central does
//! not have any more goes when what was seen is all that central has, by its own digest. All of it stands in the
//! database: a kill at any moment costs nothing but time.

mod notes;
mod steps;

use aisle_contract::Bounds;
use aisle_domain::{Epoch, Lane, Subject, Timestamp, digest::RowDigest};
use rusqlite::{Connection, Transaction, params};
use serde_json::{Value, json};

pub(crate) use notes::{note_unreadable, row_of_key, take};

use crate::{
    audit::{self, Entry},
    error::Result,
    mirror::Mirror,
    row::{Columns, bad},
};

const BEGUN: &str = "feed.remirror";
/// Before the first row of all: the store's, which is number 0.
const BEFORE_ALL: i64 = -1;

/// Why a feed is mirrored anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Count and sum of what is here differ from central's, twice in a row.
    Digest,
    /// The position is not in the feed any more.
    Lost,
    /// It is another cluster.
    Cluster,
    /// Central has another history.
    Epoch,
    /// A person asked for it.
    Asked,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Digest, Self::Lost, Self::Cluster, Self::Epoch, Self::Asked];

    /// The word of the audit log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Digest => "digest",
            Self::Lost => "lost",
            Self::Cluster => "cluster",
            Self::Epoch => "epoch",
            Self::Asked => "asked",
        }
    }

    /// What it means, for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Digest => "what is here differed from what central has",
            Self::Lost => "the place that was read to is no longer in the feed",
            Self::Cluster => "central has another cluster",
            Self::Epoch => "central was restored from a backup or set up anew",
            Self::Asked => "it was asked for",
        }
    }
}

/// Where a re-mirroring is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// The feed is read to the end that it had; nothing is shown of it yet.
    Reading,
    /// What is newer than what is shown is taken over.
    Taking,
    /// The feed is read on until what was seen is all that central has.
    Waiting,
    /// Rows that central has in a lower version are put back to it.
    PuttingBack,
    /// Rows that central does not have any more are removed.
    Sweeping,
    /// The notes are thrown away.
    Clearing,
}

impl Phase {
    const ALL: [Self; 6] =
        [Self::Reading, Self::Taking, Self::Waiting, Self::PuttingBack, Self::Sweeping, Self::Clearing];

    const fn word(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Taking => "taking",
            Self::Waiting => "waiting",
            Self::PuttingBack => "putting_back",
            Self::Sweeping => "sweeping",
            Self::Clearing => "clearing",
        }
    }

    /// Whether records of the feed are taken in it.
    pub const fn reads(self) -> bool {
        matches!(self, Self::Reading | Self::Waiting)
    }
}

/// A lane that is mirrored anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remirror {
    /// The lane.
    pub lane: Lane,
    /// Why.
    pub why: Reason,
    /// Since when.
    pub since: Timestamp,
    /// Where it is.
    pub phase: Phase,
    /// The cluster in which its feed was opened; `None` before.
    pub cluster: Option<String>,
    /// The feed's end then.
    pub read_to: Option<i64>,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) rows: RowDigest,
    pub(crate) unread: i64,
    pub(crate) agreed: bool,
    pub(crate) after: i64,
    pub(crate) put_back: i64,
    pub(crate) swept: i64,
}

/// The re-mirroring of a lane, while there is one.
pub fn of_lane(conn: &Connection, lane: Lane) -> Result<Option<Remirror>> {
    let mut statement = conn.prepare_cached("SELECT * FROM remirrors WHERE lane = ?1")?;
    let mut rows = statement.query([lane.word()])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Remirror {
        lane,
        why: row.word("why", &Reason::ALL, Reason::word)?,
        since: row.time("since")?,
        phase: row.word("phase", &Phase::ALL, Phase::word)?,
        cluster: row.get("cluster")?,
        read_to: row.get("read_to")?,
        epoch: row.parsed_optional("epoch")?,
        rows: RowDigest {
            count: row.get::<_, i64>("count")?.cast_unsigned(),
            sum: row.get::<_, i64>("sum")?.cast_unsigned(),
        },
        unread: row.get("unread")?,
        agreed: row.get("agreed")?,
        after: row.get("after")?,
        put_back: row.get("put_back")?,
        swept: row.get("swept")?,
    }))
}

/// The last times that feeds were begun anew, newest first.
pub fn recent(conn: &Connection, limit: usize) -> Result<Vec<(Timestamp, Lane, Reason)>> {
    let entries = audit::of_kind(conn, BEGUN, limit)?;
    let read = |entry: audit::AuditEntry| {
        let word = |name: &str| entry.text_json.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let lane = Lane::from_word(&word("lane")).ok_or_else(|| bad("body", word("lane")))?;
        let why = Reason::ALL.into_iter().find(|why| why.word() == word("why"));
        Ok((entry.at, lane, why.ok_or_else(|| bad("body", word("why")))?))
    };
    entries.into_iter().map(read).collect()
}

pub(crate) fn save(tx: &Transaction<'_>, state: &Remirror) -> Result<()> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO remirrors (lane, why, since, phase, cluster, read_to, epoch, count, sum, unread, agreed,
             after, put_back, swept) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
    )?
    .execute(params![
        state.lane.word(),
        state.why.word(),
        state.since.millis(),
        state.phase.word(),
        state.cluster,
        state.read_to,
        state.epoch.map(|epoch| epoch.to_string()),
        state.rows.count.cast_signed(),
        state.rows.sum.cast_signed(),
        state.unread,
        state.agreed,
        state.after,
        state.put_back,
        state.swept,
    ])?;
    Ok(())
}

/// Begins anew, whatever was under way.
pub(crate) fn begin(tx: &Transaction<'_>, lane: Lane, why: Reason, facts: &Value, at: Timestamp) -> Result<()> {
    tracing::warn!(lane = lane.word(), why = why.word(), %facts, "the feed is mirrored anew");
    tx.prepare_cached("DELETE FROM seen WHERE lane = ?1")?.execute([lane.word()])?;
    tx.prepare_cached("DELETE FROM feed_positions WHERE lane = ?1")?.execute([lane.word()])?;
    let state = Remirror {
        lane,
        why,
        since: at,
        phase: Phase::Reading,
        cluster: None,
        read_to: None,
        epoch: None,
        rows: RowDigest::default(),
        unread: 0,
        agreed: false,
        after: BEFORE_ALL,
        put_back: 0,
        swept: 0,
    };
    save(tx, &state)?;
    log(tx, BEGUN, &json!({ "lane": lane.word(), "why": why.word(), "facts": facts }), at)
}

fn log(tx: &Transaction<'_>, kind: &str, body: &Value, at: Timestamp) -> Result<()> {
    let body = &body.to_string();
    audit::append(tx, &Entry { at, kind, subject: Subject::Store, by: None, change_id: None, body })
}

impl Mirror {
    /// Mirrors a lane anew, in place: it is read from the beginning of its feed at the next step.
    pub fn remirror(&self, lane: Lane, why: Reason, facts: &Value, at: Timestamp) -> Result<()> {
        self.write(|tx| begin(tx, lane, why, facts, at))
    }

    /// The feed of a lane that is mirrored anew was opened: it is read to the end that it has now.
    pub fn remirror_opened(&self, lane: Lane, cluster: &str, bounds: Bounds) -> Result<()> {
        self.write(|tx| {
            let Some(mut state) = of_lane(tx, lane)? else { return Ok(()) };
            if state.cluster.as_deref() == Some(cluster) {
                return Ok(());
            }
            state.cluster = Some(cluster.into());
            state.read_to = Some(bounds.high);
            if bounds.low >= bounds.high {
                state.phase = Phase::Taking;
            }
            save(tx, &state)
        })
    }
}

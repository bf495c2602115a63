//! Reading a feed: from the position in the database, into the database, one step a call.

use std::time::Duration;

use aisle_contract::{DownBody, DownMessage, Incoming, PortError, Reader, Start, Transport};
use aisle_domain::{Lane, Timestamp};
use aisle_mirror::{Compared, FeedApplied, FeedEntry, Mirror, Reason, digest, feed, remirror};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{SyncError, shared::SyncOptions};

const BATCH: usize = 500;
const METADATA: Duration = Duration::from_secs(4);
/// A thousand rows take about a millisecond to compare: a six-hundredth of the time goes into it at most.
const PATIENCE_MS_A_THOUSAND_ROWS: i64 = 600;

/// A feed and how far it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStatus {
    /// The lane.
    pub lane: Lane,
    /// The topic.
    pub topic: String,
    /// Next offset to read.
    pub position: i64,
    /// The end as it was last seen.
    pub end: Option<i64>,
    /// Records still to read.
    pub behind: Option<i64>,
    /// It is mirrored anew.
    pub remirroring: bool,
}

/// What one step did.
#[derive(Debug, Clone, Default)]
pub struct FeedStep {
    /// Records that were read.
    pub read: usize,
    /// What they changed.
    pub applied: FeedApplied,
    /// Something was done that needed no record.
    pub worked: bool,
    /// Central said that it is at work.
    pub heartbeat: bool,
}

/// Reads one lane's feed.
pub struct FeedReader {
    mirror: Mirror,
    lane: Lane,
    topic: String,
    line: Option<Line>,
    position: i64,
    end: Option<i64>,
    /// Digests from here on may be compared.
    compares_from: i64,
    compared: Option<LastComparison>,
    remirroring: bool,
    busy: bool,
}

struct LastComparison {
    at: Timestamp,
    rows: i64,
    same: bool,
}

struct Line {
    reader: Box<dyn Reader>,
    cluster: String,
}

impl FeedReader {
    /// A reader that has no connection yet.
    pub fn new(mirror: Mirror, options: &SyncOptions, lane: Lane) -> Self {
        let topic = options.names.feed(mirror.identity().store_id, lane);
        let stored = mirror.read(|conn| feed::position(conn, lane)).ok().flatten();
        let position = stored.map_or(0, |p| p.next_offset);
        let remirroring = mirror.read(|conn| remirror::of_lane(conn, lane)).ok().flatten().is_some();
        Self {
            mirror,
            lane,
            topic,
            line: None,
            position,
            end: None,
            compares_from: 0,
            compared: None,
            remirroring,
            busy: remirroring,
        }
    }

    /// How far the feed is read.
    pub fn status(&self) -> FeedStatus {
        FeedStatus {
            lane: self.lane,
            topic: self.topic.clone(),
            position: self.position,
            end: self.end,
            behind: self.end.map(|end| (end - self.position).max(0)),
            remirroring: self.remirroring,
        }
    }

    /// Reads once and applies what came, waiting for at most `wait`. After an error the next step begins anew.
    pub fn step(
        &mut self,
        transport: &dyn Transport,
        wait: Duration,
        now: impl Fn() -> Timestamp,
    ) -> Result<FeedStep, SyncError> {
        let result = self.step_on(transport, wait, now);
        if result.is_err() {
            self.line = None;
        }
        result
    }

    fn step_on(
        &mut self,
        transport: &dyn Transport,
        wait: Duration,
        now: impl Fn() -> Timestamp,
    ) -> Result<FeedStep, SyncError> {
        if let Some(applied) = self.remirror(now())? {
            return Ok(FeedStep { applied, worked: true, ..FeedStep::default() });
        }
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.open(transport, now())?,
        };
        let records = match line.reader.read(BATCH, wait) {
            Ok(records) => records,
            // Opened again, the feed is asked whether it is another cluster's, and where it begins and ends.
            Err(PortError::OutOfRange { .. }) => return Ok(FeedStep { worked: true, ..FeedStep::default() }),
            Err(error) => return Err(error.into()),
        };
        if records.is_empty() {
            self.line = Some(line);
            return Ok(FeedStep::default());
        }
        let entries: Vec<FeedEntry> = records.into_iter().map(decode).collect();
        let heartbeat = entries.iter().any(is_heartbeat);
        let mut step = FeedStep { read: entries.len(), heartbeat, ..FeedStep::default() };
        let mut rest = entries.as_slice();
        while !rest.is_empty() {
            let (part, later) = rest.split_at(self.until_digest(rest, now()));
            rest = later;
            let applied = self.mirror.apply_feed(self.lane, &line.cluster, part, now())?;
            let restart = applied.restart;
            step.applied.merge(applied);
            if restart {
                self.find_position()?;
                return Ok(step);
            }
            if let Some(last) = part.last() {
                self.position = last.offset + 1;
                self.end = self.end.map(|end| end.max(self.position));
                if is_digest(last) && last.offset >= self.compares_from {
                    self.compare(last.offset, now())?;
                }
            }
        }
        self.line = Some(line);
        Ok(step)
    }

    /// How many records are applied before the mirror is compared: up to a digest that is to be.
    fn until_digest(&self, entries: &[FeedEntry], now: Timestamp) -> usize {
        if !self.is_comparison_due(now) {
            return entries.len();
        }
        let found = entries.iter().position(|entry| entry.offset >= self.compares_from && is_digest(entry));
        found.map_or(entries.len(), |at| at + 1)
    }

    /// To compare a catalog reads all of it, so that the larger it is the less often that is done. What differed once is
    /// compared again as soon as may be.
    fn is_comparison_due(&self, now: Timestamp) -> bool {
        if self.remirroring {
            return false;
        }
        match &self.compared {
            Some(last) if last.same => {
                now.since(last.at) >= last.rows.saturating_mul(PATIENCE_MS_A_THOUSAND_ROWS) / 1000
            }
            _ => true,
        }
    }

    /// In a snapshot behind the commit: this reader alone writes central's rows of its lane.
    fn compare(&mut self, offset: i64, now: Timestamp) -> Result<(), SyncError> {
        if !self.is_comparison_due(now) {
            return Ok(());
        }
        let compared = self.mirror.compare_digest(self.lane, offset, now)?;
        let same = matches!(compared, Compared::Same | Compared::Unread);
        let rows = self.mirror.read(|conn| digest::of_central(conn, self.lane))?.into_iter().next();
        let rows = rows.map_or(0, |central| i64::try_from(central.rows.count).unwrap_or(i64::MAX));
        self.compared = Some(LastComparison { at: now, rows, same });
        Ok(())
    }

    /// Where the database says that the feed goes on.
    fn find_position(&mut self) -> Result<(), SyncError> {
        let stored = self.mirror.read(|conn| feed::position(conn, self.lane))?;
        self.position = stored.map_or(0, |at| at.next_offset);
        Ok(())
    }

    /// What is under way in the database: true when a step of it was done, which needed no record.
    fn remirror(&mut self, now: Timestamp) -> Result<Option<FeedApplied>, SyncError> {
        let applied = self.mirror.remirror_step(self.lane, now)?;
        let state = self.mirror.read(|conn| remirror::of_lane(conn, self.lane))?;
        self.remirroring = state.is_some();
        self.busy = state.as_ref().is_some_and(|state| state.phase != remirror::Phase::Waiting);
        if state.is_some_and(|state| state.cluster.is_none()) {
            self.line = None;
        }
        Ok(applied)
    }

    /// Asks whether the topic is there and may be read, before waiting on it: silence is never taken for health.
    fn open(&mut self, transport: &dyn Transport, now: Timestamp) -> Result<Line, SyncError> {
        let view = transport.metadata(std::slice::from_ref(&self.topic), METADATA)?;
        if view.topic(&self.topic).is_none() {
            return Err(PortError::TopicMissing { topic: self.topic.clone() }.into());
        }
        let cluster = view.cluster_id;
        let bounds = transport.bounds(&self.topic, 0, METADATA)?;
        self.end = Some(bounds.high);
        // What was written before this reading began was said of rows that may be on their way here still.
        self.compares_from = bounds.high;
        match self.mirror.read(|conn| feed::position(conn, self.lane))? {
            Some(at) if at.cluster != cluster => {
                let facts = json!({ "before": at.cluster, "now": cluster });
                self.begin_anew(Reason::Cluster, &facts, now)?;
            }
            Some(at) if !(bounds.low..=bounds.high).contains(&at.next_offset) => {
                let facts = json!({ "position": at.next_offset, "low": bounds.low, "high": bounds.high });
                self.begin_anew(Reason::Lost, &facts, now)?;
            }
            _ => {}
        }
        self.mirror.remirror_opened(self.lane, &cluster, bounds)?;
        let stored = self.mirror.read(|conn| feed::position(conn, self.lane))?;
        let start = stored.map_or(Start::Beginning, |at| Start::At(at.next_offset));
        self.position = if let Start::At(offset) = start { offset } else { bounds.low };
        let reader = transport.reader(&self.topic, 0, start)?;
        Ok(Line { reader, cluster })
    }

    /// Mirrors the lane anew, in place: what is shown stays until it is known what central has.
    fn begin_anew(&mut self, why: Reason, facts: &Value, now: Timestamp) -> Result<(), SyncError> {
        self.mirror.remirror(self.lane, why, facts, now)?;
        self.remirroring = true;
        self.busy = true;
        self.position = 0;
        Ok(())
    }

    /// The end of the feed, asked of the cluster.
    pub fn find_end(&mut self, transport: &dyn Transport) -> Result<i64, PortError> {
        let high = transport.bounds(&self.topic, 0, METADATA)?.high;
        self.end = Some(high);
        Ok(high)
    }

    /// Whether something is to be done here before what was read is shown as it is.
    pub const fn is_busy(&self) -> bool {
        self.busy
    }

    /// The next offset to read.
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// The cluster is this one as others saw it: a reader of another one is of no use.
    pub(crate) fn notice_cluster(&mut self, cluster: &str) {
        self.line.take_if(|line| line.cluster != cluster);
    }

    /// Opens the feed again at the next step: what is known of its end is from before an absence.
    pub(crate) fn reopen(&mut self) {
        self.line = None;
        self.end = None;
    }

    /// The lane.
    pub const fn lane(&self) -> Lane {
        self.lane
    }
}

fn is_digest(entry: &FeedEntry) -> bool {
    matches!(&entry.message, Ok(DownMessage { body: DownBody::Digest(_), .. }))
}

fn is_heartbeat(entry: &FeedEntry) -> bool {
    matches!(&entry.message, Ok(DownMessage { body: DownBody::Heartbeat(_), .. }))
}

fn decode(record: Incoming) -> FeedEntry {
    let message = DownMessage::decode(&record).map_err(|e| e.to_string());
    FeedEntry { offset: record.offset, written_at: record.written_at, record, message }
}

//! Reading a feed: from the position in the database, into the database, one step a call.

use std::time::Duration;

use aisle_contract::{DownMessage, Incoming, PortError, Reader, Start, Transport};
use aisle_domain::{Lane, Timestamp};
use aisle_mirror::{FeedApplied, FeedEntry, Mirror, feed};

use crate::{SyncError, shared::SyncOptions};

const BATCH: usize = 500;
const METADATA: Duration = Duration::from_secs(4);

/// A feed and how far it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
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
}

/// Reads one lane's feed.
pub struct FeedReader {
    mirror: Mirror,
    lane: Lane,
    topic: String,
    line: Option<Line>,
    position: i64,
    end: Option<i64>,
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
        Self { mirror, lane, topic, line: None, position, end: None }
    }

    /// How far the feed is read.
    pub fn status(&self) -> FeedStatus {
        FeedStatus {
            lane: self.lane,
            topic: self.topic.clone(),
            position: self.position,
            end: self.end,
            behind: self.end.map(|end| (end - self.position).max(0)),
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
        let mut line = match self.line.take() {
            Some(line) => line,
            None => self.open(transport)?,
        };
        let records = match line.reader.read(BATCH, wait) {
            Ok(records) => records,
            Err(PortError::OutOfRange { .. }) => {
                self.begin_anew("the position is not in the log any more")?;
                return Ok(FeedStep::default());
            }
            Err(error) => return Err(error.into()),
        };
        if records.is_empty() {
            self.line = Some(line);
            return Ok(FeedStep::default());
        }
        let entries: Vec<FeedEntry> = records.into_iter().map(decode).collect();
        let applied = self.mirror.apply_feed(self.lane, &line.cluster, &entries, now())?;
        if let Some(last) = entries.last() {
            self.position = last.offset + 1;
            self.end = self.end.map(|end| end.max(self.position));
        }
        self.line = Some(line);
        Ok(FeedStep { read: entries.len(), applied, worked: false })
    }

    /// Asks whether the topic is there and may be read, before waiting on it: silence is never taken for health.
    fn open(&mut self, transport: &dyn Transport) -> Result<Line, SyncError> {
        let view = transport.metadata(std::slice::from_ref(&self.topic), METADATA)?;
        if view.topic(&self.topic).is_none() {
            return Err(PortError::TopicMissing { topic: self.topic.clone() }.into());
        }
        let bounds = transport.bounds(&self.topic, 0, METADATA)?;
        self.end = Some(bounds.high);
        let stored = self.mirror.read(|conn| feed::position(conn, self.lane))?;
        let start = match stored {
            Some(at) if at.cluster != view.cluster_id => {
                self.begin_anew("it is another cluster than before")?;
                Start::Beginning
            }
            Some(at) if !(bounds.low..=bounds.high).contains(&at.next_offset) => {
                self.begin_anew("the position is not in the log any more")?;
                Start::Beginning
            }
            Some(at) => Start::At(at.next_offset),
            None => Start::Beginning,
        };
        self.position = if let Start::At(offset) = start { offset } else { bounds.low };
        let reader = transport.reader(&self.topic, 0, start)?;
        Ok(Line { reader, cluster: view.cluster_id })
    }

    /// Reads from the beginning: rows know their versions, so nothing is applied twice.
    fn begin_anew(&mut self, why: &str) -> Result<(), SyncError> {
        tracing::warn!(topic = %self.topic, why, "the feed is read from its beginning");
        self.mirror.write(|tx| feed::reset(tx, self.lane))?;
        self.position = 0;
        Ok(())
    }

    /// The end of the feed, asked of the cluster.
    pub fn find_end(&mut self, transport: &dyn Transport) -> Result<i64, PortError> {
        let high = transport.bounds(&self.topic, 0, METADATA)?.high;
        self.end = Some(high);
        Ok(high)
    }

    /// The next offset to read.
    pub const fn position(&self) -> i64 {
        self.position
    }

    /// The lane.
    pub const fn lane(&self) -> Lane {
        self.lane
    }
}

fn decode(record: Incoming) -> FeedEntry {
    let message = DownMessage::decode(&record).map_err(|e| e.to_string());
    FeedEntry { offset: record.offset, written_at: record.written_at, record, message }
}

//! Publishing what waits in `feed_outbox`, in order, and dead letters. The holder of a partition publishes the feeds
//! of the stores whose home it is: what its predecessor left, then its own and what acts of the centre wrote.

mod heartbeats;

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use aisle_contract::{Delivery, MAX_VALUE_BYTES, Outgoing, PortError, Sender, Transport, partition_of};
use aisle_domain::{Epoch, Timestamp};

use crate::{
    Centre,
    backoff::Backoff,
    error::CentralError,
    ledger::{DeadLetter, Feed, FeedRow, Ledger, Tx},
};
use heartbeats::Heartbeats;

const SEND_WITHIN: Duration = Duration::from_secs(5);
/// Records a send: what a worker applies until it publishes, so that what was sent is written down with the next batch.
const ROUND: usize = 2_000;
const ACK: &str = "desk.ack";
/// Partitions of the topic of dead letters.
const DEAD_PARTITIONS: i32 = 3;
/// What `aisle.changes` takes, as it is made; the dead letters' topic takes that and our words.
const LETTER_BYTES: usize = MAX_VALUE_BYTES + 100_000;
/// What a header takes beside its name and its value.
const HEADER_BYTES: usize = 8;

/// What one round published.
#[derive(Debug, Default)]
pub(crate) struct Published {
    pub(crate) acks: u64,
    pub(crate) records: u64,
    /// The first failure of the round, where there was one.
    pub(crate) failure: Option<PortError>,
    /// Whether rows wait that another round could send now.
    pub(crate) more: bool,
}

/// Publishes for one partition.
pub(crate) struct Publisher<'a> {
    centre: &'a Centre,
    transport: &'a dyn Transport,
    partition: i32,
    sender: Option<Box<dyn Sender>>,
    /// Up to where each feed was sent. Written down later, with the next transaction or when nothing else is to do.
    sent: BTreeMap<Feed, i64>,
    marked: HashMap<Feed, i64>,
    /// First and last row of each feed that was handed over since the lease was last known to be ours.
    handed_over: BTreeMap<Feed, (i64, i64)>,
    waits: HashMap<Feed, Backoff>,
    /// While dead letters wait because their topic did not take them.
    dead_wait: Option<Backoff>,
    heartbeats: Heartbeats,
}

/// What one round read to send.
struct Work {
    epoch: Epoch,
    feeds: Vec<(Feed, Vec<FeedRow>)>,
    dead: Vec<DeadLetter>,
}

impl<'a> Publisher<'a> {
    pub(crate) fn new(centre: &'a Centre, transport: &'a dyn Transport, partition: i32) -> Self {
        Self {
            centre,
            transport,
            partition,
            sender: None,
            sent: BTreeMap::new(),
            marked: HashMap::new(),
            handed_over: BTreeMap::new(),
            waits: HashMap::new(),
            dead_wait: None,
            heartbeats: Heartbeats::default(),
        }
    }

    /// Whether something was sent that is not written down yet.
    pub(crate) fn has_marks(&self) -> bool {
        self.sent.iter().any(|(feed, id)| self.marked.get(feed) != Some(id))
    }

    /// Writes down what was sent. Call [`Publisher::marks_written`] once the transaction is committed.
    pub(crate) fn write_marks(&self, tx: &Tx<'_>) -> Result<(), CentralError> {
        for (feed, id) in self.sent.iter().filter(|(feed, id)| self.marked.get(feed) != Some(id)) {
            tx.mark_published(*feed, *id)?;
        }
        Ok(())
    }

    /// The transaction with the marks is committed.
    pub(crate) fn marks_written(&mut self) {
        self.marked.extend(self.sent.iter().map(|(feed, id)| (*feed, *id)));
        self.handed_over.clear();
    }

    /// The partition is somebody else's, and was so perhaps before the last rows were handed over: they may lie behind newer
    /// ones. The newest are sent once more behind them, by whoever holds the partition, and a new digest: one among those
    /// rows holds only where it was cut. Answers how many.
    pub(crate) fn correct(&self, tx: &Tx<'_>) -> Result<usize, CentralError> {
        let mut again = 0;
        for (feed, rows) in &self.handed_over {
            again += tx.enqueue_newest_again(*feed, *rows)?;
            tx.touch_digest(*feed)?;
        }
        Ok(again)
    }

    /// Whether something failed and its time to be tried again has come.
    pub(crate) fn retry_due(&self, now: Duration) -> bool {
        self.waits.values().chain(&self.dead_wait).any(|wait| wait.ready(now))
    }

    /// A failure more: not before a pause is over is it tried again.
    fn failed(centre: &Centre, wait: &mut Backoff) {
        wait.fail(centre.monotonic(), centre.chance().draw());
    }

    fn read(&mut self, ledger: &mut Ledger, term: i64) -> Result<Work, CentralError> {
        let now = self.centre.monotonic();
        ledger.read(|tx| {
            if !tx.holds_lease(self.partition, term)? {
                return Err(CentralError::Zombie { partition: self.partition });
            }
            let partitions = tx.partitions()?;
            let mut room = ROUND;
            let mut feeds = Vec::new();
            let waiting = tx.waiting_feeds(|store| partition_of(store, partitions) == self.partition)?;
            self.waits.retain(|feed, _| waiting.contains(feed));
            for feed in waiting {
                if room == 0 || self.waits.get(&feed).is_some_and(|w| !w.ready(now)) {
                    continue;
                }
                let rows = tx.waiting_rows(feed, self.sent.get(&feed).copied().unwrap_or(0), room)?;
                room -= rows.len();
                if !rows.is_empty() {
                    feeds.push((feed, rows));
                }
            }
            let dead = if self.dead_wait.is_none_or(|w| w.ready(now)) {
                tx.waiting_dead_letters(self.partition, 50)?
            } else {
                Vec::new()
            };
            Ok(Work { epoch: tx.epoch()?, feeds, dead })
        })
    }

    /// Sends what waits, at most one round's worth.
    ///
    /// # Errors
    /// [`CentralError::Zombie`] when the term is over. What the cluster did not take is no error: it stands in the
    /// answer and is tried again later.
    pub(crate) fn round(
        &mut self,
        ledger: &mut Ledger,
        term: i64,
        now: Timestamp,
    ) -> Result<Published, CentralError> {
        let work = self.read(ledger, term)?;
        let mut published = Published::default();
        if work.feeds.is_empty() && work.dead.is_empty() {
            return Ok(published);
        }
        let full = work.feeds.iter().map(|(_, rows)| rows.len()).sum::<usize>() >= ROUND;
        let records: Vec<Outgoing> = work
            .feeds
            .iter()
            .flat_map(|(feed, rows)| rows.iter().map(|row| self.encode(*feed, row, work.epoch)))
            .collect();
        if !records.is_empty() {
            self.note_handed_over(&work.feeds);
            let mut reports = self.send(records).into_iter();
            for (feed, rows) in &work.feeds {
                let mine: Vec<Delivery> = reports.by_ref().take(rows.len()).collect();
                self.take_reports(*feed, rows, &mine, &mut published);
            }
        }
        self.publish_dead(ledger, &work.dead, now, &mut published)?;
        published.more = full && published.failure.is_none();
        Ok(published)
    }

    fn note_handed_over(&mut self, feeds: &[(Feed, Vec<FeedRow>)]) {
        for (feed, rows) in feeds {
            if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
                self.handed_over.entry(*feed).or_insert((first.id, last.id)).1 = last.id;
            }
        }
    }

    fn encode(&self, feed: Feed, row: &FeedRow, epoch: Epoch) -> Outgoing {
        row.record.encode(self.centre.names(), feed.store, epoch, row.id, row.at)
    }

    /// One answer a record, whatever happens.
    fn send(&mut self, records: Vec<Outgoing>) -> Vec<Delivery> {
        let count = records.len();
        let mut sender = match self.sender.take().map_or_else(|| self.transport.sender(), Ok) {
            Ok(sender) => sender,
            Err(error) => return vec![Err(error); count],
        };
        let mut reports = sender.send(records, SEND_WITHIN);
        reports.resize(count, Err(PortError::TimedOut("no delivery report".into())));
        if !reports.iter().any(|r| matches!(r, Err(PortError::Broken(_)))) {
            self.sender = Some(sender);
        }
        reports
    }

    /// A feed is published as far as its reports are good without a gap; the rest is sent again, in order.
    fn take_reports(&mut self, feed: Feed, rows: &[FeedRow], reports: &[Delivery], published: &mut Published) {
        for (row, report) in rows.iter().zip(reports) {
            match report {
                Ok(_) => {
                    self.sent.insert(feed, row.id);
                    published.records += 1;
                    published.acks += u64::from(row.record.type_word.as_deref() == Some(ACK));
                }
                Err(error) => {
                    Self::failed(self.centre, self.waits.entry(feed).or_default());
                    published.failure.get_or_insert_with(|| error.clone());
                    return;
                }
            }
        }
        self.waits.remove(&feed);
    }

    fn publish_dead(
        &mut self,
        ledger: &mut Ledger,
        letters: &[DeadLetter],
        now: Timestamp,
        published: &mut Published,
    ) -> Result<(), CentralError> {
        if letters.is_empty() {
            return Ok(());
        }
        let topic = self.centre.names().dead_letters();
        let reports = self.send(letters.iter().map(|letter| of_letter(&topic, letter)).collect());
        let sent: Vec<i64> = letters
            .iter()
            .zip(&reports)
            .filter(|(_, report)| report.is_ok())
            .map(|(letter, _)| letter.id)
            .collect();
        match reports.into_iter().find_map(Result::err) {
            Some(error) => {
                Self::failed(self.centre, self.dead_wait.get_or_insert_default());
                published.failure.get_or_insert(error);
            }
            None => self.dead_wait = None,
        }
        ledger.write(|tx| sent.iter().try_for_each(|id| tx.mark_dead_published(*id, now)))
    }
}

/// The raw value byte for byte; the record's own headers, and why and where in ours. A record that is larger than any
/// topic of ours takes came by a topic with other settings: what it was stays in central's database, and the letter says
/// so, since one that can never be sent would keep back all that come after it.
fn of_letter(topic: &str, letter: &DeadLetter) -> Outgoing {
    let in_headers: usize =
        letter.headers.iter().map(|(name, value)| name.len() + value.len() + HEADER_BYTES).sum();
    let bytes = letter.raw.as_ref().map_or(0, Vec::len) + letter.key.as_ref().map_or(0, Vec::len) + in_headers;
    let fits = bytes <= LETTER_BYTES;
    let mut headers = if fits { letter.headers.clone() } else { Vec::new() };
    if !fits {
        let words = format!(
            "{bytes} bytes, more than a topic takes, are kept in central's database: dead letter {}",
            letter.id
        );
        headers.push(("aisle_left_out".into(), words.into_bytes()));
    }
    for (name, value) in [
        ("aisle_why", letter.why.clone()),
        ("aisle_cluster", letter.cluster.clone()),
        ("aisle_partition", letter.partition.to_string()),
        ("aisle_offset", letter.offset.to_string()),
    ] {
        headers.push((name.into(), value.into_bytes()));
    }
    let partition = letter.store.map_or(letter.partition % DEAD_PARTITIONS, |s| partition_of(s, DEAD_PARTITIONS));
    let key = letter
        .store
        .map_or_else(|| letter.key.clone().filter(|_| fits).unwrap_or_default(), |s| s.to_string().into_bytes());
    Outgoing { topic: topic.into(), partition, key, headers, value: letter.raw.clone().filter(|_| fits) }
}

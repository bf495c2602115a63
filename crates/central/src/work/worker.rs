//! One worker: a thread that owns exactly one partition. Its position and its right to write are in central's SQL.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::Duration,
};

use aisle_contract::{Bounds, Incoming, PortError, Reader, Standstill, Start, partition_of};
use aisle_domain::{Planted, is_planted};

use super::{ASK_WITHIN, Shared, WorkEventKind, housekeeping::follow_growth};
use crate::{
    apply::{BATCH, Place, Tally, apply_batch, bury_record, lives_in, refuse_record},
    backoff::Backoff,
    clock::Stop,
    error::{CentralError, is_of_the_record},
    fault::{FaultPoint, strikes},
    ledger::Ledger,
    publish::Publisher,
};

/// How often a worker looks for rows that acts of the centre wrote.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How often a worker that finds nothing asks where its partition ends.
const LOOK_AT_END_EVERY: Duration = Duration::from_secs(20);
/// While more is there to apply, publishing waits this long at most: one send for several transactions.
const PUBLISH_AFTER: Duration = Duration::from_millis(40);

/// What a worker and its crew share.
#[derive(Debug, Default)]
pub(super) struct Slot {
    pub(super) stop: Stop,
    term: AtomicI64,
}

impl Slot {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// The worker's term, once it has one.
    pub(super) fn term(&self) -> Option<i64> {
        Some(self.term.load(Ordering::SeqCst)).filter(|term| *term > 0)
    }
}

/// A worker before it runs.
pub(super) struct Worker<'a> {
    shared: Arc<Shared<'a>>,
    partition: i32,
    patient: bool,
    slot: Arc<Slot>,
    offsets: mpsc::Sender<(i32, i64)>,
}

/// A worker that has its partition.
pub(super) struct Shift<'a> {
    shared: Arc<Shared<'a>>,
    partition: i32,
    slot: Arc<Slot>,
    offsets: mpsc::Sender<(i32, i64)>,
    ledger: Ledger,
    term: i64,
    cluster: String,
    /// What the crew knew of clusters when the reader was opened.
    clusters: u64,
    reader: Option<Box<dyn Reader>>,
    /// The next offset of the reader.
    next: i64,
    standstill: Standstill,
    looked_at_end: Duration,
    publisher: Publisher<'a>,
    /// What other connections had written when the outbox was looked at.
    looked: Option<i64>,
    /// Since when transactions of this worker wait to be published.
    unpublished: Option<Duration>,
    wait: Backoff,
}

impl<'a> Worker<'a> {
    pub(super) const fn new(
        shared: Arc<Shared<'a>>,
        partition: i32,
        patient: bool,
        slot: Arc<Slot>,
        offsets: mpsc::Sender<(i32, i64)>,
    ) -> Self {
        Self { shared, partition, patient, slot, offsets }
    }

    /// Works until it is told to stop or the partition is somebody else's.
    pub(super) fn run(self) {
        let Some(mut shift) = self.take() else { return };
        let ended = shift.work().and_then(|()| shift.end());
        self.slot.term.store(0, Ordering::SeqCst);
        match ended {
            Ok(()) => self.shared.tell(WorkEventKind::Left { partition: self.partition, why: "stopped" }),
            Err(CentralError::Zombie { .. }) => {
                self.shared.tell(WorkEventKind::Left { partition: self.partition, why: "taken_over" });
            }
            Err(error @ CentralError::Struck { .. }) => {
                *self.shared.struck.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            }
            Err(error) => self.shared.tell_waiting(Some(self.partition), &error, Duration::ZERO),
        }
    }

    /// The lease, as soon as it can be had; `None` when the worker is to stop before.
    fn take(&self) -> Option<Shift<'a>> {
        let mut wait = Backoff::default();
        while !self.slot.stop.wanted() {
            match self.try_take() {
                Ok(Some(shift)) => return Some(shift),
                Ok(None) => {
                    self.slot.stop.sleep(Duration::from_millis(200));
                }
                Err(error) => {
                    let pause = self.shared.pause(&mut wait);
                    self.shared.tell_waiting(Some(self.partition), &error, pause);
                    self.slot.stop.sleep(pause);
                }
            }
        }
        None
    }

    /// The lease, where it can be had now.
    pub(super) fn try_take(&self) -> Result<Option<Shift<'a>>, CentralError> {
        let centre = self.shared.centre;
        let mut ledger = centre.ledger()?;
        let now = centre.now();
        let taken = ledger.write(|tx| {
            let was_given_back = tx.was_given_back(self.partition)?;
            let taken = tx.take_lease(self.partition, &self.shared.holder, self.patient, now)?;
            if taken.is_some() && !was_given_back {
                let partitions = tx.partitions()?;
                tx.suspect(|store| partition_of(store, partitions) == self.partition, now)?;
            }
            Ok(taken)
        })?;
        let Some(term) = taken else { return Ok(None) };
        self.slot.term.store(term, Ordering::SeqCst);
        self.shared.tell(WorkEventKind::Taken { partition: self.partition, term });
        Ok(Some(Shift {
            shared: Arc::clone(&self.shared),
            partition: self.partition,
            slot: Arc::clone(&self.slot),
            offsets: self.offsets.clone(),
            ledger,
            term,
            cluster: String::new(),
            clusters: 0,
            reader: None,
            next: 0,
            standstill: Standstill::default(),
            looked_at_end: centre.monotonic(),
            publisher: Publisher::new(self.shared.centre, self.shared.transport, self.partition),
            looked: None,
            unpublished: Some(centre.monotonic()),
            wait: Backoff::default(),
        }))
    }
}

impl Shift<'_> {
    fn place(&self) -> Place<'_> {
        Place { cluster: &self.cluster, partition: self.partition, term: self.term, now: self.shared.centre.now() }
    }

    pub(super) const fn term(&self) -> i64 {
        self.term
    }

    fn strike(&self, point: FaultPoint) -> Result<(), CentralError> {
        let partition = self.partition;
        if strikes(self.shared.options.faults.as_ref(), partition, point) {
            return Err(CentralError::Struck { partition, point });
        }
        Ok(())
    }

    fn work(&mut self) -> Result<(), CentralError> {
        while !self.slot.stop.wanted() {
            if let Some(pause) = self.step()? {
                self.slot.stop.sleep(pause);
            }
        }
        Ok(())
    }

    /// Whether the pause after the last failure is over.
    pub(super) fn is_ready(&self) -> bool {
        self.wait.ready(self.shared.centre.monotonic())
    }

    /// One turn; answers how long to wait before the next where something failed. Only what ends the worker comes out
    /// as an error; all else is waited for.
    pub(super) fn step(&mut self) -> Result<Option<Duration>, CentralError> {
        match self.turn() {
            Ok(()) => {
                self.wait = Backoff::default();
                Ok(None)
            }
            Err(error @ CentralError::Zombie { .. }) => {
                self.correct();
                Err(error)
            }
            Err(error @ CentralError::Struck { .. }) => Err(error),
            Err(error) => {
                // The next reader starts from what SQL says, and a new connection counts what others wrote anew.
                self.reader = None;
                self.looked = None;
                let pause = self.shared.pause(&mut self.wait);
                self.shared.tell_waiting(Some(self.partition), &error, pause);
                Ok(Some(pause))
            }
        }
    }

    /// Reads, applies, publishes. Publishing goes on while nothing can be read.
    fn turn(&mut self) -> Result<(), CentralError> {
        let read = self.read();
        let records = read.as_deref().unwrap_or_default();
        if !records.is_empty() {
            self.apply(records)?;
            self.unpublished.get_or_insert_with(|| self.shared.centre.monotonic());
            self.strike(FaultPoint::AfterCommit)?;
        }
        let more_to_apply = records.len() >= BATCH;
        let now = self.shared.centre.monotonic();
        if !more_to_apply || self.unpublished.is_some_and(|since| now.saturating_sub(since) >= PUBLISH_AFTER) {
            self.publish()?;
        }
        if records.is_empty() {
            self.write_marks()?;
        }
        if let Some(last) = records.last() {
            self.strike(FaultPoint::BeforeOffsetCommit)?;
            // Nobody listens any more when the crew is being dismissed.
            let _ = self.offsets.send((self.partition, last.offset + 1));
        }
        read?;
        // Only of a worker that can do all of its work: what a desk hears is that its changes are being taken.
        self.publisher.beat(&mut self.ledger)
    }

    fn read(&mut self) -> Result<Vec<Incoming>, CentralError> {
        let clusters = self.shared.clusters.load(Ordering::SeqCst);
        let mut reader = if let Some(reader) = self.reader.take().filter(|_| self.clusters == clusters) {
            reader
        } else {
            self.clusters = clusters;
            self.open_reader()?
        };
        let records = reader.read(BATCH, LOOK_EVERY)?;
        if let Some(last) = records.last() {
            self.next = last.offset + 1;
            self.count_activity();
        }
        // One that is not kept is made anew at the next turn.
        self.reader = Some(reader).filter(|_| !records.is_empty() || !self.stands_still());
        Ok(records)
    }

    /// Whether the reader has found nothing for long though its partition goes on.
    fn stands_still(&mut self) -> bool {
        let time = self.shared.centre.monotonic();
        if time.saturating_sub(self.looked_at_end) < LOOK_AT_END_EVERY {
            return false;
        }
        self.looked_at_end = time;
        let topic = self.shared.centre.names().changes();
        // While nobody answers there is no end to stand before.
        let Ok(bounds) = self.shared.transport.bounds(&topic, self.partition, ASK_WITHIN) else { return false };
        let is_over = self.standstill.is_over(self.next, bounds.high, time);
        if is_over {
            tracing::warn!(
                partition = self.partition,
                next = self.next,
                end = bounds.high,
                "the reader stands still"
            );
        }
        is_over
    }

    fn count_activity(&self) {
        self.shared.counters.activity.fetch_add(1, Ordering::SeqCst);
    }

    /// At the position in SQL; at the beginning when that is of another cluster or outside the log.
    fn open_reader(&mut self) -> Result<Box<dyn Reader>, CentralError> {
        let partition = self.partition;
        let topic = self.shared.centre.names().changes();
        let transport = self.shared.transport;
        // Before the first record: it may lie where its store lives under a partition count that is new.
        follow_growth(&self.shared, &mut self.ledger)?;
        let view = transport.metadata(std::slice::from_ref(&topic), ASK_WITHIN)?;
        self.cluster = view.cluster_id;
        let bounds = transport.bounds(&topic, partition, ASK_WITHIN)?;
        let position = self.ledger.read(|tx| tx.position(partition))?;
        let offset = position
            .as_ref()
            .filter(|(cluster, next)| *cluster == self.cluster && (bounds.low..=bounds.high).contains(next))
            .map(|(_, next)| *next);
        self.next = offset.unwrap_or(bounds.low);
        self.note_what_is_gone(position, bounds)?;
        self.shared.tell(WorkEventKind::Reading { partition, offset });
        let reader = match transport.reader(&topic, partition, offset.map_or(Start::Beginning, Start::At)) {
            Err(PortError::OutOfRange { .. }) => transport.reader(&topic, partition, Start::Beginning)?,
            other => other?,
        };
        Ok(reader)
    }

    /// What the log lost before it was read is read for whoever waits for a word on it.
    fn note_what_is_gone(&mut self, position: Option<(String, i64)>, bounds: Bounds) -> Result<(), CentralError> {
        if bounds.low == 0 || position.is_some_and(|(cluster, next)| cluster != self.cluster || next >= bounds.low)
        {
            return Ok(());
        }
        let (partition, term, now) = (self.partition, self.term, self.shared.centre.now());
        tracing::warn!(partition, to = bounds.low, "the log lost changes before they were read");
        let cluster = &self.cluster;
        self.ledger.write(|tx| {
            tx.hold_lease(partition, term, now)?;
            tx.set_position(partition, cluster, bounds.low)
        })
    }

    /// A record of a store that does not live here: perhaps the topic has grown, and its desk has seen that first.
    fn look_for_growth(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        let counts = self.ledger.read(|tx| tx.partition_counts())?;
        let is_stray = |record: &Incoming| {
            let store = record.key_text().and_then(|key| key.parse().ok());
            store.is_some_and(|store| !lives_in(&counts, store, self.partition))
        };
        if records.iter().any(is_stray) {
            follow_growth(&self.shared, &mut self.ledger)?;
        }
        Ok(())
    }

    fn apply(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        self.look_for_growth(records)?;
        match self.apply_together(records) {
            Err(CentralError::Sql(error)) if is_of_the_record(&error) => self.apply_singly(records),
            other => other,
        }
    }

    /// One transaction, together with what was published before.
    fn apply_together(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        let place = Place {
            cluster: &self.cluster,
            partition: self.partition,
            term: self.term,
            now: self.shared.centre.now(),
        };
        if is_planted(Planted::OffsetBeforeEffect) {
            let next = records.last().map_or(0, |record| record.offset + 1);
            self.ledger.write(|tx| tx.set_position(place.partition, place.cluster, next))?;
            self.strike(FaultPoint::BeforeCommit)?;
        }
        let publisher = &self.publisher;
        let applied = self.ledger.write(|tx| {
            let applied = apply_batch(tx, place, records)?;
            publisher.write_marks(tx)?;
            Ok(applied)
        })?;
        self.publisher.marks_written();
        self.count(applied, records);
        Ok(())
    }

    /// The database turned some record down for good: that one is refused or put aside, the rest goes on.
    fn apply_singly(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        for record in records {
            match self.apply_together(std::slice::from_ref(record)) {
                Err(CentralError::Sql(error)) if is_of_the_record(&error) => self.refuse(record, &error)?,
                other => other?,
            }
        }
        Ok(())
    }

    fn refuse(&mut self, record: &Incoming, error: &rusqlite::Error) -> Result<(), CentralError> {
        let why = format!("central's database does not take it: {error}");
        let place = Place {
            cluster: &self.cluster,
            partition: self.partition,
            term: self.term,
            now: self.shared.centre.now(),
        };
        let tally = match self.ledger.write(|tx| refuse_record(tx, place, record, &why)) {
            Err(CentralError::Sql(error)) if is_of_the_record(&error) => {
                self.ledger.write(|tx| bury_record(tx, place, record, &why))?
            }
            other => other?,
        };
        self.count(tally, std::slice::from_ref(record));
        Ok(())
    }

    fn count(&self, applied: Tally, records: &[Incoming]) {
        let counters = &self.shared.counters;
        let add = |counter: &std::sync::atomic::AtomicU64, by| counter.fetch_add(by, Ordering::SeqCst);
        add(&counters.applied, applied.applied);
        add(&counters.duplicates, applied.duplicates);
        add(&counters.refused, applied.refused);
        add(&counters.dead, applied.dead);
        add(&counters.activity, 1);
        self.shared.tell(WorkEventKind::Applied {
            partition: self.partition,
            next_offset: records.last().map_or(0, |r| r.offset + 1),
            applied: applied.applied,
            duplicates: applied.duplicates,
            refused: applied.refused,
            dead: applied.dead,
            dropped: applied.dropped,
        });
        for alarm in applied.alarms {
            self.shared.tell(WorkEventKind::Alarm {
                partition: self.partition,
                kind: alarm.kind,
                store_id: alarm.store,
                desk_id: alarm.desk,
                message: alarm.why,
            });
        }
    }

    /// Sends what waits, where there may be something.
    fn publish(&mut self) -> Result<(), CentralError> {
        let wrote = self.ledger.others_wrote()?;
        if self.unpublished.is_none()
            && self.looked == Some(wrote)
            && !self.publisher.retry_due(self.shared.centre.monotonic())
        {
            return Ok(());
        }
        loop {
            let now = self.place().now;
            let published = self.publisher.round(&mut self.ledger, self.term, now)?;
            self.tell_published(&published);
            if published.records > 0 {
                self.strike(FaultPoint::AfterPublish)?;
            }
            if !published.more || self.slot.stop.wanted() {
                break;
            }
            self.write_marks()?;
        }
        self.looked = Some(wrote);
        self.unpublished = None;
        Ok(())
    }

    fn tell_published(&self, published: &crate::publish::Published) {
        if published.records > 0 {
            let counters = &self.shared.counters;
            counters.acks.fetch_add(published.acks, Ordering::SeqCst);
            self.count_activity();
            self.shared.tell(WorkEventKind::Published {
                partition: self.partition,
                records: published.records,
                acks: published.acks,
            });
        }
        if let Some(error) = &published.failure {
            let error = CentralError::Port(error.clone());
            self.shared.tell_waiting(Some(self.partition), &error, Duration::ZERO);
        }
    }

    fn write_marks(&mut self) -> Result<(), CentralError> {
        if !self.publisher.has_marks() {
            return Ok(());
        }
        let (publisher, place) = (&self.publisher, (self.partition, self.term));
        let now = self.shared.centre.now();
        self.ledger.write(|tx| {
            tx.hold_lease(place.0, place.1, now)?;
            publisher.write_marks(tx)
        })?;
        self.publisher.marks_written();
        self.count_activity();
        Ok(())
    }

    /// Publishes what is applied, as far as the cluster takes it at once, and gives the lease back.
    pub(super) fn end(&mut self) -> Result<(), CentralError> {
        let ended = self.leave();
        if matches!(ended, Err(CentralError::Zombie { .. })) {
            self.correct();
        }
        ended
    }

    fn leave(&mut self) -> Result<(), CentralError> {
        self.publish()?;
        self.write_marks()?;
        let (partition, term) = (self.partition, self.term);
        self.ledger.write(|tx| tx.release_lease(partition, term))
    }

    /// What a worker that stood still until it was replaced may have published too late.
    fn correct(&mut self) {
        let publisher = &self.publisher;
        match self.ledger.write(|tx| publisher.correct(tx)) {
            Ok(0) => {}
            Ok(rows) => tracing::info!(partition = self.partition, rows, "replaced while publishing: sent again"),
            Err(error) => self.shared.tell_waiting(Some(self.partition), &error, Duration::ZERO),
        }
    }
}

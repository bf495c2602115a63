//! One worker: a thread that owns exactly one partition. Its position and its right to write are in central's SQL.

use std::{
    sync::{
        Arc, PoisonError,
        atomic::{AtomicI64, Ordering},
        mpsc,
    },
    time::{Duration, Instant},
};

use aisle_contract::{Incoming, PortError, Reader, Start};

use super::{ASK_WITHIN, Shared, WorkEventKind, housekeeping::follow_growth};
use crate::{
    apply::{BATCH, Place, Tally, apply_batch, bury_record, refuse_record},
    backoff::Backoff,
    clock::Stop,
    error::{CentralError, is_passing},
    fault::{FaultPoint, strikes},
    ledger::Ledger,
    publish::Publisher,
};

/// How often a worker looks for rows that acts of the centre wrote.
const LOOK_EVERY: Duration = Duration::from_millis(50);
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
    shared: &'a Shared<'a>,
    partition: i32,
    patient: bool,
    slot: Arc<Slot>,
    offsets: mpsc::Sender<(i32, i64)>,
}

/// A worker that has its partition.
struct Shift<'a, 'w> {
    worker: &'w Worker<'a>,
    ledger: Ledger,
    term: i64,
    cluster: String,
    /// What the crew knew of clusters when the reader was opened.
    clusters: u64,
    reader: Option<Box<dyn Reader>>,
    publisher: Publisher<'a>,
    /// What other connections had written when the outbox was looked at.
    looked: Option<i64>,
    /// Since when transactions of this worker wait to be published.
    unpublished: Option<Instant>,
}

impl<'a> Worker<'a> {
    pub(super) const fn new(
        shared: &'a Shared<'a>,
        partition: i32,
        patient: bool,
        slot: Arc<Slot>,
        offsets: mpsc::Sender<(i32, i64)>,
    ) -> Self {
        Self { shared, partition, patient, slot, offsets }
    }

    /// Works until it is told to stop or the partition is somebody else's.
    pub(super) fn run(&self) {
        let Some((ledger, term)) = self.take() else { return };
        self.slot.term.store(term, Ordering::SeqCst);
        self.shared.tell(WorkEventKind::Taken { partition: self.partition, term });
        let mut shift = Shift {
            worker: self,
            ledger,
            term,
            cluster: String::new(),
            clusters: 0,
            reader: None,
            publisher: Publisher::new(self.shared.centre.names(), self.shared.transport, self.partition),
            looked: None,
            unpublished: Some(Instant::now()),
        };
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
    fn take(&self) -> Option<(Ledger, i64)> {
        let mut wait = Backoff::new();
        while !self.slot.stop.wanted() {
            let centre = self.shared.centre;
            let taken = centre.ledger().and_then(|mut ledger| {
                let now = centre.now();
                let term =
                    ledger.write(|tx| tx.take_lease(self.partition, &self.shared.holder, self.patient, now))?;
                Ok(term.map(|term| (ledger, term)))
            });
            match taken {
                Ok(Some(taken)) => return Some(taken),
                Ok(None) => {
                    self.slot.stop.sleep(Duration::from_millis(200));
                }
                Err(error) => {
                    let pause = wait.fail();
                    self.shared.tell_waiting(Some(self.partition), &error, pause);
                    self.slot.stop.sleep(pause);
                }
            }
        }
        None
    }
}

impl<'a> Shift<'a, '_> {
    const fn shared(&self) -> &'a Shared<'a> {
        self.worker.shared
    }

    fn place(&self) -> Place<'_> {
        Place {
            cluster: &self.cluster,
            partition: self.worker.partition,
            term: self.term,
            now: self.shared().centre.now(),
        }
    }

    fn strike(&self, point: FaultPoint) -> Result<(), CentralError> {
        let partition = self.worker.partition;
        if strikes(self.shared().options.faults.as_ref(), partition, point) {
            return Err(CentralError::Struck { partition, point });
        }
        Ok(())
    }

    /// Only what ends the worker comes out as an error; all else is waited for.
    fn work(&mut self) -> Result<(), CentralError> {
        let mut wait = Backoff::new();
        while !self.worker.slot.stop.wanted() {
            match self.turn() {
                Ok(()) => wait = Backoff::new(),
                Err(error @ (CentralError::Zombie { .. } | CentralError::Struck { .. })) => return Err(error),
                Err(error) => {
                    // The next reader starts from what SQL says.
                    self.reader = None;
                    let pause = wait.fail();
                    self.shared().tell_waiting(Some(self.worker.partition), &error, pause);
                    self.worker.slot.stop.sleep(pause);
                }
            }
        }
        Ok(())
    }

    /// Reads, applies, publishes. Publishing goes on while nothing can be read.
    fn turn(&mut self) -> Result<(), CentralError> {
        let read = self.read();
        let records = read.as_deref().unwrap_or_default();
        if !records.is_empty() {
            self.apply(records)?;
            self.unpublished.get_or_insert_with(Instant::now);
            self.strike(FaultPoint::AfterCommit)?;
        }
        let more_to_apply = records.len() >= BATCH;
        if !more_to_apply || self.unpublished.is_some_and(|since| since.elapsed() >= PUBLISH_AFTER) {
            self.publish()?;
        }
        if records.is_empty() {
            self.write_marks()?;
        }
        if let Some(last) = records.last() {
            self.strike(FaultPoint::BeforeOffsetCommit)?;
            // Nobody listens any more when the crew is being dismissed.
            let _ = self.worker.offsets.send((self.worker.partition, last.offset + 1));
        }
        read.map(|_| ())
    }

    fn read(&mut self) -> Result<Vec<Incoming>, CentralError> {
        let clusters = self.shared().clusters.load(Ordering::SeqCst);
        let mut reader = if let Some(reader) = self.reader.take().filter(|_| self.clusters == clusters) {
            reader
        } else {
            self.clusters = clusters;
            self.open_reader()?
        };
        match reader.read(BATCH, LOOK_EVERY) {
            Ok(records) => {
                self.reader = Some(reader);
                if !records.is_empty() {
                    self.count_activity();
                }
                Ok(records)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn count_activity(&self) {
        self.shared().counters.activity.fetch_add(1, Ordering::SeqCst);
    }

    /// At the position in SQL; at the beginning when that is of another cluster or outside the log.
    fn open_reader(&mut self) -> Result<Box<dyn Reader>, CentralError> {
        let partition = self.worker.partition;
        let topic = self.shared().centre.names().changes();
        let transport = self.shared().transport;
        // Before the first record: it may lie where its store lives under a partition count that is new.
        follow_growth(self.shared(), &mut self.ledger)?;
        let view = transport.metadata(std::slice::from_ref(&topic), ASK_WITHIN)?;
        self.cluster = view.cluster_id;
        let bounds = transport.bounds(&topic, partition, ASK_WITHIN)?;
        let position = self.ledger.read(|tx| tx.position(partition))?;
        let offset = position
            .filter(|(cluster, next)| *cluster == self.cluster && (bounds.low..=bounds.high).contains(next))
            .map(|(_, next)| next);
        self.shared().tell(WorkEventKind::Reading { partition, offset });
        let reader = match transport.reader(&topic, partition, offset.map_or(Start::Beginning, Start::At)) {
            Err(PortError::OutOfRange { .. }) => transport.reader(&topic, partition, Start::Beginning)?,
            other => other?,
        };
        Ok(reader)
    }

    fn apply(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        match self.apply_together(records) {
            Err(CentralError::Sql(error)) if !is_passing(&error) => self.apply_singly(records),
            other => other,
        }
    }

    /// One transaction, together with what was published before.
    fn apply_together(&mut self, records: &[Incoming]) -> Result<(), CentralError> {
        let place = Place {
            cluster: &self.cluster,
            partition: self.worker.partition,
            term: self.term,
            now: self.worker.shared.centre.now(),
        };
        let publisher = &self.publisher;
        let applied = self.ledger.write(|tx| {
            let applied = apply_batch(tx, place, records)?;
            publisher.write_marks(tx, place.now)?;
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
                Err(CentralError::Sql(error)) if !is_passing(&error) => self.refuse(record, &error)?,
                other => other?,
            }
        }
        Ok(())
    }

    fn refuse(&mut self, record: &Incoming, error: &rusqlite::Error) -> Result<(), CentralError> {
        let why = format!("central's database does not take it: {error}");
        let place = Place {
            cluster: &self.cluster,
            partition: self.worker.partition,
            term: self.term,
            now: self.worker.shared.centre.now(),
        };
        let tally = match self.ledger.write(|tx| refuse_record(tx, place, record, &why)) {
            Err(CentralError::Sql(error)) if !is_passing(&error) => {
                self.ledger.write(|tx| bury_record(tx, place, record, &why))?
            }
            other => other?,
        };
        self.count(tally, std::slice::from_ref(record));
        Ok(())
    }

    fn count(&self, applied: Tally, records: &[Incoming]) {
        let counters = &self.shared().counters;
        let add = |counter: &std::sync::atomic::AtomicU64, by| counter.fetch_add(by, Ordering::SeqCst);
        add(&counters.applied, applied.applied);
        add(&counters.duplicates, applied.duplicates);
        add(&counters.refused, applied.refused);
        add(&counters.dead, applied.dead);
        add(&counters.activity, 1);
        self.shared().tell(WorkEventKind::Applied {
            partition: self.worker.partition,
            next_offset: records.last().map_or(0, |r| r.offset + 1),
            applied: applied.applied,
            duplicates: applied.duplicates,
            refused: applied.refused,
            dead: applied.dead,
            dropped: applied.dropped,
        });
        for alarm in applied.alarms {
            self.shared().tell(WorkEventKind::Alarm {
                partition: self.worker.partition,
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
        if self.unpublished.is_none() && self.looked == Some(wrote) && !self.publisher.retry_due() {
            return Ok(());
        }
        loop {
            let now = self.place().now;
            let published = self.publisher.round(&mut self.ledger, self.term, now)?;
            self.tell_published(&published);
            if published.records > 0 {
                self.strike(FaultPoint::AfterPublish)?;
            }
            if !published.more || self.worker.slot.stop.wanted() {
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
            let counters = &self.shared().counters;
            counters.acks.fetch_add(published.acks, Ordering::SeqCst);
            self.count_activity();
            self.shared().tell(WorkEventKind::Published {
                partition: self.worker.partition,
                records: published.records,
                acks: published.acks,
            });
        }
        if let Some(error) = &published.failure {
            let error = CentralError::Port(error.clone());
            self.shared().tell_waiting(Some(self.worker.partition), &error, Duration::ZERO);
        }
    }

    fn write_marks(&mut self) -> Result<(), CentralError> {
        if !self.publisher.has_marks() {
            return Ok(());
        }
        let (publisher, place) = (&self.publisher, (self.worker.partition, self.term));
        let now = self.worker.shared.centre.now();
        self.ledger.write(|tx| {
            tx.hold_lease(place.0, place.1, now)?;
            publisher.write_marks(tx, now)
        })?;
        self.publisher.marks_written();
        self.count_activity();
        Ok(())
    }

    /// Publishes what is applied, as far as the cluster takes it at once, and gives the lease back.
    fn end(&mut self) -> Result<(), CentralError> {
        self.publish()?;
        self.write_marks()?;
        let (partition, term) = (self.worker.partition, self.term);
        self.ledger.write(|tx| tx.release_lease(partition, term))
    }
}

//! librdkafka's own producer with the sender's settings and nothing around it: the peer of measurements.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    time::{Duration, Instant},
};

use aisle_contract::{Outgoing, PortError};
use rdkafka::{
    ClientContext,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};

use crate::{error_class::classify_kafka, settings::KafkaSettings};

/// How long the client is let work while its queue is full.
const ROOM: Duration = Duration::from_millis(1);

/// Counts delivery reports and tells when the last one is there.
struct Counter {
    open: AtomicUsize,
    failed: AtomicUsize,
    done: Sender<()>,
}

impl ClientContext for Counter {}

impl ProducerContext for Counter {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        self.failed.fetch_add(usize::from(result.is_err()), Ordering::SeqCst);
        if self.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Nobody waits any more for what was given up.
            let _ = self.done.send(());
        }
    }
}

/// A producer that only counts its delivery reports.
pub struct BareProducer {
    producer: ThreadedProducer<Counter>,
    done: Mutex<Receiver<()>>,
}

impl BareProducer {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`PortError::BadSettings`] for settings that librdkafka refuses.
    pub fn new(settings: &KafkaSettings) -> Result<Self, PortError> {
        let (sender, done) = channel();
        let counter = Counter { open: AtomicUsize::new(0), failed: AtomicUsize::new(0), done: sender };
        let producer =
            settings.producer().create_with_context(counter).map_err(|e| PortError::BadSettings(e.to_string()))?;
        Ok(Self { producer, done: Mutex::new(done) })
    }

    /// Hands all records over and waits for every delivery report; answers how many records the cluster took.
    ///
    /// # Errors
    /// What librdkafka says to a record that it does not take, and [`PortError::TimedOut`]. The producer is of no use
    /// after either.
    pub fn send(&self, records: &[Outgoing], timeout: Duration) -> Result<usize, PortError> {
        let end = Instant::now() + timeout;
        let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = self.producer.context();
        let failed = counter.failed.load(Ordering::SeqCst);
        counter.open.store(records.len(), Ordering::SeqCst);
        for record in records {
            self.hand_over(record, end)?;
        }
        done.recv_timeout(end.saturating_duration_since(Instant::now()))
            .map_err(|_| PortError::TimedOut("no delivery report".into()))?;
        Ok(records.len() - (counter.failed.load(Ordering::SeqCst) - failed))
    }

    fn hand_over(&self, record: &Outgoing, end: Instant) -> Result<(), PortError> {
        let mut outgoing = prepared(record);
        while let Err((error, back)) = self.producer.send(outgoing) {
            let full = matches!(error, KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull));
            if !full || Instant::now() >= end {
                return Err(classify_kafka(&error, &record.topic));
            }
            std::thread::sleep(ROOM);
            outgoing = back;
        }
        Ok(())
    }
}

fn prepared(record: &Outgoing) -> BaseRecord<'_, Vec<u8>, Vec<u8>> {
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new_with_capacity(record.headers.len()), |headers, (name, value)| {
            headers.insert(Header { key: name, value: Some(value) })
        });
    let outgoing = BaseRecord::to(&record.topic).partition(record.partition).key(&record.key).headers(headers);
    match &record.value {
        Some(value) => outgoing.payload(value),
        None => outgoing,
    }
}

/// librdkafka's version.
pub fn version() -> String {
    rdkafka::util::get_rdkafka_version().1
}

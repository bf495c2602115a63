//! Sending: an idempotent producer, delivery reports counted, nothing believed before its report.

use std::{
    sync::mpsc::{Receiver, RecvTimeoutError, Sender as Reports, channel},
    time::{Duration, Instant},
};

use aisle_contract::{Delivery, Outgoing, PortError, Sender};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::KafkaError,
    message::{Header, Message, OwnedHeaders},
    producer::{BaseRecord, DeliveryResult, Producer, ProducerContext, ThreadedProducer},
};

use crate::{
    context::{Health, Observer},
    error_class::classify_kafka,
};

/// Hands delivery reports to whoever waits for them.
struct Reporter {
    observer: Observer,
    reports: Reports<(usize, Delivery)>,
}

impl ClientContext for Reporter {
    fn error(&self, error: KafkaError, reason: &str) {
        self.observer.error(error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.observer.log(level, fac, message);
    }
}

impl ProducerContext for Reporter {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, tag: usize) {
        let delivery = match result {
            Ok(message) => Ok(message.offset()),
            Err((error, message)) => Err(classify_kafka(error, message.topic())),
        };
        // A report that nobody waits for any more belongs to a batch that was given up: it is sent again.
        drop(self.reports.send((tag, delivery)));
    }
}

struct Line {
    producer: ThreadedProducer<Reporter>,
    reports: Receiver<(usize, Delivery)>,
}

/// Sends batches over one producer, made anew after a batch that failed.
pub(crate) struct KafkaSender {
    config: ClientConfig,
    health: Health,
    line: Option<Line>,
    /// Tags of earlier batches lie below this.
    base: usize,
}

impl KafkaSender {
    pub(crate) fn new(config: ClientConfig, health: Health) -> Result<Self, PortError> {
        let mut sender = Self { config, health, line: None, base: 0 };
        sender.line = Some(sender.connect()?);
        Ok(sender)
    }

    fn connect(&self) -> Result<Line, PortError> {
        let (sender, reports) = channel();
        let context = Reporter { observer: Observer::new(self.health.clone()), reports: sender };
        let producer =
            self.config.create_with_context(context).map_err(|e| PortError::BadSettings(e.to_string()))?;
        Ok(Line { producer, reports })
    }
}

impl Sender for KafkaSender {
    fn send(&mut self, batch: Vec<Outgoing>, timeout: Duration) -> Vec<Delivery> {
        let end = Instant::now() + timeout;
        let count = batch.len();
        let line = match self.line.take().map_or_else(|| self.connect(), Ok) {
            Ok(line) => line,
            Err(error) => return vec![Err(error); count],
        };
        let base = self.base;
        self.base += count;
        let mut answers: Vec<Option<Delivery>> = vec![None; count];
        let mut handed = 0;
        for (place, record) in batch.iter().enumerate() {
            if let Err(error) = hand_over(&line.producer, record, base + place) {
                // Nothing behind it is sent: the partition's order holds.
                set(&mut answers, place, Err(error));
                break;
            }
            handed += 1;
        }
        let mut open = handed;
        while open > 0 {
            match line.reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok((tag, delivery)) if tag >= base => {
                    set(&mut answers, tag - base, delivery);
                    open -= 1;
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => break,
            }
        }
        let late = || self.health.refusal().unwrap_or_else(|| PortError::TimedOut("no delivery report".into()));
        let answers: Vec<Delivery> =
            answers.into_iter().map(|answer| answer.unwrap_or_else(|| Err(late()))).collect();
        if answers.iter().all(Result::is_ok) && line.producer.client().fatal_error().is_none() {
            self.health.works();
            self.line = Some(line);
        }
        // Else the producer is dropped with what it still holds, so that nothing of this batch is written later
        // than what is sent after it.
        answers
    }
}

fn set(answers: &mut [Option<Delivery>], place: usize, delivery: Delivery) {
    if let Some(answer) = answers.get_mut(place) {
        *answer = Some(delivery);
    }
}

fn hand_over(producer: &ThreadedProducer<Reporter>, record: &Outgoing, tag: usize) -> Result<(), PortError> {
    let headers = record
        .headers
        .iter()
        .fold(OwnedHeaders::new_with_capacity(record.headers.len()), |headers, (name, value)| {
            headers.insert(Header { key: name, value: Some(value) })
        });
    let mut outgoing = BaseRecord::<Vec<u8>, Vec<u8>, usize>::with_opaque_to(&record.topic, tag)
        .partition(record.partition)
        .key(&record.key)
        .headers(headers);
    if let Some(value) = &record.value {
        outgoing = outgoing.payload(value);
    }
    producer.send(outgoing).map_err(|(error, _)| classify_kafka(&error, &record.topic))
}

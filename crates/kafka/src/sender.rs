//! Sending: an idempotent producer, delivery reports counted, nothing believed before its report.

use std::{
    collections::VecDeque,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender as Reports, channel},
    time::{Duration, Instant},
};

use aisle_contract::{Delivery, Outgoing, PortError, Sender};
use rdkafka::{
    ClientConfig, ClientContext, Statistics,
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
    health: Health,
    reports: Reports<(usize, Delivery)>,
}

impl ClientContext for Reporter {
    fn error(&self, error: KafkaError, reason: &str) {
        self.observer.error(error, reason);
    }

    fn log(&self, level: RDKafkaLogLevel, fac: &str, message: &str) {
        self.observer.log(level, fac, message);
    }

    fn stats(&self, statistics: Statistics) {
        self.health.fares(&statistics);
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

/// Sends batches over one producer, made anew after something failed.
pub(crate) struct KafkaSender {
    config: ClientConfig,
    health: Health,
    line: Option<Line>,
    /// Of records that were handed over and whose answers were not fetched, in order.
    open: VecDeque<Option<Delivery>>,
    /// The tag of the first of them.
    first: usize,
    /// What failed; nothing is handed over behind it.
    failed: Option<PortError>,
}

impl KafkaSender {
    pub(crate) fn new(config: ClientConfig, health: Health) -> Result<Self, PortError> {
        let mut sender = Self { config, health, line: None, open: VecDeque::new(), first: 0, failed: None };
        sender.line = Some(sender.connect()?);
        Ok(sender)
    }

    fn connect(&self) -> Result<Line, PortError> {
        let (sender, reports) = channel();
        let context = Reporter {
            observer: Observer::new(self.health.clone()),
            health: self.health.clone(),
            reports: sender,
        };
        let producer =
            self.config.create_with_context(context).map_err(|e| PortError::BadSettings(e.to_string()))?;
        Ok(Line { producer, reports })
    }

    fn take(&mut self, record: &Outgoing) -> Result<(), PortError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let line = match self.line.take().map_or_else(|| self.connect(), Ok) {
            Ok(line) => self.line.insert(line),
            Err(error) => return Err(error),
        };
        give(&line.producer, record, self.first + self.open.len())
    }

    /// Keeps a report; one of a record that was given up says nothing any more.
    fn keep(&mut self, (tag, delivery): (usize, Delivery)) {
        if let Some(slot) = tag.checked_sub(self.first).and_then(|place| self.open.get_mut(place)) {
            if let Err(error) = &delivery {
                self.failed.get_or_insert_with(|| error.clone());
            }
            *slot = Some(delivery);
        }
    }

    /// Waits until the first `count` have their answers. False when that does not come about.
    fn wait_for(&mut self, count: usize, timeout: Duration) -> bool {
        let end = Instant::now() + timeout;
        while self.open.iter().take(count).any(Option::is_none) {
            let Some(line) = &self.line else { return false };
            match line.reports.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(report) => self.keep(report),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
            while let Some(report) = self.line.as_ref().and_then(|line| line.reports.try_recv().ok()) {
                self.keep(report);
            }
        }
        true
    }

    /// Drops the producer with what it still holds, so that nothing of it is written later than what is sent next.
    fn give_up(&mut self) {
        self.line = None;
        let late = self.health.refusal().unwrap_or_else(|| PortError::TimedOut("no delivery report".into()));
        self.failed.get_or_insert_with(|| late.clone());
        for slot in &mut self.open {
            slot.get_or_insert_with(|| Err(late.clone()));
        }
    }

    /// Everything is answered: what failed is over, and a producer that is sound goes on.
    fn settle(&mut self) {
        let sound = self.line.as_ref().is_some_and(|line| line.producer.client().fatal_error().is_none());
        if self.failed.take().is_none() && sound {
            self.health.works();
        } else {
            self.line = None;
        }
    }
}

impl Sender for KafkaSender {
    fn hand_over(&mut self, batch: Vec<Outgoing>) {
        for record in &batch {
            let answer = self.take(record).err().map(|error| {
                self.failed.get_or_insert_with(|| error.clone());
                Err(error)
            });
            self.open.push_back(answer);
        }
    }

    fn answers(&mut self, count: usize, timeout: Duration) -> Vec<Delivery> {
        if !self.wait_for(count, timeout) {
            self.give_up();
        }
        let known = self.open.iter().take_while(|answer| answer.is_some()).count();
        let answers: Vec<Delivery> = self.open.drain(..known).flatten().collect();
        self.first += known;
        if self.open.is_empty() && known > 0 {
            self.settle();
        }
        answers
    }
}

fn give(producer: &ThreadedProducer<Reporter>, record: &Outgoing, tag: usize) -> Result<(), PortError> {
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

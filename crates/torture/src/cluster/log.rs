//! The cluster as the judge reads it, by a connection of its own.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use aisle_contract::{Bounds, DownBody, DownMessage, Incoming, PortError, Start, Transport};
use aisle_kafka::{Kafka, KafkaSettings};

use crate::simulation::oracle::Log;

const ASK: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// A way to the cluster.
pub(super) fn connect(brokers: &str, client: &str) -> Kafka {
    let settings =
        KafkaSettings { brokers: brokers.into(), client_id: client.replace(' ', "-"), ..KafkaSettings::default() };
    Kafka::new(settings).unwrap()
}

/// What the judge reads of the cluster.
pub(super) struct ClusterLog {
    pub(super) kafka: Kafka,
    stale: AtomicUsize,
}

impl ClusterLog {
    pub(super) const fn new(kafka: Kafka) -> Self {
        Self { kafka, stale: AtomicUsize::new(0) }
    }

    /// Rows behind which an older state of them was written, counted since this was last asked. Desks pass it over.
    pub(super) fn stale(&self) -> usize {
        self.stale.swap(0, Ordering::Relaxed)
    }

    /// Without what was written behind something newer.
    fn in_order(&self, mut records: Vec<Incoming>) -> Vec<Incoming> {
        let (mut newest, mut stale) = (BTreeMap::new(), BTreeSet::new());
        records.retain(|record| {
            let body = DownMessage::decode(record).unwrap().body;
            let (Some(key), Some(version)) = (body.key(), version(&body)) else { return true };
            let known = newest.entry(key.clone()).or_insert(version);
            if version < *known {
                stale.insert(key);
                return false;
            }
            *known = version;
            stale.remove(&key);
            true
        });
        self.stale.fetch_add(stale.len(), Ordering::Relaxed);
        records
    }

    /// Asks until there is an answer: what is judged is never what could not be read.
    fn sure<T>(what: &str, mut ask: impl FnMut() -> Result<T, PortError>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            match ask() {
                Ok(answer) => return answer,
                Err(error) if Instant::now() >= end => panic!("the judge cannot read {what}: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    }

    pub(super) fn partitions(&self, topic: &str) -> i32 {
        let view = Self::sure(topic, || {
            let view = self.kafka.metadata(&[topic.to_owned()], ASK)?;
            view.topic(topic).cloned().ok_or_else(|| PortError::TopicMissing { topic: topic.into() })
        });
        i32::try_from(view.partitions.len()).unwrap()
    }

    /// Which cluster it is that answers now.
    pub(super) fn cluster(&self) -> String {
        Self::sure("the cluster's id", || self.kafka.metadata(&[], ASK)).cluster_id
    }

    pub(super) fn end(&self, topic: &str, partition: i32) -> i64 {
        Self::sure(topic, || self.kafka.bounds(topic, partition, ASK)).high
    }

    /// Where every partition ends, if the cluster says so now.
    pub(super) fn ends_now(&self, topic: &str) -> Result<Vec<i64>, PortError> {
        let view = self.kafka.metadata(&[topic.to_owned()], ASK)?;
        let missing = || PortError::TopicMissing { topic: topic.into() };
        let partitions = &view.topic(topic).ok_or_else(missing)?.partitions;
        partitions.iter().map(|p| Ok(self.kafka.bounds(topic, p.id, ASK)?.high)).collect()
    }
}

impl Log for ClusterLog {
    fn bounds(&self, topic: &str) -> Vec<Bounds> {
        let bounds = |partition| Self::sure(topic, || self.kafka.bounds(topic, partition, ASK));
        (0..self.partitions(topic)).map(bounds).collect()
    }

    fn records(&self, topic: &str) -> Vec<Incoming> {
        let all = Self::sure(topic, || {
            let high = self.kafka.bounds(topic, 0, ASK)?.high;
            let mut reader = self.kafka.reader(topic, 0, Start::Beginning)?;
            let mut found: Vec<Incoming> = Vec::new();
            let end = Instant::now() + PATIENCE;
            // Compaction leaves no record at the very end out, since the last one is never cleaned.
            while found.last().map_or(0, |record| record.offset + 1) < high {
                if Instant::now() >= end {
                    return Err(PortError::TimedOut(format!("{} of {high} records", found.len())));
                }
                found.extend(reader.read(1_000, Duration::from_millis(500))?);
            }
            Ok(found)
        });
        self.in_order(all)
    }
}

fn version(body: &DownBody) -> Option<i64> {
    match body {
        DownBody::Order(row) => Some(row.version),
        DownBody::Item(row) => Some(row.version),
        DownBody::Store(row) => Some(row.version),
        _ => None,
    }
}

//! The cluster as the judge reads it, by a connection of its own.

use std::time::{Duration, Instant};

use aisle_contract::{Bounds, Incoming, PortError, Start, Transport};
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
pub(super) struct ClusterLog(pub(super) Kafka);

impl ClusterLog {
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
            let view = self.0.metadata(&[topic.to_owned()], ASK)?;
            view.topic(topic).cloned().ok_or_else(|| PortError::TopicMissing { topic: topic.into() })
        });
        i32::try_from(view.partitions.len()).unwrap()
    }

    pub(super) fn end(&self, topic: &str, partition: i32) -> i64 {
        Self::sure(topic, || self.0.bounds(topic, partition, ASK)).high
    }

    /// Where every partition ends, if the cluster says so now.
    pub(super) fn ends_now(&self, topic: &str) -> Result<Vec<i64>, PortError> {
        let view = self.0.metadata(&[topic.to_owned()], ASK)?;
        let missing = || PortError::TopicMissing { topic: topic.into() };
        let partitions = &view.topic(topic).ok_or_else(missing)?.partitions;
        partitions.iter().map(|p| Ok(self.0.bounds(topic, p.id, ASK)?.high)).collect()
    }
}

impl Log for ClusterLog {
    fn bounds(&self, topic: &str) -> Vec<Bounds> {
        let bounds = |partition| Self::sure(topic, || self.0.bounds(topic, partition, ASK));
        (0..self.partitions(topic)).map(bounds).collect()
    }

    fn records(&self, topic: &str) -> Vec<Incoming> {
        Self::sure(topic, || {
            let high = self.0.bounds(topic, 0, ASK)?.high;
            let mut reader = self.0.reader(topic, 0, Start::Beginning)?;
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
        })
    }
}

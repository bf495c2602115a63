//! A real cluster of three machines to measure on, for as long as the row takes.

use std::{path::Path, time::Duration};

use aisle_central::Centre;
use aisle_contract::{Bounds, Incoming, Reader, Start, Transport};
use aisle_kafka::{Kafka, KafkaSettings, bare::BareProducer};
use aisle_testkit::kafka::{Cluster, ClusterOptions, Kit};

use super::town::make_topics;
use crate::exit::Failure;

const ASK: Duration = Duration::from_secs(10);

/// The cluster; its machines end with it.
pub(super) struct Grounds {
    _cluster: Cluster,
    brokers: String,
    /// The cluster's id.
    pub(super) id: String,
}

impl Grounds {
    pub(super) fn start(dir: &Path) -> Result<Self, Failure> {
        let cluster = Cluster::start(&Kit::find()?, &dir.join("kafka"), &ClusterOptions::default())?;
        let brokers = cluster.brokers();
        let id = Kafka::new(settings(&brokers, "grounds"))?.metadata(&[], ASK)?.cluster_id;
        Ok(Self { brokers, _cluster: cluster, id })
    }

    fn settings(&self, client: &str) -> KafkaSettings {
        settings(&self.brokers, client)
    }

    /// Its addresses.
    pub(super) fn brokers(&self) -> &str {
        &self.brokers
    }

    /// A way to it.
    pub(super) fn connect(&self, client: &str) -> Result<Kafka, Failure> {
        Ok(Kafka::new(self.settings(client))?)
    }

    /// librdkafka's producer with the same settings.
    pub(super) fn bare(&self) -> Result<BareProducer, Failure> {
        Ok(BareProducer::new(&self.settings("bare"))?)
    }

    /// Makes a centre's topics.
    pub(super) fn make_topics(&self, centre: &Centre) -> Result<(), Failure> {
        make_topics(centre, &self.connect("topics")?)
    }

    /// Everything that lies in a partition.
    pub(super) fn log(&self, topic: &str, partition: i32) -> Result<Vec<Incoming>, Failure> {
        let kafka = self.connect("checking")?;
        let Bounds { low, high } = kafka.bounds(topic, partition, ASK)?;
        let mut reader: Box<dyn Reader> = kafka.reader(topic, partition, Start::Beginning)?;
        let mut found = Vec::new();
        while found.last().map_or(low, |last: &Incoming| last.offset + 1) < high {
            let some = reader.read(10_000, ASK)?;
            if some.is_empty() {
                return Err(Failure::new("timed_out", "the log could not be read back"));
            }
            found.extend(some);
        }
        Ok(found)
    }

    /// Where a partition ends.
    pub(super) fn end(&self, topic: &str, partition: i32) -> Result<i64, Failure> {
        Ok(self.connect("checking")?.bounds(topic, partition, ASK)?.high)
    }
}

fn settings(brokers: &str, client: &str) -> KafkaSettings {
    KafkaSettings { brokers: brokers.into(), client_id: client.into(), ..KafkaSettings::default() }
}

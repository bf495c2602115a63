//! The ports over librdkafka: the only crate that names it.

mod admin;
#[cfg(feature = "bare")]
pub mod bare;
mod context;
mod error_class;
mod membership;
mod reader;
mod sender;
mod settings;
mod tls;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aisle_contract::{
    Bounds, ClusterView, Membership, PartitionView, PortError, Reader, Sender, Start, TopicView, Transport,
};
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    metadata::MetadataTopic,
};

use crate::{
    context::{Health, Observer},
    error_class::{classify, classify_kafka},
};

pub use settings::{Authority, KafkaSettings, Security};

/// A client whose questions so often in a row find no answer is replaced.
const SILENCES: u32 = 3;
/// How long a client is heard out on why nothing answers.
const HEARING: Duration = Duration::from_millis(300);

/// A real Kafka cluster.
pub struct Kafka {
    settings: KafkaSettings,
    health: Health,
    asking: Mutex<Asking>,
}

/// One client for questions, made when the first is asked.
#[derive(Default)]
struct Asking {
    client: Option<BaseConsumer<Observer>>,
    /// The cluster that it has seen.
    cluster: Option<String>,
    /// Questions without an answer, one behind the other.
    silences: u32,
}

impl Asking {
    /// What a client remembers of a cluster's partitions it believes more than what it is told by one that took its place
    /// and counts from the beginning: only another client is free of it. Answers the old one, whose end may take a while:
    /// nobody who asks is to wait for that.
    fn forget(&mut self) -> Option<BaseConsumer<Observer>> {
        std::mem::take(self).client
    }
}

impl Kafka {
    /// A way to the cluster of these settings. Connects to nothing yet.
    ///
    /// # Errors
    /// [`PortError::BadSettings`] for settings that librdkafka refuses.
    pub fn new(settings: KafkaSettings) -> Result<Self, PortError> {
        // Begun like this, OpenSSL is not taken down when the program ends: whoever quits does not wait for the network, and
        // threads that still speak TLS would fall over what is gone.
        openssl_sys::init();
        let kafka = Self { settings, health: Health::default(), asking: Mutex::default() };
        let client = kafka.consumer(&kafka.settings.asking())?;
        kafka.asking().client = Some(client);
        Ok(kafka)
    }

    fn asking(&self) -> MutexGuard<'_, Asking> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn consumer(&self, config: &ClientConfig) -> Result<BaseConsumer<Observer>, PortError> {
        config
            .create_with_context(Observer::new(self.health.clone()))
            .map_err(|e| PortError::BadSettings(e.to_string()))
    }

    /// Whether the other end speaks TLS and this one does not, which shows as mere silence too.
    fn wants_tls(&self) -> Option<PortError> {
        let is_plain = matches!(self.settings.security, Security::Plaintext);
        (is_plain && tls::is_spoken_at(&self.settings.brokers))
            .then(|| PortError::AuthFailed("its machines speak TLS, and this line is set to no security".into()))
    }

    /// Asks with the one client, and turns a mere timeout into what the client was told meanwhile.
    fn ask<T>(
        &self,
        question: impl FnOnce(&BaseConsumer<Observer>) -> Result<T, PortError>,
    ) -> Result<T, PortError> {
        let mut guard = self.asking();
        let client = match guard.client.take() {
            Some(client) => client,
            None => self.consumer(&self.settings.asking())?,
        };
        let answer = question(&client);
        // Errors reach the context only while somebody polls.
        if matches!(answer, Err(PortError::Unreachable(_) | PortError::TimedOut(_))) {
            let end = Instant::now() + HEARING;
            while self.health.refusal().is_none() && Instant::now() < end {
                drop(client.poll(Duration::from_millis(20)));
            }
        } else {
            drop(client.poll(Duration::ZERO));
        }
        let is_silence = matches!(answer, Err(PortError::Unreachable(_) | PortError::TimedOut(_)));
        guard.silences = if is_silence { guard.silences + 1 } else { 0 };
        if guard.silences < SILENCES {
            guard.client = Some(client);
        } else {
            guard.forget();
        }
        drop(guard);
        match answer {
            Ok(answer) => {
                self.health.works();
                Ok(answer)
            }
            // Being turned away shows as mere silence to whoever asks; the client was told the reason.
            Err(error @ (PortError::Unreachable(_) | PortError::TimedOut(_))) => {
                Err(self.health.refusal().or_else(|| self.wants_tls()).unwrap_or(error))
            }
            Err(other) => Err(other),
        }
    }
}

fn left(end: Instant) -> Duration {
    end.saturating_duration_since(Instant::now()).max(Duration::from_millis(50))
}

/// Where a partition begins and ends. The library's own question for both at once passes over an error that the answer
/// for the beginning holds, and takes the end for it.
pub(crate) fn bounds_of(
    client: &BaseConsumer<Observer>,
    (topic, partition): (&str, i32),
    timeout: Duration,
) -> Result<Bounds, PortError> {
    let end = Instant::now() + timeout;
    let low = offset_at(client, (topic, partition), Offset::Beginning, left(end))?;
    let high = offset_at(client, (topic, partition), Offset::End, left(end))?;
    Ok(Bounds { low, high })
}

fn offset_at(
    client: &BaseConsumer<Observer>,
    (topic, partition): (&str, i32),
    place: Offset,
    timeout: Duration,
) -> Result<i64, PortError> {
    let classified = |error: KafkaError| classify_kafka(&error, topic);
    let mut asked = TopicPartitionList::new();
    asked.add_partition_offset(topic, partition, place).map_err(classified)?;
    let answer = client.offsets_for_times(asked, timeout).map_err(classified)?;
    let found = answer.find_partition(topic, partition);
    let found = found.ok_or_else(|| PortError::TimedOut("the answer leaves the partition out".into()))?;
    found.error().map_err(classified)?;
    match found.offset() {
        Offset::Offset(offset) => Ok(offset),
        other => Err(PortError::TimedOut(format!("the answer names no place in the log, but {other:?}"))),
    }
}

/// Whether a partition is there, whether or not a machine leads it: one may have begun to meanwhile.
fn is_there(client: &BaseConsumer<Observer>, topic: &str, partition: i32, timeout: Duration) -> bool {
    client.fetch_metadata(Some(topic), timeout).is_ok_and(|found| {
        let of_topic = found.topics().iter().filter(|own| own.name() == topic);
        of_topic.flat_map(MetadataTopic::partitions).any(|own| own.id() == partition)
    })
}

fn topic_view(topic: &MetadataTopic) -> TopicView {
    let partitions = topic.partitions().iter().map(|partition| PartitionView {
        id: partition.id(),
        has_leader: partition.leader() >= 0,
        replicas: partition.replicas().len(),
        in_sync: partition.isr().len(),
    });
    TopicView { name: topic.name().into(), partitions: partitions.collect() }
}

impl Transport for Kafka {
    fn addresses(&self) -> Vec<String> {
        self.settings.brokers.split(',').map(|address| address.trim().to_owned()).collect()
    }

    fn throttled(&self) -> Option<Duration> {
        self.health.throttled()
    }

    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        let end = Instant::now() + timeout;
        let view = self.ask(|client| {
            let mut found = Vec::new();
            let mut brokers = 0;
            for name in topics {
                let answer = client.fetch_metadata(Some(name), left(end)).map_err(|e| classify_kafka(&e, name))?;
                brokers = answer.brokers().len();
                for topic in answer.topics().iter().filter(|topic| topic.name() == name) {
                    match topic.error().map(|code| classify(code.into(), name)) {
                        None => found.push(topic_view(topic)),
                        Some(PortError::TopicMissing { .. }) => {}
                        Some(error) => return Err(error),
                    }
                }
            }
            if topics.is_empty() {
                brokers =
                    client.fetch_metadata(None, left(end)).map_err(|e| classify_kafka(&e, ""))?.brokers().len();
            }
            let cluster_id = client
                .client()
                .fetch_cluster_id(left(end))
                .ok_or_else(|| PortError::TimedOut("the cluster did not tell its id".into()))?;
            Ok(ClusterView { cluster_id, brokers, topics: found })
        })?;
        let mut asking = self.asking();
        let is_another = asking.cluster.as_ref().is_some_and(|known| *known != view.cluster_id);
        let old = if is_another { asking.forget() } else { None };
        asking.cluster = Some(view.cluster_id.clone());
        drop(asking);
        drop(old);
        Ok(view)
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        let end = Instant::now() + timeout;
        self.ask(|client| {
            bounds_of(client, (topic, partition), timeout).map_err(|error| match error {
                // The library says of a partition that nobody leads that it is not there.
                PortError::TopicMissing { .. } if is_there(client, topic, partition, left(end)) => {
                    PortError::TimedOut("no machine of the cluster leads this partition just now".into())
                }
                error => error,
            })
        })
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        Ok(Box::new(sender::KafkaSender::new(self.settings.producer(), self.health.clone())?))
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        // A consumer waits for ever on a topic that it may not see: ask first.
        let bounds = self.bounds(topic, partition, Duration::from_secs(5))?;
        let offset = match start {
            Start::Beginning => bounds.low,
            Start::At(offset) if (bounds.low..=bounds.high).contains(&offset) => offset,
            Start::At(wanted) => return Err(PortError::OutOfRange { wanted, low: bounds.low, high: bounds.high }),
        };
        let consumer = self.consumer(&self.settings.reader())?;
        Ok(Box::new(reader::KafkaReader::new(consumer, topic, partition, offset)?))
    }

    fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError> {
        let consumer = self.consumer(&self.settings.member(group))?;
        Ok(Box::new(membership::KafkaMembership::new(consumer, group, topic)?))
    }
}

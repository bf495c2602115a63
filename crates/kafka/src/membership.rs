//! A place in a group: which partitions this process owns. Nothing is read through it.

use std::{collections::BTreeSet, time::Duration};

use aisle_contract::{Membership, PortError};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    error::KafkaError,
    types::RDKafkaErrorCode,
};

use crate::{context::Observer, error_class::classify_kafka};

/// A member of a group.
pub(crate) struct KafkaMembership {
    /// `None` once it was put out of the group for good.
    consumer: Option<BaseConsumer<Observer>>,
    group: String,
    topic: String,
    paused: BTreeSet<i32>,
}

impl KafkaMembership {
    pub(crate) fn new(consumer: BaseConsumer<Observer>, group: &str, topic: &str) -> Result<Self, PortError> {
        consumer.subscribe(&[topic]).map_err(|e| classify_kafka(&e, topic))?;
        Ok(Self { consumer: Some(consumer), group: group.into(), topic: topic.into(), paused: BTreeSet::new() })
    }

    fn consumer(&self) -> Result<&BaseConsumer<Observer>, PortError> {
        self.consumer.as_ref().ok_or_else(|| PortError::Broken("it was put out of the group".into()))
    }

    fn classified<T>(&self, answer: Result<T, KafkaError>) -> Result<T, PortError> {
        answer.map_err(|e| classify_kafka(&e, &self.topic))
    }
}

impl Membership for KafkaMembership {
    fn owned(&mut self, wait: Duration) -> Result<Vec<i32>, PortError> {
        let consumer = self.consumer()?;
        // Rebalances happen within a poll. A record that slipped in before the pause is read again by its reader.
        if let Some(Err(error)) = consumer.poll(wait) {
            // One who may not join waits for ever, without a word from anybody else.
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                    return Err(PortError::NotAuthorized { what: format!("the group {}", self.group) });
                }
                Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                    return Err(PortError::NotAuthorized { what: self.topic.clone() });
                }
                // Put out for good, it never owns anything again. The library waits for ever for the end of such a
                // client, so that it is left as it is; the next one takes its place.
                _ if matches!(error, KafkaError::MessageConsumptionFatal(_)) => {
                    if let Some(put_out) = self.consumer.take() {
                        std::mem::forget(put_out);
                    }
                    return Err(PortError::Broken(error.to_string()));
                }
                _ => tracing::debug!(%error, "the group's client reports"),
            }
        }
        let assignment = self.classified(self.consumer()?.assignment())?;
        let owned: BTreeSet<i32> = assignment
            .elements()
            .iter()
            .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
            .collect();
        if owned != self.paused {
            if assignment.count() > 0 {
                self.classified(self.consumer()?.pause(&assignment))?;
            }
            self.paused.clone_from(&owned);
        }
        Ok(owned.into_iter().collect())
    }

    fn commit(&mut self, partition: i32, next_offset: i64) -> Result<(), PortError> {
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(&self.topic, partition, Offset::Offset(next_offset));
        self.classified(added)?;
        self.classified(self.consumer()?.commit(&list, CommitMode::Async))
    }
}

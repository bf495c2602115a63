//! A place in a group: which partitions this process owns. Nothing is read through it.

use std::{collections::BTreeSet, time::Duration};

use aisle_contract::{Membership, PortError};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
    types::RDKafkaErrorCode,
};

use crate::{context::Observer, error_class::classify_kafka};

/// A member of a group.
pub(crate) struct KafkaMembership {
    consumer: BaseConsumer<Observer>,
    group: String,
    topic: String,
    paused: BTreeSet<i32>,
}

impl KafkaMembership {
    pub(crate) fn new(consumer: BaseConsumer<Observer>, group: &str, topic: &str) -> Result<Self, PortError> {
        consumer.subscribe(&[topic]).map_err(|e| classify_kafka(&e, topic))?;
        Ok(Self { consumer, group: group.into(), topic: topic.into(), paused: BTreeSet::new() })
    }

    fn classified<T>(&self, answer: Result<T, rdkafka::error::KafkaError>) -> Result<T, PortError> {
        answer.map_err(|e| classify_kafka(&e, &self.topic))
    }
}

impl Membership for KafkaMembership {
    fn owned(&mut self, wait: Duration) -> Result<Vec<i32>, PortError> {
        // Rebalances happen within a poll. A record that slipped in before the pause is read again by its reader.
        if let Some(Err(error)) = self.consumer.poll(wait) {
            // One who may not join waits for ever, without a word from anybody else.
            match error.rdkafka_error_code() {
                Some(RDKafkaErrorCode::GroupAuthorizationFailed) => {
                    return Err(PortError::NotAuthorized { what: format!("the group {}", self.group) });
                }
                Some(RDKafkaErrorCode::TopicAuthorizationFailed) => {
                    return Err(PortError::NotAuthorized { what: self.topic.clone() });
                }
                _ => tracing::debug!(%error, "the group's client reports"),
            }
        }
        let assignment = self.classified(self.consumer.assignment())?;
        let owned: BTreeSet<i32> = assignment
            .elements()
            .iter()
            .map(rdkafka::topic_partition_list::TopicPartitionListElem::partition)
            .collect();
        if owned != self.paused {
            if assignment.count() > 0 {
                self.classified(self.consumer.pause(&assignment))?;
            }
            self.paused.clone_from(&owned);
        }
        Ok(owned.into_iter().collect())
    }

    fn commit(&mut self, partition: i32, next_offset: i64) -> Result<(), PortError> {
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(&self.topic, partition, Offset::Offset(next_offset));
        self.classified(added)?;
        self.classified(self.consumer.commit(&list, CommitMode::Async))
    }
}

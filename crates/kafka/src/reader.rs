//! Reading one partition from a position, in no group.

use std::time::Duration;

use aisle_contract::{Incoming, PortError, Reader};
use aisle_domain::Timestamp;
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    error::KafkaError,
    message::{BorrowedMessage, Headers, Message},
    types::RDKafkaErrorCode,
};

use crate::{
    bounds_of,
    context::Observer,
    error_class::{ErrorClass, classify_kafka, meaning},
};

/// Reads one partition.
pub(crate) struct KafkaReader {
    consumer: BaseConsumer<Observer>,
    topic: String,
    partition: i32,
    next: i64,
    /// What came behind records: the client says it once, and reads nothing more.
    failure: Option<PortError>,
}

impl KafkaReader {
    pub(crate) fn new(
        consumer: BaseConsumer<Observer>,
        topic: &str,
        partition: i32,
        offset: i64,
    ) -> Result<Self, PortError> {
        let mut list = TopicPartitionList::new();
        list.add_partition_offset(topic, partition, Offset::Offset(offset))
            .and_then(|()| consumer.assign(&list))
            .map_err(|e| classify_kafka(&e, topic))?;
        Ok(Self { consumer, topic: topic.into(), partition, next: offset, failure: None })
    }

    fn failed(&self, error: &KafkaError) -> Option<PortError> {
        match error.rdkafka_error_code() {
            Some(code) if meaning(code).class() == ErrorClass::MirrorAnew => {
                let place = (self.topic.as_str(), self.partition);
                let bounds = bounds_of(&self.consumer, place, Duration::from_secs(4));
                let (low, high) = bounds.map_or((0, 0), |bounds| (bounds.low, bounds.high));
                Some(PortError::OutOfRange { wanted: self.next, low, high })
            }
            // The client tries again by itself; whether anybody answers is asked elsewhere, never concluded here.
            Some(
                RDKafkaErrorCode::BrokerTransportFailure
                | RDKafkaErrorCode::AllBrokersDown
                | RDKafkaErrorCode::Resolve,
            ) => None,
            Some(code) if meaning(code).class() == ErrorClass::Fine => None,
            _ => Some(classify_kafka(error, &self.topic)),
        }
    }
}

impl Reader for KafkaReader {
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let mut records = Vec::new();
        let mut patience = wait;
        while records.len() < max {
            match self.consumer.poll(patience) {
                None => break,
                Some(Ok(message)) => {
                    self.next = message.offset() + 1;
                    records.push(incoming(&message));
                }
                Some(Err(error)) => match self.failed(&error) {
                    Some(error) if records.is_empty() => return Err(error),
                    // What was read before it comes first.
                    failure => {
                        self.failure = failure;
                        break;
                    }
                },
            }
            // The first record was waited for; what is there already comes along.
            patience = Duration::ZERO;
        }
        Ok(records)
    }
}

fn incoming(message: &BorrowedMessage<'_>) -> Incoming {
    let headers = message
        .headers()
        .map(|headers| headers.iter().map(|h| (h.key.to_owned(), h.value.unwrap_or_default().to_vec())).collect());
    Incoming {
        topic: message.topic().into(),
        partition: message.partition(),
        offset: message.offset(),
        written_at: Timestamp::from_millis(message.timestamp().to_millis().unwrap_or(0)),
        key: message.key().map(Into::into),
        headers: headers.unwrap_or_default(),
        value: message.payload().map(Into::into),
    }
}

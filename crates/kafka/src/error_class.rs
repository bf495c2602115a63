//! One table: what each of Kafka's errors means for us.

use aisle_contract::PortError;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

/// What an error code means; `what` is the topic or group that it is about.
pub(crate) fn classify(code: RDKafkaErrorCode, what: &str) -> PortError {
    use RDKafkaErrorCode as Code;
    let words = || code.to_string();
    match code {
        // Nobody answers: tried again for ever.
        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::Fail => PortError::Unreachable(words()),

        // An answer that did not come in time, or a machine that is not the one any more.
        Code::OperationTimedOut
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::NotLeaderForPartition
        | Code::LeaderNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::PurgeQueue
        | Code::PurgeInflight
        | Code::QueueFull
        | Code::ReplicaNotAvailable
        | Code::KafkaStorageError
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::OffsetNotAvailable
        | Code::PreferredLeaderNotAvailable => PortError::TimedOut(words()),

        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend | Code::ISRInsufficient => {
            PortError::NotEnoughReplicas
        }

        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::SSL
        | Code::IllegalSASLState => PortError::AuthFailed(words()),

        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => PortError::NotAuthorized { what: what.into() },

        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            PortError::TopicMissing { topic: what.into() }
        }

        Code::MessageSizeTooLarge | Code::InvalidMessageSize => PortError::TooLarge,

        // The producer's own numbering is broken, it was replaced, or it is nothing that is known: only a new
        // connection helps.
        _ => PortError::Broken(words()),
    }
}

/// What any of the library's errors means.
pub(crate) fn classify_kafka(error: &KafkaError, what: &str) -> PortError {
    match error.rdkafka_error_code() {
        Some(code) => classify(code, what),
        None => PortError::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_error_has_its_class() {
        use RDKafkaErrorCode as Code;
        let of = |code| classify(code, "t");
        assert!(matches!(of(Code::AllBrokersDown), PortError::Unreachable(_)));
        assert!(matches!(of(Code::NotLeaderForPartition), PortError::TimedOut(_)));
        assert_eq!(of(Code::NotEnoughReplicas), PortError::NotEnoughReplicas);
        assert!(matches!(of(Code::Authentication), PortError::AuthFailed(_)));
        assert_eq!(of(Code::TopicAuthorizationFailed), PortError::NotAuthorized { what: "t".into() });
        assert_eq!(of(Code::UnknownTopicOrPartition), PortError::TopicMissing { topic: "t".into() });
        assert_eq!(of(Code::MessageSizeTooLarge), PortError::TooLarge);
        assert!(matches!(of(Code::OutOfOrderSequenceNumber), PortError::Broken(_)));
    }
}

//! One table: what each of Kafka's errors means for us. docs/kafka-errors.md shows it.

use aisle_contract::PortError;
use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};

/// What is done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorClass {
    /// Nothing is wrong.
    Fine,
    /// It passes by itself: the client tries again, and behind it whoever has the record still.
    Retry,
    /// Nothing is sent or read until the cluster, or somebody at it, has changed something; asked again all the same.
    Pause,
    /// This record, or this request, is not taken as it is.
    Refuse,
    /// What was read is not the log's any more.
    MirrorAnew,
    /// Only a new client helps.
    NewClient,
}

/// What an error says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meaning {
    /// Not an error: something was said or nothing is there yet.
    Fine,
    /// Nobody answers.
    Unreachable,
    /// An answer that did not come in time, a machine that is not the one any more, a group that is being sorted out.
    Late,
    /// Too few copies are in sync for a write to count.
    FewReplicas,
    /// The cluster does not know these credentials, or TLS does not come about.
    NotLetIn,
    /// These credentials may not do this.
    NotAllowed,
    /// The topic or partition is not there.
    Missing,
    /// The record is larger than the topic takes.
    TooLarge,
    /// The cluster, or the topic, has settings that this cannot work with.
    NotTaken,
    /// The position is not in the log, or what was read of it is not there any more.
    OutOfLog,
    /// The client's own numbering or state is broken, it was replaced, or it has no word for what happened.
    Broken,
    /// A code that a newer library knows and this table does not.
    Unnamed,
}

impl Meaning {
    pub(crate) const fn class(self) -> ErrorClass {
        match self {
            Self::Fine => ErrorClass::Fine,
            Self::Unreachable | Self::Late => ErrorClass::Retry,
            Self::FewReplicas | Self::NotLetIn | Self::NotAllowed | Self::Missing => ErrorClass::Pause,
            Self::TooLarge | Self::NotTaken => ErrorClass::Refuse,
            Self::OutOfLog => ErrorClass::MirrorAnew,
            Self::Broken | Self::Unnamed => ErrorClass::NewClient,
        }
    }

    /// As the ports say it. Bounds of the log are added by whoever knows them.
    fn port_error(self, what: &str, words: String) -> PortError {
        match self {
            Self::Unreachable => PortError::Unreachable(words),
            Self::Late => PortError::TimedOut(words),
            Self::FewReplicas => PortError::NotEnoughReplicas,
            Self::NotLetIn => PortError::AuthFailed(words),
            Self::NotAllowed => PortError::NotAuthorized { what: what.into() },
            Self::Missing => PortError::TopicMissing { topic: what.into() },
            Self::TooLarge => PortError::TooLarge,
            Self::NotTaken => PortError::BadSettings(words),
            Self::Fine | Self::OutOfLog | Self::Broken | Self::Unnamed => PortError::Broken(words),
        }
    }
}

/// What an error code says.
#[allow(clippy::too_many_lines, reason = "every code that the library knows has its place here")]
pub(crate) const fn meaning(code: RDKafkaErrorCode) -> Meaning {
    use RDKafkaErrorCode as Code;
    match code {
        Code::NoError
        | Code::PartitionEOF
        | Code::NoOffset
        | Code::Noop
        | Code::NodeUpdate
        | Code::AssignPartitions
        | Code::RevokePartitions => Meaning::Fine,

        Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::NetworkException
        | Code::BrokerNotAvailable
        | Code::BrokerDestroy
        | Code::DestroyBroker
        | Code::UnknownBroker
        | Code::RebootstrapRequired
        | Code::Fail => Meaning::Unreachable,

        Code::OperationTimedOut
        | Code::MessageTimedOut
        | Code::RequestTimedOut
        | Code::TimedOutQueue
        | Code::NotLeaderForPartition
        | Code::LeaderNotAvailable
        | Code::PreferredLeaderNotAvailable
        | Code::EligibleLeadersNotAvailable
        | Code::ReplicaNotAvailable
        | Code::FencedLeaderEpoch
        | Code::UnknownLeaderEpoch
        | Code::StaleBrokerEpoch
        | Code::StaleControllerEpoch
        | Code::NotController
        | Code::OffsetNotAvailable
        | Code::KafkaStorageError
        | Code::LogDirNotFound
        | Code::ListenerNotFound
        | Code::ReassignmentInProgress
        | Code::CoordinatorLoadInProgress
        | Code::CoordinatorNotAvailable
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::RebalanceInProgress
        | Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::MemberIdRequired
        | Code::FencedMemberEpoch
        | Code::StaleMemberEpoch
        | Code::UnreleasedInstanceId
        | Code::AssignmentLost
        | Code::PollExceeded
        | Code::UnstableOffsetCommit
        | Code::GroupIdNotFound
        | Code::UnknownGroup
        | Code::FetchSessionIdNotFound
        | Code::InvalidFetchSessionEpoch
        | Code::PurgeQueue
        | Code::PurgeInflight
        | Code::QueueFull
        | Code::ThrottlingQuotaExceeded
        | Code::InvalidMessage
        | Code::BadMessage
        | Code::BadCompression
        | Code::InvalidDifferentRecord
        | Code::ConcurrentTransactions
        | Code::OperationNotAttempted
        | Code::Retry
        | Code::WaitCache
        | Code::Interrupted
        | Code::InProgress
        | Code::PreviousInProgress
        | Code::Outdated
        | Code::Partial
        | Code::Underflow
        | Code::UnknownSubscriptionId
        | Code::TelemetryTooLarge => Meaning::Late,

        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend | Code::ISRInsufficient => {
            Meaning::FewReplicas
        }

        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState
        | Code::SSL
        | Code::SecurityDisabled
        | Code::DelegationTokenAuthDisabled
        | Code::DelegationTokenNotFound
        | Code::DelegationTokenOwnerMismatch
        | Code::DelegationTokenRequestNotAllowed
        | Code::DelegationTokenAuthorizationFailed
        | Code::DelegationTokenExpired
        | Code::InvalidPrincipalType
        | Code::UnacceptableCredential
        | Code::PrincipalDeserializationFailure => Meaning::NotLetIn,

        Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed
        | Code::TransactionalIdAuthorizationFailed => Meaning::NotAllowed,

        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition | Code::UnknownTopicId => {
            Meaning::Missing
        }

        Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge => Meaning::TooLarge,

        Code::InvalidTopic
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidRequiredAcks
        | Code::PolicyViolation
        | Code::InvalidConfig
        | Code::UnsupportedForMessageFormat
        | Code::UnsupportedCompressionType
        | Code::UnsupportedVersion
        | Code::UnsupportedFeature
        | Code::InvalidRequest
        | Code::InvalidGroupId
        | Code::InvalidSessionTimeout
        | Code::InconsistentGroupProtocol
        | Code::GroupMaxSizeReached
        | Code::UnsupportedAssignor
        | Code::OffsetMetadataTooLarge
        | Code::InvalidCommitOffsetSize
        | Code::TopicAlreadyExists
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::InvalidReplicaAssignment
        | Code::TopicDeletionDisabled
        | Code::InvalidArgument
        | Code::NotConfigured
        | Code::NotImplemented => Meaning::NotTaken,

        Code::OffsetOutOfRange | Code::AutoOffsetReset | Code::LogTruncation => Meaning::OutOfLog,

        Code::Fatal
        | Code::OutOfOrderSequenceNumber
        | Code::DuplicateSequenceNumber
        | Code::UnknownProducerId
        | Code::InvalidProducerEpoch
        | Code::InvalidProducerIdMapping
        | Code::ProducerFenced
        | Code::GaplessGuarantee
        | Code::InvalidTransactionalState
        | Code::InvalidTransactionTimeout
        | Code::TransactionCoordinatorFenced
        | Code::Fenced
        | Code::FencedInstanceId
        | Code::Inconsistent
        | Code::State
        | Code::Conflict
        | Code::ExistingSubscription
        | Code::UnknownProtocol
        | Code::CriticalSystemResource
        | Code::FileSystem
        | Code::ReadOnly
        | Code::NoEnt
        | Code::InvalidType
        | Code::Application
        | Code::KeySerialization
        | Code::ValueSerialization
        | Code::KeyDeserialization
        | Code::ValueDeserialization
        | Code::NonEmptyGroup
        | Code::GroupSubscribedToTopic
        | Code::ElectionNotNeeded
        | Code::NoReassignmentInProgress
        | Code::ResourceNotFound
        | Code::DuplicateResource
        | Code::InconsistentVoterSet
        | Code::InvalidUpdateVersion
        | Code::FeatureUpdateFailed
        | Code::Unknown
        | Code::Begin
        | Code::End
        | Code::EndAll => Meaning::Broken,

        _ => Meaning::Unnamed,
    }
}

/// What an error code means; `what` is the topic or group that it is about.
pub(crate) fn classify(code: RDKafkaErrorCode, what: &str) -> PortError {
    meaning(code).port_error(what, code.to_string())
}

/// What any of the library's errors means.
pub(crate) fn classify_kafka(error: &KafkaError, what: &str) -> PortError {
    match (error.rdkafka_error_code(), error) {
        (Some(code), _) => classify(code, what),
        (None, KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_)) => {
            PortError::BadSettings(error.to_string())
        }
        (None, _) => PortError::Broken(error.to_string()),
    }
}

#[cfg(test)]
mod tests;

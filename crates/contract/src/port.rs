//! The ports. A transport (Kafka, a REST proxy, the in-process bus) implements them and knows neither desk nor
//! centre. Calls block up to their time limit; each loop owns its sender or reader on a thread of its own.

use std::time::Duration;

use crate::{
    record::{Incoming, Outgoing},
    topic::TopicSpec,
};

/// Why a transport could not do its part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Something that the line needs is missing on this computer: nothing was asked of the cluster.
    #[error("this computer cannot open its line: {why}")]
    Closed {
        /// What is missing.
        why: String,
        /// What to do about it.
        hint: Option<String>,
    },
    /// No machine of the cluster answered.
    #[error("the cluster cannot be reached: {0}")]
    Unreachable(String),
    /// The cluster does not know these credentials, or TLS does not come about.
    #[error("the cluster refuses to let this desk in: {0}")]
    AuthFailed(String),
    /// These credentials may not do this.
    #[error("these credentials may not use {what}")]
    NotAuthorized {
        /// The topic or group.
        what: String,
    },
    /// The topic or partition is not there.
    #[error("topic {topic} is missing, or may not be seen with these credentials")]
    TopicMissing {
        /// The topic.
        topic: String,
    },
    /// Too few copies are in sync for the write to count.
    #[error("too few of the cluster's machines are in sync to accept this")]
    NotEnoughReplicas,
    /// No answer in time: it may have been written or not.
    #[error("no answer in time: {0}")]
    TimedOut(String),
    /// The record is larger than the topic takes.
    #[error("the record is larger than the topic takes")]
    TooLarge,
    /// The wanted position is not in the log.
    #[error("position {wanted} is outside the log, which goes from {low} to {high}")]
    OutOfRange {
        /// The position asked for.
        wanted: i64,
        /// First offset in the log.
        low: i64,
        /// End of the log.
        high: i64,
    },
    /// The sender or reader is unusable and must be made anew.
    #[error("the connection must be made anew: {0}")]
    Broken(String),
    /// A setting that the transport cannot work with, or something that the cluster does not take as it is.
    #[error("the cluster and this program's settings do not go together: {0}")]
    BadSettings(String),
}

impl PortError {
    /// The error code, as on screen and on the command line.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Closed { .. } => "line_closed",
            Self::Unreachable(_) => "unreachable",
            Self::AuthFailed(_) => "auth_failed",
            Self::NotAuthorized { .. } => "not_authorized",
            Self::TopicMissing { .. } => "topic_missing",
            Self::NotEnoughReplicas => "not_enough_replicas",
            Self::TimedOut(_) => "timed_out",
            Self::TooLarge => "too_large",
            Self::OutOfRange { .. } => "out_of_range",
            Self::Broken(_) => "connection_broken",
            Self::BadSettings(_) => "bad_settings",
        }
    }

    /// Whether trying again may help without anybody doing anything.
    pub const fn retryable(&self) -> bool {
        !matches!(self, Self::TooLarge | Self::BadSettings(_))
    }
}

/// What became of one record: its offset, or why there is no delivery report. Without a report it may be in the
/// log all the same.
pub type Delivery = Result<i64, PortError>;

/// First and next offset of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// First offset that can be read.
    pub low: i64,
    /// The offset that the next record will have.
    pub high: i64,
}

/// Where a reader starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the first record there is.
    Beginning,
    /// At this offset; outside the log is an error, never a jump.
    At(i64),
}

/// One partition as metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionView {
    /// Its number.
    pub id: i32,
    /// Whether some machine leads it.
    pub has_leader: bool,
    /// Copies there should be.
    pub replicas: usize,
    /// Copies in sync.
    pub in_sync: usize,
}

/// One topic as metadata shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicView {
    /// Its name.
    pub name: String,
    /// Its partitions, by number.
    pub partitions: Vec<PartitionView>,
}

/// The cluster as metadata shows it: believed never alone, only together with acknowledgements.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterView {
    /// The cluster's own id.
    pub cluster_id: String,
    /// Machines that answer.
    pub brokers: usize,
    /// The topics that were asked for and are there.
    pub topics: Vec<TopicView>,
}

impl ClusterView {
    /// The topic with this name.
    pub fn topic(&self, name: &str) -> Option<&TopicView> {
        self.topics.iter().find(|topic| topic.name == name)
    }
}

/// A way to a cluster.
pub trait Transport: Send + Sync {
    /// Where the cluster is to be found, `host:port`, for telling where a line is cut; empty without a network.
    fn addresses(&self) -> Vec<String> {
        Vec::new()
    }

    /// For how long the cluster lately makes this one wait, since it sent more than it may; `None` while it does not, and
    /// where nobody tells.
    fn throttled(&self) -> Option<Duration> {
        None
    }

    /// Somebody asks for the line: one that is closed on this computer is opened with the next question, if it can be.
    fn retry_now(&self) {}

    /// Asks the cluster for itself and these topics; topics that are not there are left out.
    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError>;

    /// First and next offset of a partition.
    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError>;

    /// A sender of its own, for one thread.
    fn sender(&self) -> Result<Box<dyn Sender>, PortError>;

    /// A reader of one partition, for one thread. It belongs to no group.
    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError>;

    /// Joins `group` for the partitions of `topic`: who owns which partition, not what is in it.
    fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError>;
}

/// A way to a cluster through another one: what it does not say otherwise is handed on.
pub trait Through: Send + Sync {
    /// The way behind this one.
    ///
    /// # Errors
    /// Why there is none now; it is the answer to every call that is handed on.
    fn through(&self) -> Result<&dyn Transport, PortError>;

    /// As [`Transport::throttled`].
    fn throttled(&self) -> Option<Duration> {
        self.through().ok()?.throttled()
    }

    /// As [`Transport::metadata`].
    ///
    /// # Errors
    /// As there.
    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        self.through()?.metadata(topics, timeout)
    }

    /// As [`Transport::bounds`].
    ///
    /// # Errors
    /// As there.
    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        self.through()?.bounds(topic, partition, timeout)
    }

    /// As [`Transport::sender`].
    ///
    /// # Errors
    /// As there.
    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        self.through()?.sender()
    }

    /// As [`Transport::reader`].
    ///
    /// # Errors
    /// As there.
    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        self.through()?.reader(topic, partition, start)
    }
}

impl<T: Through> Transport for T {
    fn addresses(&self) -> Vec<String> {
        self.through().map(Transport::addresses).unwrap_or_default()
    }

    fn throttled(&self) -> Option<Duration> {
        Through::throttled(self)
    }

    fn retry_now(&self) {
        if let Ok(behind) = self.through() {
            behind.retry_now();
        }
    }

    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        Through::metadata(self, topics, timeout)
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        Through::bounds(self, topic, partition, timeout)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        Through::sender(self)
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        Through::reader(self, topic, partition, start)
    }

    fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError> {
        self.through()?.join(group, topic)
    }
}

/// Sends batches. Several may be on their way at once; answers come in the order in which records were handed over.
pub trait Sender: Send {
    /// Hands records over and waits for nothing. Records of one partition are written in their order, or their later
    /// ones not at all: behind one that failed nothing is taken until every answer was fetched.
    fn hand_over(&mut self, batch: Vec<Outgoing>);

    /// Waits for the delivery reports of the first `count` records that have no answer yet, at most `timeout`.
    /// Answers those, and what else is known behind them without a gap: one answer a record, in order.
    fn answers(&mut self, count: usize, timeout: Duration) -> Vec<Delivery>;

    /// Sends all records and waits for their delivery reports, at most `timeout`. One answer a record, in order.
    fn send(&mut self, batch: Vec<Outgoing>, timeout: Duration) -> Vec<Delivery> {
        let count = batch.len();
        self.hand_over(batch);
        self.answers(count, timeout)
    }
}

/// Reads one partition from a position.
pub trait Reader: Send {
    /// The next records, at most `max`; empty when none came within `wait`.
    ///
    /// # Errors
    /// [`PortError::OutOfRange`] when the position is not in the log; the others as they come. After
    /// [`PortError::Broken`] the reader must be made anew.
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError>;
}

/// A place in a group of workers.
pub trait Membership: Send {
    /// Waits up to `wait` and answers the partitions owned now, sorted.
    fn owned(&mut self, wait: Duration) -> Result<Vec<i32>, PortError>;

    /// Tells the group how far a partition was applied: a gauge, never a position to start from.
    fn commit(&mut self, partition: i32, next_offset: i64) -> Result<(), PortError>;
}

/// What a topic is like beside what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicState {
    /// Its name.
    pub name: String,
    /// Partitions it has; 0 when it is missing.
    pub partitions: i32,
    /// Copies of each.
    pub replication: i32,
    /// What is wrong with it, in words; empty when it is as it must be.
    pub problems: Vec<String>,
}

/// Makes and checks topics.
pub trait TopicAdmin: Send + Sync {
    /// Compares the topics with what they must be.
    fn check(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError>;

    /// Makes what is missing, adds partitions, corrects settings; then as [`TopicAdmin::check`].
    fn create(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError>;
}

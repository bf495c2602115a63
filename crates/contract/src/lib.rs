//! The one interface between a store's desk and central, the same for every store: topics and partitions, the
//! envelope, every message, and the two ports that a transport implements (send a batch; read from a position).

pub mod attributes;
pub mod down;
pub mod enrolment;
pub mod partition;
pub mod port;
pub mod record;
pub mod signature;
pub mod standstill;
pub mod topic;
pub mod up;

pub use attributes::{Attributes, BadEnvelope, Event};
pub use down::{CentralPosition, ChangeRefused, DeskAck, DigestMessage, DownBody, DownMessage, KnownNumbering};
pub use enrolment::Enrolment;
pub use partition::partition_of;
pub use port::{
    Bounds, ClusterView, Delivery, Membership, PartitionView, PortError, Reader, Sender, Start, Through,
    TopicAdmin, TopicState, TopicView, Transport,
};
pub use record::{Incoming, Outgoing};
pub use signature::{BadKey, BadSignature, StoreKey};
pub use standstill::Standstill;
pub use topic::{TopicNames, TopicSpec};
pub use up::{ChangeEnvelope, ChangeMessage, Heartbeat, HeartbeatMessage, UpMessage, WrittenChange};

/// The largest value that may be sent, in bytes: an act or a row that is larger is refused before it is written.
pub const MAX_VALUE_BYTES: usize = 900_000;

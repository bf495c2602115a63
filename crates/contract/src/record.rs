//! Records as a transport carries them.

use aisle_domain::Timestamp;

/// A record to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outgoing {
    /// The topic.
    pub topic: String,
    /// The partition, always chosen by us.
    pub partition: i32,
    /// The key.
    pub key: Vec<u8>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

/// A record that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// The topic.
    pub topic: String,
    /// The partition.
    pub partition: i32,
    /// Its place in the partition.
    pub offset: i64,
    /// When the cluster wrote it.
    pub written_at: Timestamp,
    /// The key, where it has one.
    pub key: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The value; `None` is a tombstone.
    pub value: Option<Vec<u8>>,
}

impl Incoming {
    /// The key as text, where it is UTF-8.
    pub fn key_text(&self) -> Option<&str> {
        self.key.as_deref().and_then(|key| std::str::from_utf8(key).ok())
    }
}

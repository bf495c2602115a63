//! What a desk sends: changes, numbered, and heartbeats, which are not.

use aisle_domain::{
    Change, ChangeId, DeskId, Epoch, Incarnation, Lane, StoreId, Subject, Timestamp,
    change::{
        DueSet, ItemChanged, ItemCreated, ItemDeleted, LineSet, OrderAccepted, OrderClaimed, OrderNoted,
        OrderRejected, OrderSentBack, PaymentApproved, PaymentDeclined, RangeRequested, ShopperRated, StoreBusy,
        StorePaused,
    },
    in_short,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    attributes::{Attributes, BadEnvelope, Event},
    record::{Incoming, Outgoing},
    signature::{KEY_ID, StoreKey},
};

/// Who sends a change, and its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeEnvelope {
    /// The act's identity, for ever.
    pub change_id: ChangeId,
    /// The store.
    pub store: StoreId,
    /// The desk.
    pub desk: DeskId,
    /// The desk's numbering.
    pub incarnation: Incarnation,
    /// The lane.
    pub lane: Lane,
    /// Dense per desk, incarnation and lane, from 1.
    pub seq: i64,
    /// The refused change that this one mends.
    pub replaces: Option<ChangeId>,
    /// Who acted.
    pub staff: String,
    /// When they acted, by the desk's clock.
    pub acted_at: Timestamp,
    /// The key that signed it, where one did: told when it is read; sending takes the key itself.
    pub key_id: Option<String>,
}

/// A change with its envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeMessage {
    /// Who and which number.
    pub envelope: ChangeEnvelope,
    /// The act.
    pub change: Change,
}

/// A change with its envelope whose body is written already: an outbox keeps the very text that travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenChange<'a> {
    /// Who and which number.
    pub envelope: &'a ChangeEnvelope,
    /// The type's word, such as `order.accepted`.
    pub type_word: &'a str,
    /// What it is done to.
    pub subject: Subject,
    /// The body as JSON.
    pub body: String,
}

/// What a desk says of itself with every push and every interval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Heartbeat {
    /// The program's version.
    pub version: String,
    /// The desk's name.
    pub name: String,
    /// Changes that central has not acknowledged.
    pub outbox: i64,
    /// Age of the oldest of them, seconds.
    #[serde(default)]
    pub oldest_age_s: Option<i64>,
    /// Next offset to read, by lane.
    pub positions: Vec<FeedPosition>,
    /// How far its feeds are behind, records.
    #[serde(default)]
    pub behind: Option<i64>,
    /// The desk's clock.
    pub clock: Timestamp,
    /// The history of central that it has mirrored.
    #[serde(default)]
    pub epoch: Option<Epoch>,
}

/// Where a desk reads a feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FeedPosition {
    /// The lane.
    pub lane: Lane,
    /// Next offset.
    pub position: i64,
}

/// A heartbeat with its sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeartbeatMessage {
    /// The heartbeat's own id.
    pub id: ChangeId,
    /// The store.
    pub store: StoreId,
    /// The desk.
    pub desk: DeskId,
    /// The desk's numbering.
    pub incarnation: Incarnation,
    /// When it was sent, by the desk's clock.
    pub sent_at: Timestamp,
    /// What it says.
    pub body: Heartbeat,
}

/// Anything that comes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpMessage {
    /// A change.
    Change(Box<ChangeMessage>),
    /// A change whose type or body is not understood: refused by its envelope, and the numbering goes on.
    NotUnderstood {
        /// Who and which number.
        envelope: Box<ChangeEnvelope>,
        /// What was not understood.
        why: String,
    },
    /// A sign of life.
    Heartbeat(Box<HeartbeatMessage>),
}

const HEARTBEAT: &str = "aisle.desk.heartbeat.v1";

macro_rules! change_bodies {
    ($($variant:ident($body:ty) = $word:literal,)*) => {
        /// Every type of change with the schema of its body.
        pub fn change_schemas() -> Vec<(&'static str, schemars::Schema)> {
            vec![$(($word, schemars::schema_for!($body))),*]
        }

        /// A change's body as JSON, as the outbox keeps it and the wire carries it.
        pub fn body_of(change: &Change) -> Result<String, serde_json::Error> {
            match change {
                $(Change::$variant(body) => serde_json::to_string(body),)*
            }
        }

        /// Reads a change by its type's word, such as `order.accepted`.
        ///
        /// # Errors
        /// What was not understood, in words.
        pub fn change_of(word: &str, body: &[u8]) -> Result<Change, String> {
            match word {
                $($word => parse::<$body>(word, body).map(|b| Change::$variant(b.into())),)*
                _ => Err(format!("the type {word} is not known")),
            }
        }
    };
}

change_bodies! {
    OrderAccepted(OrderAccepted) = "order.accepted",
    OrderRejected(OrderRejected) = "order.rejected",
    OrderSentBack(OrderSentBack) = "order.sent_back",
    LineSet(LineSet) = "order.line_set",
    OrderNoted(OrderNoted) = "order.noted",
    PaymentApproved(PaymentApproved) = "payment.approved",
    PaymentDeclined(PaymentDeclined) = "payment.declined",
    DueSet(DueSet) = "order.due_set",
    OrderClaimed(OrderClaimed) = "order.claimed",
    RangeRequested(RangeRequested) = "range.requested",
    ItemChanged(ItemChanged) = "item.changed",
    ItemCreated(ItemCreated) = "item.created",
    ItemDeleted(ItemDeleted) = "item.deleted",
    ShopperRated(ShopperRated) = "shopper.rated",
    StorePaused(StorePaused) = "store.paused",
    StoreBusy(StoreBusy) = "store.busy",
}

fn parse<T: DeserializeOwned>(word: &str, body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|e| format!("the body of {word}: {e}"))
}

/// The full name of a type: `aisle.order.accepted.v1`.
pub fn type_name(word: &str) -> String {
    format!("aisle.{word}.v1")
}

pub(crate) fn type_word(name: &str) -> Option<&str> {
    name.strip_prefix("aisle.")?.strip_suffix(".v1")
}

impl ChangeMessage {
    /// The record for `topic` and `partition`, signed where the store has a key.
    pub fn encode(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&StoreKey>,
    ) -> Result<Outgoing, serde_json::Error> {
        let written = WrittenChange {
            envelope: &self.envelope,
            type_word: self.change.type_word(),
            subject: self.change.subject(),
            body: body_of(&self.change)?,
        };
        Ok(written.encode(topic, partition, key))
    }
}

impl WrittenChange<'_> {
    /// The record for `topic` and `partition`, signed where the store has a key.
    pub fn encode(self, topic: &str, partition: i32, key: Option<&StoreKey>) -> Outgoing {
        let e = self.envelope;
        let (id, source) = (e.change_id.to_string(), source(e.store, e.desk));
        let mut attributes = Attributes::new(id, source, type_name(self.type_word), e.acted_at)
            .with("subject", self.subject.to_string())
            .with("store", e.store.to_string())
            .with("desk", e.desk.to_string())
            .with("incarnation", e.incarnation.to_string())
            .with("lane", e.lane.word())
            .with("seq", e.seq.to_string())
            .with("staff", e.staff.as_str());
        if let Some(replaces) = e.replaces {
            attributes = attributes.with("replaces", replaces.to_string());
        }
        outgoing(topic, partition, e.store, attributes, self.body, key)
    }
}

impl HeartbeatMessage {
    /// The record for `topic` and `partition`, signed where the store has a key.
    pub fn encode(
        &self,
        topic: &str,
        partition: i32,
        key: Option<&StoreKey>,
    ) -> Result<Outgoing, serde_json::Error> {
        let attributes =
            Attributes::new(self.id.to_string(), source(self.store, self.desk), HEARTBEAT, self.sent_at)
                .with("store", self.store.to_string())
                .with("desk", self.desk.to_string())
                .with("incarnation", self.incarnation.to_string());
        Ok(outgoing(topic, partition, self.store, attributes, serde_json::to_string(&self.body)?, key))
    }
}

fn source(store: StoreId, desk: DeskId) -> String {
    format!("/stores/{store}/desks/{desk}")
}

fn outgoing(
    topic: &str,
    partition: i32,
    store: StoreId,
    attributes: Attributes<'_>,
    data: String,
    key: Option<&StoreKey>,
) -> Outgoing {
    let attributes = match key {
        Some(key) => key.sign(attributes, data.as_bytes()),
        None => attributes,
    };
    Outgoing {
        topic: topic.into(),
        partition,
        key: store.to_string().into_bytes(),
        headers: attributes.headers(),
        value: Some(data.into_bytes()),
    }
}

impl UpMessage {
    /// Reads a record of `aisle.changes`. Its signature is not looked at: see [`crate::signature::check`].
    ///
    /// # Errors
    /// [`BadEnvelope`] when not even the sender can be read.
    pub fn decode(record: &Incoming) -> Result<Self, BadEnvelope> {
        Self::of(&Event::of(record)?)
    }

    /// Reads an event of `aisle.changes`.
    ///
    /// # Errors
    /// [`BadEnvelope`] when not even the sender can be read.
    pub fn of(event: &Event<'_>) -> Result<Self, BadEnvelope> {
        Self::read(event).map_err(BadEnvelope::in_short)
    }

    fn read(event: &Event<'_>) -> Result<Self, BadEnvelope> {
        let Event { attributes, data, .. } = event;
        let event_type: String = attributes.read("type")?;
        if event_type == HEARTBEAT {
            return Ok(Self::Heartbeat(Box::new(HeartbeatMessage {
                id: attributes.read("id")?,
                store: attributes.read("store")?,
                desk: attributes.read("desk")?,
                incarnation: attributes.read("incarnation")?,
                sent_at: attributes.read("time")?,
                body: serde_json::from_slice(data).map_err(|e| BadEnvelope(format!("the heartbeat: {e}")))?,
            })));
        }
        let envelope = envelope_of(attributes)?;
        let understood = type_word(&event_type)
            .ok_or_else(|| format!("the type {event_type} is not known"))
            .and_then(|word| change_of(word, data))
            .and_then(|change| belongs(&envelope, change));
        Ok(match understood {
            Ok(change) => Self::Change(Box::new(ChangeMessage { envelope, change })),
            Err(why) => Self::NotUnderstood { envelope: Box::new(envelope), why: in_short(why) },
        })
    }
}

/// A change travels in the lane of its type.
fn belongs(envelope: &ChangeEnvelope, change: Change) -> Result<Change, String> {
    if change.lane() == envelope.lane {
        Ok(change)
    } else {
        Err(format!("{} does not travel in the lane {}", change.type_word(), envelope.lane.word()))
    }
}

fn envelope_of(attributes: &Attributes<'_>) -> Result<ChangeEnvelope, BadEnvelope> {
    let lane: String = attributes.read("lane")?;
    let seq: i64 = attributes.read("seq")?;
    if seq < 1 {
        return Err(BadEnvelope(format!("the attribute seq is {seq}; numbers start at 1")));
    }
    Ok(ChangeEnvelope {
        change_id: attributes.read("id")?,
        store: attributes.read("store")?,
        desk: attributes.read("desk")?,
        incarnation: attributes.read("incarnation")?,
        lane: Lane::from_word(&lane).ok_or_else(|| BadEnvelope(format!("the lane {lane} is not known")))?,
        seq,
        replaces: attributes.read_optional("replaces")?,
        staff: attributes.read("staff")?,
        acted_at: attributes.read("time")?,
        key_id: attributes.get(KEY_ID).map(Into::into),
    })
}

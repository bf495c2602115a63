//! What central sends down a store's feeds: whole rows, acknowledgements, refusals, digests.

use std::fmt::Display;

use aisle_domain::{
    ChangeId, DeskId, Epoch, Incarnation, Item, ItemId, Lane, Order, OrderId, Refusal, Store, StoreId, Timestamp,
    digest::DigestView,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    attributes::{Attributes, BadEnvelope},
    record::{Incoming, Outgoing},
    topic::TopicNames,
    up::{type_name, type_word},
};

/// Where central has read `aisle.changes`: evidence of what it must have seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CentralPosition {
    /// The cluster's id.
    pub cluster: String,
    /// The partition.
    pub partition: i32,
    /// Next offset that central will read.
    pub offset: i64,
}

/// Central's word on a desk's lane: everything below `expected` has an outcome.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeskAck {
    /// The desk.
    pub desk: DeskId,
    /// The numbering it speaks of.
    pub incarnation: Incarnation,
    /// The lane.
    pub lane: Lane,
    /// The number that central takes next.
    pub expected: i64,
    /// How far central has read.
    pub position: CentralPosition,
    /// How far it has read where this store's changes lay under other partition counts, where something waits at the desk.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub elsewhere: Vec<CentralPosition>,
    /// Central's clock.
    pub central_time: Timestamp,
    /// The heartbeat that this answers, where it does.
    #[serde(default)]
    pub heartbeat: Option<ChangeId>,
    /// The change that central took under the number before `expected`; `None` where it took none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<ChangeId>,
    /// One number of this numbering was used for two changes: there are two desks that take themselves for this one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub forked: bool,
    /// Every numbering of the desk that central knows, where the desk has mirrored another history of central's: it
    /// tells from them what this history does not know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub numberings: Option<Vec<KnownNumbering>>,
    /// Beside `numberings`: the desk's changes that this history of central's refused. What another one refused may have
    /// taken effect in this.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refused: Vec<ChangeId>,
}

impl DeskAck {
    /// Everywhere that central says how far it has read, the store's home first.
    pub fn positions(&self) -> impl Iterator<Item = &CentralPosition> {
        std::iter::once(&self.position).chain(&self.elsewhere)
    }
}

/// A numbering of a desk's lane, as far as central knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KnownNumbering {
    /// The numbering.
    pub incarnation: Incarnation,
    /// The lane.
    pub lane: Lane,
    /// The number that central takes next.
    pub expected: i64,
}

/// Central's refusal of one change. Comes before the ack that covers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangeRefused {
    /// The change.
    pub change_id: ChangeId,
    /// The desk that sent it.
    pub desk: DeskId,
    /// Why, with the facts.
    pub refusal: Refusal,
    /// Why, in words.
    pub message: String,
    /// When central decided.
    pub at: Timestamp,
}

/// Count and sum of central's rows at this place of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DigestMessage {
    /// Of orders or of items, as the lane is.
    pub rows: DigestView,
}

/// Central is at work on this store's changes. Said again and again, so that its silence is noticed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CentralHeartbeat {
    /// Central's clock.
    pub central_time: Timestamp,
}

/// The body of a message that comes down; `None` in a row is one that central has forgotten (a tombstone).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DownBody {
    /// `order.state`
    Order(Box<Order>),
    /// `item.state`
    Item(Box<Item>),
    /// `store.state`
    Store(Box<Store>),
    /// `change.refused`
    Refused(Box<ChangeRefused>),
    /// `desk.ack`
    Ack(Box<DeskAck>),
    /// `digest`
    Digest(DigestMessage),
    /// `central.heartbeat`
    Heartbeat(CentralHeartbeat),
    /// A closed order that central no longer keeps.
    OrderGone(OrderId),
    /// A deleted item that central no longer keeps.
    ItemGone(ItemId),
    /// A refusal, ack, heartbeat or store row that was compacted away: nothing to do.
    Gone,
}

/// A message that comes down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownMessage {
    /// Central's history; `None` only for tombstones.
    pub epoch: Option<Epoch>,
    /// What it says.
    pub body: DownBody,
}

impl DownBody {
    /// The type's word; `None` for tombstones.
    pub const fn type_word(&self) -> Option<&'static str> {
        match self {
            Self::Order(_) => Some("order.state"),
            Self::Item(_) => Some("item.state"),
            Self::Store(_) => Some("store.state"),
            Self::Refused(_) => Some("change.refused"),
            Self::Ack(_) => Some("desk.ack"),
            Self::Digest(_) => Some("digest"),
            Self::Heartbeat(_) => Some("central.heartbeat"),
            Self::OrderGone(_) | Self::ItemGone(_) | Self::Gone => None,
        }
    }

    /// The key by which the feed is compacted; `None` for what is never sent.
    pub fn key(&self) -> Option<String> {
        match self {
            Self::Order(order) => Some(format!("order/{}", order.order_id)),
            Self::OrderGone(id) => Some(format!("order/{id}")),
            Self::Item(item) => Some(format!("item/{}", item.item_id)),
            Self::ItemGone(id) => Some(format!("item/{id}")),
            Self::Store(_) => Some("store".into()),
            Self::Refused(refused) => Some(format!("refusal/{}", refused.change_id)),
            Self::Ack(ack) => Some(format!("ack/{}", ack.desk)),
            Self::Digest(_) => Some("digest".into()),
            Self::Heartbeat(_) => Some("heartbeat".into()),
            Self::Gone => None,
        }
    }

    fn data(&self) -> Result<Option<String>, serde_json::Error> {
        Ok(match self {
            Self::Order(body) => Some(serde_json::to_string(body)?),
            Self::Item(body) => Some(serde_json::to_string(body)?),
            Self::Store(body) => Some(serde_json::to_string(body)?),
            Self::Refused(body) => Some(serde_json::to_string(body)?),
            Self::Ack(body) => Some(serde_json::to_string(body)?),
            Self::Digest(body) => Some(serde_json::to_string(body)?),
            Self::Heartbeat(body) => Some(serde_json::to_string(body)?),
            Self::OrderGone(_) | Self::ItemGone(_) | Self::Gone => None,
        })
    }
}

/// Every type that comes down with the schema of its body.
pub fn down_schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        ("order.state", schemars::schema_for!(Order)),
        ("item.state", schemars::schema_for!(Item)),
        ("store.state", schemars::schema_for!(Store)),
        ("change.refused", schemars::schema_for!(ChangeRefused)),
        ("desk.ack", schemars::schema_for!(DeskAck)),
        ("digest", schemars::schema_for!(DigestMessage)),
        ("central.heartbeat", schemars::schema_for!(CentralHeartbeat)),
    ]
}

/// A message made ready for `feed_outbox`: what the publisher sends is exactly this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedRecord {
    /// The lane whose feed it goes to.
    pub lane: Lane,
    /// The key.
    pub key: String,
    /// The type's word; `None` for a tombstone.
    pub type_word: Option<String>,
    /// The body as JSON; `None` for a tombstone.
    pub data: Option<String>,
}

impl FeedRecord {
    /// The message as it is kept until it is published. `None` for [`DownBody::Gone`], which is never sent.
    pub fn of(lane: Lane, body: &DownBody) -> Result<Option<Self>, serde_json::Error> {
        let Some(key) = body.key() else { return Ok(None) };
        Ok(Some(Self { lane, key, type_word: body.type_word().map(Into::into), data: body.data()? }))
    }

    /// The record to publish. `id` is unique in central's history.
    pub fn encode(
        &self,
        names: &TopicNames,
        store: StoreId,
        epoch: Epoch,
        id: impl Display,
        at: Timestamp,
    ) -> Outgoing {
        let headers = self.type_word.as_deref().map(|word| {
            Attributes::new(format!("{epoch}:{id}"), "/central", type_name(word), at)
                .with("subject", self.key.as_str())
                .with("epoch", epoch.to_string())
                .headers()
        });
        Outgoing {
            topic: names.feed(store, self.lane),
            partition: 0,
            key: self.key.clone().into_bytes(),
            headers: headers.unwrap_or_default(),
            value: self.data.clone().map(String::into_bytes),
        }
    }
}

impl DownMessage {
    /// Reads a record of a feed.
    ///
    /// # Errors
    /// What was not understood; the desk parks such a record and goes on.
    pub fn decode(record: &Incoming) -> Result<Self, BadEnvelope> {
        Self::read(record).map_err(BadEnvelope::in_short)
    }

    fn read(record: &Incoming) -> Result<Self, BadEnvelope> {
        if record.value.is_none() {
            return tombstone(record.key_text()).map(|body| Self { epoch: None, body });
        }
        let (attributes, data) = Attributes::of(record)?;
        let event_type: String = attributes.read("type")?;
        let epoch = attributes.read("epoch")?;
        let word = type_word(&event_type).unwrap_or(&event_type);
        let bad = |e: serde_json::Error| BadEnvelope(format!("the body of {word}: {e}"));
        let body = match word {
            "order.state" => DownBody::Order(serde_json::from_slice(&data).map_err(bad)?),
            "item.state" => DownBody::Item(serde_json::from_slice(&data).map_err(bad)?),
            "store.state" => DownBody::Store(serde_json::from_slice(&data).map_err(bad)?),
            "change.refused" => DownBody::Refused(serde_json::from_slice(&data).map_err(bad)?),
            "desk.ack" => DownBody::Ack(sound(serde_json::from_slice(&data).map_err(bad)?)?),
            "digest" => DownBody::Digest(serde_json::from_slice(&data).map_err(bad)?),
            "central.heartbeat" => DownBody::Heartbeat(serde_json::from_slice(&data).map_err(bad)?),
            _ => return Err(BadEnvelope(format!("the type {event_type} is not known"))),
        };
        Ok(Self { epoch: Some(epoch), body })
    }
}

fn sound(ack: Box<DeskAck>) -> Result<Box<DeskAck>, BadEnvelope> {
    if ack.expected < 1 {
        return Err(BadEnvelope(format!("the ack expects the number {}; numbers start at 1", ack.expected)));
    }
    Ok(ack)
}

fn tombstone(key: Option<&str>) -> Result<DownBody, BadEnvelope> {
    let key = key.ok_or_else(|| BadEnvelope("the record has neither a value nor a readable key".into()))?;
    let bad = |e: aisle_domain::BadId| BadEnvelope(format!("the key {key}: {e}"));
    match key.split_once('/') {
        Some(("order", id)) => Ok(DownBody::OrderGone(id.parse().map_err(bad)?)),
        Some(("item", id)) => Ok(DownBody::ItemGone(id.parse().map_err(bad)?)),
        Some(("refusal" | "ack", _)) => Ok(DownBody::Gone),
        None if matches!(key, "store" | "digest" | "heartbeat") => Ok(DownBody::Gone),
        _ => Err(BadEnvelope(format!("the key {key} is not known"))),
    }
}

//! Changes: the record of one act, as it stands in the outbox, travels, and is applied by the desk's fold and by
//! central. Each names what it saw, never a version.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ChangeId, ItemId, OrderId, PaymentId, ShopperId},
    item::{Item, ItemEdits},
    life::OrderStatus,
    money::Money,
    order::LineState,
    quantity::Quantity,
    time::Timestamp,
};

/// Each lane has its own numbering and its own feed, so that an import never delays a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Lane {
    /// Orders, payments, the store itself.
    Orders,
    /// The catalog.
    Catalog,
}

impl Lane {
    /// Both, decisions first.
    pub const ALL: [Self; 2] = [Self::Orders, Self::Catalog];

    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Orders => "orders",
            Self::Catalog => "catalog",
        }
    }

    /// The lane with this word.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lane| lane.word() == word)
    }
}

/// What a change is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// An order.
    Order(OrderId),
    /// An item.
    Item(ItemId),
    /// The store itself.
    Store,
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Order(id) => write!(f, "order/{id}"),
            Self::Item(id) => write!(f, "item/{id}"),
            Self::Store => f.write_str("store"),
        }
    }
}

/// `order.accepted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderAccepted {
    /// The order.
    pub order: OrderId,
    /// The status that was seen.
    pub from: OrderStatus,
}

/// `order.rejected`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderRejected {
    /// The order.
    pub order: OrderId,
    /// The status that was seen.
    pub from: OrderStatus,
    /// A code of central's list.
    pub reason: String,
    /// The lines that fail.
    #[serde(default)]
    pub lines: Vec<ItemId>,
    /// What staff wrote.
    #[serde(default)]
    pub note: Option<String>,
}

/// `order.sent_back`: the waiting payment is declined and picking goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderSentBack {
    /// The order.
    pub order: OrderId,
    /// The payment that waited; it was seen undecided.
    pub payment: PaymentId,
    /// What staff wrote.
    #[serde(default)]
    pub note: Option<String>,
}

/// What was seen of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineSeen {
    /// Its state.
    pub state: LineState,
    /// Its picked quantity.
    #[serde(default)]
    pub picked_quantity: Option<Quantity>,
}

/// `order.line_set`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LineSet {
    /// The order.
    pub order: OrderId,
    /// The ordered item.
    pub item: ItemId,
    /// What was seen.
    pub from: LineSeen,
    /// What it is to be.
    pub to: LineSeen,
    /// The item in the basket instead, for `substituted`.
    #[serde(default)]
    pub substitute: Option<ItemId>,
}

/// For whom a note is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Colleagues.
    Staff,
    /// The customer.
    Customer,
}

/// `order.noted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderNoted {
    /// The order.
    pub order: OrderId,
    /// For whom.
    pub audience: Audience,
    /// The note.
    pub text: String,
}

/// A manager's word for an amount above the range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Override {
    /// A code of central's list.
    pub reason: String,
    /// The manager.
    pub by: String,
}

/// `payment.approved`; the payment was seen undecided. Without a payment: an order that was paid online.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentApproved {
    /// The order.
    pub order: OrderId,
    /// The payment; `None` for an order that expects none.
    #[serde(default)]
    pub payment: Option<PaymentId>,
    /// The amount that was decided.
    #[serde(default)]
    pub amount: Option<Money>,
    /// The range's version that was decided by; `None` for one that the desk derived.
    #[serde(default)]
    pub range_version: Option<i64>,
    /// The reason for an amount below the range.
    #[serde(default)]
    pub reason: Option<String>,
    /// For an amount above the range.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none")]
    pub override_: Option<Override>,
}

/// `payment.declined`; the payment was seen undecided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PaymentDeclined {
    /// The order.
    pub order: OrderId,
    /// The payment.
    pub payment: PaymentId,
    /// The amount that was decided.
    pub amount: Money,
    /// The range's version that was decided by; `None` for one that the desk derived.
    #[serde(default)]
    pub range_version: Option<i64>,
    /// A code of central's list.
    pub reason: String,
    /// What staff wrote.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether the order ends with it.
    pub ends_order: bool,
}

/// `order.due_set`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueSet {
    /// The order.
    pub order: OrderId,
    /// What was seen.
    pub from: Option<Timestamp>,
    /// The new promise.
    pub to: Option<Timestamp>,
}

/// `order.claimed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OrderClaimed {
    /// The order.
    pub order: OrderId,
    /// Who had it.
    pub from: Option<String>,
    /// Who takes it.
    pub to: Option<String>,
}

/// `range.requested`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeRequested {
    /// The order.
    pub order: OrderId,
    /// The range's version that was seen.
    #[serde(default)]
    pub range_version: Option<i64>,
}

/// `item.changed`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemChanged {
    /// The item.
    pub item: ItemId,
    /// Its edits.
    pub changes: ItemEdits,
}

/// `item.created`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemCreated {
    /// The item with its first values, version 0.
    pub item: Item,
}

/// `item.deleted`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ItemDeleted {
    /// The item; it was seen in the catalog.
    pub item: ItemId,
}

/// `shopper.rated`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ShopperRated {
    /// The order.
    pub order: OrderId,
    /// The shopper.
    pub shopper: ShopperId,
    /// What was seen.
    #[serde(default)]
    pub from: Option<u8>,
    /// 1 to 5.
    pub rating: u8,
}

/// `store.paused`; without `until` the store takes orders again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StorePaused {
    /// Until when.
    pub until: Option<Timestamp>,
}

/// `store.busy`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoreBusy {
    /// Minutes added to every promise.
    pub minutes: u32,
    /// Until when.
    pub until: Timestamp,
}

/// One act, as data. The words of the wire are [`Change::type_word`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant's body says what it is")]
pub enum Change {
    OrderAccepted(OrderAccepted),
    OrderRejected(OrderRejected),
    OrderSentBack(OrderSentBack),
    LineSet(LineSet),
    OrderNoted(OrderNoted),
    PaymentApproved(PaymentApproved),
    PaymentDeclined(PaymentDeclined),
    DueSet(DueSet),
    OrderClaimed(OrderClaimed),
    RangeRequested(RangeRequested),
    ItemChanged(ItemChanged),
    ItemCreated(Box<ItemCreated>),
    ItemDeleted(ItemDeleted),
    ShopperRated(ShopperRated),
    StorePaused(StorePaused),
    StoreBusy(StoreBusy),
}

impl Change {
    /// The type's word, without prefix and version: `order.accepted`.
    pub const fn type_word(&self) -> &'static str {
        match self {
            Self::OrderAccepted(_) => "order.accepted",
            Self::OrderRejected(_) => "order.rejected",
            Self::OrderSentBack(_) => "order.sent_back",
            Self::LineSet(_) => "order.line_set",
            Self::OrderNoted(_) => "order.noted",
            Self::PaymentApproved(_) => "payment.approved",
            Self::PaymentDeclined(_) => "payment.declined",
            Self::DueSet(_) => "order.due_set",
            Self::OrderClaimed(_) => "order.claimed",
            Self::RangeRequested(_) => "range.requested",
            Self::ItemChanged(_) => "item.changed",
            Self::ItemCreated(_) => "item.created",
            Self::ItemDeleted(_) => "item.deleted",
            Self::ShopperRated(_) => "shopper.rated",
            Self::StorePaused(_) => "store.paused",
            Self::StoreBusy(_) => "store.busy",
        }
    }

    /// What it is about.
    pub fn subject(&self) -> Subject {
        match self {
            Self::OrderAccepted(c) => Subject::Order(c.order),
            Self::OrderRejected(c) => Subject::Order(c.order),
            Self::OrderSentBack(c) => Subject::Order(c.order),
            Self::LineSet(c) => Subject::Order(c.order),
            Self::OrderNoted(c) => Subject::Order(c.order),
            Self::PaymentApproved(c) => Subject::Order(c.order),
            Self::PaymentDeclined(c) => Subject::Order(c.order),
            Self::DueSet(c) => Subject::Order(c.order),
            Self::OrderClaimed(c) => Subject::Order(c.order),
            Self::RangeRequested(c) => Subject::Order(c.order),
            Self::ShopperRated(c) => Subject::Order(c.order),
            Self::ItemChanged(c) => Subject::Item(c.item),
            Self::ItemCreated(c) => Subject::Item(c.item.item_id),
            Self::ItemDeleted(c) => Subject::Item(c.item),
            Self::StorePaused(_) | Self::StoreBusy(_) => Subject::Store,
        }
    }

    /// The lane it travels in.
    pub fn lane(&self) -> Lane {
        match self.subject() {
            Subject::Order(_) | Subject::Store => Lane::Orders,
            Subject::Item(_) => Lane::Catalog,
        }
    }

    /// Whether a person decided something that others wait for: pushed at once while the line is up.
    pub const fn is_decision(&self) -> bool {
        matches!(
            self,
            Self::OrderAccepted(_)
                | Self::OrderRejected(_)
                | Self::OrderSentBack(_)
                | Self::PaymentApproved(_)
                | Self::PaymentDeclined(_)
        )
    }
}

/// A change that central has not acknowledged, with who acted and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The change's identity.
    pub change_id: ChangeId,
    /// The act.
    pub change: Change,
    /// Who acted.
    pub by: String,
    /// When they acted, by the desk's clock.
    pub at: Timestamp,
}

//! What is asked of the orders, and what is found.

use aisle_mirror::Stage;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::OrderCard;

/// Where an order is, as people see it: one that central has confirmed is still approved or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OrderStage {
    /// Nobody has accepted it.
    New,
    /// It is picked.
    Running,
    /// A payment waits for a decision.
    Pending,
    /// Its payment was approved.
    Approved,
    /// It ended otherwise.
    Rejected,
}

impl From<OrderStage> for Stage {
    fn from(stage: OrderStage) -> Self {
        match stage {
            OrderStage::New => Self::New,
            OrderStage::Running => Self::Running,
            OrderStage::Pending => Self::Pending,
            OrderStage::Approved => Self::Approved,
            OrderStage::Rejected => Self::Rejected,
        }
    }
}

/// When orders were queued, in days of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Whenever.
    #[default]
    Any,
    /// On the day that is.
    Today,
    /// On the one before.
    Yesterday,
    /// On one of the last seven, the one that is among them.
    Week,
}

/// Who takes care of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Keeper {
    /// Anybody or nobody.
    #[default]
    Any,
    /// Whoever is signed in.
    Me,
    /// Nobody.
    Nobody,
}

/// What may want somebody's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum OrderFlag {
    /// Past the time it was promised for.
    Late,
    /// Central has not all of it.
    Unsent,
    /// Something was not there as it was ordered.
    Incomplete,
    /// Its payments lie outside the range.
    Outside,
}

/// A question to the orders. What is empty asks for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, TS)]
#[serde(default, deny_unknown_fields)]
pub struct OrdersQuery {
    /// As typed: a number or its end, a customer, an amount, an item or its barcode.
    pub text: String,
    /// Only these.
    pub stages: Vec<OrderStage>,
    /// Queued then.
    pub period: Period,
    /// Queued on this day of the store, such as `2017-04-05`, in the place of a period.
    pub day: Option<String>,
    /// Cared for by them.
    pub keeper: Keeper,
    /// With all of these.
    pub flags: Vec<OrderFlag>,
}

/// An order that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "FoundOrder")]
pub struct FoundView {
    /// The order.
    pub card: OrderCard,
    /// The item by whose name or code it was found.
    pub item: Option<String>,
}

/// The orders that answer a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FoundOrders {
    /// The surest first, then the newest; at most 200.
    pub rows: Vec<FoundView>,
    /// How many there are in all.
    pub total: i64,
}

/// A question with a name, for everyone at this desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NamedQuery {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub query: OrdersQuery,
    /// Who saved it.
    pub saved_by: String,
}

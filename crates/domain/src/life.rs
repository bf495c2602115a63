//! The life of an order: one function over every pair of status and act, at the desk and at central alike.

use std::{fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an order is in its life. The words are those of the tables and of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// In the mirror, not yet accepted.
    New,
    /// Accepted; a shopper picks it.
    Running,
    /// A payment waits for a decision.
    Pending,
    /// Its payment was approved here; central has not said so yet.
    Approved,
    /// Rejected here, or ended by central.
    Rejected,
    /// Central has applied the decision.
    Confirmed,
}

/// A word that is no order status.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a status; there are new, running, pending, approved, rejected, confirmed")]
pub struct BadStatus(pub String);

impl OrderStatus {
    /// Every status, in the order of an order's life.
    pub const ALL: [Self; 6] =
        [Self::New, Self::Running, Self::Pending, Self::Approved, Self::Rejected, Self::Confirmed];

    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Running => "running",
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Confirmed => "confirmed",
        }
    }

    /// Whether the order still needs somebody.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::New | Self::Running | Self::Pending)
    }
}

impl fmt::Display for OrderStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for OrderStatus {
    type Err = BadStatus;

    fn from_str(text: &str) -> Result<Self, BadStatus> {
        Self::ALL.into_iter().find(|s| s.word() == text).ok_or_else(|| BadStatus(text.into()))
    }
}

/// What may happen to an order's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Staff, or their rule, accept the order.
    Accept,
    /// Staff reject the order.
    Reject,
    /// A payment comes in.
    PaymentArrives,
    /// The waiting payment is declined and picking goes on.
    Decline,
    /// The waiting payment is declined and the order ends with it.
    DeclineAndEnd,
    /// The waiting payment is approved.
    Approve,
    /// An order that expects no payment is approved.
    ApprovePaidOnline,
    /// Central cancels the order for the customer.
    Cancel,
    /// Central ends an order that was not accepted in time.
    Miss,
    /// Central confirms a decision it has applied.
    Confirm,
}

impl Act {
    /// Every act.
    pub const ALL: [Self; 10] = [
        Self::Accept,
        Self::Reject,
        Self::PaymentArrives,
        Self::Decline,
        Self::DeclineAndEnd,
        Self::Approve,
        Self::ApprovePaidOnline,
        Self::Cancel,
        Self::Miss,
        Self::Confirm,
    ];

    const fn words(self) -> &'static str {
        match self {
            Self::Accept => "be accepted",
            Self::Reject => "be rejected",
            Self::PaymentArrives => "take a payment",
            Self::Decline => "go back to picking",
            Self::DeclineAndEnd => "end with its payment declined",
            Self::Approve => "have its payment approved",
            Self::ApprovePaidOnline => "be approved without a payment",
            Self::Cancel => "be cancelled",
            Self::Miss => "be missed",
            Self::Confirm => "be confirmed",
        }
    }
}

/// An act that the order's status does not allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an order that is {status} cannot {}", act.words())]
pub struct IllegalAct {
    /// Where the order is.
    pub status: OrderStatus,
    /// What was asked of it.
    pub act: Act,
}

/// The status an act leads to.
///
/// # Errors
/// [`IllegalAct`] for every pair that the life of an order does not have.
pub const fn next(status: OrderStatus, act: Act) -> Result<OrderStatus, IllegalAct> {
    use OrderStatus::{Approved, Confirmed, New, Pending, Rejected, Running};
    match (status, act) {
        (New, Act::Accept) | (Pending, Act::Decline) => Ok(Running),
        (New | Running, Act::Reject)
        | (New | Running | Pending, Act::Cancel)
        | (New, Act::Miss)
        | (Pending, Act::DeclineAndEnd) => Ok(Rejected),
        (Running, Act::PaymentArrives) => Ok(Pending),
        (Pending, Act::Approve) | (Running, Act::ApprovePaidOnline) => Ok(Approved),
        (Approved | Rejected, Act::Confirm) => Ok(Confirmed),
        _ => Err(IllegalAct { status, act }),
    }
}

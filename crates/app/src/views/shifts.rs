//! Shifts, as they are shown.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// An order that was promised for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct PromiseView {
    /// The order.
    pub order_id: String,
    /// Its last digits.
    pub display_no: String,
    /// When.
    pub due_at: String,
    /// Who takes care of it.
    pub claimed_by: Option<String>,
}

/// What is open and unsent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct RemainingView {
    /// Orders that nobody has accepted.
    pub new: i64,
    /// Orders that are picked.
    pub picking: i64,
    /// Payments to decide.
    pub payments: i64,
    /// Promises to come, the next first.
    pub promised: Vec<PromiseView>,
    /// Promises beyond those.
    pub more_promised: i64,
    /// Changes that central has not received.
    pub unsent: i64,
    /// Changes that central refused.
    pub refused: i64,
}

/// A shift that has begun.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ShiftBegun {
    /// Who began it.
    pub by: String,
    /// When.
    pub at: String,
}

/// What a shift left when it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HandoverView {
    /// Who ended it.
    pub by: String,
    /// When.
    pub at: String,
    /// What they wrote.
    pub note: Option<String>,
    /// What was open and unsent then.
    pub remaining: Option<RemainingView>,
}

/// Shifts of this desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ShiftView {
    /// The one that has begun.
    pub begun: Option<ShiftBegun>,
    /// What the one before left.
    pub handover: Option<HandoverView>,
    /// What is open and unsent now.
    pub remaining: RemainingView,
}

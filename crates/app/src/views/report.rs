//! A day of the store, as it is shown.

use aisle_domain::{Decision, DifferenceKind, OrderStatus, Verdict};
use serde::Serialize;
use ts_rs::TS;

/// How many, and how much.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct TallyView {
    /// How many.
    pub count: usize,
    /// How much.
    pub amount: String,
}

/// Something with how often it happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OftenView {
    /// A name or a code.
    pub name: String,
    /// How often.
    pub count: usize,
}

/// Times of something, seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct TimesView {
    /// How many there are.
    pub count: usize,
    /// The one in the middle.
    pub median_s: Option<i64>,
    /// The longest.
    pub longest_s: Option<i64>,
    /// How many took less than 10 s, 30 s, a minute, two minutes, and longer.
    pub under: [usize; 5],
}

/// An order that was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MarkView {
    /// The order.
    pub order_id: String,
    /// Its last digits.
    pub display_no: String,
    /// What its lines cost.
    pub expected: String,
    /// What was paid.
    pub paid: String,
    /// That in percent of what was expected, with one decimal; `null` where nothing was.
    pub percent: Option<String>,
    /// How it lies to its range.
    #[ts(type = "Verdict")]
    pub verdict: Verdict,
    /// Where the order is.
    #[ts(type = "OrderStatus")]
    pub status: OrderStatus,
    /// What was decided.
    #[ts(type = "\"approved\" | \"rejected\" | null")]
    pub decision: Option<Decision>,
}

/// A cause of what was paid differing from what was expected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct CauseView {
    /// Why.
    #[ts(type = "DifferenceKind")]
    pub kind: DifferenceKind,
    /// Lines.
    pub lines: usize,
    /// Their sum, signed.
    pub amount: String,
}

/// A shopper's day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ShopperDayView {
    /// Who.
    pub shopper_id: String,
    /// Orders they picked.
    pub orders: usize,
    /// Of those, paid outside the range.
    pub outside: usize,
    /// The mean of their ratings, with one decimal.
    pub rating: Option<String>,
}

/// A day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReportView {
    /// `2017-04-05`, in the store's calendar.
    pub day: String,
    /// When it begins.
    pub from: String,
    /// When it ends.
    pub to: String,
    /// Whether it is not over yet.
    pub is_running: bool,
    /// When it was counted.
    pub counted_at: String,
    /// Of all amounts.
    pub currency: String,
    /// Orders that were queued in it, and what they were expected to cost.
    pub orders: TallyView,
    /// Their lines.
    pub lines: usize,
    /// Those that were paid.
    pub paid: TallyView,
    /// Paid less expected, of those.
    pub difference: String,
    /// Payments that were approved.
    pub approved: TallyView,
    /// Payments that were declined.
    pub declined: TallyView,
    /// Orders that still need somebody.
    pub open: TallyView,
    /// Changes that central has not received.
    pub unsent: i64,
    /// Orders that were rejected or ended, by reason.
    pub rejected: Vec<OftenView>,
    /// Payments that were declined, by reason.
    pub declined_for: Vec<OftenView>,
    /// From being queued to being accepted at this desk.
    pub to_accept: TimesView,
    /// From a payment to its decision.
    pub to_decide: TimesView,
    /// Orders by the hour of the store's clock in which they were queued, from midnight.
    pub hours: Vec<usize>,
    /// Each order that was paid.
    pub marks: Vec<MarkView>,
    /// Why what was paid differs.
    pub causes: Vec<CauseView>,
    /// Ordered items that were not there as ordered, most often first.
    pub missing: Vec<OftenView>,
    /// Who picked.
    pub shoppers: Vec<ShopperDayView>,
}

/// A table in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ExportView {
    /// Where it is.
    pub file: String,
    /// Its rows without the head.
    pub rows: usize,
}

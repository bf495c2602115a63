//! Orders, payments and receipts as they are shown.

use aisle_domain::{Availability, Decision, DifferenceKind, Eyes, LineState, OrderStatus, PaymentStatus, Verdict};
use serde::Serialize;
use ts_rs::TS;

use super::SyncState;
use crate::error::RpcError;

/// An authorised range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RangeView {
    /// Lowest amount.
    pub lo: String,
    /// Highest amount.
    pub hi: String,
    /// 0 for one that the desk derived.
    pub version: i64,
}

/// A part of the difference between ordered and paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Difference")]
pub struct DifferenceView {
    /// Why.
    #[ts(type = "DifferenceKind")]
    pub kind: DifferenceKind,
    /// Signed amount.
    pub amount: String,
    /// The item it is about.
    pub item_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PaymentView {
    /// The payment.
    pub payment_id: String,
    /// Its order.
    pub order_id: String,
    /// The order's number on screen.
    pub display_no: String,
    /// The store.
    pub store_id: String,
    /// The amount.
    pub amount: String,
    /// Its currency.
    pub currency: String,
    /// How it lies to the range.
    #[ts(type = "Verdict | null")]
    pub verdict: Option<Verdict>,
    /// The range it is judged by.
    pub range: Option<RangeView>,
    /// `null` until decided.
    #[ts(type = "\"approved\" | \"rejected\" | null")]
    pub status: Option<PaymentStatus>,
    /// When the till gives up.
    pub decide_by: Option<String>,
    /// When it was made.
    pub paid_at: Option<String>,
    /// State of the order's own changes.
    pub sync: Option<SyncState>,
    /// Paid minus expected, explained.
    pub difference: Vec<DifferenceView>,
}

/// A line of an order beside its receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LineView {
    /// The ordered item.
    pub item_id: String,
    /// Its name.
    pub name: String,
    /// Its barcode.
    pub barcode: Option<String>,
    /// Price of one unit as ordered.
    pub order_unit_price: String,
    /// How much was ordered.
    pub quantity: String,
    /// `each` or `kg`.
    pub unit: String,
    /// Price times quantity.
    pub total: String,
    /// Where picking is.
    #[ts(type = "LineState")]
    pub state: LineState,
    /// How much is in the basket.
    pub picked_quantity: Option<String>,
    /// What that costs; `null` while it is to pick.
    pub picked_total: Option<String>,
    /// The item in the basket instead.
    pub substitute: Option<String>,
    /// Its name.
    pub substitute_name: Option<String>,
    /// The customer's note.
    pub note: Option<String>,
    /// What the receipt says it cost.
    pub receipt_total: Option<String>,
    /// Its name on the receipt.
    pub receipt_name: Option<String>,
    /// Receipt minus ordered; `null` without a receipt.
    pub difference: Option<String>,
    /// The largest cause of the difference.
    #[ts(type = "DifferenceKind | null")]
    pub why: Option<DifferenceKind>,
}

/// A line of a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "ReceiptLine")]
pub struct ReceiptLineView {
    /// From 1.
    pub line_no: u32,
    /// The item, where known.
    pub item_id: Option<String>,
    /// Its name.
    pub name: String,
    /// Price of one unit.
    pub unit_price: String,
    /// How much.
    pub quantity: String,
    /// Price times quantity.
    pub total: String,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReceiptView {
    /// The till's number.
    pub transaction_id: String,
    /// When.
    pub datetime: String,
    /// What was paid.
    pub amount: String,
    /// Its lines.
    pub lines: Vec<ReceiptLineView>,
}

/// An entry of a timeline, oldest first in `history`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct HistoryEntry {
    /// When.
    pub at: String,
    /// What kind of entry.
    pub kind: String,
    /// In words.
    pub text: String,
    /// Who.
    pub by: Option<String>,
    /// At which desk.
    pub desk: Option<String>,
    /// The change, where it was one.
    pub change_id: Option<String>,
    /// Where the change is.
    #[ts(type = "ChangeState | null")]
    pub state: Option<&'static str>,
    /// Why it was refused.
    pub reason: Option<String>,
}

/// Who picks an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ShopperView {
    /// The shopper.
    pub shopper_id: String,
    /// 1 to 5.
    pub rating: Option<u8>,
}

/// An order in the queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OrderCard {
    /// The order.
    pub order_id: String,
    /// Its number on screen.
    pub display_no: String,
    /// Where it is.
    #[ts(type = "OrderStatus")]
    pub status: OrderStatus,
    /// What was decided.
    #[ts(type = "\"approved\" | \"rejected\" | null")]
    pub decision: Option<Decision>,
    /// Ended by central for the customer.
    pub cancelled: bool,
    /// The reason given.
    pub reason: Option<String>,
    /// Name or number of the customer.
    pub customer: String,
    /// When the customer placed it.
    pub creation_time: String,
    /// When central queued it.
    pub queued_time: String,
    /// When central ends it unaccepted.
    pub accept_by: Option<String>,
    /// When it was promised.
    pub due_at: Option<String>,
    /// Who takes care of it.
    pub claimed_by: Option<String>,
    /// How many lines.
    pub lines: u32,
    /// How many pieces.
    pub pieces: String,
    /// What the lines cost.
    pub expected: String,
    /// The payment that waits.
    pub payment: Option<PaymentView>,
    /// Lines that have a state.
    pub picked_lines: u32,
    /// When it was decided.
    pub decided_at: Option<String>,
    /// State of its own changes.
    pub sync: Option<SyncState>,
    /// Its alarm was not acknowledged.
    pub unheard: bool,
    /// Came long after it was placed.
    pub late_arrival: bool,
}

/// What an order would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Effect")]
pub struct EffectView {
    /// Picked plus still to pick.
    pub forecast: String,
    /// How much of the range would be left to its highest amount; negative above it.
    pub left: String,
    /// How it would lie to the range.
    #[ts(type = "Verdict")]
    pub verdict: Verdict,
}

/// What a quantity of a line would come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct QuantityPreview {
    /// The line.
    pub total: String,
    /// The order.
    pub effect: EffectView,
}

/// An item that may lie in the basket instead of an ordered one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Replacement")]
pub struct ReplacementView {
    /// The item.
    pub item_id: String,
    /// Its name.
    pub name: String,
    /// Its barcode.
    pub barcode: Option<String>,
    /// What it costs, as much of it as was ordered.
    pub total: String,
    /// That minus what the ordered item costs.
    pub difference: String,
    /// Whether it can be bought.
    #[ts(type = "Availability")]
    pub availability: Availability,
    /// What the order would come to with it.
    pub effect: EffectView,
}

/// What may lie in the basket instead of a line's item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Replacements")]
pub struct ReplacementsView {
    /// What the customer wants when something is out of stock.
    pub wish: Option<String>,
    /// False where the customer wants nothing instead.
    pub replaceable: bool,
    /// The best first.
    pub choices: Vec<ReplacementView>,
    /// What the order would come to without the line.
    pub without: EffectView,
}

/// What a scanned code is to the order that is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ScanOutcome {
    /// Its line is found now, or has one piece more.
    Found,
    /// All of it was in the basket already.
    Again,
    /// An item that is not on this order.
    NotOrdered,
    /// No item of this store.
    Unknown,
}

/// A code that was scanned while an order is picked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ScannedLine {
    /// What it is.
    pub outcome: ScanOutcome,
    /// The code.
    pub code: String,
    /// The ordered item, or the one that is not on the order.
    pub item_id: Option<String>,
    /// Its name.
    pub name: Option<String>,
}

/// The queue in groups of urgency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OrderQueue {
    /// Cancelled while somebody works on them.
    pub stop: Vec<OrderCard>,
    /// To accept.
    pub new: Vec<OrderCard>,
    /// With a payment to decide.
    pub payment: Vec<OrderCard>,
    /// Being picked.
    pub picking: Vec<OrderCard>,
    /// Decided today, newest first, at most 50.
    pub decided: Vec<OrderCard>,
    /// How many were decided today.
    pub decided_total: i64,
}

/// An order of several with which nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LeftOrder {
    /// The order.
    pub order_id: String,
    /// Why.
    pub error: RpcError,
}

/// What became of several orders at once: of each by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Bulk {
    /// Those with which it is done.
    pub done: Vec<String>,
    /// The others.
    pub left: Vec<LeftOrder>,
}

/// The act that can still be taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Undo {
    /// The change.
    pub change_id: String,
    /// What it was, in words.
    pub text: String,
    /// How long it is still held; 0 when only the missing line holds it.
    pub hold_ms: i64,
}

/// An order, open; also `aisle order show`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct OrderDetail {
    /// The order.
    pub order_id: String,
    /// Its number on screen.
    pub display_no: String,
    /// The store.
    pub store_id: String,
    /// The customer.
    pub user_id: String,
    /// Name or number of the customer.
    pub customer: String,
    /// Orders of this customer in the mirror.
    pub customer_orders: i64,
    /// Where it is.
    #[ts(type = "OrderStatus")]
    pub status: OrderStatus,
    /// What was decided.
    #[ts(type = "\"approved\" | \"rejected\" | null")]
    pub decision: Option<Decision>,
    /// The reason given.
    pub reason: Option<String>,
    /// Who decided: a name, or `central`.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<String>,
    /// Ended by central for the customer.
    pub cancelled: bool,
    /// When the customer placed it.
    pub creation_time: String,
    /// When central queued it.
    pub queued_time: String,
    /// When central ends it unaccepted.
    pub accept_by: Option<String>,
    /// When it was promised.
    pub due_at: Option<String>,
    /// Who takes care of it.
    pub claimed_by: Option<String>,
    /// Central's version of the row.
    pub version: i64,
    /// The range in force.
    pub range: Option<RangeView>,
    /// What the ordered lines cost.
    pub expected: String,
    /// What is picked so far.
    pub picked: String,
    /// Picked plus still to pick.
    pub forecast: String,
    /// How much may still be paid at least.
    pub headroom_lo: Option<String>,
    /// How much may still be paid at most.
    pub headroom_hi: Option<String>,
    /// What an override may reach.
    pub ceiling: Option<String>,
    /// Of all amounts.
    pub currency: String,
    /// The customer's note.
    pub note: Option<String>,
    /// What the customer wants when something is out of stock.
    pub substitution: Option<String>,
    /// False for an order paid online.
    pub payment_expected: bool,
    /// Its lines.
    pub lines: Vec<LineView>,
    /// Its payments, oldest first.
    pub payments: Vec<PaymentView>,
    /// The newest receipt.
    pub receipt: Option<ReceiptView>,
    /// Bought and not ordered.
    pub extra: Vec<ReceiptLineView>,
    /// Paid minus expected, explained.
    pub difference: Vec<DifferenceView>,
    /// Who picks it.
    pub shopper: Option<ShopperView>,
    /// State of its own changes.
    pub sync: Option<SyncState>,
    /// Its timeline, oldest first.
    pub history: Vec<HistoryEntry>,
    /// The act on it that can still be taken back.
    pub undo: Option<Undo>,
    /// Why a change on it will be refused.
    pub will_be_refused: Option<String>,
    /// Came long after it was placed.
    pub late_arrival: bool,
    /// Why the rule that accepts orders leaves this one to somebody.
    #[ts(type = "Eyes | null")]
    pub needs_eyes: Option<Eyes>,
}

/// What every act answers: it is committed here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ActReceipt {
    /// The change.
    pub change_id: String,
    /// Always `saved`.
    #[ts(type = "\"saved\"")]
    pub state: &'static str,
    /// `order/N`, `item/N` or `store`.
    pub subject: String,
    /// How to take it back.
    pub undo: Option<Undo>,
}

//! What screens and the command line show: plain data, converted from the domain at this boundary. Ids and amounts
//! are strings, instants RFC 3339 in UTC.

use aisle_domain::{
    Availability, Decision, DifferenceKind, Lane, LineState, OrderStatus, PaymentStatus, Reason, Verdict,
};
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A person at the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Person {
    /// Their name, as it stands in the audit log.
    pub name: String,
    /// What they may do.
    pub role: Role,
}

/// What a person may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Orders.
    Clerk,
    /// Orders and rules.
    Lead,
    /// Everything.
    Manager,
}

/// A reason that staff may give.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Reason")]
pub struct ReasonView {
    /// Its code.
    pub code: String,
    /// Whether the failing lines must be named.
    pub needs_lines: bool,
    /// Whether a note must be written.
    pub needs_note: bool,
}

impl From<&Reason> for ReasonView {
    fn from(reason: &Reason) -> Self {
        Self { code: reason.code.clone(), needs_lines: reason.needs_lines, needs_note: reason.needs_note }
    }
}

/// The store's reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "Reasons")]
pub struct ReasonsView {
    /// For rejecting an order.
    pub reject: Vec<ReasonView>,
    /// For declining a payment.
    pub decline: Vec<ReasonView>,
    /// For approving outside the range.
    #[serde(rename = "override")]
    pub approve_outside: Vec<ReasonView>,
}

/// The store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StoreView {
    /// The store.
    pub store_id: String,
    /// Its name; its number until central has sent its row.
    pub name: String,
    /// City.
    pub city: Option<String>,
    /// ISO 4217 code.
    pub currency: String,
    /// IANA name.
    pub time_zone: String,
    /// Its reasons.
    pub reasons: ReasonsView,
    /// No new orders until then.
    pub paused_until: Option<String>,
    /// Minutes added to every promise.
    pub busy_minutes: Option<u32>,
    /// Busy until then.
    pub busy_until: Option<String>,
}

/// The desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct DeskView {
    /// The installation.
    pub desk_id: String,
    /// Its name on screen.
    pub name: String,
    /// Its data folder.
    pub data: String,
}

/// Where the window starts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Session {
    /// Whether there is a desk.
    pub state: SessionState,
    /// Whether it is the sample store.
    pub rehearsal: bool,
    /// The program's version.
    pub version: String,
    /// The store.
    pub store: Option<StoreView>,
    /// The desk.
    pub desk: Option<DeskView>,
    /// Who is signed in.
    pub person: Option<Person>,
}

/// Whether there is a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// Nothing is connected yet.
    FirstRun,
    /// A desk is open.
    Desk,
}

/// The line to central.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LinkView {
    /// `up`, or where it is cut.
    #[ts(type = "LinkState")]
    pub state: &'static str,
    /// Since when.
    pub since: Option<String>,
    /// What is wrong, in words; `null` while up.
    pub cause: Option<String>,
    /// Whether the feed is still behind.
    pub catching_up: bool,
}

/// Changes that central has not acknowledged, by state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "OutboxCounts")]
pub struct OutboxView {
    /// Can still be undone.
    pub held: i64,
    /// Saved here.
    pub ready: i64,
    /// Numbered and sent.
    pub sent: i64,
    /// Refused and neither replaced nor closed.
    pub refused: i64,
    /// Age of the oldest of held, ready and sent, seconds.
    pub oldest_age_s: Option<i64>,
}

/// A feed and how far it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct FeedView {
    /// The topic.
    pub topic: String,
    /// Next offset to read.
    pub position: i64,
    /// End of the log, where it is known.
    pub end: Option<i64>,
    /// Records still to read.
    pub behind: Option<i64>,
}

/// The cluster's machines, from metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ReplicaView {
    /// Machines that answer.
    pub brokers: u32,
    /// Copies there should be of this store's partition.
    pub replicas: u32,
    /// Copies in sync.
    pub in_sync: u32,
}

/// What waits for somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
#[ts(rename = "WaitingCounts")]
pub struct Waiting {
    /// New orders.
    pub new: i64,
    /// Payments to decide.
    pub payments: i64,
    /// Orders being picked.
    pub picking: i64,
    /// Refused changes.
    pub refused: i64,
    /// Alarms nobody has acknowledged.
    pub unheard: i64,
}

/// The header, and `aisle status`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StatusView {
    /// The store.
    pub store_id: String,
    /// The desk.
    pub desk_id: String,
    /// Its numbering.
    pub incarnation: String,
    /// Central's history that is mirrored.
    pub epoch: Option<String>,
    /// The line.
    pub link: LinkView,
    /// Unacknowledged changes.
    pub outbox: OutboxView,
    /// Both feeds.
    pub feeds: Vec<FeedView>,
    /// Messages that could not be applied.
    pub parked: i64,
    /// Open conflicts.
    pub conflicts: i64,
    /// The last push.
    pub last_push_at: Option<String>,
    /// The next one.
    pub next_push_at: Option<String>,
    /// The last message from central.
    pub last_received_at: Option<String>,
    /// Central's clock minus this computer's.
    pub clock_offset_ms: Option<i64>,
    /// Whether changes are signed.
    pub signed: bool,
    /// Of the database.
    pub schema_version: i64,
    /// The cluster's machines; `null` until it was asked.
    pub cluster: Option<ReplicaView>,
    /// Intervals that passed with something waiting and no push.
    pub missed_pushes: u32,
    /// Whether a push is under way.
    pub pushing: bool,
    /// Changes that central acknowledged today.
    pub received_today: i64,
    /// This computer's clock, for countdowns.
    pub now: String,
    /// What waits for somebody.
    pub waiting: Waiting,
}

/// The worst state of an order's or item's own changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum SyncState {
    /// Central refused one.
    Refused,
    /// Saved here.
    Saved,
    /// Sent.
    Sent,
    /// Received by central.
    Received,
}

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
    /// When central queued it.
    pub queued_time: String,
    /// When central ends it unaccepted.
    pub accept_by: Option<String>,
    /// When it was promised.
    pub due_at: Option<String>,
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

/// An item of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemView {
    /// The item.
    pub item_id: String,
    /// Its barcode.
    pub barcode: Option<String>,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Option<String>,
    /// Price of one unit.
    pub unit_price: String,
    /// Whether it can be bought.
    #[ts(type = "Availability")]
    pub availability: Availability,
    /// When out of stock ends.
    pub available_until: Option<String>,
    /// Central's version of the row.
    pub version: i64,
    /// State of its own changes.
    pub sync: Option<SyncState>,
}

/// A page of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemPage {
    /// The rows.
    pub items: Vec<ItemView>,
    /// How many there are in all.
    pub total: i64,
    /// Of the first row.
    pub offset: i64,
}

/// A price an item had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PricePoint {
    /// Since when.
    pub at: String,
    /// The price before.
    pub old: Option<String>,
    /// The price from then on.
    pub new: String,
    /// Who set it.
    pub by: Option<String>,
    /// `here`, `central` or `import`.
    pub source: String,
}

/// An item with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemDetail {
    /// The item.
    pub item: ItemView,
    /// Its prices, newest first.
    pub prices: Vec<PricePoint>,
    /// Its timeline, oldest first.
    pub history: Vec<HistoryEntry>,
}

/// A change, as the Sync screen and `aisle outbox` show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ChangeView {
    /// The change.
    pub change_id: String,
    /// Its type's word.
    #[serde(rename = "type")]
    pub change_type: String,
    /// What it is, in words.
    pub text: String,
    /// `order/N`, `item/N` or `store`.
    pub subject: String,
    /// What it is about, as people say it.
    pub subject_label: String,
    /// Where it is.
    #[ts(type = "ChangeState")]
    pub state: &'static str,
    /// Who acted.
    pub by: Option<String>,
    /// When.
    pub acted_at: String,
    /// Its lane.
    #[ts(type = "\"orders\" | \"catalog\"")]
    pub lane: Lane,
    /// Its number, once it has one.
    pub seq: Option<i64>,
    /// Where the cluster wrote it.
    pub partition: Option<i32>,
    /// Its place there.
    pub offset: Option<i64>,
    /// When it was sent.
    pub sent_at: Option<String>,
    /// When central's word came.
    pub acked_at: Option<String>,
    /// Why it was refused, as a code.
    pub code: Option<String>,
    /// Why it was refused, in words.
    pub message: Option<String>,
    /// The refused change it mends.
    pub replaces: Option<String>,
    /// Why it will be refused.
    pub will_be_refused: Option<String>,
    /// How long it is still held.
    pub hold_ms: Option<i64>,
}

/// A push.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PushView {
    /// When.
    pub at: String,
    /// Changes that were sent.
    pub sent: i64,
    /// Changes of it that central has acknowledged.
    pub acked: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// The Sync screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct SyncView {
    /// Changes, those that need somebody first.
    pub changes: Vec<ChangeView>,
    /// The last pushes, newest first.
    pub pushes: Vec<PushView>,
    /// Changes acknowledged today.
    pub received_today: i64,
    /// The last message from central.
    pub last_received_at: Option<String>,
}

/// A page of a list on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts.
    pub next: Option<String>,
}

macro_rules! params {
    ($($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $type:ty,)* })*) => {
        $($(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Deserialize, TS)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$fdoc])* pub $field: $type,)* })*
    };
}

params! {
    /// Which order.
    OrderKey {
        /// The order.
        order_id: String,
    }
    /// Which item.
    ItemKey {
        /// The item.
        item_id: String,
    }
    /// Which change, or the newest.
    ChangeKey {
        /// The change.
        change_id: Option<String>,
    }
    /// Which order's alarm, or all.
    AlarmKey {
        /// The order.
        order_id: Option<String>,
    }
    /// What to look for.
    FindText {
        /// As typed.
        text: String,
    }
    /// Reject an order.
    RejectOrder {
        /// The order.
        order_id: String,
        /// A code of the store's list.
        reason: String,
        /// The lines that fail.
        items: Vec<String>,
        /// What staff wrote.
        note: Option<String>,
    }
    /// Approve a payment.
    ApprovePayment {
        /// The payment.
        payment_id: String,
        /// For an amount below the range.
        reason: Option<String>,
        /// For an amount above it, by a manager.
        override_reason: Option<String>,
    }
    /// Decline a payment.
    DeclinePayment {
        /// The payment.
        payment_id: String,
        /// A code of the store's list.
        reason: String,
        /// Whether the order ends with it.
        ends_order: bool,
        /// What staff wrote.
        note: Option<String>,
    }
    /// Send an order back to picking.
    SendBack {
        /// The payment that waits.
        payment_id: String,
        /// What staff wrote.
        note: Option<String>,
    }
    /// A page of the catalog.
    ItemQuery {
        /// As typed; empty for all.
        text: String,
        /// Of the first row.
        offset: i64,
        /// At most 500.
        limit: i64,
    }
    /// Edit an item's fields.
    EditItem {
        /// The item.
        item_id: String,
        /// New values as typed, by field.
        fields: std::collections::BTreeMap<String, String>,
    }
    /// Set a setting.
    SetSetting {
        /// Which.
        key: String,
        /// Its value as text.
        value: String,
    }
    /// An error of the page.
    PageError {
        /// What the page says.
        text: String,
    }
}

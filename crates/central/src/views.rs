//! What the centre's command line prints: ids are strings, money decimal strings beside the currency, times RFC 3339.

use aisle_domain::{
    Availability, Barcode, ChangeId, Currency, Decision, DeskId, Epoch, Incarnation, Item, ItemId, LineState,
    Money, Order, OrderId, OrderLine, OrderStatus, Payment, PaymentId, PaymentStatus, Quantity, Receipt,
    ShopperId, StoreId, Timestamp, TransactionId, UserId, Verdict, digest::DigestView,
};
use serde::Serialize;

use crate::ledger::{AlarmRow, AuditRow, DeadLetter, Desk, KeyRow};

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// The cursor behind which the list goes on; `None` at its end.
    pub next: Option<String>,
}

/// A store with its desks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreView {
    /// The store.
    pub store_id: StoreId,
    /// Its name.
    pub name: String,
    /// Whether its changes must be signed.
    pub signed: bool,
    /// Whether one of its desks was not heard for two intervals.
    pub quiet: bool,
    /// Its desks.
    pub desks: Vec<DeskView>,
    /// What it may sign with, oldest first.
    pub keys: Vec<KeyView>,
    /// What was turned away that claimed to be this store's, the latest first.
    pub alarms: Vec<AlarmView>,
    /// The file that was just written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enrolment: Option<EnrolmentView>,
}

/// An enrolment file, without what is secret in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EnrolmentView {
    /// The file.
    pub file: String,
    /// The key in it.
    pub key_id: String,
    /// The user in it, for a secured line.
    pub username: Option<String>,
    /// Until when a desk takes it.
    pub expires_at: Option<Timestamp>,
    /// Keys that were retired with it.
    pub retired: Vec<String>,
}

/// What a store's desks may do at the cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantsView {
    /// The store.
    pub store_id: StoreId,
    /// Who gets the rights.
    pub principal: String,
    /// The rights; there are no others.
    pub grants: Vec<GrantView>,
    /// What to run, in this order.
    pub commands: Vec<CommandView>,
    /// What to know about them.
    pub notes: Vec<String>,
}

/// One right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GrantView {
    /// `topic` or `group`.
    pub resource: &'static str,
    /// Its name.
    pub name: String,
    /// `literal`: this name and no other.
    pub pattern: &'static str,
    /// What may be done with it.
    pub operations: Vec<&'static str>,
}

/// A command of Kafka's own tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CommandView {
    /// The tool.
    pub tool: &'static str,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Both as a line for a shell.
    pub line: String,
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyView {
    /// Its name.
    pub key_id: String,
    /// When it was made.
    pub made_at: Timestamp,
    /// Since when nothing is taken with it.
    pub retired_at: Option<Timestamp>,
}

impl From<KeyRow> for KeyView {
    fn from(row: KeyRow) -> Self {
        Self { key_id: row.id, made_at: row.made, retired_at: row.retired }
    }
}

/// Records of one kind that were turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlarmView {
    /// `unsigned`, `unknown_key`, `bad_signature` or `foreign_desk`.
    pub kind: String,
    /// The desk they claimed, where that can be read.
    pub desk_id: Option<String>,
    /// The first.
    pub first_at: Timestamp,
    /// The last.
    pub last_at: Timestamp,
    /// How many.
    pub count: i64,
}

/// The same in a list over stores.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreAlarmView {
    /// The store that was claimed.
    pub store_id: StoreId,
    /// What was turned away.
    #[serde(flatten)]
    pub alarm: AlarmView,
}

impl From<AlarmRow> for AlarmView {
    fn from(row: AlarmRow) -> Self {
        let AlarmRow { kind, desk, first_at, last_at, count } = row;
        Self { kind, desk_id: desk, first_at, last_at, count }
    }
}

/// A desk as central hears it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeskView {
    /// The desk.
    pub desk_id: DeskId,
    /// Its name.
    pub name: Option<String>,
    /// Whether it was heard within two intervals.
    pub alive: bool,
    /// When it was heard last.
    pub last_heard_at: Option<Timestamp>,
    /// Changes it has not had acknowledged.
    pub outbox: Option<i64>,
    /// Age of the oldest of them, seconds.
    pub oldest_age_s: Option<i64>,
    /// How far its feeds are behind, records.
    pub behind: Option<i64>,
    /// Its program's version.
    pub version: Option<String>,
    /// Its clock less the cluster's, milliseconds.
    pub clock_offset_ms: Option<i64>,
    /// Its numberings, oldest first.
    pub incarnations: Vec<Incarnation>,
    /// When it used one number for two changes, as a copied data folder does.
    pub forked_at: Option<Timestamp>,
    /// Nobody waits for it.
    pub retired: bool,
}

impl DeskView {
    pub(crate) fn of(desk: &Desk, alive: bool) -> Self {
        Self {
            desk_id: desk.id,
            name: desk.name.clone(),
            alive,
            last_heard_at: desk.last_heard,
            outbox: desk.outbox,
            oldest_age_s: desk.oldest_age_s,
            behind: desk.behind,
            version: desk.version.clone(),
            clock_offset_ms: desk.clock_offset_ms,
            incarnations: desk.incarnations.clone(),
            forked_at: desk.forked_at,
            retired: desk.retired,
        }
    }
}

/// The ends of a range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RangeView {
    /// Lowest amount.
    pub lo: Money,
    /// Highest amount.
    pub hi: Money,
    /// Its version.
    pub version: i64,
}

/// An ordered line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LineView {
    /// The item.
    pub item_id: ItemId,
    /// Its name when it was ordered.
    pub name: String,
    /// Its barcode when it was ordered.
    pub barcode: Option<Barcode>,
    /// Price of one unit when it was ordered.
    pub order_unit_price: Money,
    /// How much was ordered.
    pub quantity: Quantity,
    /// Where picking is.
    pub state: LineState,
    /// How much is in the basket.
    pub picked_quantity: Option<Quantity>,
    /// What is in the basket instead.
    pub substitute: Option<ItemId>,
    /// The customer's note.
    pub note: Option<String>,
}

impl From<&OrderLine> for LineView {
    fn from(line: &OrderLine) -> Self {
        Self {
            item_id: line.item_id,
            name: line.name.clone(),
            barcode: line.barcode.clone(),
            order_unit_price: line.order_unit_price,
            quantity: line.quantity,
            state: line.state,
            picked_quantity: line.picked_quantity,
            substitute: line.substitute,
            note: line.note.clone(),
        }
    }
}

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PaymentView {
    /// The payment.
    pub payment_id: PaymentId,
    /// Its order.
    pub order_id: OrderId,
    /// Its store.
    pub store_id: StoreId,
    /// The amount.
    pub amount: Money,
    /// The store's currency.
    pub currency: Currency,
    /// How it lies to the range, where there is one.
    pub verdict: Option<Verdict>,
    /// The range in force.
    pub range: Option<RangeView>,
    /// What was decided.
    pub status: Option<PaymentStatus>,
    /// The reason that was given.
    pub reason: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When the till gives up.
    pub decide_by: Option<Timestamp>,
}

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryView {
    /// When central took it.
    pub at: Timestamp,
    /// A change's type, or what central did.
    pub kind: String,
    /// The same in words.
    pub text: String,
    /// Who.
    pub by: String,
    /// At which desk.
    pub desk: Option<String>,
    /// The change.
    pub change_id: Option<ChangeId>,
    /// `applied`, `already`, `refused`; `done` for an act of central itself.
    pub state: String,
    /// Why it was refused.
    pub reason: Option<String>,
    /// The change's body, or the facts of central's act.
    pub detail: Option<serde_json::Value>,
}

impl From<AuditRow> for HistoryView {
    fn from(row: AuditRow) -> Self {
        Self {
            at: row.at,
            text: row.kind.replace(['.', '_'], " "),
            kind: row.kind,
            by: row.by,
            desk: row.desk,
            change_id: row.change,
            state: row.outcome,
            reason: row.code,
            detail: row.detail.and_then(|text| serde_json::from_str(&text).ok()),
        }
    }
}

/// An order, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderView {
    /// The order.
    pub order_id: OrderId,
    /// Its store.
    pub store_id: StoreId,
    /// The customer.
    pub user_id: UserId,
    /// Where it is in its life.
    pub status: OrderStatus,
    /// What was decided.
    pub decision: Option<Decision>,
    /// The reason that was given.
    pub reason: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// Who takes care of it.
    pub claimed_by: Option<String>,
    /// When the customer placed it.
    pub creation_time: Timestamp,
    /// When central queued it.
    pub queued_time: Timestamp,
    /// Until when it must be accepted.
    pub accept_by: Option<Timestamp>,
    /// When it was promised.
    pub due_at: Option<Timestamp>,
    /// The row's version.
    pub version: i64,
    /// The store's currency.
    pub currency: Currency,
    /// The range in force.
    pub range: Option<RangeView>,
    /// What the ordered lines cost.
    pub expected: Money,
    /// Ordered lines.
    pub lines: Vec<LineView>,
    /// Payments, oldest first.
    pub payments: Vec<PaymentView>,
    /// The first receipt.
    pub receipt: Option<ReceiptView>,
    /// Who picks it.
    pub shopper: Option<ShopperView>,
    /// What happened, oldest first; empty in a list.
    pub history: Vec<HistoryView>,
}

/// A receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReceiptView {
    /// The till's number.
    pub transaction_id: TransactionId,
    /// When it was printed.
    pub datetime: Timestamp,
    /// What was paid.
    pub amount: Money,
    /// Its lines.
    pub lines: Vec<aisle_domain::ReceiptLine>,
}

/// Who picks an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShopperView {
    /// The shopper.
    pub shopper_id: ShopperId,
    /// What staff rated them.
    pub rating: Option<u8>,
}

impl From<&Receipt> for ReceiptView {
    fn from(receipt: &Receipt) -> Self {
        Self {
            transaction_id: receipt.transaction_id,
            datetime: receipt.datetime,
            amount: receipt.amount,
            lines: receipt.lines.clone(),
        }
    }
}

fn range_view(order: &Order) -> Option<RangeView> {
    order.range.as_ref().map(|r| RangeView { lo: r.amount_lo, hi: r.amount_hi, version: r.version })
}

fn payment_view(order: &Order, payment: &Payment, currency: &Currency) -> PaymentView {
    let others: Money = order
        .payments
        .iter()
        .filter(|p| p.status == Some(PaymentStatus::Approved) && p.payment_id != payment.payment_id)
        .map(|p| p.amount)
        .sum();
    PaymentView {
        payment_id: payment.payment_id,
        order_id: payment.order_id,
        store_id: payment.store_id,
        amount: payment.amount,
        currency: currency.clone(),
        verdict: order.range.as_ref().map(|r| r.judge(payment.amount, others)),
        range: range_view(order),
        status: payment.status,
        reason: payment.reason.clone(),
        decided_by: payment.decided_by.clone(),
        decide_by: payment.decide_by,
    }
}

impl OrderView {
    pub(crate) fn of(order: &Order, currency: &Currency, history: Vec<AuditRow>) -> Self {
        Self {
            order_id: order.order_id,
            store_id: order.store_id,
            user_id: order.user_id,
            status: order.status,
            decision: order.decision,
            reason: order.reason.clone(),
            decided_by: order.decided_by.clone(),
            claimed_by: order.claimed_by.clone(),
            creation_time: order.creation_time,
            queued_time: order.queued_time,
            accept_by: order.accept_by,
            due_at: order.due_at,
            version: order.version,
            currency: currency.clone(),
            range: range_view(order),
            expected: order.expected(),
            lines: order.lines.iter().map(Into::into).collect(),
            payments: order.payments.iter().map(|p| payment_view(order, p, currency)).collect(),
            receipt: order.receipts.first().map(Into::into),
            shopper: order.shopper.as_ref().map(|s| ShopperView { shopper_id: s.shopper_id, rating: s.rating }),
            history: history.into_iter().map(Into::into).collect(),
        }
    }
}

/// An item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ItemView {
    /// The item.
    pub item_id: ItemId,
    /// Its store.
    pub store_id: StoreId,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Option<String>,
    /// Price of one unit.
    pub unit_price: Money,
    /// The store's currency.
    pub currency: Currency,
    /// Its barcode.
    pub barcode: Option<Barcode>,
    /// Whether it can be bought.
    pub availability: Availability,
    /// When `out_of_stock` ends by itself.
    pub available_until: Option<Timestamp>,
    /// The row's version.
    pub version: i64,
    /// Removed from the catalog.
    pub deleted: bool,
}

impl ItemView {
    pub(crate) fn of(item: &Item, currency: &Currency) -> Self {
        Self {
            item_id: item.item_id,
            store_id: item.store_id,
            name: item.name.clone(),
            category: item.category.clone(),
            unit_price: item.unit_price,
            currency: currency.clone(),
            barcode: item.barcode.clone(),
            availability: item.availability,
            available_until: item.available_until,
            version: item.version,
            deleted: item.deleted,
        }
    }
}

/// Count and sum over a store's rows, as the desk shows its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StoreDigest {
    /// Central's history.
    pub epoch: Epoch,
    /// By table.
    pub tables: DigestTables,
}

/// Digests by table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DigestTables {
    /// Of orders.
    pub orders: DigestView,
    /// Of items, deleted ones included.
    pub items: DigestView,
}

/// A new history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct EpochView {
    /// It.
    pub epoch: Epoch,
    /// How many rows go down the feeds anew.
    pub rows: usize,
}

/// A record that could not be applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadLetterView {
    /// Its number at central.
    pub id: String,
    /// The partition of `aisle.changes`.
    pub partition: i32,
    /// Its offset there.
    pub offset: i64,
    /// The store, where the envelope tells it.
    pub store_id: Option<StoreId>,
    /// The change, where the envelope tells it.
    pub change_id: Option<ChangeId>,
    /// Its type, where the envelope tells it.
    #[serde(rename = "type")]
    pub event_type: Option<String>,
    /// Why it could not be applied.
    pub why: String,
    /// When central put it aside.
    pub at: Timestamp,
    /// `open`, `replayed` or `skipped`.
    pub state: String,
    /// Why central refused its change when it was replayed, where it did.
    pub refusal: Option<String>,
    /// The record's headers; bytes that are no text are replaced.
    pub headers: Vec<(String, String)>,
    /// The record's value as text; bytes that are no text are replaced.
    pub value: Option<String>,
}

impl DeadLetterView {
    pub(crate) fn of(letter: &DeadLetter, refusal: Option<String>) -> Self {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let headers: Vec<(String, String)> =
            letter.headers.iter().map(|(name, value)| (name.clone(), lossy(value))).collect();
        Self {
            id: letter.id.to_string(),
            partition: letter.partition,
            offset: letter.offset,
            store_id: letter.store,
            change_id: letter.change,
            event_type: headers.iter().find(|(name, _)| name == "ce_type").map(|(_, value)| value.clone()),
            why: letter.why.clone(),
            at: letter.at,
            state: letter.state.clone(),
            refusal,
            headers,
            value: letter.raw.as_deref().map(lossy),
        }
    }
}

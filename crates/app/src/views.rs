//! What screens and the command line show: plain data, converted from the domain at this boundary. Ids and amounts
//! are strings, instants RFC 3339 in UTC.

mod catalog;
mod changes;
mod finding;
mod orders;
mod params;
mod report;
mod shifts;

use aisle_domain::Reason;
use serde::Serialize;
use ts_rs::TS;

use crate::settings::SecretsPlace;

pub use catalog::{ItemDetail, ItemPage, ItemView, PricePoint};
pub use changes::{ChangeView, ConflictView, NoticeView, PushView, SyncView};
pub use finding::{FoundOrders, FoundView, Keeper, NamedQuery, OrderFlag, OrderStage, OrdersQuery, Period};
pub use orders::{
    ActReceipt, Bulk, DifferenceView, EffectView, HistoryEntry, LeftOrder, LineView, OrderCard, OrderDetail,
    OrderQueue, PaymentView, QuantityPreview, RangeView, ReceiptLineView, ReceiptView, ReplacementView,
    ReplacementsView, ScanOutcome, ScannedLine, ShopperView, Undo,
};
pub use params::{
    AddMember, AddNote, AlarmKey, ApprovePayment, BusyStore, ChangeKey, ClaimOrder, DayKey, DeclinePayment,
    EditItem, EndShift, Enrol, EnrolmentText, GivenPin, ItemKey, ItemQuery, MemberKey, OrderKey, OrderKeys,
    PageError, PauseStore, PickQuantity, RateShopper, RejectOrder, RenameMember, ReplacementQuery, SaveView,
    ScanLine, SendBack, SetDue, SetLine, SetPin, SetRole, SetSetting, SignIn, ViewKey,
};

pub use report::{CauseView, ExportView, MarkView, OftenView, ReportView, ShopperDayView, TallyView, TimesView};
pub use shifts::{HandoverView, PromiseView, RemainingView, ShiftBegun, ShiftView};

/// What an enrolment file says, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct EnrolmentView {
    /// The store.
    pub store_id: String,
    /// Its name.
    pub store_name: String,
    /// Where its cluster is.
    pub brokers: String,
    /// Whether the line is secured with TLS and a password.
    pub secured: bool,
    /// Until when it is taken.
    pub expires_at: Option<String>,
}

/// The person who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct Person {
    /// Their number at this desk.
    pub staff_id: String,
    /// Their name, as it stands in the audit log.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whether they have a PIN: without one the desk is not locked.
    pub has_pin: bool,
    /// What they may do.
    #[ts(type = "Right[]")]
    pub rights: Vec<&'static str>,
}

/// Nobody is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct LockedView {
    /// Who left; `null` where the desk locked itself.
    pub by: Option<String>,
    /// When.
    pub at: String,
}

/// A person who works at this desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct MemberView {
    /// Their number at this desk.
    pub staff_id: String,
    /// Their name.
    pub name: String,
    /// What they are.
    pub role: Role,
    /// Whether they have a PIN.
    pub has_pin: bool,
    /// When they were signed in last.
    pub last_here: Option<String>,
    /// Too many PINs were wrong: seconds until the next one is tried.
    pub waits_s: Option<i64>,
}

/// Everybody who works at this desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct StaffView {
    /// In the order in which they came.
    pub people: Vec<MemberView>,
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

impl From<aisle_domain::Role> for Role {
    fn from(role: aisle_domain::Role) -> Self {
        match role {
            aisle_domain::Role::Clerk => Self::Clerk,
            aisle_domain::Role::Lead => Self::Lead,
            aisle_domain::Role::Manager => Self::Manager,
        }
    }
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
    /// The printer that tickets go to when an order is accepted.
    pub printer: Option<String>,
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
    /// Nobody is.
    pub locked: Option<LockedView>,
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
    /// What somebody here can do about it, where something can be done.
    pub hint: Option<String>,
    /// This computer keeps nothing any more: nothing can be done at this desk until it does.
    pub keeps_nothing: bool,
    /// Whether the feed is still behind.
    pub catching_up: bool,
    /// How long central's cluster lately makes this desk wait, since it sent more than it may.
    pub throttled_ms: Option<i64>,
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
    /// Whether it is mirrored anew.
    pub remirroring: bool,
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
    /// Where the desk keeps its password and its key; `null` where it was not enrolled.
    pub secrets: Option<SecretsPlace>,
    /// Of the database.
    pub schema_version: i64,
    /// The cluster's machines; `null` until it was asked.
    pub cluster: Option<ReplicaView>,
    /// Whole intervals between pushes that something waits already: to be sent, or sent and without central's word.
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

/// A page of a list on the command line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts.
    pub next: Option<String>,
}

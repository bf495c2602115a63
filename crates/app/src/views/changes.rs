//! Changes on their way as they are shown.

use aisle_domain::Lane;
use serde::Serialize;
use ts_rs::TS;

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
    /// It never left this desk and can be taken back.
    pub undoable: bool,
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

/// A field that desk and central both changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ConflictView {
    /// Its number here.
    pub conflict_id: String,
    /// The item.
    pub item_id: String,
    /// The field.
    pub field: &'static str,
    /// What this desk saw.
    pub before: Option<String>,
    /// What it wants.
    pub mine: Option<String>,
    /// What central has.
    pub central: Option<String>,
    /// Who set that.
    pub by: Option<String>,
    /// When.
    pub at: String,
}

/// What became of the desk's numbers or its mirror, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct NoticeView {
    /// When.
    pub at: String,
    /// Why, as a word: `forked`, `copied`, `restored`, `digest`, `epoch` and the like.
    pub why: String,
    /// What happened, in words.
    pub text: String,
    /// Whether it is not over yet.
    pub under_way: bool,
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
    /// What became of the desk's numbers and its mirror in the last week, newest first.
    pub notices: Vec<NoticeView>,
}

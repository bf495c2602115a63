//! Why an act or a change is refused. The same reasons at the desk, before anything is written, and at central.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{item::Field, life::IllegalAct, life::OrderStatus, money::Money, time::Timestamp};

/// Why an act has no effect. Travels in `change.refused` by its [`code`](Refusal::code) and fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum Refusal {
    /// Somebody else was first.
    #[error("already decided by {} at {at}: the order is {status}", by.as_deref().unwrap_or("central"))]
    AlreadyDecided {
        /// Who decided, where known.
        by: Option<String>,
        /// When.
        at: Timestamp,
        /// Where the order is now.
        status: OrderStatus,
    },
    /// The order's status does not allow it.
    #[error("an order that is {status} does not allow this")]
    IllegalAct {
        /// Where the order is.
        status: OrderStatus,
    },
    /// The range is not the one that was decided by.
    #[error("the authorised range changed after this was decided; decide again by the new range")]
    RangeChanged,
    /// The amount is not the payment's.
    #[error("the payment is {amount}, not the amount that was decided")]
    AmountChanged {
        /// The payment's amount.
        amount: Money,
    },
    /// Below the range without a reason.
    #[error("{amount} is below the lowest authorised amount, {lo}; approving it needs a reason")]
    NeedsReason {
        /// What would be paid in all.
        amount: Money,
        /// The lowest amount.
        lo: Money,
    },
    /// Above the range without a manager's override.
    #[error("{amount} is above the highest authorised amount, {hi}; approving it needs a manager's override")]
    NeedsOverride {
        /// What would be paid in all.
        amount: Money,
        /// The highest amount.
        hi: Money,
    },
    /// Above what even a manager may approve.
    #[error("{amount} is above {ceiling}, the most that an override may reach")]
    OverCeiling {
        /// What would be paid in all.
        amount: Money,
        /// The ceiling.
        ceiling: Money,
    },
    /// A reason that the store's list does not have.
    #[error("\"{reason}\" is not a reason of this store")]
    UnknownReason {
        /// The reason given.
        reason: String,
    },
    /// A reason that needs the failing lines.
    #[error("the reason \"{reason}\" needs the lines that fail")]
    NeedsLines {
        /// The reason given.
        reason: String,
    },
    /// A reason that needs a note.
    #[error("the reason \"{reason}\" needs a note")]
    NeedsNote {
        /// The reason given.
        reason: String,
    },
    /// The order, payment, line or item is not there.
    #[error("there is no {what}")]
    NotFound {
        /// What is missing, with its number.
        what: String,
    },
    /// The value was another one by then.
    #[error("{what} had changed in between")]
    Changed {
        /// What changed.
        what: String,
    },
    /// Desk and central changed the same fields and a person is asked.
    #[error("both changed {}", fields.iter().map(|f| f.word()).collect::<Vec<_>>().join(", "))]
    BothChanged {
        /// The fields that are asked.
        fields: Vec<Field>,
    },
    /// The policy keeps central's value.
    #[error("central's value of {} was kept, by the store's policy", fields.iter().map(|f| f.word()).collect::<Vec<_>>().join(", "))]
    KeptCentral {
        /// The fields that central keeps.
        fields: Vec<Field>,
    },
    /// A new item's number is in use.
    #[error("the item number is in use")]
    IdTaken,
    /// A rating outside 1 to 5.
    #[error("a rating is from 1 to 5")]
    BadRating,
    /// A name, price or barcode that no item may have.
    #[error("{what}")]
    BadValue {
        /// What is wrong with it.
        what: String,
    },
    /// Type or body that this centre does not know.
    #[error("central does not understand this kind of change: {what}")]
    NotUnderstood {
        /// What was not understood.
        what: String,
    },
}

/// Words about a change quote what is in it, and travel further than the change: they stay short.
const WORDS_CHARS: usize = 400;

/// The beginning of words that are long.
pub fn in_short(words: String) -> String {
    match words.char_indices().nth(WORDS_CHARS) {
        Some((end, _)) => format!("{}...", words.get(..end).unwrap_or_default()),
        None => words,
    }
}

impl Refusal {
    /// The same with every text that it quotes in short.
    #[must_use]
    pub fn in_short(self) -> Self {
        match self {
            Self::AlreadyDecided { by, at, status } => Self::AlreadyDecided { by: by.map(in_short), at, status },
            Self::UnknownReason { reason } => Self::UnknownReason { reason: in_short(reason) },
            Self::NeedsLines { reason } => Self::NeedsLines { reason: in_short(reason) },
            Self::NeedsNote { reason } => Self::NeedsNote { reason: in_short(reason) },
            Self::NotFound { what } => Self::NotFound { what: in_short(what) },
            Self::Changed { what } => Self::Changed { what: in_short(what) },
            Self::BadValue { what } => Self::BadValue { what: in_short(what) },
            Self::NotUnderstood { what } => Self::NotUnderstood { what: in_short(what) },
            short @ (Self::IllegalAct { .. }
            | Self::RangeChanged
            | Self::AmountChanged { .. }
            | Self::NeedsReason { .. }
            | Self::NeedsOverride { .. }
            | Self::OverCeiling { .. }
            | Self::BothChanged { .. }
            | Self::KeptCentral { .. }
            | Self::IdTaken
            | Self::BadRating) => short,
        }
    }

    /// The code, as error codes on screen and on the command line.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::AlreadyDecided { .. } => "already_decided",
            Self::IllegalAct { .. } => "illegal_act",
            Self::RangeChanged => "range_changed",
            Self::AmountChanged { .. } => "amount_changed",
            Self::NeedsReason { .. } => "needs_reason",
            Self::NeedsOverride { .. } => "needs_override",
            Self::OverCeiling { .. } => "over_ceiling",
            Self::UnknownReason { .. } => "unknown_reason",
            Self::NeedsLines { .. } => "needs_lines",
            Self::NeedsNote { .. } => "needs_note",
            Self::NotFound { .. } => "not_found",
            Self::Changed { .. } => "changed",
            Self::BothChanged { .. } => "both_changed",
            Self::KeptCentral { .. } => "kept_central",
            Self::IdTaken => "id_taken",
            Self::BadRating => "bad_rating",
            Self::BadValue { .. } => "bad_value",
            Self::NotUnderstood { .. } => "not_understood",
        }
    }
}

impl From<IllegalAct> for Refusal {
    fn from(illegal: IllegalAct) -> Self {
        Self::IllegalAct { status: illegal.status }
    }
}

//! Errors as they cross to the window and the command line: `{code, message, hint, retryable}`.

use aisle_contract::PortError;
use aisle_domain::{
    BadId, BadMoney, BadQuantity, NotAllowed, Refusal, item::BadBarcode, life::BadStatus, staff::BadRole,
    time::BadTimestamp,
};
use aisle_mirror::{ActError, MirrorError};
use serde::Serialize;
use ts_rs::TS;

/// Every error code there is, with what it stands for. Shells and tests look codes up here.
pub const CODES: &[(&str, &str)] = &[
    ("not_found", "there is no such order, payment, item or change"),
    ("illegal_act", "the order's status does not allow the act"),
    ("already_decided", "somebody else decided first"),
    ("range_changed", "the authorised range changed after the decision"),
    ("amount_changed", "the payment has another amount than the one decided"),
    ("outside_range", "the amount is outside the authorised range"),
    ("needs_reason", "an amount below the range needs a reason"),
    ("needs_override", "an amount above the range needs a manager's override"),
    ("over_ceiling", "above what an override may reach"),
    ("unknown_reason", "the reason is not in the store's list"),
    ("needs_lines", "the reason needs the failing lines"),
    ("needs_note", "the reason needs a note"),
    ("not_allowed", "the person's role does not allow it"),
    ("locked", "nobody is signed in at this desk"),
    ("needs_pin", "a PIN is needed and there is none, or none was given"),
    ("wrong_pin", "not this person's PIN"),
    ("pin_wait", "too many wrong PINs: nothing is tried for a while"),
    ("pin_untold", "the PIN cannot be checked on this computer"),
    ("bad_pin", "not a PIN, or one that is easy to guess"),
    ("bad_name", "not a person's name"),
    ("name_taken", "somebody else at this desk has the name"),
    ("last_manager", "nobody would be a manager any more"),
    ("bad_price", "not a price"),
    ("bad_quantity", "not a quantity"),
    ("lines_to_pick", "lines of the order have not been picked yet"),
    ("not_wanted", "the customer wants nothing instead of it"),
    ("bad_barcode", "not a barcode"),
    ("bad_id", "not a number of the wanted kind"),
    ("bad_value", "not a value of the wanted kind"),
    ("bad_rating", "not a rating from 1 to 5"),
    ("id_taken", "the item number is in use"),
    ("duplicate_barcode", "another item has this barcode"),
    ("bad_encoding", "not UTF-8"),
    ("not_understood", "a command, type or body that is not known"),
    ("changed", "the value had changed in between"),
    ("both_changed", "desk and central changed the same field"),
    ("kept_central", "central's value was kept by policy"),
    ("numbered", "the change has left this desk and can no longer be taken back"),
    ("no_desk", "no store is connected yet"),
    ("folder_in_use", "another program uses the data folder"),
    ("db_newer", "the database was written by a newer program"),
    ("db_damaged", "the database is damaged"),
    ("db_foreign", "the file is another program's database"),
    ("db_readonly", "the database cannot be written"),
    ("db_error", "the database answered with an error"),
    ("disk_full", "the disk is full"),
    ("disk_failed", "the disk failed; nothing more is written until the next start"),
    ("io_error", "a file could not be read or written"),
    ("file_exists", "a file is there already and is not overwritten"),
    ("not_refused", "the change was not refused, so there is nothing to mend"),
    ("wrong_store", "the folder belongs to another store"),
    ("wrong_cluster", "another cluster than before"),
    ("line_closed", "this computer cannot open its line"),
    ("unreachable", "the cluster cannot be reached"),
    ("auth_failed", "the cluster refuses the credentials"),
    ("not_authorized", "the credentials may not use a topic"),
    ("topic_missing", "a topic is missing or may not be seen"),
    ("topic_weaker", "a topic has weaker settings than it must have"),
    ("not_enough_replicas", "too few of the cluster's machines are in sync"),
    ("bad_settings", "the cluster and this program's settings do not go together"),
    ("bad_enrolment", "not an enrolment file, or not as central wrote it"),
    ("enrolment_expired", "the enrolment file is no longer taken"),
    ("secrets_unavailable", "the desk's password and key cannot be read"),
    ("printer_failed", "nothing was printed"),
    ("timed_out", "no answer in time"),
    ("unexpected", "a fault of the program"),
];

/// What went wrong in a use case.
#[derive(Debug, thiserror::Error)]
pub enum AppError {
    /// A rule of desk and central forbids it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The mirror could not do its part.
    #[error("{0}")]
    Mirror(#[from] MirrorError),
    /// The transport could not do its part.
    #[error("{0}")]
    Port(#[from] PortError),
    /// What was typed is not what is wanted.
    #[error("{message}")]
    Input {
        /// The code.
        code: &'static str,
        /// What is wrong with it and what is wanted.
        message: String,
    },
    /// Something is not there.
    #[error("there is no {0}")]
    NotFound(String),
    /// A change that has left the desk.
    #[error("the change has already been numbered for sending and cannot be taken back; make a new one instead")]
    Numbered,
    /// No store is connected.
    #[error("no store is connected yet")]
    NoDesk,
    /// Nothing was printed.
    #[error("{0}")]
    Printer(String),
    /// Nobody is signed in.
    #[error("nobody is signed in at this desk")]
    Locked,
    /// The role of whoever is signed in does not reach for it.
    #[error("{0}")]
    NotAllowed(#[from] NotAllowed),
    /// A PIN is needed, and there is none, or none was given.
    #[error("{name} needs a PIN for this")]
    NeedsPin {
        /// Who.
        name: String,
    },
    /// Not their PIN.
    #[error("this is not {name}'s PIN; {}", tries(*.left, *.wait_s))]
    WrongPin {
        /// Whose.
        name: String,
        /// Tries before there is a wait.
        left: u32,
        /// The wait until the next try, seconds.
        wait_s: u64,
    },
    /// Too many were wrong.
    #[error("too many wrong PINs for {name}: the next try is in {seconds} s")]
    PinWait {
        /// Whose.
        name: String,
        /// Until then.
        seconds: u128,
    },
    /// The file that PINs are checked with is not the one that this PIN was set with.
    #[error("the PIN of {name} cannot be checked on this computer: it was set on another one")]
    PinUntold {
        /// Whose.
        name: String,
    },
    /// Somebody has the name.
    #[error("somebody else at this desk is called \"{name}\"")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Nobody would be a manager any more.
    #[error("{name} is the only manager here")]
    LastManager {
        /// Who.
        name: String,
    },
    /// An order is to be approved whose lines are not all picked.
    #[error("{left} of {of} lines are still to pick")]
    LinesToPick {
        /// Lines without a state.
        left: usize,
        /// All lines.
        of: usize,
    },
    /// Another item has the barcode.
    #[error("the barcode {barcode} belongs to \"{name}\" (item {item})")]
    DuplicateBarcode {
        /// The barcode.
        barcode: String,
        /// The other item's name.
        name: String,
        /// The other item.
        item: String,
    },
    /// An error of a shell, already worded.
    #[error("{}", .0.message)]
    Shell(RpcError),
}

impl AppError {
    pub(crate) fn input(code: &'static str, error: impl std::fmt::Display) -> Self {
        Self::Input { code, message: error.to_string() }
    }

    /// The code, one of [`CODES`].
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Mirror(error) => error.code(),
            Self::Port(error) => error.code(),
            Self::Input { code, .. } => code,
            Self::NotFound(_) => "not_found",
            Self::Numbered => "numbered",
            Self::NoDesk => "no_desk",
            Self::Printer(_) => "printer_failed",
            Self::Locked => "locked",
            Self::NotAllowed(_) => "not_allowed",
            Self::NeedsPin { .. } => "needs_pin",
            Self::WrongPin { .. } => "wrong_pin",
            Self::PinWait { .. } => "pin_wait",
            Self::PinUntold { .. } => "pin_untold",
            Self::NameTaken { .. } => "name_taken",
            Self::LastManager { .. } => "last_manager",
            Self::LinesToPick { .. } => "lines_to_pick",
            Self::DuplicateBarcode { .. } => "duplicate_barcode",
            Self::Shell(error) => &error.code,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Mirror(error) => error.hint(),
            Self::Shell(error) => error.hint.clone(),
            Self::NoDesk => Some("connect this store, or try the sample store".into()),
            Self::Printer(_) => {
                Some("look at the printer and at its name in Settings; P prints from the window".into())
            }
            Self::Locked => {
                Some("sign in with your PIN; at the terminal say who you are with --as and --pin-file".into())
            }
            Self::NotAllowed(denied) => Some(format!("ask a {}, or let one sign in", denied.right.least().word())),
            Self::NeedsPin { .. } => Some("set a PIN in Settings, or give it with this".into()),
            Self::PinUntold { .. } => Some(
                "let a manager set it anew, or set a manager's with aisle staff recover NAME --new-pin-file FILE"
                    .into(),
            ),
            Self::NameTaken { .. } => {
                Some("use another name, with the first letter of the surname perhaps".into())
            }
            Self::LastManager { .. } => Some("make somebody else a manager first".into()),
            Self::LinesToPick { .. } => {
                Some("say of each whether it was found, is short, was substituted or is out of stock".into())
            }
            Self::Refused(Refusal::NeedsReason { .. }) => Some("choose a reason, or decline the payment".into()),
            Self::Refused(Refusal::NeedsOverride { .. }) => {
                Some("decline the payment, or let a manager approve it with a reason".into())
            }
            Self::Refused(Refusal::OverCeiling { .. }) => {
                Some("decline the payment, or ask central for a new range".into())
            }
            Self::Port(PortError::Closed { hint, .. }) => hint.clone(),
            Self::Port(PortError::Unreachable(_) | PortError::TimedOut(_)) => {
                Some("what is done here is kept and goes out by itself when the line is back".into())
            }
            _ => None,
        }
    }
}

/// How it goes on after a wrong PIN.
fn tries(left: u32, wait_s: u64) -> String {
    match left {
        0 => format!("the next try is in {wait_s} s"),
        1 => "one try is left before a wait".into(),
        left => format!("{left} tries are left before a wait"),
    }
}

macro_rules! input_errors {
    ($($type:ty => $code:literal,)*) => {
        $(impl From<$type> for AppError {
            fn from(error: $type) -> Self {
                Self::input($code, error)
            }
        })*
    };
}

input_errors! {
    BadId => "bad_id",
    BadMoney => "bad_price",
    BadQuantity => "bad_quantity",
    BadBarcode => "bad_barcode",
    BadRole => "bad_value",
    BadStatus => "bad_value",
    BadTimestamp => "bad_value",
}

impl From<ActError> for AppError {
    fn from(error: ActError) -> Self {
        match error {
            ActError::Refused(refusal) => Self::Refused(refusal),
            ActError::Numbered => Self::Numbered,
            ActError::Mirror(error) => Self::Mirror(error),
        }
    }
}

/// An error as the window and `--json` show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct RpcError {
    /// One of [`CODES`].
    pub code: String,
    /// What happened, and where.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Whether trying again may help.
    pub retryable: bool,
}

impl From<AppError> for RpcError {
    fn from(error: AppError) -> Self {
        if let AppError::Shell(shell) = error {
            return shell;
        }
        let retryable = match &error {
            AppError::Port(port) => port.retryable(),
            AppError::Mirror(mirror) => matches!(mirror.code(), "folder_in_use" | "disk_full"),
            AppError::PinWait { .. } | AppError::Printer(_) => true,
            _ => false,
        };
        Self { code: error.code().into(), message: error.to_string(), hint: error.hint(), retryable }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once() {
        let mut codes: Vec<_> = CODES.iter().map(|(code, _)| *code).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
        for error in [
            AppError::Numbered,
            AppError::NoDesk,
            AppError::Printer("no paper".into()),
            AppError::Locked,
            AppError::NotAllowed(NotAllowed {
                role: aisle_domain::Role::Clerk,
                right: aisle_domain::Right::Staff,
            }),
            AppError::NeedsPin { name: "Noor".into() },
            AppError::WrongPin { name: "Noor".into(), left: 4, wait_s: 0 },
            AppError::PinWait { name: "Noor".into(), seconds: 30 },
            AppError::PinUntold { name: "Noor".into() },
            AppError::NameTaken { name: "Noor".into() },
            AppError::LastManager { name: "Teo".into() },
            AppError::LinesToPick { left: 1, of: 2 },
            AppError::NotFound("order 5".into()),
            AppError::Port(PortError::NotEnoughReplicas),
            AppError::Refused(Refusal::RangeChanged),
        ] {
            assert!(codes.contains(&error.code()), "{} is not listed", error.code());
        }
    }
}

//! Exit codes, and the errors behind them.

use aisle_app::{AppError, RpcError};

pub(crate) const OK: u8 = 0;
pub(crate) const UNEXPECTED: u8 = 1;
pub(crate) const USAGE: u8 = 2;
pub(crate) const NOT_FOUND: u8 = 3;
pub(crate) const REFUSED: u8 = 4;
pub(crate) const IN_USE: u8 = 5;
pub(crate) const UNREACHABLE: u8 = 6;
pub(crate) const PROBLEMS: u8 = 7;
pub(crate) const TIMED_OUT: u8 = 8;
pub(crate) const NEWER: u8 = 9;

/// A command that could not do its part.
#[derive(Debug, Clone)]
pub(crate) struct Failure(pub(crate) RpcError);

impl Failure {
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self(RpcError { code: code.into(), message: message.into(), hint: None, retryable: false })
    }

    #[must_use]
    pub(crate) fn with_hint(mut self, hint: &str) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    /// The exit code that the error's code stands for.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.0.code.as_str() {
            "not_found" | "no_desk" => NOT_FOUND,
            "folder_in_use" => IN_USE,
            "unreachable"
            | "auth_failed"
            | "not_authorized"
            | "topic_missing"
            | "not_enough_replicas"
            | "connection_broken"
            | "line_closed"
            | "printer_failed"
            | "secrets_unavailable" => UNREACHABLE,
            "topic_weaker" | "db_damaged" | "db_foreign" => PROBLEMS,
            "timed_out" => TIMED_OUT,
            "db_newer" => NEWER,
            "illegal_act" | "already_decided" | "range_changed" | "amount_changed" | "outside_range"
            | "needs_reason" | "needs_override" | "over_ceiling" | "unknown_reason" | "needs_lines"
            | "needs_note" | "lines_to_pick" | "not_wanted" | "not_allowed" | "id_taken" | "duplicate_barcode"
            | "changed" | "both_changed" | "kept_central" | "numbered" | "not_refused" | "file_exists"
            | "enrolment_expired" | "wrong_store" | "wrong_cluster" | "bad_rating" | "locked" | "needs_pin"
            | "wrong_pin" | "pin_wait" | "pin_untold" | "name_taken" | "last_manager" => REFUSED,
            code if code.starts_with("bad_")
                || code == "usage"
                || code == "not_yet"
                || code == "not_understood" =>
            {
                USAGE
            }
            _ => UNEXPECTED,
        }
    }
}

impl From<RpcError> for Failure {
    fn from(error: RpcError) -> Self {
        Self(error)
    }
}

macro_rules! through_app_error {
    ($($type:ty),*) => {
        $(impl From<$type> for Failure {
            fn from(error: $type) -> Self {
                Self(AppError::from(error).into())
            }
        })*
    };
}

through_app_error!(
    AppError,
    aisle_mirror::MirrorError,
    aisle_contract::PortError,
    aisle_domain::BadId,
    aisle_domain::BadMoney,
    aisle_domain::BadQuantity,
    aisle_domain::time::BadTimestamp,
    aisle_domain::life::BadStatus,
    aisle_domain::staff::BadRole
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_has_an_exit_code_of_its_kind() {
        for (code, _) in aisle_app::CODES {
            let exit = Failure::new(code, "").exit_code();
            let expected_unexpected = matches!(
                *code,
                "unexpected"
                    | "db_error"
                    | "db_readonly"
                    | "disk_full"
                    | "disk_failed"
                    | "io_error"
                    | "bad_encoding"
            );
            assert!(exit != UNEXPECTED || expected_unexpected, "{code} exits {exit}");
        }
    }
}

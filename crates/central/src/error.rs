//! Everything that can go wrong at central.

use std::path::PathBuf;

use aisle_contract::PortError;
use aisle_domain::Refusal;
use rusqlite::ffi;

/// Why central could not do it.
#[derive(Debug, thiserror::Error)]
pub enum CentralError {
    /// The database could not be opened.
    #[error("central's database {} cannot be opened: {why}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        why: String,
    },
    /// The database is of a newer program.
    #[error("central's database {} has version {found}; this program knows up to {known}: use the newer program", path.display())]
    DbNewer {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version this program knows.
        known: i64,
    },
    /// The file is a database of something else.
    #[error("{} is not central's database; name another file", path.display())]
    NotCentral {
        /// The file.
        path: PathBuf,
    },
    /// A statement failed.
    #[error("central's database: {0}")]
    Sql(rusqlite::Error),
    /// The disk did not take a transaction: it may be there or not, and its connection is not used again.
    #[error("the disk of central's database failed: {0}; check the disk")]
    DiskFailed(rusqlite::Error),
    /// A row could not be written as JSON or read from it.
    #[error("a row of central's database as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// What was asked for is not there.
    #[error("there is no {what}")]
    NotFound {
        /// What, with its number.
        what: String,
    },
    /// A number is in use.
    #[error("{what} is there already")]
    Taken {
        /// What, with its number.
        what: String,
    },
    /// One order number in several stores.
    #[error("{what} is in several stores ({stores}); name the store")]
    Ambiguous {
        /// What, with its number.
        what: String,
        /// The stores.
        stores: String,
    },
    /// A value that central does not take.
    #[error("{what}")]
    BadValue {
        /// What is wrong and what is wanted.
        what: String,
    },
    /// A rule refuses the act.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A file could not be written.
    #[error("{} cannot be written: {why}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: String,
    },
    /// An input file is wrong; nothing was written.
    #[error("{}, line {line}: {reason}", file.display())]
    Input {
        /// The file.
        file: PathBuf,
        /// The line, from 1; 0 for the file as a whole.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
    /// The cluster.
    #[error("{0}")]
    Port(#[from] PortError),
    /// The system gives no thread.
    #[error("no thread can be started: {0}")]
    Thread(std::io::Error),
    /// Another worker took the partition over; this one must end without a trace.
    #[error("partition {partition} has been taken over by another worker")]
    Zombie {
        /// The partition.
        partition: i32,
    },
    /// A test ended the worker here.
    #[error("the worker of partition {partition} was ended at {point:?}")]
    Struck {
        /// The partition.
        partition: i32,
        /// Where.
        point: crate::fault::FaultPoint,
    },
}

impl CentralError {
    /// The code, as on the command line.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Open { .. } | Self::Sql(_) | Self::Json(_) => "db_damaged",
            Self::DiskFailed(_) => "disk_failed",
            Self::DbNewer { .. } => "db_newer",
            Self::NotCentral { .. } => "wrong_database",
            Self::NotFound { .. } => "not_found",
            Self::Taken { .. } => "id_taken",
            Self::Ambiguous { .. } => "ambiguous",
            Self::BadValue { .. } => "bad_value",
            Self::Refused(refusal) => refusal.code(),
            Self::File { .. } => "io_error",
            Self::Input { .. } => "bad_input",
            Self::Port(error) => error.code(),
            Self::Thread(_) => "no_thread",
            Self::Zombie { .. } => "taken_over",
            Self::Struck { .. } => "struck",
        }
    }

    /// A commit failed.
    pub(crate) fn of_commit(error: rusqlite::Error) -> Self {
        if error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure) {
            return Self::DiskFailed(error);
        }
        error.into()
    }

    /// Whether trying again may help without anybody doing anything.
    pub fn retryable(&self) -> bool {
        match self {
            Self::Port(error) => error.retryable(),
            Self::Sql(error) => is_passing(error),
            Self::DiskFailed(_) => true,
            _ => false,
        }
    }
}

impl From<rusqlite::Error> for CentralError {
    fn from(error: rusqlite::Error) -> Self {
        let is_sync = error.sqlite_error().is_some_and(|code| {
            matches!(code.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
        });
        if is_sync { Self::DiskFailed(error) } else { Self::Sql(error) }
    }
}

/// Whether it is what was to be written that the database does not take, or a row that it was to be written into: other
/// records may be taken.
pub(crate) fn is_of_the_record(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
    let is_value = |code| matches!(code, ConstraintViolation | TooBig | TypeMismatch);
    error.sqlite_error_code().is_none_or(is_value)
}

/// Whether the database may take the same statement later: it is locked, or its disk is full or away.
pub(crate) fn is_passing(error: &rusqlite::Error) -> bool {
    use rusqlite::ErrorCode::{
        CannotOpen, DatabaseBusy, DatabaseLocked, DiskFull, FileLockingProtocolFailed, OutOfMemory,
        PermissionDenied, ReadOnly, SystemIoFailure,
    };
    error.sqlite_error_code().is_some_and(|code| {
        matches!(
            code,
            CannotOpen
                | DatabaseBusy
                | DatabaseLocked
                | DiskFull
                | FileLockingProtocolFailed
                | OutOfMemory
                | PermissionDenied
                | ReadOnly
                | SystemIoFailure
        )
    })
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    #[test]
    fn a_record_is_refused_for_what_is_in_it_and_not_for_a_database_of_another_kind() {
        let conn = Connection::open_in_memory().unwrap();
        conn.execute_batch("CREATE TABLE t (a INTEGER NOT NULL CHECK (a > 0)) STRICT; INSERT INTO t VALUES (1)")
            .unwrap();
        let error = |sql: &str| conn.execute(sql, []).unwrap_err();
        assert!(is_of_the_record(&error("INSERT INTO t VALUES (0)")));
        assert!(is_of_the_record(&error("INSERT INTO t VALUES (NULL)")));
        assert!(is_of_the_record(&error("INSERT INTO t VALUES ('text')")));
        let unreadable = conn.query_row("SELECT a FROM t", [], |row| row.get::<_, String>(0)).unwrap_err();
        assert!(is_of_the_record(&unreadable), "{unreadable}");
        let no_table = conn.prepare("INSERT INTO gone VALUES (1)").unwrap_err();
        assert!(!is_of_the_record(&no_table) && !is_passing(&no_table), "{no_table}");
    }
}

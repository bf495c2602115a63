//! What can go wrong with a desk's database, with what to do about it.

use std::path::{Path, PathBuf};

use aisle_domain::Refusal;
use rusqlite::{Error as Sqlite, ErrorCode, ffi};

/// Of every function here.
pub type Result<T> = std::result::Result<T, MirrorError>;

/// Why the mirror could not do its part. The data is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MirrorError {
    /// Another program has the folder.
    #[error("another program uses the data folder {}", dir.display())]
    FolderInUse {
        /// The folder.
        dir: PathBuf,
    },
    /// A newer program wrote it.
    #[error("the database {} has schema {found}, newer than the {known} this program knows", file.display())]
    Newer {
        /// The database.
        file: PathBuf,
        /// Its schema.
        found: i64,
        /// The newest that is known.
        known: i64,
    },
    /// It is damaged.
    #[error("the database {} is damaged: {what}", file.display())]
    Damaged {
        /// The database.
        file: PathBuf,
        /// What was found.
        what: String,
    },
    /// It is some other program's.
    #[error("{} is not a database of Aisle", file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// It cannot be written.
    #[error("the database cannot be written: {what}")]
    ReadOnly {
        /// Why.
        what: String,
    },
    /// The disk is full.
    #[error("the disk is full; nothing was changed")]
    DiskFull,
    /// The disk did not take what was to be written, and what it has now is not known.
    #[error(
        "the disk failed while data was written ({what}); nothing more is written until Aisle is started again"
    )]
    DiskFailed {
        /// SQLite's own word.
        what: String,
    },
    /// There is no desk in the folder.
    #[error("there is no desk in {}", dir.display())]
    NotADesk {
        /// The folder.
        dir: PathBuf,
    },
    /// A desk is there already.
    #[error("there is a desk in {} already", dir.display())]
    AlreadyADesk {
        /// The folder.
        dir: PathBuf,
    },
    /// Central's row is of another store.
    #[error("the message is for store {found}, this desk is store {own}")]
    WrongStore {
        /// The store of the message.
        found: i64,
        /// The desk's.
        own: i64,
    },
    /// A file is there already.
    #[error("{} is there already; it is not overwritten", file.display())]
    Exists {
        /// The file.
        file: PathBuf,
    },
    /// A backup is of another store.
    #[error("{} is a backup of store {found}, this desk is store {own}", file.display())]
    OtherStore {
        /// The backup.
        file: PathBuf,
        /// Its store.
        found: i64,
        /// The desk's.
        own: i64,
    },
    /// Something is not there.
    #[error("there is no {what}")]
    NotFound {
        /// What.
        what: String,
    },
    /// A value that no row may have.
    #[error("{what} cannot be read: {why}")]
    BadRow {
        /// Where.
        what: String,
        /// Why.
        why: String,
    },
    /// SQLite's own word.
    #[error("the database answered: {0}")]
    Sqlite(Sqlite),
    /// The file system's own word.
    #[error("{what}: {error}")]
    Io {
        /// What was tried.
        what: String,
        /// The error.
        error: std::io::Error,
    },
    /// JSON that cannot be read or written.
    #[error("JSON in the database: {0}")]
    Json(#[from] serde_json::Error),
}

impl MirrorError {
    /// The error code, as on screen and on the command line.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::FolderInUse { .. } => "folder_in_use",
            Self::Newer { .. } => "db_newer",
            Self::Damaged { .. } | Self::BadRow { .. } | Self::Json(_) => "db_damaged",
            Self::Foreign { .. } => "db_foreign",
            Self::ReadOnly { .. } => "db_readonly",
            Self::DiskFull => "disk_full",
            Self::DiskFailed { .. } => "disk_failed",
            Self::NotADesk { .. } => "no_desk",
            Self::AlreadyADesk { .. } => "id_taken",
            Self::WrongStore { .. } | Self::OtherStore { .. } => "wrong_store",
            Self::Exists { .. } => "file_exists",
            Self::NotFound { .. } => "not_found",
            Self::Sqlite(_) => "db_error",
            Self::Io { .. } => "io_error",
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::FolderInUse { .. } => "close the other program, or name another folder with --data",
            Self::Newer { .. } => "install the newer program; the database was left as it is",
            Self::Damaged { .. } => {
                "the file was left as it is; keep it, and start from a copy of the folder `copies` or a backup"
            }
            Self::Foreign { .. } => "name another folder with --data; the file was left as it is",
            Self::ReadOnly { .. } => "give this user the right to write the data folder",
            Self::DiskFull => "free some space; what was saved before is safe",
            Self::OtherStore { .. } => "name a backup of this store, or another folder with --data",
            Self::Exists { .. } => "name another file",
            Self::DiskFailed { .. } => {
                "check the disk, then start Aisle again; what was shown as saved before is there, the last act may be"
            }
            Self::NotADesk { .. } => "make it with aisle init, or connect the store in the window",
            _ => return None,
        };
        Some(hint.into())
    }

    /// Whether it speaks against one row, not against the database as a whole.
    pub(crate) fn is_of_one_row(&self) -> bool {
        match self {
            Self::BadRow { .. } | Self::Json(_) | Self::WrongStore { .. } => true,
            Self::Sqlite(Sqlite::SqliteFailure(code, _)) => {
                matches!(code.code, ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch)
            }
            _ => false,
        }
    }

    /// A commit failed. Where the disk did not take it, it may be there after the next start or not.
    pub(crate) fn of_commit(error: Sqlite) -> Self {
        match &error {
            Sqlite::SqliteFailure(code, _) if code.code == ErrorCode::SystemIoFailure => {
                Self::DiskFailed { what: error.to_string() }
            }
            _ => error.into(),
        }
    }

    pub(crate) fn io(what: impl Into<String>, error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull => Self::DiskFull,
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                Self::ReadOnly { what: format!("{}: {error}", what.into()) }
            }
            _ => Self::Io { what: what.into(), error },
        }
    }

    /// SQLite's word about the file as a whole, while it is opened.
    pub(crate) fn opening(file: &Path, error: Self) -> Self {
        match error {
            Self::Sqlite(Sqlite::SqliteFailure(code, text))
                if matches!(code.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) =>
            {
                let what = text.unwrap_or_else(|| code.to_string());
                Self::Damaged { file: file.into(), what }
            }
            other => other,
        }
    }
}

impl From<Sqlite> for MirrorError {
    fn from(error: Sqlite) -> Self {
        match &error {
            Sqlite::SqliteFailure(code, _) if code.code == ErrorCode::DiskFull => Self::DiskFull,
            // What a failed sync was to write, the system may have forgotten: another sync would say yes to nothing.
            Sqlite::SqliteFailure(code, _)
                if matches!(code.extended_code, ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC) =>
            {
                Self::DiskFailed { what: error.to_string() }
            }
            Sqlite::SqliteFailure(code, _)
                if code.code == ErrorCode::ReadOnly || code.extended_code == ffi::SQLITE_CANTOPEN =>
            {
                Self::ReadOnly { what: error.to_string() }
            }
            _ => Self::Sqlite(error),
        }
    }
}

/// Why an act was not committed.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// A rule forbids it.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// The change has a number and never changes again.
    #[error("the change has already been numbered for sending")]
    Numbered,
    /// The database could not do its part.
    #[error("{0}")]
    Mirror(#[from] MirrorError),
}

/// An error that may be the mirror's own.
pub(crate) trait MayBeMirror {
    /// The mirror's error, where it is one.
    fn mirror(&self) -> Option<&MirrorError>;
}

impl MayBeMirror for MirrorError {
    fn mirror(&self) -> Option<&MirrorError> {
        Some(self)
    }
}

impl MayBeMirror for ActError {
    fn mirror(&self) -> Option<&MirrorError> {
        match self {
            Self::Mirror(error) => Some(error),
            Self::Refused(_) | Self::Numbered => None,
        }
    }
}

impl From<Sqlite> for ActError {
    fn from(error: Sqlite) -> Self {
        Self::Mirror(error.into())
    }
}

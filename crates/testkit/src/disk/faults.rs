//! What can go wrong, and when.

use std::ffi::c_int;

use rusqlite::ffi;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The program dies: this operation and everything after it fails until the crash. Strikes whatever is counted.
    Stop,
    /// As `Stop`; a write that it strikes has written a part of its sectors.
    Tear,
    /// One error of the system, then all is well.
    Once(Io),
    /// No write finds room from this one on, until the disk is healed. Strikes writes that lengthen a file.
    Full,
    /// A sync fails, and the system forgets that the sectors were to be written: no later sync writes them.
    SyncLost,
}

/// An operation that the system may fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Io {
    /// A file cannot be opened.
    Open,
    /// Reading.
    Read,
    /// The system reads a part of what it was asked for.
    ShortRead,
    /// Writing.
    Write,
    /// The system writes a part of what it was asked for.
    ShortWrite,
    /// Cutting a file short.
    Truncate,
    /// Syncing. What was written stays to be synced.
    Sync,
    /// Deleting.
    Delete,
    /// Renaming, which only plain code does.
    Rename,
    /// Asking for a file's length.
    Size,
    /// Asking whether a file is there.
    Access,
    /// Locking.
    Lock,
    /// Shared memory.
    SharedMemory,
}

/// What SQLite asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Call {
    Open { makes: bool },
    Read,
    Write { grows: bool },
    Truncate,
    Sync,
    Delete,
    Rename,
    Size,
    Access,
    Lock,
    SharedMemory { grows: bool },
}

impl Call {
    /// Whether it changes the disk: such calls are counted.
    pub(super) const fn changes(self) -> bool {
        matches!(
            self,
            Self::Open { makes: true } | Self::Write { .. } | Self::Truncate | Self::Sync | Self::Delete
        )
    }

    /// SQLite's word for its failure.
    pub(super) const fn error(self) -> c_int {
        match self {
            Self::Open { .. } => ffi::SQLITE_CANTOPEN,
            Self::Read => ffi::SQLITE_IOERR_READ,
            Self::Write { .. } => ffi::SQLITE_IOERR_WRITE,
            Self::Truncate => ffi::SQLITE_IOERR_TRUNCATE,
            Self::Sync => ffi::SQLITE_IOERR_FSYNC,
            Self::Delete => ffi::SQLITE_IOERR_DELETE,
            Self::Rename => ffi::SQLITE_IOERR,
            Self::Size => ffi::SQLITE_IOERR_FSTAT,
            Self::Access => ffi::SQLITE_IOERR_ACCESS,
            Self::Lock => ffi::SQLITE_IOERR_LOCK,
            Self::SharedMemory { .. } => ffi::SQLITE_IOERR_SHMMAP,
        }
    }

    /// SQLite's word where there is no room for it; `None` where it needs none.
    pub(super) const fn no_room(self) -> Option<c_int> {
        match self {
            Self::Write { grows: true } => Some(ffi::SQLITE_FULL),
            Self::SharedMemory { grows: true } => Some(ffi::SQLITE_IOERR_SHMSIZE),
            _ => None,
        }
    }
}

impl Fault {
    /// Whether it can strike this call.
    pub(super) const fn strikes(self, call: Call) -> bool {
        match self {
            Self::Stop | Self::Tear => call.changes(),
            Self::Full => matches!(call, Call::Write { grows: true }),
            Self::SyncLost => matches!(call, Call::Sync),
            Self::Once(io) => matches!(
                (io, call),
                (Io::Open, Call::Open { .. })
                    | (Io::Read | Io::ShortRead, Call::Read)
                    | (Io::Write | Io::ShortWrite, Call::Write { .. })
                    | (Io::Truncate, Call::Truncate)
                    | (Io::Sync, Call::Sync)
                    | (Io::Delete, Call::Delete)
                    | (Io::Rename, Call::Rename)
                    | (Io::Size, Call::Size)
                    | (Io::Access, Call::Access)
                    | (Io::Lock, Call::Lock)
                    | (Io::SharedMemory, Call::SharedMemory { .. })
            ),
        }
    }
}

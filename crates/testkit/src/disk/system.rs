//! Syncs and renames of plain code: the same calls that every program makes, seen on their way to the system.

#![allow(unsafe_code, reason = "the system's calls are C functions, and these stand in their place")]

use std::{
    cell::Cell,
    ffi::{CStr, OsStr, c_char, c_int},
    os::{
        fd::{AsRawFd, BorrowedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use super::vfs::disk_of;

thread_local! {
    /// Whether this thread is in a call of SQLite's that the shim has answered for.
    static WITHIN: Cell<bool> = const { Cell::new(false) };
}

/// Does something of SQLite's, whose calls of the system are not plain code's.
pub(super) fn within<T>(call: impl FnOnce() -> T) -> T {
    let before = WITHIN.replace(true);
    let answer = call();
    WITHIN.set(before);
    answer
}

unsafe extern "C" {
    fn __errno_location() -> *mut c_int;
}

/// The system's way to say no.
fn fail(error: rustix::io::Errno) -> c_int {
    // SAFETY: the C library gives every thread a place of its own for it.
    unsafe { *__errno_location() = error.raw_os_error() };
    -1
}

fn answer(done: rustix::io::Result<()>) -> c_int {
    done.map_or_else(fail, |()| 0)
}

/// In the place of the C library's. Symbols of a program come before those of its libraries.
#[unsafe(no_mangle)]
extern "C" fn fsync(file: c_int) -> c_int {
    // SAFETY: whoever asks has the file open.
    let file = unsafe { BorrowedFd::borrow_raw(file) };
    if !WITHIN.get()
        && let Ok(path) = std::fs::read_link(format!("/proc/self/fd/{}", file.as_raw_fd()))
        && let Some(disk) = disk_of(&path)
    {
        return if disk.state().plain_sync(&path) { 0 } else { fail(rustix::io::Errno::IO) };
    }
    answer(rustix::fs::fsync(file))
}

/// # Safety
/// Both are C strings.
#[unsafe(no_mangle)]
unsafe extern "C" fn rename(from: *const c_char, to: *const c_char) -> c_int {
    // SAFETY: as the C library asks of its callers.
    let (from, to) = unsafe { (CStr::from_ptr(from), CStr::from_ptr(to)) };
    let path = |name: &CStr| Path::new(OsStr::from_bytes(name.to_bytes())).to_owned();
    let really = || rustix::fs::rename(from, to);
    match disk_of(&path(to)).filter(|_| !WITHIN.get()) {
        Some(disk) => answer(disk.state().plain_rename(&path(from), &path(to), really)),
        None => answer(really()),
    }
}

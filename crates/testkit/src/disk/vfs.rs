//! The shim under SQLite. Files of a simulated disk are asked for one by one; all others go to the system as ever.

#![allow(unsafe_code, reason = "SQLite's file systems are tables of C functions")]

use std::{
    cell::Cell,
    ffi::{CStr, OsStr, c_char, c_int, c_void},
    io,
    mem::size_of,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    ptr,
    sync::{Arc, Mutex, OnceLock, PoisonError, RwLock},
};

use rusqlite::ffi::{self, sqlite3_file, sqlite3_filename, sqlite3_int64, sqlite3_io_methods, sqlite3_vfs};

use super::{Shared, faults::Call, state::Place};

/// All disks there are, by their folders.
static DISKS: RwLock<Vec<(PathBuf, Arc<Shared>)>> = RwLock::new(Vec::new());
static SYSTEM: OnceLock<System> = OnceLock::new();

/// The system's own file system.
struct System(*mut sqlite3_vfs);

// SAFETY: SQLite keeps it unchanged for as long as the process lives, and calls it from every thread itself.
unsafe impl Send for System {}
unsafe impl Sync for System {}

thread_local! {
    /// Whether the system's next call on this thread does a part of what it is asked for.
    static SHORT: Cell<bool> = const { Cell::new(false) };
}

type Transfer<P> = unsafe extern "C" fn(c_int, P, usize) -> isize;

/// The system's own calls, below SQLite's file system.
static READ: OnceLock<Transfer<*mut c_void>> = OnceLock::new();
static WRITE: OnceLock<Transfer<*const c_void>> = OnceLock::new();

fn part_of(length: usize) -> usize {
    if SHORT.take() { length.div_ceil(2) } else { length }
}

unsafe extern "C" fn short_read(file: c_int, to: *mut c_void, length: usize) -> isize {
    // SAFETY: SQLite's own call, of a part of the buffer at most.
    READ.get().map_or(-1, |really| unsafe { really(file, to, part_of(length)) })
}

unsafe extern "C" fn short_write(file: c_int, from: *const c_void, length: usize) -> isize {
    // SAFETY: as above.
    WRITE.get().map_or(-1, |really| unsafe { really(file, from, part_of(length)) })
}

/// Puts the two before the system's own reading and writing.
///
/// # Safety
/// `system` is SQLite's file system "unix", whose calls of these names have these types.
unsafe fn listen(system: *mut sqlite3_vfs) -> Option<()> {
    unsafe {
        let (get, set) = ((*system).xGetSystemCall?, (*system).xSetSystemCall?);
        let read = get(system, c"read".as_ptr())?;
        let write = get(system, c"write".as_ptr())?;
        READ.get_or_init(|| std::mem::transmute::<unsafe extern "C" fn(), Transfer<*mut c_void>>(read));
        WRITE.get_or_init(|| std::mem::transmute::<unsafe extern "C" fn(), Transfer<*const c_void>>(write));
        let read = std::mem::transmute::<Transfer<*mut c_void>, unsafe extern "C" fn()>(short_read);
        let write = std::mem::transmute::<Transfer<*const c_void>, unsafe extern "C" fn()>(short_write);
        set(system, c"read".as_ptr(), Some(read));
        set(system, c"write".as_ptr(), Some(write));
    }
    Some(())
}

/// Adds a disk; the first one makes the shim SQLite's standard.
pub(super) fn install(folder: PathBuf, disk: &Arc<Shared>, seed: u64) -> io::Result<()> {
    if SYSTEM.get().is_none() {
        register()?;
    }
    let own = c_int::try_from(seed % 0x7fff_fffe).unwrap_or(0) + 1;
    // SAFETY: this operation takes a number and a database or none. SQLite's chances are one row for the whole
    // process: they repeat where one thread at a time uses SQLite.
    unsafe { ffi::sqlite3_test_control(ffi::SQLITE_TESTCTRL_PRNG_SEED, own, ptr::null_mut::<ffi::sqlite3>()) };
    DISKS.write().unwrap_or_else(PoisonError::into_inner).push((folder, Arc::clone(disk)));
    Ok(())
}

pub(super) fn forget(disk: &Arc<Shared>) {
    DISKS.write().unwrap_or_else(PoisonError::into_inner).retain(|(_, known)| !Arc::ptr_eq(known, disk));
}

pub(super) fn disk_of(path: &Path) -> Option<Arc<Shared>> {
    let disks = DISKS.read().unwrap_or_else(PoisonError::into_inner);
    disks.iter().find(|(folder, _)| path.starts_with(folder)).map(|(_, disk)| Arc::clone(disk))
}

fn register() -> io::Result<()> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    if SYSTEM.get().is_some() {
        return Ok(());
    }
    // SAFETY: the name is a C string; SQLite initialises itself when it is asked.
    let system = unsafe { ffi::sqlite3_vfs_find(c"unix".as_ptr()) };
    if system.is_null() {
        return Err(io::Error::other("SQLite has no file system called unix here"));
    }
    // SAFETY: found just now, and never changed again. A copy serves every call that does not name a file of a disk.
    let mut shim = unsafe { *system };
    shim.szOsFile += c_int::try_from(REAL_AT).unwrap_or(0);
    shim.pNext = ptr::null_mut();
    shim.zName = c"aisle-disk".as_ptr();
    shim.xOpen = Some(open);
    shim.xDelete = Some(delete);
    shim.xAccess = Some(access);
    // SAFETY: it is the one called "unix".
    unsafe { listen(system) }
        .ok_or_else(|| io::Error::other("SQLite does not let its system calls be replaced"))?;
    SYSTEM.get_or_init(|| System(system));
    // SAFETY: it lives as long as the process.
    let answer = unsafe { ffi::sqlite3_vfs_register(Box::into_raw(Box::new(shim)), 1) };
    if answer == ffi::SQLITE_OK { Ok(()) } else { Err(io::Error::other(format!("SQLite answered {answer}"))) }
}

fn system() -> *mut sqlite3_vfs {
    SYSTEM.get().map_or(ptr::null_mut(), |system| system.0)
}

/// A file of a disk, as SQLite holds it. The system's own file lies behind it.
#[repr(C)]
struct Shim {
    base: sqlite3_file,
    open: *mut Open,
}

/// Where the system's file begins: far enough for any of its fields.
const REAL_AT: usize = size_of::<Shim>().next_multiple_of(16);

struct Open {
    disk: Arc<Shared>,
    place: Place,
}

/// The system's own file.
pub(super) struct Real(*mut sqlite3_file);

macro_rules! call {
    ($real:expr, $method:ident, $otherwise:expr $(, $argument:expr)*) => {{
        // SAFETY: the system opened the file, so its table of functions is there.
        let method = unsafe { (*(*$real.0).pMethods).$method };
        match method {
            // SAFETY: its own function on its own file, with the arguments that SQLite or this module vouches for.
            Some(method) => unsafe { method($real.0 $(, $argument)*) },
            None => $otherwise,
        }
    }};
}

impl Real {
    pub(super) fn read(&self, buffer: &mut [u8], offset: u64) -> c_int {
        let (Ok(length), Ok(offset)) = (c_int::try_from(buffer.len()), sqlite3_int64::try_from(offset)) else {
            return ffi::SQLITE_IOERR_READ;
        };
        call!(self, xRead, ffi::SQLITE_IOERR_READ, buffer.as_mut_ptr().cast::<c_void>(), length, offset)
    }

    pub(super) fn write(&self, data: &[u8], offset: u64) -> c_int {
        let (Ok(length), Ok(offset)) = (c_int::try_from(data.len()), sqlite3_int64::try_from(offset)) else {
            return ffi::SQLITE_IOERR_WRITE;
        };
        call!(self, xWrite, ffi::SQLITE_IOERR_WRITE, data.as_ptr().cast::<c_void>(), length, offset)
    }

    /// As [`Real::read`], of which the system does a part at first.
    pub(super) fn read_in_parts(&self, buffer: &mut [u8], offset: u64) -> c_int {
        SHORT.set(true);
        let answer = self.read(buffer, offset);
        SHORT.set(false);
        answer
    }

    /// As [`Real::write`], of which the system does a part at first.
    pub(super) fn write_in_parts(&self, data: &[u8], offset: u64) -> c_int {
        SHORT.set(true);
        let answer = self.write(data, offset);
        SHORT.set(false);
        answer
    }

    pub(super) fn truncate(&self, length: u64) -> c_int {
        let Ok(length) = sqlite3_int64::try_from(length) else { return ffi::SQLITE_IOERR_TRUNCATE };
        call!(self, xTruncate, ffi::SQLITE_IOERR_TRUNCATE, length)
    }

    pub(super) fn size(&self) -> u64 {
        let mut size: sqlite3_int64 = 0;
        let answer = call!(self, xFileSize, ffi::SQLITE_IOERR_FSTAT, &raw mut size);
        if answer == ffi::SQLITE_OK { u64::try_from(size).unwrap_or(0) } else { 0 }
    }
}

/// What a file of a disk is, and the system's file behind it.
///
/// # Safety
/// `file` is one that [`open`] made and [`close`] has not taken back.
unsafe fn parts<'a>(file: *mut sqlite3_file) -> (&'a Open, Real) {
    // SAFETY: as the caller vouches; SQLite gave room for both.
    unsafe { (&*(*file.cast::<Shim>()).open, Real(file.byte_add(REAL_AT))) }
}

unsafe extern "C" fn open(
    _vfs: *mut sqlite3_vfs,
    name: sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    // SAFETY: the system's own table, set before the shim was registered.
    let Some(really) = (unsafe { (*system()).xOpen }) else { return ffi::SQLITE_CANTOPEN };
    // SAFETY: SQLite names files by C strings, or not at all.
    let found = unsafe { path_of(name) }.and_then(|path| Some((path, disk_of(path)?)));
    let Some((path, disk)) = found else {
        // SAFETY: SQLite's own call, handed on.
        return unsafe { really(system(), name, file, flags, out) };
    };
    // SAFETY: SQLite gave room for the shim and the system's file.
    let real = unsafe {
        (*file).pMethods = ptr::null();
        file.byte_add(REAL_AT)
    };
    let makes = flags & ffi::SQLITE_OPEN_CREATE != 0 && !path.exists();
    let mut state = disk.state();
    if let Err(code) = state.allow(Call::Open { makes }, None) {
        return code;
    }
    // SAFETY: SQLite's own call, on the room behind the shim.
    let answer = unsafe { really(system(), name, real, flags, out) };
    if answer != ffi::SQLITE_OK {
        return answer;
    }
    let journals = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
    let place = state.opened(path, Real(real).size(), makes, flags & journals != 0);
    drop(state);
    // SAFETY: as above; from here on `parts` finds both.
    unsafe {
        (*file.cast::<Shim>()).open = Box::into_raw(Box::new(Open { disk, place }));
        (*file).pMethods = &raw const METHODS;
    }
    ffi::SQLITE_OK
}

/// # Safety
/// `name` is a C string or null.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: as the caller vouches.
    (!name.is_null()).then(|| Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(name) }.to_bytes())))
}

unsafe extern "C" fn delete(_vfs: *mut sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: the system's own table; the name is SQLite's.
    let really = || match unsafe { (*system()).xDelete } {
        Some(really) => unsafe { really(system(), name, sync) },
        None => ffi::SQLITE_IOERR_DELETE,
    };
    // SAFETY: the name is SQLite's.
    match unsafe { path_of(name) }.and_then(|path| Some((path, disk_of(path)?))) {
        Some((path, disk)) => disk.state().delete(path, sync != 0, really),
        None => really(),
    }
}

unsafe extern "C" fn access(_vfs: *mut sqlite3_vfs, name: *const c_char, flags: c_int, out: *mut c_int) -> c_int {
    // SAFETY: the name is SQLite's.
    if let Some(disk) = unsafe { path_of(name) }.and_then(disk_of)
        && let Err(code) = disk.state().allow(Call::Access, None)
    {
        return code;
    }
    // SAFETY: the system's own table and SQLite's own call.
    match unsafe { (*system()).xAccess } {
        Some(really) => unsafe { really(system(), name, flags, out) },
        None => ffi::SQLITE_IOERR_ACCESS,
    }
}

/// Version 2: without the calls that would let SQLite read and write through mapped memory, past the shim.
static METHODS: sqlite3_io_methods = sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

// SAFETY, of all below: SQLite calls them on files that `open` made, with buffers of the lengths that it names.

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    let (_, real) = unsafe { parts(file) };
    let answer = call!(real, xClose, ffi::SQLITE_OK);
    unsafe {
        drop(Box::from_raw((*file.cast::<Shim>()).open));
        (*file).pMethods = ptr::null();
    }
    answer
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let (open, real) = unsafe { parts(file) };
    let (Ok(length), Ok(offset)) = (usize::try_from(length), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_READ;
    };
    let buffer = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), length) };
    open.disk.state().read(open.place, &real, buffer, offset)
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    length: c_int,
    offset: sqlite3_int64,
) -> c_int {
    let (open, real) = unsafe { parts(file) };
    let (Ok(length), Ok(offset)) = (usize::try_from(length), u64::try_from(offset)) else {
        return ffi::SQLITE_IOERR_WRITE;
    };
    let data = unsafe { std::slice::from_raw_parts(from.cast::<u8>(), length) };
    open.disk.state().write(open.place, &real, data, offset)
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, length: sqlite3_int64) -> c_int {
    let (open, real) = unsafe { parts(file) };
    let Ok(length) = u64::try_from(length) else { return ffi::SQLITE_IOERR_TRUNCATE };
    open.disk.state().truncate(open.place, &real, length)
}

unsafe extern "C" fn sync(file: *mut sqlite3_file, _flags: c_int) -> c_int {
    let (open, real) = unsafe { parts(file) };
    open.disk.state().sync(open.place, &real)
}

unsafe extern "C" fn file_size(file: *mut sqlite3_file, size: *mut sqlite3_int64) -> c_int {
    let (open, real) = unsafe { parts(file) };
    match open.disk.state().allow(Call::Size, Some(open.place)) {
        Ok(()) => call!(real, xFileSize, ffi::SQLITE_IOERR_FSTAT, size),
        Err(code) => code,
    }
}

unsafe extern "C" fn lock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let (open, real) = unsafe { parts(file) };
    // Waiting for a lock is SQLite's, not the system's: nothing blocks in here.
    match open.disk.state().allow(Call::Lock, Some(open.place)) {
        Ok(()) => call!(real, xLock, ffi::SQLITE_IOERR_LOCK, level),
        Err(code) => code,
    }
}

/// Of a dead program too: the system takes its locks away.
unsafe extern "C" fn unlock(file: *mut sqlite3_file, level: c_int) -> c_int {
    let (_, real) = unsafe { parts(file) };
    call!(real, xUnlock, ffi::SQLITE_IOERR_UNLOCK, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut sqlite3_file, answer: *mut c_int) -> c_int {
    let (open, real) = unsafe { parts(file) };
    match open.disk.state().allow(Call::Lock, Some(open.place)) {
        Ok(()) => call!(real, xCheckReservedLock, ffi::SQLITE_IOERR_CHECKRESERVEDLOCK, answer),
        Err(code) => code,
    }
}

unsafe extern "C" fn file_control(file: *mut sqlite3_file, operation: c_int, value: *mut c_void) -> c_int {
    // A hint of the length to come would let the system lengthen the file past the shim.
    if operation == ffi::SQLITE_FCNTL_SIZE_HINT {
        return ffi::SQLITE_OK;
    }
    let (_, real) = unsafe { parts(file) };
    call!(real, xFileControl, ffi::SQLITE_NOTFOUND, operation, value)
}

unsafe extern "C" fn sector_size(file: *mut sqlite3_file) -> c_int {
    let (_, real) = unsafe { parts(file) };
    call!(real, xSectorSize, 4096)
}

unsafe extern "C" fn device_characteristics(file: *mut sqlite3_file) -> c_int {
    let (_, real) = unsafe { parts(file) };
    call!(real, xDeviceCharacteristics, 0)
}

unsafe extern "C" fn shm_map(
    file: *mut sqlite3_file,
    region: c_int,
    size: c_int,
    extend: c_int,
    at: *mut *mut c_void,
) -> c_int {
    let (open, real) = unsafe { parts(file) };
    // The first region is there as soon as anybody reads; a further one needs room.
    let grows = extend != 0 && region > 0;
    match open.disk.state().allow(Call::SharedMemory { grows }, Some(open.place)) {
        Ok(()) => call!(real, xShmMap, ffi::SQLITE_IOERR_SHMMAP, region, size, extend, at),
        Err(code) => code,
    }
}

unsafe extern "C" fn shm_lock(file: *mut sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    let (open, real) = unsafe { parts(file) };
    if flags & ffi::SQLITE_SHM_LOCK != 0
        && let Err(code) = open.disk.state().allow(Call::Lock, Some(open.place))
    {
        return code;
    }
    call!(real, xShmLock, ffi::SQLITE_IOERR_SHMLOCK, offset, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    let (_, real) = unsafe { parts(file) };
    call!(real, xShmBarrier, ());
}

unsafe extern "C" fn shm_unmap(file: *mut sqlite3_file, delete: c_int) -> c_int {
    let (open, real) = unsafe { parts(file) };
    let lives = open.disk.state().allow(Call::SharedMemory { grows: false }, Some(open.place)).is_ok();
    call!(real, xShmUnmap, ffi::SQLITE_OK, if lives { delete } else { 0 })
}

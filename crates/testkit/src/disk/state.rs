//! What a simulated disk knows: its files, its faults, whether the program on it lives.

use std::{
    ffi::c_int,
    fs, io,
    path::{Path, PathBuf},
};

use rusqlite::ffi;

use super::{
    faults::{Call, Fault, Io},
    pending::{Pending, SECTOR},
    system::within,
    vfs::Real,
};
use crate::dice::Dice;

#[derive(Debug)]
struct Armed {
    left: u64,
    fault: Fault,
}

/// What is to happen to a call.
enum Verdict {
    Go,
    Fail(c_int),
    /// It is done in more than one part.
    Short,
    /// A part of it happens, then nothing more.
    Tear,
    /// It fails, and what it was for is forgotten.
    Forget,
}

/// A name of a file in the folder.
#[derive(Debug)]
struct Name {
    path: PathBuf,
    /// Whether it is there now.
    exists: bool,
    /// Of the file that is there now.
    pending: Pending,
    on_disk: OnDisk,
}

/// What the folder on the disk says of a name.
#[derive(Debug)]
enum OnDisk {
    /// It is the file that has it now.
    Same,
    /// There is none.
    Nothing,
    /// It is a file that has been deleted or cut short since.
    Other(Deleted),
}

#[derive(Debug)]
struct Deleted {
    bytes: Vec<u8>,
    pending: Pending,
}

/// Which file an open one is, and in which life of the program it was opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    name: usize,
    life: u64,
    /// SQLite syncs the folder with the first sync of a new journal.
    is_journal: bool,
}

#[derive(Debug)]
pub(super) struct State {
    dice: Dice,
    operations: u64,
    struck: u64,
    armed: Vec<Armed>,
    stopped: bool,
    full: bool,
    life: u64,
    names: Vec<Name>,
    /// Files that plain code renamed, old name and new, before their folder was synced.
    renames: Vec<(PathBuf, PathBuf)>,
}

impl State {
    pub(super) const fn new(seed: u64) -> Self {
        Self {
            dice: Dice::new(seed),
            operations: 0,
            struck: 0,
            armed: Vec::new(),
            stopped: false,
            full: false,
            life: 0,
            names: Vec::new(),
            renames: Vec::new(),
        }
    }

    pub(super) const fn operations(&self) -> u64 {
        self.operations
    }

    pub(super) const fn struck(&self) -> u64 {
        self.struck
    }

    pub(super) const fn is_stopped(&self) -> bool {
        self.stopped
    }

    pub(super) fn arm(&mut self, at: u64, fault: Fault) {
        self.armed.push(Armed { left: at.max(1), fault });
    }

    pub(super) fn heal(&mut self) {
        self.armed.clear();
        self.full = false;
    }

    pub(super) const fn end_life(&mut self) {
        self.life += 1;
        self.stopped = false;
    }

    /// Counts a call and says what is to happen to it. `life` is the caller's, where it has an open file.
    fn admit(&mut self, call: Call, life: Option<u64>) -> Verdict {
        if self.stopped || life.is_some_and(|life| life != self.life) {
            return Verdict::Fail(call.error());
        }
        if call.changes() {
            self.operations += 1;
        }
        let mut struck = None;
        self.armed.retain_mut(|armed| {
            if !armed.fault.strikes(call) {
                return true;
            }
            armed.left -= 1;
            if armed.left == 0 {
                struck = Some(armed.fault);
            }
            armed.left > 0
        });
        self.struck += u64::from(struck.is_some());
        match struck {
            Some(Fault::Stop) => self.stopped = true,
            Some(Fault::Tear) => {
                self.stopped = true;
                return if matches!(call, Call::Write { .. }) {
                    Verdict::Tear
                } else {
                    Verdict::Fail(call.error())
                };
            }
            Some(Fault::Full) => self.full = true,
            Some(Fault::SyncLost) => return Verdict::Forget,
            Some(Fault::Once(Io::ShortRead | Io::ShortWrite)) => return Verdict::Short,
            Some(Fault::Once(_)) => return Verdict::Fail(call.error()),
            None => {}
        }
        if self.stopped {
            return Verdict::Fail(call.error());
        }
        match call.no_room() {
            Some(code) if self.full => Verdict::Fail(code),
            _ => Verdict::Go,
        }
    }

    /// A call without a consequence here: whether it may happen.
    pub(super) fn allow(&mut self, call: Call, place: Option<Place>) -> Result<(), c_int> {
        match self.admit(call, place.map(|place| place.life)) {
            Verdict::Go => Ok(()),
            Verdict::Fail(code) => Err(code),
            Verdict::Short | Verdict::Tear | Verdict::Forget => Err(call.error()),
        }
    }

    /// Notes that a file is open; `made` tells that it was not there before.
    pub(super) fn opened(&mut self, path: &Path, length: u64, made: bool, is_journal: bool) -> Place {
        let life = self.life;
        let known = self.names.iter().position(|name| name.path == path);
        let name = known.unwrap_or_else(|| {
            let on_disk = if made { OnDisk::Nothing } else { OnDisk::Same };
            let pending = Pending::synced(length);
            self.names.push(Name { path: path.into(), exists: true, pending, on_disk });
            self.names.len() - 1
        });
        if let Some(known) = self.names.get_mut(name) {
            if made && matches!(known.on_disk, OnDisk::Same) {
                known.on_disk = OnDisk::Nothing;
            }
            if made || known.pending.is_empty() {
                known.pending = Pending::synced(length);
            }
            known.exists = true;
        }
        Place { name, life, is_journal }
    }

    pub(super) fn read(&mut self, place: Place, real: &Real, buffer: &mut [u8], offset: u64) -> c_int {
        match self.admit(Call::Read, Some(place.life)) {
            Verdict::Go => real.read(buffer, offset),
            Verdict::Fail(code) => code,
            Verdict::Short => real.read_in_parts(buffer, offset),
            Verdict::Tear | Verdict::Forget => ffi::SQLITE_IOERR_READ,
        }
    }

    pub(super) fn write(&mut self, place: Place, real: &Real, data: &[u8], offset: u64) -> c_int {
        let end = offset + u64::try_from(data.len()).unwrap_or(0);
        match self.admit(Call::Write { grows: end > real.size() }, Some(place.life)) {
            Verdict::Go => {
                self.touch(place, real, offset, end);
                real.write(data, offset)
            }
            Verdict::Tear => {
                self.touch(place, real, offset, end);
                self.write_some(real, data, offset);
                ffi::SQLITE_IOERR_WRITE
            }
            Verdict::Short => {
                self.touch(place, real, offset, end);
                real.write_in_parts(data, offset)
            }
            Verdict::Fail(code) => code,
            Verdict::Forget => ffi::SQLITE_IOERR_WRITE,
        }
    }

    fn touch(&mut self, place: Place, real: &Real, from: u64, to: u64) {
        if let Some(name) = self.names.get_mut(place.name) {
            name.pending.touch(from, to, |offset, buffer| {
                real.read(buffer, offset);
            });
        }
    }

    /// Writes some of the sectors; what is nearest to the front most likely.
    fn write_some(&mut self, real: &Real, data: &[u8], offset: u64) {
        let ends_early = self.dice.chance(1, 2);
        let (mut at, mut rest) = (offset, data);
        while !rest.is_empty() {
            let to_edge = usize::try_from(SECTOR - at % SECTOR).unwrap_or(1).min(rest.len());
            let (sector, after) = rest.split_at(to_edge);
            if self.dice.chance(1, 2) {
                real.write(sector, at);
            } else if ends_early {
                return;
            }
            at += u64::try_from(sector.len()).unwrap_or(0);
            rest = after;
        }
    }

    /// A file is cut short wholly or not at all, as file systems do: until it is synced, the disk may have it as it was.
    pub(super) fn truncate(&mut self, place: Place, real: &Real, length: u64) -> c_int {
        if let Err(code) = self.allow(Call::Truncate, Some(place)) {
            return code;
        }
        if let Some(name) = self.names.get_mut(place.name).filter(|_| length < real.size()) {
            if matches!(name.on_disk, OnDisk::Same) {
                let mut bytes = vec![0; usize::try_from(real.size()).unwrap_or(0)];
                real.read(&mut bytes, 0);
                name.on_disk = OnDisk::Other(Deleted { bytes, pending: name.pending.clone() });
            }
            name.pending.shorten(length);
        }
        real.truncate(length)
    }

    /// The real file is not synced: this disk alone decides what survives.
    pub(super) fn sync(&mut self, place: Place, real: &Real) -> c_int {
        let verdict = self.admit(Call::Sync, Some(place.life));
        let Some(name) = self.names.get_mut(place.name) else { return ffi::SQLITE_IOERR_FSYNC };
        match verdict {
            Verdict::Go => {
                name.pending.sync(real.size());
                let new_name = !matches!(std::mem::replace(&mut name.on_disk, OnDisk::Same), OnDisk::Same);
                if new_name && place.is_journal {
                    self.sync_names();
                }
                ffi::SQLITE_OK
            }
            Verdict::Fail(code) => code,
            Verdict::Forget => {
                name.pending.lose();
                ffi::SQLITE_IOERR_FSYNC
            }
            Verdict::Short | Verdict::Tear => ffi::SQLITE_IOERR_FSYNC,
        }
    }

    /// Plain code syncs a file or the folder; whether that went well.
    pub(super) fn plain_sync(&mut self, path: &Path) -> bool {
        let verdict = self.admit(Call::Sync, None);
        let name = self.names.iter_mut().find(|name| name.path == path && name.exists);
        match (verdict, name) {
            (Verdict::Go, Some(name)) => {
                name.pending.sync(path.metadata().map_or(0, |metadata| metadata.len()));
                name.on_disk = OnDisk::Same;
            }
            (Verdict::Go, None) if path.is_dir() => self.sync_names(),
            (Verdict::Go, None) => {}
            (Verdict::Forget, name) => {
                if let Some(name) = name {
                    name.pending.lose();
                }
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Plain code gives a file another name.
    pub(super) fn plain_rename(
        &mut self,
        from: &Path,
        to: &Path,
        really: impl FnOnce() -> rustix::io::Result<()>,
    ) -> rustix::io::Result<()> {
        if self.allow(Call::Rename, None).is_err() {
            return Err(rustix::io::Errno::IO);
        }
        really()?;
        self.names.retain(|name| name.path != to);
        for name in self.names.iter_mut().filter(|name| name.path == from) {
            name.path = to.into();
        }
        self.renames.push((from.into(), to.into()));
        Ok(())
    }

    fn sync_names(&mut self) {
        self.renames.clear();
        for name in &mut self.names {
            name.on_disk = OnDisk::Same;
        }
    }

    /// Deletes a file by `really`; with `sync`, the folder is on the disk after it.
    pub(super) fn delete(&mut self, path: &Path, sync: bool, really: impl FnOnce() -> c_int) -> c_int {
        if let Err(code) = self.allow(Call::Delete, None) {
            return code;
        }
        let bytes = fs::read(path).unwrap_or_default();
        let answer = within(really);
        if answer != ffi::SQLITE_OK {
            return answer;
        }
        if let Some(name) = self.names.iter_mut().find(|name| name.path == path && name.exists) {
            name.exists = false;
            let pending = std::mem::take(&mut name.pending);
            if matches!(name.on_disk, OnDisk::Same) {
                name.on_disk = OnDisk::Other(Deleted { bytes, pending });
            }
        }
        if sync {
            self.sync_names();
        }
        answer
    }

    /// Nothing of what is there now is waiting to be written.
    pub(super) fn take_as_written(&mut self) {
        self.renames.clear();
        for name in &mut self.names {
            let length = name.path.metadata().map(|metadata| metadata.len());
            name.exists = length.is_ok();
            name.pending = Pending::synced(length.unwrap_or(0));
            name.on_disk = if name.exists { OnDisk::Same } else { OnDisk::Nothing };
        }
    }

    /// Makes the real files what they may be when the power comes back.
    pub(super) fn cut_power(&mut self) -> io::Result<()> {
        // File systems keep the order of names: what came after one that is undone is undone too.
        let kept = self.dice.index(self.renames.len() + 1);
        for (from, to) in self.renames.split_off(kept).iter().rev().filter(|(_, to)| to.exists()) {
            within(|| fs::rename(to, from))?;
            for name in self.names.iter_mut().filter(|name| name.path == *to) {
                name.path.clone_from(from);
            }
        }
        self.renames.clear();
        for name in std::mem::take(&mut self.names) {
            let mut shared_memory = name.path.clone().into_os_string();
            shared_memory.push("-shm");
            remove(Path::new(&shared_memory))?;
            name.cut(&mut self.dice)?;
        }
        Ok(())
    }
}

impl Name {
    fn cut(self, dice: &mut Dice) -> io::Result<()> {
        match self.on_disk {
            OnDisk::Nothing if dice.chance(1, 2) => remove(&self.path),
            OnDisk::Other(before) if dice.chance(1, 2) => {
                fs::write(&self.path, before.pending.cut(&before.bytes, dice))
            }
            _ if !self.exists => Ok(()),
            _ => {
                let Some(now) = read(&self.path)? else { return Ok(()) };
                if self.pending.is_settled(u64::try_from(now.len()).unwrap_or(u64::MAX)) {
                    return Ok(());
                }
                fs::write(&self.path, self.pending.cut(&now, dice))
            }
        }
    }
}

/// `None` where plain code renamed the file or took it away.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

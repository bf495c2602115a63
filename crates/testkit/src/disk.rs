//! A disk that fails on purpose, under SQLite: killed programs, power cuts, errors, a full disk, syncs that fail.
//!
//! A simulated disk is a real folder, in memory where the system has such a place, so that names, locks and plain
//! reading work as ever. SQLite reaches files in it through a file system of this module, which keeps what is on the
//! platter apart from what is only written: the old content of every sector since the last sync. All that is chosen
//! comes from a seed. Plain code's syncs and renames of such files are seen and may fail as well; of files that SQLite
//! never opened nothing is lost.

mod faults;
mod pending;
mod state;
mod system;
mod vfs;

#[cfg(test)]
mod tests;

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tempfile::TempDir;

pub use self::faults::{Fault, Io};
use self::state::State;

/// How a computer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The program is killed, the system goes on: what was written stays.
    Kill,
    /// The system loses its power: of what was not synced, some is there, some is not, some is torn.
    PowerCut,
}

/// A simulated disk; its folder goes with it.
#[derive(Debug)]
pub struct Disk {
    shared: Arc<Shared>,
    folder: TempDir,
}

/// What a disk and the open files on it share.
#[derive(Debug)]
struct Shared(Mutex<State>);

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk {
    /// An empty disk. From the first one on, SQLite's standard file system in this process is the one of this module;
    /// files elsewhere are what they were.
    ///
    /// # Errors
    /// Where no folder can be made.
    pub fn new(seed: u64) -> io::Result<Self> {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() { tempfile::tempdir_in(memory)? } else { tempfile::tempdir()? };
        // SQLite names files by their whole real path.
        let path = folder.path().canonicalize()?;
        let shared = Arc::new(Shared(Mutex::new(State::new(seed))));
        vfs::install(path, &shared, seed)?;
        Ok(Self { shared, folder })
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes, truncations, syncs, deletions and files made so far.
    pub fn operations(&self) -> u64 {
        self.shared.state().operations()
    }

    /// Lets the `at`-th operation from now fail, counting from 1 and only those that this fault can strike.
    pub fn fail(&self, at: u64, fault: Fault) {
        self.shared.state().arm(at, fault);
    }

    /// How many faults have struck.
    pub fn struck(&self) -> u64 {
        self.shared.state().struck()
    }

    /// Whether the program on it has died and nothing works until [`Disk::crash`].
    pub fn is_stopped(&self) -> bool {
        self.shared.state().is_stopped()
    }

    /// Takes back every fault that has not struck, and makes room on a full disk.
    pub fn heal(&self) {
        self.shared.state().heal();
    }

    /// Takes all that is in the folder for written: somebody changed its files by plain code while no program had them open,
    /// and had the system write them.
    pub fn take_as_written(&self) {
        self.shared.state().take_as_written();
    }

    /// Ends the program that used the disk: files that are open now fail for ever. Healed, it can be opened anew.
    ///
    /// # Errors
    /// Where the folder's real files cannot be read or written.
    pub fn crash(&self, crash: Crash) -> io::Result<()> {
        let mut state = self.shared.state();
        state.heal();
        state.end_life();
        match crash {
            Crash::Kill => Ok(()),
            Crash::PowerCut => state.cut_power(),
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        vfs::forget(&self.shared);
    }
}

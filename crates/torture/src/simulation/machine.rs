//! A computer of the simulation: its disk, and what becomes of it when that is struck.

use std::path::Path;

use aisle_testkit::{
    dice::Dice,
    disk::{Crash, Disk, Fault, Io},
};

/// Calls of the system that fail once. A file that cannot be opened and a lock that cannot be had are among them.
const ERRORS: [Io; 11] = [
    Io::Write,
    Io::ShortWrite,
    Io::Read,
    Io::ShortRead,
    Io::Sync,
    Io::Truncate,
    Io::Open,
    Io::Size,
    Io::Access,
    Io::Lock,
    Io::SharedMemory,
];

pub(crate) struct Machine {
    disk: Disk,
    /// How it ends when its disk stops.
    crash: Crash,
    /// Faults that had struck when everything was well, and when somebody looked last.
    well: u64,
    seen: u64,
}

impl Machine {
    pub(crate) fn new(seed: u64) -> Self {
        Self { disk: Disk::new(seed).unwrap(), crash: Crash::Kill, well: 0, seen: 0 }
    }

    /// Its disk's folder.
    pub(crate) fn path(&self) -> &Path {
        self.disk.path()
    }

    /// Something of the disk is to fail soon; answers what.
    pub(crate) fn fail_soon(&mut self, dice: &mut Dice) -> String {
        let fault = match dice.below(10) {
            0..5 => return self.stop_soon(dice),
            5..7 => Fault::Full,
            7 => Fault::SyncLost,
            _ => Fault::Once(*dice.pick(&ERRORS).unwrap()),
        };
        self.arm(fault, dice)
    }

    /// The program or the whole computer is to end in the midst of a call; answers how.
    pub(crate) fn stop_soon(&mut self, dice: &mut Dice) -> String {
        // What the power leaves of a write the cut itself decides.
        let (fault, crash) = *dice
            .pick(&[
                (Fault::Stop, Crash::PowerCut),
                (Fault::Stop, Crash::PowerCut),
                (Fault::Stop, Crash::Kill),
                (Fault::Tear, Crash::Kill),
            ])
            .unwrap();
        self.crash = crash;
        format!("{crash:?}, {}", self.arm(fault, dice))
    }

    fn arm(&self, fault: Fault, dice: &mut Dice) -> String {
        let within = *dice.pick(&[3, 20, 100, 400]).unwrap();
        let at = 1 + dice.below(within);
        self.disk.fail(at, fault);
        format!("{fault:?} at call {at}")
    }

    /// Whether something has struck since everything was well: what fails now may fail by it.
    pub(crate) fn is_troubled(&self) -> bool {
        self.disk.struck() > self.well
    }

    /// Whether something has struck since this was asked last.
    pub(crate) fn was_struck(&mut self) -> bool {
        let seen = std::mem::replace(&mut self.seen, self.disk.struck());
        self.seen > seen
    }

    /// How it ends, where it has stopped.
    pub(crate) fn stopped_by(&self) -> Option<Crash> {
        self.disk.is_stopped().then_some(self.crash)
    }

    /// Ends what runs on it. Everything works when it is started again.
    pub(crate) fn end(&mut self, crash: Crash) {
        self.disk.crash(crash).unwrap();
        self.heal();
    }

    /// Nothing fails any more, and a full disk has room.
    pub(crate) fn heal(&mut self) {
        self.disk.heal();
        self.well = self.disk.struck();
    }

    /// Somebody put other files in the place of those that were there, while nothing ran.
    pub(crate) fn take_as_written(&self) {
        self.disk.take_as_written();
    }

    /// Calls that changed the disk.
    pub(crate) fn operations(&self) -> u64 {
        self.disk.operations()
    }
}

//! A store's second desk as a process of its own, as `aisle sync --follow` runs it: it shows what the first one does.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aisle_domain::{Lane, StoreId};
use aisle_mirror::{Mirror, feed};
use aisle_sync::{Clock, SystemClock};
use aisle_testkit::program::{Program, Running};
use rusqlite::{Connection, OpenFlags};

use super::tail;
use crate::simulation::{Failure, oracle::Seen};

const ENDS_WITHIN: Duration = Duration::from_secs(30);

/// Reads in the database of a desk whose program runs; `None` while it makes it.
pub(super) fn peek<T>(dir: &Path, read: impl FnOnce(&Connection) -> aisle_mirror::Result<T>) -> Option<T> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(dir.join("aisle.db"), flags).ok().and_then(|conn| read(&conn).ok())
}

/// The next offset that the desk of a folder reads of a lane; 0 before it has read anything.
pub(super) fn position(dir: &Path, lane: Lane) -> i64 {
    peek(dir, |conn| feed::position(conn, lane)).flatten().map_or(0, |position| position.next_offset)
}

pub(super) struct Second {
    pub(super) store: StoreId,
    pub(super) running: Running,
    name: String,
    dir: PathBuf,
    log: PathBuf,
    program: Program,
}

impl Second {
    /// Makes its folder and lets it run, pushing at such an interval; `program` knows the topics.
    pub(super) fn start(
        program: &Program,
        dir: &Path,
        store: StoreId,
        brokers: &str,
        interval: Duration,
    ) -> Result<Self, Failure> {
        let name = format!("desk {store}-2");
        let (folder, log) = (dir.join(format!("desk-{store}-2")), dir.join(format!("desk-{store}-2.log")));
        let program = program.clone().with("AISLE_DATA", &folder);
        let number = store.to_string();
        let made = program.run(&["init", "--store", &number, "--desk-name", "Desk 2", "--brokers", brokers]);
        let made = made.unwrap();
        if made.code != 0 {
            return Err(Failure::Wrong(format!("{name} cannot be made: {}", made.stderr)));
        }
        let interval = format!("{}s", interval.as_secs());
        let running = program.start(&["sync", "--follow", "--interval", &interval], &log).unwrap();
        Ok(Self { store, running, name, dir: folder, log, program })
    }

    /// The line as `aisle status` tells it beside the running desk: its state, and why it is not up.
    pub(super) fn line(&self) -> (String, String) {
        let status = self.program.run(&["status"]).unwrap().json;
        let text = |name: &str| status["link"][name].as_str().unwrap_or_default().to_owned();
        (text("state"), text("cause"))
    }

    /// The next offset that it reads of a lane.
    pub(super) fn position(&self, lane: Lane) -> i64 {
        position(&self.dir, lane)
    }

    /// Ends it in order and opens what it has.
    pub(super) fn end(mut self) -> Result<Ended, Failure> {
        self.running.term().unwrap();
        match self.running.wait(ENDS_WITHIN).unwrap() {
            Some(0) => {}
            how => {
                let words = tail(&self.log, 5);
                return Err(Failure::Wrong(format!("{} ended with {how:?}: {words}", self.name)));
            }
        }
        let mirror = Mirror::open(&self.dir, SystemClock::default().now()).unwrap();
        Ok(Ended { store: self.store, name: self.name, mirror })
    }
}

/// What is left of one that has ended.
pub(super) struct Ended {
    store: StoreId,
    name: String,
    mirror: Mirror,
}

impl Ended {
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { name: &self.name, store: self.store, mirror: &self.mirror, done: &[] }
    }
}

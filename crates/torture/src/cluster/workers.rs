//! Worker processes of the centre.

use std::{path::PathBuf, time::Duration};

use aisle_testkit::program::{Program, Running};

use super::tail;

/// One process, and where it tells what it does.
pub(super) struct Worker {
    pub(super) running: Running,
    log: PathBuf,
}

pub(super) struct Workers {
    program: Program,
    dir: PathBuf,
    started: usize,
    pub(super) all: Vec<Worker>,
}

impl Worker {
    /// Whether it ever told such an event.
    pub(super) fn told(&self, event: &str) -> bool {
        let wanted = format!("\"event\":\"{event}\"");
        std::fs::read_to_string(&self.log).unwrap_or_default().contains(&wanted)
    }

    pub(super) fn last_words(&self) -> String {
        tail(&self.log, 5)
    }
}

impl Workers {
    pub(super) fn new(program: Program, dir: PathBuf) -> Self {
        std::fs::create_dir_all(&dir).unwrap();
        Self { program, dir, started: 0, all: Vec::new() }
    }

    /// Starts another process; `dies_at` names the point at which it dies by itself.
    pub(super) fn start(&mut self, dies_at: Option<&str>) {
        self.started += 1;
        let log = self.dir.join(format!("{}.log", self.started));
        let mut program = self.program.clone();
        if let Some(point) = dies_at {
            program = program.with("AISLE_DIES_AT", point);
        }
        let running = program.start(&["central", "work", "--partitions", "all"], &log).unwrap();
        self.all.push(Worker { running, log });
    }

    pub(super) fn start_all(&mut self, count: usize) {
        (0..count).for_each(|_| self.start(None));
    }

    /// Takes out one that ended by itself.
    pub(super) fn take_dead(&mut self) -> Option<Worker> {
        let place = self.all.iter_mut().position(|worker| !worker.running.is_alive())?;
        Some(self.all.remove(place))
    }

    /// Kills one.
    pub(super) fn kill(&mut self, place: usize) -> Worker {
        let mut worker = self.all.remove(place);
        worker.running.kill();
        worker
    }

    /// Ends one in order, or by force after a while.
    pub(super) fn dismiss(&mut self, place: usize) {
        let mut worker = self.all.remove(place);
        // One that is gone already is what is wanted.
        drop(worker.running.term());
        drop(worker.running.wait(Duration::from_secs(10)));
    }
}

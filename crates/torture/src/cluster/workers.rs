//! Worker processes of the centre.

use std::{
    collections::BTreeMap,
    os::unix::process::ExitStatusExt,
    path::PathBuf,
    process::ExitStatus,
    time::{Duration, Instant},
};

use aisle_testkit::program::{Program, Running};
use serde_json::Value;

use super::tail;
use crate::simulation::Failure;

/// One process, and where it tells what it does.
pub(super) struct Worker {
    pub(super) running: Running,
    begun: Instant,
    log: PathBuf,
    /// It was asked to end in order.
    is_asked: bool,
    /// It was told a point at which it is to die.
    pub(super) is_to_die: bool,
}

/// SIGKILL, by which the test ends one and by which one ends itself at its point.
const KILLED: i32 = 9;
/// SIGTERM, before one listens for it.
const ASKED: i32 = 15;

pub(super) struct Workers {
    program: Program,
    dir: PathBuf,
    started: usize,
    pub(super) all: Vec<Worker>,
}

impl Worker {
    /// How often it told such an event so far.
    pub(super) fn times_told(&self, event: &str) -> usize {
        let wanted = format!("\"event\":\"{event}\"");
        std::fs::read_to_string(&self.log).unwrap_or_default().matches(&wanted).count()
    }

    /// Whether it ever told such an event.
    pub(super) fn told(&self, event: &str) -> bool {
        self.times_told(event) > 0
    }

    /// Whether it works on something now, as far as it has told.
    pub(super) fn has_a_partition(&self) -> bool {
        !self.terms().is_empty()
    }

    /// The partitions that it works on, as far as it has told, each with the term it took it for.
    pub(super) fn terms(&self) -> BTreeMap<i64, i64> {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let events = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        events.fold(BTreeMap::new(), |mut terms, event| {
            let number = |name: &str| event[name].as_i64();
            match (event["event"].as_str(), number("partition"), number("term")) {
                (Some("taken"), Some(partition), Some(term)) => drop(terms.insert(partition, term)),
                (Some("left"), Some(partition), _) => drop(terms.remove(&partition)),
                _ => {}
            }
            terms
        })
    }

    /// Waits until it has told such an event more than so many times, or has ended; whether it has told it.
    pub(super) fn tells_more(&mut self, event: &str, than: usize, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        while self.times_told(event) <= than && self.running.is_alive() && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(50));
        }
        self.times_told(event) > than
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// Where it has ended by itself before, and not at the point it was told.
    fn kill(&mut self) -> Result<(), Failure> {
        let has_ended = !self.running.is_alive();
        let status = self.running.kill();
        let killed = status.and_then(|status| status.signal()) == Some(KILLED);
        if killed && (!has_ended || self.is_to_die) { Ok(()) } else { Err(self.ended_by_itself(status)) }
    }

    fn ended_by_itself(&self, status: Option<ExitStatus>) -> Failure {
        let how = status.map_or_else(|| "nobody knows how".to_owned(), |status| status.to_string());
        let (age, asked) = (self.begun.elapsed(), if self.is_asked { ", asked to end" } else { "" });
        Failure::Wrong(format!(
            "a worker ended by itself ({how}, seen {age:.1?} after its start{asked}): {}",
            self.last_words()
        ))
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
        let worker = Worker { running, begun: Instant::now(), log, is_asked: false, is_to_die: dies_at.is_some() };
        self.all.push(worker);
    }

    pub(super) fn start_all(&mut self, count: usize) {
        (0..count).for_each(|_| self.start(None));
    }

    /// Takes out one that died at the point it was told.
    ///
    /// # Errors
    /// Where one has ended otherwise.
    pub(super) fn take_dead(&mut self) -> Result<Option<Worker>, Failure> {
        let Some(place) = self.all.iter_mut().position(|worker| !worker.running.is_alive()) else {
            return Ok(None);
        };
        self.kill(place).map(Some)
    }

    /// Kills one.
    pub(super) fn kill(&mut self, place: usize) -> Result<Worker, Failure> {
        let mut worker = self.all.remove(place);
        worker.kill()?;
        Ok(worker)
    }

    /// Ends one in order, or by force after a while.
    pub(super) fn dismiss(&mut self, place: usize) -> Result<(), Failure> {
        let mut worker = self.all.remove(place);
        // Where it died at its point meanwhile, or had not come so far as to hear this, that is an end as well.
        drop(worker.running.term());
        worker.is_asked = true;
        let Some(status) = worker.running.wait_status(Duration::from_secs(10)).unwrap() else {
            return worker.kill();
        };
        let is_in_order = match status.signal() {
            None => status.success(),
            Some(signal) => signal == ASKED || signal == KILLED && worker.is_to_die,
        };
        if is_in_order { Ok(()) } else { Err(worker.ended_by_itself(Some(status))) }
    }

    /// Nobody has ended who was not told to.
    pub(super) fn all_live(&mut self) -> Result<(), Failure> {
        while self.take_dead()?.is_some() {}
        Ok(())
    }
}

//! A desk whose sync runs against the real cluster, and what was said to be done at it.

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aisle_central::Centre;
use aisle_contract::Transport;
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, OrderStatus, StoreId, Timestamp, store::Durability};
use aisle_mirror::{ActError, Mirror, NewChange, NewDesk, OrderFilter, orders, outbox};
use aisle_sync::{Clock, SyncEngine, SyncOptions, SyncStatus, SystemClock};
use aisle_testkit::dice::Dice;
use uuid::Uuid;

use super::log;
use crate::{
    chance,
    simulation::{acts, desk::Done, desk::short, oracle::Seen},
};

/// A computer's clock that somebody sets wrong.
#[derive(Debug, Clone)]
struct SetClock {
    right: SystemClock,
    wrong_by_ms: Arc<AtomicI64>,
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.right.now().plus_millis(self.wrong_by_ms.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.right.monotonic()
    }
}

/// The program of a desk while it runs.
struct Program {
    mirror: Mirror,
    engine: SyncEngine,
}

pub(super) struct Desk {
    pub(super) name: String,
    pub(super) store: StoreId,
    dir: PathBuf,
    brokers: String,
    options: SyncOptions,
    program: Option<Program>,
    done: Vec<Done>,
    dice: Dice,
    clock: SetClock,
}

impl Desk {
    /// The `number`-th desk of a store.
    pub(super) fn new(
        dir: &Path,
        (store, number, seed): (StoreId, usize, u64),
        brokers: &str,
        centre: &Centre,
        interval: Duration,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let clock = SetClock { right: SystemClock::default(), wrong_by_ms: Arc::default() };
        let name = format!("desk {store}-{number}");
        let new = NewDesk {
            store_id: store,
            desk_id: DeskId(Uuid::from_u64_pair(dice.bits(), dice.bits())),
            incarnation: Incarnation(dice.bits()),
            desk_name: name.clone(),
            at: clock.now(),
        };
        let options = SyncOptions {
            names: centre.names().clone(),
            push_interval: interval,
            push_decisions_at_once: true,
            version: "tortured".into(),
            desk_name: name.clone(),
            chance: chance(dice.bits()),
            key: None,
            durability: Durability::default(),
        };
        let dir = dir.join(format!("desk-{store}-{number}"));
        let mirror = Mirror::create(&dir, &new).unwrap();
        let (brokers, done) = (brokers.to_owned(), Vec::new());
        let mut desk = Self { name, store, dir, brokers, options, program: None, done, dice, clock };
        desk.start(mirror);
        desk
    }

    fn start(&mut self, mirror: Mirror) {
        let line: Arc<dyn Transport> = Arc::new(log::connect(&self.brokers, &self.name));
        let clock = Arc::new(self.clock.clone());
        let engine = SyncEngine::start(mirror.clone(), line, self.options.clone(), clock, Arc::new(|_| ()));
        self.program = Some(Program { mirror, engine });
    }

    /// The program ends in the midst of whatever it does, with nothing pushed, and is started again.
    pub(super) fn restart(&mut self) {
        self.program = None;
        let mirror = Mirror::open(&self.dir, self.clock.now()).unwrap();
        self.start(mirror);
    }

    /// Sets the computer's clock wrong; by nothing, right again.
    pub(super) fn set_clock(&self, wrong_by_ms: i64) {
        self.clock.wrong_by_ms.store(wrong_by_ms, Ordering::Relaxed);
    }

    fn program(&self) -> &Program {
        self.program.as_ref().expect("a desk's program runs")
    }

    pub(super) fn mirror(&self) -> &Mirror {
        &self.program().mirror
    }

    /// Somebody acts, where there is something to act on; true when it was said to be done.
    pub(super) fn act(&mut self) -> bool {
        let mirror = self.mirror().clone();
        let next = acts::next(&mirror, &mut self.dice, self.clock.now());
        next.is_some_and(|change| self.perform(change))
    }

    /// Accepts what is new and decides the payments that wait, as the rule says.
    pub(super) fn decide_all(&mut self) {
        let filter = OrderFilter {
            statuses: vec![OrderStatus::New, OrderStatus::Pending],
            limit: 100,
            ..Default::default()
        };
        let shown = self.mirror().read(|conn| orders::list(conn, &filter)).unwrap();
        for change in shown.iter().filter_map(acts::by_the_rule) {
            self.perform(change);
        }
    }

    fn perform(&mut self, change: Change) -> bool {
        let id = ChangeId(Uuid::from_u64_pair(self.dice.bits(), self.dice.bits()));
        let at = self.clock.now();
        let by = "Ana".into();
        let new = NewChange { change_id: id, change: change.clone(), by, at, held: false, replaces: None };
        match self.mirror().act(&new) {
            Ok(_) => {
                let decides = change.is_decision();
                self.done.push(Done { id, change, withdrawn: false, held_until: None, before_restore: false });
                if decides {
                    self.program().engine.decided();
                }
                true
            }
            Err(ActError::Refused(_)) => false,
            Err(other) => panic!("{}: {} {}: {other}", self.name, change.type_word(), short(id)),
        }
    }

    /// Somebody presses "Send now".
    pub(super) fn send_now(&self) {
        self.program().engine.push_now();
    }

    pub(super) fn status(&self) -> SyncStatus {
        self.program().engine.status()
    }

    pub(super) const fn acts(&self) -> usize {
        self.done.len()
    }

    /// The newest change there is.
    pub(super) fn last(&self) -> i64 {
        self.mirror().read(outbox::last).unwrap()
    }

    /// Changes without central's word, up to this one.
    pub(super) fn open_to(&self, last: i64) -> u64 {
        self.mirror().read(|conn| outbox::count_open(conn, last)).unwrap()
    }

    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { name: &self.name, store: self.store, mirror: self.mirror(), done: &self.done }
    }
}

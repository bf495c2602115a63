//! One desk of the simulation: its computer, its line, its clock, and what was said to be done at it.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::Centre;
use aisle_contract::{DownBody, DownMessage, Incoming, Transport};
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, StoreId, Timestamp, store::Durability};
use aisle_mirror::{ActError, ChangeState, Mirror, MirrorError, NewChange, NewDesk, feed, outbox};
use aisle_sync::{LinkState, SteppedSync, SyncOptions};
use uuid::Uuid;

use super::{
    acts,
    line::Line,
    machine::Machine,
    oracle::Seen,
    time::{Time, Watch},
};
use aisle_testkit::{dice::Dice, disk::Crash};

use crate::chance;

/// An act that was said to be done.
#[derive(Debug, Clone)]
pub(crate) struct Done {
    pub(crate) id: ChangeId,
    pub(crate) change: Change,
    pub(crate) withdrawn: bool,
    /// When its hold is over, simulated milliseconds.
    pub(crate) held_until: Option<i64>,
    /// The desk's database was restored from before it: central alone knows of it, which had received it.
    pub(crate) before_restore: bool,
}

/// What the disk left open: it is done or it is not, and the next start tells.
enum Doubt {
    Act(Box<Done>),
    Withdrawal(ChangeId),
}

pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) store: StoreId,
    pub(crate) line: Line,
    pub(crate) watch: Watch,
    pub(crate) machine: Machine,
    pub(crate) mirror: Mirror,
    sync: SteppedSync,
    options: SyncOptions,
    /// Everything that was ever done here, in the order of acting.
    pub(crate) done: Vec<Done>,
    doubt: Option<Doubt>,
    time: Time,
    /// Where backups go, which are on another disk.
    shelf: PathBuf,
    backups: u32,
}

const HOLD_MS: i64 = 5_000;

impl Desk {
    pub(crate) fn new(
        seed: u64,
        (store, number): (StoreId, usize),
        shelf: &Path,
        bus: &Bus,
        time: &Time,
        centre: &Centre,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let name = format!("desk {store}/{number}");
        let new = NewDesk {
            store_id: store,
            desk_id: DeskId(Uuid::from_u64_pair(dice.bits(), dice.bits())),
            incarnation: Incarnation(dice.bits()),
            desk_name: name.clone(),
            at: time.now(),
        };
        let machine = Machine::new(dice.bits());
        let mirror = Mirror::create(&folder(&machine), &new).unwrap();
        let options = SyncOptions {
            names: centre.names().clone(),
            push_interval: Duration::from_secs(300),
            push_decisions_at_once: true,
            version: "simulated".into(),
            desk_name: name.clone(),
            chance: chance(dice.bits()),
            key: None,
            durability: Durability::default(),
        };
        let (line, watch) = (Line::new(bus), Watch::new(time));
        let sync = start(&mirror, &line, &options, &watch);
        Self {
            name,
            store,
            line,
            watch,
            machine,
            mirror,
            sync,
            options,
            done: Vec::new(),
            doubt: None,
            time: time.clone(),
            shelf: shelf.into(),
            backups: 0,
        }
    }

    pub(crate) fn turn(&mut self) {
        let now = self.time.elapsed();
        let is_over = |done: &Done| done.held_until.is_some_and(|until| until <= now);
        let over: Vec<ChangeId> = self.done.iter().filter(|done| is_over(done)).map(|done| done.id).collect();
        for id in over {
            let released = self.mirror.release(Some(id));
            if self.survives(released).is_ok()
                && let Some(done) = self.done.iter_mut().find(|done| done.id == id)
            {
                done.held_until = None;
            }
        }
        self.sync.turn();
    }

    /// What the disk refused, in its error's word; any other error ends the run.
    fn survives<T>(&self, answer: Result<T, MirrorError>) -> Result<T, &'static str> {
        match answer {
            Ok(value) => Ok(value),
            Err(error) if self.machine.is_troubled() => Err(error.code()),
            Err(error) => panic!("{}, whose disk works: {error}", self.name),
        }
    }

    /// Whether after this error nobody knows if it was written.
    fn leaves_open(&self, code: &str) -> bool {
        code == "disk_failed" || self.machine.stopped_by().is_some()
    }

    /// Somebody acts; answers what they did and what was said to it.
    pub(crate) fn act(&mut self, dice: &mut Dice) -> String {
        let now = aisle_sync::Clock::now(&self.watch);
        let Some(change) = acts::next(&self.mirror, dice, now) else { return "nothing to act on".into() };
        self.commit(change, dice, now)
    }

    fn commit(&mut self, change: Change, dice: &mut Dice, now: Timestamp) -> String {
        let held = matches!(change, Change::OrderAccepted(_) | Change::OrderRejected(_)) && dice.chance(60, 100);
        let id = ChangeId(Uuid::from_u64_pair(dice.bits(), dice.bits()));
        let new =
            NewChange { change_id: id, change: change.clone(), by: "Ana".into(), at: now, held, replaces: None };
        let words = format!("{} {} {}", change.type_word(), change.subject(), short(id));
        let answer = match self.mirror.act(&new) {
            Err(ActError::Refused(refusal)) => return format!("{words} not allowed: {}", refusal.code()),
            Err(ActError::Mirror(error)) => self.survives(Err(error)),
            Err(error @ ActError::Numbered) => panic!("{}: {words}: {error}", self.name),
            Ok(_) => Ok(()),
        };
        let held_until = held.then(|| self.time.elapsed() + HOLD_MS);
        let done = Done { id, change, withdrawn: false, held_until, before_restore: false };
        match answer {
            Ok(()) => {
                self.done.push(done);
                if self.sync.status().link.state == LinkState::Up && dice.chance(60, 100) {
                    self.sync.push_now();
                }
                words
            }
            Err(code) => {
                self.doubt = self.leaves_open(code).then(|| Doubt::Act(Box::new(done)));
                format!("{words} not saved: {code}")
            }
        }
    }

    pub(crate) fn withdraw(&mut self) -> String {
        let row = match self.survives(self.mirror.read(outbox::latest_undoable)) {
            Ok(Some(row)) => row,
            Ok(None) => return "nothing to undo".into(),
            Err(code) => return format!("nothing to be read: {code}"),
        };
        let (id, now) = (row.change_id, aisle_sync::Clock::now(&self.watch));
        let answer = match self.mirror.withdraw(id, "Ana", now) {
            Err(ActError::Mirror(error)) => self.survives(Err(error)),
            Err(error) => panic!("{}: {error}", self.name),
            Ok(_) => Ok(()),
        };
        match answer {
            Ok(()) => {
                self.note_withdrawal(id);
                format!("withdrew {}", short(id))
            }
            Err(code) => {
                self.doubt = self.leaves_open(code).then_some(Doubt::Withdrawal(id));
                format!("{} not withdrawn: {code}", short(id))
            }
        }
    }

    fn note_withdrawal(&mut self, id: ChangeId) {
        let done = self.done.iter_mut().find(|done| done.id == id).unwrap();
        (done.withdrawn, done.held_until) = (true, None);
    }

    pub(crate) fn release(&mut self) -> String {
        match self.survives(self.mirror.release(None)) {
            Ok(_) => {
                self.done.iter_mut().for_each(|done| done.held_until = None);
                "released".into()
            }
            Err(code) => format!("not released: {code}"),
        }
    }

    pub(crate) fn push_now(&self) {
        self.sync.push_now();
    }

    /// How the program ends, where it has to: its computer stopped, or its disk failed and it asks to be started again.
    pub(crate) fn must_end(&mut self) -> Option<Crash> {
        if let Some(crash) = self.machine.stopped_by() {
            return Some(crash);
        }
        let failed = |mirror: &Mirror| matches!(mirror.write(|_| Ok(())), Err(MirrorError::DiskFailed { .. }));
        (self.machine.was_struck() && failed(&self.mirror)).then_some(Crash::Kill)
    }

    /// The program ends without a word, or its computer does; started again.
    pub(crate) fn restart(self, crash: Crash) -> Self {
        self.closed_while(crash, |_| {})
    }

    /// The program ends, and is started again after something was done to its folder.
    fn closed_while(self, crash: Crash, act: impl FnOnce(&mut Machine)) -> Self {
        let Self { mut machine, sync, mirror, .. } = self;
        machine.end(crash);
        drop((sync, mirror));
        act(&mut machine);
        let mirror = Mirror::open(&folder(&machine), aisle_sync::Clock::now(&self.watch)).unwrap();
        // As at every start.
        mirror.release(None).unwrap();
        let sync = start(&mirror, &self.line, &self.options, &self.watch);
        let mut desk = Self { machine, mirror, sync, ..self };
        desk.done.iter_mut().for_each(|done| done.held_until = None);
        desk.settle_doubt();
        desk
    }

    /// The start tells what became of the call that did not answer.
    fn settle_doubt(&mut self) {
        let id = match &self.doubt {
            Some(Doubt::Act(done)) => done.id,
            Some(Doubt::Withdrawal(id)) => *id,
            None => return,
        };
        let is_there = self.mirror.read(|conn| outbox::load(conn, id)).unwrap().is_some();
        match self.doubt.take() {
            Some(Doubt::Act(done)) if is_there => self.done.push(Done { held_until: None, ..*done }),
            Some(Doubt::Withdrawal(id)) if !is_there => self.note_withdrawal(id),
            _ => {}
        }
    }

    /// Backs the database up.
    pub(crate) fn back_up(&mut self) -> String {
        let file = self.backup(self.backups + 1);
        // One that was cut off may lie there.
        drop(std::fs::remove_file(&file));
        match self.survives(self.mirror.backup_to(&file)) {
            Ok(()) => {
                self.backups += 1;
                format!("{} backed up", self.name)
            }
            Err(code) => format!("{} not backed up: {code}", self.name),
        }
    }

    fn backup(&self, number: u32) -> PathBuf {
        self.shelf.join(format!("{}.backup-{number}", self.name.replace('/', "-")))
    }

    pub(crate) const fn has_backup(&self) -> bool {
        self.backups > 0
    }

    /// Puts the last backup back; now and then its disk fails in the midst of that. Answers what happened too.
    pub(crate) fn restore(mut self, dice: &mut Dice) -> (Self, String) {
        let file = self.backup(self.backups);
        let now = aisle_sync::Clock::now(&self.watch);
        let incarnation = self.options.chance.incarnation();
        let mut words = format!("{} restored", self.name);
        self = self.closed_while(Crash::Kill, |machine| {
            if dice.chance(40, 100) {
                words = format!("{words}, {}", machine.fail_soon(dice));
            }
            let restored = Mirror::restore(&folder(machine), &file, incarnation, now);
            match (machine.stopped_by(), restored) {
                (Some(crash), _) => machine.end(crash),
                (None, Err(error)) => assert!(machine.is_troubled(), "a backup cannot be put back: {error}"),
                (None, Ok(_)) => {}
            }
            machine.heal();
        });
        let is_restored = self.mirror.identity().incarnation == incarnation;
        let mirror = self.mirror.clone();
        for done in self.done.iter_mut().filter(|done| is_restored && !done.withdrawn) {
            done.before_restore |= mirror.read(|conn| outbox::load(conn, done.id)).unwrap().is_none();
        }
        (self, if is_restored { words } else { format!("{words}, which left it as it was") })
    }

    /// For the judge.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen { name: &self.name, store: self.store, mirror: &self.mirror, done: &self.done }
    }

    /// What keeps the desk from being at rest, where the bus is the cluster named.
    pub(crate) fn unrest(&self, bus: &Bus, cluster: &str) -> Option<String> {
        let counts = self.mirror.read(outbox::counts).unwrap();
        if counts.held + counts.ready + counts.sent > 0 {
            let open = [ChangeState::Held, ChangeState::Ready, ChangeState::Sent];
            let rows = self.mirror.read(|conn| outbox::list(conn, &open, None, 3)).unwrap();
            let words: Vec<String> = rows
                .iter()
                .map(|row| {
                    let (state, seq, at) = (row.state.word(), row.seq, row.offset);
                    format!("{} {state} seq {seq:?} offset {at:?}", short(row.change_id))
                })
                .collect();
            let link = self.sync.status().link;
            return Some(format!("{} waits with {counts:?}: {}; line {link:?}", self.name, words.join("; ")));
        }
        for feed in self.sync.status().feeds {
            if feed.remirroring {
                return Some(format!("{} mirrors {} anew", self.name, feed.topic));
            }
            // A position in a cluster that is gone may lie beyond this one's end.
            let known = self.mirror.read(|conn| feed::position(conn, feed.lane)).unwrap();
            if known.as_ref().is_some_and(|known| known.cluster != cluster) {
                return Some(format!("{} has not opened {} in {cluster} yet: {known:?}", self.name, feed.topic));
            }
            let high = bus.bounds(&feed.topic, 0, Duration::ZERO).map_or(0, |bounds| bounds.high);
            if feed.position < high && !only_heartbeats(bus, &feed.topic, feed.position) {
                return Some(format!("{} is at {} of {high} in {}", self.name, feed.position, feed.topic));
            }
        }
        None
    }
}

/// Whether nothing but central's sign of life lies there to be read: it comes again and again for ever, and says nothing of
/// any row.
fn only_heartbeats(bus: &Bus, topic: &str, position: i64) -> bool {
    let is_heartbeat = |record: &Incoming| {
        matches!(DownMessage::decode(record), Ok(DownMessage { body: DownBody::Heartbeat(_), .. }))
    };
    bus.records(topic, 0).iter().filter(|record| record.offset >= position).all(is_heartbeat)
}

fn folder(machine: &Machine) -> PathBuf {
    machine.path().join("desk")
}

fn start(mirror: &Mirror, line: &Line, options: &SyncOptions, watch: &Watch) -> SteppedSync {
    let (line, watch) = (Arc::new(line.clone()), Arc::new(watch.clone()));
    SteppedSync::new(mirror.clone(), line, options.clone(), watch, |_| {})
}

/// Enough of an id to tell it from the others of a run.
pub(crate) fn short(id: ChangeId) -> String {
    id.to_string().chars().take(8).collect()
}

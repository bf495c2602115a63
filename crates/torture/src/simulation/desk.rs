//! One desk of the simulation: its folder, its line, its clock, and what was said to be done at it.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aisle_bus::Bus;
use aisle_central::Centre;
use aisle_contract::{DownBody, DownMessage, Incoming, Transport};
use aisle_domain::{Change, ChangeId, DeskId, Incarnation, StoreId, Timestamp, store::Durability};
use aisle_mirror::{ActError, ChangeState, Mirror, NewChange, NewDesk, outbox};
use aisle_sync::{LinkState, SteppedSync, SyncOptions};
use uuid::Uuid;

use super::{
    acts,
    line::Line,
    oracle::Seen,
    time::{Time, Watch},
};
use aisle_testkit::dice::Dice;

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

pub(crate) struct Desk {
    pub(crate) name: String,
    pub(crate) store: StoreId,
    pub(crate) id: DeskId,
    pub(crate) line: Line,
    pub(crate) watch: Watch,
    pub(crate) mirror: Mirror,
    sync: SteppedSync,
    dir: PathBuf,
    options: SyncOptions,
    /// Everything that was ever done here, in the order of acting.
    pub(crate) done: Vec<Done>,
    time: Time,
    backups: u32,
}

const HOLD_MS: i64 = 5_000;

impl Desk {
    pub(crate) fn new(
        seed: u64,
        (store, number): (StoreId, usize),
        dir: PathBuf,
        bus: &Bus,
        time: &Time,
        centre: &Centre,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let id = DeskId(Uuid::from_u64_pair(dice.bits(), dice.bits()));
        let name = format!("desk {store}/{number}");
        let new = NewDesk {
            store_id: store,
            desk_id: id,
            incarnation: Incarnation(dice.bits()),
            desk_name: name.clone(),
            at: time.now(),
        };
        let mirror = Mirror::create(&dir, &new).unwrap();
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
            id,
            line,
            watch,
            mirror,
            sync,
            dir,
            options,
            done: Vec::new(),
            time: time.clone(),
            backups: 0,
        }
    }

    pub(crate) fn turn(&mut self) {
        let now = self.time.elapsed();
        let over: Vec<ChangeId> = self
            .done
            .iter_mut()
            .filter(|done| done.held_until.is_some_and(|until| until <= now))
            .map(|done| {
                done.held_until = None;
                done.id
            })
            .collect();
        for id in over {
            self.mirror.release(Some(id)).unwrap();
        }
        self.sync.turn();
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
        match self.mirror.act(&new) {
            Ok(_) => {
                let held_until = held.then(|| self.time.elapsed() + HOLD_MS);
                self.done.push(Done { id, change, withdrawn: false, held_until, before_restore: false });
                if self.sync.status().link.state == LinkState::Up && dice.chance(60, 100) {
                    self.sync.push_now();
                }
                words
            }
            Err(ActError::Refused(refusal)) => format!("{words} not allowed: {}", refusal.code()),
            Err(other) => panic!("{}: {words}: {other}", self.name),
        }
    }

    pub(crate) fn withdraw(&mut self) -> String {
        let Some(row) = self.mirror.read(outbox::latest_undoable).unwrap() else {
            return "nothing to undo".into();
        };
        let now = aisle_sync::Clock::now(&self.watch);
        match self.mirror.withdraw(row.change_id, "Ana", now) {
            Ok(_) => {
                let done = self.done.iter_mut().find(|done| done.id == row.change_id).unwrap();
                (done.withdrawn, done.held_until) = (true, None);
                format!("withdrew {}", short(row.change_id))
            }
            Err(error) => panic!("{}: {error}", self.name),
        }
    }

    pub(crate) fn release(&mut self) {
        self.mirror.release(None).unwrap();
        for done in &mut self.done {
            done.held_until = None;
        }
    }

    pub(crate) fn push_now(&self) {
        self.sync.push_now();
    }

    /// The program is killed and started again.
    pub(crate) fn restart(self) -> Self {
        self.closed_while(|| {})
    }

    /// The program is killed, and started again after something was done to its folder.
    fn closed_while(self, act: impl FnOnce()) -> Self {
        let Self { name, store, id, line, watch, mirror, sync, dir, options, mut done, time, backups } = self;
        drop((sync, mirror));
        act();
        let mirror = Mirror::open(&dir, aisle_sync::Clock::now(&watch)).unwrap();
        // As at every start.
        mirror.release(None).unwrap();
        for one in &mut done {
            one.held_until = None;
        }
        let sync = start(&mirror, &line, &options, &watch);
        Self { name, store, id, line, watch, mirror, sync, dir, options, done, time, backups }
    }

    /// Backs the database up.
    pub(crate) fn back_up(&mut self) -> String {
        self.backups += 1;
        let file = self.backup();
        self.mirror.backup_to(&file).unwrap();
        format!("{} backed up", self.name)
    }

    fn backup(&self) -> PathBuf {
        self.dir.with_extension(format!("backup-{}", self.backups))
    }

    pub(crate) const fn has_backup(&self) -> bool {
        self.backups > 0
    }

    /// Puts the last backup back.
    pub(crate) fn restore(mut self) -> Self {
        let file = self.backup();
        let now = aisle_sync::Clock::now(&self.watch);
        let (dir, incarnation) = (self.dir.clone(), self.options.chance.incarnation());
        self = self.closed_while(|| {
            Mirror::restore(&dir, &file, incarnation, now).unwrap();
        });
        let mirror = self.mirror.clone();
        for done in self.done.iter_mut().filter(|done| !done.withdrawn) {
            done.before_restore |= mirror.read(|conn| outbox::load(conn, done.id)).unwrap().is_none();
        }
        self
    }

    /// For the judge.
    pub(crate) fn seen(&self) -> Seen<'_> {
        Seen { name: &self.name, store: self.store, mirror: &self.mirror, done: &self.done }
    }

    /// What keeps the desk from being at rest.
    pub(crate) fn unrest(&self, bus: &Bus) -> Option<String> {
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

fn start(mirror: &Mirror, line: &Line, options: &SyncOptions, watch: &Watch) -> SteppedSync {
    let (line, watch) = (Arc::new(line.clone()), Arc::new(watch.clone()));
    SteppedSync::new(mirror.clone(), line, options.clone(), watch, |_| {})
}

/// Enough of an id to tell it from the others of a run.
pub(crate) fn short(id: ChangeId) -> String {
    id.to_string().chars().take(8).collect()
}

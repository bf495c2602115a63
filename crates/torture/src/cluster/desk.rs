//! A desk whose sync runs against the real cluster, and what was said to be done at it.

use std::{path::Path, sync::Arc, time::Duration};

use aisle_central::Centre;
use aisle_contract::Transport;
use aisle_domain::{ChangeId, DeskId, Incarnation, StoreId, store::Durability};
use aisle_mirror::{ActError, Mirror, NewChange, NewDesk, outbox};
use aisle_sync::{Clock, SyncEngine, SyncOptions, SyncStatus, SystemClock};
use aisle_testkit::dice::Dice;
use uuid::Uuid;

use super::log;
use crate::{
    chance,
    simulation::{acts, desk::Done, desk::short, oracle::Seen},
};

pub(super) struct Desk {
    pub(super) name: String,
    pub(super) store: StoreId,
    pub(super) mirror: Mirror,
    pub(super) engine: SyncEngine,
    done: Vec<Done>,
    dice: Dice,
    clock: SystemClock,
}

impl Desk {
    pub(super) fn new(
        dir: &Path,
        (store, seed): (StoreId, u64),
        brokers: &str,
        centre: &Centre,
        interval: Duration,
    ) -> Self {
        let (mut dice, clock) = (Dice::new(seed), SystemClock::default());
        let name = format!("desk {store}");
        let new = NewDesk {
            store_id: store,
            desk_id: DeskId(Uuid::from_u64_pair(dice.bits(), dice.bits())),
            incarnation: Incarnation(dice.bits()),
            desk_name: name.clone(),
            at: clock.now(),
        };
        let mirror = Mirror::create(&dir.join(format!("desk-{store}")), &new).unwrap();
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
        let line: Arc<dyn Transport> = Arc::new(log::connect(brokers, &name));
        let engine = SyncEngine::start(mirror.clone(), line, options, Arc::new(clock), Arc::new(|_| ()));
        Self { name, store, mirror, engine, done: Vec::new(), dice, clock }
    }

    /// Somebody acts, where there is something to act on; true when it was said to be done.
    pub(super) fn act(&mut self) -> bool {
        let now = self.clock.now();
        let Some(change) = acts::next(&self.mirror, &mut self.dice, now) else { return false };
        let id = ChangeId(Uuid::from_u64_pair(self.dice.bits(), self.dice.bits()));
        let by = "Ana".into();
        let new = NewChange { change_id: id, change: change.clone(), by, at: now, held: false, replaces: None };
        match self.mirror.act(&new) {
            Ok(_) => {
                let decides = change.is_decision();
                self.done.push(Done { id, change, withdrawn: false, held_until: None, before_restore: false });
                if decides {
                    self.engine.decided();
                }
                true
            }
            Err(ActError::Refused(_)) => false,
            Err(other) => panic!("{}: {} {}: {other}", self.name, change.type_word(), short(id)),
        }
    }

    pub(super) fn status(&self) -> SyncStatus {
        self.engine.status()
    }

    pub(super) const fn acts(&self) -> usize {
        self.done.len()
    }

    /// The newest change there is.
    pub(super) fn last(&self) -> i64 {
        self.mirror.read(outbox::last).unwrap()
    }

    /// Changes without central's word, up to this one.
    pub(super) fn open_to(&self, last: i64) -> u64 {
        self.mirror.read(|conn| outbox::count_open(conn, last)).unwrap()
    }

    pub(super) fn seen(&self) -> Seen<'_> {
        Seen { name: &self.name, store: self.store, mirror: &self.mirror, done: &self.done }
    }
}

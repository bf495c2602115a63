//! T1: programs are killed at a random operation, a desk alone and desk and centre on one line; on the line, T2 cuts their
//! power too.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{Centre, NewStore, SimulateOptions, Stop, SystemClock, TopicsOptions, WorkOptions};
use aisle_contract::TopicNames;
use aisle_domain::{ChangeId, OrderStatus};
use aisle_mirror::{ActError, ChangeState, Mirror, NewChange, OrderFilter, orders, outbox, verify};
use aisle_sync::{Clock, Goal, Pusher, SyncOptions, SystemClock as DeskClock, once};
use aisle_testkit::{
    dice::Dice,
    disk::{Crash, Disk, Fault},
    fixtures,
};
use uuid::Uuid;

use super::{
    Counters, cuts,
    desk::{Template, Wrong},
    rows::{accept, at, new_desk, note, store_id},
};

/// One kill, or cut, in so many is on the whole line, which takes longer.
pub(super) const ON_THE_LINE: u64 = 50;
/// The line mostly waits: several at once.
const AT_ONCE: u64 = 4;
const DEATHS_OF_A_LINE: u64 = 4;
const ORDERS: usize = 6;

/// Kills `runs` times.
pub fn run(seed: u64, runs: u64) -> Counters {
    let mut counters = desks(seed, runs - runs / ON_THE_LINE);
    counters.add(lines(seed, runs / ON_THE_LINE, Crash::Kill));
    counters
}

/// A desk alone, killed `runs` times.
pub(crate) fn desks(seed: u64, runs: u64) -> Counters {
    let template = Template::new();
    let mut counters = Counters::default();
    for seed in seed.. {
        if counters.runs >= runs || counters.is_enough() {
            break;
        }
        if let Err(wrong) = cuts::desk(&template, seed, Crash::Kill, &mut counters) {
            counters.wrong(&format!("seed {seed}"), wrong);
        }
    }
    counters
}

/// Desk, bus and centre, of which one program or the other ends so `runs` times.
pub(crate) fn lines(seed: u64, runs: u64, crash: Crash) -> Counters {
    if runs == 0 {
        return Counters::default();
    }
    let shop = Shop::new();
    let each = runs.div_ceil(AT_ONCE).div_ceil(DEATHS_OF_A_LINE);
    let shop = &shop;
    std::thread::scope(|scope| {
        let parts: Vec<_> = (0..AT_ONCE)
            .map(|part| {
                scope.spawn(move || {
                    let mut counters = Counters::default();
                    for seed in (seed + part * each..).take(usize::try_from(each).unwrap()) {
                        if let Err(wrong) = line(shop, seed, crash, &mut counters) {
                            counters.wrong(&format!("seed {seed}, on the line"), wrong);
                        }
                    }
                    counters
                })
            })
            .collect();
        let mut all = Counters::default();
        for part in parts {
            all.add(part.join().unwrap());
        }
        all
    })
}

/// A centre with a store's first orders, published nowhere yet, and a desk that has read nothing.
struct Shop {
    folder: tempfile::TempDir,
}

impl Shop {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let centre = centre(&folder.path().join("central.db")).unwrap();
        centre.add_store(NewStore::new(store_id(), "Store 367", "1 Market Street")).unwrap();
        let days = folder.path().join("days");
        fixtures::cut(&fixtures::demo(), &days, ORDERS).unwrap();
        fixtures::cut_shelf(&days, 0).unwrap();
        let mut replay = SimulateOptions::new(store_id(), &days);
        replay.timeout = Some(Duration::from_secs(2));
        centre.simulate(&replay, &Stop::new()).unwrap();
        drop(Mirror::create(&folder.path().join("desk"), &new_desk()).unwrap());
        Self { folder }
    }
}

fn centre(file: &Path) -> Result<Centre, Wrong> {
    Centre::open(file, TopicNames::default(), Arc::new(SystemClock))
        .map_err(|error| Wrong::Torn(format!("central cannot be opened: {error}")))
}

fn torn(what: &str, error: impl std::fmt::Display) -> Wrong {
    Wrong::Torn(format!("{what}: {error}"))
}

struct Line<'a> {
    bus: &'a Bus,
    centre: Option<Centre>,
    mirror: Option<Mirror>,
    /// Of desk and centre.
    disks: [Disk; 2],
    desk: PathBuf,
    told: Vec<ChangeId>,
    crash: Crash,
    dice: Dice,
    clock: DeskClock,
}

fn line(shop: &Shop, seed: u64, crash: Crash, counters: &mut Counters) -> Result<(), Wrong> {
    let mut dice = Dice::new(seed);
    let disks = [Disk::new(dice.bits()).unwrap(), Disk::new(dice.bits()).unwrap()];
    let desk = disks[0].path().join("desk");
    std::fs::create_dir(&desk).unwrap();
    let from = shop.folder.path();
    std::fs::copy(from.join("desk/aisle.db"), desk.join("aisle.db")).unwrap();
    std::fs::copy(from.join("central.db"), disks[1].path().join("central.db")).unwrap();
    let clock = DeskClock::default();
    let bus = Bus::new("bus-1", move || clock.now());
    let mut line =
        Line { bus: &bus, centre: None, mirror: None, disks, desk, told: Vec::new(), crash, dice, clock };
    line.open()?;
    let topics = TopicsOptions { create: true, ..TopicsOptions::default() };
    line.centre.as_ref().unwrap().topics(&bus, &topics).unwrap();
    for _ in 0..DEATHS_OF_A_LINE {
        line.until_one_dies(counters)?;
        counters.runs += 1;
    }
    line.come_to_rest()
}

impl Line<'_> {
    /// Opens whoever is not open.
    fn open(&mut self) -> Result<(), Wrong> {
        if self.mirror.is_none() {
            let opened = Mirror::open(&self.desk, at(1));
            self.mirror = Some(opened.map_err(|error| torn("the desk cannot be opened", error))?);
        }
        if self.centre.is_none() {
            self.centre = Some(centre(&self.disks[1].path().join("central.db"))?);
        }
        Ok(())
    }

    fn until_one_dies(&mut self, counters: &mut Counters) -> Result<(), Wrong> {
        let victim = self.dice.index(2);
        // What the power leaves of a write the cut itself decides.
        let fault = match self.crash {
            Crash::Kill if self.dice.chance(1, 2) => Fault::Tear,
            _ => Fault::Stop,
        };
        self.disks[victim].fail(1 + self.dice.below(if victim == 0 { 400 } else { 250 }), fault);
        for _ in 0..30 {
            let desk = self.desk_works(counters)?;
            if desk.is_err() || self.disks[victim].is_stopped() {
                break;
            }
            self.central_works(victim == 1)?;
            if self.disks[victim].is_stopped() {
                break;
            }
        }
        // Whoever is to die dies, with a connection open or not.
        self.disks[victim].crash(self.crash).unwrap();
        match victim {
            0 => self.mirror = None,
            _ => self.centre = None,
        }
        self.open()
    }

    /// Acts, pushes, reads. An error is the disk's.
    fn desk_works(&mut self, counters: &mut Counters) -> Result<Result<(), ()>, Wrong> {
        let Some(mirror) = self.mirror.clone() else { return Ok(Err(())) };
        for _ in 0..=self.dice.below(3) {
            match self.act(&mirror) {
                Ok(Some(change)) => {
                    self.told.push(change);
                    counters.answered += 1;
                }
                Ok(None) => {}
                Err(error) => return self.only_when_dead(error),
            }
        }
        let mut pusher = Pusher::new(mirror.clone(), options());
        if let Err(error) = pusher.push(self.bus, || self.clock.now()) {
            return self.only_when_dead(ActError::Mirror(error));
        }
        self.read(&mirror, Duration::from_millis(300))
            .or_else(|error| self.only_when_dead(ActError::Mirror(error)))
    }

    fn only_when_dead(&self, error: ActError) -> Result<Result<(), ()>, Wrong> {
        if self.disks[0].is_stopped() { Ok(Err(())) } else { Err(torn("the desk, without a fault", error)) }
    }

    fn read(&self, mirror: &Mirror, within: Duration) -> Result<Result<(), ()>, aisle_mirror::MirrorError> {
        let stop = AtomicBool::new(false);
        once(mirror, self.bus, &options(), Goal::CaughtUp, within, &self.clock, &stop, &mut |_| {})?;
        Ok(Ok(()))
    }

    fn act(&mut self, mirror: &Mirror) -> Result<Option<ChangeId>, ActError> {
        let filter = OrderFilter { limit: 100, ..OrderFilter::default() };
        let shown = mirror.read(|conn| orders::list(conn, &filter))?;
        let Some(order) = self.dice.pick(&shown) else { return Ok(None) };
        let number = order.order_id.get();
        let change = match order.status {
            OrderStatus::New => accept(number),
            _ => note(number, "n".repeat(1 + self.dice.index(900))),
        };
        let new = NewChange {
            change_id: ChangeId(Uuid::from_u128(u128::from(self.dice.bits()))),
            change,
            by: "Ada".into(),
            at: self.clock.now(),
            held: false,
            replaces: None,
        };
        match mirror.act(&new) {
            Ok(_) => Ok(Some(new.change_id)),
            Err(ActError::Refused(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Applies and publishes; ends at once when its disk stops. Any other end is not its disk's.
    fn central_works(&self, may_die: bool) -> Result<(), Wrong> {
        let Some(centre) = &self.centre else { return Ok(()) };
        let stop = Stop::new();
        let options =
            WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(20)), ..WorkOptions::default() };
        std::thread::scope(|scope| {
            let work = scope.spawn(|| centre.work(self.bus, &options, &stop));
            while !work.is_finished() {
                if may_die && self.disks[1].is_stopped() {
                    stop.stop();
                }
                std::thread::sleep(Duration::from_millis(2));
            }
            match work.join().unwrap() {
                // What a dead centre answers nobody hears.
                Err(error) if !(may_die && self.disks[1].is_stopped()) => {
                    Err(torn("central, without a fault", error))
                }
                _ => Ok(()),
            }
        })
    }

    /// Everything is healed: all that was told is to be at central, once, and both are to agree.
    fn come_to_rest(&mut self) -> Result<(), Wrong> {
        let Some(mirror) = self.mirror.clone() else { return Ok(()) };
        for _ in 0..10 {
            let mut pusher = Pusher::new(mirror.clone(), options());
            pusher.push(self.bus, || self.clock.now()).map_err(|error| torn("the desk cannot push", error))?;
            self.central_works(false)?;
            self.read(&mirror, Duration::from_secs(10)).map_err(|e| torn("the desk cannot read", e))?.ok();
            let counts = mirror.read(outbox::counts).map_err(|e| torn("the desk cannot count", e))?;
            if counts.held + counts.ready + counts.sent == 0 {
                return self.agree(&mirror);
            }
        }
        Err(Wrong::Torn("changes stay without central's word".into()))
    }

    fn agree(&self, mirror: &Mirror) -> Result<(), Wrong> {
        let states = [ChangeState::Received, ChangeState::Refused];
        let kept = mirror
            .read(|conn| outbox::list(conn, &states, None, usize::MAX))
            .map_err(|e| torn("the desk cannot list", e))?;
        let mut here: Vec<String> = kept.iter().map(|row| row.change_id.to_string()).collect();
        here.sort_unstable();
        if let Some(lost) = self.told.iter().find(|told| here.binary_search(&told.to_string()).is_err()) {
            return Err(Wrong::Lost(format!("change {lost} was told as done")));
        }
        let central = rusqlite::Connection::open(self.disks[1].path().join("central.db")).unwrap();
        let there = |sql: &str| -> Vec<String> {
            let mut statement = central.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        // One row of the audit log for each change, so nothing took effect twice.
        let effects =
            there("SELECT change_id FROM audit WHERE change_id IS NOT NULL AND outcome <> 'done' ORDER BY 1");
        if effects != here {
            return Err(Wrong::Torn(format!("the desk has {here:?}, central {effects:?}")));
        }
        let orders = "SELECT order_id || ' ' || version || ' ' || status FROM orders ORDER BY 1";
        let shown: Vec<String> = mirror
            .read(|conn| {
                let mut statement = conn.prepare(orders)?;
                let rows = statement.query_map([], |row| row.get(0))?;
                Ok(rows.collect::<Result<_, _>>()?)
            })
            .map_err(|e| torn("the desk cannot list orders", e))?;
        if shown != there(orders) {
            return Err(Wrong::Torn(format!("orders here {shown:?}, at central {:?}", there(orders))));
        }
        let checks = mirror.read(|conn| verify::run(conn, true, Some(mirror.ranges()))).unwrap();
        let broken: Vec<_> = checks.into_iter().filter(|check| !check.ok).collect();
        let report = self.centre.as_ref().unwrap().verify(None).map_err(|e| torn("central cannot verify", e))?;
        if !broken.is_empty() || !report.ok {
            return Err(Wrong::Torn(format!("{broken:?} {report:?}")));
        }
        Ok(())
    }
}

fn options() -> SyncOptions {
    SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: "test".into(),
        desk_name: "Desk 1".into(),
        chance: aisle_sync::system_chance(),
        key: None,
        durability: aisle_domain::store::Durability::default(),
    }
}

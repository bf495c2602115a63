//! The world of one run: everything moves only when it is told to.

mod clocks;
mod faults;

use std::{
    collections::BTreeSet,
    hash::Hasher,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    CentralError, Centre, FaultPoint, Faults, ItemChange, NewOrder, NewStore, SteppedWork, TopicsOptions,
    WorkOptions,
};
use aisle_contract::Transport;
use aisle_domain::{ItemId, Money, OrderId, OrderLine, OrderStatus, Quantity, StoreId, UserId};

use rusqlite::Connection;

use super::{
    acts::price,
    desk::Desk,
    line::Line,
    machine::Machine,
    oracle,
    plan::{Plan, Step, What},
    time::{Time, Watch},
};
use aisle_testkit::dice::Dice;

use crate::chance;

/// Nobody may need longer than this to come to rest once everything works, simulated milliseconds: less than the hour after
/// which a change is sent again whose loss no sign tells.
const HEALED_WITHIN_MS: i64 = 45 * 60_000;
/// A worker that is not heard of for this long is left out by its group.
const SESSION_MS: i64 = 6_000;

/// What a run showed that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// An act is nowhere, or its outcome is another one here than at central.
    Lost(String),
    /// An act took effect more than once.
    Doubled(String),
    /// Something waits for ever.
    Stuck(String),
    /// Something else.
    Wrong(String),
}

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// A hash over everything that happened.
    pub trace: u64,
    /// What happened, line by line.
    pub history: Vec<String>,
    /// Acts that were said to be done.
    pub acts: u64,
    /// Things that broke.
    pub faults: u64,
    /// Desks and workers killed.
    pub kills: u64,
    /// Computers that lost their power.
    pub power_cuts: u64,
    /// From healing to rest, simulated milliseconds.
    pub heal_ms: u64,
    /// What must not be.
    pub failure: Option<Failure>,
}

/// FNV-1a, the same on every machine.
#[derive(Default)]
struct Trace {
    hash: Fnv,
    lines: Vec<String>,
}

struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

impl Trace {
    fn note(&mut self, line: String) {
        self.hash.write(line.as_bytes());
        self.lines.push(line);
    }
}

/// Where the next worker dies.
#[derive(Default)]
struct Strikes(Mutex<Option<FaultPoint>>);

impl Strikes {
    fn arm(&self, point: FaultPoint) {
        *self.0.lock().unwrap() = Some(point);
    }

    fn disarm(&self) {
        *self.0.lock().unwrap() = None;
    }
}

impl Faults for Strikes {
    fn strikes(&self, _partition: i32, point: FaultPoint) -> bool {
        self.0.lock().unwrap().take_if(|armed| *armed == point).is_some()
    }
}

/// A worker process of the centre.
struct Process<'a> {
    line: &'a Line,
    work: Option<SteppedWork<'a>>,
    frozen: bool,
    /// Since when its group has not heard of it.
    silent_since: Option<i64>,
    /// What it believes to own.
    owns: Vec<i32>,
}

struct World<'a> {
    plan: &'a Plan,
    time: Time,
    bus: Bus,
    centre: &'a Centre,
    /// What central's database and all its processes are on.
    central: Machine,
    central_watch: Watch,
    /// For backups, which are on no simulated disk.
    shelf: PathBuf,
    options: &'a WorkOptions,
    strikes: Arc<Strikes>,
    processes: Vec<Process<'a>>,
    desks: Vec<Desk>,
    partitions: i32,
    clusters: u64,
    next_order: i64,
    /// Of central's database.
    backups: u32,
    /// Central was restored from a backup.
    went_back: bool,
    trace: Trace,
    faults: u64,
    kills: u64,
    power_cuts: u64,
    /// Desks' clocks jump, by chances of their own.
    jumps: Option<Dice>,
}

fn id(number: i64) -> StoreId {
    StoreId::new(number).unwrap()
}

/// Plays a plan. A panic of the system under test is a failure of the run.
pub(crate) fn play(plan: &Plan) -> Report {
    play_by(plan, None).0
}

/// The same while desks' clocks jump, where that is wished; answers also what came of every act and row, without any time.
pub(crate) fn play_by(plan: &Plan, jumps: Option<u64>) -> (Report, String) {
    let base = Path::new("/dev/shm");
    let folder = if base.is_dir() { tempfile::tempdir_in(base) } else { tempfile::tempdir() }.unwrap();
    let time = Time::default();
    let its = time.clone();
    let bus = Bus::new("cluster-0", move || its.now()).without_waiting();
    let watch = Watch::new(&time);
    let central = Machine::new(plan.seed ^ 0xd15c);
    let centre = open_centre(&central.path().join("central.db"), &watch, plan.seed);
    let lines: Vec<Line> = (0..plan.shape.processes).map(|_| Line::new(&bus)).collect();
    let strikes = Arc::new(Strikes::default());
    let options = WorkOptions { faults: Some(Arc::clone(&strikes) as Arc<dyn Faults>), ..WorkOptions::default() };
    let mut world = World {
        plan,
        time: time.clone(),
        bus: bus.clone(),
        centre: &centre,
        central,
        central_watch: watch,
        shelf: folder.path().into(),
        options: &options,
        strikes,
        processes: lines.iter().map(Process::new).collect(),
        desks: Vec::new(),
        partitions: plan.shape.partitions,
        clusters: 0,
        next_order: 1,
        backups: 0,
        went_back: false,
        trace: Trace::default(),
        faults: 0,
        kills: 0,
        power_cuts: 0,
        jumps: jumps.map(Dice::new),
    };
    let (mut heal_ms, mut outcome_of_all) = (0, String::new());
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        world.set_up();
        for step in &plan.steps {
            world.step(*step);
        }
        heal_ms = world.heal()?;
        outcome_of_all = world.outcome();
        let seen: Vec<_> = world.desks.iter().map(Desk::seen).collect();
        // What waited when a cluster was lost may come into the next one before central begins to fill its feeds.
        if world.clusters == 0 {
            let stores: BTreeSet<_> = seen.iter().map(|desk| desk.store).collect();
            stores.into_iter().try_for_each(|store| oracle::feeds_hold(&centre, &bus, store))?;
        }
        oracle::judge(&seen, &centre, &bus, world.went_back)
    }));
    let failure = match outcome {
        Ok(Ok(line)) => {
            world.trace.note(line);
            None
        }
        Ok(Err(failure)) => Some(failure),
        Err(panic) => Some(Failure::Wrong(format!("panicked: {}", panic_words(panic.as_ref())))),
    };
    let report = Report {
        trace: world.trace.hash.finish(),
        acts: world.desks.iter().map(|desk| desk.done.len() as u64).sum(),
        history: world.trace.lines,
        faults: world.faults,
        kills: world.kills,
        power_cuts: world.power_cuts,
        heal_ms: u64::try_from(heal_ms).unwrap(),
        failure,
    };
    (report, outcome_of_all)
}

fn open_centre(file: &Path, watch: &Watch, seed: u64) -> Centre {
    let names = aisle_contract::TopicNames::default();
    Centre::open_with(file, names, Arc::new(watch.clone()), chance(seed ^ 0xce)).unwrap()
}

fn panic_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

impl<'a> Process<'a> {
    const fn new(line: &'a Line) -> Self {
        Self { line, work: None, frozen: false, silent_since: None, owns: Vec::new() }
    }

    /// Moves on; answers how many times it died of it.
    fn turn(&mut self, now: i64) -> u64 {
        let Some(work) = &mut self.work else { return 0 };
        if work.turn(&self.owns).is_ok() {
            return 0;
        }
        self.work = None;
        self.silent_since.get_or_insert(now);
        1
    }

    const fn is_heard(&self) -> bool {
        self.work.is_some() && !self.frozen
    }
}

impl World<'_> {
    fn set_up(&mut self) {
        let mut dice = Dice::new(self.plan.seed ^ 0x5e7);
        for number in 1..=self.plan.shape.stores {
            let number = i64::try_from(number).unwrap();
            self.centre.add_store(NewStore::new(id(number), "Store", "Main street 1")).unwrap();
        }
        self.make_topics();
        for number in 1..=self.plan.shape.stores {
            let store = id(i64::try_from(number).unwrap());
            for item in 1..=5 {
                self.set_item(store, item, &mut dice);
            }
            for desk in 0..self.plan.shape.desks {
                let seed = dice.bits();
                self.desks.push(Desk::new(seed, (store, desk), &self.shelf, &self.bus, &self.time, self.centre));
            }
        }
        for place in 0..self.processes.len() {
            self.start_process(place);
        }
    }

    fn make_topics(&self) {
        self.try_topics().unwrap();
    }

    fn try_topics(&self) -> Result<(), CentralError> {
        let options = TopicsOptions { create: true, partitions: self.partitions, ..TopicsOptions::default() };
        assert!(self.centre.topics(&self.bus, &options)?.ok);
        Ok(())
    }

    fn start_process(&mut self, place: usize) {
        let process = &mut self.processes[place];
        if process.work.is_none() {
            process.work = Some(SteppedWork::new(self.centre, process.line, self.options));
            process.owns.clear();
        }
        process.frozen = false;
        process.silent_since = None;
    }

    fn step(&mut self, step: Step) {
        self.time.passes(step.after_ms);
        self.jump();
        let mut dice = Dice::new(step.dice);
        let words = self.happen(step.what, &mut dice);
        self.note(&words);
        self.restart_what_ended();
        // Who moves on: mostly somebody, now and then everybody.
        let share = *dice.pick(&[20, 60, 100]).unwrap();
        self.turn(&mut dice, share);
    }

    fn note(&mut self, words: &str) {
        self.trace.note(format!("{:>8} {words}", self.time.elapsed()));
    }

    fn store(&self, dice: &mut Dice) -> StoreId {
        id(1 + i64::try_from(dice.index(self.plan.shape.stores)).unwrap())
    }

    fn happen(&mut self, what: What, dice: &mut Dice) -> String {
        match what {
            What::Act | What::Withdraw | What::Release | What::PushNow => self.at_a_desk(what, dice),
            What::Order | What::Payment | What::Cancel | What::SetItem | What::RemoveItem | What::SetRange => {
                self.at_central(what, dice)
            }
            What::Nothing => "nothing".into(),
            What::MendDesks
            | What::MendProcesses
            | What::MendDisks
            | What::Revive
            | What::BackUpDesk
            | What::BackUpCentral => self.mends(what, dice),
            _ => match self.breaks(what, dice) {
                Ok(words) => {
                    self.faults += 1;
                    words
                }
                Err(why_not) => why_not,
            },
        }
    }

    fn at_a_desk(&mut self, what: What, dice: &mut Dice) -> String {
        let place = dice.index(self.desks.len());
        let desk = &mut self.desks[place];
        let words = match what {
            What::Withdraw => desk.withdraw(),
            What::Release => desk.release(),
            What::PushNow => {
                desk.push_now();
                "send now".into()
            }
            _ => desk.act(dice),
        };
        format!("{}: {words}", desk.name)
    }

    fn set_item(&self, store: StoreId, number: i64, dice: &mut Dice) -> String {
        let set = |field: &str, value: String| format!("{field}={value}").parse::<ItemChange>().unwrap();
        let price = price(dice);
        let item = ItemId::new(number).unwrap();
        let all = [set("name", format!("Thing {number}")), set("unit_price", price.to_string())];
        let some = if dice.chance(70, 100) { &all[1..] } else { &all[..1] };
        let known = self.centre.show_item(store, item).is_ok();
        let answer = self.centre.set_item(store, item, if known { some } else { &all });
        format!("central: item {item} of store {store} set: {}", said(answer))
    }

    fn at_central(&mut self, what: What, dice: &mut Dice) -> String {
        let store = self.store(dice);
        match what {
            What::Order => self.queue_order(store, dice),
            What::SetItem => {
                let number = 1 + i64::try_from(dice.below(7)).unwrap();
                self.set_item(store, number, dice)
            }
            What::RemoveItem => {
                let item = ItemId::new(1 + i64::try_from(dice.below(7)).unwrap()).unwrap();
                format!(
                    "central: item {item} of store {store} removed: {}",
                    said(self.centre.remove_item(store, item))
                )
            }
            _ => {
                let page = match self.centre.list_orders(store, &[], None, 500) {
                    Ok(page) => page,
                    Err(error) => return format!("central: orders cannot be read: {}", error.code()),
                };
                let wanted = |status: OrderStatus| match what {
                    What::Payment => status == OrderStatus::Running || dice.clone().chance(10, 100),
                    _ => status.is_open(),
                };
                let open: Vec<OrderId> =
                    page.items.iter().filter(|order| wanted(order.status)).map(|order| order.order_id).collect();
                if open.is_empty() {
                    return "central: no order for it".into();
                }
                let order = *dice.pick(&open).unwrap();
                self.on_order(what, store, order, dice)
            }
        }
    }

    fn on_order(&self, what: What, store: StoreId, order: OrderId, dice: &mut Dice) -> String {
        let cents = Money::from_minor(i64::try_from(100 + dice.below(4_000)).unwrap());
        match what {
            What::Payment => {
                format!(
                    "central: {cents} paid for order {order}: {}",
                    said(self.centre.add_payment(Some(store), order, cents))
                )
            }
            What::Cancel => {
                format!(
                    "central: order {order} cancelled: {}",
                    said(self.centre.cancel_order(Some(store), order, "cancelled"))
                )
            }
            _ => {
                let answer = self.centre.set_range(Some(store), order, Money::from_minor(50), cents);
                format!("central: range of order {order}: {}", said(answer))
            }
        }
    }

    fn queue_order(&mut self, store: StoreId, dice: &mut Dice) -> String {
        let number = self.next_order;
        self.next_order += 1;
        let count = 1 + i64::try_from(dice.below(3)).unwrap();
        let lines = (1..=count).map(|item| order_line(item, dice)).collect();
        let now = self.time.now();
        let new = NewOrder {
            order_id: OrderId::new(number).unwrap(),
            user_id: UserId::new(1 + number % 7).unwrap(),
            creation_time: now,
            accept_by: dice
                .chance(40, 100)
                .then(|| now.plus_millis(60_000 + i64::try_from(dice.below(600_000)).unwrap())),
            due_at: dice.chance(50, 100).then(|| now.plus_millis(3_600_000)),
            payment_expected: dice.chance(85, 100),
            lines,
        };
        format!("central: order {number} for store {store}: {}", said(self.centre.queue_order(store, new)))
    }

    /// Who the group says owns which partition: a silent process keeps its own until its session is over.
    fn assign(&mut self) {
        let now = self.time.elapsed();
        let members: Vec<usize> = (0..self.processes.len())
            .filter(|place| {
                let process = &self.processes[*place];
                process.is_heard() || process.silent_since.is_some_and(|since| now - since < SESSION_MS)
            })
            .collect();
        for (place, process) in self.processes.iter_mut().enumerate() {
            if !process.is_heard() {
                continue;
            }
            let mine = members.iter().position(|member| *member == place).unwrap();
            process.owns = (0..self.partitions)
                .filter(|partition| usize::try_from(*partition).unwrap() % members.len() == mine)
                .collect();
        }
    }

    fn turn(&mut self, dice: &mut Dice, share: u64) {
        for desk in &mut self.desks {
            if dice.chance(share, 100) {
                desk.turn();
            }
        }
        self.assign();
        for process in &mut self.processes {
            if process.is_heard() && dice.chance(share, 100) {
                self.kills += process.turn(self.time.elapsed());
            }
        }
        self.restart_what_ended();
    }

    /// Everything works again; answers how long it took until nothing moved any more.
    fn heal(&mut self) -> Result<i64, Failure> {
        self.desks.iter().for_each(|desk| desk.line.set(None));
        self.processes.iter().for_each(|process| process.line.set(None));
        self.strikes.disarm();
        self.mend_disks();
        self.revive();
        self.desks.iter_mut().for_each(|desk| drop(desk.release()));
        let begun = self.time.elapsed();
        self.trace.note(format!("{begun:>8} everything works"));
        let mut dice = Dice::new(self.plan.seed ^ 0xea1);
        let conn = oracle::central_db(self.centre);
        for round in 0_i64.. {
            self.time.passes((100 * round).clamp(100, 3_000));
            self.turn(&mut dice, 100);
            let took = self.time.elapsed() - begun;
            match self.unrest(&conn) {
                None if round > 2 => return Ok(took),
                Some(why) if took > HEALED_WITHIN_MS => return Err(Failure::Stuck(why)),
                _ => {}
            }
        }
        unreachable!()
    }

    fn unrest(&self, conn: &Connection) -> Option<String> {
        let filled = "SELECT value FROM meta WHERE name = 'feeds_cluster'";
        let filled: Option<String> = conn.query_row(filled, [], |row| row.get(0)).ok();
        let cluster = self.bus.metadata(&[], Duration::from_secs(1)).unwrap().cluster_id;
        if filled.is_some_and(|filled| filled != cluster) {
            return Some("central has not seen yet that its cluster is another one".into());
        }
        let of_desks = self.desks.iter().find_map(|desk| desk.unrest(&self.bus, &cluster));
        of_desks.or_else(|| oracle::central_unrest(conn, self.centre, &self.bus))
    }
}

/// The code alone: where a disk fails, words have the folder in them, which is another one in every run.
fn said<T>(answer: Result<T, CentralError>) -> &'static str {
    answer.map_or_else(|error| error.code(), |_| "done")
}

pub(crate) fn order_line(item: i64, dice: &mut Dice) -> OrderLine {
    let item_id = ItemId::new(item).unwrap();
    OrderLine {
        item_id,
        name: format!("Thing {item}"),
        barcode: None,
        order_unit_price: price(dice),
        quantity: Quantity::from_thousandths(1000 * (1 + i64::try_from(dice.below(3)).unwrap())).unwrap(),
        unit: "each".into(),
        note: None,
        state: aisle_domain::LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    }
}

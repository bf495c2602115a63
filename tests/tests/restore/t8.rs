//! Random histories with backups of random age brought back and copies run side by side: nothing is dropped in silence,
//! copies are told, and every change takes effect once. `AISLE_RUNS` and `AISLE_SEED` say how many and which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::{Duration, Instant},
};

use aisle_central::{Stop, WorkOptions};
use aisle_domain::{ChangeId, Incarnation, Money, OrderStatus};
use aisle_mirror::{ChangeState, Mirror, anew, outbox};
use aisle_testkit::asked::number;

use crate::world::{Desk, World, copy_folder, sql};

/// Between two steps; a backup that is brought back is a second to a day old, or older.
const PAUSES_S: [i64; 8] = [1, 1, 1, 60, 60, 1_800, 4 * 3_600, 24 * 3_600];

/// What the runs did and found.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) runs: u64,
    pub(crate) changes: u64,
    pub(crate) restores: u64,
    pub(crate) copies: u64,
    pub(crate) forks: u64,
    /// Done at a desk and neither received nor refused, or received and without effect at central.
    pub(crate) lost: u64,
    /// With more than one effect.
    pub(crate) doubled: u64,
    /// Copies that both sent under one numbering to the end.
    pub(crate) unnoticed: u64,
}

/// The same numbers for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }

    fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        let sides = u64::try_from(all.len()).unwrap();
        &all[usize::try_from(self.roll(sides)).unwrap()]
    }
}

/// A copy of a desk's database, and what that desk owed when it was made.
#[derive(Debug, Clone)]
struct Backup {
    of: usize,
    file: PathBuf,
    owed: BTreeSet<ChangeId>,
}

/// One run: a desk, its copies, and what must come of what they did.
struct Run<'w> {
    world: &'w World,
    dice: Dice,
    name: String,
    desks: Vec<Option<Desk>>,
    backups: Vec<Backup>,
    /// Done at a desk and not lost with a file that was overwritten by hand.
    owed: Vec<BTreeSet<ChangeId>>,
    /// Ever done at any of them.
    done: BTreeSet<ChangeId>,
    acted: BTreeSet<usize>,
    counters: Counters,
}

impl Run<'_> {
    fn desk(&mut self) -> (usize, &mut Desk) {
        let sides = u64::try_from(self.desks.len()).unwrap();
        let who = usize::try_from(self.dice.roll(sides)).unwrap();
        (who, self.desks[who].as_mut().unwrap())
    }

    fn step(&mut self) {
        if self.dice.roll(3) == 0 {
            self.world.hands.pass_seconds(*self.dice.pick(&PAUSES_S));
        }
        match self.dice.roll(14) {
            0..=4 => self.act(),
            5 | 6 => self.desk().1.push(),
            7 | 8 => self.desk().1.read(),
            9 => self.desk().1.number(),
            10 => self.back_up(),
            11 => self.restore(),
            12 => self.put_back_by_hand(),
            _ => self.copy(),
        }
    }

    fn act(&mut self) {
        let (value, note) = (self.dice.roll(1_000_000), self.dice.roll(3) > 0);
        let place = usize::try_from(self.dice.roll(40)).unwrap();
        let (who, desk) = self.desk();
        let id = if note {
            let orders = desk.orders(OrderStatus::New);
            Ok(desk.note(orders[place % orders.len()], &format!("note {value}")))
        } else {
            let items = desk.items(40);
            let price = Money::from_minor(i64::try_from(value).unwrap());
            desk.try_reprice(&items[place % items.len()], price)
        };
        // The price may be what it is already.
        if let Ok(id) = id {
            self.owed[who].insert(id);
            self.done.insert(id);
            self.acted.insert(who);
            self.counters.changes += 1;
        }
    }

    fn back_up(&mut self) {
        let file = self.world.folder.path().join(format!("{}-{}.backup", self.name, self.backups.len()));
        let (who, desk) = self.desk();
        desk.mirror.backup_to(&file).unwrap();
        self.backups.push(Backup { of: who, file, owed: self.owed[who].clone() });
    }

    fn incarnation(&mut self) -> Incarnation {
        Incarnation((self.dice.roll(1 << 31) << 31) | self.dice.roll(1 << 31))
    }

    fn restore(&mut self) {
        if self.backups.is_empty() {
            return;
        }
        let Backup { of: who, file, owed } = self.dice.pick(&self.backups).clone();
        let dir = self.desks[who].take().unwrap().close();
        let at = self.world.hands.now().plus_millis(i64::try_from(self.counters.restores).unwrap());
        Mirror::restore(&dir, &file, self.incarnation(), at).unwrap();
        self.desks[who] = Some(self.world.open(&dir));
        // What an overwritten file had lost is owed again where the backup has it.
        self.owed[who].extend(owed);
        self.counters.restores += 1;
        self.world.hands.pass(1);
    }

    /// What a person does who knows of no command: what only the file before had is gone with it, and no more.
    fn put_back_by_hand(&mut self) {
        if self.backups.is_empty() {
            return;
        }
        let Backup { of: who, file, owed } = self.dice.pick(&self.backups).clone();
        let dir = self.desks[who].take().unwrap().close();
        let to = dir.join("aisle.db");
        std::fs::copy(&file, dir.join("put back")).unwrap();
        std::fs::rename(dir.join("put back"), &to).unwrap();
        self.desks[who] = Some(self.world.open(&dir));
        self.owed[who] = owed;
        self.counters.restores += 1;
    }

    /// Noticed by its place, or, as a copied machine has the same, only by its numbers.
    fn copy(&mut self) {
        if self.desks.len() == 3 {
            return;
        }
        let whole_machine = self.dice.roll(2) == 0;
        let sides = u64::try_from(self.desks.len()).unwrap();
        let who = usize::try_from(self.dice.roll(sides)).unwrap();
        let dir = self.desks[who].take().unwrap().close();
        let copy = self.world.folder.path().join(format!("{}-copy-{}", self.name, self.desks.len()));
        copy_folder(&dir, &copy);
        if whole_machine {
            sql(&copy.join("aisle.db"), "DELETE FROM settings WHERE key = 'home'");
        }
        self.desks[who] = Some(self.world.open(&dir));
        self.desks.push(Some(self.world.open(&copy)));
        self.owed.push(self.owed[who].clone());
        self.counters.copies += 1;
    }

    /// Until nothing waits anywhere, and every desk shows what central has.
    fn come_to_rest(&mut self) {
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            for desk in self.desks.iter_mut().flatten() {
                desk.push();
            }
            self.world.hands.pass(2);
            std::thread::sleep(Duration::from_millis(15));
            for desk in self.desks.iter_mut().flatten() {
                desk.read();
            }
            let all_rest = self.desks.iter().flatten().all(Desk::is_at_rest);
            let differs = self.desks.iter().flatten().find_map(|desk| self.world.difference(desk));
            if all_rest && differs.is_none() {
                return;
            }
            assert!(Instant::now() < end, "it does not come to rest: {}, {differs:?}", self.name);
        }
    }

    /// Where every change ended, by each desk that has it.
    fn outcomes(&mut self) -> Vec<(ChangeId, ChangeState)> {
        let mut outcomes = Vec::new();
        for (desk, owed) in self.desks.iter().flatten().zip(&self.owed) {
            for id in owed {
                match desk.mirror.read(|conn| outbox::load(conn, *id)).unwrap() {
                    Some(row) => outcomes.push((*id, row.state)),
                    None => self.counters.lost += 1,
                }
            }
            let told = desk.mirror.read(|conn| anew::recent(conn, 100)).unwrap();
            let forks = told.iter().filter(|n| matches!(n.why, anew::Anew::Forked | anew::Anew::Ahead)).count();
            self.counters.forks += u64::try_from(forks).unwrap();
            desk.assert_sound();
        }
        let sending: Vec<_> = self.acted.iter().map(|who| self.desks[*who].as_ref().unwrap()).collect();
        let numberings: BTreeSet<_> = sending.iter().map(|desk| desk.mirror.identity().incarnation).collect();
        self.counters.unnoticed += u64::try_from(sending.len() - numberings.len()).unwrap();
        outcomes
    }
}

/// Adds what central says of the changes: applied, already so, refused.
fn judge(world: &World, done: &BTreeSet<ChangeId>, outcomes: &[(ChangeId, ChangeState)], counters: &mut Counters) {
    let found = sql(
        world.centre.path(),
        "SELECT change_id, sum(outcome = 'applied'), sum(outcome = 'already'), sum(outcome = 'refused')
         FROM audit WHERE change_id IS NOT NULL GROUP BY change_id",
    );
    let central: BTreeMap<String, Vec<u64>> = found
        .lines()
        .filter_map(|line| line.split_once('|'))
        .map(|(id, counts)| (id.to_owned(), counts.split('|').map(|count| count.parse().unwrap()).collect()))
        .collect();
    let done: BTreeSet<String> = done.iter().map(ToString::to_string).collect();
    for (id, counts) in &central {
        // Also of what was lost with an overwritten file; and what nobody did is an act that came under a second id.
        counters.doubled += u64::from(counts.iter().sum::<u64>() > 1 || !done.contains(id));
    }
    for (id, state) in outcomes {
        let [applied, already, refused] = match central.get(&id.to_string()).map(Vec::as_slice) {
            Some([applied, already, refused]) => [*applied, *already, *refused],
            _ => [0; 3],
        };
        let as_told = match state {
            ChangeState::Received => applied + already == 1,
            ChangeState::Refused => refused == 1 && applied == 0,
            _ => false,
        };
        counters.lost += u64::from(!as_told);
    }
}

pub(crate) fn t8(seed: u64, runs: u64) -> Counters {
    let world = World::with(8, 60);
    let stop = Stop::new();
    let mut counters = Counters::default();
    let (mut outcomes, mut done) = (Vec::new(), BTreeSet::new());
    std::thread::scope(|scope| {
        let (centre, bus, its_stop) = (world.centre.clone(), world.bus.clone(), stop.clone());
        scope.spawn(move || centre.work(&bus, &WorkOptions::default(), &its_stop).unwrap());
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for number in 0..runs {
                let name = format!("run-{number}");
                let mut desk = world.desk(&name);
                desk.read();
                let mut run = Run {
                    world: &world,
                    dice: Dice(seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
                    name,
                    desks: vec![Some(desk)],
                    backups: Vec::new(),
                    owed: vec![BTreeSet::new()],
                    done: BTreeSet::new(),
                    acted: BTreeSet::new(),
                    counters,
                };
                for _ in 0..30 {
                    run.step();
                }
                run.come_to_rest();
                outcomes.extend(run.outcomes());
                done.append(&mut run.done);
                counters = Counters { runs: counters.runs + 1, ..run.counters };
                world.bus.compact();
            }
        }));
        stop.stop();
        if let Err(panic) = ended {
            std::panic::resume_unwind(panic);
        }
    });
    judge(&world, &done, &outcomes, &mut counters);
    counters
}

#[test]
#[allow(clippy::print_stdout, reason = "the closing line is what a torture run is read for")]
fn backups_of_any_age_and_copies_side_by_side_drop_nothing_and_double_nothing() {
    let (seed, runs) = (number("AISLE_SEED", 1), number("AISLE_RUNS", 50));
    let found = t8(seed, runs);
    println!(
        "T8 seed {seed}: {} runs, {} changes, {} restores, {} copies, {} forks told: {} lost, {} doubled, {} unnoticed",
        found.runs,
        found.changes,
        found.restores,
        found.copies,
        found.forks,
        found.lost,
        found.doubled,
        found.unnoticed
    );
    assert_eq!((found.lost, found.doubled, found.unnoticed), (0, 0, 0), "{found:?}");
    assert!(runs < 20 || found.forks > 0 && found.restores > 0, "{found:?}");
}

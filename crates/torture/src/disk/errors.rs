//! T3: the n-th call of the system fails, for every n there is, in everything a desk does with its disk.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use aisle_domain::Lane;
use aisle_mirror::{Mirror, MirrorError};
use aisle_testkit::{
    dice::Dice,
    disk::{Crash, Disk, Fault, Io},
};

use super::{
    Counters,
    book::Book,
    desk::{Staff, Template, Wrong, checkpoint_after},
    rows::{at, new_desk},
};

const FAULTS: [Fault; 16] = [
    Fault::Once(Io::Write),
    Fault::Once(Io::Read),
    Fault::Once(Io::ShortRead),
    Fault::Once(Io::ShortWrite),
    Fault::Once(Io::Sync),
    Fault::Once(Io::Truncate),
    Fault::Once(Io::Delete),
    Fault::Once(Io::Open),
    Fault::Once(Io::Size),
    Fault::Once(Io::Access),
    Fault::Once(Io::Lock),
    Fault::Once(Io::SharedMemory),
    Fault::Full,
    Fault::SyncLost,
    Fault::Once(Io::Rename),
    // Not an error to live with: the program dies at every call in turn, and every other time the power is cut too.
    Fault::Stop,
];

/// What a desk does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scenario {
    Create,
    /// After a kill, with a journal to recover.
    Open,
    Act,
    Feed,
    Cut,
    Acknowledge,
    Withdraw,
    /// With the journal copied into the database after every commit.
    Checkpoint,
    Backup,
    Restore,
}

const SCENARIOS: [Scenario; 10] = [
    Scenario::Create,
    Scenario::Open,
    Scenario::Act,
    Scenario::Feed,
    Scenario::Cut,
    Scenario::Acknowledge,
    Scenario::Withdraw,
    Scenario::Checkpoint,
    Scenario::Backup,
    Scenario::Restore,
];

/// Errors that a failing disk may have: each says in words what to do.
const CODES: [&str; 6] = ["disk_full", "disk_failed", "db_error", "db_readonly", "io_error", "db_damaged"];

/// About how many calls there are in all scenarios, for every fault that can strike them.
const ALL: u64 = 4_300;

/// Lets about `runs` calls fail: every one there is, or one in so many, spread by the seed.
pub fn run(seed: u64, runs: u64) -> Counters {
    let template = Template::new();
    let mut counters = Counters::default();
    let mut dice = Dice::new(seed);
    let steps = (ALL / runs.max(1)).max(1) * 2 - 1;
    for (scenario, fault) in SCENARIOS.iter().flat_map(|scenario| FAULTS.map(|fault| (*scenario, fault))) {
        let mut call = 1 + dice.below(steps);
        loop {
            match one(&template, seed + call, scenario, fault, call, &mut counters) {
                Ok(true) => {}
                Ok(false) => break,
                Err(wrong) => {
                    counters.wrong(&format!("seed {seed}, {scenario:?}, call {call}, {fault:?}"), wrong);
                    if counters.is_enough() {
                        return counters;
                    }
                }
            }
            call += 1 + dice.below(steps);
        }
    }
    counters
}

/// One fault; whether it struck.
fn one(
    template: &Template,
    seed: u64,
    scenario: Scenario,
    fault: Fault,
    n: u64,
    counters: &mut Counters,
) -> Result<bool, Wrong> {
    let disk = Disk::new(seed).unwrap();
    let mut subject = Desk::new(template, &disk, seed, scenario)?;
    disk.fail(n, fault);
    let Ok(answer) = catch_unwind(AssertUnwindSafe(|| subject.does(scenario))) else {
        return Err(Wrong::Torn("a panic".into()));
    };
    let struck = disk.struck() > 0;
    match &answer {
        Ok(()) => counters.answered += 1,
        Err(error) if !struck => return Err(Wrong::Torn(format!("without a fault: {error}"))),
        Err(error) if !CODES.contains(&error.code()) => {
            return Err(Wrong::Torn(format!("{} for {error}", error.code())));
        }
        Err(_) => {}
    }
    counters.runs += u64::from(struck);
    subject.is_whole(scenario, &disk, answer.is_ok(), n)?;
    Ok(struck)
}

struct Desk {
    dir: PathBuf,
    copy: PathBuf,
    staff: Staff,
    mirror: Option<Mirror>,
}

fn works<T>(what: &str, answer: Result<T, MirrorError>) -> Result<T, Wrong> {
    answer.map_err(|error| Wrong::Torn(format!("{what}: {error}")))
}

impl Desk {
    /// A desk at the moment before the scenario, with changes in every state.
    fn new(template: &Template, disk: &Disk, seed: u64, scenario: Scenario) -> Result<Self, Wrong> {
        let mut staff = Staff::new(Dice::new(seed), template.book.clone());
        let copy = disk.path().join("copy.db");
        if scenario == Scenario::Create {
            return Ok(Self { dir: disk.path().join("desk"), copy, staff, mirror: None });
        }
        let dir = template.copy(disk.path());
        let mirror = works("it cannot be opened", Mirror::open(&dir, at(90)))?;
        for _ in 0..6 {
            works("an act", staff.act(&mirror))?;
        }
        works("releasing", staff.release(&mirror))?;
        for lane in Lane::ALL {
            works("a batch", staff.cut(&mirror, lane, 3))?;
        }
        let running = match scenario {
            Scenario::Open => {
                disk.crash(Crash::Kill).unwrap();
                None
            }
            Scenario::Checkpoint => {
                works("a setting", checkpoint_after(&mirror, 1))?;
                Some(mirror)
            }
            Scenario::Restore => {
                works("a backup", mirror.backup_to(&copy))?;
                None
            }
            _ => Some(mirror),
        };
        Ok(Self { dir, copy, staff, mirror: running })
    }

    fn does(&mut self, scenario: Scenario) -> Result<(), MirrorError> {
        if scenario == Scenario::Restore {
            return self.staff.restore(&self.dir, &self.copy);
        }
        let Some(mirror) = &self.mirror else {
            let opened = match scenario {
                Scenario::Create => Mirror::create(&self.dir, &new_desk())?,
                _ => Mirror::open(&self.dir, at(91))?,
            };
            self.mirror = Some(opened);
            return Ok(());
        };
        match scenario {
            Scenario::Create | Scenario::Open | Scenario::Restore => Ok(()),
            Scenario::Act => self.staff.act(mirror),
            Scenario::Feed => self.staff.orders(mirror).and_then(|()| self.staff.catalog(mirror)),
            Scenario::Cut => self.staff.cut(mirror, Lane::Orders, 5),
            Scenario::Acknowledge => self.staff.acknowledge(mirror, Lane::Orders),
            Scenario::Withdraw => self.staff.withdraw(mirror),
            Scenario::Checkpoint => self.staff.act(mirror).and_then(|()| self.staff.act(mirror)),
            Scenario::Backup => mirror.backup_to(&self.copy),
        }
    }

    /// Healed and opened anew, the desk has all that it promised.
    fn is_whole(&mut self, scenario: Scenario, disk: &Disk, done: bool, n: u64) -> Result<(), Wrong> {
        let lives = !n.is_multiple_of(2) && !disk.is_stopped();
        disk.heal();
        if lives && scenario == Scenario::Backup {
            self.goes_on(done)?;
        }
        if !lives {
            disk.crash(if n.is_multiple_of(2) { Crash::PowerCut } else { Crash::Kill }).unwrap();
        }
        self.mirror = None;
        if scenario == Scenario::Create {
            return self.is_made(done);
        }
        if scenario == Scenario::Backup && done {
            self.is_backed_up()?;
        }
        let mirror = works("it cannot be opened any more", Mirror::open(&self.dir, at(92)))?;
        self.staff.settle(&mirror, true)?;
        works("it takes no act any more", self.staff.act(&mirror))
    }

    /// A desk is there or is not, and then it can be made.
    fn is_made(&self, done: bool) -> Result<(), Wrong> {
        let made = match Mirror::open(&self.dir, at(92)) {
            Err(MirrorError::NotADesk { .. }) if !done => Mirror::create(&self.dir, &new_desk()),
            other => other,
        };
        let mirror = works("half a desk", made)?;
        Staff::new(Dice::new(1), works("it cannot be read", Book::read(&mirror))?).settle(&mirror, true)
    }

    /// After a copy that failed, the desk goes on as if nothing had been, and nothing of the copy is left.
    fn goes_on(&mut self, done: bool) -> Result<(), Wrong> {
        if let Some(mirror) = &self.mirror {
            works("a copy stops the desk", self.staff.act(mirror))?;
        }
        if !done && self.copy.exists() { Err(Wrong::Torn("half a copy stays".into())) } else { Ok(()) }
    }

    fn is_backed_up(&self) -> Result<(), Wrong> {
        let other = self.copy.with_file_name("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::rename(&self.copy, other.join("aisle.db")).unwrap();
        opens(&other)
    }
}

fn opens(dir: &Path) -> Result<(), Wrong> {
    let mirror = works("the copy cannot be opened", Mirror::open(dir, at(92)))?;
    Staff::new(Dice::new(1), works("the copy cannot be read", Book::read(&mirror))?).settle(&mirror, true)
}

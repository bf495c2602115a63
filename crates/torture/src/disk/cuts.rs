//! T2: the power is cut at a random operation, that of a desk alone and those of desk and centre on one line.

use std::path::Path;

use aisle_mirror::{Mirror, MirrorError};
use aisle_testkit::{
    dice::Dice,
    disk::{Crash, Disk, Fault},
};

use super::{
    Counters,
    desk::{Staff, Template, Wrong, checkpoint_after, is_durable},
    kills,
    rows::at,
};

/// Cuts that one desk lives through.
const LIVES: u64 = 10;

/// Cuts the power `runs` times.
pub fn run(seed: u64, runs: u64) -> Counters {
    let on_the_line = runs / kills::ON_THE_LINE;
    let mut counters = desks(seed, runs - on_the_line);
    counters.add(kills::lines(seed, on_the_line, Crash::PowerCut));
    counters
}

/// A desk alone, cut `runs` times.
fn desks(seed: u64, runs: u64) -> Counters {
    let template = Template::new();
    let mut counters = Counters::default();
    for seed in seed.. {
        if counters.runs >= runs || counters.is_enough() {
            break;
        }
        if let Err(wrong) = desk(&template, seed, Crash::PowerCut, &mut counters) {
            counters.wrong(&format!("seed {seed}"), wrong);
        }
    }
    counters
}

/// One desk through several crashes.
pub(crate) fn desk(template: &Template, seed: u64, crash: Crash, counters: &mut Counters) -> Result<(), Wrong> {
    let mut dice = Dice::new(seed);
    let disk = Disk::new(dice.bits()).unwrap();
    let dir = template.copy(disk.path());
    let mut staff = Staff::new(dice.split(), template.book.clone());
    let mut running = None;
    for _ in 0..LIVES {
        let (fault, crash) = match crash {
            Crash::Kill if dice.chance(1, 2) => (Fault::Tear, crash),
            // The system knows what a failed sync was to write for as long as it has power.
            Crash::PowerCut if dice.chance(1, 12) => (Fault::SyncLost, *dice.pick(&[Crash::Kill, crash]).unwrap()),
            _ => (Fault::Stop, crash),
        };
        let within = *dice.pick(&[20, 100, 400]).unwrap();
        disk.fail(1 + dice.below(within), fault);
        work(&disk, &dir, running.take(), &mut dice, &mut staff, counters)?;
        disk.crash(crash).unwrap();
        counters.runs += 1;
        if crash == Crash::PowerCut && dice.chance(1, 4) {
            is_kept_once_it_is_shown(&disk, &dir, &mut dice, &mut staff)?;
            counters.runs += 1;
        }
        let mirror = open(&dir)?;
        staff.settle(&mirror, dice.chance(1, 10))?;
        if !is_durable(&mirror) {
            return Err(Wrong::Torn("commits are told before they are on the disk".into()));
        }
        // One that ends in good order tidies up what a crash would leave.
        running = dice.chance(1, 2).then_some(mirror);
    }
    Ok(())
}

fn open(dir: &Path) -> Result<Mirror, Wrong> {
    Mirror::open(dir, at(90)).map_err(|error| Wrong::Torn(format!("it cannot be opened: {error}")))
}

/// Works until the disk stops, or until it is time to go home.
fn work(
    disk: &Disk,
    dir: &Path,
    running: Option<Mirror>,
    dice: &mut Dice,
    staff: &mut Staff,
    counters: &mut Counters,
) -> Result<(), Wrong> {
    // Faults of an earlier life explain nothing in this one.
    let before = disk.struck();
    let failed = |error| explained(disk, before, &error);
    let mirror = match running.map_or_else(|| Mirror::open(dir, at(90)), Ok) {
        Ok(mirror) => mirror,
        Err(error) => return failed(error),
    };
    let pages = *dice.pick(&[5, 20, 60, 1000]).unwrap();
    if let Err(error) = checkpoint_after(&mirror, pages) {
        return failed(error);
    }
    for _ in 0..=dice.below(12) {
        if let Err(error) = staff.step(&mirror) {
            let refused = mirror.release(None).err().map(|error| error.code());
            if error.code() == "disk_failed" && refused != Some("disk_failed") {
                return Err(Wrong::Torn(format!("after {error} the next write answered {refused:?}")));
            }
            return failed(error);
        }
        counters.answered += 1;
    }
    Ok(())
}

/// An error is the disk's only where a fault has struck since.
fn explained(disk: &Disk, before: u64, error: &MirrorError) -> Result<(), Wrong> {
    if disk.struck() > before { Ok(()) } else { Err(Wrong::Torn(format!("without a fault: {error}"))) }
}

/// After a kill, what the next start shows is on the disk: also what the dead program had written and not synced.
fn is_kept_once_it_is_shown(disk: &Disk, dir: &Path, dice: &mut Dice, staff: &mut Staff) -> Result<(), Wrong> {
    let mirror = open(dir)?;
    staff.settle(&mirror, false)?;
    let before = disk.struck();
    disk.fail(1 + dice.below(80), Fault::Stop);
    let error = loop {
        if let Err(error) = staff.act(&mirror) {
            break error;
        }
    };
    explained(disk, before, &error)?;
    disk.crash(Crash::Kill).unwrap();
    drop(mirror);
    let mirror = open(dir)?;
    staff.settle(&mirror, false)?;
    disk.crash(Crash::PowerCut).unwrap();
    Ok(())
}

//! What breaks in a world, and how.

use std::path::PathBuf;

use aisle_central::FaultPoint;
use aisle_contract::Transport;
use aisle_testkit::{dice::Dice, disk::Crash};
use rusqlite::Connection;

use super::{World, open_centre};
use crate::simulation::plan::What;

/// A program that is killed, twice as often as a computer that loses its power.
const CRASHES: [Crash; 3] = [Crash::Kill, Crash::Kill, Crash::PowerCut];

impl World<'_> {
    /// What somebody does against faults, which is none itself.
    pub(super) fn mends(&mut self, what: What, dice: &mut Dice) -> String {
        match what {
            What::MendDesks => {
                self.desks.iter().for_each(|desk| desk.line.set(None));
                "the desks' lines work".into()
            }
            What::MendProcesses => {
                self.processes.iter().for_each(|process| process.line.set(None));
                "the processes' lines work".into()
            }
            What::BackUpDesk => {
                let place = dice.index(self.desks.len());
                self.desks[place].back_up()
            }
            What::BackUpCentral => self.back_central_up(),
            What::MendDisks => {
                self.mend_disks();
                "all disks work".into()
            }
            _ => {
                self.revive();
                "all processes go on".into()
            }
        }
    }

    /// Breaks something.
    ///
    /// # Errors
    /// In words, where there is nothing to break.
    pub(super) fn breaks(&mut self, what: What, dice: &mut Dice) -> Result<String, String> {
        Ok(match what {
            What::CutDesk(cut) => {
                let desk = &self.desks[dice.index(self.desks.len())];
                desk.line.set(Some(cut));
                format!("{}: line {cut:?}", desk.name)
            }
            What::KillDesk => {
                let (place, crash) = (dice.index(self.desks.len()), *dice.pick(&CRASHES).unwrap());
                self.restart_desk(place, crash)
            }
            What::DeskDisk => {
                let place = dice.index(self.desks.len());
                let desk = &mut self.desks[place];
                format!("{}: {}", desk.name, desk.machine.fail_soon(dice))
            }
            What::CentralDisk => format!("central: {}", self.central.fail_soon(dice)),
            What::RestoreDesk => {
                let place = dice.index(self.desks.len());
                if !self.desks[place].has_backup() {
                    return Err(format!("{} was never backed up", self.desks[place].name));
                }
                let (desk, words) = self.desks.remove(place).restore(dice);
                self.desks.insert(place, desk);
                words
            }
            What::RestoreCentral => return self.restore_central(dice),
            What::DeskClock => {
                let desk = &self.desks[dice.index(self.desks.len())];
                let wrong_by = clock_jump(dice, 10 * 365 * 24 * 3_600_000);
                desk.watch.set_wrong_by(wrong_by);
                format!("{}: clock off by {wrong_by} ms", desk.name)
            }
            What::CentralClock => {
                let wrong_by = clock_jump(dice, 3_600_000);
                self.central_watch.set_wrong_by(wrong_by);
                format!("central's clock off by {wrong_by} ms")
            }
            What::CutProcess(_) | What::KillProcess | What::Strike | What::Freeze => {
                return self.process_breaks(what, dice);
            }
            _ => self.cluster_breaks(what, dice),
        })
    }

    /// The program ends with its computer or alone, and is started again.
    fn restart_desk(&mut self, place: usize, crash: Crash) -> String {
        self.count(crash, 1);
        let desk = self.desks.remove(place).restart(crash);
        let words = format!("{}: {crash:?}, {} calls", desk.name, desk.machine.operations());
        self.desks.insert(place, desk);
        words
    }

    fn count(&mut self, crash: Crash, killed: usize) {
        self.kills += u64::try_from(killed).unwrap();
        self.power_cuts += u64::from(crash == Crash::PowerCut);
    }

    /// Central's computer ends with all that runs on it, and is started again.
    fn restart_central(&mut self, crash: Crash) -> String {
        let alive = self.end_processes();
        self.count(crash, alive);
        self.central.end(crash);
        // Whoever opens it first puts on the disk what was written and not synced.
        drop(open_centre(self.centre.path(), &self.central_watch, self.plan.seed));
        self.revive();
        format!("central: {crash:?}, {} calls", self.central.operations())
    }

    /// All of central's processes end; answers how many there were.
    fn end_processes(&mut self) -> usize {
        let now = self.time.elapsed();
        let mut ended = 0;
        for process in &mut self.processes {
            ended += usize::from(process.work.take().is_some());
            process.frozen = false;
            process.silent_since.get_or_insert(now);
        }
        ended
    }

    /// Starts again what ended by its disk.
    pub(super) fn restart_what_ended(&mut self) {
        for place in 0..self.desks.len() {
            if let Some(crash) = self.desks[place].must_end() {
                let words = self.restart_desk(place, crash);
                self.note(&words);
            }
        }
        if let Some(crash) = self.central.stopped_by() {
            let words = self.restart_central(crash);
            self.note(&words);
        }
    }

    pub(super) fn mend_disks(&mut self) {
        self.desks.iter_mut().for_each(|desk| desk.machine.heal());
        self.central.heal();
    }

    fn backup_of_central(&self, number: u32) -> PathBuf {
        self.shelf.join(format!("central.backup-{number}"))
    }

    fn back_central_up(&mut self) -> String {
        let file = self.backup_of_central(self.backups + 1);
        // One that was cut off may lie there.
        drop(std::fs::remove_file(&file));
        let made = Connection::open(self.centre.path())
            .and_then(|conn| conn.execute("VACUUM INTO ?1", [file.to_string_lossy()]));
        match made {
            Ok(_) => {
                self.backups += 1;
                "central backed up".into()
            }
            Err(_) if self.central.is_troubled() => "central not backed up".into(),
            Err(error) => panic!("central, whose disk works, is not backed up: {error}"),
        }
    }

    /// Puts central's last backup back; now and then the computer ends while it begins another history.
    fn restore_central(&mut self, dice: &mut Dice) -> Result<String, String> {
        if self.backups == 0 {
            return Err("central was never backed up".into());
        }
        self.went_back = true;
        self.end_processes();
        self.central.end(Crash::Kill);
        let path = self.centre.path();
        for end in ["-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            drop(std::fs::remove_file(name));
        }
        std::fs::copy(self.backup_of_central(self.backups), path).unwrap();
        self.central.take_as_written();
        let mut words = String::from("central restored");
        if dice.chance(40, 100) {
            words = format!("{words}, {}", self.central.stop_soon(dice));
            let begun = self.centre.new_epoch();
            match self.central.stopped_by() {
                Some(crash) => words = format!("{words}; {}", self.restart_central(crash)),
                None => drop(begun.unwrap()),
            }
            self.central.heal();
        }
        self.centre.new_epoch().unwrap();
        self.revive();
        Ok(words)
    }

    fn process_breaks(&mut self, what: What, dice: &mut Dice) -> Result<String, String> {
        let place = dice.index(self.processes.len());
        let now = self.time.elapsed();
        let process = &mut self.processes[place];
        Ok(match what {
            What::CutProcess(cut) => {
                process.line.set(Some(cut));
                format!("process {place}: line {cut:?}")
            }
            What::Strike => {
                let points = [
                    FaultPoint::BeforeCommit,
                    FaultPoint::AfterCommit,
                    FaultPoint::AfterPublish,
                    FaultPoint::BeforeOffsetCommit,
                ];
                let point = *dice.pick(&points).unwrap();
                self.strikes.arm(point);
                format!("the next process dies at {point:?}")
            }
            _ if process.work.is_none() => return Err(format!("process {place} is dead already")),
            What::KillProcess => {
                self.kills += 1;
                process.work = None;
                process.silent_since.get_or_insert(now);
                format!("process {place} killed")
            }
            _ => {
                process.frozen = true;
                process.silent_since.get_or_insert(now);
                format!("process {place} stands still")
            }
        })
    }

    /// A frozen one goes on for a moment with what it believed to own.
    pub(super) fn revive(&mut self) {
        for process in &mut self.processes {
            if process.frozen {
                self.kills += process.turn(self.time.elapsed());
            }
        }
        (0..self.processes.len()).for_each(|place| self.start_process(place));
    }

    fn cluster_breaks(&mut self, what: What, dice: &mut Dice) -> String {
        match what {
            What::Compact => {
                self.bus.compact();
                "the cluster compacts".into()
            }
            What::Trim => {
                let topic = self.centre.names().changes();
                let partition = i32::try_from(dice.below(u64::try_from(self.partitions).unwrap())).unwrap();
                let high = self.bus.bounds(&topic, partition, std::time::Duration::ZERO).unwrap().high;
                self.bus.trim(&topic, partition, high);
                format!("changes of partition {partition} before {high} are gone")
            }
            What::Rebuild => {
                self.clusters += 1;
                self.bus.rebuild(&format!("cluster-{}", self.clusters));
                "the cluster is lost and another is there".into()
            }
            _ => {
                self.partitions += 1 + i32::try_from(dice.below(3)).unwrap();
                // Whoever runs central does it once more where its disk fails.
                if let Err(failed) = self.try_topics() {
                    assert!(self.central.is_troubled(), "{failed}");
                    self.central.heal();
                    self.restart_what_ended();
                    self.make_topics();
                }
                format!("{} partitions", self.partitions)
            }
        }
    }
}

fn clock_jump(dice: &mut Dice, most: u64) -> i64 {
    let size = i64::try_from(*dice.pick(&[1_000, 60_000, 3_600_000, most]).unwrap()).unwrap();
    let by = i64::try_from(dice.below(u64::try_from(size).unwrap())).unwrap();
    if dice.chance(50, 100) { by } else { -by }
}

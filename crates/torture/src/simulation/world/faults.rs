//! What breaks in a world, and how.

use std::path::PathBuf;

use aisle_central::FaultPoint;
use aisle_contract::Transport;
use aisle_testkit::dice::Dice;

use super::{World, oracle};
use crate::simulation::plan::What;

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
            What::BackUpCentral => {
                self.backups += 1;
                let file = self.backup_of_central();
                oracle::central_db(self.centre).execute("VACUUM INTO ?1", [file.to_string_lossy()]).unwrap();
                "central backed up".into()
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
                self.kills += 1;
                let place = dice.index(self.desks.len());
                let desk = self.desks.remove(place).restart();
                let words = format!("{} killed", desk.name);
                self.desks.insert(place, desk);
                words
            }
            What::RestoreDesk => {
                let place = dice.index(self.desks.len());
                if !self.desks[place].has_backup() {
                    return Err(format!("{} was never backed up", self.desks[place].name));
                }
                let desk = self.desks.remove(place).restore();
                let words = format!("{} restored", desk.name);
                self.desks.insert(place, desk);
                words
            }
            What::RestoreCentral => return self.restore_central(),
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

    fn backup_of_central(&self) -> PathBuf {
        self.centre.path().with_extension(format!("backup-{}", self.backups))
    }

    fn restore_central(&mut self) -> Result<String, String> {
        if self.backups == 0 {
            return Err("central was never backed up".into());
        }
        self.went_back = true;
        for process in &mut self.processes {
            process.work = None;
        }
        let path = self.centre.path();
        for end in ["-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            drop(std::fs::remove_file(name));
        }
        std::fs::copy(self.backup_of_central(), path).unwrap();
        self.centre.new_epoch().unwrap();
        self.revive();
        Ok("central restored".into())
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
                self.make_topics();
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

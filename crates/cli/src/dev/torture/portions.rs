//! A long part is played in portions, each with a seed and a cluster of its own. What a portion came to is written down, so
//! that a part that was interrupted goes on with the next one.

use std::{
    fs::OpenOptions,
    io::{BufRead, BufReader, Write},
    path::Path,
};

use aisle_torture::cluster::{Counters, Ground};
use serde::{Deserialize, Serialize};

use crate::exit::Failure;

/// A part and what it is played with.
pub(super) struct Plan<'a> {
    pub(super) part: &'static str,
    /// Of all portions.
    pub(super) runs: u64,
    /// Of one.
    pub(super) portion: u64,
    /// What else has to be the same for a portion to count: stores, rate, workers.
    pub(super) size: String,
    /// Where portions are written down.
    pub(super) journal: Option<&'a Path>,
}

/// A line of the journal.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    part: String,
    size: String,
    runs: u64,
    seed: u64,
    counters: Counters,
}

impl Plan<'_> {
    /// Plays what is not written down yet, up to the first failure; answers what all portions came to.
    pub(super) fn play(
        &self,
        ground: &Ground,
        portion: impl Fn(&Ground, u64) -> Counters,
    ) -> Result<Counters, Failure> {
        let done = self.journal.map_or_else(|| Ok(Vec::new()), read)?;
        let mut all = Counters::new(self.part, ground.seed);
        let (mut left, mut seed) = (self.runs, ground.seed);
        while left > 0 && all.failure.is_none() {
            let runs = left.min(self.portion);
            let before = done.iter().find(|done| self.is_of_this(done) && (done.runs, done.seed) == (runs, seed));
            let counters = match before {
                Some(done) => done.counters.clone(),
                None => self.play_one(ground, (runs, seed), &portion)?,
            };
            all.took += counters.took;
            all.join(counters);
            left -= runs;
            seed += 1;
        }
        Ok(all)
    }

    fn is_of_this(&self, done: &Done) -> bool {
        (done.part.as_str(), done.size.as_str()) == (self.part, self.size.as_str())
    }

    fn play_one(
        &self,
        ground: &Ground,
        (runs, seed): (u64, u64),
        portion: impl Fn(&Ground, u64) -> Counters,
    ) -> Result<Counters, Failure> {
        let dir = ground.dir.join(seed.to_string());
        let counters = portion(&Ground { dir: dir.clone(), seed, ..ground.clone() }, runs);
        if counters.failure.is_some() {
            return Ok(Counters { seed, ..counters });
        }
        std::fs::remove_dir_all(&dir).map_err(|e| failed(&dir, &e))?;
        if let Some(journal) = self.journal {
            let (part, size) = (self.part.to_owned(), self.size.clone());
            append(journal, &Done { part, size, runs, seed, counters: counters.clone() })?;
        }
        Ok(counters)
    }
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::new("io_error", format!("{}: {error}", path.display()))
}

fn read(journal: &Path) -> Result<Vec<Done>, Failure> {
    let file = match std::fs::File::open(journal) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(journal, &error)),
    };
    let lines = BufReader::new(file).lines();
    let lines = lines.collect::<Result<Vec<_>, _>>().map_err(|e| failed(journal, &e))?;
    // One that was cut short is played again.
    Ok(lines.iter().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn append(journal: &Path, done: &Done) -> Result<(), Failure> {
    let line = serde_json::to_string(done).map_err(|e| failed(journal, &e))?;
    if let Some(folder) = journal.parent() {
        std::fs::create_dir_all(folder).map_err(|e| failed(folder, &e))?;
    }
    let file = OpenOptions::new().create(true).append(true).open(journal);
    // A line of its own, whatever was cut short before it.
    let written = file.and_then(|mut file| {
        file.write_all(format!("\n{line}\n").as_bytes())?;
        file.sync_all()
    });
    written.map_err(|e| failed(journal, &e))
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, path::PathBuf};

    use aisle_testkit::kafka::Kit;

    use super::*;

    fn ground(dir: &Path, seed: u64) -> Option<Ground> {
        let kit = Kit::require("portions")?;
        Some(Ground { kit, program: PathBuf::new(), dir: dir.into(), seed })
    }

    fn plan(journal: &Path) -> Plan<'_> {
        Plan { part: "T0", runs: 25, portion: 10, size: "4 stores".into(), journal: Some(journal) }
    }

    #[test]
    fn a_part_that_was_interrupted_goes_on_with_the_next_portion() {
        let dir = tempfile::tempdir().unwrap();
        let Some(ground) = ground(dir.path(), 7) else { return };
        let journal = dir.path().join("a/journal");
        let played = RefCell::new(Vec::new());
        let play = |plan: &Plan<'_>, fails_at: u64| {
            played.borrow_mut().clear();
            plan.play(&ground, |ground, runs| {
                std::fs::create_dir_all(&ground.dir).unwrap();
                played.borrow_mut().push((ground.seed, runs));
                let mut counters = Counters::new("T0", ground.seed);
                counters.acts = runs;
                counters.failure =
                    (ground.seed == fails_at).then(|| aisle_torture::simulation::Failure::Wrong("no".into()));
                counters
            })
            .unwrap()
        };
        let cut = play(&plan(&journal), 8);
        assert!(cut.failure.is_some());
        assert_eq!(*played.borrow(), [(7, 10), (8, 10)]);
        std::fs::OpenOptions::new().append(true).open(&journal).unwrap().write_all(b"{\"part\": \"T0").unwrap();
        let whole = play(&plan(&journal), 0);
        assert_eq!((whole.acts, whole.failure.is_none()), (25, true));
        assert_eq!(*played.borrow(), [(8, 10), (9, 5)], "the first stood in the journal");
        assert_eq!((play(&plan(&journal), 0).acts, played.borrow().len()), (25, 0));
        let other = Plan { size: "5 stores".into(), ..plan(&journal) };
        assert_eq!((play(&other, 0).acts, played.borrow().len()), (25, 3), "another size is another run");
    }
}

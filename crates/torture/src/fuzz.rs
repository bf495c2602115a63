//! T14: every decoder and parser is fed what it was not made for. A corpus of real messages is kept in the repository,
//! is replayed as it is, with each of its numbers at the ends of all numbers, and then changed by chance. Nothing panics, takes long, or takes memory beyond all measure.

mod central;
mod corpus;
mod desk;
mod mutate;
mod parsers;
mod record;
mod remirror;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant},
};

use aisle_testkit::{allocations, dice::Dice};

pub use corpus::made;
pub use mutate::mutated;

/// The largest input.
pub const MOST_BYTES: usize = 1 << 20;
/// What one input may take.
const MEMORY: u64 = 64 << 20;

/// Something that takes bytes from elsewhere.
pub trait Target {
    /// As its folder in the corpus is named.
    fn name(&self) -> &'static str;

    /// The folder of its corpus.
    fn corpus(&self) -> &'static str {
        self.name()
    }

    /// Of `runs` inputs this one is given every so many: what touches a disk has fewer.
    fn every(&self) -> u64 {
        1
    }

    /// How long one input may take: longer where many are gathered and taken together.
    fn time(&self) -> Duration {
        Duration::from_secs(1)
    }

    /// Takes one input. Panics where the outcome is not as it must be.
    fn take(&mut self, input: &[u8]);

    /// Looks at what all of them came to.
    fn end(&mut self) {}
}

/// What the inputs came to.
#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct Counters {
    /// Inputs, by target.
    pub inputs: BTreeMap<&'static str, u64>,
    /// The slowest, milliseconds.
    pub slowest_ms: u64,
    /// The most memory that one took, bytes; 0 where the program does not count.
    pub most_memory: u64,
    /// What failed: target, why, and the input.
    pub failed: Vec<String>,
}

/// The targets of the crates that this one tests.
pub fn targets() -> Vec<Box<dyn Target>> {
    let mut all: Vec<Box<dyn Target>> = parsers::all();
    all.push(Box::new(desk::Feed::new()));
    all.push(Box::new(remirror::Anew::new()));
    all.push(Box::new(central::Changes::new()));
    all.push(Box::new(central::Days::new()));
    all
}

/// Replays the corpus below `corpus`, then gives each target `runs` changed inputs.
pub fn t14(seed: u64, runs: u64, corpus: &Path, targets: &mut [Box<dyn Target>]) -> Counters {
    let mut sum = Counters::default();
    for target in targets {
        let mut dice = Dice::new(seed);
        let files = corpus::load(&corpus.join(target.corpus()));
        if files.is_empty() {
            sum.failed.push(format!("{}: there is no corpus", target.name()));
            continue;
        }
        for file in &files {
            give(target.as_mut(), file, &mut sum);
        }
        let every = usize::try_from(target.every()).unwrap_or(1);
        let ends = files.iter().flat_map(|file| mutate::at_the_ends(file));
        for input in ends.step_by(every).take(usize::try_from(runs).unwrap_or(usize::MAX)) {
            give(target.as_mut(), &input, &mut sum);
        }
        for _ in 0..runs / target.every() {
            let input = mutated(&files, &mut dice);
            give(target.as_mut(), &input, &mut sum);
            if sum.failed.len() > 5 {
                return sum;
            }
        }
        if let Err(why) = caught(|| target.end()) {
            sum.failed.push(format!("{}, in the end: {why}", target.name()));
        }
    }
    sum
}

fn give(target: &mut dyn Target, input: &[u8], sum: &mut Counters) {
    let name = target.name();
    *sum.inputs.entry(name).or_default() += 1;
    let start = Instant::now();
    let mut outcome = Ok(());
    let memory = allocations::peak(|| outcome = caught(|| target.take(input)));
    let took = start.elapsed();
    sum.slowest_ms = sum.slowest_ms.max(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    sum.most_memory = sum.most_memory.max(memory);
    if took > target.time() {
        outcome = Err(format!("it took {took:?}"));
    } else if memory > MEMORY {
        outcome = Err(format!("it took {memory} bytes of memory"));
    }
    if let Err(why) = outcome {
        let kept = std::env::temp_dir().join(format!("aisle-fuzz-{name}-{}", sum.failed.len()));
        let place = match std::fs::write(&kept, input) {
            Ok(()) => kept.display().to_string(),
            Err(error) => error.to_string(),
        };
        let shown: String = String::from_utf8_lossy(input).chars().take(600).collect();
        sum.failed.push(format!("{name}: {why}\n{} bytes, whole in {place}: {shown}", input.len()));
    }
}

fn caught(work: impl FnOnce()) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(work)).map_err(|cause| {
        let text = cause.downcast_ref::<String>().cloned();
        text.or_else(|| cause.downcast_ref::<&str>().map(ToString::to_string)).unwrap_or_default()
    })
}

//! T1 to T3: desk and centre on disks that fail. Programs are killed, the power is cut, calls of the system fail; what was
//! told as done is written down outside of the system and asked for afterwards.

mod book;
pub mod cuts;
mod desk;
pub mod errors;
pub mod kills;
mod rows;

use desk::Wrong;

/// What a part counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Crashes, or faults.
    pub runs: u64,
    /// Calls that answered.
    pub answered: u64,
    /// Told as done, and gone.
    pub lost: u64,
    /// Half there, or otherwise than it was told.
    pub torn: u64,
    /// In words, each with its seed.
    pub failures: Vec<String>,
}

/// After so many failures a part ends: where no desk can be opened, none will be.
const ENOUGH: usize = 20;

impl Counters {
    /// Whether more of it would say nothing more.
    pub(crate) const fn is_enough(&self) -> bool {
        self.failures.len() >= ENOUGH
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.runs += other.runs;
        self.answered += other.answered;
        self.lost += other.lost;
        self.torn += other.torn;
        self.failures.extend(other.failures);
    }

    pub(crate) fn wrong(&mut self, at: &str, wrong: Wrong) {
        let (count, what) = match wrong {
            Wrong::Lost(what) => (&mut self.lost, what),
            Wrong::Torn(what) => (&mut self.torn, what),
        };
        *count += 1;
        self.failures.push(format!("{at}: {what}"));
    }
}

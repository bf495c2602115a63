//! What a run came to, in one line.

use std::{borrow::Cow, collections::BTreeMap, fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::simulation::Failure;

/// Times of one kind, of which the worst count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Worst(Vec<u64>);

impl Worst {
    /// One more.
    pub fn add(&mut self, took: Duration) {
        self.0.push(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
    }

    /// Those of another run too.
    pub fn join(&mut self, other: &Self) {
        self.0.extend(&other.0);
    }

    /// The time that so many of a hundred do not exceed, in milliseconds; 0 without any.
    pub fn of_hundred(&self, share: usize) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * share).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or(0)
    }
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [middle, most, longest] = [50, 99, 100].map(|share| Duration::from_millis(self.of_hundred(share)));
        write!(
            f,
            "p50 {:.1} s, p99 {:.1} s, longest {:.1} s",
            middle.as_secs_f64(),
            most.as_secs_f64(),
            longest.as_secs_f64()
        )
    }
}

/// Words of what was counted.
type Words = Cow<'static, str>;

/// What a run came to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Counters {
    /// The part of the programme.
    pub part: Words,
    /// What was done to it, how often.
    pub hurts: BTreeMap<Words, u64>,
    /// What came of that, how often.
    pub seen: BTreeMap<Words, u64>,
    /// Acts that were said to be done.
    pub acts: u64,
    /// Acts that are nowhere.
    pub lost: u64,
    /// Acts with more than one effect.
    pub doubled: u64,
    /// Runs that did not come to rest.
    pub stuck: u64,
    /// Other things that are not as they must be.
    pub wrong: u64,
    /// From a fault until every desk says what is wrong.
    pub told: Worst,
    /// From the moment at which everything works until all that waited then has central's word, of each desk.
    pub stalls: Worst,
    /// From the last fault's end to rest.
    pub heals: Worst,
    /// Of all chances.
    pub seed: u64,
    /// All of it.
    pub took: Duration,
    /// What must not be.
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl Counters {
    /// Nothing yet, of a part whose first seed is this.
    pub fn new(part: &'static str, seed: u64) -> Self {
        Self { part: part.into(), seed, ..Self::default() }
    }

    pub(super) fn hurt(&mut self, what: &'static str) {
        *self.hurts.entry(what.into()).or_default() += 1;
    }

    pub(super) fn saw(&mut self, what: &'static str, times: u64) {
        *self.seen.entry(what.into()).or_default() += times;
    }

    /// Keeps the first failure.
    pub(super) fn failed(&mut self, failure: Failure) {
        match failure {
            Failure::Lost(_) => self.lost += 1,
            Failure::Doubled(_) => self.doubled += 1,
            Failure::Stuck(_) => self.stuck += 1,
            Failure::Wrong(_) => self.wrong += 1,
        }
        if self.failure.is_none() {
            self.failure = Some(failure);
        } else {
            super::say(&format!("and {failure:?}"));
        }
    }

    /// Adds what another part of the same run, or another run, came to.
    pub fn join(&mut self, other: Self) {
        for (what, times) in other.hurts {
            *self.hurts.entry(what).or_default() += times;
        }
        for (what, times) in other.seen {
            *self.seen.entry(what).or_default() += times;
        }
        self.acts += other.acts;
        self.told.join(&other.told);
        self.stalls.join(&other.stalls);
        self.heals.join(&other.heals);
        if let Some(failure) = other.failure {
            self.failed(failure);
        }
    }

    /// Ends a test where something is not as it must be.
    ///
    /// # Panics
    /// With what was found.
    pub fn must_be_clean(&self) {
        assert!(self.failure.is_none(), "{self}\n{:?}", self.failure);
    }
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.part)?;
        for (what, times) in &self.hurts {
            write!(f, "{times} {what}, ")?;
        }
        write!(
            f,
            "{} acts, {} lost, {} doubled, {} stuck, {} wrong",
            self.acts, self.lost, self.doubled, self.stuck, self.wrong
        )?;
        for (name, times) in [("stalls", &self.stalls), ("told after", &self.told), ("heals", &self.heals)] {
            if *times != Worst::default() {
                write!(f, "; {name} {times}")?;
            }
        }
        for (what, times) in &self.seen {
            write!(f, "; {times} {what}")?;
        }
        write!(f, "; seed {}, {} s", self.seed, self.took.as_secs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_those_of_the_sorted_times() {
        let mut times = Worst::default();
        for ms in (1..=200).rev() {
            times.add(Duration::from_millis(ms));
        }
        assert_eq!([50, 99, 100].map(|share| times.of_hundred(share)), [100, 198, 200]);
        assert_eq!(Worst::default().of_hundred(99), 0);
    }
}

//! Seeded choices: splitmix64, the same on every machine.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use aisle_domain::Chance;

/// A seeded source of choices.
#[derive(Debug, Clone)]
pub struct Dice(u64);

fn mix(state: u64) -> u64 {
    let mut z = state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Dice {
    /// Dice that fall the same for the same seed.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        mix(self.0)
    }

    /// A number below `end`, 0 where that is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        if end == 0 { 0 } else { self.bits() % end }
    }

    /// A place in a list of `len`.
    pub fn place(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// Whether something happens that happens `in_hundred` times of a hundred.
    pub fn happens(&mut self, in_hundred: u64) -> bool {
        self.below(100) < in_hundred
    }

    /// One of these.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.place(of.len())]
    }
}

/// Randomness for the system under test, from a seed.
pub(crate) fn chance(seed: u64) -> Chance {
    let state = Arc::new(AtomicU64::new(seed));
    Chance::new(move || mix(state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP)))
}

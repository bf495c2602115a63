//! The programme that tries to break the promises of docs/sync.md: nothing lost, nothing twice, nothing stuck. What
//! people did is written down outside of the system, and afterwards every line of that is asked for.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test programme that cannot go on ends"
)]

pub mod cluster;
pub mod disk;
pub mod fuzz;
#[cfg(feature = "planted")]
pub mod planted;
pub mod poison;
pub mod simulation;

use aisle_domain::Chance;
use aisle_testkit::dice::Dice;

/// Randomness for the system under test, from a seed.
pub(crate) fn chance(seed: u64) -> Chance {
    let dice = std::sync::Mutex::new(Dice::new(seed));
    Chance::new(move || dice.lock().unwrap().bits())
}

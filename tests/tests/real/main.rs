//! The reference centre and desks on a real cluster of three machines, without the programs around them.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

mod town;
mod two_desks;
mod worker;

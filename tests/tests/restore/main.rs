//! Copies, backups and histories: whatever is lost, copied or brought back, no change is dropped in silence and none
//! takes effect twice.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

mod epoch;
mod forks;
mod remirror;
mod t8;
mod world;

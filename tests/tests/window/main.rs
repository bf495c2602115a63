//! The real window, driven as a person would: each test starts the program with a folder of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]
#![allow(clippy::print_stderr, reason = "what was skipped, and why a test failed, must be seen")]

mod busy;
mod cluster;
mod finding;
mod fine;
mod first;
mod journey;
mod line;
mod picking;
mod shell;
mod staff;
mod store;

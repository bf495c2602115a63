//! Use cases of a desk over a real mirror, without a line.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

mod auto_accept;
mod capacity;
mod finding;
mod mend;
mod payments;
mod picking;
mod printing;
mod report;
mod shifts;
mod shop;
mod staff;

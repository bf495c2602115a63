//! What tests, benchmarks and `make cluster` stand on: a real Kafka cluster on this machine, a disk that
//! fails on purpose, and named fixtures.

pub mod allocations;
pub mod asked;
pub mod dice;
#[cfg(feature = "disk")]
pub mod disk;
pub mod fixtures;
pub mod kafka;
pub mod mirrored;
pub mod processes;
pub mod processor;
pub mod program;
pub mod proxy;
#[cfg(feature = "window")]
pub mod window;

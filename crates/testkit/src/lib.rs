//! What tests, benchmarks and `make cluster` stand on: a real Kafka cluster on this machine, and named fixtures.

pub mod allocations;
pub mod fixtures;
pub mod kafka;
pub mod processor;
pub mod program;
#[cfg(feature = "window")]
pub mod window;

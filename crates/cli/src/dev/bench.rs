//! Measurements, each beside its limit in the same run, its result checked before its time is told.

#![allow(clippy::float_arithmetic, reason = "times and ratios, never money")]

mod arrival;
mod commit;
mod decision;
mod drain;
mod grounds;
mod measure;
mod ranges;
mod start;
mod town;
mod worker;

use aisle_testkit::allocations::CountingAllocator;
use clap::Args;

use crate::{
    exit::{self, Failure},
    output::Output,
};

/// Row d shows that a decision allocates nothing; the other rows do not pay for it.
#[global_allocator]
static ALLOCATOR: CountingAllocator = CountingAllocator;

#[derive(Debug, Args)]
pub(crate) struct Bench {
    /// The row of the design's table: b1, b2, d, e, f, h, j or l
    row: String,
    /// How often ours and the peer are measured, by turns
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Changes that are drained in a round of b1 (100,000), applied in one of h and received in one of l (20,000)
    #[arg(long)]
    changes: Option<usize>,
    /// Cases of d that are compared with `rust_decimal`
    #[arg(long, default_value_t = 10_000_000)]
    cases: u64,
    /// Items in the mirror that f starts over
    #[arg(long, default_value_t = 1_000_000)]
    items: usize,
}

pub(super) fn run(bench: &Bench, output: Output) -> Result<u8, Failure> {
    let rounds = bench.rounds.max(1);
    let found = match bench.row.as_str() {
        "b1" => drain::run(rounds, bench.changes.unwrap_or(100_000)),
        "b2" => decision::run(rounds),
        "d" => ranges::run(rounds, bench.cases),
        "e" => commit::run(rounds),
        "f" => start::run(rounds, bench.items),
        "h" => worker::run(rounds, bench.changes.unwrap_or(20_000)),
        "j" => arrival::run(rounds),
        "l" => drain::after_a_day(rounds, bench.changes.unwrap_or(20_000)),
        other => {
            let there = "there are b1, b2, d, e, f, h, j, l";
            Err(Failure::new("not_yet", format!("row {other} is not measured here; {there}")))
        }
    }?;
    output.result(&found)?;
    Ok(exit::OK)
}

fn failed(what: &str, error: impl std::fmt::Display) -> Failure {
    Failure::new("unexpected", format!("{what}: {error}"))
}

#[allow(clippy::needless_pass_by_value, reason = "it is handed to map_err")]
fn io(error: std::io::Error) -> Failure {
    Failure::new("io_error", format!("the measurement's own file: {error}"))
}

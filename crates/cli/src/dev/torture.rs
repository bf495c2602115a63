//! The programme that tries to break the promises, part by part.

use std::time::Duration;

use aisle_torture::simulation::{many, told};
use clap::Args;
use serde_json::json;

use crate::{
    exit::{self, Failure},
    output::Output,
};

#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// The part: T9
    part: String,
    /// How many runs
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long a failing run is made shorter.
const SHORTEN: Duration = Duration::from_secs(60);

pub(super) fn run(torture: &Torture, output: Output) -> Result<u8, Failure> {
    if !torture.part.eq_ignore_ascii_case("T9") {
        let message = format!("part {} is not run from here; there is T9", torture.part);
        return Err(Failure::new("not_yet", message));
    }
    let (counters, failed) = many(torture.seed, torture.runs);
    output.result(&json!({
        "runs": counters.runs,
        "acts": counters.acts,
        "faults": counters.faults,
        "kills": counters.kills,
        "lost": counters.lost,
        "doubled": counters.doubled,
        "stuck": counters.stuck,
        "wrong": counters.wrong,
        "longest_heal_ms": counters.longest_heal_ms,
        "seed": torture.seed,
    }))?;
    if let Some((plan, report)) = failed {
        output.message(&told(&plan, &report, SHORTEN))?;
        return Ok(exit::PROBLEMS);
    }
    Ok(exit::OK)
}

//! The programme that tries to break the promises, part by part.

use std::time::Duration;

use aisle_torture::{
    disk::{self, cuts, errors, kills},
    simulation::{many, told},
};
use clap::Args;
use serde_json::json;

use crate::{
    exit::{self, Failure},
    output::Output,
};

#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// The part: T1 kills, T2 power cuts, T3 failing calls, T9 simulated worlds
    part: String,
    /// How many kills, cuts, faults or worlds
    #[arg(long, default_value_t = 1_000)]
    runs: u64,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How long a failing run is made shorter.
const SHORTEN: Duration = Duration::from_secs(60);
/// Failures that are told in words.
const TOLD: usize = 5;

pub(super) fn run(torture: &Torture, output: Output) -> Result<u8, Failure> {
    match torture.part.to_ascii_uppercase().as_str() {
        "T1" => on_disk(torture, kills::run, output),
        "T2" => on_disk(torture, cuts::run, output),
        "T3" => on_disk(torture, errors::run, output),
        "T9" => worlds(torture, output),
        other => {
            let message = format!("part {other} is not run from here; there are T1, T2, T3, T9");
            Err(Failure::new("not_yet", message).with_hint("scripts/torture.sh runs every part there is"))
        }
    }
}

fn on_disk(torture: &Torture, part: fn(u64, u64) -> disk::Counters, output: Output) -> Result<u8, Failure> {
    let counters = part(torture.seed, torture.runs);
    output.result(&json!({
        "runs": counters.runs,
        "kills": counters.runs,
        "answered": counters.answered,
        "lost": counters.lost,
        "torn": counters.torn,
        "seed": torture.seed,
    }))?;
    for failure in counters.failures.iter().take(TOLD) {
        output.message(failure)?;
    }
    Ok(if counters.failures.is_empty() { exit::OK } else { exit::PROBLEMS })
}

fn worlds(torture: &Torture, output: Output) -> Result<u8, Failure> {
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

//! The programme that tries to break the promises, part by part.

mod portions;

use std::{path::PathBuf, time::Duration};

use aisle_testkit::kafka::Kit;
use aisle_torture::{
    cluster::{Counters, Ground, Hurts, Size, chain, growth, silence, soak, storm, t5, t6, t7, t11, went_on_soon},
    disk::{self, cuts, errors, kills},
    simulation::{many, told},
};
use clap::Args;
use portions::Plan;
use serde_json::json;

use crate::{
    exit::{self, Failure},
    output::Output,
};

#[derive(Debug, Args)]
pub(crate) struct Torture {
    /// The part: T1 kills, T2 power cuts, T3 failing calls, T5 fail-overs, T6 broken lines, T7 lost clusters, T9 simulated
    /// worlds, T11 workers, T15 soak, chain many stores, growth, silence, the storm
    part: String,
    /// How many runs, faults, or minutes; as many as the part's whole run has without this
    #[arg(long)]
    runs: Option<u64>,
    /// The first seed
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Stores, where the part is on a real cluster
    #[arg(long)]
    stores: Option<usize>,
    /// Acts a second, where the part is on a real cluster
    #[arg(long)]
    rate: Option<u64>,
    /// Items on the shelf that T15 works on, beside those of the days
    #[arg(long, default_value_t = 1_000_000)]
    items: u64,
    /// Worker processes, where the part is on a real cluster
    #[arg(long)]
    workers: Option<usize>,
    /// Where the portions of T5, T6, T7 and T11 are written down: those that stand there are not played again
    #[arg(long)]
    journal: Option<PathBuf>,
    /// The store's days that T15 and the storm play
    #[arg(long, env = "AISLE_STORE_FOLDER", default_value = "demo")]
    days: PathBuf,
}

/// How long a failing run is made shorter.
const SHORTEN: Duration = Duration::from_secs(60);
/// Failures that are told in words.
const TOLD: usize = 5;

pub(super) fn run(torture: &Torture, output: Output) -> Result<u8, Failure> {
    match torture.part.to_uppercase().as_str() {
        "T1" => on_disk(torture, 20_000, kills::run, output),
        "T2" => on_disk(torture, 50_000, cuts::run, output),
        "T3" => on_disk(torture, 5_000, errors::run, output),
        "T9" => simulated(torture, output),
        part => on_a_cluster(torture, part, output),
    }
}

fn on_disk(
    torture: &Torture,
    runs: u64,
    part: fn(u64, u64) -> disk::Counters,
    output: Output,
) -> Result<u8, Failure> {
    let counters = part(torture.seed, torture.runs.unwrap_or(runs));
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

fn on_a_cluster(torture: &Torture, part: &str, output: Output) -> Result<u8, Failure> {
    let dir = tempfile::tempdir().map_err(|e| Failure::new("unexpected", format!("no folder: {e}")))?;
    let program =
        std::env::current_exe().map_err(|e| Failure::new("unexpected", format!("this program's path: {e}")))?;
    let ground = Ground { kit: Kit::find()?, program, dir: dir.path().into(), seed: torture.seed };
    let runs = |otherwise| torture.runs.unwrap_or(otherwise);
    let size = |stores, rate, workers| Size {
        stores: torture.stores.unwrap_or(stores),
        rate: torture.rate.unwrap_or(rate),
        workers: torture.workers.unwrap_or(workers),
    };
    let plan = |part, whole, portion, size: Size| Plan {
        part,
        runs: runs(whole),
        portion,
        size: format!("{size:?}"),
        journal: torture.journal.as_deref(),
    };
    let counters = match part {
        "T5" => {
            let size = size(8, 30, 2);
            went_on_soon(plan("T5", 150, 30, size).play(&ground, |ground, runs| t5(ground, runs, size))?)
        }
        "T6" => {
            let size = size(4, 20, 1);
            plan("T6", 3_000, 300, size).play(&ground, |ground, runs| t6(ground, runs, size))?
        }
        "T7" => {
            let size = size(4, 20, 2);
            plan("T7", 20, 5, size).play(&ground, |ground, runs| t7(ground, runs, size))?
        }
        "T11" => {
            let size = size(3, 6, 2);
            plan("T11", 3_000, 300, size).play(&ground, |ground, kills| {
                let hurts = Hurts { kills, rebalances: kills.div_ceil(10), zombies: kills.div_ceil(30) };
                t11(ground, hurts, size)
            })?
        }
        // Minutes.
        "CHAIN" => chain(&ground, runs(5), size(200, 60, 4)),
        // Minutes.
        "T15" => soak(&ground, runs(10), torture.items, &torture.days),
        "GROWTH" => growth(&ground, size(10, 30, 2)),
        "SILENCE" => silence(&ground),
        // Two hours, something every 20 seconds.
        "STORM" => storm(&ground, runs(360), size(4, 0, 3), &torture.days),
        _ => {
            let message = format!("there is no part {}", torture.part);
            return Err(Failure::new("usage", message)
                .with_hint("T1, T2, T3, T5, T6, T7, T9, T11, T15, chain, growth, silence or storm"));
        }
    };
    shown(&counters, output)
}

fn shown(counters: &Counters, output: Output) -> Result<u8, Failure> {
    output.result(&json!({
        "part": counters.part,
        "hurts": counters.hurts,
        "seen": counters.seen,
        "acts": counters.acts,
        "lost": counters.lost,
        "doubled": counters.doubled,
        "stuck": counters.stuck,
        "wrong": counters.wrong,
        "longest_stall_ms": counters.stalls.of_hundred(100),
        "longest_told_ms": counters.told.of_hundred(100),
        "longest_heal_ms": counters.heals.of_hundred(100),
        "line": counters.to_string(),
        "seed": counters.seed,
    }))?;
    match &counters.failure {
        None => Ok(exit::OK),
        Some(failure) => {
            output.message(&format!("{failure:?}"))?;
            Ok(exit::PROBLEMS)
        }
    }
}

fn simulated(torture: &Torture, output: Output) -> Result<u8, Failure> {
    let (counters, failed) = many(torture.seed, torture.runs.unwrap_or(10_000));
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
    if !counters.is_telling() {
        output.message("too little was done to say anything")?;
        return Ok(exit::PROBLEMS);
    }
    Ok(exit::OK)
}

//! T9: stores, workers and a centre in one thread, on a simulated clock, simulated disks and an in-process bus, while things
//! break; then everything is healed and must come to rest. The same seed is the same run.

pub(crate) mod acts;
pub(crate) mod desk;
mod line;
mod machine;
mod many;
pub(crate) mod oracle;
mod plan;
mod shrink;
mod time;
mod world;

pub(crate) use acts::next as next_act;
pub use many::{many, told};
pub use plan::{Plan, Shape, Step, What};
pub use shrink::shrunk;
pub(crate) use world::order_line;
pub use world::{Failure, Report};

/// Plays one plan.
pub fn play(plan: &Plan) -> Report {
    world::play(plan)
}

/// Plays a calm plan twice, once with desks' clocks that jump: answers how often they did, and what was different.
///
/// # Errors
/// The first line that is another one, or what failed in one of the two.
pub fn with_jumping_clocks(seed: u64) -> Result<u64, String> {
    let plan = Plan::calm(seed);
    let (right, outcome) = world::play_by(&plan, None);
    let (jumped, other) = world::play_by(&plan, Some(seed ^ 0x13));
    if let Some(failure) = right.failure.or(jumped.failure) {
        return Err(format!("{failure:?}"));
    }
    if right.acts == 0 {
        return Err("nobody did anything".into());
    }
    match outcome.lines().zip(other.lines()).find(|(one, other)| one != other) {
        Some((one, other)) => Err(format!("\"{one}\" with right clocks, \"{other}\" with clocks that jump")),
        None if outcome == other => Ok(jumped.faults),
        None => Err("one has more of it than the other".into()),
    }
}

/// What many runs came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Counters {
    /// Plans that were played.
    pub runs: u64,
    /// Acts that were said to be done.
    pub acts: u64,
    /// Things that broke.
    pub faults: u64,
    /// Desks and workers that were killed.
    pub kills: u64,
    /// Computers that lost their power.
    pub power_cuts: u64,
    /// Acts that are nowhere.
    pub lost: u64,
    /// Acts with more than one effect.
    pub doubled: u64,
    /// Runs that did not come to rest.
    pub stuck: u64,
    /// Runs in which something else is not as it must be.
    pub wrong: u64,
    /// The longest time from healing to rest, simulated milliseconds.
    pub longest_heal_ms: u64,
}

/// So many runs have faults, kills and power cuts among them, whatever their seeds.
const SOME: u64 = 20;

impl Counters {
    /// Whether enough was done and broken to say anything: a few runs may have been quiet ones.
    pub const fn is_telling(&self) -> bool {
        self.runs < SOME || self.acts > 0 && self.faults > 0 && self.kills > 0 && self.power_cuts > 0
    }

    /// Adds one run.
    pub fn add(&mut self, report: &Report) {
        self.runs += 1;
        self.acts += report.acts;
        self.faults += report.faults;
        self.kills += report.kills;
        self.power_cuts += report.power_cuts;
        self.longest_heal_ms = self.longest_heal_ms.max(report.heal_ms);
        match &report.failure {
            None => {}
            Some(Failure::Lost(_)) => self.lost += 1,
            Some(Failure::Doubled(_)) => self.doubled += 1,
            Some(Failure::Stuck(_)) => self.stuck += 1,
            Some(Failure::Wrong(_)) => self.wrong += 1,
        }
    }
}

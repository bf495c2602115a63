//! What happens in a run, drawn from its seed before it begins: a plan can be played again, whole or with steps left out.

use aisle_testkit::dice::Dice;

use super::line::Cut;

/// How large the world of a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Stores.
    pub stores: usize,
    /// Desks of each.
    pub desks: usize,
    /// Worker processes of the centre.
    pub processes: usize,
    /// Partitions of `aisle.changes`.
    pub partitions: i32,
}

/// Something that happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    /// Somebody acts at a desk.
    Act,
    /// Somebody takes their last act back.
    Withdraw,
    /// Held changes of a desk are released.
    Release,
    /// Somebody presses "Send now".
    PushNow,
    /// A customer orders.
    Order,
    /// A shopper pays.
    Payment,
    /// A customer cancels.
    Cancel,
    /// Central changes an item, or adds one.
    SetItem,
    /// Central removes an item.
    RemoveItem,
    /// Central sets a range.
    SetRange,
    /// Time passes.
    Nothing,
    /// A desk's line breaks.
    CutDesk(Cut),
    /// All desks' lines work again.
    MendDesks,
    /// A worker process's line breaks.
    CutProcess(Cut),
    /// All workers' lines work again.
    MendProcesses,
    /// A desk is killed and started again.
    KillDesk,
    /// A worker process is killed; it is started again later.
    KillProcess,
    /// The next worker that comes to a certain point dies there.
    Strike,
    /// A worker process stands still, believing that it owns what it owned.
    Freeze,
    /// Killed and frozen processes go on.
    Revive,
    /// A desk's database is backed up.
    BackUpDesk,
    /// A desk's database is restored from its last backup.
    RestoreDesk,
    /// Central's database is backed up.
    BackUpCentral,
    /// Central's database is restored from its last backup, and begins another history.
    RestoreCentral,
    /// Something of a desk's disk fails soon, or its computer ends in the midst of a call.
    DeskDisk,
    /// Something of the disk fails soon that central's database is on, or the computer ends with all its processes.
    CentralDisk,
    /// Nothing of any disk fails any more, and full ones have room.
    MendDisks,
    /// A desk's clock is set wrong.
    DeskClock,
    /// Central's clock is set wrong.
    CentralClock,
    /// The cluster compacts.
    Compact,
    /// The cluster forgets the oldest changes.
    Trim,
    /// The cluster is lost, and another is set up at its address.
    Rebuild,
    /// `aisle.changes` gets more partitions.
    Grow,
}

/// One step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Time that passes before it, milliseconds.
    pub after_ms: i64,
    /// What happens.
    pub what: What,
    /// To whom, and who moves on afterwards.
    pub dice: u64,
}

/// A run before it is played.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// What it was drawn from.
    pub seed: u64,
    /// The size of its world.
    pub shape: Shape,
    /// What happens, in order.
    pub steps: Vec<Step>,
}

/// A kind of fault and how often it comes when it is in the mix.
type Weight = (u64, What);

const LIFE: [Weight; 11] = [
    (30, What::Act),
    (3, What::Withdraw),
    (3, What::Release),
    (4, What::PushNow),
    (9, What::Order),
    (7, What::Payment),
    (2, What::Cancel),
    (6, What::SetItem),
    (1, What::RemoveItem),
    (2, What::SetRange),
    (20, What::Nothing),
];

/// Each run has some of these, so that rare mixtures come up as well as common ones.
fn faults(dice: &mut Dice) -> Vec<Weight> {
    let cut = *dice.pick(&Cut::ALL).unwrap();
    let other = *dice.pick(&Cut::ALL).unwrap();
    let all: [&[Weight]; 17] = [
        &[(5, What::CutDesk(cut)), (4, What::MendDesks)],
        &[(5, What::CutDesk(other)), (4, What::MendDesks)],
        &[(4, What::CutProcess(cut)), (4, What::MendProcesses)],
        &[(4, What::CutProcess(other)), (4, What::MendProcesses)],
        &[(5, What::KillDesk)],
        &[(4, What::KillProcess), (4, What::Revive)],
        &[(5, What::Strike), (4, What::Revive)],
        &[(4, What::Freeze), (4, What::Revive)],
        &[(3, What::BackUpDesk), (3, What::RestoreDesk)],
        &[(2, What::BackUpCentral), (1, What::RestoreCentral)],
        &[(5, What::DeskDisk), (2, What::MendDisks)],
        &[(4, What::CentralDisk), (2, What::MendDisks)],
        &[(4, What::DeskClock)],
        &[(2, What::CentralClock)],
        &[(4, What::Compact)],
        &[(2, What::Trim)],
        &[(2, What::Rebuild)],
    ];
    let mut chosen: Vec<Weight> =
        all.iter().filter(|_| dice.chance(35, 100)).flat_map(|some| some.iter().copied()).collect();
    if dice.chance(10, 100) {
        chosen.push((2, What::Grow));
    }
    chosen
}

fn draw(dice: &mut Dice, weights: &[Weight]) -> What {
    let mut left = dice.below(weights.iter().map(|(weight, _)| weight).sum());
    for (weight, what) in weights {
        if left < *weight {
            return *what;
        }
        left -= weight;
    }
    What::Nothing
}

/// Mostly small worlds, in which things meet; now and then a large one.
fn shape(dice: &mut Dice) -> Shape {
    let stores = match dice.below(100) {
        0 => 100,
        1..10 => 4 + dice.index(9),
        _ => 1 + dice.index(3),
    };
    let desks = if stores > 12 { 1 } else { 1 + dice.index(2) };
    let partitions = 1 + i32::try_from(dice.below(5)).unwrap();
    Shape { stores, desks, processes: 1 + dice.index(4), partitions }
}

impl Plan {
    /// The plan of a seed.
    pub fn of(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let shape = shape(&mut dice);
        let mut weights = LIFE.to_vec();
        weights.extend(faults(&mut dice));
        Self::draw(seed, shape, &weights, dice)
    }

    /// One in which nothing breaks.
    pub fn calm(seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0xca1);
        let shape = Shape { stores: 1 + dice.index(2), desks: 1 + dice.index(2), processes: 1, partitions: 2 };
        Self::draw(seed, shape, &LIFE, dice)
    }

    fn draw(seed: u64, shape: Shape, weights: &[Weight], mut dice: Dice) -> Self {
        let count = 60 + dice.index(120) + 4 * shape.stores;
        let steps = (0..count).map(|_| {
            let after_ms = match dice.below(20) {
                0 => 20_000 + dice.below(300_000),
                1..5 => 1_000 + dice.below(6_000),
                _ => dice.below(400),
            };
            let what = draw(&mut dice, weights);
            Step { after_ms: i64::try_from(after_ms).unwrap(), what, dice: dice.bits() }
        });
        let steps = steps.collect();
        Self { seed, shape, steps }
    }
}

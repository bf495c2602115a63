//! Row d: decisions on payments from the range cache, beside plain concurrent maps with the same keys; what they
//! decide, beside the same rules in `rust_decimal`.

use std::{hint::black_box, time::Instant};

use aisle_domain::{AmountRange, Money, OrderId, Policies, StoreId, Timestamp, Verdict, range::judge};
use aisle_mirror::RangeCache;
use aisle_testkit::allocations;
use dashmap::DashMap;
use foldhash::fast::RandomState;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::{
    measure::{Meter, Round, Row, Samples, Spent, micros, short},
    town::{SEED, SplitMix},
};
use crate::exit::Failure;

const RANGES: usize = 1_000_000;
const BATCH: usize = 1_000;
/// Batches of each map in a round.
const BATCHES: usize = 1_000;
/// Of the first order.
const FIRST: i64 = 31_198_000_001;

type Key = (i64, i64);
type Range = (i64, i64);

/// A payment that asks.
#[derive(Debug, Clone, Copy)]
struct Ask {
    order: OrderId,
    amount: Money,
}

/// The maps that are measured, with the same ranges in all of them.
struct Maps {
    store: StoreId,
    ours: RangeCache,
    papaya: papaya::HashMap<Key, Range, RandomState>,
    dashmap: DashMap<Key, Range, RandomState>,
}

pub(super) fn run(rounds: usize, cases: u64) -> Result<Value, Failure> {
    let maps = Maps::fill()?;
    let asks = maps.asks(SplitMix(SEED), BATCH * BATCHES)?;
    let allocated = maps.allocations(&asks);
    let (compared, different) = compare_with_decimal(cases);
    let mut measured = Measured::default();
    let mut told = Vec::new();
    let mut agree = true;
    for round in 0..rounds {
        let (round, same) = maps.round(round, &asks, &mut measured);
        told.push(round);
        agree &= same;
    }
    let [ours, papaya, dashmap] = measured.samples.each_ref();
    let best = if papaya.quantile(50) <= dashmap.quantile(50) { ("papaya", papaya) } else { ("dashmap", dashmap) };
    let nanos = |samples: &Samples, percent: usize| short(micros(samples.quantile(percent)));
    let row = Row {
        name: "d",
        unit: "us for 1,000 decisions",
        data: format!(
            "{RANGES} orders, ranges by the store's policies of made-up amounts, asked in random order; SplitMix64 seed {SEED}"
        ),
        peer: "the faster of papaya and dashmap in that round, both with foldhash, looked up and judged in the same loop",
        n: ours.len() * BATCH,
        goal_met: super::measure::median(told.iter().map(|r: &Round| r.ratio()).collect()) <= 1.2,
        rounds: told,
        checked: agree && allocated == 0 && allocations::is_counting() && different == 0,
        goal: "median ratio <= 1.2, 0 allocations, every case as rust_decimal says",
        facts: json!({
            "p50": { "ours": nanos(ours, 50), "papaya": nanos(papaya, 50), "dashmap": nanos(dashmap, 50), "best": best.0 },
            "p99": { "ours": nanos(ours, 99), "papaya": nanos(papaya, 99), "dashmap": nanos(dashmap, 99) },
            "cpu_s": {
                "ours": short(measured.cpu(0)), "papaya": short(measured.cpu(1)), "dashmap": short(measured.cpu(2)),
            },
            "allocations": allocated, "cases": compared, "cases_different": different,
        }),
    };
    Ok(row.told())
}

/// Of our cache, papaya and dashmap.
#[derive(Default)]
struct Measured {
    samples: [Samples; 3],
    spent: [Spent; 3],
}

impl Measured {
    fn cpu(&self, place: usize) -> f64 {
        self.spent.get(place).map_or(f64::NAN, |spent| spent.cpu.as_secs_f64())
    }
}

impl Maps {
    fn fill() -> Result<Self, Failure> {
        let maps = Self {
            store: StoreId::new(367)?,
            ours: RangeCache::default(),
            papaya: papaya::HashMap::default(),
            dashmap: DashMap::default(),
        };
        // One after another: side by side in memory, each look-up would fetch the next map's answer along.
        for (order, range) in Self::ranges()? {
            maps.ours.insert(order, maps.store, range.amount_lo, range.amount_hi);
        }
        let pairs = |(order, range): (OrderId, AmountRange)| {
            ((order.get(), maps.store.get()), (range.amount_lo.minor(), range.amount_hi.minor()))
        };
        for (key, range) in Self::ranges()?.into_iter().map(pairs) {
            maps.papaya.pin().insert(key, range);
        }
        for (key, range) in Self::ranges()?.into_iter().map(pairs) {
            maps.dashmap.insert(key, range);
        }
        Ok(maps)
    }

    fn ranges() -> Result<Vec<(OrderId, AmountRange)>, Failure> {
        let mut random = SplitMix(SEED);
        (0..RANGES).map(|place| Ok((order(place)?, range_of(random.below(50_000))))).collect()
    }

    /// Payments around the ranges, in random order.
    fn asks(&self, mut random: SplitMix, count: usize) -> Result<Vec<Ask>, Failure> {
        let below = |random: &mut SplitMix, end: usize| {
            usize::try_from(random.below(u64::try_from(end).unwrap_or(1))).unwrap_or(0)
        };
        (0..count)
            .map(|_| {
                let order = order(below(&mut random, RANGES))?;
                let (lo, hi) = self.ours.get(order, self.store).unwrap_or_default();
                let width = u64::try_from(hi.minor() - lo.minor() + 201).unwrap_or(1);
                let past = i64::try_from(random.below(width)).unwrap_or(0) - 100;
                Ok(Ask { order, amount: Money::from_minor(lo.minor() + past) })
            })
            .collect()
    }

    fn ours(&self, asks: &[Ask]) -> usize {
        count(asks, |ask| self.ours.get(ask.order, self.store))
    }

    fn papaya(&self, asks: &[Ask]) -> usize {
        count(asks, |ask| self.papaya.pin().get(&(ask.order.get(), self.store.get())).copied().map(money))
    }

    fn dashmap(&self, asks: &[Ask]) -> usize {
        count(asks, |ask| self.dashmap.get(&(ask.order.get(), self.store.get())).map(|range| money(*range)))
    }

    fn allocations(&self, asks: &[Ask]) -> u64 {
        // A thread's first look takes its place among the readers: once in its life, not once a decision.
        black_box(self.ours(asks.get(..BATCH).unwrap_or_default()));
        allocations::count(|| {
            black_box(self.ours(asks));
        })
    }

    /// Batches in turns, another map first each time; answers whether all decided alike.
    fn round(&self, round: usize, asks: &[Ask], measured: &mut Measured) -> (Round, bool) {
        let decide: [fn(&Self, &[Ask]) -> usize; 3] = [Self::ours, Self::papaya, Self::dashmap];
        let mut now: [Samples; 3] = Default::default();
        let mut agree = true;
        for (turn, batch) in asks.chunks(BATCH).enumerate() {
            let mut inside = [0; 3];
            for step in 0..decide.len() {
                let place = (round + turn + step) % decide.len();
                let (Some(decide), Some(samples), Some(spent), Some(inside)) =
                    (decide.get(place), now.get_mut(place), measured.spent.get_mut(place), inside.get_mut(place))
                else {
                    continue;
                };
                let meter = Meter::start();
                let start = Instant::now();
                *inside = black_box(decide(self, black_box(batch)));
                samples.push(start.elapsed());
                spent.cpu += meter.stop().cpu;
            }
            agree &= inside.iter().all(|found| Some(found) == inside.first());
        }
        for (all, now) in measured.samples.iter_mut().zip(&now) {
            all.extend(now);
        }
        let [ours, papaya, dashmap] = now.map(|samples| samples.quantile(50));
        let round = Round { ours: micros(ours), peer: micros(papaya.min(dashmap)) };
        (round, agree)
    }
}

fn money((lo, hi): Range) -> (Money, Money) {
    (Money::from_minor(lo), Money::from_minor(hi))
}

/// Decides all and answers how many lie inside.
fn count(asks: &[Ask], range: impl Fn(&Ask) -> Option<(Money, Money)>) -> usize {
    asks.iter()
        .filter(|ask| range(ask).is_some_and(|(lo, hi)| judge(lo, hi, ask.amount) == Verdict::Inside))
        .count()
}

fn order(place: usize) -> Result<OrderId, Failure> {
    Ok(OrderId::new(FIRST + i64::try_from(place).unwrap_or(0) * 7)?)
}

fn range_of(cents: u64) -> AmountRange {
    let expected = Money::from_minor(i64::try_from(cents).unwrap_or(0));
    AmountRange::derive(expected, &Policies::default(), 1, Timestamp::from_millis(0), "central")
}

/// The range and the verdict of made-up payments, by us and by `rust_decimal`; answers how many were compared and
/// how many differ.
fn compare_with_decimal(cases: u64) -> (u64, u64) {
    let mut random = SplitMix(SEED + 1);
    let (low, high) = (Decimal::new(70, 2), Decimal::new(110, 2));
    let mut different = 0;
    for _ in 0..cases {
        let expected = random.below(100_000);
        let range = range_of(expected);
        let cents = |end: u64, random: &mut SplitMix| i64::try_from(random.below(end)).unwrap_or(0);
        // Most payments of a real store lie close to what was expected: the ends are met often.
        let amount =
            i64::try_from(expected).unwrap_or(0) * (60 + cents(60, &mut random)) / 100 + cents(3, &mut random) - 1;
        let used = if random.below(8) == 0 { cents(500, &mut random) } else { 0 };
        let ours = range.judge(Money::from_minor(amount), Money::from_minor(used));
        let exact = Decimal::new(i64::try_from(expected).unwrap_or(0), 2);
        let lo = (exact * low).round_dp_with_strategy(2, RoundingStrategy::ToNegativeInfinity);
        let hi = (exact * high).round_dp_with_strategy(2, RoundingStrategy::ToPositiveInfinity);
        let total = Decimal::new(used, 2) + Decimal::new(amount, 2);
        let exact = if total < lo {
            Verdict::Below
        } else if total > hi {
            Verdict::Above
        } else {
            Verdict::Inside
        };
        different +=
            u64::from(ours != exact || range.amount_lo.to_decimal() != lo || range.amount_hi.to_decimal() != hi);
    }
    (cases, different)
}

//! What every row has in common: times, quantiles, rounds, versions, and the answer's shape.

use std::{
    process::Command,
    time::{Duration, Instant},
};

use aisle_testkit::processor;
use serde_json::{Map, Value, json};

/// Times that were measured one by one.
#[derive(Debug, Default, Clone)]
pub(super) struct Samples(Vec<Duration>);

impl Samples {
    pub(super) fn push(&mut self, time: Duration) {
        self.0.push(time);
    }

    pub(super) fn extend(&mut self, others: &Self) {
        self.0.extend_from_slice(&others.0);
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time that `percent` of a hundred samples do not exceed.
    pub(super) fn quantile(&self, percent: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let place = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        sorted.get(place).copied().unwrap_or_default()
    }
}

/// Wall and processor time of a piece of work.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Spent {
    pub(super) wall: Duration,
    pub(super) cpu: Duration,
}

/// Measures from here on.
pub(super) struct Meter {
    wall: Instant,
    cpu: Duration,
}

impl Meter {
    pub(super) fn start() -> Self {
        Self { wall: Instant::now(), cpu: processor::used() }
    }

    pub(super) fn stop(&self) -> Spent {
        Spent { wall: self.wall.elapsed(), cpu: processor::used().saturating_sub(self.cpu) }
    }
}

/// Ours beside the peer's, in the row's unit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Round {
    pub(super) ours: f64,
    pub(super) peer: f64,
}

impl Round {
    pub(super) fn ratio(self) -> f64 {
        self.ours / self.peer
    }
}

/// One measured row.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) unit: &'static str,
    /// What the data is and the seed it comes from.
    pub(super) data: String,
    pub(super) peer: &'static str,
    /// What was measured in all.
    pub(super) n: usize,
    pub(super) rounds: Vec<Round>,
    pub(super) checked: bool,
    pub(super) goal: &'static str,
    pub(super) goal_met: bool,
    /// What only this row tells.
    pub(super) facts: Value,
}

impl Row {
    /// The answer, as every row gives it.
    pub(super) fn told(self) -> Value {
        let ratios: Vec<f64> = self.rounds.iter().map(|round| round.ratio()).collect();
        let rounds: Vec<Value> = self
            .rounds
            .iter()
            .map(|r| json!({ "ours": short(r.ours), "peer": short(r.peer), "ratio": short(r.ratio()) }))
            .collect();
        let mut told = json!({
            "row": self.name, "unit": self.unit, "n": self.n, "rounds": rounds,
            "median_ratio": short(median(ratios)), "checked": self.checked, "goal": self.goal,
            "goal_met": self.checked && self.goal_met, "peer": self.peer, "data": self.data,
            "command": std::env::args().collect::<Vec<_>>().join(" "), "versions": versions(),
        });
        if let (Value::Object(told), Value::Object(facts)) = (&mut told, self.facts) {
            told.extend(facts);
        }
        told
    }
}

/// The middle of some figures; of an even number the mean of the two in the middle.
pub(super) fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    let at = |place: usize| figures.get(place).copied().unwrap_or(f64::NAN);
    if figures.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle.wrapping_sub(1)), at(middle)) }
}

/// Four significant digits are more than a measurement has.
pub(super) fn short(figure: f64) -> f64 {
    if figure == 0.0 || !figure.is_finite() {
        return figure;
    }
    format!("{figure:.3e}").parse().unwrap_or(figure)
}

pub(super) fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000_000.0
}

pub(super) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}

/// Median, p99 and number of some times, in milliseconds.
pub(super) fn spread_ms(samples: &Samples) -> Value {
    json!({
        "n": samples.len(), "p50": short(millis(samples.quantile(50))), "p99": short(millis(samples.quantile(99))),
    })
}

fn versions() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output();
    let rustc = rustc.map(|out| String::from_utf8_lossy(&out.stdout).into_owned()).unwrap_or_default();
    let of_rustc = |name: &str| {
        rustc.lines().find_map(|line| line.strip_prefix(name)).map_or("unknown", str::trim).to_owned()
    };
    Value::Object(Map::from_iter([
        ("aisle".to_owned(), json!(env!("CARGO_PKG_VERSION"))),
        ("sqlite".to_owned(), json!(rusqlite::version())),
        ("librdkafka".to_owned(), json!(aisle_kafka::bare::version())),
        ("rustc".to_owned(), json!(of_rustc("release:"))),
        ("target".to_owned(), json!(of_rustc("host:"))),
        ("optimised".to_owned(), json!(!cfg!(debug_assertions))),
        ("processors".to_owned(), json!(std::thread::available_parallelism().map_or(0, usize::from))),
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_samples_that_were_measured() {
        let mut samples = Samples::default();
        (1..=200).rev().for_each(|ms| samples.push(Duration::from_millis(ms)));
        assert_eq!(samples.quantile(50), Duration::from_millis(100));
        assert_eq!(samples.quantile(99), Duration::from_millis(198));
        assert_eq!(Samples::default().quantile(50), Duration::ZERO);
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert!((median(vec![3.0, 1.0, 2.0]) - 2.0).abs() < f64::EPSILON);
        assert!((median(vec![4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < f64::EPSILON);
    }
}

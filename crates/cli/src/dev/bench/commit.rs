//! Row e: an order's decision committed with FULL, beside an append of the same bytes and fdatasync, interleaved.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    time::Instant,
};

use aisle_mirror::outbox;
use aisle_sync::{Clock, SystemClock};
use serde_json::{Value, json};

use super::{
    io,
    measure::{Meter, Round, Row, Samples, Spent, micros, short},
    town::{Size, Town, accept, act},
};
use crate::exit::Failure;

/// Decisions in one round.
const PAIRS: usize = 400;
const ITEMS: usize = 1_000;
/// Of a WAL: the frame's header stands before each page.
const FRAME_HEADER: u64 = 24;

pub(super) fn run(rounds: usize) -> Result<Value, Failure> {
    let n = rounds * PAIRS;
    let town = Town::new(Size { items: ITEMS, orders: n })?;
    let clock = SystemClock::default();
    let mirror = town.open_desk()?;
    let index = town.path().join("desk/aisle.db-shm");
    let mut peer_file = OpenOptions::new().create(true).append(true).open(town.path().join("peer")).map_err(io)?;
    let (mut ours, mut peer) = (Samples::default(), Samples::default());
    let (mut ours_cpu, mut peer_cpu) = (Spent::default(), Spent::default());
    let mut told = Vec::new();
    let mut bytes_all = 0;
    for round in 0..rounds {
        let (mut ours_now, mut peer_now) = (Samples::default(), Samples::default());
        for place in round * PAIRS..(round + 1) * PAIRS {
            let decision = act(accept(place)?, clock.now(), false);
            let before = Frames::read(&index)?;
            let meter = Meter::start();
            let start = Instant::now();
            mirror.act(&decision).map_err(aisle_app::AppError::from)?;
            ours_now.push(start.elapsed());
            ours_cpu.cpu += meter.stop().cpu;
            let bytes = Frames::read(&index)?.since(&before);
            bytes_all += bytes;
            let block = vec![7_u8; usize::try_from(bytes).unwrap_or(4096)];
            let meter = Meter::start();
            let start = Instant::now();
            append(&mut peer_file, &block)?;
            peer_now.push(start.elapsed());
            peer_cpu.cpu += meter.stop().cpu;
        }
        let half = |samples: &Samples| micros(samples.quantile(50));
        told.push(Round { ours: half(&ours_now), peer: half(&peer_now) });
        ours.extend(&ours_now);
        peer.extend(&peer_now);
    }
    let ready = mirror.read(|conn| Ok(outbox::counts(conn)?.ready))?;
    let [ours50, ours99, peer50, peer99] =
        [(&ours, 50), (&ours, 99), (&peer, 50), (&peer, 99)].map(|(s, percent)| micros(s.quantile(percent)));
    let row = Row {
        name: "e",
        unit: "us",
        data: town.told(),
        peer: "append of the bytes that the commit added to the WAL, then fdatasync",
        n,
        rounds: told,
        checked: usize::try_from(ready) == Ok(n),
        goal: "p50 <= 1.15 x + 100 us, p99 <= 1.5 x",
        goal_met: ours50 <= 1.15 * peer50 + 100.0 && ours99 <= 1.5 * peer99,
        facts: json!({
            "p50": { "ours": short(ours50), "peer": short(peer50) },
            "p99": { "ours": short(ours99), "peer": short(peer99) },
            "cpu_s": { "ours": short(ours_cpu.cpu.as_secs_f64()), "peer": short(peer_cpu.cpu.as_secs_f64()) },
            "bytes_a_commit": bytes_all / u64::try_from(n.max(1)).unwrap_or(1),
        }),
    };
    Ok(row.told())
}

fn append(file: &mut File, block: &[u8]) -> Result<(), Failure> {
    file.write_all(block).and_then(|()| file.sync_data()).map_err(io)
}

/// How far a WAL is written, from the header of its index: the file's length says nothing once the log began anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Frames {
    last: u32,
    salt: u64,
    page: u64,
}

impl Frames {
    fn read(index: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(index).map_err(io)?;
        Self::of(&bytes).ok_or_else(|| Failure::new("io_error", "the index of the WAL is too short"))
    }

    fn of(bytes: &[u8]) -> Option<Self> {
        let four = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes);
        let page = u16::from_ne_bytes(bytes.get(14..16)?.try_into().ok()?);
        let salt = u64::from_ne_bytes(bytes.get(32..40)?.try_into().ok()?);
        // The largest page does not fit into the field and stands there as 1.
        Some(Self { last: four(16)?, salt, page: if page == 1 { 65_536 } else { page.into() } })
    }

    /// The bytes that were added since.
    fn since(&self, before: &Self) -> u64 {
        let from = if self.salt == before.salt { before.last } else { 0 };
        u64::from(self.last.saturating_sub(from)) * (self.page + FRAME_HEADER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frames(last: u32, salt: u64) -> Frames {
        let mut bytes = vec![0; 48];
        bytes[14..16].copy_from_slice(&4096_u16.to_ne_bytes());
        bytes[16..20].copy_from_slice(&last.to_ne_bytes());
        bytes[32..40].copy_from_slice(&salt.to_ne_bytes());
        Frames::of(&bytes).unwrap()
    }

    #[test]
    fn what_a_commit_adds_is_counted_in_frames_also_after_the_log_began_anew() {
        assert_eq!(frames(12, 1).since(&frames(10, 1)), 2 * 4120);
        assert_eq!(frames(3, 2).since(&frames(1000, 1)), 3 * 4120);
    }
}

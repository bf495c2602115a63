//! Row b2: one decision from its release to central's word on it here, beside what no way can do without: writes to
//! the disk and round trips to the cluster.

use std::{
    fs::OpenOptions,
    io::Write,
    sync::{
        Arc,
        mpsc::{Receiver, channel},
    },
    time::{Duration, Instant},
};

use aisle_central::{Centre, Partitions, Stop, WorkOptions};
use aisle_contract::{Outgoing, TopicNames, partition_of};
use aisle_domain::{ChangeId, OrderStatus};
use aisle_mirror::{ChangeState, Mirror, outbox};
use aisle_sync::{Clock, SyncEngine, SyncEvent, SystemClock};
use serde_json::{Value, json};

use super::{
    grounds::Grounds,
    io,
    measure::{Meter, Round, Row, Samples, millis, short, spread_ms},
    town::{Size, Town, accept, act, order_id, sync_options},
};
use crate::exit::Failure;

/// Decisions in one round.
const DECISIONS: usize = 60;
const ITEMS: usize = 1_000;
const PARTITIONS: i32 = 12;
/// Of the peers' write and of their record: a page, and about what a decision is with its headers.
const BLOCK: usize = 4_096;
const RECORD: usize = 600;
const LONG: Duration = Duration::from_secs(30);
/// Between two decisions: nobody decides faster, and what the one before left behind is done.
const BREATH: Duration = Duration::from_millis(60);

pub(super) fn run(rounds: usize) -> Result<Value, Failure> {
    let n = rounds * DECISIONS;
    let town = Town::new(Size { items: ITEMS, orders: n })?;
    let grounds = Grounds::start(town.path())?;
    let names = TopicNames::new("aisle");
    let centre = town.copy_centre("at-work", names.clone(), &grounds.id)?;
    town.make_topics(&names, &grounds.connect("topics")?)?;
    let stop = Stop::new();
    let options = WorkOptions {
        partitions: Partitions::These(vec![partition_of(town.store, PARTITIONS)]),
        ..WorkOptions::default()
    };
    let central = grounds.connect("central")?;
    let found = std::thread::scope(|scope| {
        let worker = scope.spawn(|| centre.work(&central, &options, &stop));
        let found = decide_all(&town, &grounds, &names, rounds);
        stop.stop();
        worker.join().map_err(|_| Failure::new("unexpected", "the worker ended by a fault"))??;
        found
    })?;
    let sound = found.all_received && are_running(&centre, n)?;
    Ok(told(&town, n, found, sound))
}

/// What was measured in all.
struct Found {
    ours: Samples,
    sync: Samples,
    produce: Samples,
    rounds: Vec<Round>,
    cpu: Duration,
    all_received: bool,
}

/// What the goal allows for a median, of the peers' own.
fn allowed(sync: &Samples, produce: &Samples) -> f64 {
    5.0 * millis(sync.quantile(50)) + 3.0 * millis(produce.quantile(50)) + 10.0
}

fn told(town: &Town, n: usize, found: Found, sound: bool) -> Value {
    let (p50, p99) = (millis(found.ours.quantile(50)), millis(found.ours.quantile(99)));
    let limit = allowed(&found.sync, &found.produce);
    let row = Row {
        name: "b2",
        unit: "ms",
        data: format!("{}; orders accepted one at a time", town.told()),
        peer: "5 x fdatasync of a page + 3 x a bare produce round trip (acks=all, 3 of 3 machines) + 10 ms",
        n,
        rounds: found.rounds,
        checked: sound,
        goal: "p50 <= the peer's, p99 <= 4 x p50",
        goal_met: p50 <= limit && p99 <= 4.0 * p50,
        facts: json!({
            "ours": spread_ms(&found.ours), "fdatasync": spread_ms(&found.sync), "produce": spread_ms(&found.produce),
            "allowed_p50": short(limit), "p99_of_p50": short(p99 / p50),
            "cpu_s": { "ours": short(found.cpu.as_secs_f64()) },
        }),
    };
    row.told()
}

fn decide_all(town: &Town, grounds: &Grounds, names: &TopicNames, rounds: usize) -> Result<Found, Failure> {
    let mirror = town.copy_desk("desk-at-work", &grounds.id)?;
    let (told, heard) = channel();
    let sink = Arc::new(move |event: SyncEvent| {
        if let SyncEvent::Feed(applied) = event
            && applied.received > 0
        {
            // Nobody listens any more once everything is decided.
            let _ = told.send(Instant::now());
        }
    });
    let clock = Arc::new(SystemClock::default());
    let transport = Arc::new(grounds.connect("desk")?);
    let engine = SyncEngine::start(mirror.clone(), transport, sync_options(names), clock, sink);
    wait_until_up(&engine)?;
    let mut desk = Desk { mirror, engine, heard, peers: Peers::new(town, grounds)? };
    let mut found = Found {
        ours: Samples::default(),
        sync: Samples::default(),
        produce: Samples::default(),
        rounds: Vec::new(),
        cpu: Duration::ZERO,
        all_received: true,
    };
    for round in 0..rounds {
        desk.round(round * DECISIONS, &mut found)?;
    }
    Ok(found)
}

fn wait_until_up(engine: &SyncEngine) -> Result<(), Failure> {
    let start = Instant::now();
    while engine.status().clock_offset_ms.is_none() {
        if start.elapsed() > LONG {
            return Err(Failure::new("timed_out", "central did not answer the first heartbeat"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

struct Desk {
    mirror: Mirror,
    engine: SyncEngine,
    heard: Receiver<Instant>,
    peers: Peers,
}

impl Desk {
    fn round(&mut self, first: usize, found: &mut Found) -> Result<(), Failure> {
        let (mut ours, mut sync, mut produce) = (Samples::default(), Samples::default(), Samples::default());
        for place in first..first + DECISIONS {
            let (took, cpu, received) = self.decide(place)?;
            ours.push(took);
            found.cpu += cpu;
            found.all_received &= received;
            std::thread::sleep(BREATH);
            sync.push(self.peers.sync()?);
            produce.push(self.peers.produce()?);
            std::thread::sleep(BREATH);
        }
        found.rounds.push(Round { ours: millis(ours.quantile(50)), peer: allowed(&sync, &produce) });
        found.ours.extend(&ours);
        found.sync.extend(&sync);
        found.produce.extend(&produce);
        Ok(())
    }

    /// One decision, held before, from its release on.
    fn decide(&self, place: usize) -> Result<(Duration, Duration, bool), Failure> {
        let decision = act(accept(place)?, SystemClock::default().now(), true);
        self.mirror.act(&decision).map_err(aisle_app::AppError::from)?;
        let meter = Meter::start();
        let start = Instant::now();
        self.mirror.release(Some(decision.change_id))?;
        self.engine.decided();
        let heard = self.heard.recv_timeout(LONG);
        let cpu = meter.stop().cpu;
        let at = heard.map_err(|_| Failure::new("timed_out", "central's word on a decision did not come"))?;
        Ok((at.saturating_duration_since(start), cpu, self.is_received(decision.change_id)?))
    }

    fn is_received(&self, id: ChangeId) -> Result<bool, Failure> {
        Ok(self.mirror.read(|conn| outbox::load(conn, id))?.is_some_and(|row| row.state == ChangeState::Received))
    }
}

/// What the goal is counted in.
struct Peers {
    file: std::fs::File,
    producer: aisle_kafka::bare::BareProducer,
    record: [Outgoing; 1],
}

impl Peers {
    fn new(town: &Town, grounds: &Grounds) -> Result<Self, Failure> {
        let bare = TopicNames::new("bare");
        town.make_topics(&bare, &grounds.connect("topics")?)?;
        let record = Outgoing {
            topic: bare.changes(),
            partition: partition_of(town.store, PARTITIONS),
            key: b"1".to_vec(),
            headers: Vec::new(),
            value: Some(vec![b'x'; RECORD]),
        };
        let file = OpenOptions::new().create(true).append(true).open(town.path().join("peer")).map_err(io)?;
        let peers = Self { file, producer: grounds.bare()?, record: [record] };
        peers.produce()?;
        Ok(peers)
    }

    fn sync(&mut self) -> Result<Duration, Failure> {
        let start = Instant::now();
        self.file.write_all(&[7; BLOCK]).and_then(|()| self.file.sync_data()).map_err(io)?;
        Ok(start.elapsed())
    }

    fn produce(&self) -> Result<Duration, Failure> {
        let start = Instant::now();
        if self.producer.send(&self.record, LONG)? != 1 {
            return Err(Failure::new("unexpected", "librdkafka lost a record"));
        }
        Ok(start.elapsed())
    }
}

/// Every order is accepted at central too.
fn are_running(centre: &Centre, n: usize) -> Result<bool, Failure> {
    for place in 0..n {
        if centre.show_order(None, order_id(place)?)?.status != OrderStatus::Running {
            return Ok(false);
        }
    }
    Ok(centre.verify(None)?.ok)
}

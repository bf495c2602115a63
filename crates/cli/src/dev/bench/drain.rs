//! Rows b1 and l. b1: a desk's outbox drained to a real cluster of three machines, beside librdkafka's own producer with the same
//! records and settings; and all of it received, beside the time that central alone needs to apply the same log.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aisle_central::{Centre, Partitions, Stop, WorkEvent, WorkOptions, work::WorkEventKind};
use aisle_contract::{ChangeEnvelope, ChangeMessage, Incoming, Outgoing, TopicNames, partition_of};
use aisle_mirror::{ChangeState, Mirror, outbox};
use aisle_sync::{Clock, Pusher, SyncEngine, SyncEvent, SystemClock};
use serde_json::{Value, json};

use super::{
    failed,
    grounds::Grounds,
    measure::{Meter, Round, Row, Spent, median, short},
    town::{Size, Town, act, rename, sync_options},
};
use crate::exit::Failure;

/// Of a change's data.
const BYTES: usize = 300;
const PARTITIONS: i32 = 12;
const LONG: Duration = Duration::from_secs(600);

/// What a round found.
struct Measured {
    ours: Spent,
    peer: Spent,
    received: Duration,
    applied: Duration,
    sound: bool,
}

pub(super) fn run(rounds: usize, changes: usize) -> Result<Value, Failure> {
    let town = Town::new(Size { items: changes, orders: 0 })?;
    act_all(&town, changes)?;
    let grounds = Grounds::start(town.path())?;
    let mut measured = Vec::new();
    for round in 0..rounds {
        measured.push(Bout { town: &town, grounds: &grounds, changes, round }.fight()?);
    }
    Ok(told(&town, changes, &measured))
}

/// Row l: the line is back after a day. A desk with all that was done meanwhile and a centre at work, until central has
/// answered the last of it; beside central alone over the same changes.
pub(super) fn after_a_day(rounds: usize, changes: usize) -> Result<Value, Failure> {
    const GOAL_S: f64 = 60.0;
    let town = Town::new(Size { items: changes, orders: 0 })?;
    act_all(&town, changes)?;
    let grounds = Grounds::start(town.path())?;
    let mut taken = Vec::new();
    for round in 0..rounds {
        let bout = Bout { town: &town, grounds: &grounds, changes, round };
        let drained = bout.names("drained");
        let alone = town.copy_centre("alone", drained.clone(), &grounds.id)?;
        town.make_topics(&drained, &grounds.connect("topics")?)?;
        bout.drain(&drained)?;
        let (applied, all_applied) = bout.apply_alone(&alone)?;
        let (received, all_received) = bout.receive_all()?;
        for copy in ["alone", "desk-drained", "desk-all", "all"] {
            town.forget(copy)?;
        }
        taken.push((received.as_secs_f64(), applied.as_secs_f64(), all_applied && all_received));
    }
    let worst = taken.iter().map(|(received, ..)| *received).fold(0.0, f64::max);
    let row = Row {
        name: "l",
        unit: "seconds until all is received",
        data: format!("{}; {changes} items renamed, {BYTES} bytes a change, while there was no line", town.told()),
        peer: "central alone over the same changes, already in the cluster's log",
        n: changes * taken.len(),
        rounds: taken.iter().map(|(received, applied, _)| Round { ours: *received, peer: *applied }).collect(),
        checked: taken.iter().all(|(.., sound)| *sound),
        goal: "all received within 60 s of the line's return, in every round",
        goal_met: worst <= GOAL_S,
        facts: json!({ "worst_s": short(worst) }),
    };
    Ok(row.told())
}

fn told(town: &Town, changes: usize, measured: &[Measured]) -> Value {
    let rate = |spent: Spent| count(changes) / spent.wall.as_secs_f64();
    let rounds: Vec<Round> = measured.iter().map(|m| Round { ours: rate(m.ours), peer: rate(m.peer) }).collect();
    let median_of = |figure: &dyn Fn(&Measured) -> f64| median(measured.iter().map(figure).collect());
    let speed = median_of(&|m| rate(m.ours) / rate(m.peer));
    let cpu = median_of(&|m| m.ours.cpu.as_secs_f64() / m.peer.cpu.as_secs_f64());
    let received = median_of(&|m| m.received.as_secs_f64() / m.applied.as_secs_f64());
    let row = Row {
        name: "b1",
        unit: "changes a second, marked sent",
        data: format!("{}; {changes} items renamed, {BYTES} bytes a change", town.told()),
        peer: "librdkafka's ThreadedProducer, same records, settings and topic settings, acks=all on 3 of 3 machines",
        n: changes * measured.len(),
        rounds,
        checked: measured.iter().all(|m| m.sound),
        goal: "median ratio >= 0.6, processor time <= 3 x, all received <= 2 x central's own apply time",
        goal_met: speed >= 0.6 && cpu <= 3.0 && received <= 2.0,
        facts: json!({
            "cpu_s": {
                "ours": short(median_of(&|m| m.ours.cpu.as_secs_f64())),
                "peer": short(median_of(&|m| m.peer.cpu.as_secs_f64())), "ratio": short(cpu),
            },
            "wall_s": {
                "ours": short(median_of(&|m| m.ours.wall.as_secs_f64())),
                "peer": short(median_of(&|m| m.peer.wall.as_secs_f64())),
            },
            "all_received": {
                "ours_s": short(median_of(&|m| m.received.as_secs_f64())),
                "apply_s": short(median_of(&|m| m.applied.as_secs_f64())), "ratio": short(received),
                "rounds": measured.iter().map(|m| json!({
                    "ours_s": short(m.received.as_secs_f64()), "apply_s": short(m.applied.as_secs_f64()),
                })).collect::<Vec<_>>(),
            },
        }),
    };
    row.told()
}

#[allow(clippy::cast_precision_loss, reason = "counts far below 2^52")]
const fn count(changes: usize) -> f64 {
    changes as f64
}

/// Fills the desk's outbox.
fn act_all(town: &Town, changes: usize) -> Result<(), Failure> {
    let mirror = town.open_desk()?;
    let clock = SystemClock::default();
    for place in 0..changes {
        let renamed = act(rename(place, BYTES)?, clock.now(), false);
        mirror.act(&renamed).map_err(aisle_app::AppError::from)?;
    }
    Ok(())
}

/// One round.
struct Bout<'a> {
    town: &'a Town,
    grounds: &'a Grounds,
    changes: usize,
    round: usize,
}

impl Bout<'_> {
    fn names(&self, what: &str) -> TopicNames {
        TopicNames::new(&format!("{what}{}", self.round))
    }

    fn partition(&self) -> i32 {
        partition_of(self.town.store, PARTITIONS)
    }

    fn fight(&self) -> Result<Measured, Failure> {
        let (drained, bare) = (self.names("drained"), self.names("bare"));
        let alone = self.town.copy_centre("alone", drained.clone(), &self.grounds.id)?;
        for names in [&drained, &bare] {
            self.town.make_topics(names, &self.grounds.connect("topics")?)?;
        }
        let records = self.records(&bare)?;
        // By turns, so that neither always finds the cluster warm.
        let (ours, peer) = if self.round.is_multiple_of(2) {
            let ours = self.drain(&drained)?;
            (ours, self.send_bare(&records)?)
        } else {
            let peer = self.send_bare(&records)?;
            (self.drain(&drained)?, peer)
        };
        let mut sound = self.is_drained(&drained, &records)?;
        sound &= self.grounds.end(&bare.changes(), self.partition())? == i64::try_from(self.changes).unwrap_or(0);
        let (applied, all) = self.apply_alone(&alone)?;
        sound &= all;
        let (received, all) = self.receive_all()?;
        sound &= all;
        for copy in ["alone", "desk-drained", "desk-all", "all"] {
            self.town.forget(copy)?;
        }
        Ok(Measured { ours, peer, received, applied, sound })
    }

    /// The records that the desk's outbox will be, for another topic.
    fn records(&self, names: &TopicNames) -> Result<Vec<Outgoing>, Failure> {
        let mirror = self.town.open_desk()?;
        let identity = mirror.identity();
        let rows = mirror.read(|conn| outbox::list(conn, &[ChangeState::Ready], None, usize::MAX))?;
        (1..)
            .zip(rows)
            .map(|(seq, row)| {
                let envelope = ChangeEnvelope {
                    change_id: row.change_id,
                    store: identity.store_id,
                    desk: identity.desk_id,
                    incarnation: identity.incarnation,
                    lane: row.lane,
                    seq,
                    replaces: None,
                    staff: row.by,
                    acted_at: row.at,
                    key_id: None,
                };
                ChangeMessage { envelope, change: row.change }
                    .encode(&names.changes(), self.partition(), None)
                    .map_err(|e| failed("a change", e))
            })
            .collect()
    }

    /// Everything in the outbox to the cluster, until it is marked sent with its reports.
    fn drain(&self, names: &TopicNames) -> Result<Spent, Failure> {
        let mirror = self.town.copy_desk("desk-drained", &self.grounds.id)?;
        let kafka = self.grounds.connect("desk")?;
        let mut pusher = Pusher::new(mirror.clone(), sync_options(names));
        let clock = SystemClock::default();
        let meter = Meter::start();
        let outcome = pusher.push(&kafka, || clock.now())?;
        let spent = meter.stop();
        if let Some(error) = outcome.error {
            return Err(error.into());
        }
        if usize::try_from(outcome.sent) != Ok(self.changes) || !self.is_marked(&mirror)? {
            return Err(Failure::new("unexpected", "the outbox was not drained"));
        }
        Ok(spent)
    }

    /// Every change is sent and knows where it lies.
    fn is_marked(&self, mirror: &Mirror) -> Result<bool, Failure> {
        let rows = mirror.read(|conn| outbox::list(conn, &[ChangeState::Sent], None, usize::MAX))?;
        Ok(rows.len() == self.changes && rows.iter().all(|row| row.offset.is_some() && row.seq.is_some()))
    }

    fn send_bare(&self, records: &[Outgoing]) -> Result<Spent, Failure> {
        let meter = Meter::start();
        let taken = self.grounds.bare()?.send(records, LONG)?;
        let spent = meter.stop();
        if taken == records.len() { Ok(spent) } else { Err(Failure::new("unexpected", "librdkafka lost records")) }
    }

    /// What lies in the log is what was in the outbox, each once and in order, and a heartbeat.
    fn is_drained(&self, names: &TopicNames, records: &[Outgoing]) -> Result<bool, Failure> {
        let log = self.grounds.log(&names.changes(), self.partition())?;
        // A copy of a desk takes a numbering of its own.
        let is_told = |header: &&(String, Vec<u8>)| header.0 != "ce_incarnation";
        let same = |(found, sent): (&Incoming, &Outgoing)| {
            found.key.as_ref() == Some(&sent.key)
                && found.headers.iter().filter(is_told).eq(sent.headers.iter().filter(is_told))
                && found.value == sent.value
        };
        Ok(log.len() == records.len() + 1 && log.iter().zip(records).all(same))
    }

    /// Central alone over the log that was drained: from its first look at it to its last transaction.
    fn apply_alone(&self, centre: &Centre) -> Result<(Duration, bool), Failure> {
        let kafka = self.grounds.connect("central")?;
        let seen = Arc::new(Mutex::new((None::<Instant>, Duration::ZERO)));
        let watched = Arc::clone(&seen);
        let events = move |event: &WorkEvent| {
            let mut seen = watched.lock().unwrap_or_else(PoisonError::into_inner);
            match event.what {
                WorkEventKind::Reading { .. } => seen.0 = Some(Instant::now()),
                WorkEventKind::Applied { .. } => seen.1 = seen.0.map(|begun| begun.elapsed()).unwrap_or_default(),
                _ => {}
            }
        };
        let options = WorkOptions {
            partitions: Partitions::These(vec![self.partition()]),
            until_idle: true,
            timeout: Some(LONG),
            events: Some(Arc::new(events)),
            ..WorkOptions::default()
        };
        let report = centre.work(&kafka, &options, &Stop::new())?;
        let sound = report.reached && report.summary.applied == u64::try_from(self.changes).unwrap_or(0);
        let applied = seen.lock().unwrap_or_else(PoisonError::into_inner).1;
        Ok((applied, sound && report.summary.refused + report.summary.dead == 0))
    }

    /// A desk and a centre at work at the same time, from the start of the desk's sync to central's last word.
    fn receive_all(&self) -> Result<(Duration, bool), Failure> {
        let names = self.names("all");
        let centre = self.town.copy_centre("all", names.clone(), &self.grounds.id)?;
        self.town.make_topics(&names, &self.grounds.connect("topics")?)?;
        let (central, desk) = (self.grounds.connect("central")?, self.grounds.connect("desk")?);
        let mirror = self.town.copy_desk("desk-all", &self.grounds.id)?;
        let stop = Stop::new();
        let options =
            WorkOptions { partitions: Partitions::These(vec![self.partition()]), ..WorkOptions::default() };
        std::thread::scope(|scope| {
            let worker = scope.spawn(|| centre.work(&central, &options, &stop));
            let took = self.sync_until_received(&mirror, desk, &names);
            stop.stop();
            let report =
                worker.join().map_err(|_| Failure::new("unexpected", "the worker ended by a fault"))??;
            let counts = mirror.read(outbox::counts)?;
            let none_open = counts.held + counts.ready + counts.sent + counts.refused == 0;
            let applied = report.summary.applied == u64::try_from(self.changes).unwrap_or(0);
            Ok((took?, none_open && applied && centre.verify(None)?.ok))
        })
    }

    fn sync_until_received(
        &self,
        mirror: &Mirror,
        desk: aisle_kafka::Kafka,
        names: &TopicNames,
    ) -> Result<Duration, Failure> {
        let received = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&received);
        let sink = Arc::new(move |event: SyncEvent| {
            if let SyncEvent::Feed(applied) = event {
                counted.fetch_add(applied.received, Ordering::SeqCst);
            }
        });
        // The worker has its partition and reads before anything is measured.
        std::thread::sleep(Duration::from_secs(1));
        let start = Instant::now();
        let clock = Arc::new(SystemClock::default());
        let engine = SyncEngine::start(mirror.clone(), Arc::new(desk), sync_options(names), clock, sink);
        while received.load(Ordering::SeqCst) < self.changes {
            if start.elapsed() > LONG {
                return Err(Failure::new("timed_out", "not everything was received"));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let took = start.elapsed();
        engine.stop();
        Ok(took)
    }
}

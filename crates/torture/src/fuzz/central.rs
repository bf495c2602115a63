//! Central with anything in its topic and in the files of its simulator.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    CentralError, Centre, NewStore, SimulateOptions, Stop, TopicsOptions, WorkOptions,
    work::{Partitions, WorkEventKind},
};
use aisle_contract::{Incoming, TopicNames, partition_of};
use aisle_domain::{StoreId, Timestamp};
use aisle_testkit::{dice::Dice, fixtures};

use super::{Target, record};

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const PARTITIONS: i32 = 2;
/// Records of one batch, and batches of one centre.
const BATCH: usize = 50;
const BATCHES: u64 = 40;

fn store() -> StoreId {
    StoreId::new(367).unwrap()
}

fn centre(dir: &std::path::Path) -> Centre {
    let centre = Centre::open(&dir.join("central.db"), TopicNames::default(), Arc::new(|| NOW)).unwrap();
    centre.add_store(NewStore::new(store(), "Store 367", "1 Market Street")).unwrap();
    centre
}

struct World {
    dir: tempfile::TempDir,
    centre: Centre,
    bus: Bus,
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let centre = centre(dir.path());
        let bus = Bus::new("fuzzed", || NOW);
        let topics = TopicsOptions { create: true, partitions: PARTITIONS, ..TopicsOptions::default() };
        centre.topics(&bus, &topics).unwrap();
        let days = dir.path().join("days");
        fixtures::cut(&fixtures::demo(), &days, 4).unwrap();
        let mut replay = SimulateOptions::new(store(), &days);
        replay.timeout = Some(Duration::from_millis(500));
        centre.simulate(&replay, &Stop::new()).unwrap();
        Self { dir, centre, bus }
    }
}

/// Records of `aisle.changes`: none of them keeps the next from being applied.
pub(super) struct Changes {
    world: Option<World>,
    records: Vec<Incoming>,
    dice: Dice,
    batches: u64,
}

impl Changes {
    pub(super) fn new() -> Self {
        Self { world: None, records: Vec::new(), dice: Dice::new(7), batches: 0 }
    }

    fn apply(&mut self) {
        let world = self.world.get_or_insert_with(World::new);
        let sent = std::mem::take(&mut self.records).into_iter().map(record::outgoing).collect();
        let answers = world.bus.append(sent);
        let said: Arc<Mutex<Vec<String>>> = Arc::default();
        let own = Arc::clone(&said);
        let options = WorkOptions {
            partitions: Partitions::These((0..PARTITIONS).collect()),
            until_idle: true,
            timeout: Some(Duration::from_secs(20)),
            events: Some(Arc::new(move |event| {
                if let WorkEventKind::Waiting { code, message, .. } = &event.what {
                    own.lock().unwrap().push(format!("{code}: {message}"));
                }
            })),
            ..WorkOptions::default()
        };
        let report = world.centre.work(&world.bus, &options, &Stop::new()).unwrap();
        let said = said.lock().unwrap().clone();
        assert!(report.reached && said.is_empty(), "central does not get past {answers:?}: {said:?}");
        self.batches += 1;
        if self.batches.is_multiple_of(BATCHES) {
            self.close();
        }
    }

    fn close(&mut self) {
        let Some(world) = self.world.take() else { return };
        let checks = world.centre.verify(None).unwrap();
        assert!(checks.ok, "{checks:?}");
        drop(world.dir);
    }

    /// A number that is not the next one is dropped before anybody looks at what it brings: so half of them begin a
    /// numbering of their own.
    fn is_first(&mut self, record: &mut Incoming) {
        for (name, value) in &mut record.headers {
            match name.as_str() {
                "ce_seq" => *value = b"1".to_vec(),
                "ce_incarnation" => *value = format!("{:016x}", self.dice.bits()).into_bytes(),
                "ce_id" => *value = uuid::Uuid::from_u64_pair(self.dice.bits(), 1).to_string().into_bytes(),
                _ => {}
            }
        }
    }
}

impl Target for Changes {
    fn name(&self) -> &'static str {
        "changes"
    }

    fn corpus(&self) -> &'static str {
        "up"
    }

    fn every(&self) -> u64 {
        4
    }

    fn time(&self) -> Duration {
        Duration::from_secs(20)
    }

    fn take(&mut self, input: &[u8]) {
        let home = partition_of(store(), PARTITIONS);
        let mut record = record::read(input, "aisle.changes", home, 0);
        if self.dice.chance(1, 2) {
            self.is_first(&mut record);
        }
        self.records.push(record);
        if self.records.len() >= BATCH {
            self.apply();
        }
    }

    fn end(&mut self) {
        self.apply();
        self.close();
    }
}

/// The files of a simulated store, one behind the other.
pub(super) struct Days {
    dir: tempfile::TempDir,
    number: u32,
}

const FILES: [&str; 3] = ["items.csv", "orders.jsonl", "receipts.jsonl"];

impl Days {
    pub(super) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), number: 0 }
    }
}

/// What one file holds of what is behind each other.
fn part(input: &[u8], name: &str) -> Vec<u8> {
    let mark = format!("=== {name}\n").into_bytes();
    let begin = input.windows(mark.len()).position(|w| w == mark).map_or(input.len(), |at| at + mark.len());
    let rest = &input[begin..];
    let end = rest.windows(4).position(|w| w == b"=== ").unwrap_or(rest.len());
    rest[..end].to_vec()
}

impl Target for Days {
    fn name(&self) -> &'static str {
        "days"
    }

    fn every(&self) -> u64 {
        20
    }

    fn time(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn take(&mut self, input: &[u8]) {
        self.number += 1;
        let own = self.dir.path().join(self.number.to_string());
        std::fs::create_dir(&own).unwrap();
        for name in FILES {
            std::fs::write(own.join(name), part(input, name)).unwrap();
        }
        let centre = centre(&own);
        let mut replay = SimulateOptions::new(store(), &own);
        replay.timeout = Some(Duration::from_millis(20));
        match centre.simulate(&replay, &Stop::new()) {
            Ok(_) => {}
            Err(error @ CentralError::Input { .. }) => {
                let words = error.to_string();
                assert!(FILES.iter().any(|name| words.contains(name)), "no word of which file: {words}");
                assert_eq!(centre.digest(store()).unwrap().tables.items.count, 0, "nothing was written");
            }
            Err(other) => panic!("{other}"),
        }
        std::fs::remove_dir_all(&own).unwrap();
    }
}

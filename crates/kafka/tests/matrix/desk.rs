//! A desk that pushes and reads while something goes wrong.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use aisle_contract::{PortError, Start, TopicNames, Transport, UpMessage};
use aisle_domain::{ChangeId, DeskId, Incarnation, Lane, store::Durability};
use aisle_kafka::Kafka;
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, OutboxRow, digest, feed, outbox, remirror};
use aisle_sync::{FeedReader, Pusher, SyncError, SyncOptions, system_chance};
use rdkafka::{mocking::MockCluster, types::RDKafkaApiKey as Api};
use uuid::Uuid;

use crate::{
    Cluster, Seen,
    cases::{CUT, Case, Fault, answer},
    kafka,
    rows::{self, NOON, store_id},
};

const PHASES: usize = 3;
/// Each wait for something to come about ends here.
const LIMIT: Duration = Duration::from_secs(40);
const PARTITIONS: i32 = 2;
const APIS: [Api; 5] = [Api::Produce, Api::Fetch, Api::ListOffsets, Api::InitProducerId, Api::ApiVersion];

struct Desk {
    cluster: Cluster,
    kafka: Kafka,
    /// What central's side writes with: not what is tested.
    central: Kafka,
    mirror: Mirror,
    pusher: Pusher,
    feeds: Vec<FeedReader>,
    seen: Seen,
    _folder: tempfile::TempDir,
}

fn options() -> SyncOptions {
    SyncOptions {
        names: TopicNames::default(),
        push_interval: Duration::from_secs(300),
        push_decisions_at_once: true,
        version: "test".into(),
        desk_name: "Desk".into(),
        chance: system_chance(),
        key: None,
        durability: Durability::All,
    }
}

fn pusher(mirror: &Mirror) -> Pusher {
    let mut pusher = Pusher::new(mirror.clone(), options());
    pusher.send_timeout = Duration::from_secs(3);
    pusher
}

fn feeds(mirror: &Mirror) -> Vec<FeedReader> {
    Lane::ALL.map(|lane| FeedReader::new(mirror.clone(), &options(), lane)).into()
}

impl Desk {
    fn new() -> Self {
        let names = TopicNames::default();
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic(&names.changes(), PARTITIONS, 3).unwrap();
        for lane in Lane::ALL {
            cluster.create_topic(&names.feed(store_id(), lane), 1, 3).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let new = NewDesk {
            store_id: store_id(),
            desk_id: DeskId(Uuid::new_v4()),
            incarnation: Incarnation(7),
            desk_name: "Desk".into(),
            at: NOON,
        };
        let mirror = Mirror::create(&folder.path().join("desk"), &new).unwrap();
        let (pusher, feeds) = (pusher(&mirror), feeds(&mirror));
        let (own, central) = (kafka(&cluster), kafka(&cluster));
        Self { cluster, kafka: own, central, mirror, pusher, feeds, seen: Seen::default(), _folder: folder }
    }

    fn breaks(&self, case: &Case) {
        let names = TopicNames::default();
        match case.fault {
            Fault::Answer(Api::Metadata, number) if number > -100 => {
                self.cluster.topic_error(&names.changes(), answer(number)).unwrap();
            }
            Fault::Answer(Api::Metadata, _) => {
                self.cluster.request_errors(Api::Metadata, &vec![answer(CUT); case.times]);
            }
            Fault::Answer(api, number) => self.cluster.request_errors(api, &vec![answer(number); case.times]),
            Fault::NoLeaderOfChanges => {
                for partition in 0..PARTITIONS {
                    self.cluster.partition_leader(&names.changes(), partition, None).unwrap();
                }
            }
            Fault::LeaderOfFeed => {
                let topic = names.feed(store_id(), Lane::Orders);
                let moves = (case.position > 0).then_some(3);
                self.cluster.partition_leader(&topic, 0, moves).unwrap();
            }
            Fault::Down(broker) => self.cluster.broker_down(broker).unwrap(),
            Fault::CoordinatorMoves => {}
        }
    }

    /// What does not pass by itself is mended.
    fn heals(&self, case: &Case) {
        let names = TopicNames::default();
        match case.fault {
            Fault::Answer(Api::Metadata, number) if number > -100 => {
                self.cluster.topic_error(&names.changes(), answer(0)).unwrap();
            }
            Fault::NoLeaderOfChanges => {
                for partition in 0..PARTITIONS {
                    self.cluster.partition_leader(&names.changes(), partition, Some(2)).unwrap();
                }
            }
            Fault::LeaderOfFeed => {
                self.cluster.partition_leader(&names.feed(store_id(), Lane::Orders), 0, Some(2)).unwrap();
            }
            Fault::Down(broker) => self.cluster.broker_up(broker).unwrap(),
            _ => {}
        }
    }

    fn told(&mut self, error: PortError) {
        self.seen.errors.push(error);
        std::thread::sleep(Duration::from_millis(50));
    }

    /// One push and one look at each feed.
    fn turn(&mut self) {
        let outcome = self.pusher.push(&self.kafka, || NOON).unwrap();
        if let Some(error) = outcome.error {
            self.told(error);
        }
        self.read();
    }

    fn read(&mut self) {
        let kafka = &self.kafka;
        let step = |feed: &mut FeedReader| feed.step(kafka, Duration::from_millis(100), || NOON);
        let steps: Vec<_> = self.feeds.iter_mut().map(step).collect();
        for step in steps {
            match step {
                Ok(_) => {}
                Err(SyncError::Port(error)) => self.told(error),
                Err(error) => panic!("{error}"),
            }
        }
    }

    fn rows(&self) -> Vec<OutboxRow> {
        self.mirror.read(|conn| outbox::list(conn, &ChangeState::ALL, None, 100)).unwrap()
    }

    fn is_done(&self, phase: usize) -> bool {
        let end = i64::try_from(phase).unwrap() + 1;
        self.rows().iter().all(|row| row.state == ChangeState::Sent && row.offset.is_some())
            && self.feeds.iter().all(|feed| feed.position() >= end)
    }

    fn phase(&mut self, phase: usize, case: &Case) {
        let number = i64::try_from(phase).unwrap();
        let broken = phase == case.position;
        // What is to be answered to the desk is not to be answered to central, which writes before anything breaks. A
        // desk whose first look fails looks at a feed in which there is nothing yet.
        let comes_late = broken && phase == 0;
        if !comes_late {
            self.feed_row(number);
        }
        for lane in Lane::ALL.into_iter().filter(|_| phase > 0) {
            let new = NewChange {
                change_id: ChangeId(Uuid::now_v7()),
                change: rows::act(lane, number - 1),
                by: "Noor".into(),
                at: NOON,
                held: false,
                replaces: None,
            };
            self.mirror.act(&new).unwrap();
        }
        if broken {
            self.forgets(case);
            self.breaks(case);
            self.turn();
            self.heals(case);
        }
        if comes_late {
            self.feed_row(number);
        }
        let end = Instant::now() + LIMIT;
        while !self.is_done(phase) {
            assert!(Instant::now() < end, "hangs in phase {phase}: {:#?}", self.seen.errors);
            self.turn();
        }
    }

    /// What is asked only when something is opened is asked again: open readers and senders would not meet the fault, or
    /// not before the run is over.
    fn forgets(&mut self, case: &Case) {
        let Fault::Answer(api, number) = case.fault else { return };
        let asks_again = match api {
            Api::Fetch | Api::ListOffsets | Api::InitProducerId | Api::ApiVersion => true,
            // The others of its kind last until they are mended.
            Api::Metadata => number == CUT,
            _ => false,
        };
        if asks_again {
            self.feeds = feeds(&self.mirror);
            self.pusher = pusher(&self.mirror);
            self.kafka = kafka(&self.cluster);
        }
    }

    /// Central's row of this phase is in each feed; once, since a feed's end says whether.
    fn feed_row(&mut self, phase: i64) {
        let end = Instant::now() + LIMIT;
        for lane in Lane::ALL {
            let topic = TopicNames::default().feed(store_id(), lane);
            loop {
                let high = self.central.bounds(&topic, 0, Duration::from_secs(2)).map_or(-1, |b| b.high);
                if high > phase {
                    break;
                }
                if high == phase {
                    let sent = self
                        .central
                        .sender()
                        .and_then(|mut sender| sender.send(vec![rows::feed(lane, phase)], LIMIT).remove(0));
                    if sent.is_ok() {
                        break;
                    }
                }
                assert!(Instant::now() < end, "central's own line hangs");
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }

    /// The log against what the desk says of it.
    fn judge(mut self) -> Seen {
        let names = TopicNames::default();
        let mut logged: BTreeMap<(i32, i64), ChangeId> = BTreeMap::new();
        let mut numbers: BTreeMap<Lane, Vec<i64>> = BTreeMap::new();
        let mut known = BTreeSet::new();
        for partition in 0..PARTITIONS {
            let high = self.central.bounds(&names.changes(), partition, LIMIT).unwrap().high;
            let mut reader = self.central.reader(&names.changes(), partition, Start::Beginning).unwrap();
            let (mut next, end) = (0, Instant::now() + LIMIT);
            while next < high {
                assert!(Instant::now() < end, "the log cannot be read");
                for record in reader.read(500, Duration::from_millis(200)).unwrap() {
                    next = record.offset + 1;
                    if let UpMessage::Change(change) = UpMessage::decode(&record).unwrap() {
                        let envelope = &change.envelope;
                        logged.insert((partition, record.offset), envelope.change_id);
                        if known.insert(envelope.change_id) {
                            numbers.entry(envelope.lane).or_default().push(envelope.seq);
                        } else {
                            self.seen.again += 1;
                        }
                    }
                }
            }
        }
        let rows = self.rows();
        assert_eq!(rows.len(), (PHASES - 1) * 2);
        for row in &rows {
            let place = (row.partition.unwrap(), row.offset.unwrap());
            assert_eq!(logged.get(&place), Some(&row.change_id), "reported and not in the log: {row:?}");
        }
        let dense: Vec<i64> = (1..i64::try_from(PHASES).unwrap()).collect();
        for (lane, numbers) in &numbers {
            assert_eq!(numbers, &dense, "{lane:?} is out of order, or not whole");
        }
        assert_eq!(numbers.len(), 2);
        self.mirror
            .read(|conn| {
                assert_eq!(feed::parked_count(conn)?, 0);
                for lane in Lane::ALL {
                    assert!(remirror::of_lane(conn, lane)?.is_none(), "{lane:?} is mirrored anew for nothing");
                }
                let (orders, items) = digest::rows(conn)?;
                assert_eq!([orders.count, items.count], [PHASES as u64; 2], "rows of the feeds");
                Ok(())
            })
            .unwrap();
        self.seen.records = u64::try_from(rows.len() + PHASES * 2).unwrap();
        self.seen
    }
}

pub(crate) fn play(case: &Case) -> Seen {
    let mut desk = Desk::new();
    for phase in 0..PHASES {
        desk.phase(phase, case);
    }
    for api in APIS {
        desk.cluster.clear_request_errors(api);
    }
    desk.judge()
}

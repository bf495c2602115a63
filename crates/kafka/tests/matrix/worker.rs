//! A worker that joins, reads and commits while something goes wrong with its group.

use std::time::{Duration, Instant};

use aisle_contract::{Membership, Outgoing, PortError, Start, Transport};
use aisle_kafka::Kafka;
use rdkafka::{
    ClientConfig, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    mocking::{MockCluster, MockCoordinator},
    topic_partition_list::TopicPartitionListElem,
    types::RDKafkaApiKey as Api,
};

use crate::{
    Cluster, Seen,
    cases::{Case, Fault, answer},
    kafka,
};

const TOPIC: &str = "aisle.changes";
const GROUP: &str = "aisle-central";
const PARTITIONS: i32 = 2;
const RECORDS: i64 = 30;
const LIMIT: Duration = Duration::from_secs(40);
/// Longer than a client waits between two signs of life.
const BEAT: Duration = Duration::from_millis(2_000);

struct Worker {
    cluster: Cluster,
    kafka: Kafka,
    place: Option<Box<dyn Membership>>,
    seen: Seen,
}

impl Worker {
    fn new() -> Self {
        let cluster = MockCluster::new(3).unwrap();
        cluster.create_topic(TOPIC, PARTITIONS, 3).unwrap();
        let own = kafka(&cluster);
        let mut sender = own.sender().unwrap();
        for partition in 0..PARTITIONS {
            let record = |n: i64| Outgoing {
                topic: TOPIC.into(),
                partition,
                key: b"367".to_vec(),
                headers: Vec::new(),
                value: Some(n.to_string().into_bytes()),
            };
            let answers = sender.send((0..RECORDS).map(record).collect(), LIMIT);
            assert!(answers.iter().all(Result::is_ok), "{answers:?}");
        }
        Self { cluster, kafka: own, place: None, seen: Seen::default() }
    }

    fn breaks(&self, case: &Case) {
        match case.fault {
            Fault::Answer(api, number) => {
                self.cluster.request_errors(api, &vec![answer(number); case.times]);
                // What is asked only while joining is asked again by one who has to join again.
                let again = match api {
                    Api::FindCoordinator => Some(16),
                    Api::JoinGroup | Api::SyncGroup | Api::OffsetFetch => Some(25),
                    _ => None,
                };
                if let Some(number) = again.filter(|_| case.position > 0) {
                    self.cluster.request_errors(Api::Heartbeat, &[answer(number)]);
                }
            }
            Fault::CoordinatorMoves => {
                for broker in 1..=3 {
                    let group = MockCoordinator::Group(GROUP.into());
                    self.cluster.coordinator(group, broker).unwrap();
                }
            }
            _ => {}
        }
    }

    /// Asks as a centre does: after an error the place in the group is taken anew.
    fn owned(&mut self) -> Vec<i32> {
        let place = match &mut self.place {
            Some(place) => place,
            None => self.place.insert(self.kafka.join(GROUP, TOPIC).unwrap()),
        };
        match place.owned(Duration::from_millis(100)) {
            Ok(owned) => owned,
            Err(error) => {
                self.told(error);
                self.place = None;
                Vec::new()
            }
        }
    }

    fn told(&mut self, error: PortError) {
        self.seen.errors.push(error);
        std::thread::sleep(Duration::from_millis(100));
    }

    fn owns_all(&mut self) {
        let end = Instant::now() + LIMIT;
        while self.owned() != (0..PARTITIONS).collect::<Vec<_>>() {
            assert!(Instant::now() < end, "it never owns its partitions: {:#?}", self.seen.errors);
        }
    }

    fn commit(&mut self, offset: i64) {
        for partition in 0..PARTITIONS {
            if let Some(Err(error)) = self.place.as_mut().map(|place| place.commit(partition, offset)) {
                self.told(error);
            }
        }
    }

    /// Reads everything, from the beginning.
    fn reads(&mut self) {
        for partition in 0..PARTITIONS {
            let mut reader = self.kafka.reader(TOPIC, partition, Start::Beginning).unwrap();
            let (mut read, end) = (Vec::new(), Instant::now() + LIMIT);
            while read.len() < usize::try_from(RECORDS).unwrap() {
                assert!(Instant::now() < end, "the log cannot be read");
                let found = reader.read(500, Duration::from_millis(200)).unwrap();
                read.extend(found.into_iter().map(|r| String::from_utf8(r.value.unwrap()).unwrap()));
            }
            assert_eq!(read, (0..RECORDS).map(|n| n.to_string()).collect::<Vec<_>>());
            self.seen.records += u64::try_from(RECORDS).unwrap();
        }
    }

    /// What the group was told, asked by somebody else.
    fn committed(&self) -> Vec<Offset> {
        let asking: BaseConsumer = ClientConfig::new()
            .set("bootstrap.servers", self.cluster.bootstrap_servers())
            .set("group.id", GROUP)
            .create()
            .unwrap();
        let mut list = TopicPartitionList::new();
        list.add_partition_range(TOPIC, 0, PARTITIONS - 1);
        let found = asking.committed_offsets(list, Duration::from_secs(5));
        found.map(|list| list.elements().iter().map(TopicPartitionListElem::offset).collect()).unwrap_or_default()
    }
}

pub(crate) fn play(case: &Case) -> Seen {
    let mut worker = Worker::new();
    if case.position == 0 {
        worker.breaks(case);
    }
    worker.owns_all();
    worker.reads();
    if case.position == 1 {
        worker.breaks(case);
        let end = Instant::now() + BEAT;
        while Instant::now() < end {
            worker.owned();
        }
        worker.owns_all();
    }
    worker.commit(RECORDS / 2);
    if case.position == 2 {
        worker.breaks(case);
        worker.commit(RECORDS - 1);
        let end = Instant::now() + BEAT;
        while Instant::now() < end {
            worker.owned();
        }
    }
    // What is committed is a gauge: a word that was lost is made good by the next.
    let end = Instant::now() + LIMIT;
    loop {
        worker.owns_all();
        worker.commit(RECORDS);
        let until = Instant::now() + Duration::from_millis(300);
        while Instant::now() < until {
            worker.owned();
        }
        if worker.committed() == vec![Offset::Offset(RECORDS); usize::try_from(PARTITIONS).unwrap()] {
            break;
        }
        assert!(Instant::now() < end, "the group is never told: {:?}", worker.seen.errors);
    }
    worker.seen
}

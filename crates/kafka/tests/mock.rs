//! The ports over librdkafka's own mock cluster, with the errors that a real one answers.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

use std::time::{Duration, Instant};

use aisle_contract::{Outgoing, PortError, Start, Transport};
use aisle_kafka::{Authority, Kafka, KafkaSettings, Security};
use rdkafka::{
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr as Code},
};

const TOPIC: &str = "aisle.changes";
const WAIT: Duration = Duration::from_secs(20);

fn cluster() -> (MockCluster<'static, DefaultProducerContext>, Kafka) {
    let cluster = MockCluster::new(3).unwrap();
    cluster.create_topic(TOPIC, 12, 3).unwrap();
    let settings = KafkaSettings {
        brokers: cluster.bootstrap_servers(),
        security: Security::Plaintext,
        client_id: "test".into(),
        ..KafkaSettings::default()
    };
    (cluster, Kafka::new(settings).unwrap())
}

fn record(partition: i32, text: &str) -> Outgoing {
    Outgoing {
        topic: TOPIC.into(),
        partition,
        key: b"367".to_vec(),
        headers: vec![("ce_id".into(), text.as_bytes().to_vec())],
        value: Some(text.as_bytes().to_vec()),
    }
}

fn batch(texts: std::ops::Range<u32>) -> Vec<Outgoing> {
    texts.map(|n| record(3, &n.to_string())).collect()
}

fn all(kafka: &Kafka, count: usize) -> Vec<String> {
    let mut reader = kafka.reader(TOPIC, 3, Start::Beginning).unwrap();
    let end = Instant::now() + WAIT;
    let mut texts = Vec::new();
    while texts.len() < count && Instant::now() < end {
        for record in reader.read(500, Duration::from_millis(500)).unwrap() {
            texts.push(String::from_utf8(record.value.unwrap()).unwrap());
        }
    }
    texts
}

#[test]
fn records_go_to_the_partition_that_was_chosen_and_come_back_in_order_with_their_headers() {
    let (_cluster, kafka) = cluster();
    let answers = kafka.sender().unwrap().send(batch(0..200), WAIT);
    let offsets: Vec<i64> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(offsets, (0..200).collect::<Vec<i64>>());
    assert_eq!(all(&kafka, 200), (0..200).map(|n: u32| n.to_string()).collect::<Vec<_>>());
    let mut reader = kafka.reader(TOPIC, 3, Start::At(7)).unwrap();
    let first = reader.read(1, WAIT).unwrap().remove(0);
    assert_eq!((first.offset, &first.headers[0]), (7, &("ce_id".to_owned(), b"7".to_vec())));
    assert_eq!(kafka.bounds(TOPIC, 3, WAIT).unwrap().high, 200);
}

#[test]
fn what_passes_by_itself_is_tried_again_unseen() {
    let (cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    for code in [Code::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, Code::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS] {
        cluster.request_errors(RDKafkaApiKey::Produce, &[code, code]);
        assert!(sender.send(batch(0..10), WAIT).iter().all(Result::is_ok), "{code:?}");
    }
    assert_eq!(all(&kafka, 20).len(), 20, "nothing is lost and nothing is there twice");
}

#[test]
fn a_refusal_is_told_by_its_kind_and_the_next_batch_goes_through() {
    for (code, is_kind) in [
        (
            Code::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE,
            (|e| matches!(e, PortError::TooLarge)) as fn(&PortError) -> bool,
        ),
        (Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, |e| matches!(e, PortError::NotAuthorized { .. })),
    ] {
        let (cluster, kafka) = cluster();
        let mut sender = kafka.sender().unwrap();
        cluster.request_errors(RDKafkaApiKey::Produce, &[code]);
        let refused = sender.send(vec![record(3, "x")], WAIT);
        assert!(refused[0].as_ref().is_err_and(is_kind), "{refused:?}");
        assert!(sender.send(vec![record(3, "y")], WAIT)[0].is_ok(), "a new producer takes over");
        assert_eq!(all(&kafka, 1), ["y"]);
    }
}

#[test]
fn batches_on_their_way_are_answered_in_order() {
    let (_cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    for batch in [vec![record(3, "a"), record(3, "b")], vec![record(3, "c")]] {
        sender.hand_over(batch);
    }
    let mut answers = sender.answers(2, WAIT);
    let open = 3 - answers.len();
    answers.extend(sender.answers(open, WAIT));
    assert_eq!(answers, [Ok(0), Ok(1), Ok(2)]);
    assert_eq!(all(&kafka, 3), ["a", "b", "c"]);
}

#[test]
fn nothing_is_written_behind_a_batch_that_failed() {
    let (cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    assert!(sender.send(vec![record(3, "a")], WAIT)[0].is_ok());
    cluster.request_errors(RDKafkaApiKey::Produce, &[Code::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]);
    sender.hand_over(vec![record(3, "b")]);
    assert!(sender.answers(1, WAIT)[0].is_err());
    sender.hand_over(vec![record(3, "c")]);
    assert!(sender.answers(1, WAIT)[0].is_ok(), "everything was answered: a new producer takes over");
    assert_eq!(all(&kafka, 2), ["a", "c"]);
}

#[test]
fn a_broken_producer_is_replaced() {
    let (cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    assert!(sender.send(vec![record(3, "a")], WAIT)[0].is_ok());
    cluster.request_errors(RDKafkaApiKey::Produce, &[Code::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER]);
    assert!(sender.send(vec![record(3, "b")], WAIT)[0].is_err());
    assert!(sender.send(vec![record(3, "c")], WAIT)[0].is_ok());
}

#[test]
fn a_batch_that_gets_no_answer_ends_in_time_and_is_not_written_later() {
    let (cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    assert!(sender.send(vec![record(3, "a")], WAIT)[0].is_ok());
    cluster.broker_down(-1).unwrap();
    let start = Instant::now();
    let late = sender.send(vec![record(3, "b")], Duration::from_secs(2));
    assert!(late[0].as_ref().is_err_and(PortError::retryable), "{late:?}");
    assert!(start.elapsed() < Duration::from_secs(6));
    cluster.broker_up(-1).unwrap();
    assert!(sender.send(vec![record(3, "c")], WAIT)[0].is_ok());
    assert_eq!(all(&kafka, 2), ["a", "c"]);
}

#[test]
fn metadata_names_the_cluster_and_leaves_out_what_is_not_there() {
    let (cluster, kafka) = cluster();
    let view = kafka.metadata(&[TOPIC.into()], WAIT).unwrap();
    assert!(!view.cluster_id.is_empty());
    let topic = view.topic(TOPIC).unwrap();
    assert_eq!((topic.partitions.len(), topic.partitions[0].replicas, topic.partitions[0].in_sync), (12, 3, 3));
    cluster.partition_leader(TOPIC, 5, None).unwrap();
    let view = kafka.metadata(&[TOPIC.into()], WAIT).unwrap();
    assert!(!view.topic(TOPIC).unwrap().partitions[5].has_leader);
}

#[test]
fn a_position_outside_the_log_is_told_with_its_bounds() {
    let (_cluster, kafka) = cluster();
    kafka.sender().unwrap().send(batch(0..5), WAIT);
    let refused = kafka.reader(TOPIC, 3, Start::At(99)).err();
    assert_eq!(refused, Some(PortError::OutOfRange { wanted: 99, low: 0, high: 5 }));
}

#[test]
fn nobody_there_is_unreachable_within_the_time_limit() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let settings = KafkaSettings { brokers: format!("127.0.0.1:{port}"), ..KafkaSettings::default() };
    let kafka = Kafka::new(settings).unwrap();
    let start = Instant::now();
    let refused = kafka.metadata(&[TOPIC.into()], Duration::from_secs(3));
    assert!(matches!(refused, Err(PortError::Unreachable(_) | PortError::TimedOut(_))), "{refused:?}");
    assert!(start.elapsed() < Duration::from_secs(8));
    assert_eq!(kafka.addresses(), [format!("127.0.0.1:{port}")]);
}

#[test]
fn settings_show_no_password() {
    let security = Security::SaslSsl {
        username: "store-367".into(),
        password: "hunter2".into(),
        authority: Authority::System,
    };
    let settings = KafkaSettings { brokers: "a:1".into(), security, ..KafkaSettings::default() };
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_log_that_was_cut_while_records_waited_to_be_read_is_told_behind_them() {
    let (_cluster, kafka) = cluster();
    // Nothing that could be compressed.
    let mut number = 1_u32;
    let mut noise = || {
        number = number.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        number.to_be_bytes()[0]
    };
    let mut sender = kafka.sender().unwrap();
    // The mock cluster keeps 5 MB of a partition, and the reader fetches 8 MB ahead of whoever reads.
    let mut write = |records: usize| {
        let batch: Vec<Outgoing> = (0..records)
            .map(|_| Outgoing { value: Some((0..100_000).map(|_| noise()).collect()), ..record(3, "1") })
            .collect();
        assert!(sender.send(batch, WAIT).iter().all(Result::is_ok));
    };
    write(10);
    let mut reader = kafka.reader(TOPIC, 3, Start::Beginning).unwrap();
    for _ in 0..9 {
        std::thread::sleep(Duration::from_millis(300));
        write(10);
    }
    write(60);
    let mut read = reader.read(20, WAIT).unwrap().len();
    // It fetches on, and finds the log cut, while the rest waits.
    std::thread::sleep(Duration::from_secs(2));
    let told = loop {
        match reader.read(500, Duration::from_secs(2)) {
            Ok(records) if records.is_empty() => panic!("nothing is told behind {read} records"),
            Ok(records) => read += records.len(),
            Err(error) => break error,
        }
    };
    assert!(matches!(told, PortError::OutOfRange { .. }) && read < 150, "{told} behind {read} records");
}

#[test]
fn a_topic_that_is_not_there_is_told_before_whoever_sends_gives_up() {
    let (_cluster, kafka) = cluster();
    let mut sender = kafka.sender().unwrap();
    let lost = Outgoing { topic: "aisle.store.9.orders".into(), partition: 0, ..record(0, "x") };
    for _ in 0..2 {
        let answers = sender.send(vec![lost.clone()], Duration::from_secs(5));
        assert!(matches!(answers[0], Err(PortError::TopicMissing { .. })), "{answers:?}");
    }
}

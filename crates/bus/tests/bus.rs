//! The in-process cluster behaves as a cluster does.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use std::time::Duration;

use aisle_bus::Bus;
use aisle_contract::{Outgoing, PortError, Start, TopicAdmin, TopicNames, Transport};
use aisle_domain::{Lane, StoreId, Timestamp, store::Durability};

const NOW: Duration = Duration::ZERO;

fn names() -> TopicNames {
    TopicNames::default()
}

fn store() -> StoreId {
    StoreId::new(367).unwrap()
}

fn bus() -> Bus {
    let bus = Bus::new("bus-1", || Timestamp::from_millis(5));
    let mut specs = names().feed_specs(store(), 3);
    specs.push(names().changes_spec(12, 3, Durability::All));
    let states = bus.create(&specs, NOW).unwrap();
    assert!(states.iter().all(|state| state.problems.is_empty()));
    bus
}

fn record(key: &str, value: &str) -> Outgoing {
    Outgoing {
        topic: names().feed(store(), Lane::Orders),
        partition: 0,
        key: key.into(),
        headers: Vec::new(),
        value: Some(value.into()),
    }
}

#[test]
fn records_are_read_in_the_order_they_were_sent_from_any_position() {
    let bus = bus();
    let sent = bus.sender().unwrap().send(vec![record("a", "1"), record("b", "2"), record("a", "3")], NOW);
    assert_eq!(sent, [Ok(0), Ok(1), Ok(2)]);
    let topic = names().feed(store(), Lane::Orders);
    let mut reader = bus.reader(&topic, 0, Start::At(1)).unwrap();
    let offsets: Vec<_> = reader.read(10, NOW).unwrap().iter().map(|r| r.offset).collect();
    assert_eq!(offsets, [1, 2]);
    assert!(reader.read(10, NOW).unwrap().is_empty());
}

#[test]
fn a_waiting_reader_is_woken_by_a_record() {
    let bus = bus();
    let mut reader = bus.reader(&names().feed(store(), Lane::Orders), 0, Start::Beginning).unwrap();
    let waiting = std::thread::spawn(move || reader.read(10, Duration::from_secs(20)).unwrap().len());
    bus.append(vec![record("a", "1")]);
    assert_eq!(waiting.join().unwrap(), 1);
}

#[test]
fn a_position_beyond_the_end_is_an_error_and_never_a_jump() {
    let bus = bus();
    let error = bus.reader(&names().feed(store(), Lane::Orders), 0, Start::At(7)).err();
    assert_eq!(error, Some(PortError::OutOfRange { wanted: 7, low: 0, high: 0 }));
}

#[test]
fn compaction_keeps_the_newest_record_of_each_key_with_its_offset() {
    let bus = bus();
    bus.append(vec![record("a", "1"), record("b", "2"), record("a", "3")]);
    bus.compact();
    let left: Vec<_> = bus.records(&names().feed(store(), Lane::Orders), 0).iter().map(|r| r.offset).collect();
    assert_eq!(left, [1, 2]);
}

#[test]
fn a_lost_report_leaves_the_record_in_the_log() {
    let bus = bus();
    bus.lose_reports(1);
    let answers = bus.append(vec![record("a", "1"), record("a", "2")]);
    assert!(matches!(answers[..], [Err(PortError::TimedOut(_)), Ok(1)]));
    assert_eq!(bus.records(&names().feed(store(), Lane::Orders), 0).len(), 2);
}

#[test]
fn faults_are_told_and_end_when_they_are_switched_off() {
    let bus = bus();
    bus.unreachable(true);
    assert!(matches!(bus.metadata(&[], NOW), Err(PortError::Unreachable(_))));
    bus.unreachable(false);
    bus.refuse_writes(Some(PortError::NotEnoughReplicas));
    assert_eq!(bus.append(vec![record("a", "1")]), [Err(PortError::NotEnoughReplicas)]);
    bus.refuse_writes(None);
    assert_eq!(bus.append(vec![record("a", "1")]), [Ok(0)]);
    let topic = names().feed(store(), Lane::Orders);
    bus.hide_topic(&topic, true);
    assert!(bus.metadata(std::slice::from_ref(&topic), NOW).unwrap().topics.is_empty());
    assert!(matches!(bus.reader(&topic, 0, Start::Beginning).err(), Some(PortError::TopicMissing { .. })));
}

#[test]
fn the_next_member_takes_over_when_the_first_is_gone() {
    let bus = bus();
    let mut first = bus.join("aisle-central", &names().changes()).unwrap();
    let mut second = bus.join("aisle-central", &names().changes()).unwrap();
    assert_eq!(first.owned(NOW).unwrap().len(), 12);
    assert!(second.owned(NOW).unwrap().is_empty());
    drop(first);
    assert_eq!(second.owned(NOW).unwrap().len(), 12);
}

#[test]
fn a_topic_with_other_settings_is_told_in_words() {
    let bus = bus();
    let stricter = names().changes_spec(24, 3, Durability::Majority);
    let found = bus.check(std::slice::from_ref(&stricter), NOW).unwrap();
    let problems = &found.first().unwrap().problems;
    assert!(problems.iter().any(|p| p == "it has 12 partitions, must have 24"), "{problems:?}");
    assert!(problems.iter().any(|p| p == "min.insync.replicas is 3, must be 2"), "{problems:?}");
}

//! What no program of ours sends, on the way to central: it is told in words, and the rest goes on.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test that cannot go on ends")]

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{
    Centre, NewStore, SimulateOptions, Stop, SystemClock as CentralClock, TopicsOptions, WorkOptions,
};
use aisle_contract::{
    ChangeEnvelope, ChangeMessage, DownBody, DownMessage, Outgoing, PortError, TopicAdmin, TopicNames,
    partition_of,
};
use aisle_domain::{
    Change, ChangeId, DeskId, Incarnation, Lane, OrderId, OrderStatus, StoreId,
    change::{Audience, OrderAccepted, OrderNoted},
    store::Durability,
};
use aisle_mirror::{ChangeState, Mirror, NewChange, NewDesk, outbox};
use aisle_sync::{Clock, Goal, SyncOptions, SyncSummary, SystemClock, once};
use aisle_testkit::fixtures;
use uuid::Uuid;

const PARTITIONS: i32 = 3;
const MEGABYTE: usize = 1 << 20;

struct Town {
    dir: tempfile::TempDir,
    bus: Bus,
    centre: Centre,
    store: StoreId,
    clock: SystemClock,
    changes: u128,
}

impl Town {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let clock = SystemClock::default();
        let bus = Bus::new("bus-1", move || clock.now());
        let path = dir.path().join("central.db");
        let centre = Centre::open(&path, TopicNames::default(), Arc::new(CentralClock)).unwrap();
        let store = StoreId::new(367).unwrap();
        centre.add_store(NewStore::new(store, "Store 367", "1 Market Street")).unwrap();
        let topics = TopicsOptions { create: true, partitions: PARTITIONS, ..TopicsOptions::default() };
        centre.topics(&bus, &topics).unwrap();
        let days = dir.path().join("days");
        fixtures::cut(&fixtures::demo(), &days, 3).unwrap();
        let mut replay = SimulateOptions::new(store, &days);
        replay.timeout = Some(Duration::from_secs(2));
        centre.simulate(&replay, &Stop::new()).unwrap();
        Self { dir, bus, centre, store, clock, changes: 0 }
    }

    fn order(&self) -> OrderId {
        self.centre.list_orders(self.store, &[], None, 1).unwrap().items[0].order_id
    }

    /// A change as a desk of another make would send it.
    fn record(&mut self, seq: i64) -> Outgoing {
        self.changes += 1;
        let change = Change::OrderNoted(OrderNoted {
            order: self.order(),
            audience: Audience::Staff,
            text: format!("note {}", self.changes),
        });
        let envelope = ChangeEnvelope {
            change_id: ChangeId(Uuid::from_u128(self.changes)),
            store: self.store,
            desk: DeskId(Uuid::from_u128(5)),
            incarnation: Incarnation(9),
            lane: Lane::Orders,
            seq,
            replaces: None,
            staff: "Ada".into(),
            acted_at: self.clock.now(),
            key_id: None,
        };
        let home = partition_of(self.store, PARTITIONS);
        ChangeMessage { envelope, change }.encode(&TopicNames::default().changes(), home, None).unwrap()
    }

    fn work(&self) -> aisle_central::WorkSummary {
        let options =
            WorkOptions { until_idle: true, timeout: Some(Duration::from_secs(30)), ..WorkOptions::default() };
        let report = self.centre.work(&self.bus, &options, &Stop::new()).unwrap();
        assert!(report.reached, "{report:?}");
        report.summary
    }

    fn dead(&self) -> Vec<aisle_central::views::DeadLetterView> {
        self.centre.list_dead_letters(None, 100).unwrap().items
    }

    fn published_dead(&self) -> Vec<aisle_contract::Incoming> {
        (0..3).flat_map(|p| self.bus.records(&TopicNames::default().dead_letters(), p)).collect()
    }

    fn feed(&self) -> Vec<(usize, DownBody)> {
        let records = self.bus.records(&TopicNames::default().feed(self.store, Lane::Orders), 0);
        let read = |r: &aisle_contract::Incoming| {
            (r.value.as_ref().map_or(0, Vec::len), DownMessage::decode(r).unwrap().body)
        };
        records.iter().map(read).collect()
    }

    fn expected(&self) -> i64 {
        let mut acks = self.feed().into_iter().filter_map(|(_, body)| match body {
            DownBody::Ack(ack) if ack.incarnation == Incarnation(9) => Some(ack.expected),
            _ => None,
        });
        acks.next_back().unwrap()
    }

    fn desk(&self) -> Mirror {
        let new = NewDesk {
            store_id: self.store,
            desk_id: DeskId(Uuid::from_u128(6)),
            incarnation: Incarnation(1),
            desk_name: "Desk".into(),
            at: self.clock.now(),
        };
        Mirror::create(&self.dir.path().join("desk"), &new).unwrap()
    }

    fn sync(&self, desk: &Mirror, goal: Goal, seconds: u64) -> SyncSummary {
        let options = SyncOptions {
            names: TopicNames::default(),
            push_interval: Duration::from_secs(300),
            push_decisions_at_once: true,
            version: "test".into(),
            desk_name: "Desk".into(),
            chance: aisle_sync::system_chance(),
            key: None,
            durability: Durability::default(),
        };
        let (stop, limit) = (AtomicBool::new(false), Duration::from_secs(seconds));
        once(desk, &self.bus, &options, goal, limit, &self.clock, &stop, &mut |_| {}).unwrap()
    }
}

fn with_header(mut record: Outgoing, name: &str, value: &[u8]) -> Outgoing {
    record.headers.retain(|(own, _)| own != name);
    record.headers.push((name.into(), value.to_vec()));
    record
}

#[test]
fn a_message_of_twenty_megabytes_is_kept_at_central_and_keeps_nothing_back() {
    let mut town = Town::new();
    let mut huge = town.record(1);
    huge.value = Some(vec![b' '; 20 * MEGABYTE]);
    assert_eq!(town.bus.append(vec![huge.clone()]), [Err(PortError::TooLarge)], "a topic as it must be");
    // Somebody set the topic to take more, and whoever sends is a program of their own.
    let names = TopicNames::default();
    let mut lax = names.changes_spec(PARTITIONS, 3, Durability::All);
    lax.settings.insert("max.message.bytes", "30000000".into());
    town.bus.create(&[lax], Duration::ZERO).unwrap();
    let check =
        town.centre.topics(&town.bus, &TopicsOptions { partitions: PARTITIONS, ..TopicsOptions::default() });
    let drifted = check.unwrap().topics.into_iter().find(|topic| topic.name == names.changes()).unwrap();
    assert!(drifted.problems.iter().any(|problem| problem.contains("max.message.bytes")), "{drifted:?}");
    let garbage = Outgoing { headers: Vec::new(), ..town.record(1) };
    let next = town.record(2);
    let headers_too =
        Outgoing { value: Some(Vec::new()), ..with_header(town.record(3), "ce_note", &vec![b'x'; 2 * MEGABYTE]) };
    let sent = town.bus.append(vec![huge, garbage, next, headers_too]);
    assert!(sent.iter().all(Result::is_ok));
    let done = town.work();
    assert_eq!((done.applied, done.refused, done.dead), (1, 2, 3), "what is behind it was taken");
    assert_eq!(town.expected(), 4, "it has the number that it says, and comes back refused");
    let kept = town.dead();
    assert_eq!(kept[0].value.as_ref().map(String::len), Some(20 * MEGABYTE), "all of it is at central");
    let published = town.published_dead();
    assert_eq!(published.len(), 3, "those behind it are there");
    let left_out = |name: &str| published.iter().filter(|r| r.headers.iter().any(|(own, _)| own == name)).count();
    assert_eq!((left_out("aisle_left_out"), left_out("aisle_why")), (2, 3));
    assert!(town.centre.verify(None).unwrap().ok);
}

#[test]
fn numbers_at_the_end_of_all_numbers_move_nothing() {
    let mut town = Town::new();
    let last = town.record(i64::MAX);
    let beyond = with_header(town.record(1), "ce_seq", b"9223372036854775808");
    let none = with_header(town.record(1), "ce_seq", b"-9223372036854775808");
    town.bus.append(vec![last, beyond, none]);
    let done = town.work();
    assert_eq!((done.applied, done.dead), (0, 2));
    assert!(town.dead().iter().all(|letter| letter.why.contains("seq")), "{:?}", town.dead());
    assert_eq!(town.expected(), 1, "central says which number it waits for");
    let first = town.record(1);
    town.bus.append(vec![first]);
    assert_eq!(town.work().applied, 1);
    assert_eq!(town.expected(), 2);
}

#[test]
fn a_word_that_is_endless_is_quoted_in_short() {
    let mut town = Town::new();
    // Quotation marks are twice as long in JSON: told whole, the refusal would be larger than its feed takes.
    let endless = "\"".repeat(600_000);
    let strange = with_header(town.record(1), "ce_type", format!("aisle.{endless}.v1").as_bytes());
    let next = town.record(2);
    town.bus.append(vec![strange, next]);
    let done = town.work();
    assert_eq!((done.applied, done.refused), (1, 1));
    let refusals: Vec<usize> = town
        .feed()
        .into_iter()
        .filter_map(|(bytes, body)| matches!(body, DownBody::Refused(_)).then_some(bytes))
        .collect();
    assert!(matches!(refusals[..], [bytes] if bytes < 10_000), "{refusals:?}");
    assert_eq!(town.expected(), 3);
}

#[test]
fn a_cluster_that_lost_the_topic_of_changes_gets_them_once_it_is_back() {
    let town = Town::new();
    town.work();
    let desk = town.desk();
    assert!(town.sync(&desk, Goal::CaughtUp, 20).reached);
    let names = TopicNames::default();
    town.bus.hide_topic(&names.changes(), true);
    let new = NewChange {
        change_id: ChangeId(Uuid::now_v7()),
        change: Change::OrderAccepted(OrderAccepted { order: town.order(), from: OrderStatus::New }),
        by: "Noor".into(),
        at: town.clock.now(),
        held: false,
        replaces: None,
    };
    desk.act(&new).unwrap();
    let cut_off = town.sync(&desk, Goal::Drained, 2);
    assert_eq!(cut_off.error, Some(PortError::TopicMissing { topic: names.changes() }));
    let row = desk.read(|conn| outbox::load(conn, new.change_id)).unwrap().unwrap();
    assert_eq!((row.state, row.seq), (ChangeState::Ready, None), "nothing is numbered meanwhile");
    town.bus.hide_topic(&names.changes(), false);
    town.bus.forget(&names.changes());
    town.sync(&desk, Goal::Drained, 1);
    town.work();
    assert!(town.sync(&desk, Goal::Drained, 20).reached);
}

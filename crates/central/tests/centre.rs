//! The centre over the in-process cluster, with scripted desks.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[path = "centre/desks.rs"]
mod desks;
#[path = "centre/digests.rs"]
mod digests;
#[path = "centre/letters.rs"]
mod letters;
#[path = "centre/silences.rs"]
mod silences;
#[path = "centre/takeover.rs"]
mod takeover;
#[path = "centre/town.rs"]
mod town;

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use aisle_bus::Bus;
use aisle_central::{
    CentralError, Centre, FaultPoint, NewStore, SimulateOptions, Stop, SystemClock, TopicsOptions, WorkEvent,
    WorkOptions, work::WorkEventKind,
};
use aisle_contract::{DownBody, Outgoing, PortError, TopicAdmin, TopicNames, TopicSpec, TopicState, partition_of};
use aisle_domain::{ChangeId, ItemId, Lane, Money, OrderStatus, StoreId};
use uuid::Uuid;

use town::{LONG, Once, ScriptedDesk, Town, accept, store, wait_for, write_days};

/// A town with a store whose days are released and published, and a desk that has seen them.
fn opened(orders: usize) -> (Town, ScriptedDesk) {
    let town = Town::new(&[367]);
    write_days(town.folder.path(), orders);
    town.centre.simulate(&SimulateOptions::new(store(367), town.folder.path()), &Stop::new()).unwrap();
    town.work_until_idle();
    let mut desk = ScriptedDesk::new(&town, store(367), 1);
    desk.pull();
    assert_eq!((desk.orders.len(), desk.items.len()), (orders, 40));
    (town, desk)
}

fn statuses(town: &Town, store: StoreId) -> Vec<OrderStatus> {
    town.centre.list_orders(store, &[], None, 1_000).unwrap().items.iter().map(|o| o.status).collect()
}

#[test]
fn a_store_s_days_go_from_the_files_to_confirmed_orders_while_a_desk_accepts_everything() {
    let town = Town::new(&[367]);
    write_days(town.folder.path(), 60);
    let stop = Stop::new();
    let options = SimulateOptions {
        until_done: true,
        timeout: Some(LONG),
        ..SimulateOptions::new(store(367), town.folder.path())
    };
    let summary = std::thread::scope(|scope| {
        let worker = scope.spawn(|| town.centre.work(&town.bus, &WorkOptions::default(), &stop).unwrap());
        let simulation = scope.spawn(|| town.centre.simulate(&options, &stop).unwrap());
        let mut desk = ScriptedDesk::new(&town, store(367), 1);
        while !simulation.is_finished() {
            desk.accept_everything();
            std::thread::sleep(Duration::from_millis(5));
        }
        let summary = simulation.join().unwrap();
        stop.stop();
        assert_eq!(worker.join().unwrap().summary.applied, 120);
        summary
    });
    assert!(summary.reached);
    assert_eq!((summary.items, summary.orders, summary.payments, summary.receipts), (40, 60, 60, 60));
    assert!(statuses(&town, store(367)).iter().all(|s| *s == OrderStatus::Confirmed));
    town.work_until_idle();
    town.assert_in_order(store(367));
    town.assert_sound();
}

#[test]
fn a_worker_that_dies_anywhere_loses_and_doubles_nothing() {
    for point in [FaultPoint::AfterCommit, FaultPoint::AfterPublish, FaultPoint::BeforeOffsetCommit] {
        let (town, mut desk) = opened(5);
        assert_eq!(desk.accept_everything(), 5);
        let died = town.try_work(Some(Once::at(point))).unwrap_err();
        assert!(matches!(died, CentralError::Struck { .. }), "{point:?}: {died}");
        town.work_until_idle();
        desk.pull();
        assert_eq!(desk.expected[&Lane::Orders], 6, "{point:?}");
        assert!(desk.orders.values().all(|o| o.status == OrderStatus::Running && o.version == 2), "{point:?}");
        assert!(desk.refused.is_empty(), "{point:?}");
        town.assert_in_order(store(367));
        town.assert_sound();
    }
}

#[test]
fn what_died_unpublished_goes_out_before_what_comes_after() {
    let (town, mut desk) = opened(2);
    desk.accept_everything();
    town.try_work(Some(Once::at(FaultPoint::AfterCommit))).unwrap_err();
    let first = desk.orders.values().next().unwrap().order_id;
    town.centre.cancel_order(None, first, "called").unwrap();
    town.work_until_idle();
    let mut versions = Vec::new();
    for message in town.feed(store(367), Lane::Orders) {
        if let DownBody::Order(order) = message.body
            && order.order_id == first
        {
            versions.push((order.version, order.status));
        }
    }
    let way = [(1, OrderStatus::New), (2, OrderStatus::Running), (3, OrderStatus::Rejected)];
    assert_eq!(versions, way);
}

#[test]
fn a_record_nobody_can_read_lies_on_the_topic_of_dead_letters_and_the_rest_goes_on() {
    let (town, mut desk) = opened(1);
    let partition = partition_of(store(367), 12);
    let poison = vec![0x00, 0xff, 0x7b];
    let record = Outgoing {
        topic: town.centre.names().changes(),
        partition,
        key: b"367".to_vec(),
        headers: vec![("content-type".into(), b"text/plain".to_vec())],
        value: Some(poison.clone()),
    };
    town.bus.append(vec![record]).remove(0).unwrap();
    desk.accept_everything();
    let report = town.work_until_idle();
    assert_eq!((report.summary.applied, report.summary.dead), (1, 1));
    let topic = town.centre.names().dead_letters();
    wait_for("the dead letter is on its topic", || (0..3).any(|p| !town.bus.records(&topic, p).is_empty()));
    let buried: Vec<_> = (0..3).flat_map(|p| town.bus.records(&topic, p)).collect();
    assert_eq!(buried.len(), 1);
    assert_eq!(buried[0].value, Some(poison));
    let why = buried[0].headers.iter().find(|(name, _)| name == "aisle_why").unwrap();
    assert!(String::from_utf8_lossy(&why.1).contains("specversion"));
    let listed = town.centre.list_dead_letters(None, 10).unwrap().items;
    assert_eq!((listed.len(), listed[0].partition, listed[0].offset), (1, partition, 0));
    assert_eq!(town.centre.show_dead_letter(listed[0].id.parse().unwrap()).unwrap(), listed[0]);
}

#[test]
fn a_feed_that_is_missing_keeps_its_rows_and_holds_nobody_else_up() {
    let town = Town::new(&[367, 368]);
    let hidden = town.centre.names().feed(store(368), Lane::Orders);
    town.bus.hide_topic(&hidden, true);
    for number in [367, 368] {
        town.centre
            .set_item(
                store(number),
                aisle_domain::ItemId::new(5).unwrap(),
                &["name=Bread".parse().unwrap(), "unit_price=2.50".parse().unwrap()],
            )
            .unwrap();
    }
    let stop = Stop::new();
    std::thread::scope(|scope| {
        scope.spawn(|| town.centre.work(&town.bus, &WorkOptions::default(), &stop).unwrap());
        wait_for("the others have their rows", || {
            !town.feed(store(367), Lane::Orders).is_empty() && !town.feed(store(368), Lane::Catalog).is_empty()
        });
        assert!(town.feed(store(368), Lane::Orders).is_empty());
        town.bus.hide_topic(&hidden, false);
        wait_for("the feed has its row", || !town.feed(store(368), Lane::Orders).is_empty());
        stop.stop();
    });
}

#[test]
fn acts_of_the_centre_are_published_at_once_by_a_worker_that_runs() {
    let (town, _) = opened(1);
    let order = town.centre.list_orders(store(367), &[], None, 1).unwrap().items.remove(0).order_id;
    let stop = Stop::new();
    std::thread::scope(|scope| {
        scope.spawn(|| town.centre.work(&town.bus, &WorkOptions::default(), &stop).unwrap());
        wait_for("a worker reads", || {
            town.bus.committed(0).is_some() || !town.feed(store(367), Lane::Orders).is_empty()
        });
        std::thread::sleep(Duration::from_millis(300));
        let acted = Instant::now();
        // As another process does it: a centre of its own over the same file.
        let other = Centre::open(town.centre.path(), TopicNames::default(), Arc::new(SystemClock)).unwrap();
        other.cancel_order(Some(store(367)), order, "called").unwrap();
        let cancelled = || {
            town.feed(store(367), Lane::Orders)
                .iter()
                .any(|m| matches!(&m.body, DownBody::Order(o) if o.status == OrderStatus::Rejected))
        };
        wait_for("the cancellation is in the feed", cancelled);
        assert!(acted.elapsed() < Duration::from_secs(2), "{:?}", acted.elapsed());
        stop.stop();
    });
}

#[test]
fn while_the_cluster_takes_nothing_rows_wait_and_then_go_out_in_order() {
    let (town, mut desk) = opened(8);
    desk.accept_everything();
    town.bus.refuse_writes(Some(PortError::NotEnoughReplicas));
    let stop = Stop::new();
    std::thread::scope(|scope| {
        scope.spawn(|| town.centre.work(&town.bus, &WorkOptions::default(), &stop).unwrap());
        wait_for("everything is applied", || {
            statuses(&town, store(367)).iter().all(|s| *s == OrderStatus::Running)
        });
        assert!(town.acks(store(367), Lane::Orders).is_empty());
        town.bus.refuse_writes(None);
        wait_for("the ack is there", || town.acks(store(367), Lane::Orders).iter().any(|a| a.expected == 9));
        stop.stop();
    });
    town.work_until_idle();
    town.assert_in_order(store(367));
    town.assert_sound();
}

#[test]
fn lost_delivery_reports_send_rows_again_and_nothing_gets_older() {
    let (town, mut desk) = opened(8);
    desk.accept_everything();
    town.bus.lose_reports(3);
    town.work_until_idle();
    desk.pull();
    assert_eq!(desk.expected[&Lane::Orders], 9);
    assert!(desk.orders.values().all(|o| o.status == OrderStatus::Running));
}

#[test]
fn a_cluster_that_was_set_up_anew_is_read_from_its_beginning() {
    let (town, mut desk) = opened(2);
    desk.accept_everything();
    town.work_until_idle();
    town.bus.rebuild("cluster-b");
    town.make_topics();
    let order = desk.orders.values().next().unwrap().clone();
    let change = aisle_domain::Change::OrderClaimed(aisle_domain::change::OrderClaimed {
        order: order.order_id,
        from: None,
        to: Some("Ana".into()),
    });
    desk.send(change);
    let report = town.work_until_idle();
    assert_eq!(report.summary.applied, 1);
    let ack = town.acks(store(367), Lane::Orders).pop().unwrap();
    assert_eq!((ack.position.cluster.as_str(), ack.position.offset, ack.expected), ("cluster-b", 1, 4));
}

#[test]
fn the_group_is_told_how_far_a_partition_is_applied() {
    let (town, mut desk) = opened(3);
    desk.accept_everything();
    town.work_until_idle();
    assert_eq!(town.bus.committed(partition_of(store(367), 12)), Some(3));
}

#[test]
fn an_unreachable_cluster_is_waited_for_until_the_time_is_up() {
    let (town, _) = opened(1);
    town.bus.unreachable(true);
    let options =
        WorkOptions { until_idle: true, timeout: Some(Duration::from_millis(400)), ..WorkOptions::default() };
    let report = town.centre.work(&town.bus, &options, &Stop::new()).unwrap();
    assert!(!report.reached);
    town.bus.unreachable(false);
    assert!(town.work_until_idle().reached);
}

#[test]
fn homes_move_when_the_topic_has_grown_and_the_old_partitions_are_read_to_their_end() {
    let (town, desk) = opened(4);
    let changes: Vec<_> = desk.orders.values().map(|o| (ChangeId(Uuid::new_v4()), accept(o))).collect();
    let send = |from: i64| {
        for (seq, (id, change)) in (1..).zip(&changes).filter(|(seq, _)| *seq >= from) {
            desk.send_numbered(seq, *id, change.clone());
        }
    };
    let (first, change) = &changes[0];
    desk.send_numbered(1, *first, change.clone());
    let grown = TopicsOptions { create: true, partitions: 25, ..TopicsOptions::default() };
    assert!(town.centre.topics(&town.bus, &grown).unwrap().ok);
    assert_ne!(partition_of(store(367), 12), partition_of(store(367), 25));
    send(2);
    let moved = Arc::new(Mutex::new(false));
    let seen = Arc::clone(&moved);
    let listener = move |event: &WorkEvent| {
        if event.what == (WorkEventKind::Moved { partitions: 25 }) {
            *seen.lock().unwrap() = true;
        }
    };
    let stop = Stop::new();
    let options = WorkOptions { events: Some(Arc::new(listener)), ..WorkOptions::default() };
    std::thread::scope(|scope| {
        scope.spawn(|| town.centre.work(&town.bus, &options, &stop).unwrap());
        wait_for("homes have moved", || *moved.lock().unwrap());
        stop.stop();
    });
    let expected = town.acks(store(367), Lane::Orders).pop().unwrap().expected;
    assert!(expected >= 2, "the old partition was read to its end");
    // What a gap dropped is sent again by the desk.
    send(expected);
    town.work_until_idle();
    assert_eq!(town.acks(store(367), Lane::Orders).pop().unwrap().expected, 5);
    assert!(statuses(&town, store(367)).iter().all(|s| *s == OrderStatus::Running));
    town.assert_sound();
}

#[test]
fn a_change_that_the_database_never_takes_is_refused_and_kept_and_the_rest_goes_on() {
    let (town, mut desk) = opened(3);
    let poisoned = desk.orders.values().next().unwrap().order_id;
    let other = rusqlite::Connection::open(town.centre.path()).unwrap();
    let trigger = format!(
        "CREATE TRIGGER poison BEFORE INSERT ON audit WHEN new.subject = 'order/{poisoned}' AND new.change_id NOT NULL
         BEGIN SELECT raise(ABORT, 'poison'); END"
    );
    other.execute_batch(&trigger).unwrap();
    desk.accept_everything();
    let report = town.work_until_idle();
    assert_eq!((report.summary.applied, report.summary.refused, report.summary.dead), (2, 1, 1));
    let letter = town.centre.list_dead_letters(None, 10).unwrap().items.remove(0);
    assert!(letter.why.contains("poison"), "{}", letter.why);
    desk.pull();
    assert_eq!(desk.refused.iter().map(|(_, r)| r.code()).collect::<Vec<_>>(), ["not_understood"]);
    assert_eq!(desk.expected[&Lane::Orders], 4);
    assert_eq!(statuses(&town, store(367)), [OrderStatus::New, OrderStatus::Running, OrderStatus::Running]);
}

#[test]
fn dead_letters_wait_for_their_topic() {
    let (town, _) = opened(1);
    let topic = town.centre.names().dead_letters();
    town.bus.hide_topic(&topic, true);
    let partition = partition_of(store(367), 12);
    let record = Outgoing {
        topic: town.centre.names().changes(),
        partition,
        key: Vec::new(),
        headers: Vec::new(),
        value: None,
    };
    town.bus.append(vec![record]).remove(0).unwrap();
    let stop = Stop::new();
    std::thread::scope(|scope| {
        scope.spawn(|| town.centre.work(&town.bus, &WorkOptions::default(), &stop).unwrap());
        wait_for("it is put aside", || !town.centre.list_dead_letters(None, 1).unwrap().items.is_empty());
        town.bus.hide_topic(&topic, false);
        wait_for("it is on its topic", || !town.bus.records(&topic, partition % 3).is_empty());
        stop.stop();
    });
}

#[test]
fn a_centre_runs_in_the_background_until_it_is_dropped() {
    let town = Town::new(&[367]);
    write_days(town.folder.path(), 10);
    let days = SimulateOptions { until_done: true, ..SimulateOptions::new(store(367), town.folder.path()) };
    let running = town.centre.start(Arc::new(town.bus.clone()), WorkOptions::default(), Some(days)).unwrap();
    let mut desk = ScriptedDesk::new(&town, store(367), 1);
    wait_for("a desk has decided everything", || {
        desk.accept_everything();
        statuses(&town, store(367)).iter().filter(|s| **s == OrderStatus::Confirmed).count() == 10
    });
    running.stop().unwrap();
    let nowhere = SimulateOptions::new(store(367), town.folder.path().join("nowhere"));
    let running = town.centre.start(Arc::new(town.bus.clone()), WorkOptions::default(), Some(nowhere)).unwrap();
    assert_eq!(running.stop().unwrap_err().code(), "bad_input");
}

#[test]
fn a_new_epoch_sends_every_row_again_under_its_name() {
    let (town, _) = opened(3);
    let before = town.centre.digest(store(367)).unwrap().epoch;
    let already = town.feed(store(367), Lane::Orders).len();
    let made = town.centre.new_epoch().unwrap();
    assert_ne!(made.epoch, before);
    assert_eq!(made.rows, 1 + 3 + 40);
    town.work_until_idle();
    let again = town.feed(store(367), Lane::Orders).split_off(already);
    assert!(again.iter().all(|message| message.epoch == Some(made.epoch)));
    let kinds: Vec<&str> = again.iter().filter_map(|m| m.body.type_word()).collect();
    assert_eq!(kinds, ["store.state", "order.state", "order.state", "order.state", "digest"]);
    assert_eq!(town.centre.digest(store(367)).unwrap().epoch, made.epoch);
}

#[test]
fn the_digest_of_the_feed_is_that_of_the_rows_before_it() {
    let (town, desk) = opened(5);
    let mut counted = aisle_domain::digest::RowDigest::default();
    for order in desk.orders.values() {
        counted.add(aisle_domain::Subject::Order(order.order_id), order.version);
    }
    let sent = town.feed(store(367), Lane::Orders).into_iter().rev().find_map(|m| match m.body {
        DownBody::Digest(digest) => Some(digest.rows),
        _ => None,
    });
    assert_eq!(sent, Some(counted.into()));
    assert_eq!(sent, Some(town.centre.digest(store(367)).unwrap().tables.orders));
}

#[test]
fn topics_that_are_missing_or_weaker_are_named() {
    let town = Town::new(&[367]);
    let wider = TopicsOptions { partitions: 24, ..TopicsOptions::default() };
    let report = town.centre.topics(&town.bus, &wider).unwrap();
    assert!(!report.ok);
    let wrong: Vec<&str> =
        report.topics.iter().filter(|t| !t.problems.is_empty()).map(|t| t.name.as_str()).collect();
    assert_eq!(wrong, ["aisle.changes"]);
    let unmade = TopicsOptions { stores: vec![store(9)], ..TopicsOptions::default() };
    let report = town.centre.topics(&town.bus, &unmade).unwrap();
    assert_eq!(report.topics.iter().filter(|t| t.partitions == 0).count(), 2);
    let specs = town.centre.topic_specs(&TopicsOptions::default()).unwrap();
    assert!(town.bus.check(&specs, LONG).unwrap().iter().all(|t| t.problems.is_empty()));
}

#[test]
fn a_feed_whose_topic_is_made_anew_in_the_same_cluster_is_filled_again_and_a_new_one_only_once() {
    let (town, _) = opened(2);
    let keys = |lane| -> Vec<String> {
        town.feed(store(367), lane).iter().filter_map(|message| message.body.key()).collect()
    };
    let (orders, items) = (keys(Lane::Orders), keys(Lane::Catalog));
    let unique: std::collections::BTreeSet<_> = items.iter().collect();
    assert_eq!(items.len(), unique.len(), "what a new topic gets it gets once");
    assert!(items.len() > 1, "{items:?}");
    town.bus.take_away(&town.centre.names().feed(store(367), Lane::Catalog));
    town.make_topics();
    town.work_until_idle();
    assert_eq!(keys(Lane::Catalog).len(), items.len());
    assert_eq!(keys(Lane::Orders), orders, "the other feed is as it was");
    town.assert_sound();
}

#[test]
fn a_feed_that_was_quiet_for_long_is_filled_when_it_is_made_anew_and_so_is_that_of_a_store_without_orders() {
    let (town, _) = opened(1);
    town.centre.add_store(NewStore::new(store(9), "New", "Side street 2")).unwrap();
    town.make_topics();
    town.work_until_idle();
    let items = town.feed(store(367), Lane::Catalog).len();
    // As a week later.
    let database = rusqlite::Connection::open(town.folder.path().join("central.db")).unwrap();
    let published = "DELETE FROM feed_outbox AS o WHERE o.id <=
        (SELECT f.published_to FROM feeds f WHERE f.store_id = o.store_id AND f.lane = o.lane)";
    assert!(database.execute(published, []).unwrap() > 40);
    let item = ItemId::new(1_000).unwrap();
    town.centre.set_item(store(367), item, &["unit_price=9.99".parse().unwrap()]).unwrap();
    for (number, lane) in [(367, Lane::Catalog), (9, Lane::Orders)] {
        town.bus.take_away(&town.centre.names().feed(store(number), lane));
    }
    town.make_topics();
    town.work_until_idle();
    let keys: std::collections::BTreeSet<_> =
        town.feed(store(367), Lane::Catalog).iter().filter_map(|message| message.body.key()).collect();
    assert_eq!(keys.len(), items, "every item and the digest");
    assert!(town.feed(store(9), Lane::Orders).iter().any(|m| matches!(m.body, DownBody::Store(_))));
}

/// An admin whose line breaks once it has made the topics.
struct Interrupted(Bus);

impl TopicAdmin for Interrupted {
    fn check(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        self.0.check(specs, timeout)
    }

    fn create(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        self.0.create(specs, timeout)?;
        Err(PortError::TimedOut("the line broke".into()))
    }
}

#[test]
fn a_feed_that_was_made_anew_is_filled_though_its_maker_never_heard_that_it_was_made() {
    let (town, _) = opened(2);
    let items = town.feed(store(367), Lane::Catalog).len();
    town.bus.take_away(&town.centre.names().feed(store(367), Lane::Catalog));
    let options = TopicsOptions { create: true, ..TopicsOptions::default() };
    assert!(town.centre.topics(&Interrupted(town.bus.clone()), &options).is_err());
    town.make_topics();
    town.work_until_idle();
    assert_eq!(town.feed(store(367), Lane::Catalog).len(), items);
}

#[test]
fn single_acts_are_refused_with_a_code() {
    let (town, _) = opened(1);
    let order = town.centre.list_orders(store(367), &[], None, 1).unwrap().items.remove(0);
    let money = Money::from_minor;
    let missing = aisle_domain::OrderId::new(99).unwrap();
    assert_eq!(town.centre.show_order(None, missing).unwrap_err().code(), "not_found");
    assert_eq!(town.centre.set_range(None, order.order_id, money(5), money(4)).unwrap_err().code(), "bad_value");
    assert_eq!(town.centre.add_payment(None, order.order_id, money(-1)).unwrap_err().code(), "bad_value");
    town.centre.cancel_order(None, order.order_id, "called").unwrap();
    assert_eq!(town.centre.cancel_order(None, order.order_id, "again").unwrap_err().code(), "illegal_act");
    let again = aisle_central::NewStore::new(store(367), "Store", "Main street 1");
    assert_eq!(town.centre.add_store(again).unwrap_err().code(), "id_taken");
    for wrong in ["price=1", "unit_price=1.999", "unit_price=-1", "name=", "availability=maybe"] {
        let change = wrong.parse().and_then(|change| {
            town.centre.set_item(store(367), aisle_domain::ItemId::new(1_000).unwrap(), &[change])
        });
        assert_eq!(change.unwrap_err().code(), "bad_value", "{wrong}");
    }
}

//! Numbers, duplicates, leases, and what is put aside.

use super::*;

#[test]
fn a_record_that_comes_twice_has_effect_once() {
    let mut bench = Bench::with_order();
    let record = bench.record(DESK, 1, 1, accept());
    let again = bench.record(DESK, 1, 1, accept());
    let applied = bench.apply(&[record, again.clone()]);
    assert_eq!((applied.applied, applied.duplicates), (1, 1));
    let version = bench.order().version;
    assert_eq!(bench.apply(&[again]).duplicates, 1);
    assert_eq!(bench.order().version, version);
}

#[test]
fn a_gap_is_dropped_and_the_expected_number_is_published_once_a_batch() {
    let mut bench = Bench::with_order();
    bench.sent(Lane::Orders);
    let third = bench.record(DESK, 3, 3, claim(Some("b"), "c"));
    let fourth = bench.record(DESK, 4, 4, claim(Some("c"), "d"));
    assert_eq!(bench.apply(&[third.clone(), fourth.clone()]).dropped, 2);
    let acks = bench.acks(Lane::Orders);
    assert_eq!(acks.iter().map(|a| a.expected).collect::<Vec<_>>(), [1]);
    assert_eq!(acks[0].position.offset, 2, "the desk sees that central has read beyond its record");
    let first = bench.record(DESK, 1, 1, claim(None, "a"));
    let second = bench.record(DESK, 2, 2, claim(Some("a"), "b"));
    assert_eq!(bench.apply(&[first, second, third, fourth]).applied, 4);
    assert_eq!(bench.order().claimed_by.as_deref(), Some("d"));
}

#[test]
fn a_replay_of_the_whole_partition_changes_no_row() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(OTHER, 1, 2, reject());
    bench.send(DESK, 2, 3, claim(None, "a"));
    let (row, digest) = (bench.order(), bench.centre.digest(store_id()).unwrap());
    let log = bench.log.clone();
    let applied = bench.apply(&log);
    assert_eq!((applied.applied, applied.refused, applied.duplicates), (0, 0, 3));
    assert_eq!(bench.order(), row);
    assert_eq!(bench.centre.digest(store_id()).unwrap(), digest);
}

#[test]
fn a_refused_change_that_comes_again_is_refused_again_with_its_first_reason() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, reject());
    bench.send(OTHER, 1, 2, accept());
    let first = bench.refusals(Lane::Orders);
    assert_eq!(first.len(), 1);
    // A restored desk numbers the same change anew.
    let applied = bench.send(TestDesk(OTHER.0, 99), 1, 2, accept());
    assert_eq!((applied.duplicates, applied.refused), (1, 0));
    let sent = bench.sent(Lane::Orders);
    let [DownBody::Refused(again), DownBody::Ack(ack)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(again.refusal, first[0]);
    assert_eq!((ack.expected, ack.incarnation), (2, Incarnation(99)));
}

#[test]
fn nothing_waits_behind_a_refused_change() {
    let mut bench = Bench::with_order();
    let unknown = OrderId::new(5).unwrap();
    let lost = Change::OrderAccepted(OrderAccepted { order: unknown, from: OrderStatus::New });
    let first = bench.record(DESK, 1, 1, lost);
    let second = bench.record(DESK, 2, 2, accept());
    let applied = bench.apply(&[first, second]);
    assert_eq!((applied.applied, applied.refused), (1, 1));
    assert_eq!(bench.refusals(Lane::Orders), [Refusal::NotFound { what: "order 5".into() }]);
}

#[test]
fn a_worker_whose_term_is_over_writes_nothing() {
    let mut bench = Bench::with_order();
    let record = bench.record(DESK, 1, 1, accept());
    bench.ledger.write(|tx| tx.take_lease(home(), "another", false, at(1))).unwrap();
    let place = bench.place();
    let ended = bench.ledger.write(|tx| apply_batch(tx, place, &[record])).unwrap_err();
    assert!(matches!(ended, CentralError::Zombie { .. }), "{ended}");
    assert_eq!(bench.order().status, OrderStatus::New);
    assert_eq!(bench.ledger.read(|tx| tx.position(home())).unwrap(), None);
}

#[test]
fn a_lease_is_waited_for_until_it_expires_or_is_given_back() {
    let mut bench = Bench::new();
    let patient = |bench: &mut Bench, now| bench.ledger.write(|tx| tx.take_lease(home(), "b", true, now)).unwrap();
    assert_eq!(patient(&mut bench, at(5)), None);
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(5))).unwrap(), Vec::<i32>::new());
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(6))).unwrap(), [home()]);
    assert_eq!(patient(&mut bench, at(6)), Some(2));
    bench.ledger.write(|tx| tx.release_lease(home(), 2)).unwrap();
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(60))).unwrap(), Vec::<i32>::new());
    assert_eq!(patient(&mut bench, at(6)), Some(3));
}

#[test]
fn a_number_that_repeats_a_change_of_another_one_is_no_hole() {
    let mut bench = Bench::with_order();
    let first = bench.record(DESK, 1, 1, accept());
    // Numbered anew and sent once more, and read before the first copy, which lies in another partition.
    let again = bench.record(TestDesk(1, 12), 1, 2, claim(None, "a"));
    let second = bench.record(DESK, 2, 2, claim(None, "a"));
    let third = bench.record(DESK, 3, 3, claim(Some("a"), "b"));
    assert_eq!(bench.apply(&[first, again, second.clone(), third, second]).duplicates, 2);
    assert_eq!(bench.ledger.read(|tx| tx.holes()).unwrap(), (2, vec![]));
    let missing = "DELETE FROM dedup WHERE change_id = (SELECT change_id FROM dedup WHERE seq = 3)";
    rusqlite::Connection::open(bench.centre.path()).unwrap().execute_batch(missing).unwrap();
    let (_, wrong) = bench.ledger.read(|tx| tx.holes()).unwrap();
    assert!(matches!(wrong.as_slice(), [one] if one.contains("1 numbers between 1 and 4")), "{wrong:?}");
}

#[test]
fn a_lease_that_was_given_while_the_clock_was_ahead_holds_nobody_up() {
    let mut bench = Bench::new();
    let held = |bench: &mut Bench, by| bench.ledger.write(|tx| tx.take_lease(home(), "a", false, by)).unwrap();
    let patient = |bench: &mut Bench, now| bench.ledger.write(|tx| tx.take_lease(home(), "b", true, now)).unwrap();
    held(&mut bench, at(5));
    assert_eq!(patient(&mut bench, at(0)), None, "a clock that is put right by seconds ends no lease");
    let term = held(&mut bench, at(3_600)).unwrap();
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(0))).unwrap(), [home()]);
    assert!(bench.ledger.read(|tx| tx.unheld(at(0))).unwrap().contains(&home()));
    assert_eq!(patient(&mut bench, at(0)), Some(term + 1));
    assert_eq!(bench.ledger.read(|tx| tx.orphaned(at(0))).unwrap(), Vec::<i32>::new());
}

#[test]
fn what_waited_when_a_worker_was_replaced_goes_once_more_when_nothing_can_come_late_any_more() {
    let mut bench = Bench::with_order();
    assert!(!bench.ledger.read(|tx| tx.was_given_back(home())).unwrap());
    bench.ledger.write(|tx| tx.suspect(|store| store == store_id(), at(0))).unwrap();
    bench.send(DESK, 1, 1, accept());
    let due = |bench: &mut Bench, now| bench.ledger.read(|tx| tx.suspects_are_due(now)).unwrap();
    assert_eq!([at(0), at(34), at(35)].map(|now| due(&mut bench, now)), [false, false, true]);
    assert!(due(&mut bench, at(-1)), "a clock that was ahead keeps nothing back");
    // The order, behind whose old state a new one stands; not the store, of which there is one state.
    assert_eq!(bench.ledger.write(|tx| tx.send_suspects_again(at(35))).unwrap(), 1);
    let orders = |sent: Vec<DownBody>| {
        let versions = sent.into_iter().filter_map(|body| match body {
            DownBody::Order(order) => Some(order.version),
            _ => None,
        });
        versions.collect::<Vec<_>>()
    };
    assert_eq!(orders(bench.sent(Lane::Orders)), [1, 2, 2]);
    assert!(!due(&mut bench, at(90)));
    assert_eq!(bench.ledger.write(|tx| tx.send_suspects_again(at(90))).unwrap(), 0);
    bench.ledger.write(|tx| tx.release_lease(home(), 1)).unwrap();
    assert!(bench.ledger.read(|tx| tx.was_given_back(home())).unwrap());
}

#[test]
fn a_malformed_record_is_a_dead_letter_once_and_the_rest_goes_on() {
    let mut bench = Bench::with_order();
    let mut broken = bench.record(DESK, 1, 9, accept());
    broken.headers.clear();
    broken.value = Some(vec![0xff, 0x00, 0x7b]);
    let good = bench.record(DESK, 1, 1, accept());
    let applied = bench.apply(&[broken.clone(), good]);
    assert_eq!((applied.applied, applied.dead), (1, 1));
    assert_eq!(bench.apply(&[broken.clone()]).dead, 0, "one a place in the log");
    let letters = bench.dead();
    assert_eq!(letters.len(), 1);
    assert_eq!(letters[0].raw, broken.value, "byte for byte");
    assert_eq!((letters[0].partition, letters[0].offset), (home(), 0));
}

#[test]
fn a_change_of_an_unknown_kind_is_refused_kept_and_the_numbering_goes_on() {
    let mut bench = Bench::with_order();
    let mut strange = bench.record(DESK, 1, 1, accept());
    for (name, value) in &mut strange.headers {
        if name == "ce_type" {
            *value = b"aisle.order.teleported.v1".to_vec();
        }
    }
    let next = bench.record(DESK, 2, 2, accept());
    let applied = bench.apply(&[strange, next]);
    assert_eq!((applied.applied, applied.refused, applied.dead), (1, 1, 1));
    let sent = bench.sent(Lane::Orders);
    assert!(sent.iter().any(|b| matches!(b, DownBody::Refused(r) if r.refusal.code() == "not_understood")));
    assert!(matches!(sent.last(), Some(DownBody::Ack(ack)) if ack.expected == 3));
}

#[test]
fn one_number_for_two_changes_is_a_fork_that_is_kept_and_not_acknowledged() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.sent(Lane::Orders);
    let applied = bench.send(DESK, 1, 2, claim(None, "copy"));
    assert_eq!((applied.applied, applied.dead), (0, 1));
    assert!(bench.dead()[0].why.starts_with("forked"));
    assert!(bench.acks(Lane::Orders).is_empty());
    assert_eq!(bench.order().claimed_by, None);
    assert!(bench.centre.list_stores().unwrap()[0].desks[0].forked_at.is_some());
}

/// What central last said of a desk's numbering.
fn last_ack(bench: &mut Bench) -> DeskAck {
    bench.acks(Lane::Orders).pop().unwrap()
}

#[test]
fn an_ack_names_the_change_that_took_the_last_number() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    assert_eq!(last_ack(&mut bench).last, Some(change_id(1)));
    bench.send(OTHER, 1, 1, accept());
    let seen = last_ack(&mut bench);
    assert_eq!((seen.expected, seen.last), (2, Some(change_id(1))), "a repeated change takes a number as well");
    bench.beat(TestDesk(3, 33), 50, None);
    assert_eq!(last_ack(&mut bench).last, None);
}

#[test]
fn a_fork_is_told_to_whoever_goes_on_with_that_numbering() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.beat(DESK, 50, None);
    assert!(!last_ack(&mut bench).forked);
    bench.send(DESK, 1, 2, claim(None, "copy"));
    bench.beat(DESK, 51, None);
    assert!(last_ack(&mut bench).forked);
    bench.beat(TestDesk(DESK.0, 99), 52, None);
    assert!(!last_ack(&mut bench).forked, "another numbering of the same desk is not");
}

#[test]
fn a_desk_that_mirrored_another_history_is_told_of_all_its_numberings() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(TestDesk(DESK.0, 12), 1, 2, claim(None, "a"));
    let own = bench.ledger.read(|tx| tx.epoch()).unwrap();
    bench.beat(DESK, 60, Some(own));
    assert_eq!(last_ack(&mut bench).numberings, None);
    bench.beat(DESK, 61, Some(aisle_domain::Epoch(Uuid::nil())));
    let known = last_ack(&mut bench).numberings.unwrap();
    let told: Vec<_> = known.iter().map(|n| (n.incarnation.0, n.expected)).collect();
    assert_eq!(told, [(11, 2), (12, 2)]);
}

#[test]
fn what_a_batch_refuses_counts_in_the_answer_to_a_heartbeat_before_it_and_is_said_once() {
    let mut bench = Bench::with_order();
    bench.sent(Lane::Orders);
    let beat = bench.heartbeat(DESK, 61, Some(aisle_domain::Epoch(Uuid::nil())));
    let refused = bench.record(DESK, 1, 2, claim(Some("nobody"), "Ana"));
    bench.apply(&[beat, refused]);
    let sent = bench.sent(Lane::Orders);
    let [DownBody::Refused(told), DownBody::Ack(ack)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!(
        (told.change_id, ack.expected, ack.refused.as_slice()),
        (change_id(2), 2, [change_id(2)].as_slice())
    );
}

#[test]
fn a_desk_that_mirrored_another_history_is_told_again_what_this_one_refused() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(DESK, 2, 2, claim(Some("nobody"), "Ana"));
    bench.sent(Lane::Orders);
    bench.beat(DESK, 61, Some(aisle_domain::Epoch(Uuid::nil())));
    let sent = bench.sent(Lane::Orders);
    let [DownBody::Refused(again), DownBody::Ack(ack)] = sent.as_slice() else { panic!("{sent:?}") };
    assert_eq!((again.change_id, ack.refused.as_slice()), (change_id(2), [change_id(2)].as_slice()));
}

#[test]
fn a_feed_is_filled_again_in_another_cluster_with_its_digest_behind_its_rows() {
    let mut bench = Bench::with_order();
    assert!(!bench.ledger.write(|tx| tx.follow_cluster("cluster-a")).unwrap(), "the first is taken as it is");
    bench.sent(Lane::Orders);
    assert!(bench.ledger.write(|tx| tx.follow_cluster("cluster-b")).unwrap());
    bench.send(DESK, 1, 1, accept());
    assert!(!bench.sent(Lane::Orders).iter().any(|b| matches!(b, DownBody::Digest(_))), "not before it is full");
    while bench.ledger.write(|tx| tx.refill_some(at(90))).unwrap().is_some() {}
    let sent = bench.sent(Lane::Orders);
    let [DownBody::Store(_), DownBody::Order(_), DownBody::Digest(digest)] = sent.as_slice() else {
        panic!("{sent:?}")
    };
    assert_eq!(digest.rows.count, 1);
}

#[test]
fn an_unknown_store_and_a_store_of_another_partition_are_dead_letters() {
    let mut bench = Bench::with_order();
    let mut stranger = bench.record(DESK, 1, 1, accept());
    for (name, value) in &mut stranger.headers {
        if name == "ce_store" {
            *value = b"4711".to_vec();
        }
    }
    assert_eq!(bench.apply(&[stranger]).dead, 1);
    let record = bench.record(DESK, 1, 1, accept());
    let elsewhere = (home() + 1) % 12;
    let term = bench.ledger.write(|tx| tx.take_lease(elsewhere, "me", false, at(0))).unwrap().unwrap();
    let place = Place { partition: elsewhere, term, ..bench.place() };
    let record = Incoming { partition: elsewhere, ..record };
    assert_eq!(bench.ledger.write(|tx| apply_batch(tx, place, &[record])).unwrap().dead, 1);
    assert_eq!(bench.order().status, OrderStatus::New);
}

#[test]
fn a_desk_cannot_speak_for_another_store() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    let other = (1..10_000).map(|n| StoreId::new(n).unwrap()).find(|s| partition_of(*s, 12) == home()).unwrap();
    bench.centre.add_store(NewStore::new(other, "Other", "Main street 2")).unwrap();
    let mut record = bench.record(DESK, 2, 2, claim(None, "x"));
    for (name, value) in &mut record.headers {
        if name == "ce_store" {
            *value = other.to_string().into_bytes();
        }
    }
    assert_eq!(bench.apply(&[record]).dead, 1);
    assert!(bench.dead()[0].why.contains("belongs to store 367"));
}

#[test]
fn a_heartbeat_is_answered_in_the_orders_lane_with_its_id_and_centrals_clock() {
    let mut bench = Bench::with_order();
    bench.sent(Lane::Orders);
    bench.beat(DESK, 77, None);
    let acks = bench.acks(Lane::Orders);
    assert_eq!(acks.len(), 1);
    assert_eq!((acks[0].heartbeat, acks[0].central_time, acks[0].expected), (Some(change_id(77)), at(20), 1));
    let desks = bench.centre.list_stores().unwrap().remove(0).desks;
    assert_eq!(
        (desks[0].name.as_deref(), desks[0].outbox, desks[0].oldest_age_s),
        (Some("Front"), Some(3), Some(42))
    );
    assert_eq!(desks[0].clock_offset_ms, Some(499_000), "its clock is ahead of the cluster's");
}

#[test]
fn fewer_partitions_that_were_seen_while_the_clock_was_ahead_are_counted_from_now() {
    let mut bench = Bench::new();
    let since = |bench: &mut Bench, now| bench.ledger.write(|tx| tx.fewer_since(("c", 3), now)).unwrap();
    assert_eq!(since(&mut bench, at(3_600)), at(3_600));
    assert_eq!(since(&mut bench, at(5)), at(5));
    assert_eq!(since(&mut bench, at(9)), at(5));
}

#[test]
fn a_desk_at_which_something_waits_is_told_how_far_its_store_s_other_homes_are_read() {
    let mut bench = Bench::with_order();
    bench.beat(DESK, 77, None);
    assert_eq!(last_ack(&mut bench).elsewhere, []);
    let other = (13..=24).map(|count| partition_of(store_id(), count)).find(|other| *other != home()).unwrap();
    bench
        .ledger
        .write(|tx| {
            tx.begin_growth(24, &[], at(1))?;
            tx.set_position(other, "cluster-a", 9)
        })
        .unwrap();
    bench.sent(Lane::Orders);
    bench.beat(DESK, 78, None);
    let told = CentralPosition { cluster: "cluster-a".into(), partition: other, offset: 9 };
    assert_eq!(last_ack(&mut bench).elsewhere, std::slice::from_ref(&told));
    assert_eq!(bench.acks(Lane::Catalog).pop().unwrap().elsewhere, [told]);
    bench.send(DESK, 1, 1, accept());
    assert_eq!(last_ack(&mut bench).elsewhere, [], "only when it asks");
}

#[test]
fn a_dead_letter_is_replayed_once_what_kept_it_is_mended_and_only_once() {
    let mut bench = Bench::with_order();
    bench.send(DESK, 1, 1, accept());
    bench.send(DESK, 1, 2, claim(None, "copy"));
    let letter = bench.dead()[0].id;
    assert_eq!(bench.centre.show_dead_letter(letter).unwrap().state, "open");
    assert_eq!(bench.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    let version = bench.order().version;
    assert_eq!(bench.order().claimed_by.as_deref(), Some("copy"));
    assert!(bench.centre.verify(None).unwrap().ok, "no number has two outcomes");
    bench.centre.replay_dead_letter(letter).unwrap();
    assert_eq!(bench.order().version, version);
    let mut broken = bench.record(DESK, 2, 3, accept());
    broken.headers.clear();
    bench.apply(&[broken]);
    let letter = bench.dead()[1].id;
    assert_eq!(bench.centre.replay_dead_letter(letter).unwrap_err().code(), "bad_value");
    assert_eq!(bench.centre.skip_dead_letter(letter).unwrap().state, "skipped");
    assert_eq!(bench.centre.skip_dead_letter(99).unwrap_err().code(), "not_found");
}

#[test]
fn what_not_even_a_refusal_can_be_written_of_is_put_aside_and_gone_past() {
    let mut bench = Bench::with_order();
    let record = bench.record(DESK, 1, 1, accept());
    let place = bench.place();
    let tally = bench.ledger.write(|tx| bury_record(tx, place, &record, "the disk says no")).unwrap();
    assert_eq!(tally.dead, 1);
    assert_eq!(bench.ledger.read(|tx| tx.position(home())).unwrap(), Some((CLUSTER.to_owned(), 1)));
    assert_eq!(bench.dead()[0].why, "the disk says no");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// However a desk's records are repeated, dropped and cut into batches: once everything was sent in order at
    /// least once, every change had effect exactly once, in order.
    #[test]
    fn numbering_is_exactly_once_and_in_order(
        noise in prop::collection::vec(0_usize..8, 0..40),
        cuts in prop::collection::vec(1_usize..7, 1..20),
    ) {
        let mut bench = Bench::with_order();
        let names: Vec<String> = (0..=8).map(|n| format!("p{n}")).collect();
        let chain = |n: usize| claim((n > 0).then(|| names[n].as_str()), &names[n + 1]);
        let make = |bench: &mut Bench, n: usize| {
            bench.record(DESK, i64::try_from(n).unwrap() + 1, n as u128 + 1, chain(n))
        };
        let mut records: Vec<Incoming> = noise.iter().map(|n| make(&mut bench, *n)).collect();
        records.extend((0..8).map(|n| make(&mut bench, n)));
        let (mut applied, mut rest, mut cut) = (0, records.as_slice(), cuts.iter().cycle());
        while !rest.is_empty() {
            let (batch, later) = rest.split_at((*cut.next().unwrap()).min(rest.len()));
            applied += bench.apply(batch).applied;
            rest = later;
        }
        prop_assert_eq!(applied, 8);
        prop_assert_eq!(bench.order().claimed_by, Some("p8".to_owned()));
        let acks = bench.acks(Lane::Orders);
        prop_assert_eq!(acks.last().map(|a| a.expected), Some(9));
        prop_assert!(acks.is_sorted_by_key(|a| a.expected));
    }
}

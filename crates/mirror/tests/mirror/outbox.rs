//! The outbox: numbers, reports and what screens read of it.

use aisle_contract::DownBody;
use aisle_domain::{Incarnation, Lane, Subject};
use aisle_mirror::{Anew, ChangeState, Report, outbox};

use crate::fixtures::{CLUSTER, Desk, accept, ack, at, new_desk, note, order, order_id, price, refused};

fn report(desk: &Desk, id: aisle_domain::ChangeId, offset: i64) {
    let report =
        Report { change_id: id, cluster: CLUSTER.into(), topic: "aisle.changes".into(), partition: 3, offset };
    desk.mirror.write(|tx| outbox::reported(tx, &[report], at(510))).unwrap();
}

#[test]
fn numbers_are_dense_for_each_lane_in_the_order_of_acting() {
    let mut desk = Desk::with_rows();
    let first = desk.act(accept(1));
    let price = desk.act(price(10, "1.99", "2.49"));
    let second = desk.act(note(1, "call"));
    let orders = desk.cut(Lane::Orders);
    let numbers: Vec<_> = orders.iter().map(|row| (row.change_id, row.seq)).collect();
    assert_eq!(numbers, [(first, 1), (second, 2)]);
    assert_eq!(
        desk.cut(Lane::Catalog).iter().map(|row| (row.change_id, row.seq)).collect::<Vec<_>>(),
        [(price, 1)]
    );
    let third = desk.act(note(1, "again"));
    assert_eq!(desk.cut(Lane::Orders)[0].seq, 3);
    assert_eq!(desk.row(third).incarnation, Some(new_desk().incarnation));
    desk.assert_sound();
}

#[test]
fn a_change_waits_for_the_held_one_before_it_on_the_same_thing_and_for_no_other() {
    let mut desk = Desk::with_rows();
    desk.orders(vec![DownBody::Order(Box::new(order(2, 1)))]);
    let mut held = desk.new_change(accept(1));
    held.held = true;
    desk.mirror.act(&held).unwrap();
    let behind = desk.act(note(1, "call"));
    let other = desk.act(note(2, "call"));
    let numbered =
        |rows: Vec<aisle_mirror::NumberedChange>| rows.iter().map(|row| row.change_id).collect::<Vec<_>>();
    assert_eq!(numbered(desk.cut(Lane::Orders)), [other]);
    assert!(!desk.mirror.read(|conn| outbox::has_ready(conn, Lane::Orders)).unwrap());
    desk.mirror.release(None).unwrap();
    assert_eq!(numbered(desk.cut(Lane::Orders)), [held.change_id, behind]);
    desk.assert_sound();
}

#[test]
fn a_batch_ends_before_it_is_too_large_and_never_empty() {
    let mut desk = Desk::with_rows();
    for text in ["a", "b", "c"] {
        desk.act(note(1, &text.repeat(1000)));
    }
    let cut = |changes, bytes| {
        let incarnation = desk.mirror.identity().incarnation;
        desk.mirror.write(|tx| outbox::cut(tx, Lane::Orders, incarnation, changes, bytes, at(500))).unwrap().len()
    };
    assert_eq!(cut(500, 10), 1);
    assert_eq!(cut(1, 100_000), 1);
    assert_eq!(cut(500, 100_000), 1);
    assert_eq!(cut(500, 100_000), 0);
    desk.assert_sound();
}

#[test]
fn a_new_incarnation_numbers_what_is_unanswered_anew_from_one() {
    let mut desk = Desk::with_rows();
    let ids: Vec<_> = ["a", "b", "c"].map(|text| desk.act(note(1, text))).into();
    desk.cut(Lane::Orders);
    report(&desk, ids[1], 7);
    desk.orders(vec![ack(Lane::Orders, 2)]);
    desk.mirror.renumber(Incarnation(0xb2), Anew::Forgotten, at(520)).unwrap();
    assert_eq!(desk.mirror.identity().incarnation, Incarnation(0xb2));
    // The report of the old number comes late: it says nothing about the new one.
    report(&desk, ids[2], 8);
    let again = desk.cut(Lane::Orders);
    let seen: Vec<_> = again.iter().map(|row| (row.change_id, row.seq, row.place.clone())).collect();
    assert_eq!(seen, [(ids[1], 1, None), (ids[2], 2, None)]);
    assert_eq!(desk.row(ids[0]).state, ChangeState::Received);
    let none = desk.orders(vec![ack(Lane::Orders, 9)]);
    assert_eq!((none.received, none.acks.len()), (0, 0), "an ack of the old incarnation acknowledges nothing");
    desk.assert_sound();
}

#[test]
fn a_reopened_desk_goes_on_with_its_numbers() {
    let mut desk = Desk::with_rows();
    desk.act(note(1, "a"));
    desk.cut(Lane::Orders);
    desk.act(note(1, "b"));
    let dir = desk.dir();
    let Desk { mirror, folder, .. } = desk;
    drop(mirror);
    let again = aisle_mirror::Mirror::open(&dir, at(900)).unwrap();
    let incarnation = again.identity().incarnation;
    let cut = again.write(|tx| outbox::cut(tx, Lane::Orders, incarnation, 500, 10_000, at(901))).unwrap();
    assert_eq!(cut[0].seq, 2);
    drop(folder);
}

#[test]
fn counts_and_lists_tell_each_state_and_the_oldest_waiting_change() {
    let mut desk = Desk::with_rows();
    let mut held = desk.new_change(note(1, "held"));
    held.held = true;
    let ids: Vec<_> = ["received", "refused", "sent"].map(|text| desk.act(note(1, text))).into();
    desk.cut(Lane::Orders);
    desk.orders(vec![refused(ids[1], aisle_domain::Refusal::RangeChanged), ack(Lane::Orders, 3)]);
    desk.mirror.act(&held).unwrap();
    let ready = desk.act(price(10, "1.99", "2.49"));
    let counts = desk.mirror.read(outbox::counts).unwrap();
    assert_eq!((counts.held, counts.ready, counts.sent, counts.refused), (1, 1, 1, 1));
    assert_eq!(counts.oldest_at, Some(held.at));
    let read = |states: &[ChangeState]| -> Vec<_> {
        desk.mirror
            .read(|conn| outbox::list(conn, states, None, 10))
            .unwrap()
            .iter()
            .map(|row| row.change_id)
            .collect()
    };
    assert_eq!(read(&ChangeState::ALL), [ids[0], ids[1], ids[2], held.change_id, ready]);
    assert_eq!(read(&[ChangeState::Ready, ChangeState::Sent]), [ids[2], ready]);
    let all = desk.mirror.read(|conn| outbox::list(conn, &[ChangeState::Sent], None, usize::MAX)).unwrap();
    assert_eq!(all.len(), 1, "no limit");
    assert_eq!(read(&[]), []);
    let newest =
        desk.mirror.read(|conn| outbox::newest(conn, &[ChangeState::Received, ChangeState::Refused], 1)).unwrap();
    assert_eq!(newest[0].change_id, ids[1]);
    assert_eq!(desk.mirror.read(outbox::latest_undoable).unwrap().unwrap().change_id, ready);
    let worst = desk.mirror.read(|conn| outbox::worst_state(conn, Subject::Order(order_id(1)))).unwrap();
    assert_eq!(worst, Some(ChangeState::Refused));
    assert_eq!(desk.mirror.read(|conn| outbox::received_since(conn, at(0))).unwrap(), 1);
    assert_eq!(desk.mirror.read(|conn| outbox::received_since(conn, at(100_000))).unwrap(), 0);
}

#[test]
fn the_cluster_does_not_have_what_is_not_numbered_or_was_never_reported() {
    let mut desk = Desk::with_rows();
    let unsent = |desk: &Desk| desk.mirror.read(outbox::count_unsent).unwrap();
    assert_eq!(unsent(&desk), 0);
    let mut held = desk.new_change(note(1, "held"));
    held.held = true;
    let ids: Vec<_> = ["received", "refused", "reported", "sent"].map(|text| desk.act(note(1, text))).into();
    assert_eq!(unsent(&desk), 4, "none is numbered");
    desk.cut(Lane::Orders);
    assert_eq!(unsent(&desk), 4, "none is reported");
    report(&desk, ids[2], 41);
    desk.orders(vec![refused(ids[1], aisle_domain::Refusal::RangeChanged), ack(Lane::Orders, 3)]);
    assert_eq!(unsent(&desk), 1);
    desk.mirror.act(&held).unwrap();
    desk.act(price(10, "1.99", "2.49"));
    assert_eq!(unsent(&desk), 3, "one is held and one is ready besides");
}

#[test]
fn attempts_are_counted_and_reports_kept() {
    let mut desk = Desk::with_rows();
    let id = desk.act(note(1, "a"));
    let cut = desk.cut(Lane::Orders);
    let incarnation = desk.mirror.identity().incarnation;
    let kept = desk.mirror.read(|conn| outbox::numbered(conn, Lane::Orders, incarnation)).unwrap();
    assert_eq!(cut, kept, "what is cut is what the table holds");
    let row = desk.row(id);
    assert_eq!((cut[0].type_word.as_str(), cut[0].subject), (row.change.type_word(), row.change.subject()));
    assert_eq!(cut[0].body, aisle_contract::up::body_of(&row.change).unwrap());
    desk.mirror.write(|tx| outbox::attempted(tx, &[id], at(505))).unwrap();
    report(&desk, id, 41);
    let row = desk.row(id);
    assert_eq!((row.attempts, row.last_attempt_at), (2, Some(at(510))));
    assert_eq!((row.cluster.as_deref(), row.partition, row.offset), (Some(CLUSTER), Some(3), Some(41)));
}

#[test]
fn every_state_is_read_back_from_its_word() {
    for state in ChangeState::ALL {
        assert_eq!(state.word().parse::<ChangeState>().unwrap(), state);
    }
    assert!("lost".parse::<ChangeState>().is_err());
}

#[test]
fn a_change_that_counts_as_received_by_itself_keeps_no_ack_from_those_before_it() {
    let mut desk = Desk::with_rows();
    let changes =
        [("1.99", "2.49"), ("2.49", "2.59"), ("2.59", "2.69")].map(|(from, to)| desk.act(price(10, from, to)));
    desk.cut(Lane::Catalog);
    // As where another history of central's has taken what the one before refused.
    let database = rusqlite::Connection::open(desk.dir().join("aisle.db")).unwrap();
    database.execute("UPDATE outbox SET state = 'received', acked_at = 1 WHERE seq = 3", []).unwrap();
    desk.catalog(vec![ack(Lane::Catalog, 4)]);
    for change in changes {
        assert_eq!(desk.row(change).state, ChangeState::Received);
    }
}

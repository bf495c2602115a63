//! Acks that no centre would send to this desk: none of them takes a change off its list.

use aisle_domain::{ChangeId, Lane};
use aisle_mirror::{Anew, ChangeState, anew, feed};
use uuid::Uuid;

use crate::fixtures::{CLUSTER, Desk, accept, ack, at};
use aisle_contract::DownBody;

fn sent_desk() -> (Desk, ChangeId) {
    let mut desk = Desk::with_rows();
    let id = desk.act(accept(1));
    desk.cut(Lane::Orders);
    (desk, id)
}

/// Central's word for `expected`, with the change that it says was taken last.
fn word(expected: i64, last: Option<ChangeId>) -> DownBody {
    let DownBody::Ack(mut made) = ack(Lane::Orders, expected) else { unreachable!("an ack") };
    made.last = last;
    DownBody::Ack(made)
}

#[test]
fn an_ack_from_the_future_acknowledges_nothing_and_numbers_are_given_anew() {
    for (expected, last) in [(3, None), (1_000, Some(ChangeId(Uuid::from_u128(99)))), (i64::MAX, None)] {
        let (mut desk, id) = sent_desk();
        let applied = desk.orders(vec![word(expected, last)]);
        assert_eq!((applied.received, desk.row(id).state), (0, ChangeState::Sent), "{expected}");
        let wanted = desk.mirror.read(anew::wanted).unwrap().unwrap();
        assert_eq!(wanted.why, Anew::Ahead, "{expected}");
        desk.assert_sound();
    }
}

#[test]
fn an_ack_of_no_number_acknowledges_nothing_and_is_parked() {
    for expected in [0, -1, i64::MIN] {
        let (mut desk, id) = sent_desk();
        let body = word(expected, None);
        let record = aisle_contract::down::FeedRecord::of(Lane::Orders, &body).unwrap().unwrap();
        let store = desk.mirror.identity().store_id;
        let epoch = aisle_domain::Epoch(Uuid::from_u128(99));
        let sent = record.encode(&aisle_contract::TopicNames::default(), store, epoch, 1, at(1));
        let mut entry = desk.entry(DownBody::Gone);
        entry.record.headers = sent.headers;
        entry.record.value = sent.value;
        entry.message = aisle_contract::DownMessage::decode(&entry.record).map_err(|bad| bad.to_string());
        desk.mirror.apply_feed(Lane::Orders, CLUSTER, &[entry], at(2)).unwrap();
        assert_eq!(desk.row(id).state, ChangeState::Sent, "{expected}");
        let parked = desk.mirror.read(|conn| feed::parked(conn, 10)).unwrap();
        assert!(parked[0].why.contains("numbers start at 1"), "{}", parked[0].why);
        assert!(desk.mirror.read(anew::wanted).unwrap().is_none());
        desk.assert_sound();
    }
}

#[test]
fn a_word_that_comes_behind_a_later_one_says_nothing() {
    let (mut desk, id) = sent_desk();
    let later = word(2, None);
    let DownBody::Ack(ack) = &later else { panic!("an ack") };
    let mut overtaken = (**ack).clone();
    overtaken.expected = 1;
    overtaken.position.offset -= 1;
    overtaken.central_time = ack.central_time.plus_millis(-5_000);
    desk.orders(vec![later.clone()]);
    let heard = desk.orders(vec![DownBody::Ack(Box::new(overtaken.clone()))]);
    assert!(heard.acks.is_empty());
    let last = || desk.mirror.read(|conn| feed::last_ack(conn, Lane::Orders)).unwrap().unwrap().expected;
    assert_eq!((last(), desk.row(id).state), (2, ChangeState::Received));
    // A centre that went back has read less, and says so later.
    overtaken.central_time = ack.central_time.plus_millis(5_000);
    desk.orders(vec![DownBody::Ack(Box::new(overtaken))]);
    let last = desk.mirror.read(|conn| feed::last_ack(conn, Lane::Orders)).unwrap().unwrap().expected;
    assert_eq!(last, 1);
}

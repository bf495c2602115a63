//! Records that were put aside: they are shown as they came, closed, and replayed once what kept them is mended.

use aisle_central::NewStore;
use aisle_contract::{DownBody, Outgoing, partition_of};
use aisle_domain::{
    Change, Lane, OrderId, OrderStatus, StoreId, Timestamp,
    change::{OrderAccepted, StorePaused},
};

use crate::town::{ScriptedDesk, Town, store};

/// Not known at central until a test adds it.
fn stranger() -> StoreId {
    store(9)
}

fn pause() -> Change {
    Change::StorePaused(StorePaused { until: Some(Timestamp::from_millis(1_700_000_600_000)) })
}

/// Garbage in the partition of the known store, which no program of ours would send.
fn bury_garbage(town: &Town, value: &[u8]) {
    let record = Outgoing {
        topic: town.centre.names().changes(),
        partition: partition_of(store(367), 12),
        key: b"367".to_vec(),
        headers: vec![("content-type".into(), b"text/plain".to_vec()), ("note".into(), vec![0xff, b'a'])],
        value: Some(value.to_vec()),
    };
    town.bus.append(vec![record]).remove(0).unwrap();
    town.work_until_idle();
}

/// The number of the letter in which the change of a store lies that central does not know yet.
fn buried_change(town: &Town) -> (ScriptedDesk, i64) {
    buried(town, pause())
}

fn buried(town: &Town, change: Change) -> (ScriptedDesk, i64) {
    let mut desk = ScriptedDesk::new(town, stranger(), 2);
    let change = desk.send(change);
    assert_eq!(town.work_until_idle().summary.dead, 1);
    let letter = town.centre.list_dead_letters(None, 10).unwrap().items.remove(0);
    assert_eq!((letter.store_id, letter.change_id), (Some(stranger()), Some(change)));
    assert!(letter.why.contains("store 9 is not known"), "{}", letter.why);
    (desk, letter.id.parse().unwrap())
}

fn add_stranger(town: &Town) {
    town.centre.add_store(NewStore::new(stranger(), "New", "Side street 2")).unwrap();
    town.make_topics();
}

/// How often the pause went down the store's feed.
fn told_pauses(town: &Town) -> usize {
    let bodies = town.feed(stranger(), Lane::Orders).into_iter().map(|message| message.body);
    bodies.filter(|body| matches!(body, DownBody::Store(row) if row.paused_until.is_some())).count()
}

#[test]
fn a_letter_shows_why_and_where_it_lay_with_its_headers_and_its_value() {
    let town = Town::new(&[367]);
    bury_garbage(&town, b"\x00\xff{");
    let letter = town.centre.show_dead_letter(1).unwrap();
    assert!(letter.why.contains("specversion"), "{}", letter.why);
    assert_eq!((letter.partition, letter.offset), (partition_of(store(367), 12), 0));
    assert_eq!((letter.store_id, letter.change_id, &letter.event_type), (None, None, &None));
    // Bytes that are no text are replaced where they are shown; on the topic of dead letters they are as they came.
    let shown = [("content-type", "text/plain"), ("note", "\u{fffd}a")];
    assert_eq!(letter.headers, shown.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(letter.value.as_deref(), Some("\0\u{fffd}{"));
    let topic = town.centre.names().dead_letters();
    let published: Vec<_> = (0..3).flat_map(|p| town.bus.records(&topic, p)).collect();
    assert_eq!(published[0].value.as_deref(), Some(&b"\x00\xff{"[..]));
    assert!(published[0].headers.contains(&("note".into(), vec![0xff, b'a'])), "{:?}", published[0].headers);
    assert_eq!(town.centre.show_dead_letter(2).unwrap_err().code(), "not_found");
}

#[test]
fn letters_are_listed_oldest_first_page_by_page() {
    let town = Town::new(&[367]);
    for value in [b"one", b"two"] {
        bury_garbage(&town, value);
    }
    let first = town.centre.list_dead_letters(None, 1).unwrap();
    let second = town.centre.list_dead_letters(first.next.as_deref(), 1).unwrap();
    let values: Vec<_> = [&first, &second].iter().map(|page| page.items[0].value.as_deref()).collect();
    assert_eq!(values, [Some("one"), Some("two")]);
    assert_eq!(second.next, None);
    assert_eq!(town.centre.list_dead_letters(Some("none"), 1).unwrap_err().code(), "bad_value");
}

#[test]
fn a_skipped_letter_is_no_longer_open_and_stays_as_it_was() {
    let town = Town::new(&[367]);
    bury_garbage(&town, b"{");
    let open = town.centre.show_dead_letter(1).unwrap();
    assert_eq!(open.state, "open");
    let skipped = town.centre.skip_dead_letter(1).unwrap();
    assert_eq!(skipped.state, "skipped");
    assert_eq!(town.centre.skip_dead_letter(1).unwrap(), skipped, "a second time changes nothing");
    assert_eq!(aisle_central::views::DeadLetterView { state: open.state.clone(), ..skipped }, open);
    assert_eq!(town.centre.list_dead_letters(None, 10).unwrap().items[0].state, "skipped");
    // What is no change cannot be replayed, and a vain attempt leaves it closed.
    assert_eq!(town.centre.replay_dead_letter(1).unwrap_err().code(), "bad_value");
    assert_eq!(town.centre.show_dead_letter(1).unwrap().state, "skipped");
}

#[test]
fn a_change_of_an_unknown_store_takes_effect_once_when_it_is_replayed_after_the_store_was_added() {
    let town = Town::new(&[367]);
    let (desk, letter) = buried_change(&town);
    let refused = town.centre.replay_dead_letter(letter).unwrap_err();
    assert_eq!(refused.code(), "bad_value");
    assert!(refused.to_string().contains("store 9 is not known"), "{refused}");
    assert_eq!(town.centre.show_dead_letter(letter).unwrap().state, "open");
    add_stranger(&town);
    assert_eq!(town.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    let paused = town.centre.store(stranger()).unwrap();
    assert_eq!((paused.version, paused.paused_until.is_some()), (2, true));
    assert_eq!(town.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    // Its desk had no ack and sends it again, under the number that it gave.
    let change = town.centre.show_dead_letter(letter).unwrap().change_id.unwrap();
    desk.send_numbered(1, change, pause());
    let done = town.work_until_idle().summary;
    assert_eq!((done.applied, done.duplicates), (0, 1));
    assert_eq!(town.acks(stranger(), Lane::Orders).pop().unwrap().expected, 2, "its numbering goes on");
    assert_eq!((town.centre.store(stranger()).unwrap(), told_pauses(&town)), (paused, 1));
    town.assert_sound();
}

#[test]
fn a_letter_whose_change_was_sent_again_meanwhile_has_no_effect() {
    let town = Town::new(&[367]);
    let (desk, letter) = buried_change(&town);
    add_stranger(&town);
    let change = town.centre.show_dead_letter(letter).unwrap().change_id.unwrap();
    desk.send_numbered(1, change, pause());
    assert_eq!(town.work_until_idle().summary.applied, 1);
    let before = town.centre.store(stranger()).unwrap();
    assert_eq!(town.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    town.work_until_idle();
    assert_eq!((town.centre.store(stranger()).unwrap(), told_pauses(&town)), (before, 1));
    town.assert_sound();
}

#[test]
fn a_skipped_letter_can_still_be_replayed_and_one_whose_change_took_effect_does_not_say_that_it_was_skipped() {
    let town = Town::new(&[367]);
    let (_, letter) = buried_change(&town);
    assert_eq!(town.centre.skip_dead_letter(letter).unwrap().state, "skipped");
    add_stranger(&town);
    assert_eq!(town.centre.replay_dead_letter(letter).unwrap().state, "replayed");
    assert_eq!(told_pauses(&town), 0);
    town.work_until_idle();
    assert_eq!(told_pauses(&town), 1);
    assert_eq!(town.centre.skip_dead_letter(letter).unwrap().state, "replayed");
}

#[test]
fn a_replay_whose_change_is_refused_says_why_to_whoever_replays_and_to_its_desk() {
    let town = Town::new(&[367]);
    let order = OrderId::new(5).unwrap();
    let (_, letter) = buried(&town, Change::OrderAccepted(OrderAccepted { order, from: OrderStatus::New }));
    add_stranger(&town);
    let replayed = town.centre.replay_dead_letter(letter).unwrap();
    assert_eq!(replayed.state, "replayed");
    assert!(replayed.refusal.as_ref().is_some_and(|why| why.contains("order 5")), "{replayed:?}");
    assert_eq!(town.centre.show_dead_letter(letter).unwrap(), replayed);
    town.work_until_idle();
    let told = town.feed(stranger(), Lane::Orders).into_iter();
    assert_eq!(told.filter(|message| matches!(message.body, DownBody::Refused(_))).count(), 1);
    town.assert_sound();
}

#[test]
fn a_letter_whose_change_was_refused_does_not_say_that_it_was_replayed() {
    let (town, mut desk) = crate::opened(1);
    town.tamper(
        "CREATE TRIGGER poison BEFORE INSERT ON audit WHEN new.subject LIKE 'order/%' AND new.change_id NOT NULL
         BEGIN SELECT raise(ABORT, 'poison'); END",
    );
    desk.accept_everything();
    assert_eq!(town.work_until_idle().summary.refused, 1);
    town.tamper("DROP TRIGGER poison");
    // Its desk was told, and undid what it showed: to apply it now would surprise whoever did something else since.
    let refused = town.centre.replay_dead_letter(1).unwrap_err();
    assert_eq!(refused.code(), "bad_value");
    assert!(refused.to_string().contains("refused"), "{refused}");
    assert_eq!(town.centre.show_dead_letter(1).unwrap().state, "open");
    let order = town.centre.list_orders(store(367), &[], None, 1).unwrap().items.remove(0);
    assert_eq!((order.status, order.version), (aisle_domain::OrderStatus::New, 1));
}

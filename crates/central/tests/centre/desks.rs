//! Desks that nobody waits for any more.

use aisle_bus::Bus;
use aisle_central::{Centre, Clock, SteppedWork, WorkOptions, views::StoreView};
use aisle_contract::{DownBody, partition_of};
use aisle_domain::{Change, DeskId, Lane, change::StorePaused};
use uuid::Uuid;

use crate::{
    takeover::{Told, told},
    town::{ScriptedDesk, Town, store},
};

/// As long as central tells a store that it works after it heard one of its desks, and longer than two intervals of a
/// desk's own words.
const MINUTE: u64 = 60;

/// A town by a clock that is told to, its cluster's as well: when a desk was heard is told by that.
fn by_the_clock(stores: &[i64]) -> (Told, Town) {
    let town = Town::new(stores);
    let (clock, centre) = told(&town);
    let cluster = clock.clone();
    let bus = Bus::new("cluster-a", move || cluster.now()).without_waiting();
    let town = Town { bus, centre, ..town };
    town.make_topics();
    (clock, town)
}

fn pause() -> Change {
    Change::StorePaused(StorePaused { until: None })
}

fn row(centre: &Centre, number: i64) -> StoreView {
    centre.list_stores().unwrap().into_iter().find(|row| row.store_id == store(number)).unwrap()
}

fn beats(town: &Town, number: i64) -> usize {
    let feed = town.feed(store(number), Lane::Orders);
    feed.iter().filter(|message| matches!(message.body, DownBody::Heartbeat(_))).count()
}

#[test]
fn a_retired_desk_makes_no_store_quiet_and_gets_no_heartbeats_while_others_do() {
    let (clock, town) = by_the_clock(&[367, 368]);
    let homes = [367, 368].map(|number| partition_of(store(number), 12));
    let options = WorkOptions::default();
    let mut work = SteppedWork::new(&town.centre, &town.bus, &options);
    let mut pass = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            clock.pass_to(second);
            work.turn(&homes).unwrap();
        }
        (beats(&town, 367), beats(&town, 368))
    };
    for (number, desk) in [(367, 1), (368, 2)] {
        ScriptedDesk::new(&town, store(number), desk).send(pause());
    }
    let before = pass(0..MINUTE);
    assert!(before.0 >= 2 && before.1 >= 2, "{before:?}");
    let retired = town.centre.retire_desk(DeskId(Uuid::from_u128(1))).unwrap();
    assert_eq!((retired.retired, retired.alive), (true, false));
    // Who listens is looked at every few seconds.
    let after = pass(MINUTE..2 * MINUTE);
    let later = pass(2 * MINUTE..4 * MINUTE);
    assert_eq!(after.0, later.0, "nobody listens there");
    assert!(later.1 > after.1, "others are told as before");
    clock.pass_to(11 * MINUTE);
    assert_eq!([367, 368].map(|number| row(&town.centre, number).quiet), [false, true]);
    assert_eq!(town.centre.retire_desk(DeskId(Uuid::from_u128(9))).unwrap_err().code(), "not_found");
}

#[test]
fn a_retired_desk_counts_again_once_it_is_heard_and_not_by_what_it_said_before() {
    let (clock, town) = by_the_clock(&[367]);
    let home = [partition_of(store(367), 12)];
    let options = WorkOptions::default();
    let pass = |seconds: std::ops::Range<u64>| {
        let mut work = SteppedWork::new(&town.centre, &town.bus, &options);
        for second in seconds {
            clock.pass_to(second);
            work.turn(&home).unwrap();
        }
        beats(&town, 367)
    };
    let mut desk = ScriptedDesk::new(&town, store(367), 1);
    desk.send(pause());
    assert!(pass(0..MINUTE) > 0);
    town.centre.retire_desk(DeskId(Uuid::from_u128(1))).unwrap();
    // Central has lost where it was and reads everything once more.
    town.tamper("DELETE FROM positions");
    let before = pass(MINUTE..2 * MINUTE);
    assert!(row(&town.centre, 367).desks[0].retired, "it said that before it was retired");
    assert_eq!(pass(2 * MINUTE..3 * MINUTE), before);
    desk.send(pause());
    assert!(pass(3 * MINUTE..5 * MINUTE) > before, "somebody listens again");
    let heard = row(&town.centre, 367);
    assert_eq!((heard.desks[0].retired, heard.desks[0].alive, heard.quiet), (false, true, false));
    clock.pass_to(14 * MINUTE + 1);
    assert!(row(&town.centre, 367).quiet, "it is waited for again");
}

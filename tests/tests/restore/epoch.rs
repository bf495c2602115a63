//! A centre that was restored from a backup, or lost whole.

use std::path::{Path, PathBuf};

use aisle_central::Centre;
use aisle_contract::{DeskAck, DownBody};
use aisle_domain::{Change, ChangeId, Lane, Money, OrderStatus, change::StoreBusy};
use aisle_mirror::{ChangeState, feed, orders};

use uuid::Uuid;

use crate::world::{Desk, World, effects, open_centre, sql, store_id};

/// A copy of central's database, as SQLite itself makes one.
fn back_up(world: &World) -> PathBuf {
    let to = world.folder.path().join("central.backup");
    sql(world.centre.path(), &format!("VACUUM INTO '{}'", to.display()));
    to
}

/// A small centre with one desk, and a copy of its database from before anything was done.
fn backed_up() -> (World, Desk, PathBuf) {
    let world = World::new(4);
    let mut desk = world.desk("one");
    world.settle(&mut [&mut desk]);
    let copy = back_up(&world);
    (world, desk, copy)
}

/// Puts a database in the place of central's.
fn bring_back(world: &mut World, copy: &Path) -> Centre {
    let path = world.centre.path().to_path_buf();
    for suffix in ["-wal", "-shm"] {
        let mut name = path.clone().into_os_string();
        name.push(suffix);
        let _ = std::fs::remove_file(name);
    }
    std::fs::remove_file(&path).unwrap();
    std::fs::copy(copy, &path).unwrap();
    open_centre(&path, &world.hands)
}

/// What each of three desks does: it accepts, notes and prices.
fn work(desks: &[&Desk], round: usize) -> Vec<(usize, ChangeId)> {
    let mut done = Vec::new();
    for (who, desk) in desks.iter().enumerate() {
        let orders = desk.orders(OrderStatus::New);
        done.push((who, desk.accept(orders[who])));
        done.push((who, desk.note(orders[who], &format!("{who} in round {round}"))));
        let item = &desk.items(20)[who * 3 + round];
        done.push((who, desk.reprice(item, Money::from_minor(5000 + i64::try_from(round * 10 + who).unwrap()))));
    }
    done
}

fn assert_all_once(world: &World, desks: &[&Desk], changes: &[(usize, ChangeId)]) {
    let effects = effects(world);
    for (who, change) in changes {
        assert_eq!(desks[*who].state(*change), ChangeState::Received, "{change} of desk {who}");
        assert_eq!(effects.get(&change.to_string()), Some(&1), "{change} of desk {who}");
    }
}

fn three(world: &World) -> [Desk; 3] {
    let mut desks = ["a", "b", "c"].map(|name| world.desk(name));
    let [a, b, c] = &mut desks;
    world.settle(&mut [a, b, c]);
    desks
}

fn history_is_brought_back(log_is_lost: bool) {
    let mut world = World::new(12);
    let [mut a, mut b, mut c] = three(&world);
    let mut changes = work(&[&a, &b, &c], 0);
    world.settle(&mut [&mut a, &mut b, &mut c]);
    let copy = back_up(&world);
    changes.extend(work(&[&a, &b, &c], 1));
    world.settle(&mut [&mut a, &mut b, &mut c]);
    assert_all_once(&world, &[&a, &b, &c], &changes);
    // On their way when central goes.
    let late = work(&[&a, &b, &c], 2);
    a.push();
    world.centre = bring_back(&mut world, &copy);
    if log_is_lost {
        world.bus.forget(&world.centre.names().changes());
    }
    world.centre.new_epoch().unwrap();
    changes.extend(late);
    for desk in [&mut a, &mut b, &mut c] {
        desk.seen.clear();
    }
    world.settle(&mut [&mut a, &mut b, &mut c]);
    assert_all_once(&world, &[&a, &b, &c], &changes);
    world.assert_same(&[&a, &b, &c]);
    for desk in [&a, &b, &c] {
        assert_eq!(desk.reasons("feed.remirrored"), ["epoch", "epoch"]);
        assert!(desk.seen.iter().all(|applied| applied.new_orders.is_empty()), "no known order rings anew");
        assert!(desk.seen.iter().all(|applied| applied.will_be_refused.is_empty() && applied.refused.is_empty()));
    }
}

#[test]
fn a_centre_that_was_restored_reads_its_log_again_and_everything_has_effect_once() {
    history_is_brought_back(false);
}

#[test]
fn a_centre_that_was_restored_and_lost_its_log_gets_the_kept_changes_again() {
    history_is_brought_back(true);
}

#[test]
fn a_centre_that_was_lost_whole_gets_what_it_can_take_and_refuses_the_rest_aloud() {
    let mut world = World::new(8);
    let mut desk = world.desk("one");
    world.settle(&mut [&mut desk]);
    let order = desk.orders(OrderStatus::New)[0];
    let accepted = desk.accept(order);
    let born = desk.create("Local honey", Money::from_minor(799));
    world.settle(&mut [&mut desk]);
    assert_eq!((desk.state(accepted), desk.state(born.1)), (ChangeState::Received, ChangeState::Received));
    let path = world.folder.path().join("other.db");
    world.centre = open_centre(&path, &world.hands);
    world.bus.forget(&world.centre.names().changes());
    world.add_empty_store();
    for _ in 0..8 {
        desk.push();
        world.minute();
        for lane in [1, 0, 1] {
            while desk.step(lane) {
                assert!(desk.item(born.0).is_some(), "what was made here does not vanish for a moment");
            }
        }
    }
    world.settle(&mut [&mut desk]);
    // The item that was made here is there again; the order is not, and whoever accepted it is told.
    assert_eq!(desk.state(born.1), ChangeState::Received);
    assert_eq!(desk.item(born.0).unwrap().name, "Local honey");
    assert_eq!(desk.state(accepted), ChangeState::Refused);
    assert_eq!(world.centre.digest(store_id()).unwrap().tables.items.count, 1);
    world.assert_same(&[&desk]);
}

#[test]
fn a_store_whose_own_row_went_back_is_mirrored_to_the_end_all_the_same() {
    let (mut world, mut desk, copy) = backed_up();
    let busy =
        desk.act(Change::StoreBusy(StoreBusy { minutes: 15, until: world.hands.now().plus_millis(900_000) }));
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.state(busy), ChangeState::Received);
    world.centre = bring_back(&mut world, &copy);
    world.bus.forget(&world.centre.names().changes());
    world.centre.new_epoch().unwrap();
    world.settle(&mut [&mut desk]);
    assert_all_once(&world, &[&desk], &[(0, busy)]);
    world.assert_same(&[&desk]);
}

#[test]
fn what_is_done_after_a_centre_went_back_comes_behind_what_it_forgot() {
    let (mut world, mut desk, copy) = backed_up();
    let order = desk.orders(OrderStatus::New)[0];
    let accepted = desk.accept(order);
    let item = desk.items(1).remove(0);
    let dearer = desk.reprice(&item, Money::from_minor(5_001));
    world.settle(&mut [&mut desk]);
    world.centre = bring_back(&mut world, &copy);
    world.bus.forget(&world.centre.names().changes());
    // It never said that it is of another history: only what it waits for tells.
    let item = desk.item(item.item_id).unwrap();
    let dearest = desk.reprice(&item, Money::from_minor(5_002));
    let noted = desk.note(order, "after");
    world.settle(&mut [&mut desk]);
    assert_all_once(&world, &[&desk], &[accepted, dearer, dearest, noted].map(|change| (0, change)));
    let order_of = |first: ChangeId, second: ChangeId| {
        let query = format!(
            "SELECT count(*) FROM audit a, audit b WHERE a.change_id = '{first}' AND b.change_id = '{second}' AND a.id < b.id"
        );
        assert_eq!(sql(world.centre.path(), &query).trim(), "1", "{first} before {second}");
    };
    order_of(accepted, noted);
    order_of(dearer, dearest);
}

#[test]
fn a_payment_s_number_that_another_history_gave_to_another_order_is_that_order_s() {
    let (mut world, mut desk, copy) = backed_up();
    let [first, second] = desk.orders(OrderStatus::New)[..2] else { unreachable!() };
    let pay = |world: &World, order| {
        let paid = world.centre.add_payment(Some(store_id()), order, Money::from_minor(900)).unwrap();
        paid.payment_id.to_string()
    };
    let number = pay(&world, second);
    world.settle(&mut [&mut desk]);
    world.centre = bring_back(&mut world, &copy);
    world.centre.new_epoch().unwrap();
    assert_eq!(pay(&world, first), number, "central counts from where it was");
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
    let payments = |order| desk.mirror.read(|conn| orders::load(conn, order)).unwrap().unwrap().payments.len();
    assert_eq!((payments(first), payments(second)), (1, 0));
}

/// A change that was refused since its order was cancelled. The history that is brought back has not cancelled it, and has
/// still to read the accept in its log again.
fn refused_by_a_history_that_is_over() -> (World, Desk, ChangeId) {
    let (mut world, mut desk, copy) = backed_up();
    let order = desk.orders(OrderStatus::New)[0];
    let accepted = desk.accept(order);
    world.centre.cancel_order(Some(store_id()), order, "cancelled").unwrap();
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.state(accepted), ChangeState::Refused);
    world.centre = bring_back(&mut world, &copy);
    world.centre.new_epoch().unwrap();
    (world, desk, accepted)
}

#[test]
fn what_one_history_refused_and_another_takes_counts_as_received() {
    let (world, mut desk, accepted) = refused_by_a_history_that_is_over();
    world.settle(&mut [&mut desk]);
    assert_all_once(&world, &[&desk], &[(0, accepted)]);
    world.assert_same(&[&desk]);
}

#[test]
fn what_another_history_took_is_kept_for_its_time_also_where_this_computer_s_clock_is_years_behind() {
    let (world, mut desk, accepted) = refused_by_a_history_that_is_over();
    desk.set_clock_off(-9 * 365 * 86_400);
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.state(accepted), ChangeState::Received);
    assert_eq!(desk.mirror.forget_received().unwrap(), 0, "central said so a moment ago");
    assert_all_once(&world, &[&desk], &[(0, accepted)]);
}

/// What a restored centre says that reads a desk's sign of life of before it knows of any of its changes.
fn answer_of_before(desk: &Desk) -> DeskAck {
    let (last, own) = (desk.mirror.read(|conn| feed::last_ack(conn, Lane::Orders)).unwrap(), &desk.mirror);
    DeskAck {
        expected: 1,
        incarnation: own.identity().incarnation,
        heartbeat: Some(ChangeId(Uuid::now_v7())),
        last: None,
        numberings: Some(Vec::new()),
        refused: Vec::new(),
        ..last.unwrap()
    }
}

#[test]
fn an_answer_to_what_was_asked_before_a_restore_settles_nothing() {
    let (world, mut desk, accepted) = refused_by_a_history_that_is_over();
    world.publish(Lane::Orders, &DownBody::Ack(Box::new(answer_of_before(&desk))));
    desk.read();
    assert!(desk.mirror.read(feed::is_unsettled).unwrap(), "nobody has asked this history yet");
    world.settle(&mut [&mut desk]);
    assert_all_once(&world, &[&desk], &[(0, accepted)]);
    world.assert_same(&[&desk]);
}

#[test]
fn a_new_epoch_that_forgot_nothing_sends_nothing_again() {
    let world = World::new(6);
    let mut desk = world.desk("one");
    world.settle(&mut [&mut desk]);
    let accepted = desk.accept(desk.orders(OrderStatus::New)[0]);
    world.settle(&mut [&mut desk]);
    let before = desk.mirror.identity().incarnation;
    world.centre.new_epoch().unwrap();
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.mirror.identity().incarnation, before);
    assert_eq!(desk.state(accepted), ChangeState::Received);
    assert_eq!(desk.reasons("feed.remirrored"), ["epoch", "epoch"]);
    world.assert_same(&[&desk]);
}

//! Two desks that take themselves for one.

use aisle_mirror::ChangeState;

use crate::world::{World, copy_folder, sql};

/// A desk and a copy of its data, both running: the folder remembers where it lives, which is taken out here as a copied
/// virtual machine would have it.
fn twins(world: &World) -> (crate::world::Desk, crate::world::Desk) {
    let mut desk = world.desk("one");
    desk.read();
    let first = desk.accept(desk.orders(aisle_domain::OrderStatus::New)[0]);
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.state(first), ChangeState::Received);
    let dir = desk.close();
    let copy = world.folder.path().join("two");
    copy_folder(&dir, &copy);
    sql(&copy.join("aisle.db"), "DELETE FROM settings WHERE key = 'home'");
    (world.open(&dir), world.open(&copy))
}

#[test]
fn a_copied_desk_does_not_take_the_other_copys_number_for_received() {
    let world = World::new(6);
    let (mut one, mut two) = twins(&world);
    let orders = one.orders(aisle_domain::OrderStatus::New);
    let (on_one, on_two) = (one.accept(orders[0]), two.note(orders[1], "by the copy"));
    // The copy numbers its change and loses the line; the other's change takes that number at central.
    two.number();
    one.push();
    world.work();
    one.read();
    two.read();
    assert_eq!(one.state(on_one), ChangeState::Received);
    assert_eq!(two.state(on_two), ChangeState::Sent, "central has another change under its number");
    world.settle(&mut [&mut one, &mut two]);
    assert_eq!(two.state(on_two), ChangeState::Received);
    let central = world.centre.show_order(None, orders[1]).unwrap();
    assert!(central.history.iter().any(|h| h.change_id == Some(on_two)), "it took effect");
    assert_ne!(one.mirror.identity().incarnation, two.mirror.identity().incarnation);
    world.assert_same(&[&one, &two]);
}

#[test]
fn a_copied_folder_is_noticed_before_it_numbers_anything() {
    let world = World::new(6);
    let mut one = world.desk("one");
    one.read();
    let order = one.orders(aisle_domain::OrderStatus::New)[0];
    one.note(order, "numbered at home");
    one.number();
    let dir = one.close();
    let copy = world.folder.path().join("two");
    copy_folder(&dir, &copy);
    let (mut one, mut two) = (world.open(&dir), world.open(&copy));
    let (on_one, on_two) = (one.note(order, "by the one"), two.note(order, "by the copy"));
    two.number();
    assert_eq!(two.state(on_two), ChangeState::Ready, "nothing is numbered under the other's numbers");
    world.settle(&mut [&mut one, &mut two]);
    assert_eq!((one.state(on_one), two.state(on_two)), (ChangeState::Received, ChangeState::Received));
    assert_eq!(
        (one.reasons("desk.renumbered").len(), two.reasons("desk.renumbered")),
        (0, vec!["copied".to_owned()])
    );
    world.assert_same(&[&one, &two]);
}

//! Feeds that are mirrored anew, in place.

use std::sync::Arc;

use aisle_app::views::NoticeView;
use aisle_contract::DownBody;
use aisle_domain::{Incarnation, Item, ItemId, Lane, Money, OrderId, OrderStatus, StoreId};
use aisle_mirror::{Anew, ChangeState, Reason, alarms, feed, items, orders, remirror};
use aisle_sync::SystemClock;
use serde_json::Value;

use crate::world::{Desk, World};

fn mirrored(world: &World) -> Desk {
    let mut desk = world.desk("one");
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
    desk
}

/// Changes rows behind the desk's back, as a fault of ours would.
fn tamper(desk: &Desk, sql: &str) {
    desk.mirror.write(|tx| Ok(tx.execute_batch(sql)?)).unwrap();
}

/// One row changes at central, so that it has a digest to send.
fn touch(world: &World, item: ItemId, order: OrderId, price: i64) {
    let change = format!("unit_price={}", Money::from_minor(price)).parse().unwrap();
    world.centre.set_item(crate::world::store_id(), item, &[change]).unwrap();
    world.centre.set_range(None, order, Money::from_minor(price), Money::from_minor(price * 2)).unwrap();
    world.minute();
}

#[test]
fn two_digests_in_a_row_must_differ_before_a_lane_is_mirrored_anew_and_it_heals() {
    let world = World::new(5);
    let mut desk = mirrored(&world);
    let items = desk.items(4);
    let (item, order) = (items[0].item_id, desk.orders(OrderStatus::New)[0]);
    tamper(
        &desk,
        &format!(
            "DELETE FROM items WHERE item_id = {}; UPDATE items SET version = version + 7, name = 'Moved' WHERE item_id = {};
             INSERT INTO items SELECT 4242, store_id, unit_price, NULL, 'A ghost', NULL, availability, NULL, 3, 0, changed
             FROM items LIMIT 1;",
            items[1].item_id, items[2].item_id
        ),
    );
    touch(&world, item, order, 700);
    desk.read();
    assert!(desk.reasons("feed.remirror").is_empty(), "one difference is not believed");
    // Kept over a restart.
    let mut desk = world.open(&desk.close());
    touch(&world, item, order, 750);
    desk.read();
    assert!(desk.reasons("feed.remirror").is_empty(), "what was written before this reading began says nothing");
    touch(&world, item, order, 800);
    desk.read();
    assert_eq!(desk.reasons("feed.remirror"), ["digest"]);
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
    assert_eq!(desk.reasons("feed.remirrored"), ["digest"]);
    let name = |id| desk.mirror.read(|conn| items::load(conn, id)).unwrap().unwrap().name;
    assert_eq!((name(items[1].item_id), name(items[2].item_id)), (items[1].name.clone(), items[2].name.clone()));
}

/// What a person is told about this desk, newest first.
fn told(desk: &Desk) -> Vec<NoticeView> {
    let clock = Arc::new(SystemClock::default());
    aisle_app::Desk::offline(desk.mirror.clone(), clock).unwrap().notices().unwrap()
}

#[test]
fn a_feed_that_is_mirrored_anew_is_told_as_under_way_until_that_is_done() {
    let world = World::new(2);
    let mut desk = mirrored(&world);
    desk.mirror.remirror(Lane::Orders, Reason::Asked, &Value::Null, world.hands.now()).unwrap();
    let begun = told(&desk);
    assert_eq!((begun.len(), begun[0].under_way), (1, true));
    assert!(begun[0].text.starts_with("The orders feed is being mirrored anew"), "{begun:?}");
    world.settle(&mut [&mut desk]);
    let done = told(&desk);
    assert_eq!((done.len(), done[0].under_way), (1, false));
    assert!(done[0].text.starts_with("The orders feed was mirrored anew"), "{done:?}");
}

#[test]
fn a_copy_of_this_desk_is_told_however_often_its_feeds_were_mirrored_anew_since() {
    let world = World::new(2);
    let desk = mirrored(&world);
    desk.mirror.renumber(Incarnation(99), Anew::Forked, world.hands.now()).unwrap();
    for _ in 0..10 {
        world.hands.pass(1);
        for lane in Lane::ALL {
            desk.mirror.remirror(lane, Reason::Digest, &Value::Null, world.hands.now()).unwrap();
        }
    }
    let told = told(&desk);
    assert!(
        told.iter().any(|notice| notice.why == "forked" && notice.text.contains("second computer")),
        "{told:?}"
    );
    assert_eq!(told.iter().filter(|notice| notice.under_way).count(), 2, "each lane once: {told:?}");
}

#[test]
fn a_difference_that_is_gone_by_the_next_digest_is_forgotten() {
    let world = World::new(5);
    let mut desk = mirrored(&world);
    let order = desk.orders(OrderStatus::New)[1];
    let item = desk.items(1)[0].item_id;
    let sql = |by: i64| format!("UPDATE orders SET version = version + ({by}) WHERE order_id = {order}");
    tamper(&desk, &sql(5));
    touch(&world, item, order, 700);
    desk.read();
    tamper(&desk, &sql(-5));
    touch(&world, item, order, 800);
    desk.read();
    tamper(&desk, &sql(5));
    touch(&world, item, order, 900);
    desk.read();
    assert!(desk.reasons("feed.remirror").is_empty());
}

#[test]
fn nothing_flickers_nothing_rings_and_pending_acts_survive_while_an_uncompacted_feed_is_read_anew() {
    let world = World::new(6);
    let mut desk = mirrored(&world);
    let all = desk.orders(OrderStatus::New);
    world.publish_and_forget(all[2], desk.items(1)[0].item_id);
    desk.read();
    let accepted = desk.accept(all[0]);
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.state(accepted), ChangeState::Received);
    desk.mirror.write(|tx| alarms::acknowledge(tx, None)).unwrap();
    let item = desk.items(3)[2].clone();
    let pending = (desk.accept(all[1]), desk.reprice(&item, Money::from_minor(1234)));
    let shown = |desk: &Desk| {
        desk.mirror
            .read(|conn| {
                let orders = all.iter().map(|id| orders::load(conn, *id)).collect::<Result<Vec<_>, _>>()?;
                Ok((orders, items::page(conn, 0, 10_000)?))
            })
            .unwrap()
    };
    let before = shown(&desk);
    desk.seen.clear();
    for lane in Lane::ALL {
        desk.mirror.remirror(lane, Reason::Asked, &Value::Null, world.hands.now()).unwrap();
    }
    let mut steps = 0;
    for lane in [0, 1] {
        while desk.step(lane) {
            steps += 1;
            assert!(shown(&desk) == before, "what is shown stays what it is");
            let (found, _) = desk.mirror.read(|conn| items::search(conn, &item.name, 0, 20)).unwrap();
            assert!(found.iter().any(|found| found.item_id == item.item_id), "search works all the while");
        }
    }
    assert!(steps > 6, "{steps}");
    assert!(desk.seen.iter().all(|applied| applied.new_orders.is_empty() && applied.cancelled.is_empty()));
    assert!(desk.mirror.read(alarms::unheard).unwrap().is_empty());
    assert_eq!((desk.state(pending.0), desk.state(pending.1)), (ChangeState::Ready, ChangeState::Ready));
    assert_eq!(desk.mirror.read(|conn| remirror::of_lane(conn, Lane::Orders)).unwrap(), None, "it is over");
    desk.assert_sound();
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
}

#[test]
fn a_lane_is_mirrored_anew_through_a_restart_at_every_step() {
    let world = World::new(5);
    let mut desk = mirrored(&world);
    let items = desk.items(3);
    tamper(
        &desk,
        &format!(
            "UPDATE items SET version = version + 9 WHERE item_id = {}; DELETE FROM items WHERE item_id = {};
             UPDATE orders SET version = 99, note = 'never' WHERE order_id = {};",
            items[0].item_id,
            items[1].item_id,
            desk.orders(OrderStatus::New)[0]
        ),
    );
    let ghost = "INSERT INTO orders SELECT 77, store_id, user_id, creation_time, 'running', queued_time, accept_by, due_at,
         display_no, customer_name, note, substitution, payment_expected, NULL, NULL, NULL, NULL, NULL, 4, NULL, NULL FROM orders LIMIT 1";
    tamper(&desk, ghost);
    for lane in Lane::ALL {
        desk.mirror.remirror(lane, Reason::Asked, &Value::Null, world.hands.now()).unwrap();
    }
    let mut restarts = 0;
    loop {
        let went_on = [desk.step(0), desk.step(1)];
        if went_on == [false, false] {
            break;
        }
        desk = world.open(&desk.close());
        restarts += 1;
    }
    assert!(restarts > 4, "{restarts}");
    assert_eq!(desk.reasons("feed.remirrored"), ["asked", "asked"]);
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
}

#[test]
fn an_empty_feed_of_a_new_cluster_sweeps_nothing_and_central_fills_it_again() {
    let world = World::new(5);
    let mut desk = mirrored(&world);
    let orders = desk.orders(OrderStatus::New);
    let accepted = desk.accept(orders[0]);
    world.settle(&mut [&mut desk]);
    world.bus.rebuild("bus-2");
    desk.read();
    assert_eq!(desk.orders(OrderStatus::New).len(), orders.len() - 1, "nothing goes because nothing is told");
    // What comes first is little: it is not taken for all.
    let change = "name=Renamed".parse().unwrap();
    world.centre.set_item(crate::world::store_id(), desk.items(1)[0].item_id, &[change]).unwrap();
    desk.seen.clear();
    let waiting = desk.note(orders[1], "while all was lost");
    world.settle(&mut [&mut desk]);
    assert_eq!(desk.reasons("feed.remirrored"), ["cluster", "cluster"]);
    assert!(desk.seen.iter().all(|applied| applied.new_orders.is_empty()), "no known order rings anew");
    assert_eq!((desk.state(accepted), desk.state(waiting)), (ChangeState::Received, ChangeState::Received));
    world.assert_same(&[&desk]);
}

/// What a feed never should have: a row of another store, and records under numbers that no row has.
fn stray(world: &World, desk: &Desk) {
    let order = desk.orders(OrderStatus::New)[0];
    let item = desk.items(1)[0].clone();
    let other = StoreId::new(9).unwrap();
    let mut row = desk.mirror.read(|conn| orders::load(conn, order)).unwrap().unwrap();
    (row.store_id, row.order_id) = (other, OrderId::new(9_001).unwrap());
    world.publish(Lane::Orders, &DownBody::Order(Box::new(row)));
    world.publish(
        Lane::Catalog,
        &DownBody::Item(Box::new(Item { store_id: other, item_id: ItemId::new(9_002).unwrap(), ..item })),
    );
    for (lane, key) in [(Lane::Orders, "order/0"), (Lane::Orders, "order/-7"), (Lane::Catalog, "item/0")] {
        world.publish_unreadable(lane, key);
    }
}

fn parked(desk: &Desk) -> i64 {
    desk.mirror.read(feed::parked_count).unwrap()
}

#[test]
fn what_is_in_a_feed_and_no_row_of_central_s_keeps_it_neither_from_being_read_nor_from_being_mirrored_anew() {
    let world = World::new(3);
    let mut desk = mirrored(&world);
    stray(&world, &desk);
    // Perhaps a row, which only central can tell: it has none under these numbers.
    world.publish_unreadable(Lane::Orders, "order/9003");
    world.publish_unreadable(Lane::Catalog, "item/9004");
    desk.read();
    assert_eq!(parked(&desk), 7);
    for lane in Lane::ALL {
        desk.mirror.remirror(lane, Reason::Asked, &Value::Null, world.hands.now()).unwrap();
    }
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
    assert_eq!(parked(&desk), 7);
}

#[test]
fn what_is_in_a_feed_and_no_row_of_central_s_hides_no_difference_from_central() {
    let world = World::new(3);
    let mut desk = mirrored(&world);
    stray(&world, &desk);
    let items = desk.items(2);
    let (item, order) = (items[0].item_id, desk.orders(OrderStatus::New)[1]);
    tamper(&desk, &format!("DELETE FROM items WHERE item_id = {}", items[1].item_id));
    for price in [700, 750, 800] {
        touch(&world, item, order, price);
        desk.read();
    }
    assert_eq!(parked(&desk), 5);
    assert_eq!(desk.reasons("feed.remirror"), ["digest"]);
    world.settle(&mut [&mut desk]);
    world.assert_same(&[&desk]);
}

//! What stands still without an error: readers that stopped fetching, words that never come, computers that slept,
//! machines that go in the midst of a long push.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use aisle_bus::Bus;
use aisle_contract::{Delivery, Outgoing, PortError, Sender, Through, TopicNames, Transport};
use aisle_domain::{Change, ChangeId, ItemId, Lane, Money, StoreId, change::ItemChanged, item};
use aisle_mirror::{ChangeState, NewChange, items, outbox};
use aisle_sync::{Clock, LinkState, Pusher, seen_beside};
use uuid::Uuid;

use crate::{
    Line, STORE, line, options,
    outages::{Cut, Stepped},
    until,
};

const INTERVAL: u64 = 300;

fn stepped(town: &Line, cuts: &Arc<AtomicU64>) -> Stepped {
    let mut sync = Stepped::new(&town.mirror, Arc::new(Cut { bus: town.bus.clone(), cuts: Arc::clone(cuts) }));
    sync.pass(2);
    town.central_works();
    assert_eq!(sync.pass(5).state, LinkState::Up);
    sync
}

#[test]
fn a_feed_whose_reader_stopped_fetching_is_opened_again_though_everything_else_works() {
    let town = line();
    let cuts = Arc::new(AtomicU64::new(0));
    let mut sync = stepped(&town, &cuts);
    // Every reader there is hears nothing any more; who opens a new one hears all.
    cuts.fetch_add(2, Ordering::SeqCst);
    town.centre.cancel_order(None, town.new_orders()[0], "called").unwrap();
    town.central_works();
    sync.pass(50);
    assert_eq!(town.new_orders().len(), 4, "nobody would know");
    sync.pass(40);
    assert_eq!(town.new_orders().len(), 3);
    town.central_works();
    assert_eq!(sync.pass(5).state, LinkState::Up);
}

#[test]
fn a_sent_change_that_central_has_no_word_on_is_counted_by_intervals_and_its_word_ends_that() {
    let town = line();
    let mut sync = stepped(&town, &Arc::default());
    let change = town.accept(town.new_orders()[0]);
    sync.sync.push_now();
    sync.pass(4);
    assert_eq!(town.state(change), ChangeState::Sent);
    assert_eq!(sync.sync.status().missed_pushes, 0, "calm for one interval");
    sync.pass(INTERVAL);
    assert_eq!(sync.sync.status().missed_pushes, 1);
    sync.pass(2 * INTERVAL);
    assert_eq!(sync.sync.status().missed_pushes, 3);
    town.central_works();
    sync.pass(4);
    assert_eq!((town.state(change), sync.sync.status().missed_pushes), (ChangeState::Received, 0));
}

#[test]
fn after_the_computer_slept_what_central_did_meanwhile_is_read_before_anything_is_pushed() {
    let town = line();
    let cuts = Arc::new(AtomicU64::new(0));
    let mut sync = stepped(&town, &cuts);
    let order = town.new_orders()[0];
    // The program's own clock stood still, and so did its connections.
    sync.clock.sleep(Duration::from_hours(8));
    cuts.fetch_add(2, Ordering::SeqCst);
    town.centre.cancel_order(None, order, "called").unwrap();
    town.central_works();
    let accepted = town.accept(order);
    sync.sync.push_now();
    let row = || town.mirror.read(|conn| outbox::load(conn, accepted)).unwrap().unwrap();
    while row().seq.is_none() {
        assert!(sync.clock.monotonic() < Duration::from_secs(900), "it is never pushed");
        sync.pass(1);
    }
    assert!(row().will_be_refused.is_some(), "it was pushed before what central did was known");
}

#[test]
fn what_waited_until_central_s_new_history_was_settled_leaves_as_soon_as_it_is() {
    let town = line();
    let mut sync = stepped(&town, &Arc::default());
    sync.pass(5);
    town.centre.new_epoch().unwrap();
    town.central_works();
    let change = town.accept(town.new_orders()[0]);
    sync.sync.push_now();
    sync.pass(5);
    assert_eq!(
        town.state(change),
        ChangeState::Ready,
        "nothing is numbered before central has told what it knows"
    );
    town.central_works();
    sync.pass(10);
    assert_eq!(town.state(change), ChangeState::Sent);
}

#[test]
fn a_decision_leaves_at_once_though_the_catalog_cannot_be_read() {
    let town = line();
    let topic = TopicNames::default().feed(StoreId::new(STORE).unwrap(), Lane::Catalog);
    let engine = town.runs_on(town.bus.clone());
    until(Duration::from_secs(10), "the orders come", || town.new_orders().len() == 4);
    town.central_works();
    until(Duration::from_secs(10), "the line is up", || engine.status().link.state == LinkState::Up);
    town.bus.hide_topic(&topic, true);
    until(Duration::from_secs(40), "the missing feed is told", || engine.status().link.state != LinkState::Up);
    let change = town.accept(town.new_orders()[0]);
    engine.decided();
    until(Duration::from_secs(5), "the decision leaves", || town.state(change) == ChangeState::Sent);
}

/// One of three machines goes as soon as something was handed over.
struct Failing(Bus);

struct FailingSender(Box<dyn Sender>, Bus);

impl Sender for FailingSender {
    fn hand_over(&mut self, batch: Vec<Outgoing>) {
        self.0.hand_over(batch);
        self.1.in_sync(2);
    }

    fn answers(&mut self, count: usize, timeout: Duration) -> Vec<Delivery> {
        self.0.answers(count, timeout)
    }
}

impl Through for Failing {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.0)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        Ok(Box::new(FailingSender(self.0.sender()?, self.0.clone())))
    }
}

/// So many changes of the first item's price, each to another one.
fn reprice(town: &Line, times: i64) {
    let id = town.mirror.read(|conn| items::page(conn, 0, 1)).unwrap()[0].item_id;
    for n in 1..=times {
        let from = town.mirror.read(|conn| items::load(conn, id)).unwrap().unwrap().unit_price;
        town.mirror.act(&repriced(id, from, Money::from_minor(100_000 + n))).unwrap();
    }
}

fn repriced(item: ItemId, from: Money, to: Money) -> NewChange {
    let changes = item::ItemEdits { unit_price: Some(item::Edit { from, to }), ..item::ItemEdits::default() };
    NewChange {
        change_id: ChangeId(Uuid::now_v7()),
        change: Change::ItemChanged(ItemChanged { item, changes }),
        by: "Noor".into(),
        at: aisle_sync::SystemClock::default().now(),
        held: false,
        replaces: None,
    }
}

#[test]
fn a_long_push_looks_at_the_cluster_again_and_numbers_nothing_more_once_a_machine_is_away() {
    let town = line();
    town.catch_up();
    reprice(&town, 700);
    let counts = || town.mirror.read(outbox::counts).unwrap();
    let mut pusher = Pusher::new(town.mirror.clone(), options());
    let begun = town.clock.now();
    // Each look at the clock is six seconds after the last.
    let looks = std::cell::Cell::new(0);
    let clock = || {
        looks.set(looks.get() + 6_000);
        begun.plus_millis(looks.get())
    };
    let outcome = pusher.push(&Failing(town.bus.clone()), clock).unwrap();
    assert_eq!(outcome.error, Some(PortError::NotEnoughReplicas));
    assert_eq!((outcome.sent, counts().sent, counts().ready), (500, 500, 200));
}

#[test]
fn how_a_running_sync_stands_is_read_beside_it_while_it_runs_and_no_longer() {
    let town = line();
    let engine = town.runs_on(town.bus.clone());
    let seen = |later: i64| seen_beside(town.mirror.dir(), town.clock.now().plus_millis(later));
    until(Duration::from_secs(10), "the orders come", || town.new_orders().len() == 4);
    town.central_works();
    let state = || seen(0).map(|status| status.link.state);
    until(Duration::from_secs(20), "it is told that the line is up", || state() == Some(LinkState::Up));
    town.bus.unreachable(true);
    until(Duration::from_secs(20), "it is told that it is cut", || state().is_some_and(|s| s != LinkState::Up));
    assert!(seen(0).unwrap().link.cause.is_some());
    assert_eq!(seen(31_000), None, "what a program left that stands still since is not believed");
    drop(engine);
    assert_eq!(seen(0), None);
}

//! The load: people act at all desks and customers at central, on threads of their own, until it is ended.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use aisle_central::{Clock, NewOrder, SystemClock};
use aisle_domain::{Money, OrderId, StoreId, UserId};
use aisle_testkit::dice::Dice;

use super::town::{ITEMS, Town, held};
use crate::simulation::order_line;

/// Threads that act.
const HANDS: usize = 2;
/// Orders that a customer may still do something about.
const RECENT: usize = 60;

/// Ends the load whatever happens meanwhile.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Does something while there are `rate` acts a second at all desks together, and half as many at central.
pub(super) fn under_load<T>(town: &Town, (rate, seed): (u64, u64), during: impl FnOnce() -> T) -> T {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = End(&stop);
        for hand in 0..HANDS {
            let pace = Duration::from_micros(1_000_000 * HANDS as u64 / rate.max(1));
            let (mut dice, stop) = (Dice::new(seed ^ (hand as u64 + 1)), &stop);
            scope.spawn(move || {
                paced(stop, pace, || {
                    if let Some(desk) = dice.pick(&town.desks) {
                        held(desk).act();
                    }
                });
            });
        }
        scope.spawn(|| {
            let mut customers = Customers::new(town, seed);
            paced(&stop, Duration::from_micros(2_000_000 / rate.max(1)), || customers.act());
        });
        let outcome = during();
        drop(end);
        outcome
    })
}

/// Does something again and again; what takes too long is not caught up with.
fn paced(stop: &AtomicBool, pace: Duration, mut turn: impl FnMut()) {
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        turn();
        std::thread::sleep(pace.saturating_sub(begun.elapsed()));
    }
}

/// What happens at central meanwhile.
struct Customers<'a> {
    town: &'a Town,
    dice: Dice,
    recent: VecDeque<(StoreId, OrderId)>,
    next: i64,
}

impl<'a> Customers<'a> {
    fn new(town: &'a Town, seed: u64) -> Self {
        // Other numbers than those of an earlier load.
        let next = 1 + i64::try_from(town.acts()).unwrap() * 1_000;
        Self { town, dice: Dice::new(seed ^ 0xc057), recent: VecDeque::new(), next }
    }

    fn act(&mut self) {
        let store = *self.dice.pick(&self.town.stores).expect("stores");
        let centre = &self.town.centre;
        match (self.dice.below(10), self.recent.get(self.dice.index(self.recent.len())).copied()) {
            (0, _) => {
                let item = 1 + i64::try_from(self.dice.below(u64::try_from(ITEMS).unwrap())).unwrap();
                self.town.set_item(store, item, &mut self.dice);
            }
            // Most of these central does not do, since the order is not at that point: nobody was told otherwise.
            (1, Some((store, order))) => drop(centre.cancel_order(Some(store), order, "cancelled")),
            (2..5, Some((store, order))) => {
                let cents = Money::from_minor(i64::try_from(100 + self.dice.below(4_000)).unwrap());
                drop(centre.add_payment(Some(store), order, cents));
            }
            _ => self.order(store),
        }
    }

    fn order(&mut self, store: StoreId) {
        let order_id = OrderId::new(self.next).unwrap();
        self.next += 1;
        let count = 1 + i64::try_from(self.dice.below(3)).unwrap();
        let new = NewOrder {
            order_id,
            user_id: UserId::new(1 + self.next % 7).unwrap(),
            creation_time: SystemClock.now(),
            // Nothing is to happen at central by itself once everything rests.
            accept_by: None,
            due_at: None,
            payment_expected: self.dice.chance(85, 100),
            lines: (1..=count).map(|item| order_line(item, &mut self.dice)).collect(),
        };
        if self.town.centre.queue_order(store, new).is_ok() {
            self.recent.push_back((store, order_id));
            if self.recent.len() > RECENT {
                self.recent.pop_front();
            }
        }
    }
}

//! What stands still at central without an error, and words that would be of a history that is over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aisle_bus::Bus;
use aisle_central::{SteppedWork, WorkOptions};
use aisle_contract::{DownBody, Incoming, PortError, Reader, Start, Through, Transport, partition_of};
use aisle_domain::Lane;

use crate::{opened, takeover::told, town::store};

/// A line on which those who read hear nothing once they are made deaf; who reads anew hears all.
struct Deaf {
    bus: Bus,
    /// That of the newest reader.
    is_deaf: std::sync::Mutex<Arc<AtomicBool>>,
}

struct DeafReader(Box<dyn Reader>, Arc<AtomicBool>);

impl Reader for DeafReader {
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError> {
        if self.1.load(Ordering::SeqCst) { Ok(Vec::new()) } else { self.0.read(max, wait) }
    }
}

impl Through for Deaf {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.bus)
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        let is_deaf = Arc::new(AtomicBool::new(false));
        *self.is_deaf.lock().unwrap() = Arc::clone(&is_deaf);
        Ok(Box::new(DeafReader(self.bus.reader(topic, partition, start)?, is_deaf)))
    }
}

#[test]
fn a_worker_whose_reader_stopped_fetching_makes_a_new_one() {
    let (town, mut desk) = opened(2);
    let home = [partition_of(store(367), 12)];
    let options = WorkOptions::default();
    let (clock, centre) = told(&town);
    let line = Deaf { bus: town.bus.clone().without_waiting(), is_deaf: std::sync::Mutex::default() };
    let mut work = SteppedWork::new(&centre, &line, &options);
    let mut pass = |seconds: std::ops::Range<u64>| {
        for second in seconds {
            clock.pass_to(second);
            work.turn(&home).unwrap();
        }
    };
    pass(0..3);
    line.is_deaf.lock().unwrap().store(true, Ordering::SeqCst);
    assert_eq!(desk.accept_everything(), 2);
    pass(3..60);
    assert!(town.acks(store(367), Lane::Orders).is_empty(), "nobody would know");
    pass(60..110);
    assert_eq!(town.acks(store(367), Lane::Orders).pop().unwrap().expected, 3);
}

#[test]
fn a_heartbeat_is_of_the_history_that_is_in_force_when_it_goes() {
    let (town, mut desk) = opened(1);
    desk.accept_everything();
    let home = [partition_of(store(367), 12)];
    let options = WorkOptions::default();
    let (clock, centre) = told(&town);
    let mut work = SteppedWork::new(&centre, &town.bus, &options);
    // Who listens was looked at a second ago when the next is due.
    for second in 0..17 {
        clock.pass_to(second);
        work.turn(&home).unwrap();
    }
    centre.new_epoch().unwrap();
    clock.pass_to(17);
    work.turn(&home).unwrap();
    let mut all = town.feed(store(367), Lane::Orders).into_iter();
    let last = all.rfind(|message| matches!(message.body, DownBody::Heartbeat(_))).unwrap();
    assert_eq!(last.epoch, Some(centre.digest(store(367)).unwrap().epoch));
}

#[test]
fn a_number_without_an_outcome_is_told_by_the_check() {
    let (town, mut desk) = opened(3);
    desk.accept_everything();
    town.work_until_idle();
    town.assert_sound();
    town.tamper("DELETE FROM dedup WHERE seq = 2");
    let report = town.centre.verify(None).unwrap();
    let told = format!("{report:?}");
    assert!(!report.ok && told.contains("1 numbers between 1 and 4 have no outcome"), "{told}");
    // The oldest are forgotten in their order.
    town.tamper("DELETE FROM dedup WHERE seq = 1");
    town.assert_sound();
}

#[test]
fn what_the_log_lost_before_it_was_read_is_told_as_read() {
    let (town, mut desk) = opened(2);
    let (topic, home) = (town.centre.names().changes(), partition_of(store(367), 12));
    assert_eq!(desk.accept_everything(), 2);
    let high = town.bus.bounds(&topic, home, Duration::ZERO).unwrap().high;
    town.bus.trim(&topic, home, high);
    town.work_until_idle();
    let read_to = rusqlite::Connection::open(town.centre.path()).unwrap().query_row(
        "SELECT next_offset FROM positions WHERE partition = ?1",
        [home],
        |row| row.get::<_, i64>(0),
    );
    assert_eq!(read_to, Ok(high), "whoever waits for a word on it learns that it has to go again");
}

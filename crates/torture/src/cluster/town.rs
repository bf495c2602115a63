//! A centre with its stores on a real cluster, under topics of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aisle_central::{Centre, ItemChange, NewStore, SystemClock, TopicsOptions};
use aisle_contract::TopicNames;
use aisle_domain::{ItemId, StoreId};
use aisle_mirror::{feed, outbox};
use aisle_sync::{Cause, LinkState};
use aisle_testkit::{dice::Dice, program::Program};

use super::{
    Ground, Size,
    desk::Desk,
    log::{ClusterLog, connect},
    second::{Ended, Second},
    workers::Workers,
};
use crate::simulation::{
    Failure, acts,
    oracle::{self, Seen},
};

/// Items of each store at the beginning.
pub(super) const ITEMS: i64 = 7;
const LOOK: Duration = Duration::from_millis(25);
/// Longer than anything can come late that a replaced worker had handed over.
const LATE: Duration = Duration::from_secs(90);

pub(super) struct Town {
    pub(super) centre: Centre,
    pub(super) stores: Vec<StoreId>,
    pub(super) desks: Vec<Mutex<Desk>>,
    pub(super) log: ClusterLog,
    pub(super) brokers: String,
    pub(super) dir: PathBuf,
    prefix: String,
}

/// What a town is made with.
pub(super) struct Plan<'a> {
    pub(super) prefix: &'a str,
    pub(super) size: Size,
    pub(super) partitions: i32,
    /// Between pushes of what is no decision.
    pub(super) interval: Duration,
    /// Where workers and the judge reach the cluster.
    pub(super) brokers: String,
    /// Where desks do.
    pub(super) brokers_of_desks: String,
}

pub(super) fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Town {
    /// With some items at central, and a desk in each store.
    pub(super) fn new(ground: &Ground, plan: &Plan<'_>) -> Self {
        let town = Self::bare(ground, plan, 1);
        town.stock(ground);
        town
    }

    /// With nothing at central but the stores, and so many desks in each.
    pub(super) fn bare(ground: &Ground, plan: &Plan<'_>, desks: usize) -> Self {
        let mut town = Self::closed(ground, plan);
        town.open(ground, plan, desks, Duration::ZERO);
        town
    }

    /// With nothing but the stores: no desk of them is open.
    pub(super) fn closed(ground: &Ground, plan: &Plan<'_>) -> Self {
        let dir = ground.folder(plan.prefix);
        let names = TopicNames::new(plan.prefix);
        let centre = Centre::open(&dir.join("central.db"), names, Arc::new(SystemClock)).unwrap();
        let log = ClusterLog::new(connect(&plan.brokers, "judge"));
        let numbers = 1..=i64::try_from(plan.size.stores).unwrap();
        let stores: Vec<_> = numbers.map(|number| StoreId::new(number).unwrap()).collect();
        for store in &stores {
            centre.add_store(NewStore::new(*store, "Store", "Main street 1")).unwrap();
        }
        let (brokers, prefix) = (plan.brokers.clone(), plan.prefix.to_owned());
        let town = Self { centre, stores, desks: Vec::new(), log, brokers, dir, prefix };
        town.make_topics(plan.partitions);
        town
    }

    /// Opens so many desks in each store, one after the other with a pause between them.
    pub(super) fn open(&mut self, ground: &Ground, plan: &Plan<'_>, desks: usize, pause: Duration) {
        let mut dice = Dice::new(ground.seed ^ 0x70);
        for store in &self.stores {
            for number in 1..=desks {
                let own = (*store, number, dice.bits());
                let desk = Desk::new(&self.dir, own, &plan.brokers_of_desks, &self.centre, plan.interval);
                self.desks.push(Mutex::new(desk));
                std::thread::sleep(pause);
            }
        }
    }

    /// Gives every store some items at central.
    pub(super) fn stock(&self, ground: &Ground) {
        let mut dice = Dice::new(ground.seed ^ 0x17);
        for store in &self.stores {
            (1..=ITEMS).for_each(|item| self.set_item(*store, item, &mut dice));
        }
    }

    /// Waits until the feeds hold all that central has.
    pub(super) fn until_published(&self, limit: Duration) -> Result<(), Failure> {
        let (conn, begun) = (oracle::central_db(&self.centre), Instant::now());
        while let Some(why) = oracle::central_unrest(&conn, &self.centre, &self.log) {
            if begun.elapsed() > limit {
                return Err(Failure::Stuck(format!("not published after {limit:?}: {why}")));
            }
            std::thread::sleep(Duration::from_millis(500));
        }
        Ok(())
    }

    /// Makes what is missing, as `aisle central topics --create` does; tries again while the cluster is not ready for it.
    pub(super) fn make_topics(&self, partitions: i32) {
        let options = TopicsOptions { create: true, partitions, ..TopicsOptions::default() };
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            match self.centre.topics(&self.log.kafka, &options) {
                Ok(report) if report.ok => return,
                other if Instant::now() >= end => panic!("the topics are not made: {other:?}"),
                _ => std::thread::sleep(Duration::from_millis(300)),
            }
        }
    }

    pub(super) fn set_item(&self, store: StoreId, number: i64, dice: &mut Dice) {
        let set = |field: &str, value: String| format!("{field}={value}").parse::<ItemChange>().unwrap();
        let item = ItemId::new(number).unwrap();
        let all = [set("name", format!("Thing {number}")), set("unit_price", acts::price(dice).to_string())];
        let known = self.centre.show_item(store, item).is_ok();
        // What central does not do, such as naming a removed item, is nothing that a desk was told.
        drop(self.centre.set_item(store, item, if known { &all[1..] } else { &all }));
    }

    pub(super) fn workers(&self, ground: &Ground) -> Workers {
        let program = self.program(ground).with("AISLE_CENTRAL_DB", self.dir.join("central.db"));
        Workers::new(program, self.dir.join("workers"))
    }

    /// The program with the town's cluster and topics.
    pub(super) fn program(&self, ground: &Ground) -> Program {
        Program::new(&ground.program)
            .with("AISLE_BROKERS", Path::new(&self.brokers))
            .with("AISLE_TOPIC_PREFIX", Path::new(&self.prefix))
    }

    /// One more desk in each store, as processes of their own that push at such an interval.
    pub(super) fn second_desks(
        &self,
        ground: &Ground,
        interval: Duration,
        pause: Duration,
    ) -> Result<Vec<Second>, Failure> {
        let program = self.program(ground);
        let opened = self.stores.iter().map(|store| {
            std::thread::sleep(pause);
            Second::start(&program, &self.dir, *store, &self.brokers, interval)
        });
        opened.collect()
    }

    pub(super) fn acts(&self) -> u64 {
        self.desks.iter().map(|desk| held(desk).acts() as u64).sum()
    }

    /// Waits until every desk has heard from central; a town begins with that.
    pub(super) fn until_up(&self, limit: Duration) -> Result<Duration, Failure> {
        let is_up = |desk: &Desk| desk.status().link.state == LinkState::Up;
        let begun = Instant::now();
        match self.until_all(is_up, limit) {
            Ok(()) => Ok(begun.elapsed()),
            Err(which) => Err(Failure::Stuck(format!("not up after {limit:?}: {which}"))),
        }
    }

    /// Waits until every desk tells such a cause; answers how long it took.
    pub(super) fn until_told(&self, is: impl Fn(&Cause) -> bool, limit: Duration) -> Result<Duration, Failure> {
        let tells = |desk: &Desk| desk.status().link.cause.as_ref().is_some_and(&is);
        let begun = Instant::now();
        match self.until_all(tells, limit) {
            Ok(()) => Ok(begun.elapsed()),
            Err(which) => Err(Failure::Wrong(format!("not told within {limit:?}: {which}"))),
        }
    }

    /// Waits until it was once true of every desk; answers those of which it was not.
    fn until_all(&self, is: impl Fn(&Desk) -> bool, limit: Duration) -> Result<(), String> {
        let end = Instant::now() + limit;
        let mut left: Vec<&Mutex<Desk>> = self.desks.iter().collect();
        loop {
            left.retain(|desk| !is(&held(desk)));
            if left.is_empty() {
                return Ok(());
            }
            if Instant::now() >= end {
                let words = left.iter().map(|desk| {
                    let desk = held(desk);
                    format!("{}: {:?}", desk.name, desk.status().link)
                });
                return Err(words.collect::<Vec<_>>().join("; "));
            }
            std::thread::sleep(LOOK);
        }
    }

    /// From now until all that waits now has central's word, of each desk.
    pub(super) fn until_answered(&self, limit: Duration) -> Result<Vec<Duration>, Failure> {
        let begun = Instant::now();
        let mut left: Vec<(usize, i64)> =
            self.desks.iter().enumerate().map(|(place, desk)| (place, held(desk).last())).collect();
        let mut took = Vec::new();
        while !left.is_empty() {
            left.retain(|(place, last)| {
                let answered = self.desks.get(*place).is_some_and(|desk| held(desk).open_to(*last) == 0);
                if answered {
                    took.push(begun.elapsed());
                }
                !answered
            });
            if begun.elapsed() > limit {
                return Err(Failure::Stuck(format!(
                    "{} of {} desks wait after {limit:?}: {}",
                    left.len(),
                    self.desks.len(),
                    self.unrest().unwrap_or_default()
                )));
            }
            std::thread::sleep(LOOK);
        }
        Ok(took)
    }

    /// Waits until nothing moves any more; answers how long it took.
    pub(super) fn rest(&self, limit: Duration) -> Result<Duration, Failure> {
        let begun = Instant::now();
        loop {
            match self.unrest() {
                None => return Ok(begun.elapsed()),
                Some(why) if begun.elapsed() > limit => {
                    return Err(Failure::Stuck(format!("no rest after {limit:?}: {why}")));
                }
                Some(_) => std::thread::sleep(Duration::from_millis(100)),
            }
        }
    }

    fn unrest(&self) -> Option<String> {
        for desk in &self.desks {
            let desk = held(desk);
            let counts = desk.mirror().read(outbox::counts).unwrap();
            if counts.held + counts.ready + counts.sent > 0 {
                return Some(format!("{} waits with {counts:?}; line {:?}", desk.name, desk.status().link));
            }
        }
        let conn = oracle::central_db(&self.centre);
        if let Some(why) = oracle::central_unrest(&conn, &self.centre, &self.log) {
            return Some(why);
        }
        let (ends, cluster) = (self.ends_of_feeds(), self.log.cluster());
        for desk in &self.desks {
            let desk = held(desk);
            for feed in desk.status().feeds {
                // A position in a cluster that is gone may lie beyond this one's end.
                let known = desk.mirror().read(|conn| feed::position(conn, feed.lane)).unwrap();
                if known.is_some_and(|known| known.cluster != cluster) {
                    return Some(format!("{} has not opened {} in {cluster} yet", desk.name, feed.topic));
                }
                let end = ends.get(&feed.topic).copied().unwrap_or(0);
                if feed.position < end || feed.remirroring {
                    return Some(format!("{} is at {feed:?} of {end}", desk.name));
                }
            }
        }
        None
    }

    pub(super) fn ends_of_feeds(&self) -> BTreeMap<String, i64> {
        let feeds = self.desks.iter().flat_map(|desk| held(desk).status().feeds);
        feeds.map(|feed| (feed.topic.clone(), self.log.end(&feed.topic, 0))).collect()
    }

    /// Judges the town at rest.
    pub(super) fn judge(&self) -> Result<(), Failure> {
        self.judge_with(&[])
    }

    /// The same with the second desks, which have ended.
    pub(super) fn judge_with(&self, seconds: &[Ended]) -> Result<(), Failure> {
        self.until_nothing_comes_late()?;
        let desks: Vec<MutexGuard<'_, Desk>> = self.desks.iter().map(held).collect();
        let seen = desks.iter().map(|desk| desk.seen()).chain(seconds.iter().map(Ended::seen));
        let seen: Vec<Seen<'_>> = seen.collect();
        oracle::judge(&seen, &self.centre, &self.log, false)?;
        match self.log.stale() {
            0 => Ok(()),
            rows => Err(Failure::Wrong(format!("behind {rows} rows an older state of them lies in a feed"))),
        }
    }

    /// What a worker that was replaced may have written late is sent once more, and has come everywhere.
    fn until_nothing_comes_late(&self) -> Result<(), Failure> {
        let begun = Instant::now();
        let conn = oracle::central_db(&self.centre);
        let left = || conn.query_row("SELECT count(*) FROM suspects", [], |row| row.get::<_, i64>(0)).unwrap();
        while left() > 0 {
            if begun.elapsed() > LATE {
                return Err(Failure::Stuck(format!("{} feeds are suspect after {LATE:?}", left())));
            }
            std::thread::sleep(LOOK);
        }
        self.rest(LATE).map(|_| ())
    }

    /// What central takes for published is, and every digest in the feeds holds where it stands; so it must be where no worker
    /// stood still and no cluster was lost.
    pub(super) fn feeds_hold(&self) -> Result<(), Failure> {
        self.stores.iter().try_for_each(|store| oracle::feeds_hold(&self.centre, &self.log, *store))
    }
}

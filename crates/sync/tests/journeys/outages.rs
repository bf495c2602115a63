//! Lines that break, centres that fall silent, disks that are full: what a desk says of it, and what it does then.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use aisle_bus::Bus;
use aisle_contract::{Bounds, ClusterView, Incoming, PortError, Reader, Start, Through, TopicNames, Transport};
use aisle_domain::{Lane, StoreId, Timestamp};
use aisle_mirror::{ChangeState, Mirror, outbox, pushes};
use aisle_sync::{Cause, Clock, LinkState, LinkStatus, SteppedSync, SystemClock};
use aisle_testkit::disk::{Disk, Fault};

use crate::{STORE, line, line_in, options};

/// A cluster whose machines that lead say something else than what is remembered of them, on a line that this computer
/// may be unable to open. It may make this desk wait.
struct Remembered {
    bus: Bus,
    leaders_say: Arc<Mutex<Option<PortError>>>,
    closed: Arc<AtomicBool>,
    slows: Arc<Mutex<Option<Duration>>>,
}

impl Remembered {
    fn new(bus: &Bus) -> Self {
        Self { bus: bus.clone(), leaders_say: Arc::default(), closed: Arc::default(), slows: Arc::default() }
    }
}

impl Through for Remembered {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        Ok(&self.bus)
    }

    fn throttled(&self) -> Option<Duration> {
        *self.slows.lock().unwrap()
    }

    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(PortError::Closed {
                why: "the keychain is locked".into(),
                hint: Some("unlock it".into()),
            });
        }
        self.bus.metadata(topics, timeout)
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        let said = self.leaders_say.lock().unwrap().clone();
        said.map_or_else(|| self.bus.bounds(topic, partition, timeout), Err)
    }
}

/// A clock that goes when it is told to, from now on.
#[derive(Clone)]
pub(crate) struct Told {
    from: Timestamp,
    passed: Arc<Mutex<Duration>>,
    slept: Arc<Mutex<Duration>>,
}

impl Told {
    /// Wrong by this much against that of the system, which central goes by.
    fn off_by(millis: i64) -> Self {
        let from = SystemClock::default().now().plus_millis(millis);
        Self { from, passed: Arc::default(), slept: Arc::default() }
    }

    /// Time passes that the program knows nothing of.
    pub(crate) fn sleep(&self, time: Duration) {
        *self.slept.lock().unwrap() += time;
    }
}

impl Clock for Told {
    fn now(&self) -> Timestamp {
        let passed = self.monotonic() + *self.slept.lock().unwrap();
        self.from.plus_millis(i64::try_from(passed.as_millis()).unwrap())
    }

    fn monotonic(&self) -> Duration {
        *self.passed.lock().unwrap()
    }
}

/// A desk's sync, moved on by a clock that is told to.
pub(crate) struct Stepped {
    pub(crate) clock: Told,
    pub(crate) sync: SteppedSync,
}

impl Stepped {
    pub(crate) fn new(mirror: &Mirror, transport: Arc<dyn Transport>) -> Self {
        Self::off_by(0, mirror, transport)
    }

    fn off_by(millis: i64, mirror: &Mirror, transport: Arc<dyn Transport>) -> Self {
        let clock = Told::off_by(millis);
        let sync = SteppedSync::new(mirror.clone(), transport, options(), Arc::new(clock.clone()), |_| {});
        Self { clock, sync }
    }

    /// Lets time pass, a turn a second; answers how the line is then.
    pub(crate) fn pass(&mut self, seconds: u64) -> LinkStatus {
        for _ in 0..seconds {
            *self.clock.passed.lock().unwrap() += Duration::from_secs(1);
            self.sync.turn();
        }
        self.sync.status().link
    }
}

#[test]
fn metadata_that_is_only_remembered_is_not_taken_for_health() {
    let town = line();
    let leaders_say = Arc::new(Mutex::new(None));
    let transport = Remembered { leaders_say: Arc::clone(&leaders_say), ..Remembered::new(&town.bus) };
    let mut sync = Stepped::new(&town.mirror, Arc::new(transport));
    sync.pass(2);
    town.central_works();
    assert_eq!(sync.pass(15).state, LinkState::Up);
    let topic = TopicNames::default().feed(StoreId::new(STORE).unwrap(), Lane::Catalog);
    for said in [PortError::TopicMissing { topic }, PortError::TimedOut("no answer".into())] {
        *leaders_say.lock().unwrap() = Some(said.clone());
        let link = sync.pass(30);
        assert_eq!(link.state, LinkState::Central, "{said}: {link:?}");
        assert!(link.cause.is_some(), "{said}");
        *leaders_say.lock().unwrap() = None;
        town.central_works();
        assert_eq!(sync.pass(5).state, LinkState::Up, "{said}");
    }
}

#[test]
fn a_line_that_this_computer_could_not_open_is_used_as_soon_as_it_opens() {
    let town = line();
    town.catch_up();
    let change = town.accept(town.new_orders()[0]);
    let closed = Arc::new(AtomicBool::new(true));
    let transport = Remembered { closed: Arc::clone(&closed), ..Remembered::new(&town.bus) };
    let mut sync = Stepped::new(&town.mirror, Arc::new(transport));
    let link = sync.pass(300);
    assert_eq!(link.state, LinkState::ThisComputer);
    assert_eq!(link.cause.as_ref().and_then(Cause::hint), Some("unlock it"));
    let tried = town.mirror.read(|conn| pushes::recent(conn, 1_000)).unwrap();
    assert!(tried.len() < 60, "{} pushes were tried in 300 seconds", tried.len());
    let last = tried[0].error.clone().unwrap();
    assert!(
        last.ends_with("the keychain is locked; unlock it"),
        "whoever reads only the pushes knows too: {last}"
    );
    closed.store(false, Ordering::Relaxed);
    sync.pass(4);
    assert_eq!(town.state(change), ChangeState::Sent);
    town.central_works();
    assert_eq!(sync.pass(4).state, LinkState::Up);
    assert_eq!(town.state(change), ChangeState::Received);
}

#[test]
fn central_that_falls_silent_is_told_within_40_seconds_though_nothing_was_asked() {
    let town = line();
    let mut sync = Stepped::new(&town.mirror, Arc::new(town.bus.clone()));
    sync.pass(2);
    town.central_works();
    assert_eq!(sync.pass(30).state, LinkState::Up);
    let link = sync.pass(10);
    assert!(matches!(link.cause, Some(Cause::CentralSilent { .. })), "{link:?}");
    town.central_works();
    assert_eq!(sync.pass(5).state, LinkState::Up);
    // While the line is cut nothing can come: that is not central's silence, then and at once afterwards.
    town.bus.unreachable(true);
    let until_up = |link: LinkStatus| {
        assert!(!matches!(link.cause, Some(Cause::CentralSilent { .. })), "{link:?}");
        link.state == LinkState::Up
    };
    assert!(!until_up(sync.pass(60)));
    town.bus.unreachable(false);
    assert!((0..60).any(|_| until_up(sync.pass(1))));
}

#[test]
fn a_full_disk_is_told_though_everything_else_works() {
    let disk = Disk::new(1).unwrap();
    let town = line_in(tempfile::tempdir().unwrap(), &disk.path().join("desk"));
    let mut sync = Stepped::new(&town.mirror, Arc::new(town.bus.clone()));
    sync.pass(2);
    town.central_works();
    assert_eq!(sync.pass(5).state, LinkState::Up);
    disk.fail(1, Fault::Full);
    town.central_works();
    let link = sync.pass(5);
    assert!(matches!(link.cause, Some(Cause::Database(_))), "{link:?}");
    assert_eq!(link.state, LinkState::ThisComputer);
    disk.heal();
    let link = sync.pass(30);
    assert_eq!(link.state, LinkState::Up, "{link:?}");
}

/// A line that is cut as real ones are: who reads hears nothing, then and afterwards, and no word of it.
pub(crate) struct Cut {
    pub(crate) bus: Bus,
    /// Even: there is a line. Each cut adds one, and so does its end.
    pub(crate) cuts: Arc<AtomicU64>,
}

struct CutReader {
    inner: Box<dyn Reader>,
    cuts: Arc<AtomicU64>,
    opened: u64,
}

impl Reader for CutReader {
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError> {
        if self.cuts.load(Ordering::SeqCst) == self.opened { self.inner.read(max, wait) } else { Ok(Vec::new()) }
    }
}

impl Through for Cut {
    fn through(&self) -> Result<&dyn Transport, PortError> {
        match self.cuts.load(Ordering::SeqCst) % 2 {
            0 => Ok(&self.bus),
            _ => Err(PortError::Unreachable("the line is cut".into())),
        }
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        let inner = self.through()?.reader(topic, partition, start)?;
        let opened = self.cuts.load(Ordering::SeqCst);
        Ok(Box::new(CutReader { inner, cuts: Arc::clone(&self.cuts), opened }))
    }
}

#[test]
fn after_an_outage_what_central_did_meanwhile_is_read_before_anything_is_pushed() {
    let town = line();
    let cuts = Arc::new(AtomicU64::new(0));
    let mut sync = Stepped::new(&town.mirror, Arc::new(Cut { bus: town.bus.clone(), cuts: Arc::clone(&cuts) }));
    sync.pass(2);
    town.central_works();
    assert_eq!(sync.pass(5).state, LinkState::Up);
    cuts.fetch_add(1, Ordering::SeqCst);
    sync.pass(300);
    let order = town.new_orders()[0];
    let accepted = town.accept(order);
    town.centre.cancel_order(None, order, "called").unwrap();
    town.central_works();
    cuts.fetch_add(1, Ordering::SeqCst);
    let will_be_refused = || {
        let row = town.mirror.read(|conn| outbox::load(conn, accepted)).unwrap().unwrap();
        (row.seq.is_some(), row.will_be_refused.is_some())
    };
    while !will_be_refused().0 {
        assert!(sync.clock.monotonic() < Duration::from_secs(900), "it is never pushed");
        sync.pass(1);
    }
    assert!(will_be_refused().1, "it was pushed before what central did was known");
}

#[test]
fn a_desk_whose_clock_is_wrong_learns_from_central_by_how_much_and_which_way() {
    const MINUTE: i64 = 60_000;
    for wrong in [7 * MINUTE, -7 * MINUTE, 0] {
        let town = line();
        let mut sync = Stepped::off_by(wrong, &town.mirror, Arc::new(town.bus.clone()));
        sync.pass(2);
        assert_eq!(sync.sync.status().clock_offset_ms, None, "nobody told it yet");
        town.central_works();
        sync.pass(5);
        let told = sync.sync.status().clock_offset_ms.unwrap();
        // The seconds that were let pass here did not pass at central.
        assert!((told + wrong).abs() < MINUTE / 2, "{told} where the clock is wrong by {wrong}");
        if wrong < 0 {
            // Somebody sets it right.
            sync.clock.sleep(Duration::from_mins(7));
            sync.sync.push_now();
            sync.pass(5);
            town.central_works();
            sync.pass(5);
            let told = sync.sync.status().clock_offset_ms.unwrap();
            assert!(told.abs() < MINUTE / 2, "{told} where the clock was set right");
        }
    }
}

#[test]
fn a_desk_that_the_cluster_makes_wait_says_so_for_as_long_as_it_does() {
    let town = line();
    let slows = Arc::new(Mutex::new(None));
    let transport = Remembered { slows: Arc::clone(&slows), ..Remembered::new(&town.bus) };
    let mut sync = Stepped::new(&town.mirror, Arc::new(transport));
    sync.pass(2);
    town.central_works();
    let mut told = |wait: Option<Duration>| {
        *slows.lock().unwrap() = wait;
        town.central_works();
        let link = sync.pass(5);
        assert_eq!(link.state, LinkState::Up, "slow is not cut: {link:?}");
        sync.sync.status().throttled_ms
    };
    assert_eq!(told(None), None);
    assert_eq!(told(Some(Duration::from_millis(1_200))), Some(1_200));
    assert_eq!(told(Some(Duration::MAX)), Some(i64::MAX), "a wait beyond all numbers");
    assert_eq!(told(None), None);
}

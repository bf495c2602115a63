//! What the threads of the sync share: what was seen of the line, when to push, and whether to stop.

use std::{
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use aisle_contract::{ClusterView, PortError, Standstill, partition_of};
use aisle_domain::{ChangeId, Lane, Timestamp, store::Durability};
use aisle_mirror::{Mirror, MirrorError, feed, outbox, store};

use crate::{
    SyncError,
    clock::Clock,
    connectivity::{Evidence, Lasting, LinkStatus, Probe, Stopped, diagnose},
    feed::{FeedReader, FeedStatus, FeedStep},
    push::PushOutcome,
    shared::{ReplicaStatus, SyncOptions, SyncStatus},
};

/// When something began, by both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    at: Timestamp,
    monotonic: Duration,
}

impl Moment {
    fn now(clock: &dyn Clock) -> Self {
        Self { at: clock.now(), monotonic: clock.monotonic() }
    }

    fn lasting(self, clock: &dyn Clock) -> Lasting {
        Lasting { since: self.at, lasts: clock.monotonic().saturating_sub(self.monotonic) }
    }
}

/// A heartbeat that central has not answered yet.
#[derive(Debug, Clone, Copy)]
struct Asked {
    id: ChangeId,
    at: Duration,
}

struct State {
    status: SyncStatus,
    /// What stopped each part last; a part that works again takes its own word back.
    push_error: Option<PortError>,
    watch_error: Option<PortError>,
    /// What those that lead this desk's partitions said.
    proof_error: Option<PortError>,
    feed_errors: [Option<PortError>; 2],
    /// Feeds that are to be opened again before what is known of their ends is believed.
    doubted: [bool; 2],
    standstills: [Standstill; 2],
    /// What the desk's database said when it stopped a push, and each feed.
    push_stopped: Option<Stopped>,
    feeds_stopped: [Option<Stopped>; 2],
    probe: Option<Probe>,
    /// The cluster that answered last.
    cluster_id: Option<String>,
    unanswered: Option<Moment>,
    /// From when on the next of central's heartbeats is waited for, once one came.
    unheard: Option<Moment>,
    /// Central has answered.
    is_known: bool,
    /// When something came last, since the start.
    received: Option<Duration>,
    asked: Option<Asked>,
    interval: Duration,
    due: Duration,
    /// When the next push is due instead, once central has answered the last one.
    due_if_answered: Option<Duration>,
    triggered: bool,
    /// Pushes begun and ended, for whoever waits for one.
    pushes: u64,
    last_success: Duration,
    /// Intervals that passed with something to send and no push.
    missed: u128,
    /// The oldest change that the cluster has and central's word is waited for, and since when it is that one.
    unacknowledged: Option<(i64, Duration)>,
    told: Option<SyncStatus>,
}

/// Shared by the threads.
pub(super) struct Shared {
    state: Mutex<State>,
    wake: Condvar,
    stopped: AtomicBool,
    pub(super) at_once: AtomicBool,
    /// Until the store's row says it.
    durability: Durability,
    /// Changes that the cluster did not have after the last push.
    unsent: AtomicUsize,
}

/// The one of two that is a lane's.
const fn of<T>([orders, catalog]: &mut [T; 2], lane: Lane) -> &mut T {
    match lane {
        Lane::Orders => orders,
        Lane::Catalog => catalog,
    }
}

impl Shared {
    pub(super) fn new(mirror: &Mirror, options: &SyncOptions, clock: &dyn Clock) -> Self {
        let feeds = Lane::ALL.map(|lane| FeedReader::new(mirror.clone(), options, lane).status());
        let positions = mirror.read(|conn| {
            Lane::ALL.into_iter().map(|lane| feed::position(conn, lane)).collect::<Result<Vec<_>, _>>()
        });
        let last_received_at =
            positions.ok().and_then(|all| all.into_iter().flatten().map(|p| p.received_at).max());
        let (state, cause) = diagnose(&Evidence::default());
        let status = SyncStatus {
            link: LinkStatus { state, since: Some(clock.now()), cause },
            catching_up: false,
            feeds: feeds.into(),
            last_push_at: None,
            next_push_at: None,
            last_received_at,
            clock_offset_ms: None,
            cluster: None,
            missed_pushes: 0,
            pushing: false,
            throttled_ms: None,
        };
        let state = State {
            status,
            push_error: None,
            watch_error: None,
            proof_error: None,
            feed_errors: [None, None],
            doubted: [false, false],
            standstills: [Standstill::default(); 2],
            push_stopped: None,
            feeds_stopped: [None, None],
            probe: None,
            cluster_id: None,
            unanswered: None,
            unheard: None,
            is_known: false,
            received: None,
            asked: None,
            interval: options.push_interval,
            due: Duration::MAX,
            due_if_answered: None,
            triggered: false,
            pushes: 0,
            last_success: clock.monotonic(),
            missed: 0,
            unacknowledged: None,
            told: None,
        };
        Self {
            state: Mutex::new(state),
            wake: Condvar::new(),
            stopped: AtomicBool::new(false),
            at_once: AtomicBool::new(options.push_decisions_at_once),
            durability: options.durability,
            unsent: AtomicUsize::new(0),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self) -> SyncStatus {
        self.lock().status.clone()
    }

    pub(super) fn cluster_id(&self) -> Option<String> {
        self.lock().cluster_id.clone()
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Under the lock, so that nobody goes to sleep between looking and waiting.
        drop(self.lock());
        self.wake.notify_all();
    }

    /// Sleeps, unless it is stopped meanwhile.
    pub(super) fn sleep(&self, time: Duration) {
        let state = self.lock();
        if !self.is_stopped() {
            drop(self.wake.wait_timeout_while(state, time, |_| !self.is_stopped()));
        }
    }

    pub(super) fn trigger(&self) {
        self.lock().triggered = true;
        self.wake.notify_all();
    }

    pub(super) fn interval(&self) -> Duration {
        self.lock().interval
    }

    pub(super) fn set_interval(&self, interval: Duration) {
        let mut state = self.lock();
        let soonest = state.last_success.saturating_add(interval);
        state.due = state.due.min(soonest);
        state.due_if_answered = state.due_if_answered.map(|due| due.min(soonest));
        state.interval = interval;
        self.wake.notify_all();
    }

    pub(super) fn schedule(&self, wait: Duration, clock: &dyn Clock) {
        let mut state = self.lock();
        state.due_if_answered = None;
        state.set_due(clock.monotonic() + wait, clock);
    }

    /// After a push that went well: the next follows an interval later, or soon while central has not answered this one.
    pub(super) fn schedule_after(&self, interval: Duration, unanswered: Duration, clock: &dyn Clock) {
        let mut state = self.lock();
        let now = clock.monotonic();
        let is_answered = state.is_known && state.unanswered.is_none();
        state.due_if_answered = (!is_answered).then_some(now + interval);
        state.set_due(now + if is_answered { interval } else { interval.min(unanswered) }, clock);
    }

    /// Whether a push is due or wished.
    pub(super) fn is_push_due(&self, clock: &dyn Clock) -> bool {
        let state = self.lock();
        state.triggered || state.due <= clock.monotonic()
    }

    /// The wish for a push is being fulfilled.
    pub(super) fn take_trigger(&self) {
        self.lock().triggered = false;
    }

    /// Waits until a push is due; false when it is stopped instead.
    pub(super) fn wait_for_push(&self, clock: &dyn Clock) -> bool {
        let mut state = self.lock();
        loop {
            if self.is_stopped() {
                return false;
            }
            let left = state.due.saturating_sub(clock.monotonic());
            if state.triggered || left.is_zero() {
                state.triggered = false;
                return true;
            }
            let wait = left.min(Duration::from_millis(500));
            state = self.wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Asks for a push and waits for its end, at most `limit`; answers how many changes were not sent.
    pub(super) fn push_and_wait(&self, limit: Duration) {
        let mut state = self.lock();
        // A push under way may have cut its batch before the last act: the one after it is waited for.
        let target = state.pushes + 1 + u64::from(state.status.pushing);
        state.triggered = true;
        self.wake.notify_all();
        let waited = self.wake.wait_timeout_while(state, limit, |s| s.pushes < target && !self.is_stopped());
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// How many changes the cluster does not have, counted now.
    pub(super) fn unsent_of(&self, mirror: &Mirror) -> usize {
        self.count_unsent(mirror);
        self.unsent.load(Ordering::Relaxed)
    }

    pub(super) fn pushing(&self, yes: bool) {
        let mut state = self.lock();
        state.status.pushing = yes;
        if !yes {
            state.pushes += 1;
        }
        self.wake.notify_all();
    }

    pub(super) fn feeds_pending(&self) -> bool {
        self.lock().status.feeds.iter().any(|feed| feed.behind.is_none_or(|behind| behind > 0))
    }

    /// Whether nothing came for this long, by either clock: that of the program stands still while the computer sleeps and
    /// begins with the program, and the computer's own may be set.
    pub(super) fn is_away_for(&self, absence: Duration, clock: &dyn Clock) -> bool {
        let state = self.lock();
        let by_clock =
            |last: Timestamp| clock.now().since(last) >= i64::try_from(absence.as_millis()).unwrap_or(i64::MAX);
        state.received.is_some_and(|last| clock.monotonic().saturating_sub(last) >= absence)
            || state.status.last_received_at.is_some_and(by_clock)
    }

    /// Whether what is sent now would be taken, as far as was seen: so also while something else is wrong with the line.
    pub(super) fn takes_pushes(&self) -> bool {
        let state = self.lock();
        state.status.last_push_at.is_some()
            && state.push_error.is_none()
            && state.push_stopped.is_none()
            && state.watch_error.is_none()
    }

    /// Where the cluster says that a feed ends. One whose reader stands still before it is opened again.
    pub(super) fn saw_end(&self, lane: Lane, end: i64, clock: &dyn Clock) {
        let mut state = self.lock();
        let Some(feed) = state.status.feeds.iter().find(|feed| feed.lane == lane).cloned() else { return };
        // While it is mirrored anew it may be busy with what it has read.
        let position = if feed.remirroring { end } else { feed.position };
        if of(&mut state.standstills, lane).is_over(position, end, clock.monotonic()) {
            tracing::warn!(lane = lane.word(), position, end, "a feed stands still: it is opened again");
            *of(&mut state.doubted, lane) = true;
        }
    }

    /// Takes note of which sent change waits longest for central's word.
    pub(super) fn saw_outbox(&self, mirror: &Mirror, clock: &dyn Clock) {
        let Ok(oldest) = mirror.read(outbox::oldest_sent) else { return };
        let mut state = self.lock();
        let known = state.unacknowledged.filter(|(id, _)| Some(*id) == oldest);
        state.unacknowledged = known.or_else(|| oldest.map(|id| (id, clock.monotonic())));
        state.judge(clock);
    }

    /// Whether the last look at the cluster got no answer. One that answers with what it lacks can be read from.
    pub(super) fn is_unseen(&self) -> bool {
        let lacks =
            |error: &PortError| matches!(error, PortError::NotEnoughReplicas | PortError::TopicMissing { .. });
        self.lock().watch_error.as_ref().is_some_and(|error| !lacks(error))
    }

    /// After an absence nobody knows how far the feeds are behind until they are opened again.
    pub(super) fn doubt_feeds(&self) {
        let mut state = self.lock();
        state.doubted = [true, true];
        for feed in &mut state.status.feeds {
            (feed.end, feed.behind) = (None, None);
        }
    }

    /// Whether a feed is to be opened again.
    pub(super) fn take_doubt(&self, lane: Lane) -> bool {
        std::mem::take(of(&mut self.lock().doubted, lane))
    }

    pub(super) fn pushed(&self, outcome: &PushOutcome, mirror: &Mirror, clock: &dyn Clock) {
        self.count_unsent(mirror);
        let now = clock.now();
        let mut state = self.lock();
        state.push_error = None;
        state.push_stopped = None;
        state.last_success = clock.monotonic();
        state.status.last_push_at = Some(now);
        state.missed = 0;
        state.status.cluster.clone_from(&outcome.replicas);
        if let Some(id) = outcome.heartbeat {
            state.asked = Some(Asked { id, at: clock.monotonic() });
            state.unanswered.get_or_insert(Moment::now(clock));
        }
        state.judge(clock);
    }

    pub(super) fn push_failed(
        &self,
        outcome: &PushOutcome,
        probe: Option<Probe>,
        mirror: &Mirror,
        clock: &dyn Clock,
    ) {
        self.count_unsent(mirror);
        let waiting = self.unsent.load(Ordering::Relaxed) > 0;
        let mut state = self.lock();
        state.push_stopped = None;
        state.push_error.clone_from(&outcome.error);
        state.probe = probe;
        if outcome.replicas.is_some() {
            state.status.cluster.clone_from(&outcome.replicas);
        }
        if waiting {
            state.missed = state.intervals_since(state.last_success, clock);
        }
        state.judge(clock);
    }

    /// The database stopped a push.
    pub(super) fn push_stopped(&self, error: &MirrorError, clock: &dyn Clock) {
        let mut state = self.lock();
        state.push_stopped = Some(error.into());
        state.judge(clock);
    }

    fn count_unsent(&self, mirror: &Mirror) {
        if let Ok(unsent) = mirror.read(outbox::count_unsent) {
            self.unsent.store(unsent, Ordering::Relaxed);
        }
    }

    pub(super) fn read(&self, feed: FeedStatus, step: &FeedStep, clock: &dyn Clock) {
        let (now, lane) = (clock.now(), feed.lane);
        let mut state = self.lock();
        *of(&mut state.feed_errors, lane) = None;
        if step.read > 0 || step.worked || feed.behind == Some(0) {
            *of(&mut state.feeds_stopped, lane) = None;
        }
        state.set_feed(feed);
        if step.read > 0 {
            state.status.last_received_at = Some(now);
            state.received = Some(clock.monotonic());
        }
        if step.heartbeat || (step.read > 0 && lane == Lane::Orders && state.unheard.is_some()) {
            state.unheard = Some(Moment::now(clock));
        }
        for ack in &step.applied.acks {
            state.is_known = true;
            state.unanswered = None;
            if let Some(due) = state.due_if_answered.take() {
                state.set_due(due, clock);
            }
            let answered = state.asked.take_if(|asked| ack.heartbeat == Some(asked.id));
            if let Some(asked) = answered {
                let round_trip = clock.monotonic().saturating_sub(asked.at);
                let half = i64::try_from(round_trip.as_millis() / 2).unwrap_or(0);
                state.status.clock_offset_ms = Some(ack.central_time.plus_millis(half).since(now));
            }
        }
        state.judge(clock);
    }

    pub(super) fn read_failed(&self, feed: FeedStatus, error: SyncError, probe: Option<Probe>) {
        let mut state = self.lock();
        let lane = feed.lane;
        state.set_feed(feed);
        match error {
            SyncError::Port(error) => *of(&mut state.feed_errors, lane) = Some(error),
            SyncError::Mirror(error) => *of(&mut state.feeds_stopped, lane) = Some((&error).into()),
        }
        state.probe = probe;
    }

    /// How long the cluster makes this desk wait just now.
    pub(super) fn waits(&self, throttled: Option<Duration>) {
        let millis = throttled.map(|wait| i64::try_from(wait.as_millis()).unwrap_or(i64::MAX));
        self.lock().status.throttled_ms = millis;
    }

    /// Metadata came: whether a write to this store's partition would count now.
    pub(super) fn watched(&self, view: &ClusterView, topic: &[String], mirror: &Mirror, clock: &dyn Clock) {
        let durability = mirror.read(store::load).ok().flatten().map_or(self.durability, |s| s.durability);
        let found = topic.first().and_then(|name| view.topic(name));
        let own = found.and_then(|topic| {
            let count = i32::try_from(topic.partitions.len()).unwrap_or(i32::MAX);
            let partition = partition_of(mirror.identity().store_id, count);
            topic.partitions.iter().find(|p| p.id == partition)
        });
        let mut state = self.lock();
        state.cluster_id = Some(view.cluster_id.clone());
        state.watch_error = match own {
            None => Some(PortError::TopicMissing { topic: topic.first().cloned().unwrap_or_default() }),
            Some(p) => {
                let needed = if durability == Durability::All { p.replicas } else { p.replicas / 2 + 1 };
                state.status.cluster =
                    Some(ReplicaStatus { brokers: view.brokers, replicas: p.replicas, in_sync: p.in_sync });
                (!p.has_leader || p.in_sync < needed).then_some(PortError::NotEnoughReplicas)
            }
        };
        if state.watch_error.is_none() && state.push_error == Some(PortError::NotEnoughReplicas) {
            state.push_error = None;
        }
        if state.forget_closed() {
            state.triggered = true;
            self.wake.notify_all();
        }
        state.judge(clock);
    }

    pub(super) fn watch_failed(&self, error: PortError, probe: Option<Probe>) {
        let mut state = self.lock();
        state.watch_error = Some(error);
        state.probe = probe;
    }

    /// Those that lead were asked, and answered or did not.
    pub(super) fn proven(&self, error: Option<PortError>, probe: Option<Probe>, clock: &dyn Clock) {
        let mut state = self.lock();
        state.proof_error = error;
        state.probe = probe.or(state.probe);
        state.judge(clock);
    }

    /// The status, if it is another one than was told last.
    pub(super) fn changed_status(&self, clock: &dyn Clock) -> Option<SyncStatus> {
        let mut state = self.lock();
        state.judge(clock);
        if state.told.as_ref() == Some(&state.status) {
            return None;
        }
        state.told = Some(state.status.clone());
        state.told.clone()
    }
}

impl State {
    /// Whole intervals between pushes since then.
    fn intervals_since(&self, then: Duration, clock: &dyn Clock) -> u128 {
        clock.monotonic().saturating_sub(then).as_millis() / self.interval.as_millis().max(1)
    }

    fn set_due(&mut self, due: Duration, clock: &dyn Clock) {
        self.due = due;
        let left = due.saturating_sub(clock.monotonic());
        let millis = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        self.status.next_push_at = Some(clock.now().plus_millis(millis));
    }

    fn set_feed(&mut self, feed: FeedStatus) {
        if let Some(own) = self.status.feeds.iter_mut().find(|own| own.lane == feed.lane) {
            *own = feed;
        }
        self.status.catching_up = self.status.feeds.iter().any(|feed| feed.behind.is_some_and(|b| b > 0));
    }

    /// The line is open: what was told of it while it was closed on this computer is over. True when a push was
    /// stopped by that, which need not wait any longer.
    fn forget_closed(&mut self) -> bool {
        let is_closed = |error: &mut PortError| matches!(error, PortError::Closed { .. });
        for error in &mut self.feed_errors {
            error.take_if(is_closed);
        }
        self.push_error.take_if(is_closed).is_some()
    }

    /// Tells the line anew from all that was seen.
    fn judge(&mut self, clock: &dyn Clock) {
        let unanswered = self.unacknowledged.map_or(0, |(_, since)| self.intervals_since(since, clock));
        self.status.missed_pushes = u32::try_from(self.missed.max(unanswered)).unwrap_or(u32::MAX);
        let errors = [&self.watch_error, &self.push_error, &self.proof_error].into_iter().chain(&self.feed_errors);
        let error = errors.flatten().next().cloned();
        if error.is_some() {
            // While nothing can come nothing is waited for: that begins once the line is there again.
            self.unheard = self.unheard.map(|_| Moment::now(clock));
        }
        let seen = Evidence {
            database: std::iter::once(&self.push_stopped).chain(&self.feeds_stopped).flatten().next().cloned(),
            error,
            probe: self.probe,
            replicas: self.status.cluster.as_ref().map(|c| (c.in_sync, c.replicas)),
            unanswered: self.unanswered.map(|since| since.lasting(clock)),
            unheard: self.unheard.map(|since| since.lasting(clock)),
            is_known: self.is_known,
        };
        let (state, cause) = diagnose(&seen);
        let link = &mut self.status.link;
        if link.state != state {
            link.since = Some(clock.now());
        }
        link.state = state;
        link.cause = cause;
    }
}

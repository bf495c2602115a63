//! The running sync: a thread that pushes, one for each feed, one that watches the line. They share a state and stop
//! together.

mod state;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use aisle_contract::Transport;
use aisle_domain::Lane;
use aisle_mirror::Mirror;

use self::state::Shared;
use crate::{
    SyncError,
    backoff::{Backoff, jittered},
    clock::Clock,
    connectivity::{LinkState, probe},
    feed::FeedReader,
    push::Pusher,
    shared::{SyncEvent, SyncOptions, SyncStatus},
};

/// Each look at a feed, and each wait, is at most this long, so that stopping is quick.
const GLANCE: Duration = Duration::from_millis(250);
/// Between two looks at the line.
const WATCH: Duration = Duration::from_secs(3);
/// Without central's word a heartbeat goes this often.
const UNPROVEN: Duration = Duration::from_secs(15);
/// After this long without a feed it is read before anything is pushed.
const ABSENCE_MS: i64 = 120_000;
/// But not for longer than this.
const ABSENCE_READ: Duration = Duration::from_secs(30);

/// How long a quit waits for threads that are about to end, and how often it looks.
const PARTING: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(20);

type Sink = Arc<dyn Fn(SyncEvent) + Send + Sync>;

/// The running sync of one desk.
pub struct SyncEngine {
    mirror: Mirror,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

#[derive(Clone)]
struct Context {
    mirror: Mirror,
    transport: Arc<dyn Transport>,
    options: SyncOptions,
    clock: Arc<dyn Clock>,
    shared: Arc<Shared>,
    sink: Sink,
}

impl SyncEngine {
    /// Starts to push, to read and to watch. `sink` is called from these threads, after commits.
    pub fn start(
        mirror: Mirror,
        transport: Arc<dyn Transport>,
        options: SyncOptions,
        clock: Arc<dyn Clock>,
        sink: Sink,
    ) -> Self {
        let shared = Arc::new(Shared::new(&mirror, &options, clock.as_ref()));
        let own = mirror.clone();
        let context = Context { mirror, transport, options, clock, shared: Arc::clone(&shared), sink };
        let mut threads = Vec::new();
        let mut spawn = |name: &str, run: fn(&Context)| {
            let own = context.clone();
            match std::thread::Builder::new().name(name.into()).spawn(move || run(&own)) {
                Ok(thread) => threads.push(thread),
                Err(error) => tracing::error!(%error, name, "a part of the sync could not be started"),
            }
        };
        spawn("push", push_loop);
        spawn("feed-orders", |context| feed_loop(context, Lane::Orders));
        spawn("feed-catalog", |context| feed_loop(context, Lane::Catalog));
        spawn("watch", watch_loop);
        Self { mirror: own, shared, threads: Mutex::new(threads) }
    }

    /// Pushes now.
    pub fn push_now(&self) {
        self.shared.trigger();
    }

    /// A decision may be numbered: it leaves at once if the line is up and the setting says so.
    pub fn decided(&self) {
        if self.shared.at_once.load(Ordering::Relaxed) && self.shared.status().link.state == LinkState::Up {
            self.shared.trigger();
        }
    }

    /// Sets the time between pushes.
    pub fn set_push_interval(&self, interval: Duration) {
        self.shared.set_interval(interval);
    }

    /// Sets whether decisions leave at once.
    pub fn set_push_decisions_at_once(&self, yes: bool) {
        self.shared.at_once.store(yes, Ordering::Relaxed);
    }

    /// Where the sync is.
    pub fn status(&self) -> SyncStatus {
        self.shared.status()
    }

    /// Pushes for at most `limit`, then stops. Answers how many changes the cluster does not have. A thread that still
    /// waits for the network then is left to end by itself.
    pub fn quit(&self, limit: Duration) -> usize {
        self.shared.push_and_wait(limit);
        self.shared.stop();
        let mut threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        let mut left = PARTING;
        while threads.iter().any(|thread| !thread.is_finished()) && !left.is_zero() {
            std::thread::sleep(STEP);
            left = left.saturating_sub(STEP);
        }
        threads.retain(|thread| !thread.is_finished());
        if !threads.is_empty() {
            tracing::debug!(threads = threads.len(), "parts of the sync still wait for the network");
        }
        // Only now: a push that took longer than its time may have been the one that counted last.
        self.shared.unsent_of(&self.mirror)
    }

    /// Stops all threads. What is on its way is sent again at the next start where that is needed.
    pub fn stop(&self) {
        self.shared.stop();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // The last owner of a desk may be one of these threads itself.
            if thread.thread().id() != std::thread::current().id() && thread.join().is_err() {
                tracing::error!("a part of the sync ended by a fault");
            }
        }
    }
}

impl Drop for SyncEngine {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Context {
    fn tell(&self, event: SyncEvent) {
        (self.sink)(event);
    }

    fn tell_status(&self) {
        if let Some(status) = self.shared.changed_status(self.clock.as_ref()) {
            self.tell(SyncEvent::Status(status));
        }
    }

    fn probe(&self) -> Option<crate::connectivity::Probe> {
        probe(&self.transport.addresses(), Duration::from_secs(2))
    }
}

fn push_loop(context: &Context) {
    let mut pusher = Pusher::new(context.mirror.clone(), context.options.clone());
    let mut backoff = Backoff::default();
    let shared = &context.shared;
    // Soon after the start, so that a silent centre is known early.
    shared.schedule(Duration::ZERO, context.clock.as_ref());
    while shared.wait_for_push(context.clock.as_ref()) {
        read_first(context);
        shared.pushing(true);
        context.tell_status();
        let result = pusher.push(context.transport.as_ref(), context.clock.now());
        let retry = match result {
            Ok(outcome) if outcome.error.is_none() => {
                backoff.succeeded();
                if outcome.sent > 0 {
                    context.tell(SyncEvent::Outbox);
                }
                shared.pushed(&outcome, &context.mirror, context.clock.as_ref());
                None
            }
            Ok(outcome) => {
                let probe = context.probe();
                shared.push_failed(&outcome, probe, &context.mirror, context.clock.as_ref());
                Some(backoff.failed(rand::random()))
            }
            Err(error) => {
                tracing::error!(%error, "the database stopped a push; it is tried again");
                Some(backoff.failed(rand::random()))
            }
        };
        // Whoever waits for this push reads what it left: told only now that it is counted.
        shared.pushing(false);
        if let Some(wait) = retry {
            shared.schedule(wait, context.clock.as_ref());
        } else {
            let interval = jittered(shared.interval(), rand::random());
            shared.schedule_after(interval, UNPROVEN, context.clock.as_ref());
        }
        context.tell_status();
    }
}

/// After an absence the feed is read before anything is pushed: what became stale meanwhile is told first.
fn read_first(context: &Context) {
    let Some(last) = context.shared.status().last_received_at else { return };
    if context.clock.now().since(last) < ABSENCE_MS || !context.shared.feeds_pending() {
        return;
    }
    let start = context.clock.monotonic();
    while context.shared.feeds_pending()
        && !context.shared.is_stopped()
        && context.clock.monotonic().saturating_sub(start) < ABSENCE_READ
    {
        std::thread::sleep(GLANCE);
    }
}

fn feed_loop(context: &Context, lane: Lane) {
    let mut reader = FeedReader::new(context.mirror.clone(), &context.options, lane);
    let mut backoff = Backoff::default();
    while !context.shared.is_stopped() {
        match reader.step(context.transport.as_ref(), GLANCE, || context.clock.now()) {
            Ok(step) => {
                backoff.succeeded();
                context.shared.read(reader.status(), &step, context.clock.as_ref());
                if step.read > 0 {
                    context.tell(SyncEvent::Feed(step.applied));
                    context.tell_status();
                }
            }
            Err(error) => {
                if let SyncError::Mirror(error) = &error {
                    tracing::error!(%error, lane = reader.lane().word(), "the database stopped a feed");
                }
                context.shared.read_failed(reader.status(), error, context.probe());
                context.tell_status();
                context.shared.sleep(backoff.failed(rand::random()));
            }
        }
    }
}

/// Looks at the cluster between pushes: a machine that is down shows before the next push would.
fn watch_loop(context: &Context) {
    let topic = [context.options.names.changes()];
    while !context.shared.is_stopped() {
        let was_up = context.shared.status().link.state == LinkState::Up;
        match context.transport.metadata(&topic, Duration::from_secs(4)) {
            Ok(view) => context.shared.watched(&view, &topic, &context.mirror, context.clock.as_ref()),
            Err(error) => {
                let probe = context.probe();
                context.shared.watch_failed(error, probe);
            }
        }
        context.shared.waits(context.transport.throttled());
        context.tell_status();
        let is_up = context.shared.status().link.state == LinkState::Up;
        if is_up && !was_up {
            context.shared.trigger();
        }
        context.shared.sleep(WATCH);
    }
}

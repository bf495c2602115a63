//! The running sync: a thread that pushes, one for each feed, one that watches the line. They share a state and stop
//! together.

mod duties;
mod state;
mod stepped;

pub use stepped::SteppedSync;

use std::{
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    thread::JoinHandle,
    time::Duration,
};

use aisle_contract::Transport;
use aisle_domain::Lane;
use aisle_mirror::Mirror;

use self::{
    duties::{FeedDuty, PushDuty, WatchDuty},
    state::Shared,
};
use crate::{
    beside,
    clock::Clock,
    connectivity::probe,
    shared::{SyncEvent, SyncOptions, SyncStatus},
};

/// Each look at a feed, and each wait, is at most this long, so that stopping is quick.
const GLANCE: Duration = Duration::from_millis(250);
/// Between two looks at the line.
const WATCH: Duration = Duration::from_secs(3);
/// And how often meanwhile it is seen whether programs beside this one know what is known here.
const LOOKS_BESIDE: u32 = 6;

/// How long a quit waits for threads that are about to end, and how often it looks.
const PARTING: Duration = Duration::from_millis(500);
const STEP: Duration = Duration::from_millis(20);

type Sink = Arc<dyn Fn(SyncEvent) + Send + Sync>;

/// The running sync of one desk.
pub struct SyncEngine {
    mirror: Mirror,
    transport: Arc<dyn Transport>,
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
        let context = Context::new(mirror, transport, options, clock, sink);
        let (own, shared) = (context.mirror.clone(), Arc::clone(&context.shared));
        let line = Arc::clone(&context.transport);
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
        Self { mirror: own, transport: line, shared, threads: Mutex::new(threads) }
    }

    /// Pushes now, and opens a line for it that is closed on this computer, if it can be opened.
    pub fn push_now(&self) {
        self.transport.retry_now();
        self.shared.trigger();
    }

    /// A decision may be numbered: it leaves at once if the setting says so and the cluster takes what is sent, whatever
    /// else is wrong with the line.
    pub fn decided(&self) {
        if self.shared.at_once.load(Ordering::Relaxed) && self.shared.takes_pushes() {
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
    fn new(
        mirror: Mirror,
        transport: Arc<dyn Transport>,
        options: SyncOptions,
        clock: Arc<dyn Clock>,
        sink: Sink,
    ) -> Self {
        let shared = Arc::new(Shared::new(&mirror, &options, clock.as_ref()));
        Self { mirror, transport, options, clock, shared, sink }
    }

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
    let mut duty = PushDuty::new(context);
    while context.shared.wait_for_push(context.clock.as_ref()) {
        while duty.reads_first(context) && !context.shared.is_stopped() {
            std::thread::sleep(GLANCE);
        }
        duty.push(context);
    }
}

fn feed_loop(context: &Context, lane: Lane) {
    let mut duty = FeedDuty::new(context, lane);
    while !context.shared.is_stopped() {
        if let Some(pause) = duty.read(context, GLANCE) {
            context.shared.sleep(pause);
        }
    }
}

fn watch_loop(context: &Context) {
    let mut duty = WatchDuty::default();
    let dir = context.mirror.dir();
    while !context.shared.is_stopped() {
        duty.look(context);
        let mut left = None;
        // What fell silent between two looks is told beside this program as soon as it is here.
        for _ in 0..LOOKS_BESIDE {
            let status = context.shared.status();
            if left.as_ref() != Some(&status.link) {
                left = Some(status.link.clone());
                beside::leave(dir, status, context.clock.now());
            }
            context.shared.sleep(WATCH / LOOKS_BESIDE);
        }
    }
    beside::take_away(dir);
}

//! The five seconds in which a decision can be taken back. The change is durable from the first moment; only its
//! number waits. Deadlines are monotonic: a clock that jumps neither shortens nor prolongs them.

use std::{
    collections::BTreeMap,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use aisle_domain::{ChangeId, OrderId};
use aisle_sync::Clock;

/// How long a decision is held.
pub(crate) const HOLD: Duration = Duration::from_secs(5);

#[derive(Debug, Clone, Copy)]
struct Held {
    order: Option<OrderId>,
    until: Duration,
}

#[derive(Default)]
struct State {
    held: BTreeMap<ChangeId, Held>,
    stopped: bool,
}

/// The held changes of this run of the desk and the thread that releases them.
pub(crate) struct Holds {
    shared: Arc<(Mutex<State>, Condvar)>,
    clock: Arc<dyn Clock>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Holds {
    /// Starts the thread; `release` is called with each change whose time is over.
    pub(crate) fn start(
        clock: Arc<dyn Clock>,
        release: impl Fn(ChangeId) + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new((Mutex::new(State::default()), Condvar::new()));
        let (own, its_clock) = (Arc::clone(&shared), Arc::clone(&clock));
        let thread = std::thread::Builder::new()
            .name("holds".into())
            .spawn(move || run(&own, its_clock.as_ref(), &release))?;
        Ok(Self { shared, clock, thread: Mutex::new(Some(thread)) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds a change and answers those of other orders, which it releases.
    pub(crate) fn hold(&self, change: ChangeId, order: Option<OrderId>) -> Vec<ChangeId> {
        let until = self.clock.monotonic() + HOLD;
        let mut state = self.state();
        let others: Vec<_> = state.held.iter().filter(|(_, h)| h.order != order).map(|(id, _)| *id).collect();
        for id in &others {
            state.held.remove(id);
        }
        state.held.insert(change, Held { order, until });
        self.shared.1.notify_all();
        others
    }

    /// No longer held: withdrawn or released by hand.
    pub(crate) fn forget(&self, change: ChangeId) {
        self.state().held.remove(&change);
    }

    /// How long a change is still held.
    pub(crate) fn remaining(&self, change: ChangeId) -> Option<Duration> {
        let until = self.state().held.get(&change)?.until;
        Some(until.saturating_sub(self.clock.monotonic()))
    }

    /// Ends the thread; nothing is held any more.
    pub(crate) fn stop(&self) {
        {
            let mut state = self.state();
            state.stopped = true;
            state.held.clear();
        }
        self.shared.1.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The last owner may be the thread itself, dropping the desk from within a release.
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            drop(thread.join());
        }
    }
}

impl Drop for Holds {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(shared: &(Mutex<State>, Condvar), clock: &dyn Clock, release: &dyn Fn(ChangeId)) {
    let (mutex, wake) = shared;
    let mut state = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.stopped {
        let now = clock.monotonic();
        let due: Vec<_> = state.held.iter().filter(|(_, h)| h.until <= now).map(|(id, _)| *id).collect();
        if !due.is_empty() {
            for id in &due {
                state.held.remove(id);
            }
            drop(state);
            due.into_iter().for_each(release);
            state = mutex.lock().unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        let next = state.held.values().map(|h| h.until.saturating_sub(now)).min();
        // A clock in the hands of a test moves without waking anybody, so no wait is long.
        let wait = next.unwrap_or(Duration::from_secs(1)).min(Duration::from_millis(200));
        state = wake.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
    }
}

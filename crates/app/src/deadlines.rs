//! Looking at deadlines once a second, on a thread of the program: a hidden page is slowed down.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

const EVERY: Duration = Duration::from_secs(1);

/// The thread that looks, while the desk is open.
pub(crate) struct Deadlines {
    stopped: Arc<(Mutex<bool>, Condvar)>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Deadlines {
    /// Starts it.
    pub(crate) fn start(look: impl Fn() + Send + 'static) -> std::io::Result<Self> {
        let stopped = Arc::new((Mutex::new(false), Condvar::new()));
        let own = Arc::clone(&stopped);
        let thread = std::thread::Builder::new().name("deadlines".into()).spawn(move || {
            while !is_stopped_within(&own, EVERY) {
                look();
            }
        })?;
        Ok(Self { stopped, thread: Mutex::new(Some(thread)) })
    }

    /// Ends it.
    pub(crate) fn stop(&self) {
        *self.stopped.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.stopped.1.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // The last owner may be the thread itself, dropping the desk from within a look.
        if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
            drop(thread.join());
        }
    }
}

impl Drop for Deadlines {
    fn drop(&mut self) {
        self.stop();
    }
}

fn is_stopped_within(stopped: &(Mutex<bool>, Condvar), time: Duration) -> bool {
    let (mutex, wake) = stopped;
    let stopped = mutex.lock().unwrap_or_else(PoisonError::into_inner);
    let waited = wake.wait_timeout_while(stopped, time, |stopped| !*stopped);
    *waited.unwrap_or_else(PoisonError::into_inner).0
}

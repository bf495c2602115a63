//! A line that could not be opened on this computer. Everything that is asked of it is answered with the reason, and
//! opening it is tried again now and then: a keychain is unlocked, a file is put back, and nobody has to start again.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aisle_app::RpcError;
use aisle_contract::{Bounds, ClusterView, Membership, PortError, Reader, Sender, Start, Transport};
use aisle_sync::{Clock, SigningKey};

use crate::launcher::Line;

/// From the first attempt to the second; each later wait is twice as long, up to the longest.
const FIRST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_mins(5);

type Open = Box<dyn Fn() -> Result<Line, RpcError> + Send + Sync>;

/// Closed, or open from some attempt on.
pub(crate) struct Reopening {
    open: Open,
    clock: Arc<dyn Clock>,
    /// Learned with the line: an enrolled desk's key is where its password is.
    key: SigningKey,
    state: Mutex<State>,
}

struct State {
    line: Option<Arc<dyn Transport>>,
    why: PortError,
    /// Between the last attempt and the next.
    wait: Duration,
    due: Duration,
    /// Somebody tries just now.
    trying: bool,
}

fn closed(error: &RpcError) -> PortError {
    PortError::Closed { why: error.message.clone(), hint: error.hint.clone() }
}

impl Reopening {
    /// Closed for this reason; `open` tries again.
    pub(crate) fn new(
        why: &RpcError,
        open: impl Fn() -> Result<Line, RpcError> + Send + Sync + 'static,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let due = clock.monotonic() + FIRST;
        let state = State { line: None, why: closed(why), wait: FIRST, due, trying: false };
        Self { open: Box::new(open), clock, key: SigningKey::default(), state: Mutex::new(state) }
    }

    /// What is signed with, once the line is open.
    pub(crate) fn key(&self) -> SigningKey {
        self.key.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The open line. Opened by whoever asks first once that is due; the others are not held up by it.
    fn line(&self) -> Result<Arc<dyn Transport>, PortError> {
        let mut state = self.lock();
        if let Some(line) = &state.line {
            return Ok(Arc::clone(line));
        }
        if state.trying || self.clock.monotonic() < state.due {
            return Err(state.why.clone());
        }
        state.trying = true;
        drop(state);
        let opened = (self.open)();
        let mut state = self.lock();
        state.trying = false;
        match opened {
            Ok(line) => {
                // Before anything can be sent: without it an enrolled desk sends nothing.
                if let Some(key) = line.key.as_ref().and_then(SigningKey::get) {
                    self.key.learn(key.clone());
                }
                state.line = Some(Arc::clone(&line.transport));
                Ok(line.transport)
            }
            Err(error) => {
                state.wait = (state.wait * 2).min(LONGEST);
                state.due = self.clock.monotonic() + state.wait;
                state.why = closed(&error);
                Err(state.why.clone())
            }
        }
    }
}

impl Transport for Reopening {
    fn addresses(&self) -> Vec<String> {
        self.lock().line.as_ref().map(|line| line.addresses()).unwrap_or_default()
    }

    fn throttled(&self) -> Option<Duration> {
        self.lock().line.as_ref().and_then(|line| line.throttled())
    }

    fn retry_now(&self) {
        self.lock().due = Duration::ZERO;
    }

    fn metadata(&self, topics: &[String], timeout: Duration) -> Result<ClusterView, PortError> {
        self.line()?.metadata(topics, timeout)
    }

    fn bounds(&self, topic: &str, partition: i32, timeout: Duration) -> Result<Bounds, PortError> {
        self.line()?.bounds(topic, partition, timeout)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        self.line()?.sender()
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        self.line()?.reader(topic, partition, start)
    }

    fn join(&self, group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError> {
        self.line()?.join(group, topic)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

    use aisle_bus::Bus;
    use aisle_contract::StoreKey;
    use aisle_domain::Timestamp;

    use super::*;
    use crate::error;

    /// A clock that a test moves.
    #[derive(Default)]
    struct Hands(AtomicU64);

    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            Timestamp::from_millis(0)
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.load(Ordering::Relaxed))
        }
    }

    struct Door {
        hands: Arc<Hands>,
        is_unlocked: Arc<AtomicBool>,
        attempts: Arc<AtomicUsize>,
        line: Reopening,
    }

    /// A line that opens as soon as it is unlocked, and counts how often that is tried.
    fn locked() -> Door {
        let (hands, is_unlocked) = (Arc::new(Hands::default()), Arc::new(AtomicBool::new(false)));
        let attempts = Arc::new(AtomicUsize::new(0));
        let (unlocked, tried) = (Arc::clone(&is_unlocked), Arc::clone(&attempts));
        let why = || error("secrets_unavailable", "it is locked", Some("unlock it"));
        let open = move || {
            tried.fetch_add(1, Ordering::Relaxed);
            if !unlocked.load(Ordering::Relaxed) {
                return Err(why());
            }
            let key = StoreKey::new("k1", [1; 32]).unwrap();
            Ok(Line {
                transport: Arc::new(Bus::new("bus-1", || Timestamp::from_millis(0))),
                key: Some(key.into()),
            })
        };
        let clock = Arc::clone(&hands);
        Door { hands, is_unlocked, attempts, line: Reopening::new(&why(), open, clock) }
    }

    impl Door {
        fn ask(&self) -> Result<ClusterView, PortError> {
            self.line.metadata(&[], Duration::ZERO)
        }

        fn attempts(&self) -> usize {
            self.attempts.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn what_is_asked_of_a_closed_line_is_answered_with_the_reason_and_what_to_do() {
        let door = locked();
        let closed = PortError::Closed { why: "it is locked".into(), hint: Some("unlock it".into()) };
        assert_eq!(door.ask(), Err(closed));
        assert_eq!(door.attempts(), 0, "it was tried a moment ago");
        assert!(door.line.key().get().is_none());
    }

    #[test]
    fn opening_it_is_tried_again_now_and_then_and_more_and_more_rarely() {
        let door = locked();
        let mut tried_at = Vec::new();
        for second in 0..2_000 {
            door.hands.0.store(second, Ordering::Relaxed);
            let before = door.attempts();
            assert!(door.ask().is_err());
            if door.attempts() > before {
                tried_at.push(second);
            }
        }
        assert_eq!(tried_at, [15, 45, 105, 225, 465, 765, 1065, 1365, 1665, 1965]);
        door.is_unlocked.store(true, Ordering::Relaxed);
        door.hands.0.store(2_265, Ordering::Relaxed);
        assert!(door.ask().is_ok());
        assert_eq!(door.line.key().get().unwrap().id(), "k1", "what is sent can be signed");
    }

    #[test]
    fn it_opens_with_the_next_question_when_somebody_asks_for_it() {
        let door = locked();
        let key = door.line.key();
        door.is_unlocked.store(true, Ordering::Relaxed);
        assert!(door.ask().is_err(), "nothing is tried before it is due");
        door.line.retry_now();
        assert!(door.ask().is_ok() && door.ask().is_ok());
        assert_eq!(door.attempts(), 1, "an open line stays open");
        assert!(key.get().is_some(), "whoever took the key before has it now");
    }
}

//! Syncing once, for the command line: until the goal is reached or the time is over.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aisle_contract::{PortError, Transport};
use aisle_domain::Lane;
use aisle_mirror::{Mirror, MirrorError, anew, feed, outbox};

use crate::{
    SyncError,
    clock::Clock,
    feed::FeedReader,
    limited::Limited,
    push::Pusher,
    shared::{SyncEvent, SyncOptions},
};

/// Each look at a feed waits this long at most, so that an interrupt is seen.
const GLANCE: Duration = Duration::from_millis(50);
/// Between attempts while something is wrong.
const PAUSE: Duration = Duration::from_millis(500);
/// A numbered change that central has not answered is looked at again this often.
const AGAIN: Duration = Duration::from_secs(2);
/// A batch has this long at most.
const SENDING: Duration = Duration::from_secs(20);

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Every change that was there at the start has central's word.
    Drained,
    /// The feeds are read to the end that they had at the start.
    CaughtUp,
    /// First drained, then caught up.
    Both,
}

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncSummary {
    /// Records that were read.
    pub received: u64,
    /// Records that were applied.
    pub applied: u64,
    /// Records that could not be applied.
    pub parked: u64,
    /// Changes that the cluster took.
    pub sent: u64,
    /// Changes that central acknowledged.
    pub acked: u64,
    /// Changes that central refused.
    pub refused: u64,
    /// Changes of the start without central's word.
    pub left: u64,
    /// Records still to read.
    pub behind: i64,
    /// How long it took.
    pub duration_ms: u64,
    /// Whether the goal was reached.
    pub reached: bool,
    /// What stood in the way last.
    pub error: Option<PortError>,
}

struct Run<'a> {
    mirror: &'a Mirror,
    transport: &'a Limited<'a>,
    clock: &'a dyn Clock,
    pusher: Pusher,
    feeds: Vec<FeedReader>,
    summary: SyncSummary,
    /// The newest change of the start.
    awaited_to: i64,
    pushed_at: Option<Duration>,
    /// What stopped the last push: says more than a feed that cannot be read meanwhile.
    push_error: Option<PortError>,
}

/// Syncs until the goal is reached, `timeout` is over or `stop` is set.
///
/// # Errors
/// Only the database's; what the cluster says is in the summary.
#[allow(clippy::too_many_arguments, reason = "each is a different thing that only the caller has")]
pub fn once(
    mirror: &Mirror,
    transport: &dyn Transport,
    options: &SyncOptions,
    goal: Goal,
    timeout: Duration,
    clock: &dyn Clock,
    stop: &AtomicBool,
    progress: &mut dyn FnMut(&SyncEvent),
) -> Result<SyncSummary, MirrorError> {
    let start = clock.monotonic();
    let awaited_to = mirror.read(outbox::last)?;
    let mut pusher = Pusher::new(mirror.clone(), options.clone());
    pusher.send_timeout = timeout.min(SENDING);
    let limited = Limited { inner: transport, clock, end: start.saturating_add(timeout) };
    let transport: &Limited<'_> = &limited;
    let mut run = Run {
        mirror,
        transport,
        clock,
        pusher,
        feeds: Lane::ALL.map(|lane| FeedReader::new(mirror.clone(), options, lane)).into(),
        summary: SyncSummary::default(),
        awaited_to,
        pushed_at: None,
        push_error: None,
    };
    let mut ends: Option<Vec<i64>> = None;
    while !stop.load(Ordering::Relaxed) && clock.monotonic().saturating_sub(start) < timeout {
        run.turn(progress)?;
        let drained = goal == Goal::CaughtUp || (run.left()? == 0 && !run.must_ask()?);
        if !drained {
            continue;
        }
        // A feed that was read may have shown that central has another history, which is to be asked.
        if goal == Goal::Drained
            || (run.is_caught_up(&mut ends)
                && (goal == Goal::CaughtUp || (run.left()? == 0 && !run.must_ask()?)))
        {
            run.summary.reached = true;
            break;
        }
    }
    run.finish(start)
}

impl Run<'_> {
    /// One turn: push when something is ready or overdue, then look at both feeds.
    fn turn(&mut self, progress: &mut dyn FnMut(&SyncEvent)) -> Result<(), MirrorError> {
        let mut failed: Option<PortError> = None;
        let now = self.clock.monotonic();
        let due = self.pushed_at.is_none_or(|at| now.saturating_sub(at) >= AGAIN);
        let waits = self.left()? > 0 || self.must_ask()?;
        if due && waits {
            self.pushed_at = Some(now);
            self.pusher.send_timeout = self.transport.left(SENDING);
            let clock = self.clock;
            let outcome = self.pusher.push(self.transport, || clock.now())?;
            self.summary.sent += outcome.sent;
            self.push_error = outcome.error;
        } else if !waits {
            // What stopped an earlier push is over: everything of it has its outcome.
            self.push_error = None;
        }
        for feed in &mut self.feeds {
            let clock = self.clock;
            match feed.step(self.transport, GLANCE, || clock.now()) {
                Ok(step) => {
                    self.summary.received += u64::try_from(step.read).unwrap_or(0);
                    self.summary.applied += u64::try_from(step.applied.applied).unwrap_or(0);
                    self.summary.parked += u64::try_from(step.applied.parked).unwrap_or(0);
                    self.summary.acked += u64::try_from(step.applied.received).unwrap_or(0);
                    self.summary.refused += u64::try_from(step.applied.refused.len()).unwrap_or(0);
                    if step.read > 0 || step.worked {
                        progress(&SyncEvent::Feed(step.applied));
                    }
                }
                Err(SyncError::Port(error)) => failed = failed.or(Some(error)),
                Err(SyncError::Mirror(error)) => return Err(error),
            }
        }
        if failed.is_some() || self.push_error.is_some() {
            std::thread::sleep(PAUSE);
        }
        self.summary.error = self.push_error.clone().or(failed);
        Ok(())
    }

    /// Changes of the start that still have no word from central.
    fn left(&self) -> Result<u64, MirrorError> {
        let to = self.awaited_to;
        self.mirror.read(|conn| outbox::count_open(conn, to))
    }

    /// Whether central is to be asked what it knows of this desk, or numbers are to be given anew.
    fn must_ask(&self) -> Result<bool, MirrorError> {
        self.mirror.read(|conn| Ok(feed::is_unsettled(conn)? || anew::wanted(conn)?.is_some()))
    }

    /// Whether both feeds are read to the end that they had when this was first asked.
    fn is_caught_up(&mut self, ends: &mut Option<Vec<i64>>) -> bool {
        if ends.is_none() {
            let transport = self.transport;
            let found: Result<Vec<i64>, PortError> =
                self.feeds.iter_mut().map(|feed| feed.find_end(transport)).collect();
            match found {
                Ok(found) => *ends = Some(found),
                Err(error) => {
                    self.summary.error = Some(error);
                    return false;
                }
            }
        }
        let reached = ends.as_ref().is_some_and(|ends| {
            self.feeds.iter().zip(ends).all(|(feed, end)| feed.position() >= *end && !feed.is_busy())
        });
        reached && self.summary.error.is_none()
    }

    fn finish(mut self, start: Duration) -> Result<SyncSummary, MirrorError> {
        self.summary.left = self.left()?;
        self.summary.behind = self.feeds.iter().filter_map(|feed| feed.status().behind).sum();
        let took = self.clock.monotonic().saturating_sub(start);
        self.summary.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        Ok(self.summary)
    }
}

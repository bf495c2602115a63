//! What the sync does, one turn a call: push, read a feed, look at the line. Threads repeat it, and so does a simulation.

use std::time::Duration;

use aisle_contract::{ClusterView, PortError, partition_of};
use aisle_domain::Lane;

use super::{Context, WATCH};
use crate::{
    SyncError,
    backoff::{Backoff, jittered},
    connectivity::LinkState,
    feed::FeedReader,
    push::Pusher,
    shared::SyncEvent,
};

/// Without central's word a heartbeat goes this often.
const UNPROVEN: Duration = Duration::from_secs(15);
/// After this long without a feed it is read before anything is pushed.
const ABSENCE: Duration = Duration::from_mins(2);
/// But not for longer than this.
const ABSENCE_READ: Duration = Duration::from_secs(30);
/// Between two tries to open a feed: when the line is back, what comes down is read before that time is over.
const FEED_PAUSE: Duration = Duration::from_secs(10);
/// Between two times that those that lead are asked, and how long each may take.
const PROVE: Duration = Duration::from_secs(12);
const PROOF: Duration = Duration::from_secs(3);

/// Pushing, and when it is next due.
pub(super) struct PushDuty {
    pusher: Pusher,
    backoff: Backoff,
    /// Since when the feeds are read first.
    reading_since: Option<Duration>,
}

impl PushDuty {
    pub(super) fn new(context: &Context) -> Self {
        // Soon after the start, so that a silent centre is known early.
        context.shared.schedule(Duration::ZERO, context.clock.as_ref());
        let pusher = Pusher::new(context.mirror.clone(), context.options.clone());
        Self { pusher, backoff: Backoff::default(), reading_since: None }
    }

    /// After an absence the feed is read before anything is pushed: what became stale meanwhile is told first. True
    /// while a push that is due waits for that.
    pub(super) fn reads_first(&mut self, context: &Context) -> bool {
        let now = context.clock.monotonic();
        let since = match self.reading_since {
            Some(since) => since,
            None if context.shared.is_away_for(ABSENCE, context.clock.as_ref()) => {
                // What was known of their ends is from before.
                context.shared.doubt_feeds();
                now
            }
            None => return false,
        };
        // While there is no line nothing can be read, nor pushed: the push tells why, and reading begins with the line.
        let is_cut = context.shared.is_unseen() && !is_seen(context);
        let reads = !is_cut && context.shared.feeds_pending() && now.saturating_sub(since) < ABSENCE_READ;
        self.reading_since = reads.then_some(since);
        reads
    }

    pub(super) fn push(&mut self, context: &Context) {
        let (shared, clock) = (&context.shared, context.clock.as_ref());
        let chance = &context.options.chance;
        shared.pushing(true);
        context.tell_status();
        let result = self.pusher.push(context.transport.as_ref(), || clock.now());
        let retry = match result {
            Ok(outcome) if outcome.error.is_none() => {
                self.backoff.succeeded();
                if outcome.sent > 0 {
                    context.tell(SyncEvent::Outbox);
                }
                shared.pushed(&outcome, &context.mirror, clock);
                None
            }
            Ok(outcome) => {
                let probe = context.probe();
                tracing::debug!(error = ?outcome.error, ?probe, "a push did not get through");
                shared.push_failed(&outcome, probe, &context.mirror, clock);
                Some(self.backoff.failed(chance.draw()))
            }
            Err(error) => {
                tracing::error!(%error, "the database stopped a push; it is tried again");
                shared.push_stopped(&error, clock);
                Some(self.backoff.failed(chance.draw()))
            }
        };
        // Whoever waits for this push reads what it left: told only now that it is counted.
        shared.pushing(false);
        if let Some(wait) = retry {
            shared.schedule(wait, clock);
        } else {
            shared.schedule_after(jittered(shared.interval(), chance.draw()), UNPROVEN, clock);
        }
        context.tell_status();
    }
}

/// Reading one feed.
pub(super) struct FeedDuty {
    reader: FeedReader,
    backoff: Backoff,
}

impl FeedDuty {
    pub(super) fn new(context: &Context, lane: Lane) -> Self {
        let reader = FeedReader::new(context.mirror.clone(), &context.options, lane);
        Self { reader, backoff: Backoff::default() }
    }

    /// One look, waiting for at most `wait`. Answers how long to pause where something failed.
    pub(super) fn read(&mut self, context: &Context, wait: Duration) -> Option<Duration> {
        if let Some(cluster) = context.shared.cluster_id() {
            self.reader.notice_cluster(&cluster);
        }
        if context.shared.take_doubt(self.reader.lane()) {
            self.reader.reopen();
        }
        match self.reader.step(context.transport.as_ref(), wait, || context.clock.now()) {
            Ok(step) => {
                self.backoff.succeeded();
                context.shared.read(self.reader.status(), &step, context.clock.as_ref());
                if step.applied.anew || step.applied.unsettled || step.applied.settled {
                    context.shared.trigger();
                }
                if step.read > 0 || step.worked {
                    context.tell(SyncEvent::Feed(step.applied));
                    context.tell_status();
                }
                None
            }
            Err(error) => {
                if let SyncError::Mirror(error) = &error {
                    tracing::error!(%error, lane = self.reader.lane().word(), "the database stopped a feed");
                }
                let probe = context.probe();
                tracing::debug!(%error, ?probe, lane = self.reader.lane().word(), "a feed was not read");
                let is_closed = matches!(error, SyncError::Port(PortError::Closed { .. }));
                context.shared.read_failed(self.reader.status(), error, probe);
                context.tell_status();
                // To ask a closed line costs nothing, and that it opens is to be seen soon.
                let pause = self.backoff.failed(context.options.chance.draw()).min(FEED_PAUSE);
                Some(if is_closed { WATCH } else { pause })
            }
        }
    }
}

/// Looking at the line between pushes.
#[derive(Default)]
pub(super) struct WatchDuty {
    /// When those that lead are asked next.
    proof_due: Duration,
    /// They did not answer last time, which a change of leaders explains once.
    doubted: bool,
}

impl WatchDuty {
    /// Looks at the cluster: a machine that is down shows before the next push would.
    pub(super) fn look(&mut self, context: &Context) {
        let topic = [context.options.names.changes()];
        let was_up = context.shared.status().link.state == LinkState::Up;
        match context.transport.metadata(&topic, Duration::from_secs(4)) {
            Ok(view) => {
                context.shared.watched(&view, &topic, &context.mirror, context.clock.as_ref());
                self.prove(context, &view);
            }
            Err(error) => {
                let probe = context.probe();
                tracing::debug!(%error, ?probe, "the cluster was not seen");
                context.shared.watch_failed(error, probe);
            }
        }
        context.shared.waits(context.transport.throttled());
        context.shared.saw_outbox(&context.mirror, context.clock.as_ref());
        context.tell_status();
        let is_up = context.shared.status().link.state == LinkState::Up;
        if is_up && !was_up {
            context.shared.trigger();
        }
    }

    /// Metadata may be what one machine remembers of a cluster that is gone, and a topic that is taken away is silent
    /// to whoever reads it. So those that lead this desk's partitions are asked themselves.
    fn prove(&mut self, context: &Context, view: &ClusterView) {
        let now = context.clock.monotonic();
        if now < self.proof_due {
            return;
        }
        let asked = own_partitions(context, view)
            .into_iter()
            .take_while(|_| !context.shared.is_stopped())
            .try_for_each(|(topic, partition, lane)| {
                let bounds = context.transport.bounds(&topic, partition, PROOF)?;
                if let Some(lane) = lane {
                    context.shared.saw_end(lane, bounds.high, context.clock.as_ref());
                }
                Ok(())
            });
        let is_silence = matches!(asked, Err(PortError::TimedOut(_) | PortError::Unreachable(_)));
        if asked.is_ok() {
            self.proof_due = now + PROVE;
        }
        if is_silence && !self.doubted {
            self.doubted = true;
            return;
        }
        self.doubted = is_silence;
        if let Err(error) = &asked {
            tracing::debug!(%error, "those that lead did not answer");
        }
        let probe = if is_silence { context.probe() } else { None };
        context.shared.proven(asked.err(), probe, context.clock.as_ref());
    }
}

/// Whether the cluster answers now: the next look at it would tell that only later.
fn is_seen(context: &Context) -> bool {
    let topic = [context.options.names.changes()];
    let seen = context.transport.metadata(&topic, Duration::from_secs(4));
    if let Ok(view) = &seen {
        context.shared.watched(view, &topic, &context.mirror, context.clock.as_ref());
    }
    seen.is_ok()
}

/// Where this desk writes and what it reads, that with its lane.
fn own_partitions(context: &Context, view: &ClusterView) -> Vec<(String, i32, Option<Lane>)> {
    let (names, store) = (&context.options.names, context.mirror.identity().store_id);
    let changes = names.changes();
    let count = view.topic(&changes).and_then(|topic| i32::try_from(topic.partitions.len()).ok());
    let written = count.filter(|count| *count > 0).map(|count| (changes, partition_of(store, count), None));
    written.into_iter().chain(Lane::ALL.map(|lane| (names.feed(store, lane), 0, Some(lane)))).collect()
}

//! The sync of one desk without threads, for simulations: every duty when it is due by the clock that was handed in.

use std::{sync::Arc, time::Duration};

use aisle_contract::Transport;
use aisle_domain::Lane;
use aisle_mirror::Mirror;

use super::{
    Context, WATCH,
    duties::{FeedDuty, PushDuty, WatchDuty},
};
use crate::{
    clock::Clock,
    shared::{SyncEvent, SyncOptions, SyncStatus},
};

/// The sync of one desk, moved on by calls. Dropped, it is a program that was killed.
pub struct SteppedSync {
    context: Context,
    push: PushDuty,
    /// Each feed, and when it is read next.
    feeds: [(FeedDuty, Duration); 2],
    watch: WatchDuty,
    watch_at: Duration,
}

impl SteppedSync {
    /// A program that has just started.
    pub fn new(
        mirror: Mirror,
        transport: Arc<dyn Transport>,
        options: SyncOptions,
        clock: Arc<dyn Clock>,
        sink: impl Fn(SyncEvent) + Send + Sync + 'static,
    ) -> Self {
        let context = Context::new(mirror, transport, options, clock, Arc::new(sink));
        let push = PushDuty::new(&context);
        let feeds = Lane::ALL.map(|lane| (FeedDuty::new(&context, lane), Duration::ZERO));
        Self { context, push, feeds, watch: WatchDuty::default(), watch_at: Duration::ZERO }
    }

    /// Does everything that is due now, each once.
    pub fn turn(&mut self) {
        let now = self.context.clock.monotonic();
        if now >= self.watch_at {
            self.watch_at = now + WATCH;
            self.watch.look(&self.context);
        }
        for (feed, due) in &mut self.feeds {
            if now >= *due {
                let pause = feed.read(&self.context, Duration::ZERO);
                *due = now + pause.unwrap_or_default();
            }
        }
        if self.context.shared.is_push_due(self.context.clock.as_ref()) && !self.push.reads_first(&self.context) {
            self.context.shared.take_trigger();
            self.push.push(&self.context);
        }
    }

    /// Pushes at the next turn.
    pub fn push_now(&self) {
        self.context.shared.trigger();
    }

    /// Where the sync is.
    pub fn status(&self) -> SyncStatus {
        self.context.shared.status()
    }
}

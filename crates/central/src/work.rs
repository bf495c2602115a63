//! The workers: who owns which partition, leases, idleness, and what has to be done once in a while.

mod event;
mod housekeeping;
mod stepped;
mod unheld;
mod worker;

pub use event::{WorkEvent, WorkEventKind};
pub use stepped::SteppedWork;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    thread::{Scope, ScopedJoinHandle},
    time::{Duration, Instant},
};

use aisle_contract::{Membership, Transport};
use serde::Serialize;

use crate::{Centre, backoff::Backoff, clock::Stop, error::CentralError, fault::Faults, ledger::Ledger};
use housekeeping::Housekeeping;
use unheld::Unheld;
use worker::{Slot, Worker};

/// The group of all workers.
pub const GROUP: &str = "aisle-central";

const TURN: Duration = Duration::from_millis(50);
/// Well below the time a lease holds: asking must not keep it from being renewed.
const ASK_WITHIN: Duration = Duration::from_millis(1_500);
const RENEW_EVERY: Duration = Duration::from_millis(1_500);
const IDLE_FOR: Duration = Duration::from_millis(300);

/// Who is told of what happens at work, from several threads.
pub type WorkListener = Arc<dyn Fn(&WorkEvent) + Send + Sync>;

/// Which partitions to work on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Partitions {
    /// Those that the group assigns.
    #[default]
    All,
    /// Exactly these, without the group; one that another worker holds is waited for.
    These(Vec<i32>),
}

/// How to work.
#[derive(Clone, Default)]
pub struct WorkOptions {
    /// Which partitions.
    pub partitions: Partitions,
    /// End once everything is applied and published and nothing new comes.
    pub until_idle: bool,
    /// End after this in any case.
    pub timeout: Option<Duration>,
    /// Told of everything that happens, from several threads.
    pub events: Option<WorkListener>,
    /// Where a test ends a worker.
    pub faults: Option<Arc<dyn Faults>>,
}

impl std::fmt::Debug for WorkOptions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkOptions")
            .field("partitions", &self.partitions)
            .field("until_idle", &self.until_idle)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// What was done in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct WorkSummary {
    /// Changes that took effect, or were so already.
    pub applied: u64,
    /// Changes that were seen before.
    pub duplicates: u64,
    /// Changes that were refused.
    pub refused: u64,
    /// Records that were put aside.
    pub dead: u64,
    /// Acknowledgements that were published.
    pub acks_published: u64,
    /// How long it took.
    pub duration_ms: u64,
}

/// How the work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WorkReport {
    /// What was done.
    #[serde(flatten)]
    pub summary: WorkSummary,
    /// False when the time was up before everything was applied and published.
    #[serde(skip)]
    pub reached: bool,
}

/// What all threads of one call count.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    applied: AtomicU64,
    duplicates: AtomicU64,
    refused: AtomicU64,
    dead: AtomicU64,
    acks: AtomicU64,
    /// Grows with everything that is read, applied or published.
    activity: AtomicU64,
}

impl Counters {
    fn summary(&self, since: Instant) -> WorkSummary {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        WorkSummary {
            applied: read(&self.applied),
            duplicates: read(&self.duplicates),
            refused: read(&self.refused),
            dead: read(&self.dead),
            acks_published: read(&self.acks),
            duration_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }
}

/// What the threads of one call share.
pub(crate) struct Shared<'a> {
    centre: &'a Centre,
    transport: &'a dyn Transport,
    options: &'a WorkOptions,
    counters: Counters,
    holder: String,
    /// Grows when the cluster is seen to be another one: readers start anew.
    clusters: AtomicU64,
    /// The first worker that a test ended: the whole process counts as dead then.
    struck: Mutex<Option<CentralError>>,
}

impl<'a> Shared<'a> {
    fn new(centre: &'a Centre, transport: &'a dyn Transport, options: &'a WorkOptions) -> Arc<Self> {
        Arc::new(Self {
            centre,
            transport,
            options,
            counters: Counters::default(),
            holder: centre.chance().uuid().to_string(),
            clusters: AtomicU64::new(0),
            struck: Mutex::default(),
        })
    }

    /// After a failure: how long to wait.
    fn pause(&self, wait: &mut Backoff) -> Duration {
        wait.fail(self.centre.monotonic(), self.centre.chance().draw())
    }

    fn tell(&self, what: WorkEventKind) {
        if let Some(events) = &self.options.events {
            events(&WorkEvent { at: self.centre.now(), what });
        }
    }

    fn tell_waiting(&self, partition: Option<i32>, error: &CentralError, wait: Duration) {
        tracing::warn!(?partition, %error, "trying again");
        self.tell(WorkEventKind::Waiting {
            partition,
            code: error.code(),
            message: error.to_string(),
            retry_in_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX),
        });
    }
}

impl Centre {
    /// Works until `stop` is wished, the time is up, or everything is idle where that was asked for. Takes partitions
    /// over from workers that died, and tries for ever whatever may pass by itself.
    ///
    /// # Errors
    /// What trying again cannot help: wrong settings of the transport, a database of a newer program.
    pub fn work(
        &self,
        transport: &dyn Transport,
        options: &WorkOptions,
        stop: &Stop,
    ) -> Result<WorkReport, CentralError> {
        let shared = Shared::new(self, transport, options);
        let started = Instant::now();
        let ledger = self.ledger()?;
        let reached = std::thread::scope(|scope| {
            let mut crew = Crew::new(Arc::clone(&shared), ledger, scope);
            let ended = crew.run(stop, started);
            crew.dismiss();
            ended
        })?;
        if let Some(struck) = shared.struck.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(struck);
        }
        Ok(WorkReport { summary: shared.counters.summary(started), reached })
    }
}

/// A partition and the next offset to apply.
type Applied = (i32, i64);

/// One worker and its thread.
struct Running<'scope> {
    slot: Arc<Slot>,
    thread: ScopedJoinHandle<'scope, ()>,
}

/// All workers of one call, and who decides which there are.
struct Crew<'scope, 'env> {
    shared: Arc<Shared<'env>>,
    scope: &'scope Scope<'scope, 'env>,
    ledger: Ledger,
    membership: Option<Box<dyn Membership>>,
    join_wait: Backoff,
    workers: BTreeMap<i32, Running<'scope>>,
    owned: BTreeSet<i32>,
    /// Taken over because nobody works on them, whatever the group says.
    adopted: BTreeSet<i32>,
    unheld: Unheld,
    /// Next offsets by partition, from the workers.
    offsets: (mpsc::Sender<Applied>, mpsc::Receiver<Applied>),
    renewed: Instant,
    housekeeping: Housekeeping,
    quiet: Option<(u64, Instant)>,
}

impl<'scope, 'env> Crew<'scope, 'env> {
    fn new(shared: Arc<Shared<'env>>, ledger: Ledger, scope: &'scope Scope<'scope, 'env>) -> Self {
        Self {
            shared,
            scope,
            ledger,
            membership: None,
            join_wait: Backoff::default(),
            workers: BTreeMap::new(),
            owned: BTreeSet::new(),
            adopted: BTreeSet::new(),
            unheld: Unheld::default(),
            offsets: mpsc::channel(),
            renewed: Instant::now(),
            housekeeping: Housekeeping::new(),
            quiet: None,
        }
    }

    /// True when the wished end was reached, false when the time was up before.
    fn run(&mut self, stop: &Stop, started: Instant) -> Result<bool, CentralError> {
        let options = self.shared.options;
        loop {
            if stop.wanted() || self.is_struck() {
                return Ok(!options.until_idle);
            }
            if options.timeout.is_some_and(|limit| started.elapsed() >= limit) {
                return Ok(!options.until_idle);
            }
            let turn = Instant::now();
            self.learn_owned()?;
            stop.sleep(TURN.saturating_sub(turn.elapsed()));
            self.reap();
            self.staff();
            self.report_offsets();
            let outcome = self.renew_leases().and_then(|()| self.keep_house()).and_then(|()| self.is_idle());
            match outcome {
                Ok(true) if options.until_idle => {
                    self.shared.tell(WorkEventKind::Idle);
                    return Ok(true);
                }
                Ok(_) => {}
                Err(error) if error.retryable() => {
                    let wait = Duration::from_millis(500);
                    self.shared.tell_waiting(None, &error, wait);
                    stop.sleep(wait);
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn is_struck(&self) -> bool {
        self.shared.struck.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Asks the group, where there is one to ask.
    fn learn_owned(&mut self) -> Result<(), CentralError> {
        if let Partitions::These(partitions) = &self.shared.options.partitions {
            self.owned = partitions.iter().copied().collect();
            return Ok(());
        }
        if self.membership.is_none() && self.join_wait.ready(self.shared.centre.monotonic()) {
            match self.shared.transport.join(GROUP, &self.shared.centre.names().changes()) {
                Ok(membership) => self.membership = Some(membership),
                Err(error) => return self.group_failed(error.into()),
            }
        }
        let Some(membership) = &mut self.membership else { return Ok(()) };
        match membership.owned(TURN) {
            Ok(owned) => {
                self.owned = owned.into_iter().collect();
                self.join_wait = Backoff::default();
                Ok(())
            }
            Err(error) => {
                self.membership = None;
                self.group_failed(error.into())
            }
        }
    }

    /// Workers go on while the group cannot be asked: their leases say whose partitions these are.
    fn group_failed(&mut self, error: CentralError) -> Result<(), CentralError> {
        if !error.retryable() {
            return Err(error);
        }
        let wait = self.shared.pause(&mut self.join_wait);
        self.shared.tell_waiting(None, &error, wait);
        Ok(())
    }

    fn wanted(&self, partition: i32) -> bool {
        self.owned.contains(&partition) || self.adopted.contains(&partition)
    }

    /// Takes note of workers that ended, and ends those whose partition is somebody else's now.
    fn reap(&mut self) {
        for (partition, running) in &self.workers {
            if !self.wanted(*partition) {
                running.slot.stop.stop();
            }
        }
        let ended: Vec<i32> =
            self.workers.iter().filter(|(_, r)| r.thread.is_finished()).map(|(partition, _)| *partition).collect();
        for partition in ended {
            if let Some(running) = self.workers.remove(&partition) {
                join(running);
                self.adopted.remove(&partition);
            }
        }
    }

    fn staff(&mut self) {
        let missing: Vec<i32> =
            self.owned.union(&self.adopted).filter(|p| !self.workers.contains_key(p)).copied().collect();
        for partition in missing {
            let by_group = self.owned.contains(&partition) && self.shared.options.partitions == Partitions::All;
            let slot = Arc::new(Slot::new());
            let worker = Worker::new(
                Arc::clone(&self.shared),
                partition,
                !by_group,
                Arc::clone(&slot),
                self.offsets.0.clone(),
            );
            let thread = self.scope.spawn(move || worker.run());
            self.workers.insert(partition, Running { slot, thread });
        }
    }

    /// Tells the group how far partitions are applied: a gauge that nobody starts from.
    fn report_offsets(&mut self) {
        let latest: BTreeMap<i32, i64> = self.offsets.1.try_iter().collect();
        let Some(membership) = &mut self.membership else { return };
        for (partition, next) in latest.into_iter().filter(|(p, _)| self.owned.contains(p)) {
            if let Err(error) = membership.commit(partition, next) {
                tracing::debug!(partition, %error, "the group was not told how far the partition is");
            }
        }
    }

    /// A worker that waits for the cluster keeps its partition.
    fn renew_leases(&mut self) -> Result<(), CentralError> {
        if self.renewed.elapsed() < RENEW_EVERY {
            return Ok(());
        }
        self.renewed = Instant::now();
        let held: Vec<(i32, i64)> =
            self.workers.iter().filter_map(|(p, running)| Some((*p, running.slot.term()?))).collect();
        if held.is_empty() {
            return Ok(());
        }
        let now = self.shared.centre.now();
        self.ledger.write(|tx| tx.renew_leases(&held, now))
    }

    fn keep_house(&mut self) -> Result<(), CentralError> {
        if !self.housekeeping.is_due(self.shared.centre.monotonic()) {
            return Ok(());
        }
        if self.shared.options.partitions == Partitions::All {
            let now = self.shared.centre.now();
            let (orphaned, unheld) = self.ledger.read(|tx| Ok((tx.orphaned(now)?, tx.unheld(now)?)))?;
            let left_alone = self.unheld.for_too_long(&unheld, self.shared.centre.monotonic());
            let found = orphaned.into_iter().chain(left_alone);
            self.adopted.extend(found.filter(|partition| !self.workers.contains_key(partition)));
        }
        self.housekeeping.run(&self.shared, &mut self.ledger)
    }

    /// Whether everything is applied and published, and was for a while.
    fn is_idle(&mut self) -> Result<bool, CentralError> {
        if !self.shared.options.until_idle {
            return Ok(false);
        }
        let activity = self.shared.counters.activity.load(Ordering::SeqCst);
        match self.quiet {
            Some((seen, since)) if seen == activity && since.elapsed() < IDLE_FOR => return Ok(false),
            Some((seen, _)) if seen == activity => {}
            _ => {
                self.quiet = Some((activity, Instant::now()));
                return Ok(false);
            }
        }
        let idle = housekeeping::all_done(&self.shared, &mut self.ledger)?
            && self.shared.counters.activity.load(Ordering::SeqCst) == activity;
        if !idle {
            self.quiet = None;
        }
        Ok(idle)
    }

    /// Ends all workers after what they are doing.
    fn dismiss(&mut self) {
        for running in self.workers.values() {
            running.slot.stop.stop();
        }
        for running in std::mem::take(&mut self.workers).into_values() {
            join(running);
        }
        self.report_offsets();
    }
}

fn join(running: Running<'_>) {
    if let Err(panic) = running.thread.join() {
        std::panic::resume_unwind(panic);
    }
}

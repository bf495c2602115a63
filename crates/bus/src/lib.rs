//! The cluster in one process: rehearsals run on it and simulation tests do. Deterministic: it has no threads, no
//! randomness and no clock of its own. Faults are switches.

mod log;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use aisle_contract::{
    Bounds, ClusterView, Delivery, Incoming, Membership, Outgoing, PartitionView, PortError, Reader, Sender,
    Start, TopicAdmin, TopicSpec, TopicState, TopicView, Transport,
};
use aisle_domain::Timestamp;

use crate::log::Topic;

type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The in-process cluster. Cheap to clone; all clones are the same cluster.
#[derive(Clone)]
pub struct Bus {
    shared: Arc<(Mutex<State>, Condvar)>,
    clock: Clock,
    waits: bool,
}

struct State {
    cluster_id: String,
    topics: BTreeMap<String, Topic>,
    faults: Faults,
    members: Vec<u64>,
    next_member: u64,
    commits: BTreeMap<i32, i64>,
}

/// What is broken at the moment.
#[derive(Debug, Default, Clone)]
struct Faults {
    unreachable: bool,
    refuse_writes: Option<PortError>,
    lose_reports: usize,
    hidden: BTreeSet<String>,
    in_sync: Option<usize>,
    group_is_lost: bool,
}

impl Bus {
    /// An empty cluster with this id; `clock` stamps its records.
    pub fn new(cluster_id: &str, clock: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        let state = State {
            cluster_id: cluster_id.into(),
            topics: BTreeMap::new(),
            faults: Faults::default(),
            members: Vec::new(),
            next_member: 0,
            commits: BTreeMap::new(),
        };
        Self { shared: Arc::new((Mutex::new(state), Condvar::new())), clock: Arc::new(clock), waits: true }
    }

    /// A reader that finds nothing answers at once: for simulations, whose clock stands still while it would wait.
    #[must_use]
    pub fn without_waiting(self) -> Self {
        Self { waits: false, ..self }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing answers any more, or again.
    pub fn unreachable(&self, yes: bool) {
        self.state().faults.unreachable = yes;
        self.shared.1.notify_all();
    }

    /// Every write is refused with this, or none.
    pub fn refuse_writes(&self, why: Option<PortError>) {
        self.state().faults.refuse_writes = why;
    }

    /// The next `count` records are written, and their delivery reports are lost.
    pub fn lose_reports(&self, count: usize) {
        self.state().faults.lose_reports = count;
    }

    /// A topic that these credentials may not see, or may again.
    pub fn hide_topic(&self, name: &str, yes: bool) {
        let mut state = self.state();
        if yes {
            state.faults.hidden.insert(name.into());
        } else {
            state.faults.hidden.remove(name);
        }
    }

    /// How many of the three copies metadata shows in sync.
    pub fn in_sync(&self, copies: usize) {
        self.state().faults.in_sync = Some(copies);
    }

    /// The group assigns nothing to anybody, or does again.
    pub fn lose_group(&self, yes: bool) {
        self.state().faults.group_is_lost = yes;
    }

    /// Everything is lost and the cluster has another id: one that was set up anew.
    pub fn rebuild(&self, cluster_id: &str) {
        let mut state = self.state();
        state.cluster_id = cluster_id.into();
        for topic in state.topics.values_mut() {
            topic.clear();
        }
    }

    /// The records of a partition before `offset` are gone: retention, or a keeper's mistake.
    pub fn trim(&self, topic: &str, partition: i32, offset: i64) {
        if let Some(topic) = self.state().topics.get_mut(topic) {
            topic.trim(partition, offset);
        }
    }

    /// Everything in one topic is lost, and it begins at its first offset again: one that was made anew.
    pub fn forget(&self, name: &str) {
        if let Some(topic) = self.state().topics.get_mut(name) {
            topic.clear();
        }
    }

    /// A topic is not there any more: a keeper's mistake.
    pub fn take_away(&self, name: &str) {
        self.state().topics.remove(name);
    }

    /// Compacts the topics that are to be compacted: the newest record of each key stays, and a tombstone not even that,
    /// as after the time that readers have to see it.
    pub fn compact(&self) {
        for topic in self.state().topics.values_mut() {
            topic.compact();
        }
    }

    /// All records of a partition, for tests that look at what was sent.
    pub fn records(&self, topic: &str, partition: i32) -> Vec<Incoming> {
        self.state().topics.get(topic).map(|t| t.read(partition, 0, usize::MAX)).unwrap_or_default()
    }

    /// How far the group has committed a partition.
    pub fn committed(&self, partition: i32) -> Option<i64> {
        self.state().commits.get(&partition).copied()
    }

    /// Appends records as another program would.
    pub fn append(&self, records: Vec<Outgoing>) -> Vec<Delivery> {
        let mut state = self.state();
        let answers = records.into_iter().map(|record| state.append(record, (self.clock)())).collect();
        drop(state);
        self.shared.1.notify_all();
        answers
    }
}

impl State {
    fn reachable(&self) -> Result<(), PortError> {
        if self.faults.unreachable {
            Err(PortError::Unreachable("the bus is switched off".into()))
        } else {
            Ok(())
        }
    }

    fn topic(&self, name: &str) -> Result<&Topic, PortError> {
        self.reachable()?;
        let hidden = self.faults.hidden.contains(name);
        self.topics.get(name).filter(|_| !hidden).ok_or_else(|| PortError::TopicMissing { topic: name.into() })
    }

    fn append(&mut self, record: Outgoing, at: Timestamp) -> Delivery {
        self.topic(&record.topic)?;
        if let Some(why) = &self.faults.refuse_writes {
            return Err(why.clone());
        }
        let name = record.topic.clone();
        let topic = self.topics.get_mut(&name).ok_or(PortError::TopicMissing { topic: name })?;
        let offset = topic.append(record, at)?;
        if self.faults.lose_reports > 0 {
            self.faults.lose_reports -= 1;
            return Err(PortError::TimedOut("the delivery report was lost".into()));
        }
        Ok(offset)
    }

    fn view(&self, name: &str, topic: &Topic) -> TopicView {
        let in_sync = self.faults.in_sync.unwrap_or(3);
        let partition = |id| PartitionView { id, has_leader: in_sync > 0, replicas: 3, in_sync };
        TopicView { name: name.into(), partitions: (0..topic.partitions()).map(partition).collect() }
    }
}

impl Transport for Bus {
    fn metadata(&self, topics: &[String], _timeout: Duration) -> Result<ClusterView, PortError> {
        let state = self.state();
        state.reachable()?;
        let found = topics.iter().filter_map(|name| Some((name, state.topic(name).ok()?)));
        Ok(ClusterView {
            cluster_id: state.cluster_id.clone(),
            brokers: 3,
            topics: found.map(|(name, topic)| state.view(name, topic)).collect(),
        })
    }

    fn bounds(&self, topic: &str, partition: i32, _timeout: Duration) -> Result<Bounds, PortError> {
        self.state().topic(topic)?.bounds(partition)
    }

    fn sender(&self) -> Result<Box<dyn Sender>, PortError> {
        self.state().reachable()?;
        Ok(Box::new(BusSender { bus: self.clone(), answers: Vec::new(), failed: None }))
    }

    fn reader(&self, topic: &str, partition: i32, start: Start) -> Result<Box<dyn Reader>, PortError> {
        let bounds = self.state().topic(topic)?.bounds(partition)?;
        let next = match start {
            Start::Beginning => bounds.low,
            Start::At(offset) => offset,
        };
        if next < bounds.low || next > bounds.high {
            return Err(PortError::OutOfRange { wanted: next, low: bounds.low, high: bounds.high });
        }
        Ok(Box::new(BusReader { bus: self.clone(), topic: topic.into(), partition, next }))
    }

    fn join(&self, _group: &str, topic: &str) -> Result<Box<dyn Membership>, PortError> {
        let mut state = self.state();
        state.topic(topic)?;
        let id = state.next_member;
        state.next_member += 1;
        state.members.push(id);
        drop(state);
        Ok(Box::new(BusMember { bus: self.clone(), id, topic: topic.into() }))
    }
}

struct BusSender {
    bus: Bus,
    answers: Vec<Delivery>,
    /// What was not taken; nothing is taken behind it until every answer was fetched.
    failed: Option<PortError>,
}

impl Sender for BusSender {
    fn hand_over(&mut self, batch: Vec<Outgoing>) {
        let mut state = self.bus.state();
        for record in batch {
            let answer = match &self.failed {
                Some(error) => Err(error.clone()),
                None => state.append(record, (self.bus.clock)()),
            };
            // A report that was lost is of a record that was written.
            if let Err(error) = &answer
                && !matches!(error, PortError::TimedOut(_))
            {
                self.failed = Some(error.clone());
            }
            self.answers.push(answer);
        }
        drop(state);
        self.bus.shared.1.notify_all();
    }

    fn answers(&mut self, _count: usize, _timeout: Duration) -> Vec<Delivery> {
        self.failed = None;
        std::mem::take(&mut self.answers)
    }
}

struct BusReader {
    bus: Bus,
    topic: String,
    partition: i32,
    next: i64,
}

impl Reader for BusReader {
    fn read(&mut self, max: usize, wait: Duration) -> Result<Vec<Incoming>, PortError> {
        let end = Instant::now() + wait;
        let mut state = self.bus.state();
        loop {
            let topic = state.topic(&self.topic)?;
            let bounds = topic.bounds(self.partition)?;
            if !(bounds.low..=bounds.high).contains(&self.next) {
                return Err(PortError::OutOfRange { wanted: self.next, low: bounds.low, high: bounds.high });
            }
            let found = topic.read(self.partition, self.next, max);
            if let Some(last) = found.last() {
                self.next = last.offset + 1;
                return Ok(found);
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.bus.waits {
                return Ok(found);
            }
            state = self.bus.shared.1.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

struct BusMember {
    bus: Bus,
    id: u64,
    topic: String,
}

impl Membership for BusMember {
    fn owned(&mut self, _wait: Duration) -> Result<Vec<i32>, PortError> {
        let state = self.bus.state();
        let topic = state.topic(&self.topic)?;
        // The longest-lived member owns everything; the next takes over when it is gone.
        let first = state.members.first() == Some(&self.id) && !state.faults.group_is_lost;
        Ok(if first { (0..topic.partitions()).collect() } else { Vec::new() })
    }

    fn commit(&mut self, partition: i32, next_offset: i64) -> Result<(), PortError> {
        let mut state = self.bus.state();
        state.reachable()?;
        state.commits.insert(partition, next_offset);
        Ok(())
    }
}

impl Drop for BusMember {
    fn drop(&mut self) {
        self.bus.state().members.retain(|id| *id != self.id);
    }
}

impl TopicAdmin for Bus {
    fn check(&self, specs: &[TopicSpec], _timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        let state = self.state();
        state.reachable()?;
        Ok(specs
            .iter()
            .map(|spec| match state.topics.get(&spec.name) {
                Some(topic) => TopicState {
                    name: spec.name.clone(),
                    partitions: topic.partitions(),
                    replication: 3,
                    problems: topic.problems(spec),
                },
                None => TopicState {
                    name: spec.name.clone(),
                    partitions: 0,
                    replication: 0,
                    problems: vec!["the topic is missing".into()],
                },
            })
            .collect())
    }

    fn create(&self, specs: &[TopicSpec], timeout: Duration) -> Result<Vec<TopicState>, PortError> {
        {
            let mut state = self.state();
            state.reachable()?;
            for spec in specs {
                state.topics.entry(spec.name.clone()).or_default().become_like(spec);
            }
        }
        self.shared.1.notify_all();
        self.check(specs, timeout)
    }
}

//! Pushing: number what is ready, send it, keep the delivery reports. One step a call, so that a thread, the command
//! line and a simulation drive the same code.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use aisle_contract::{
    ChangeEnvelope, Delivery, Heartbeat, HeartbeatMessage, Outgoing, PortError, Sender, StoreKey, Transport,
    WrittenChange, partition_of, up::FeedPosition,
};
use aisle_domain::{ChangeId, Lane, Planted, Timestamp, is_planted, store::Durability};
use aisle_mirror::{Anew, Mirror, MirrorError, NumberedChange, Report, anew, feed, outbox, pushes, store};

use crate::{
    SyncError,
    plan::{Need, Numbered, needs},
    shared::{ReplicaStatus, SyncOptions},
};

const BATCH_CHANGES: usize = 500;
const BATCH_BYTES: usize = 256 * 1024;
/// Batches on their way at once: what the cluster is waited for is spent on cutting the next.
const BATCHES_AHEAD: usize = 32;
const METADATA: Duration = Duration::from_secs(4);
/// Nothing is numbered on metadata that is older than this.
const FRESH_MS: i64 = 5_000;

/// What a push did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PushOutcome {
    /// Changes that the cluster has since this push.
    pub sent: u64,
    /// The cluster as it was seen.
    pub replicas: Option<ReplicaStatus>,
    /// The cluster's id.
    pub cluster: Option<String>,
    /// The heartbeat that went along.
    pub heartbeat: Option<ChangeId>,
    /// What stopped it.
    pub error: Option<PortError>,
}

/// Where this store's changes go.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Target {
    cluster: String,
    topic: String,
    partition: i32,
}

/// One push under way.
struct Run<'a> {
    transport: &'a dyn Transport,
    clock: &'a dyn Fn() -> Timestamp,
    now: Timestamp,
    target: Target,
    /// When the cluster was asked where that is, and whether a write to it would count.
    seen_at: Timestamp,
    outcome: &'a mut PushOutcome,
}

/// Pushes one desk's changes.
pub struct Pusher {
    mirror: Mirror,
    options: SyncOptions,
    sender: Option<Box<dyn Sender>>,
    /// How long one batch may take.
    pub send_timeout: Duration,
}

impl Pusher {
    /// A pusher that has no connection yet.
    pub fn new(mirror: Mirror, options: SyncOptions) -> Self {
        Self { mirror, options, sender: None, send_timeout: Duration::from_secs(20) }
    }

    /// One push: what must go again, then what is ready, orders before catalog, then a heartbeat.
    ///
    /// # Errors
    /// Only the database's; what the cluster says is in the outcome.
    pub fn push(
        &mut self,
        transport: &dyn Transport,
        clock: impl Fn() -> Timestamp,
    ) -> Result<PushOutcome, MirrorError> {
        let now = clock();
        let mut outcome = PushOutcome::default();
        let result = self.push_into(transport, (&clock, now), &mut outcome);
        let error = match result {
            Ok(()) => None,
            Err(SyncError::Port(error)) => {
                // A sender that failed is not trusted with what comes after.
                self.sender = None;
                Some(error)
            }
            Err(SyncError::Mirror(error)) => {
                // Answers to what it still has on its way are not to be taken for others.
                self.sender = None;
                return Err(error);
            }
        };
        let words = error.as_ref().map(in_words);
        let sent = i64::try_from(outcome.sent).unwrap_or(i64::MAX);
        self.mirror.write(|tx| pushes::record(tx, now, sent, words.as_deref()))?;
        outcome.error = error;
        Ok(outcome)
    }

    fn push_into(
        &mut self,
        transport: &dyn Transport,
        (clock, now): (&dyn Fn() -> Timestamp, Timestamp),
        outcome: &mut PushOutcome,
    ) -> Result<(), SyncError> {
        self.number_anew_if_wanted(now)?;
        let target = self.target(transport, outcome)?;
        outcome.cluster = Some(target.cluster.clone());
        let mut run = Run { transport, clock, now, target, seen_at: now, outcome };
        // What cannot be signed is not numbered either.
        self.key()?;
        // While central has another history nothing is numbered before it has told what it knows: what it does not know
        // any more is older, and goes first.
        if !self.mirror.read(feed::is_unsettled)? {
            for lane in Lane::ALL {
                self.resend(&mut run, lane)?;
            }
            for lane in Lane::ALL {
                self.send_ready(&mut run, lane)?;
            }
        }
        run.outcome.heartbeat = Some(self.send_heartbeat(&run)?);
        self.mirror.forget_received()?;
        Ok(())
    }

    /// Numbers that are somebody else's as well are given up before anything more is numbered.
    fn number_anew_if_wanted(&self, now: Timestamp) -> Result<(), MirrorError> {
        match self.mirror.read(anew::wanted)? {
            Some(wanted) => self.mirror.renumber(self.options.chance.incarnation(), wanted.why, now),
            None => Ok(()),
        }
    }

    /// The partition of this store, if the cluster would count a write to it.
    fn target(&self, transport: &dyn Transport, outcome: &mut PushOutcome) -> Result<Target, SyncError> {
        let topic = self.options.names.changes();
        let view = transport.metadata(std::slice::from_ref(&topic), METADATA)?;
        let missing = || PortError::TopicMissing { topic: topic.clone() };
        let found = view.topic(&topic).ok_or_else(missing)?;
        let count = i32::try_from(found.partitions.len()).unwrap_or(i32::MAX);
        let partition = partition_of(self.mirror.identity().store_id, count);
        let own = found.partitions.iter().find(|p| p.id == partition).ok_or_else(missing)?;
        outcome.replicas =
            Some(ReplicaStatus { brokers: view.brokers, replicas: own.replicas, in_sync: own.in_sync });
        let durability = self.mirror.read(store::load)?.map_or(self.options.durability, |s| s.durability);
        let needed = match durability {
            Durability::All => own.replicas,
            Durability::Majority => own.replicas / 2 + 1,
        };
        if !own.has_leader || own.in_sync < needed {
            return Err(PortError::NotEnoughReplicas.into());
        }
        Ok(Target { cluster: view.cluster_id, topic, partition })
    }

    /// A push that takes long asks again: machines may have gone meanwhile, and the topic may have grown.
    fn look_again(&self, run: &mut Run<'_>) -> Result<(), SyncError> {
        let now = (run.clock)();
        if (0..FRESH_MS).contains(&now.since(run.seen_at)) {
            return Ok(());
        }
        if self.target(run.transport, run.outcome)? != run.target {
            return Err(PortError::Broken("the cluster is another one by now, or has grown".into()).into());
        }
        run.seen_at = now;
        Ok(())
    }

    fn resend(&mut self, run: &mut Run<'_>, lane: Lane) -> Result<(), SyncError> {
        let now = run.now;
        let incarnation = self.mirror.identity().incarnation;
        let (rows, ack, next, went_back) = self.mirror.read(|conn| {
            let ack = feed::last_ack(conn, lane)?.filter(|ack| ack.incarnation == incarnation);
            let went_back = match &ack {
                Some(ack) => outbox::has_received_from(conn, lane, incarnation, ack.expected)?,
                None => false,
            };
            let next = outbox::next_seq(conn, lane, incarnation)?;
            Ok((outbox::numbered(conn, lane, incarnation)?, ack, next, went_back))
        })?;
        let numbered: Vec<Numbered> = rows.iter().map(Numbered::from).collect();
        let need = if went_back {
            Need::NewIncarnation
        } else {
            needs(&numbered, ack.as_ref(), &run.target.cluster, next, now)
        };
        match need {
            Need::NewIncarnation => {
                tracing::warn!(
                    lane = lane.word(),
                    "central waits for a number this desk cannot give: numbering anew"
                );
                match &ack {
                    Some(ack) => self.mirror.renumber_from(self.options.chance.incarnation(), ack, now)?,
                    None => self.mirror.renumber(self.options.chance.incarnation(), Anew::Forgotten, now)?,
                }
                Ok(())
            }
            Need::Resend(again) => {
                let again: HashSet<ChangeId> = again.into_iter().collect();
                let mut rows = rows.into_iter().filter(|row| again.contains(&row.change_id));
                loop {
                    let batch: Vec<NumberedChange> = rows.by_ref().take(BATCH_CHANGES).collect();
                    if batch.is_empty() {
                        return Ok(());
                    }
                    self.send_batch(run, batch)?;
                }
            }
        }
    }

    /// Cuts batches and sends each while the ones before it are on their way. Their reports are kept with the next cut.
    fn send_ready(&mut self, run: &mut Run<'_>, lane: Lane) -> Result<(), SyncError> {
        if !self.mirror.read(|conn| outbox::has_ready(conn, lane))? {
            return Ok(());
        }
        let mut ahead = Ahead::default();
        loop {
            match self.look_again(run) {
                Err(SyncError::Port(error)) => ahead.failed = ahead.failed.take().or(Some(error)),
                other => other?,
            }
            let batch = self.keep_and_cut(run, &mut ahead, lane)?;
            if batch.is_empty() && ahead.batches.is_empty() {
                return ahead.failed.map_or(Ok(()), |error| Err(error.into()));
            }
            let is_last = batch.is_empty();
            if !is_last {
                ahead.batches.push_back(batch.iter().map(|change| change.change_id).collect());
                let records = self.encode_all(batch, &run.target)?;
                self.sender(run.transport)?.hand_over(records);
            }
            if is_last || ahead.batches.len() >= BATCHES_AHEAD {
                let timeout = self.send_timeout;
                ahead.take(self.sender(run.transport)?.as_mut(), timeout);
            }
        }
    }

    /// One transaction: the reports that came, and the next batch unless something failed.
    fn keep_and_cut(
        &self,
        run: &mut Run<'_>,
        ahead: &mut Ahead,
        lane: Lane,
    ) -> Result<Vec<NumberedChange>, MirrorError> {
        let now = run.now;
        let (reports, failed) = sort(std::mem::take(&mut ahead.answered), &run.target);
        ahead.failed = ahead.failed.take().or(failed);
        let incarnation = self.mirror.identity().incarnation;
        let goes_on = ahead.failed.is_none();
        let batch = self.mirror.write(|tx| {
            outbox::reported(tx, &reports, now)?;
            if goes_on {
                outbox::cut(tx, lane, incarnation, BATCH_CHANGES, BATCH_BYTES, now)
            } else {
                Ok(Vec::new())
            }
        })?;
        run.outcome.sent += u64::try_from(reports.len()).unwrap_or(0);
        Ok(batch)
    }

    /// Sends numbered changes again and keeps their reports. An attempt is counted before it is made.
    fn send_batch(&mut self, run: &mut Run<'_>, batch: Vec<NumberedChange>) -> Result<(), SyncError> {
        let now = run.now;
        let ids: Vec<ChangeId> = batch.iter().map(|change| change.change_id).collect();
        self.mirror.write(|tx| outbox::attempted(tx, &ids, now))?;
        let records = self.encode_all(batch, &run.target)?;
        let timeout = self.send_timeout;
        let answers = self.sender(run.transport)?.send(records, timeout);
        let (reports, failed) = sort(ids.into_iter().zip(answers).collect(), &run.target);
        self.mirror.write(|tx| outbox::reported(tx, &reports, now))?;
        run.outcome.sent += u64::try_from(reports.len()).unwrap_or(0);
        match failed {
            Some(error) => Err(error.into()),
            None => Ok(()),
        }
    }

    /// What is signed with; nothing where the desk was not enrolled. One that was sends nothing without its key.
    fn key(&self) -> Result<Option<&StoreKey>, PortError> {
        let Some(key) = &self.options.key else { return Ok(None) };
        let unknown = || PortError::Closed { why: "this desk's key is not known yet".into(), hint: None };
        key.get().map(Some).ok_or_else(unknown)
    }

    fn sender(&mut self, transport: &dyn Transport) -> Result<&mut Box<dyn Sender>, PortError> {
        match &mut self.sender {
            Some(sender) => Ok(sender),
            none => Ok(none.insert(transport.sender()?)),
        }
    }

    fn encode_all(&self, batch: Vec<NumberedChange>, target: &Target) -> Result<Vec<Outgoing>, PortError> {
        batch.into_iter().map(|change| self.encode(change, target)).collect()
    }

    fn encode(&self, change: NumberedChange, target: &Target) -> Result<Outgoing, PortError> {
        let identity = self.mirror.identity();
        let envelope = ChangeEnvelope {
            change_id: change.change_id,
            store: identity.store_id,
            desk: identity.desk_id,
            incarnation: change.incarnation,
            lane: change.lane,
            seq: change.seq,
            replaces: change.replaces,
            staff: change.by,
            acted_at: change.at,
            key_id: None,
        };
        let (type_word, subject, body) = (&change.type_word, change.subject, change.body);
        let written = WrittenChange { envelope: &envelope, type_word, subject, body };
        Ok(written.encode(&target.topic, target.partition, self.key()?))
    }

    fn send_heartbeat(&mut self, run: &Run<'_>) -> Result<ChangeId, SyncError> {
        let now = run.now;
        let identity = self.mirror.identity();
        let (counts, epoch, positions) = self.mirror.read(|conn| {
            let mut positions = Vec::new();
            for lane in Lane::ALL {
                let position = feed::position(conn, lane)?.map_or(0, |p| p.next_offset);
                positions.push(FeedPosition { lane, position });
            }
            Ok((outbox::counts(conn)?, feed::settled_epoch(conn)?, positions))
        })?;
        let id = ChangeId(self.options.chance.uuid());
        if self.mirror.read(feed::is_unsettled)? {
            self.mirror.write(|tx| feed::ask_epoch(tx, id))?;
        }
        let message = HeartbeatMessage {
            id,
            store: identity.store_id,
            desk: identity.desk_id,
            incarnation: identity.incarnation,
            sent_at: now,
            body: Heartbeat {
                version: self.options.version.clone(),
                name: self.options.desk_name.clone(),
                outbox: counts.held + counts.ready + counts.sent,
                oldest_age_s: counts.oldest_at.map(|at| now.since(at).max(0) / 1000),
                positions,
                behind: None,
                clock: now,
                epoch,
            },
        };
        let target = &run.target;
        let record = message.encode(&target.topic, target.partition, self.key()?).map_err(MirrorError::from)?;
        let timeout = self.send_timeout;
        for answer in self.sender(run.transport)?.send(vec![record], timeout) {
            answer?;
        }
        Ok(id)
    }
}

/// Batches that are on their way, oldest first.
#[derive(Default)]
struct Ahead {
    batches: VecDeque<Vec<ChangeId>>,
    /// Answers to changes whose batch is whole, not kept yet.
    answered: Vec<(ChangeId, Delivery)>,
    /// Answers beyond those: the port tells all it knows.
    early: VecDeque<Delivery>,
    failed: Option<PortError>,
}

impl Ahead {
    /// Waits for the answers to the oldest batch.
    fn take(&mut self, sender: &mut dyn Sender, timeout: Duration) {
        let wanted = self.batches.front().map_or(0, Vec::len).saturating_sub(self.early.len());
        if wanted > 0 {
            let mut answers = sender.answers(wanted, timeout);
            if answers.len() < wanted {
                answers.resize(wanted, Err(PortError::TimedOut("no delivery report".into())));
            }
            self.early.extend(answers);
        }
        while let Some(batch) = self.batches.pop_front_if(|batch| batch.len() <= self.early.len()) {
            let answers: Vec<Delivery> = self.early.drain(..batch.len()).collect();
            self.answered.extend(batch.into_iter().zip(answers));
        }
    }
}

/// As it stands with the push: whoever reads only that is told what to do as well.
fn in_words(error: &PortError) -> String {
    match error {
        PortError::Closed { hint: Some(hint), .. } => format!("{error}; {hint}"),
        _ => error.to_string(),
    }
}

/// Reports of what was written, and the first failure.
fn sort(answers: Vec<(ChangeId, Delivery)>, target: &Target) -> (Vec<Report>, Option<PortError>) {
    let report = |change_id, offset| Report {
        change_id,
        cluster: target.cluster.clone(),
        topic: target.topic.clone(),
        partition: target.partition,
        offset,
    };
    let mut reports = Vec::new();
    let mut failed = None;
    for (change_id, answer) in answers {
        match answer {
            Ok(offset) => reports.push(report(change_id, offset)),
            Err(_) if is_planted(Planted::SentBeforeReport) => reports.push(report(change_id, i64::MAX)),
            Err(error) => failed = failed.or(Some(error)),
        }
    }
    (reports, failed)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    /// Answers as many as it was told to at each call.
    struct Scripted(VecDeque<Vec<Delivery>>);

    impl Sender for Scripted {
        fn hand_over(&mut self, _batch: Vec<Outgoing>) {}

        fn answers(&mut self, _count: usize, _timeout: Duration) -> Vec<Delivery> {
            self.0.pop_front().unwrap_or_default()
        }
    }

    fn ahead(sizes: &[usize]) -> Ahead {
        let batch = |size: &usize| (0..*size).map(|_| ChangeId(Uuid::new_v4())).collect();
        Ahead { batches: sizes.iter().map(batch).collect(), ..Ahead::default() }
    }

    #[test]
    fn answers_that_came_early_belong_to_the_batches_behind() {
        let mut ahead = ahead(&[2, 3, 1]);
        let ids: Vec<ChangeId> = ahead.batches.iter().flatten().copied().collect();
        let mut sender = Scripted([vec![Ok(0), Ok(1), Ok(2)], vec![Ok(3), Ok(4), Ok(5)]].into());
        ahead.take(&mut sender, Duration::ZERO);
        assert_eq!((ahead.answered.len(), ahead.batches.len()), (2, 2), "the second batch is not whole yet");
        ahead.take(&mut sender, Duration::ZERO);
        let expected: Vec<(ChangeId, Delivery)> = ids.into_iter().zip((0..6).map(Ok)).collect();
        assert_eq!(ahead.answered, expected);
        assert!(ahead.batches.is_empty());
    }

    #[test]
    fn a_port_that_answers_nothing_does_not_hold_a_push_up() {
        let mut ahead = ahead(&[2]);
        ahead.take(&mut Scripted(VecDeque::new()), Duration::ZERO);
        assert!(ahead.answered.iter().all(|(_, answer)| answer.is_err()));
        assert!(ahead.batches.is_empty());
    }
}

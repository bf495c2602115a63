//! Applying one batch of a partition's records: in order, exactly once in effect, in one transaction.

mod decide;
mod gate;
mod rows;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};

use aisle_contract::{
    CentralPosition, ChangeEnvelope, ChangeMessage, ChangeRefused, DeskAck, DownBody, Event, HeartbeatMessage,
    Incoming, UpMessage, partition_of, up,
};
use aisle_domain::{Change, ChangeId, DeskId, Lane, Planted, Refusal, StoreId, Timestamp, is_planted};

use crate::{
    error::CentralError,
    ledger::{Alarm, AuditEntry, Count, Feed, Known, NewDeadLetter, OutcomeWord, Refused, Sequence, Tx},
};
use gate::Gate;
pub(crate) use rows::Rows;

/// The largest batch of one transaction, records.
pub(crate) const BATCH: usize = 200;

/// Changes that an ack names as refused at most: each takes 39 bytes of the megabyte that a feed takes.
const MOST_REFUSED: usize = 10_000;

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Tally {
    /// Changes that took effect, or were so already.
    pub(crate) applied: u64,
    /// Changes that were seen before.
    pub(crate) duplicates: u64,
    /// Changes that were refused.
    pub(crate) refused: u64,
    /// Records that were put aside.
    pub(crate) dead: u64,
    /// Changes that were dropped because an earlier number is missing.
    pub(crate) dropped: u64,
    /// What was turned away as not being of the store it claims.
    pub(crate) alarms: Vec<Alarm>,
}

/// Whose batch it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) cluster: &'a str,
    pub(crate) partition: i32,
    pub(crate) term: i64,
    pub(crate) now: Timestamp,
}

/// Applies a batch of records of one partition, in order.
///
/// # Errors
/// [`CentralError::Zombie`] when the term is over; nothing is written then, nor at any other error.
pub(crate) fn apply_batch(tx: &Tx<'_>, place: Place<'_>, records: &[Incoming]) -> Result<Tally, CentralError> {
    tx.hold_lease(place.partition, place.term, place.now)?;
    let mut batch = Batch::new(tx, place)?;
    for record in records {
        batch.take(record)?;
    }
    if let Some(last) = records.last() {
        let next_offset = last.offset + 1;
        tx.set_position(place.partition, place.cluster, next_offset)?;
        return batch.finish(next_offset);
    }
    Ok(batch.tally)
}

/// Refuses a change whose effect the database does not take, as one that central does not understand: its sender is
/// told, and its numbering goes on. Anything else is put aside.
pub(crate) fn refuse_record(
    tx: &Tx<'_>,
    place: Place<'_>,
    record: &Incoming,
    why: &str,
) -> Result<Tally, CentralError> {
    tx.hold_lease(place.partition, place.term, place.now)?;
    let mut batch = Batch::new(tx, place)?;
    match batch.open(record)? {
        Some(UpMessage::Change(message)) => batch.take_change(record, &message.envelope, Err(why))?,
        Some(UpMessage::NotUnderstood { envelope, .. }) => batch.take_change(record, &envelope, Err(why))?,
        Some(UpMessage::Heartbeat(beat)) => batch.bury(record, Some(beat.store), None, why)?,
        None => {}
    }
    tx.set_position(place.partition, place.cluster, record.offset + 1)?;
    batch.finish(record.offset + 1)
}

/// Applies a change that was put aside, whatever its number: its `change_id` keeps it single. Nothing is acknowledged
/// by it. One whose signature was bad stays so, unless its key is one of the store's by now; one that was refused stays
/// refused.
///
/// # Errors
/// [`CentralError::BadValue`] with what still keeps it from being applied.
pub(crate) fn replay(
    tx: &Tx<'_>,
    now: Timestamp,
    cluster: &str,
    record: &Incoming,
) -> Result<Tally, CentralError> {
    let bad = |what: String| CentralError::BadValue { what };
    let event = Event::of(record).map_err(|e| bad(e.to_string()))?;
    if let Some(alarm) = Gate::default().turned_away(tx, &event)? {
        return Err(bad(alarm.why));
    }
    let message = match UpMessage::of(&event) {
        Ok(UpMessage::Change(message)) => message,
        Ok(UpMessage::NotUnderstood { why, .. }) => return Err(bad(why)),
        Ok(UpMessage::Heartbeat(_)) => return Err(bad("a heartbeat changes nothing".into())),
        Err(envelope) => return Err(bad(envelope.to_string())),
    };
    let envelope = &message.envelope;
    let partition = partition_of(envelope.store, tx.partitions()?);
    let mut batch = Batch::new(tx, Place { cluster, partition, term: 0, now })?;
    if let Some(away) = batch.turned_away(envelope.store, envelope.desk)? {
        return Err(bad(away.why));
    }
    if let Some(known) = tx.known(envelope.change_id)? {
        // Its desk was told so, and somebody may have done something else since.
        let refused = |refusal: Refusal| Err(bad(format!("it was refused, and its desk was told: {refusal}")));
        return known.refusal.map_or(Ok(Tally { duplicates: 1, ..Tally::default() }), refused);
    }
    // Its number is another change's by now, or was never taken: it is remembered without one.
    let without = ChangeEnvelope { seq: 0, ..envelope.clone() };
    batch.judge(record, &without, Ok(&message))?;
    batch.finish(record.offset + 1)
}

/// Puts a record aside that not even a refusal can be written of, and goes on behind it.
pub(crate) fn bury_record(
    tx: &Tx<'_>,
    place: Place<'_>,
    record: &Incoming,
    why: &str,
) -> Result<Tally, CentralError> {
    tx.hold_lease(place.partition, place.term, place.now)?;
    let letter = NewDeadLetter { cluster: place.cluster, record, store: None, change: None, why };
    let dead = u64::from(tx.bury(letter, place.now)?);
    tx.set_position(place.partition, place.cluster, record.offset + 1)?;
    Ok(Tally { dead, ..Tally::default() })
}

/// Whether a store's changes lie in the partition under any of these partition counts.
pub(crate) fn lives_in(counts: &[i32], store: StoreId, partition: i32) -> bool {
    counts.iter().any(|count| partition_of(store, *count) == partition)
}

/// Why nothing of a sender is taken.
struct TurnedAway {
    why: String,
    /// Whether somebody speaks for a store that is not theirs.
    foreign: bool,
}

struct Batch<'t, 'c> {
    tx: &'t Tx<'c>,
    place: Place<'t>,
    counts: Vec<i32>,
    gate: Gate,
    rows: Rows<'t, 'c>,
    /// With whether it was moved in this batch.
    counts_of: HashMap<Sequence, (Count, bool)>,
    desks: BTreeMap<DeskId, Option<StoreId>>,
    refusals: Vec<(Feed, ChangeRefused)>,
    /// Desks that have mirrored another history.
    of_another_history: BTreeMap<DeskId, StoreId>,
    /// Every numbering that gets an ack, in the order it was first touched.
    acks: Vec<Answer>,
    tally: Tally,
}

/// An ack to be sent.
struct Answer {
    store: StoreId,
    sequence: Sequence,
    /// The heartbeat that it answers.
    heartbeat: Option<ChangeId>,
    /// The desk has mirrored another history: it is told of all its numberings.
    is_of_another_history: bool,
    /// Something waits at the desk: it is told how far its store's other homes are read.
    is_waited_for: bool,
}

/// Where a change stands in its desk's numbering.
enum Turn {
    /// It is the one that is expected, and new.
    Fresh,
    /// It was seen before.
    Seen(Known),
    /// An earlier number is missing.
    Early,
    /// Its number was used for another change.
    Forked,
}

impl<'t, 'c> Batch<'t, 'c> {
    fn new(tx: &'t Tx<'c>, place: Place<'t>) -> Result<Self, CentralError> {
        Ok(Self {
            tx,
            place,
            counts: tx.partition_counts()?,
            gate: Gate::default(),
            rows: Rows::new(tx, place.now),
            counts_of: HashMap::new(),
            desks: BTreeMap::new(),
            refusals: Vec::new(),
            of_another_history: BTreeMap::new(),
            acks: Vec::new(),
            tally: Tally::default(),
        })
    }

    fn take(&mut self, record: &Incoming) -> Result<(), CentralError> {
        match self.open(record)? {
            Some(UpMessage::Change(message)) => self.take_change(record, &message.envelope, Ok(&message)),
            Some(UpMessage::NotUnderstood { envelope, why }) => self.take_change(record, &envelope, Err(&why)),
            Some(UpMessage::Heartbeat(beat)) => self.take_heartbeat(record, &beat),
            None => Ok(()),
        }
    }

    /// What a record says, if it is to be believed. One that is not is put aside.
    fn open(&mut self, record: &Incoming) -> Result<Option<UpMessage>, CentralError> {
        let message = match Event::of(record) {
            Ok(event) => {
                if let Some(alarm) = self.gate.turned_away(self.tx, &event)? {
                    self.bury_with_alarm(record, None, alarm)?;
                    return Ok(None);
                }
                UpMessage::of(&event)
            }
            Err(bad) => Err(bad),
        };
        match message {
            Ok(message) => Ok(Some(message)),
            Err(bad) => {
                self.bury(record, None, None, &bad.to_string())?;
                Ok(None)
            }
        }
    }

    /// Once a place in the log, as its dead letter.
    fn bury_with_alarm(
        &mut self,
        record: &Incoming,
        change: Option<ChangeId>,
        alarm: Alarm,
    ) -> Result<(), CentralError> {
        let before = self.tally.dead;
        self.bury(record, Some(alarm.store), change, &alarm.why)?;
        if self.tally.dead > before {
            tracing::warn!(kind = alarm.kind, store = %alarm.store, desk = ?alarm.desk, why = alarm.why, "alarm");
            self.tx.raise(&alarm, self.place.now)?;
            self.tally.alarms.push(alarm);
        }
        Ok(())
    }

    fn turn_away(
        &mut self,
        record: &Incoming,
        (store, desk): (StoreId, DeskId),
        change: Option<ChangeId>,
        away: TurnedAway,
    ) -> Result<(), CentralError> {
        if away.foreign {
            let alarm = Alarm { kind: "foreign_desk", store, desk: Some(desk), why: away.why };
            return self.bury_with_alarm(record, change, alarm);
        }
        self.bury(record, Some(store), change, &away.why)
    }

    fn bury(
        &mut self,
        record: &Incoming,
        store: Option<StoreId>,
        change: Option<ChangeId>,
        why: &str,
    ) -> Result<(), CentralError> {
        let letter = NewDeadLetter { cluster: self.place.cluster, record, store, change, why };
        self.tally.dead += u64::from(self.tx.bury(letter, self.place.now)?);
        Ok(())
    }

    /// Why nothing of this sender is taken.
    fn turned_away(&mut self, store: StoreId, desk: DeskId) -> Result<Option<TurnedAway>, CentralError> {
        let astray = |why: String| Ok(Some(TurnedAway { why, foreign: false }));
        if self.rows.store(store)?.is_none() {
            return astray(format!("store {store} is not known at central"));
        }
        let of = match self.desks.get(&desk) {
            Some(of) => *of,
            None => self.tx.desk(desk)?.map(|d| d.store),
        };
        Ok(of.filter(|of| *of != store).map(|of| TurnedAway {
            why: format!("desk {desk} belongs to store {of}, not to store {store}"),
            foreign: true,
        }))
    }

    /// Notes that a desk was heard: once a batch, unless its numbering is another one.
    fn hear(&mut self, record: &Incoming, store: StoreId, sequence: Sequence) -> Result<(), CentralError> {
        let is_same =
            |a: &Answer| a.sequence.desk == sequence.desk && a.sequence.incarnation == sequence.incarnation;
        let first = !self.acks.iter().any(is_same);
        if first {
            let known = self.tx.desk(sequence.desk)?;
            let heard = record.written_at.min(self.place.now);
            self.tx.hear(known.as_ref(), (sequence.desk, store, sequence.incarnation), heard)?;
            self.desks.insert(sequence.desk, Some(store));
        }
        Ok(())
    }

    fn answer(&mut self, answer: Answer) {
        match self.acks.iter_mut().find(|a| a.sequence == answer.sequence) {
            Some(known) => {
                known.heartbeat = answer.heartbeat.or(known.heartbeat);
                known.is_of_another_history |= answer.is_of_another_history;
                known.is_waited_for |= answer.is_waited_for;
            }
            None => self.acks.push(answer),
        }
    }

    fn take_heartbeat(&mut self, record: &Incoming, beat: &HeartbeatMessage) -> Result<(), CentralError> {
        if let Some(away) = self.turned_away(beat.store, beat.desk)? {
            return self.turn_away(record, (beat.store, beat.desk), None, away);
        }
        let of_lane = |lane| Sequence { desk: beat.desk, incarnation: beat.incarnation, lane };
        self.hear(record, beat.store, of_lane(Lane::Orders))?;
        self.tx.take_heartbeat(beat, record.written_at.min(self.place.now))?;
        let epoch = self.tx.epoch()?;
        let is_of_another_history = beat.body.epoch.is_some_and(|mirrored| mirrored != epoch);
        if is_of_another_history {
            self.of_another_history.insert(beat.desk, beat.store);
        }
        // What waits may wait for a change that was lost: that shows by what is expected and read.
        let (store, is_waited_for) = (beat.store, beat.body.outbox > 0);
        let of = |lane, heartbeat| Answer {
            store,
            sequence: of_lane(lane),
            heartbeat,
            is_of_another_history,
            is_waited_for,
        };
        self.answer(of(Lane::Orders, Some(beat.id)));
        if is_waited_for {
            self.answer(of(Lane::Catalog, None));
        }
        Ok(())
    }

    fn count(&mut self, sequence: Sequence) -> Result<&mut (Count, bool), CentralError> {
        match self.counts_of.entry(sequence) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(unknown) => Ok(unknown.insert((self.tx.count(sequence)?, false))),
        }
    }

    fn turn(&mut self, envelope: &ChangeEnvelope, sequence: Sequence) -> Result<Turn, CentralError> {
        let known = self.tx.known(envelope.change_id)?.filter(|_| !is_planted(Planted::NoDedup));
        let (count, moved) = self.count(sequence)?;
        if envelope.seq > count.expected {
            return Ok(Turn::Early);
        }
        let is_next = envelope.seq == count.expected;
        if is_next {
            *count = Count {
                expected: count.expected + 1,
                last: Some(envelope.change_id),
                repeats: count.repeats + i64::from(known.is_some()),
                ..*count
            };
            *moved = true;
        }
        Ok(match known {
            Some(known) => Turn::Seen(known),
            None if is_next => Turn::Fresh,
            None => {
                count.forked = true;
                *moved = true;
                Turn::Forked
            }
        })
    }

    fn take_change(
        &mut self,
        record: &Incoming,
        envelope: &ChangeEnvelope,
        message: Result<&ChangeMessage, &str>,
    ) -> Result<(), CentralError> {
        if let Some(away) = self.turned_away(envelope.store, envelope.desk)? {
            let sender = (envelope.store, envelope.desk);
            return self.turn_away(record, sender, Some(envelope.change_id), away);
        }
        let sequence = Sequence::of(envelope);
        if !lives_in(&self.counts, envelope.store, self.place.partition) {
            // Its sender learns by the ack that this was read and is still waited for.
            self.answer(Answer {
                store: envelope.store,
                sequence,
                heartbeat: None,
                is_of_another_history: false,
                is_waited_for: false,
            });
            let why = format!("store {} does not live in partition {}", envelope.store, self.place.partition);
            return self.bury(record, Some(envelope.store), Some(envelope.change_id), &why);
        }
        self.hear(record, envelope.store, sequence)?;
        match self.turn(envelope, sequence)? {
            Turn::Early => self.tally.dropped += 1,
            Turn::Seen(known) => {
                self.tally.duplicates += 1;
                if let Some(refusal) = known.refusal {
                    self.refuse(envelope, refusal, known.at);
                }
            }
            Turn::Forked => {
                self.tx.note_fork(envelope.desk, envelope.change_id, self.place.now)?;
                let why = format!("forked: number {} of this desk was used for another change", envelope.seq);
                return self.bury(record, Some(envelope.store), Some(envelope.change_id), &why);
            }
            Turn::Fresh => self.judge(record, envelope, message)?,
        }
        let store = envelope.store;
        self.answer(Answer {
            store,
            sequence,
            heartbeat: None,
            is_of_another_history: false,
            is_waited_for: false,
        });
        Ok(())
    }

    fn refuse(&mut self, envelope: &ChangeEnvelope, refusal: Refusal, at: Timestamp) {
        let feed = Feed { store: envelope.store, lane: envelope.lane };
        let message = refusal.to_string();
        let refused = ChangeRefused { change_id: envelope.change_id, desk: envelope.desk, refusal, message, at };
        self.refusals.push((feed, refused));
    }

    fn judge(
        &mut self,
        record: &Incoming,
        envelope: &ChangeEnvelope,
        message: Result<&ChangeMessage, &str>,
    ) -> Result<(), CentralError> {
        let verdict = match message {
            Ok(message) => {
                let bytes = record.value.as_ref().map_or(0, Vec::len);
                decide::decide(&mut self.rows, envelope, (&message.change, bytes))?
            }
            Err(why) => {
                self.bury(record, Some(envelope.store), Some(envelope.change_id), why)?;
                Err(Refusal::NotUnderstood { what: why.into() })
            }
        };
        let now = self.place.now;
        let (outcome, refusal) = match verdict {
            Ok(word) => (word, None),
            Err(refusal) => (OutcomeWord::Refused, Some(refusal.in_short())),
        };
        self.tx.remember(envelope, outcome, refusal.as_ref(), now)?;
        self.tx.audit(&audit_of(envelope, message.ok().map(|m| &m.change), outcome, refusal.as_ref(), now)?)?;
        match refusal {
            Some(refusal) => {
                self.tally.refused += 1;
                self.refuse(envelope, refusal, now);
            }
            None => self.tally.applied += 1,
        }
        Ok(())
    }

    /// What this history refused it may have said in a cluster that is gone: it says so again to desks that have mirrored
    /// another one. Answers what it has refused of each, this batch included.
    fn refuse_again(&mut self) -> Result<BTreeMap<DeskId, Vec<ChangeId>>, CentralError> {
        let mut refused_of = BTreeMap::new();
        for (desk, store) in std::mem::take(&mut self.of_another_history) {
            let all: Vec<Refused> = self.tx.refusals_of(desk)?;
            refused_of.insert(desk, all.iter().map(|(change, ..)| *change).collect());
            let told: BTreeSet<ChangeId> = self.refusals.iter().map(|(_, refused)| refused.change_id).collect();
            for (change_id, lane, refusal, at) in all.into_iter().filter(|(change, ..)| !told.contains(change)) {
                let message = refusal.to_string();
                self.refusals
                    .push((Feed { store, lane }, ChangeRefused { change_id, desk, refusal, message, at }));
            }
        }
        Ok(refused_of)
    }

    /// Rows first, then refusals, then the acks that cover them.
    fn finish(mut self, next_offset: i64) -> Result<Tally, CentralError> {
        let now = self.place.now;
        self.rows.write()?;
        let refused_of = self.refuse_again()?;
        for (feed, refused) in self.refusals {
            self.tx.enqueue(feed, &DownBody::Refused(Box::new(refused)), now)?;
        }
        for (sequence, (count, moved)) in &self.counts_of {
            if *moved {
                self.tx.set_count(*sequence, *count)?;
            }
        }
        for answer in self.acks {
            let Answer { store, sequence, heartbeat, is_of_another_history, is_waited_for } = answer;
            let count = match self.counts_of.get(&sequence) {
                Some((count, _)) => *count,
                None => self.tx.count(sequence)?,
            };
            let refused = refused_of.get(&sequence.desk).filter(|_| is_of_another_history);
            let refused = refused.cloned().unwrap_or_default();
            // A list that no feed takes is left out with all that the desk would conclude from it: it sends more again.
            let (numberings, refused) = if is_of_another_history && refused.len() <= MOST_REFUSED {
                (Some(self.tx.numberings(sequence.desk)?), refused)
            } else {
                (None, Vec::new())
            };
            let ack = DeskAck {
                desk: sequence.desk,
                incarnation: sequence.incarnation,
                lane: sequence.lane,
                expected: count.expected,
                position: CentralPosition {
                    cluster: self.place.cluster.into(),
                    partition: self.place.partition,
                    offset: next_offset,
                },
                elsewhere: if is_waited_for {
                    elsewhere(self.tx, &self.counts, store, self.place)?
                } else {
                    Vec::new()
                },
                central_time: now,
                heartbeat,
                last: count.last,
                forked: self.tx.is_forked(sequence.desk, sequence.incarnation)?,
                numberings,
                refused,
            };
            self.tx.enqueue(Feed { store, lane: sequence.lane }, &DownBody::Ack(Box::new(ack)), now)?;
        }
        Ok(self.tally)
    }
}

/// How far the partitions are read that were or will be the store's home, but this one.
fn elsewhere(
    tx: &Tx<'_>,
    counts: &[i32],
    store: StoreId,
    place: Place<'_>,
) -> Result<Vec<CentralPosition>, CentralError> {
    let homes: BTreeSet<i32> = counts.iter().map(|count| partition_of(store, *count)).collect();
    let mut found = Vec::new();
    for partition in homes.into_iter().filter(|home| *home != place.partition) {
        if let Some((cluster, offset)) = tx.position(partition)? {
            found.push(CentralPosition { cluster, partition, offset });
        }
    }
    Ok(found)
}

fn audit_of(
    envelope: &ChangeEnvelope,
    change: Option<&Change>,
    outcome: OutcomeWord,
    refusal: Option<&Refusal>,
    now: Timestamp,
) -> Result<AuditEntry, CentralError> {
    Ok(AuditEntry {
        at: now,
        store: envelope.store,
        subject: change.map_or(aisle_domain::Subject::Store, Change::subject),
        kind: change.map_or("not_understood", Change::type_word).into(),
        by: envelope.staff.clone(),
        desk: Some(envelope.desk),
        change: Some(envelope.change_id),
        acted_at: Some(envelope.acted_at),
        outcome: outcome.word(),
        code: refusal.map(Refusal::code),
        detail: change.map(up::body_of).transpose()?,
    })
}

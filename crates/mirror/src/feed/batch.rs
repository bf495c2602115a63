//! A batch of a feed inside its transaction, record by record.

use aisle_contract::DeskAck;
use aisle_domain::{Epoch, Lane, Timestamp};
use rusqlite::Transaction;
use serde_json::json;

use super::{
    FeedApplied, FeedEntry, central, epoch,
    epoch::is_unsettled,
    park,
    plan::{self, Meaning},
    set_position, unpark, whole,
};
use crate::{
    anew,
    error::Result,
    mirror::Identity,
    remirror::{self, Phase, Reason, Remirror},
};

/// A batch of a lane's feed inside its transaction.
pub(super) struct Batch<'t, 'c> {
    tx: &'t Transaction<'c>,
    lane: Lane,
    cluster: &'t str,
    start: i64,
    next: i64,
    at: Timestamp,
    remirror: Option<Remirror>,
    applied: FeedApplied,
}

impl<'t, 'c> Batch<'t, 'c> {
    pub(super) fn new(
        tx: &'t Transaction<'c>,
        (lane, cluster): (Lane, &'t str),
        start: i64,
        remirror: Option<Remirror>,
        at: Timestamp,
    ) -> Self {
        Self { tx, lane, cluster, start, next: start, at, remirror, applied: FeedApplied::default() }
    }

    /// Takes records in their order, until the batch ends with one.
    pub(super) fn take_all(&mut self, identity: &Identity, entries: &[FeedEntry]) -> Result<()> {
        for entry in entries {
            if !self.take(identity, entry)? {
                self.applied.restart = true;
                break;
            }
        }
        Ok(())
    }

    /// Takes one record; false when the batch ends with it.
    fn take(&mut self, identity: &Identity, entry: &FeedEntry) -> Result<bool> {
        if entry.offset < self.start {
            return Ok(true);
        }
        let epoch = entry.message.as_ref().ok().and_then(|message| message.epoch);
        if !self.follow(epoch)? {
            return Ok(false);
        }
        let meaning = plan::meaning(identity, (self.lane, self.cluster), self.start, entry);
        self.apply(entry, epoch, &meaning)?;
        if let Meaning::Ack(ack) = &meaning {
            self.settle(ack, epoch)?;
        }
        self.next = entry.offset + 1;
        self.goes_on()
    }

    /// Another history begins the lane anew, which ends the batch. While it is read from its beginning it may have
    /// several behind each other: the last one counts.
    fn follow(&mut self, epoch: Option<Epoch>) -> Result<bool> {
        let is_reading = self.remirror.as_ref().is_some_and(|r| r.phase == Phase::Reading);
        let Some(found) = epoch.filter(|_| !is_reading) else { return Ok(true) };
        let known = epoch::of_lane(self.tx, self.lane)?;
        if known == Some(found) {
            return Ok(true);
        }
        self.applied.unsettled |= epoch::set(self.tx, self.lane, found)?;
        if known.is_none() {
            return Ok(true);
        }
        let facts = json!({ "before": known, "now": found });
        remirror::begin(self.tx, self.lane, Reason::Epoch, &facts, self.at)?;
        self.remirror = remirror::of_lane(self.tx, self.lane)?;
        self.next = -1;
        Ok(false)
    }

    fn apply(&mut self, entry: &FeedEntry, epoch: Option<Epoch>, meaning: &Meaning<'_>) -> Result<()> {
        let is_stray = matches!(meaning, Meaning::Stray(_));
        let why = if let Meaning::Park(why) | Meaning::Stray(why) = meaning {
            why.clone()
        } else {
            match self.try_to_apply(entry, epoch, meaning)? {
                Ok(one) => {
                    self.applied.merge(one);
                    self.applied.applied += 1;
                    return unpark(self.tx, self.lane, entry);
                }
                Err(why) => why,
            }
        };
        self.applied.parked += 1;
        if let Some(state) = self.remirror.as_mut().filter(|_| !is_stray) {
            remirror::note_unreadable(self.tx, state, entry.record.key_text())?;
        }
        park(self.tx, self.lane, entry, (&why, is_stray), self.at)
    }

    /// The record wholly, with what is noted of it, or nothing of it and why.
    fn try_to_apply(
        &mut self,
        entry: &FeedEntry,
        epoch: Option<Epoch>,
        meaning: &Meaning<'_>,
    ) -> Result<std::result::Result<FeedApplied, String>> {
        let (lane, at) = (self.lane, self.at);
        let mut noted = self.remirror.clone();
        let one = whole(self.tx, |tx| match &mut noted {
            Some(state) => remirror::take(tx, state, (entry.offset, epoch), meaning, at),
            None => central::apply(tx, lane, entry.offset, meaning, at),
        })?;
        if one.is_ok() {
            self.remirror = noted;
        }
        Ok(one)
    }

    /// Central's first answer to what it was asked in another history tells which changes it knows.
    fn settle(&mut self, ack: &DeskAck, epoch: Option<Epoch>) -> Result<()> {
        let may_answer = self.lane == Lane::Orders && ack.heartbeat.is_some();
        if !may_answer || epoch != epoch::of_lane(self.tx, Lane::Orders)? || !is_unsettled(self.tx)? {
            return Ok(());
        }
        if !epoch::is_answer(self.tx, ack)? {
            return Ok(());
        }
        for subject in epoch::settle(self.tx, ack, self.at)? {
            // What does not fold over rows of the history before folds over those that come: nobody is told yet.
            let mut quiet = FeedApplied::default();
            central::fold_after(self.tx, subject, self.at, &mut quiet)?;
            self.applied.merge(FeedApplied { will_be_refused: Vec::new(), outbox: true, ..quiet });
        }
        self.applied.anew |= anew::wanted(self.tx)?.is_some();
        self.applied.settled = true;
        Ok(())
    }

    /// Whether records are taken behind this one.
    fn goes_on(&mut self) -> Result<bool> {
        let Some(state) = &mut self.remirror else { return Ok(true) };
        if state.phase != Phase::Reading || state.read_to.is_some_and(|end| self.next < end) {
            return Ok(true);
        }
        let (known, found) = (epoch::of_lane(self.tx, self.lane)?, state.epoch);
        if let Some(epoch) = found.filter(|_| found != known) {
            // Central has had one more history since this reading began. What it said of this desk's changes was passed over
            // as that of an unknown one, and is read again.
            self.applied.unsettled |= epoch::set(self.tx, self.lane, epoch)?;
            let facts = json!({ "before": known, "now": epoch });
            remirror::begin(self.tx, self.lane, Reason::Epoch, &facts, self.at)?;
            self.remirror = remirror::of_lane(self.tx, self.lane)?;
            self.next = -1;
        } else {
            state.phase = Phase::Taking;
        }
        Ok(false)
    }

    /// Writes what was noted, and the position.
    pub(super) fn finish(self) -> Result<FeedApplied> {
        if let Some(state) = &self.remirror {
            remirror::save(self.tx, state)?;
        }
        if self.next >= 0 {
            set_position(self.tx, self.lane, self.cluster, self.next, self.at)?;
        }
        Ok(self.applied)
    }
}

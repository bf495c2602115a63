//! The work of one process, one turn a call and without threads: a simulation says when, and which partitions.

use std::{
    collections::BTreeMap,
    sync::{Arc, mpsc},
    time::Duration,
};

use aisle_contract::Transport;

use super::{
    Applied, RENEW_EVERY, Shared, WorkOptions,
    housekeeping::Housekeeping,
    worker::{Shift, Slot, Worker},
};
use crate::{Centre, error::CentralError, ledger::Ledger};

/// The work of one process without threads. Dropped, it is a process that was killed: it gives nothing back.
pub struct SteppedWork<'a> {
    shared: Arc<Shared<'a>>,
    shifts: BTreeMap<i32, Shift<'a>>,
    ledger: Option<Ledger>,
    housekeeping: Housekeeping,
    renewed: Option<Duration>,
    offsets: (mpsc::Sender<Applied>, mpsc::Receiver<Applied>),
}

impl<'a> SteppedWork<'a> {
    /// A process that has just started.
    pub fn new(centre: &'a Centre, transport: &'a dyn Transport, options: &'a WorkOptions) -> Self {
        Self {
            shared: Shared::new(centre, transport, options),
            shifts: BTreeMap::new(),
            ledger: None,
            housekeeping: Housekeeping::new(),
            renewed: None,
            offsets: mpsc::channel(),
        }
    }

    /// One turn of every worker, with these partitions assigned to the process: takes leases, applies, publishes, does
    /// what is due once in a while.
    ///
    /// # Errors
    /// [`CentralError::Struck`] where a test ended a worker. All else is waited for.
    pub fn turn(&mut self, partitions: &[i32]) -> Result<(), CentralError> {
        let away: Vec<i32> = self.shifts.keys().filter(|p| !partitions.contains(p)).copied().collect();
        for partition in away {
            if let Some(mut shift) = self.shifts.remove(&partition) {
                self.passed(shift.end())?;
            }
        }
        for partition in partitions {
            self.work_on(*partition)?;
        }
        // Nobody asks how far the partitions are applied.
        self.offsets.1.try_iter().for_each(drop);
        let kept = self.renew().and_then(|()| self.keep_house());
        self.passed(kept).map(|_| ())
    }

    fn work_on(&mut self, partition: i32) -> Result<(), CentralError> {
        if !self.shifts.contains_key(&partition) {
            let slot = Arc::new(Slot::new());
            let worker = Worker::new(Arc::clone(&self.shared), partition, false, slot, self.offsets.0.clone());
            let taken = worker.try_take();
            if let Some(Some(shift)) = self.passed(taken)? {
                self.shifts.insert(partition, shift);
            }
        }
        let Some(shift) = self.shifts.get_mut(&partition) else { return Ok(()) };
        if !shift.is_ready() {
            return Ok(());
        }
        match shift.step() {
            Ok(_) => Ok(()),
            Err(error) => {
                self.shifts.remove(&partition);
                self.passed(Err(error)).map(|_: Option<()>| ())
            }
        }
    }

    /// Passes on only what ends the process.
    fn passed<T>(&self, outcome: Result<T, CentralError>) -> Result<Option<T>, CentralError> {
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(error @ CentralError::Struck { .. }) => Err(error),
            Err(error) => {
                self.shared.tell_waiting(None, &error, Duration::ZERO);
                Ok(None)
            }
        }
    }

    fn own_ledger(&mut self) -> Result<&mut Ledger, CentralError> {
        match &mut self.ledger {
            Some(ledger) => Ok(ledger),
            none => Ok(none.insert(self.shared.centre.ledger()?)),
        }
    }

    fn renew(&mut self) -> Result<(), CentralError> {
        let time = self.shared.centre.monotonic();
        if self.renewed.is_some_and(|at| time.saturating_sub(at) < RENEW_EVERY) || self.shifts.is_empty() {
            return Ok(());
        }
        self.renewed = Some(time);
        let now = self.shared.centre.now();
        let held: Vec<(i32, i64)> = self.shifts.iter().map(|(p, shift)| (*p, shift.term())).collect();
        self.own_ledger()?.write(|tx| tx.renew_leases(&held, now))
    }

    fn keep_house(&mut self) -> Result<(), CentralError> {
        let shared = Arc::clone(&self.shared);
        if !self.housekeeping.is_due(shared.centre.monotonic()) {
            return Ok(());
        }
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => shared.centre.ledger()?,
        };
        let kept = self.housekeeping.run(&shared, &mut ledger);
        self.ledger = Some(ledger);
        kept
    }
}

impl std::fmt::Debug for SteppedWork<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SteppedWork").field("partitions", &self.shifts.keys()).finish_non_exhaustive()
    }
}

//! The reference centre: it applies what the desks of all stores push, exactly once in effect, and publishes rows,
//! acknowledgements and refusals down the stores' feeds. It also simulates a store's days.
//!
//! Everything true at central lies in one database behind the module `ledger`; everything that leaves it was first written to
//! `feed_outbox` in the same transaction as the rows it tells of. Any other centre may take this one's place by
//! keeping the contract.

#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "a method of `Tx<'c>` is not general enough for a transaction's body; the closure is"
)]

mod acts;
mod apply;
mod background;
mod backoff;
pub mod clock;
pub mod error;
pub mod fault;
mod ledger;
mod new_file;
mod publish;
pub mod simulate;
pub mod topics;
pub mod verify;

pub mod views;
pub mod work;

pub use acts::{EnrolOptions, GrantsOptions, ItemChange, NewOrder, NewStore};
pub use background::Background;
pub use clock::{Clock, Stop, SystemClock, system_chance};
pub use error::CentralError;
pub use fault::{FaultPoint, Faults};

pub use simulate::{SimulateEvent, SimulateListener, SimulateOptions, SimulateSummary, Speed};
pub use topics::{TopicsOptions, TopicsReport};
pub use verify::{Check, VerifyReport};
pub use work::{Partitions, SteppedWork, WorkEvent, WorkListener, WorkOptions, WorkReport, WorkSummary};

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use aisle_contract::TopicNames;
use aisle_domain::{Chance, Timestamp};

use ledger::Ledger;

/// The centre over one database file. Cheap to clone; each loop opens a connection of its own.
#[derive(Clone)]
pub struct Centre {
    path: PathBuf,
    names: TopicNames,
    clock: Arc<dyn Clock>,
    chance: Chance,
    gate: Arc<Mutex<()>>,
}

impl std::fmt::Debug for Centre {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Centre").field("path", &self.path).field("names", &self.names).finish_non_exhaustive()
    }
}

impl Centre {
    /// Opens central's database, and makes it when it is not there.
    ///
    /// # Errors
    /// [`CentralError::DbNewer`] for one of a newer program, [`CentralError::NotCentral`] for another file,
    /// [`CentralError::Sql`] when it cannot be opened.
    pub fn open(path: &Path, names: TopicNames, clock: Arc<dyn Clock>) -> Result<Self, CentralError> {
        Self::open_with(path, names, clock, system_chance())
    }

    /// As [`Centre::open`], with randomness from `chance`.
    ///
    /// # Errors
    /// As [`Centre::open`].
    pub fn open_with(
        path: &Path,
        names: TopicNames,
        clock: Arc<dyn Clock>,
        chance: Chance,
    ) -> Result<Self, CentralError> {
        let centre = Self { path: path.into(), names, clock, chance, gate: Arc::default() };
        centre.ledger()?.settle()?;
        Ok(centre)
    }

    /// The names of the topics.
    pub const fn names(&self) -> &TopicNames {
        &self.names
    }

    /// The database file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn ledger(&self) -> Result<Ledger, CentralError> {
        Ledger::open(&self.path, &self.gate, &self.chance, self.clock.now())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) const fn chance(&self) -> &Chance {
        &self.chance
    }

    pub(crate) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

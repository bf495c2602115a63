//! Central's heartbeats: one down the orders feed of each store that listens, again and again. Its silence is noticed
//! by that alone: without them a desk knows it only by an answer that stays away, which it asks for every few minutes.

use std::{collections::BTreeMap, time::Duration};

use aisle_contract::{DownBody, Outgoing, down::CentralHeartbeat, down::FeedRecord, partition_of};
use aisle_domain::{Epoch, Lane, StoreId, Timestamp};

use super::Publisher;
use crate::{
    Centre,
    backoff::Backoff,
    error::CentralError,
    ledger::{Ledger, Tx},
};

/// Two of them fit into the time after which a desk calls central silent.
const EVERY: Duration = Duration::from_secs(17);
/// Between two looks at which stores listen.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// A store listens while one of its desks was heard this lately: three of their heartbeats.
const LISTENS_MS: i64 = 15 * 60 * 1000;

/// When each store's next is due.
#[derive(Debug, Default)]
pub(super) struct Heartbeats {
    looked: Option<Duration>,
    due: BTreeMap<StoreId, Due>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Due {
    at: Duration,
    wait: Backoff,
}

impl Heartbeats {
    fn look(&mut self, tx: &Tx<'_>, partition: i32, now: Timestamp) -> Result<(), CentralError> {
        let partitions = tx.partitions()?;
        let mut listening = tx.listening_stores(now.plus_millis(-LISTENS_MS))?;
        listening.retain(|store| partition_of(*store, partitions) == partition);
        self.due.retain(|store, _| listening.contains(store));
        for store in listening {
            self.due.entry(store).or_default();
        }
        Ok(())
    }

    fn is_due(&self, store: StoreId, time: Duration) -> bool {
        self.due.get(&store).is_some_and(|due| due.at <= time && due.wait.ready(time))
    }

    fn took(&mut self, store: StoreId, is_sent: bool, time: Duration, random: u64) {
        let Some(due) = self.due.get_mut(&store) else { return };
        if is_sent {
            *due = Due { at: time + EVERY, wait: Backoff::default() };
        } else {
            due.wait.fail(time, random);
        }
    }
}

fn encode(
    centre: &Centre,
    store: StoreId,
    epoch: Epoch,
    now: Timestamp,
) -> Result<Option<Outgoing>, CentralError> {
    let body = DownBody::Heartbeat(CentralHeartbeat { central_time: now });
    let record = FeedRecord::of(Lane::Orders, &body)?;
    let id = format!("heartbeat-{store}-{}", now.millis());
    Ok(record.map(|record| record.encode(centre.names(), store, epoch, id, now)))
}

impl Publisher<'_> {
    /// Sends the heartbeats that are due. One that a feed does not take is tried again later; nobody waits for it.
    pub(crate) fn beat(&mut self, ledger: &mut Ledger) -> Result<(), CentralError> {
        let (now, time) = (self.centre.now(), self.centre.monotonic());
        let (partition, beats) = (self.partition, &mut self.heartbeats);
        if beats.looked.is_none_or(|at| time.saturating_sub(at) >= LOOK_EVERY) {
            ledger.read(|tx| beats.look(tx, partition, now))?;
            beats.looked = Some(time);
        }
        let stores: Vec<StoreId> = beats.due.keys().filter(|store| beats.is_due(**store, time)).copied().collect();
        if stores.is_empty() {
            return Ok(());
        }
        // Read each time: a word of a history that is over would have desks go back to it.
        let epoch = ledger.read(|tx| tx.epoch())?;
        let mut records = Vec::with_capacity(stores.len());
        for store in &stores {
            records.extend(encode(self.centre, *store, epoch, now)?);
        }
        if records.is_empty() {
            return Ok(());
        }
        let reports = self.send(records);
        for (store, report) in stores.iter().zip(&reports) {
            self.heartbeats.took(*store, report.is_ok(), time, self.centre.chance().draw());
        }
        Ok(())
    }
}

//! What has to be done once in a while, and whether everything is done.

use std::{sync::atomic::Ordering, time::Duration};

use aisle_contract::partition_of;
use aisle_domain::{Planted, Timestamp, is_planted};

use super::{ASK_WITHIN, Partitions, Shared, WorkEventKind};
use crate::{acts, error::CentralError, ledger::Ledger};

const EVERY: Duration = Duration::from_secs(1);
const FORGET_EVERY: Duration = Duration::from_hours(1);
/// Steps of filling feeds again and of forgetting in one turn: leases are renewed in between.
const STEPS: usize = 25;
/// A machine that was away learns of a topic's partitions within less.
const FEWER_FOR_MS: i64 = 10_000;
const LOOK_AT_CLUSTER_EVERY: Duration = Duration::from_secs(2);

/// When what was done last.
pub(super) struct Housekeeping {
    done: Option<Duration>,
    forgot: Option<Duration>,
    looked: Option<Duration>,
    cluster: Option<String>,
}

fn is_over(since: Option<Duration>, span: Duration, now: Duration) -> bool {
    since.is_none_or(|at| now.saturating_sub(at) >= span)
}

impl Housekeeping {
    pub(super) const fn new() -> Self {
        Self { done: None, forgot: None, looked: None, cluster: None }
    }

    pub(super) fn is_due(&self, now: Duration) -> bool {
        is_over(self.done, EVERY, now)
    }

    /// Ends orders that nobody accepted in time, sends digests that are due and what a worker may have written late, forgets
    /// what is old, and follows the topic as it grows.
    pub(super) fn run(&mut self, shared: &Shared<'_>, ledger: &mut Ledger) -> Result<(), CentralError> {
        let time = shared.centre.monotonic();
        self.done = Some(time);
        let now = shared.centre.now();
        acts::miss_overdue(ledger, now)?;
        let due = ledger.read(|tx| tx.digests_due(now))?;
        if !due.is_empty() {
            ledger.write(|tx| due.iter().try_for_each(|store| tx.cut_digests(*store, false, now)))?;
        }
        if ledger.read(|tx| tx.suspects_are_due(now))? {
            let rows = ledger.write(|tx| tx.send_suspects_again(now))?;
            tracing::info!(rows, "sent again, since a worker that was replaced may have written older ones late");
        }
        if !ledger.read(|tx| tx.feeds_are_full())? {
            for _ in 0..STEPS {
                if ledger.write(|tx| tx.refill_some(now))?.is_none() {
                    break;
                }
            }
        }
        if is_over(self.forgot, FORGET_EVERY, time) {
            for _ in 0..STEPS {
                if ledger.write(|tx| tx.forget_some(now))? == 0 {
                    self.forgot = Some(time);
                    break;
                }
            }
        }
        if is_over(self.looked, LOOK_AT_CLUSTER_EVERY, time) {
            let cluster = follow_growth(shared, ledger)?;
            self.looked = Some(time);
            if self.cluster.as_ref().is_some_and(|seen| *seen != cluster) {
                shared.clusters.fetch_add(1, Ordering::SeqCst);
            }
            self.cluster = Some(cluster);
        }
        Ok(())
    }
}

/// Moves the homes of all stores to the topic's partition count: when every partition is read as far as it went when
/// the growth to this count was seen; when there are fewer, which only another topic can have, once that lasts. Answers the
/// cluster's id.
pub(super) fn follow_growth(shared: &Shared<'_>, ledger: &mut Ledger) -> Result<String, CentralError> {
    let topic = shared.centre.names().changes();
    let view = shared.transport.metadata(std::slice::from_ref(&topic), ASK_WITHIN)?;
    let found = view.topic(&topic).and_then(|t| i32::try_from(t.partitions.len()).ok()).unwrap_or(0);
    let now = shared.centre.now();
    if !is_planted(Planted::RowsStayBehind)
        && ledger.read(|tx| tx.needs_refill(&view.cluster_id))?
        && ledger.write(|tx| tx.follow_cluster(&view.cluster_id))?
    {
        tracing::warn!(cluster = %view.cluster_id, "another cluster than before: every feed is filled again");
    }
    let (partitions, growing_to, saw_fewer) =
        ledger.read(|tx| Ok((tx.partitions()?, tx.growing_to()?, tx.saw_fewer()?)))?;
    if saw_fewer && found >= partitions {
        ledger.write(|tx| tx.forget_fewer())?;
    }
    if found == partitions || found == 0 {
        return Ok(view.cluster_id);
    }
    if found < partitions && !is_lasting(ledger, (&view.cluster_id, found), now)? {
        return Ok(view.cluster_id);
    }
    if found > partitions && growing_to != Some(found) {
        let mut ends = Vec::new();
        for partition in 0..found {
            let bounds = shared.transport.bounds(&topic, partition, ASK_WITHIN)?;
            ends.push((partition, if bounds.high > bounds.low { bounds.high } else { 0 }));
        }
        ledger.write(|tx| tx.begin_growth(found, &ends, now))?;
    }
    let moved = ledger.write(|tx| {
        let ready = found < partitions || tx.growth_left(&view.cluster_id)? == Some(0);
        if ready && tx.partitions()? != found {
            tx.set_partitions(found, now)?;
            tx.forget_fewer()?;
            return Ok(true);
        }
        Ok(false)
    })?;
    if moved {
        shared.tell(WorkEventKind::Moved { partitions: found });
    }
    Ok(view.cluster_id)
}

/// Whether fewer partitions than are in force is more than what a machine remembers from before the topic has grown.
fn is_lasting(ledger: &mut Ledger, seen: (&str, i32), now: Timestamp) -> Result<bool, CentralError> {
    let since = ledger.write(|tx| tx.fewer_since(seen, now))?;
    Ok(now.since(since) >= FEWER_FOR_MS)
}

/// Whether every partition in question is applied to its end and nothing waits to be published.
pub(super) fn all_done(shared: &Shared<'_>, ledger: &mut Ledger) -> Result<bool, CentralError> {
    let topic = shared.centre.names().changes();
    let view = shared.transport.metadata(std::slice::from_ref(&topic), ASK_WITHIN)?;
    let Some(found) = view.topic(&topic) else { return Ok(false) };
    let ours: Vec<i32> = match &shared.options.partitions {
        Partitions::All => found.partitions.iter().map(|p| p.id).collect(),
        Partitions::These(partitions) => partitions.clone(),
    };
    for partition in &ours {
        let bounds = shared.transport.bounds(&topic, *partition, ASK_WITHIN)?;
        let position = ledger.read(|tx| tx.position(*partition))?;
        let applied = position.is_some_and(|(cluster, next)| cluster == view.cluster_id && next >= bounds.high);
        if bounds.high > bounds.low && !applied {
            return Ok(false);
        }
    }
    ledger.read(|tx| {
        let partitions = tx.partitions()?;
        let is_ours = |store| ours.contains(&partition_of(store, partitions));
        Ok(tx.feeds_are_full()? && tx.waiting_feeds(is_ours)?.is_empty())
    })
}

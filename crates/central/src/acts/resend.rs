//! Rows that go down the feeds again although nothing in them changed: after a new epoch, and where the cluster is another
//! one than before, whose feeds are empty.

use aisle_contract::DownBody;
use aisle_domain::{Lane, Store, StoreId, Timestamp};
use serde::{Deserialize, Serialize};

use super::STEP;
use crate::{
    error::CentralError,
    ledger::{Feed, Ledger, Tx},
};

/// Sends a store's row down its feed.
pub(super) fn send_store(tx: &Tx<'_>, store: &Store, now: Timestamp) -> Result<(), CentralError> {
    let feed = Feed { store: store.store_id, lane: Lane::Orders };
    tx.enqueue(feed, &DownBody::Store(Box::new(store.clone())), now)
}

/// Sends the next rows of one lane beyond `after`: the last that was sent and how many, `None` when there are no more.
fn send_some(tx: &Tx<'_>, feed: Feed, after: i64, now: Timestamp) -> Result<Option<(i64, usize)>, CentralError> {
    let (last, bodies): (_, Vec<DownBody>) = match feed.lane {
        Lane::Orders => {
            let orders = tx.orders(feed.store, after, STEP)?;
            let last = orders.last().map(|order| order.order_id.get());
            (last, orders.into_iter().map(|order| DownBody::Order(Box::new(order))).collect())
        }
        Lane::Catalog => {
            let items = tx.items(feed.store, after, STEP)?;
            let last = items.last().map(|item| item.item_id.get());
            (last, items.into_iter().map(|item| DownBody::Item(Box::new(item))).collect())
        }
    };
    bodies.iter().try_for_each(|body| tx.enqueue(feed, body, now))?;
    Ok(last.map(|last| (last, bodies.len())))
}

/// The word by which a desk knows that it has all of them.
fn send_digests(tx: &Tx<'_>, store: StoreId, now: Timestamp) -> Result<(), CentralError> {
    tx.touch_digests(store)?;
    tx.cut_digests(store, true, now)
}

/// Sends every order and item of a store down its feeds as they are, then the digests. Answers how many rows.
pub(super) fn send_rows(ledger: &mut Ledger, store: StoreId, now: Timestamp) -> Result<usize, CentralError> {
    let mut sent = 0;
    for lane in Lane::ALL {
        let mut after = 0;
        while let Some((last, count)) = ledger.write(|tx| send_some(tx, Feed { store, lane }, after, now))? {
            (after, sent) = (last, sent + count);
        }
    }
    ledger.write(|tx| send_digests(tx, store, now))?;
    Ok(sent)
}

/// How far all rows have been sent to a cluster that is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Resend {
    cluster: String,
    store: StoreId,
    lane: Lane,
    after: i64,
}

/// Sends all rows of all stores again where the cluster is another one than before: its feeds are empty. One step a
/// call, which any process may take: where it stands is in SQL. True while there is more to do.
pub(crate) fn follow_cluster(ledger: &mut Ledger, cluster: &str, now: Timestamp) -> Result<bool, CentralError> {
    if ledger.read(|tx| tx.cluster())?.as_deref() == Some(cluster) {
        return Ok(false);
    }
    ledger.write(|tx| {
        let Some(known) = tx.cluster()? else {
            tx.set_cluster(cluster)?;
            return Ok(false);
        };
        if known == cluster {
            return Ok(false);
        }
        let begun: Option<Resend> = tx.resend()?.filter(|resend: &Resend| resend.cluster == cluster);
        let next = match begun {
            None => first_of(tx, cluster, None, now)?,
            Some(at) => step(tx, at, now)?,
        };
        tx.set_resend(next.as_ref())?;
        if next.is_none() {
            tx.set_cluster(cluster)?;
        }
        Ok(next.is_some())
    })
}

fn step(tx: &Tx<'_>, at: Resend, now: Timestamp) -> Result<Option<Resend>, CentralError> {
    let feed = Feed { store: at.store, lane: at.lane };
    if let Some((after, _)) = send_some(tx, feed, at.after, now)? {
        return Ok(Some(Resend { after, ..at }));
    }
    match at.lane {
        Lane::Orders => Ok(Some(Resend { lane: Lane::Catalog, after: 0, ..at })),
        Lane::Catalog => {
            send_digests(tx, at.store, now)?;
            first_of(tx, &at.cluster, Some(at.store), now)
        }
    }
}

/// Begins with the store behind this one.
fn first_of(
    tx: &Tx<'_>,
    cluster: &str,
    behind: Option<StoreId>,
    now: Timestamp,
) -> Result<Option<Resend>, CentralError> {
    let next = tx.stores()?.into_iter().filter(|store| Some(store.store_id) > behind).min_by_key(|s| s.store_id);
    let Some(store) = next else { return Ok(None) };
    send_store(tx, &store, now)?;
    Ok(Some(Resend { cluster: cluster.into(), store: store.store_id, lane: Lane::Orders, after: 0 }))
}

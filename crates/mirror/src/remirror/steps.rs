//! What is done once a feed was read: in small transactions, so that whoever acts meanwhile waits for none of them.

use aisle_domain::{Item, ItemId, Lane, Order, OrderId, Store, Subject, Timestamp};
use rusqlite::{Connection, Transaction, params};
use serde_json::json;

use super::{
    BEFORE_ALL, Phase, Remirror, log,
    notes::{self, Mirrored},
    of_lane, save,
};
use crate::{
    error::Result,
    feed::{self, FeedApplied, central},
    mirror::Mirror,
    orders,
};

/// Rows a transaction, and notes that one throws away.
const STEP: i64 = 500;
const CLEARED: i64 = 5_000;

impl Mirror {
    /// One step of a lane's re-mirroring that needs no record. `None` when there is nothing to do but to read.
    pub fn remirror_step(&self, lane: Lane, at: Timestamp) -> Result<Option<FeedApplied>> {
        let Some(state) = self.read(|conn| of_lane(conn, lane))? else { return Ok(None) };
        match state.phase {
            Phase::Reading => Ok(None),
            Phase::Waiting => {
                let over = self.read(|conn| may_sweep(conn, &state))?;
                if over { self.write(|tx| enter(tx, state, Phase::PuttingBack)).map(Some) } else { Ok(None) }
            }
            Phase::Taking => self.write(|tx| take_over(tx, state, at)).map(Some),
            Phase::PuttingBack => self.write(|tx| put_back(tx, state, at)).map(Some),
            Phase::Sweeping => {
                // Looked for without the writer's lock: only this lane's reader removes or adds rows of central's.
                let gone = self.read(|conn| unseen(conn, &state))?;
                self.write(|tx| sweep(tx, state, &gone, at)).map(Some)
            }
            Phase::Clearing => self.write(|tx| clear(tx, &state)).map(|()| Some(FeedApplied::default())),
        }
    }
}

/// Whether what was seen is all that central has, and central has told what it knows of this desk's changes: those
/// that it forgot are to be in the fold before their rows go.
fn may_sweep(conn: &Connection, state: &Remirror) -> Result<bool> {
    let settled = feed::settled_epoch(conn)?;
    let settled = state.epoch.is_none() || settled.is_none() || settled == state.epoch;
    Ok(state.agreed && settled)
}

fn enter(tx: &Transaction<'_>, state: Remirror, phase: Phase) -> Result<FeedApplied> {
    save(tx, &Remirror { phase, after: BEFORE_ALL, ..state })?;
    Ok(FeedApplied::default())
}

/// The next rows that the mirror has otherwise: number and row.
fn noted(conn: &Connection, state: &Remirror) -> Result<Vec<(i64, String)>> {
    let mut statement = conn.prepare_cached(
        "SELECT id, row FROM seen WHERE lane = ?1 AND id > ?2 AND row IS NOT NULL ORDER BY id LIMIT ?3",
    )?;
    let rows = statement
        .query_map(params![state.lane.word(), state.after, STEP], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<std::result::Result<_, _>>()?)
}

fn subject(lane: Lane, id: i64) -> Result<Subject> {
    Ok(match (lane, id) {
        (Lane::Orders, 0) => Subject::Store,
        (Lane::Orders, id) => Subject::Order(OrderId::new(id)?),
        (Lane::Catalog, id) => Subject::Item(ItemId::new(id)?),
    })
}

/// Applies a noted row: by its version, or as it is. Its note goes once the mirror has it.
fn apply(
    tx: &Transaction<'_>,
    lane: Lane,
    (id, json): (i64, &str),
    as_it_is: bool,
    at: Timestamp,
) -> Result<FeedApplied> {
    let subject = subject(lane, id)?;
    let mut applied = FeedApplied::default();
    let has_it = match subject {
        Subject::Order(_) => {
            let row: Order = serde_json::from_str(json)?;
            orders::claim_numbers(tx, &row)?;
            central::order(tx, &row, as_it_is, at, &mut applied)?;
            is_mirrored(tx, subject, &row)?
        }
        Subject::Item(_) => {
            let row: Item = serde_json::from_str(json)?;
            central::item(tx, &row, as_it_is, at, &mut applied)?;
            is_mirrored(tx, subject, &row)?
        }
        Subject::Store => {
            let row: Store = serde_json::from_str(json)?;
            central::the_store(tx, &row, as_it_is, at, &mut applied)?;
            is_mirrored(tx, subject, &row)?
        }
    };
    if has_it {
        tx.prepare_cached("UPDATE seen SET row = NULL WHERE lane = ?1 AND id = ?2")?
            .execute(params![lane.word(), id])?;
    }
    Ok(applied)
}

fn is_mirrored<T: Mirrored>(tx: &Transaction<'_>, subject: Subject, row: &T) -> Result<bool> {
    Ok(notes::base::<T>(tx, subject)?.as_ref() == Some(row))
}

/// Rows that are new, or newer than what is shown, are shown as they are now: no version in between ever is. A row that
/// no table takes is left out; the next one of its kind comes through the feed.
fn apply_each(
    tx: &Transaction<'_>,
    state: &mut Remirror,
    rows: &[(i64, String)],
    as_it_is: bool,
    at: Timestamp,
) -> Result<FeedApplied> {
    let mut applied = FeedApplied::default();
    for (id, json) in rows {
        state.after = *id;
        match feed::whole(tx, |tx| apply(tx, state.lane, (*id, json), as_it_is, at))? {
            Ok(one) => applied.merge(one),
            Err(why) => tracing::warn!(lane = state.lane.word(), id, why, "a row could not be taken over"),
        }
    }
    Ok(applied)
}

fn take_over(tx: &Transaction<'_>, mut state: Remirror, at: Timestamp) -> Result<FeedApplied> {
    let rows = noted(tx, &state)?;
    if rows.is_empty() {
        return enter(tx, state, Phase::Waiting);
    }
    let applied = apply_each(tx, &mut state, &rows, false, at)?;
    save(tx, &state)?;
    Ok(applied)
}

fn put_back(tx: &Transaction<'_>, mut state: Remirror, at: Timestamp) -> Result<FeedApplied> {
    let rows = noted(tx, &state)?;
    if rows.is_empty() {
        return enter(tx, state, Phase::Sweeping);
    }
    state.put_back += i64::try_from(rows.len()).unwrap_or(0);
    let applied = apply_each(tx, &mut state, &rows, true, at)?;
    save(tx, &state)?;
    Ok(applied)
}

/// The next rows that central does not have. What only this desk has yet is not central's to miss.
fn unseen(conn: &Connection, state: &Remirror) -> Result<Vec<i64>> {
    let sql = match state.lane {
        Lane::Orders => {
            "SELECT order_id FROM orders o WHERE order_id > ?1
                 AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.lane = 'orders' AND s.id = o.order_id)
                 AND NOT EXISTS (SELECT 1 FROM bases b WHERE b.kind = 'order' AND b.id = o.order_id AND b.row IS NULL)
             ORDER BY order_id LIMIT ?2"
        }
        Lane::Catalog => {
            "SELECT item_id FROM items i WHERE item_id > ?1
                 AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.lane = 'catalog' AND s.id = i.item_id)
                 AND NOT EXISTS (SELECT 1 FROM bases b WHERE b.kind = 'item' AND b.id = i.item_id AND b.row IS NULL)
             ORDER BY item_id LIMIT ?2"
        }
    };
    let mut statement = conn.prepare_cached(sql)?;
    let found = statement.query_map(params![state.after, STEP], |row| row.get(0))?;
    Ok(found.collect::<std::result::Result<_, _>>()?)
}

fn sweep(tx: &Transaction<'_>, mut state: Remirror, gone: &[i64], at: Timestamp) -> Result<FeedApplied> {
    let mut applied = FeedApplied::default();
    let Some(last) = gone.last() else {
        let body = json!({
            "lane": state.lane.word(), "why": state.why.word(), "rows": state.rows.count, "put_back": state.put_back,
            "removed": state.swept,
        });
        log(tx, "feed.remirrored", &body, at)?;
        return enter(tx, state, Phase::Clearing);
    };
    for id in gone {
        match subject(state.lane, *id)? {
            Subject::Order(order) => central::gone_order(tx, order, at, &mut applied)?,
            Subject::Item(item) => central::gone_item(tx, item, at, &mut applied)?,
            Subject::Store => {}
        }
    }
    state.after = *last;
    state.swept += i64::try_from(gone.len()).unwrap_or(0);
    save(tx, &state)?;
    Ok(applied)
}

fn clear(tx: &Transaction<'_>, state: &Remirror) -> Result<()> {
    let cleared = tx
        .prepare_cached(
            "DELETE FROM seen WHERE lane = ?1 AND id IN (SELECT id FROM seen WHERE lane = ?1 ORDER BY id LIMIT ?2)",
        )?
        .execute(params![state.lane.word(), CLEARED])?;
    if cleared == 0 {
        tx.prepare_cached("DELETE FROM remirrors WHERE lane = ?1")?.execute([state.lane.word()])?;
    }
    Ok(())
}

//! An act: validate, decide, write rows, audit and outbox, in one transaction. "Done" means this has answered.

use aisle_contract::{MAX_VALUE_BYTES, up};
use aisle_domain::{
    Change, ChangeId, Context, Item, Order, OrderId, OrderStatus, Outcome, Refusal, Store, Subject, Timestamp,
    decide, fold, item::ChangedBy,
};
use rusqlite::Transaction;
use serde_json::json;

use crate::{
    alarms,
    audit::{self, Entry},
    bases::{self, Kind},
    conflicts,
    error::{ActError, MirrorError, Result},
    items,
    mirror::Mirror,
    orders,
    outbox::{self, ChangeState},
    prices::PriceSource,
    refold, store,
};

/// What a person, or a rule they set, does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// Its identity, for ever.
    pub change_id: ChangeId,
    /// The act.
    pub change: Change,
    /// Who acts.
    pub by: String,
    /// When, by this computer's clock.
    pub at: Timestamp,
    /// Whether its number waits until it is released.
    pub held: bool,
    /// The refused change that it mends.
    pub replaces: Option<ChangeId>,
}

/// The largest body of a change, bytes: room is left for its envelope.
const LARGEST: usize = MAX_VALUE_BYTES - 4096;

type Acted<T> = std::result::Result<T, ActError>;

impl Mirror {
    /// Commits an act: when this answers, it is on the disk.
    ///
    /// # Errors
    /// [`ActError::Refused`] when a rule forbids it; nothing is written then.
    pub fn act(&self, new: &NewChange) -> Acted<Subject> {
        let subject = new.change.subject();
        self.transact(|tx| {
            if let Some(known) = outbox::load(tx, new.change_id)? {
                // The same act once more, told twice by an impatient screen: it is done.
                return if known.change == new.change { Ok(subject) } else { Err(Refusal::IdTaken.into()) };
            }
            let body = up::body_of(&new.change).map_err(MirrorError::from)?;
            check_size(&body)?;
            match subject {
                Subject::Order(id) => on_order(tx, id, new)?,
                Subject::Item(_) => on_item(tx, new)?,
                Subject::Store => on_store(tx, new)?,
            }
            outbox::append(tx, new, &body)?;
            let entry = Entry {
                at: new.at,
                kind: new.change.type_word(),
                subject,
                by: Some(&new.by),
                change_id: Some(new.change_id),
                body: &body,
            };
            audit::append(tx, &entry)?;
            match (new.replaces, &new.change) {
                (Some(replaced), Change::ItemChanged(change)) => {
                    conflicts::close_fields(tx, replaced, &change.changes.fields(), new.at)?;
                }
                (Some(replaced), _) => conflicts::close_of(tx, replaced, new.at)?,
                (None, _) => {}
            }
            Ok(subject)
        })
    }

    /// Takes back a change that never had a number.
    ///
    /// # Errors
    /// [`ActError::Numbered`] for one that has or had one: central may know it.
    pub fn withdraw(&self, id: ChangeId, by: &str, at: Timestamp) -> Acted<Subject> {
        self.transact(|tx| {
            let missing = || MirrorError::NotFound { what: format!("change {id} in this desk's outbox") };
            let row = outbox::load(tx, id)?.ok_or_else(missing)?;
            if !row.is_undoable() {
                return Err(ActError::Numbered);
            }
            let subject = row.change.subject();
            outbox::delete(tx, id)?;
            if let Some(replaced) = row.replaces {
                conflicts::reopen(tx, replaced, row.at)?;
            }
            let body = &json!({ "type": row.change.type_word() }).to_string();
            let entry = Entry { at, kind: "withdrawn", subject, by: Some(by), change_id: Some(id), body };
            audit::append(tx, &entry)?;
            refold::refold(tx, subject, PriceSource { by: Some(by), source: "here", at })?;
            Ok(subject)
        })
    }

    /// Closes a refused change that needs no fix: what central has is kept. Its conflicts are closed with it.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where there is no such refused change.
    pub fn close(&self, id: ChangeId, by: &str, at: Timestamp) -> Result<Subject> {
        self.write(|tx| {
            let missing = || MirrorError::NotFound { what: format!("refused change {id} in this desk's outbox") };
            let row = outbox::load(tx, id)?.filter(|row| row.state == ChangeState::Refused).ok_or_else(missing)?;
            let subject = row.change.subject();
            if !row.closed {
                outbox::close(tx, id, at)?;
                conflicts::close_of(tx, id, at)?;
                let body = &json!({ "type": row.change.type_word() }).to_string();
                let entry = Entry { at, kind: "change.closed", subject, by: Some(by), change_id: Some(id), body };
                audit::append(tx, &entry)?;
            }
            Ok(subject)
        })
    }

    /// Keeps central's value of a field that both changed. With its last conflict the refused change is closed.
    ///
    /// # Errors
    /// [`MirrorError::NotFound`] where there is no such open conflict.
    pub fn keep_central(&self, conflict: i64, by: &str, at: Timestamp) -> Result<Subject> {
        self.write(|tx| {
            let missing = || MirrorError::NotFound { what: format!("open conflict {conflict}") };
            let found = conflicts::load(tx, conflict)?.ok_or_else(missing)?;
            let subject = Subject::Item(found.item);
            if conflicts::close_one(tx, &found, at)? == 0 {
                outbox::close(tx, found.change_id, at)?;
            }
            let body = &json!({ "field": found.field.word() }).to_string();
            let change_id = Some(found.change_id);
            audit::append(
                tx,
                &Entry { at, kind: "conflict.kept_central", subject, by: Some(by), change_id, body },
            )?;
            Ok(subject)
        })
    }

    /// Ends the hold of one change, or of all: they may be numbered from now on. Answers how many.
    pub fn release(&self, id: Option<ChangeId>) -> Result<usize> {
        self.write(|tx| outbox::release(tx, id))
    }
}

/// What no topic takes is refused here, where a person can still do something about it.
fn check_size(body: &str) -> Acted<()> {
    let bytes = body.len();
    if bytes <= LARGEST {
        return Ok(());
    }
    let what = format!("the change is too large to be sent: {bytes} bytes of at most {LARGEST}");
    Err(Refusal::BadValue { what }.into())
}

/// An act that changes nothing is told, not sent.
fn nothing_to_do(order: &Order, change: &Change, by: Option<String>, at: Option<Timestamp>) -> Refusal {
    if !change.is_decision() {
        return Refusal::BadValue { what: format!("nothing to change on order {}", order.order_id) };
    }
    Refusal::AlreadyDecided {
        by: by.or_else(|| order.decided_by.clone()),
        at: at.or(order.decided_at).unwrap_or(order.queued_time),
        status: order.status,
    }
}

fn on_order(tx: &Transaction<'_>, id: OrderId, new: &NewChange) -> Acted<()> {
    let missing = || Refusal::NotFound { what: format!("order {id} in this store's mirror") };
    let shown = orders::load(tx, id)?.ok_or_else(missing)?;
    let (policies, reasons) = refold::rules(tx)?;
    let context = Context { policies: &policies, reasons: &reasons, superseded: &[], by: &new.by, at: new.at };
    let mut next = shown.clone();
    match decide::apply(&mut next, &new.change, &context)? {
        Outcome::Applied => {}
        Outcome::Already { by, at } => return Err(nothing_to_do(&shown, &new.change, by, at).into()),
    }
    if bases::load::<Order>(tx, Kind::Order, id.get())?.is_none() {
        bases::store(tx, Kind::Order, id.get(), Some((&shown, shown.version)))?;
    }
    orders::write(tx, &next, Some(&shown))?;
    if next.status != OrderStatus::New {
        alarms::settle(tx, id, next.status)?;
    }
    Ok(())
}

fn on_item(tx: &Transaction<'_>, new: &NewChange) -> Acted<()> {
    let Subject::Item(id) = new.change.subject() else {
        return Err(Refusal::NotUnderstood { what: new.change.type_word().into() }.into());
    };
    let shown = items::load(tx, id)?;
    let (policies, _) = refold::rules(tx)?;
    let who = ChangedBy { by: new.by.clone(), at: new.at };
    let mut next = shown.clone();
    fold::apply_item(&mut next, &new.change, &policies.fields, &who)?;
    if next == shown {
        return Err(Refusal::BadValue { what: format!("nothing to change on item {id}") }.into());
    }
    if bases::load::<Item>(tx, Kind::Item, id.get())?.is_none() {
        bases::store(tx, Kind::Item, id.get(), shown.as_ref().map(|item| (item, item.version)))?;
    }
    let from = PriceSource { by: Some(&new.by), source: "here", at: new.at };
    refold::write_item(tx, shown.as_ref(), next.as_ref(), id, from)?;
    Ok(())
}

fn on_store(tx: &Transaction<'_>, new: &NewChange) -> Acted<()> {
    let missing = || Refusal::NotFound { what: "row of this store yet".into() };
    let shown = store::load(tx)?.ok_or_else(missing)?;
    let mut next = shown.clone();
    fold::apply_store(&mut next, &new.change)?;
    if next == shown {
        return Err(Refusal::BadValue { what: "nothing to change on the store".into() }.into());
    }
    if bases::load::<Store>(tx, Kind::Store, 0)?.is_none() {
        bases::store(tx, Kind::Store, 0, Some((&shown, shown.version)))?;
    }
    store::write(tx, &next)?;
    Ok(())
}

//! What needs somebody: refused changes sent again or closed, fields that both sides changed, messages that could not be
//! applied.

use std::path::Path;

use aisle_domain::{
    Change, ChangeId, Field, Item, ItemEdits, Lane, Money, OrderId, OrderStatus, Right, Subject,
    change::{ItemChanged, LineSeen, Override},
    item::Edit,
};
use aisle_mirror::{ChangeState, Conflict, OutboxRow, Reason, Retried, conflicts, feed, items, outbox, parked};
use serde_json::json;

use crate::{
    catalog::{ItemFields, set_field},
    desk::Desk,
    error::AppError,
    present,
    views::{ActReceipt, ConflictView},
};

const CONFLICTS: usize = 1000;

/// Which value of a field stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// This desk's: it is sent again, from central's value.
    Mine,
    /// Central's.
    Central,
}

impl Desk {
    /// Fields that desk and central both changed, oldest first.
    pub fn conflicts(&self) -> Result<Vec<ConflictView>, AppError> {
        let open = self.mirror.read(|conn| conflicts::list(conn, CONFLICTS))?;
        open.iter().map(|conflict| self.conflict_view(conflict)).collect()
    }

    fn conflict_view(&self, conflict: &Conflict) -> Result<ConflictView, AppError> {
        let (change, item) = self
            .mirror
            .read(|conn| Ok((outbox::load(conn, conflict.change_id)?, items::load(conn, conflict.item)?)))?;
        let (before, mine) = match change.map(|row| row.change) {
            Some(Change::ItemChanged(change)) => edit_text(&change.changes, conflict.field),
            _ => (None, None),
        };
        let last = item.as_ref().and_then(|item| item.changed.get(&conflict.field));
        Ok(ConflictView {
            conflict_id: conflict.conflict_id.to_string(),
            item_id: conflict.item.to_string(),
            field: conflict.field.word(),
            before,
            mine,
            central: item.as_ref().and_then(|item| field_text(item, conflict.field)),
            by: last.map(|changed| changed.by.clone()),
            at: last.map_or(conflict.at, |changed| changed.at).to_string(),
        })
    }

    /// Decides a field that both changed.
    pub fn resolve(&self, id: i64, keep: Keep) -> Result<ActReceipt, AppError> {
        let missing = || AppError::NotFound(format!("open conflict {id}"));
        let conflict = self.mirror.read(|conn| conflicts::load(conn, id))?.ok_or_else(missing)?;
        if keep == Keep::Central {
            let subject = self.mirror.keep_central(id, &self.require(Right::Catalog)?.name, self.now())?;
            return Ok(self.mended(conflict.change_id, subject));
        }
        let mine = self.conflict_view(&conflict)?.mine.unwrap_or_default();
        let item = self.require_item(conflict.item)?;
        let mut edits = ItemEdits::default();
        set_field(&mut edits, &item, conflict.field.word(), &mine)?;
        if edits.is_empty() {
            // It has that value meanwhile: nothing is left to send.
            let subject = self.mirror.keep_central(id, &self.require(Right::Catalog)?.name, self.now())?;
            return Ok(self.mended(conflict.change_id, subject));
        }
        let change = Change::ItemChanged(ItemChanged { item: conflict.item, changes: edits });
        self.act(change, false, Some(conflict.change_id))
    }

    /// Closes a refused change that needs no fix.
    pub fn close_change(&self, id: ChangeId) -> Result<ActReceipt, AppError> {
        self.require_refused(id)?;
        let subject = self.mirror.close(id, &self.person()?, self.now())?;
        Ok(self.mended(id, subject))
    }

    fn mended(&self, id: ChangeId, subject: Subject) -> ActReceipt {
        self.changed(subject);
        ActReceipt { change_id: id.to_string(), state: "saved", subject: subject.to_string(), undo: None }
    }

    fn require_refused(&self, id: ChangeId) -> Result<OutboxRow, AppError> {
        let row = self.mirror.read(|conn| outbox::load(conn, id))?;
        let row = row.ok_or_else(|| AppError::NotFound(format!("change {id} in this desk's outbox")))?;
        if row.state != ChangeState::Refused {
            let message = format!("change {id} is {}, and only a refused one is mended", row.state.word());
            return Err(AppError::Input { code: "not_refused", message });
        }
        Ok(row)
    }

    /// Sends a refused change again: a new one with the same intent, from what is there now, with these values instead
    /// of its own where some are given.
    pub fn resend(&self, id: ChangeId, fields: &ItemFields) -> Result<ActReceipt, AppError> {
        let row = self.require_refused(id)?;
        let mut left = fields.clone();
        let change = self.again(row.change, &mut left)?;
        if let Some(field) = left.keys().next() {
            let message = format!("\"{field}\" is not a value of this change that can be given anew");
            return Err(AppError::Input { code: "bad_value", message });
        }
        self.act(change, false, Some(id))
    }

    /// The same intent, from what is there now. Takes the fields that it uses.
    fn again(&self, change: Change, fields: &mut ItemFields) -> Result<Change, AppError> {
        Ok(match change {
            Change::ItemChanged(change) => {
                let item = self.require_item(change.item)?;
                let mut edits = ItemEdits::default();
                for field in change.changes.fields() {
                    let mine = edit_text(&change.changes, field).1.unwrap_or_default();
                    let text = fields.remove(field.word()).unwrap_or(mine);
                    set_field(&mut edits, &item, field.word(), text.trim())?;
                }
                for (field, text) in std::mem::take(fields) {
                    set_field(&mut edits, &item, &field, text.trim())?;
                }
                if edits.is_empty() {
                    let message = format!("nothing to send: item {} has these values already", change.item);
                    return Err(AppError::Input { code: "bad_value", message });
                }
                Change::ItemChanged(ItemChanged { item: change.item, changes: edits })
            }
            Change::ItemCreated(mut change) => {
                if let Some(name) = fields.remove("name") {
                    aisle_domain::item::check_name(&name)?;
                    change.item.name = name.trim().into();
                }
                if let Some(price) = fields.remove("unit_price") {
                    change.item.unit_price = Money::parse_non_negative(&price)?;
                }
                if let Some(barcode) = fields.remove("barcode") {
                    change.item.barcode = (!barcode.is_empty()).then(|| barcode.parse()).transpose()?;
                }
                if let Some(category) = fields.remove("category") {
                    change.item.category = (!category.is_empty()).then_some(category);
                }
                Change::ItemCreated(change)
            }
            Change::OrderNoted(mut change) => {
                change.text = fields.remove("text").unwrap_or(change.text);
                Change::OrderNoted(change)
            }
            other => self.decision_again(other, fields)?,
        })
    }

    fn status_of(&self, order: OrderId) -> Result<OrderStatus, AppError> {
        Ok(self.require_order(order)?.status)
    }

    fn decision_again(&self, change: Change, fields: &mut ItemFields) -> Result<Change, AppError> {
        let mut text = |name: &str| fields.remove(name);
        Ok(match change {
            Change::OrderAccepted(mut c) => {
                c.from = self.status_of(c.order)?;
                Change::OrderAccepted(c)
            }
            Change::OrderRejected(mut c) => {
                c.from = self.status_of(c.order)?;
                c.reason = text("reason").unwrap_or(c.reason);
                c.note = text("note").or(c.note);
                Change::OrderRejected(c)
            }
            Change::PaymentApproved(mut c) => {
                let order = self.require_order(c.order)?;
                if let Some(payment) = order.payments.iter().find(|p| Some(p.payment_id) == c.payment) {
                    c.amount = Some(payment.amount);
                    c.range_version = present::version_to_name(&order);
                }
                c.reason = text("reason").or(c.reason);
                if let Some(reason) = text("override") {
                    c.override_ = Some(Override { reason, by: self.overriding(None)? });
                }
                Change::PaymentApproved(c)
            }
            Change::PaymentDeclined(mut c) => {
                c.range_version = present::version_to_name(&self.require_order(c.order)?);
                c.reason = text("reason").unwrap_or(c.reason);
                c.note = text("note").or(c.note);
                Change::PaymentDeclined(c)
            }
            Change::LineSet(mut c) => {
                let order = self.require_order(c.order)?;
                if let Some(line) = order.lines.iter().find(|line| line.item_id == c.item) {
                    c.from = LineSeen { state: line.state, picked_quantity: line.picked_quantity };
                }
                Change::LineSet(c)
            }
            Change::DueSet(mut c) => {
                c.from = self.require_order(c.order)?.due_at;
                c.to = text("to").map(|at| at.parse()).transpose()?.or(c.to);
                Change::DueSet(c)
            }
            Change::OrderClaimed(mut c) => {
                c.from = self.require_order(c.order)?.claimed_by;
                Change::OrderClaimed(c)
            }
            Change::RangeRequested(mut c) => {
                c.range_version = self.require_order(c.order)?.range.map(|range| range.version);
                Change::RangeRequested(c)
            }
            Change::ShopperRated(mut c) => {
                c.from = self.require_order(c.order)?.shopper.and_then(|s| s.rating);
                Change::ShopperRated(c)
            }
            other => other,
        })
    }

    /// Reads messages again that could not be applied: one, or all.
    pub fn retry_parked(&self, id: Option<i64>) -> Result<Vec<Retried>, AppError> {
        let ids = match id {
            Some(id) => vec![id],
            None => self.mirror.read(|conn| feed::parked(conn, usize::MAX))?.iter().map(|row| row.id).collect(),
        };
        let now = self.now();
        Ok(ids.into_iter().map(|id| self.mirror.retry_parked(id, now)).collect::<Result<_, _>>()?)
    }

    /// One message that could not be applied.
    pub fn parked(&self, id: i64) -> Result<aisle_mirror::ParkedRecord, AppError> {
        let found = self.mirror.read(|conn| parked::load(conn, id))?;
        found.ok_or_else(|| AppError::NotFound(format!("parked message {id}")))
    }

    /// Writes a verified copy of the desk's database to a new file.
    pub fn back_up(&self, file: &Path) -> Result<(), AppError> {
        Ok(self.mirror.backup_to(file)?)
    }

    /// Mirrors both feeds anew, in place, with the next sync.
    pub fn remirror(&self) -> Result<(), AppError> {
        let facts = json!({ "by": self.person()? });
        for lane in Lane::ALL {
            self.mirror.remirror(lane, Reason::Asked, &facts, self.now())?;
        }
        Ok(())
    }
}

fn texts<T>(edit: Option<&Edit<T>>, text: impl Fn(&T) -> Option<String>) -> (Option<String>, Option<String>) {
    edit.map_or((None, None), |edit| (text(&edit.from), text(&edit.to)))
}

/// What was seen and what was wanted of a field.
fn edit_text(edits: &ItemEdits, field: Field) -> (Option<String>, Option<String>) {
    match field {
        Field::Name => texts(edits.name.as_ref(), |v| Some(v.clone())),
        Field::Category => texts(edits.category.as_ref(), Clone::clone),
        Field::UnitPrice => texts(edits.unit_price.as_ref(), |v| Some(v.to_string())),
        Field::Barcode => texts(edits.barcode.as_ref(), |v| v.as_ref().map(ToString::to_string)),
        Field::Availability => texts(edits.availability.as_ref(), |v| Some(v.word().into())),
        Field::AvailableUntil => texts(edits.available_until.as_ref(), |v| v.map(|at| at.to_string())),
    }
}

fn field_text(item: &Item, field: Field) -> Option<String> {
    match field {
        Field::Name => Some(item.name.clone()),
        Field::Category => item.category.clone(),
        Field::UnitPrice => Some(item.unit_price.to_string()),
        Field::Barcode => item.barcode.as_ref().map(ToString::to_string),
        Field::Availability => Some(item.availability.word().into()),
        Field::AvailableUntil => item.available_until.map(|at| at.to_string()),
    }
}

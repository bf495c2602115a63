//! Shifts and handing over: what is open and unsent now, and what the one before left.

use aisle_domain::{OrderStatus, Timestamp};
use aisle_mirror::{MirrorError, OrderFilter, Shift, orders, outbox, shifts};

use crate::{
    desk::Desk,
    error::AppError,
    views::{HandoverView, PromiseView, RemainingView, ShiftBegun, ShiftView},
};

/// Promises that are named; the others are counted.
const NAMED: usize = 12;
const LONGEST_NOTE: usize = 2000;

fn handover(shift: Shift) -> Option<HandoverView> {
    Some(HandoverView {
        by: shift.closed_by?,
        at: shift.closed_at?.to_string(),
        note: shift.note,
        remaining: shift.remaining.map(serde_json::from_value).transpose().ok()?,
    })
}

impl Desk {
    /// The shift that has begun, what is open now, and what the shift before left.
    pub fn shift(&self) -> Result<ShiftView, AppError> {
        let (open, last) = self.mirror.read(|conn| Ok((shifts::open(conn)?, shifts::last(conn)?)))?;
        Ok(ShiftView {
            begun: open.map(|shift| ShiftBegun { by: shift.opened_by, at: shift.opened_at.to_string() }),
            handover: last.and_then(handover),
            remaining: self.remaining()?,
        })
    }

    fn remaining(&self) -> Result<RemainingView, AppError> {
        let filter = OrderFilter {
            statuses: vec![OrderStatus::New, OrderStatus::Running, OrderStatus::Pending],
            limit: usize::MAX,
            ..OrderFilter::default()
        };
        let (open, counts, unsent) = self
            .mirror
            .read(|conn| Ok((orders::list(conn, &filter)?, orders::counts(conn)?, outbox::counts(conn)?)))?;
        let of = |status| counts.get(&status).copied().unwrap_or(0);
        let mut promised: Vec<(Timestamp, &aisle_domain::Order)> =
            open.iter().filter_map(|order| Some((order.due_at?, order))).collect();
        promised.sort_by_key(|(due, order)| (*due, order.order_id));
        let named = promised.iter().take(NAMED).map(|(due, order)| PromiseView {
            order_id: order.order_id.to_string(),
            display_no: order.display_no.clone(),
            due_at: due.to_string(),
            claimed_by: order.claimed_by.clone(),
        });
        Ok(RemainingView {
            new: of(OrderStatus::New),
            picking: of(OrderStatus::Running),
            payments: of(OrderStatus::Pending),
            more_promised: i64::try_from(promised.len().saturating_sub(NAMED)).unwrap_or(0),
            promised: named.collect(),
            unsent: unsent.held + unsent.ready + unsent.sent,
            refused: unsent.refused,
        })
    }

    /// Begins a shift.
    ///
    /// # Errors
    /// `changed` where one has begun already.
    pub fn begin_shift(&self) -> Result<ShiftView, AppError> {
        let by = self.person()?;
        if !self.mirror.open_shift(&by, self.now())? {
            let message = "a shift has begun already; end it before the next one".into();
            return Err(AppError::Input { code: "changed", message });
        }
        self.shift()
    }

    /// Ends the shift, with a note to whoever comes next and what is open and unsent.
    pub fn end_shift(&self, note: &str) -> Result<ShiftView, AppError> {
        let by = self.person()?;
        let note = note.trim();
        if note.chars().count() > LONGEST_NOTE {
            let message = format!("a note has at most {LONGEST_NOTE} characters");
            return Err(AppError::Input { code: "bad_value", message });
        }
        let remaining = serde_json::to_value(self.remaining()?).map_err(MirrorError::from)?;
        self.mirror.close_shift((!note.is_empty()).then_some(note), &remaining, &by, self.now())?;
        self.shift()
    }
}

//! What a change does to an order: the pure decision that the desk takes before it writes, folds with, and that
//! central takes again. Current = from: apply; current = to: already; else refused.

use crate::{
    change::{Change, LineSeen, LineSet, OrderAccepted, OrderRejected, PaymentApproved, PaymentDeclined},
    ids::PaymentId,
    life::{Act, OrderStatus},
    money::Money,
    order::{Decision, Order, Payment, PaymentStatus},
    range::{AmountRange, Verdict},
    refusal::Refusal,
    store::{Policies, Reasons},
    time::Timestamp,
};

/// What a decision is taken by, beside the order itself.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The store's policies.
    pub policies: &'a Policies,
    /// The store's reasons.
    pub reasons: &'a Reasons,
    /// Ranges of the order that are no longer in force, where they are known. The desk knows none.
    pub superseded: &'a [AmountRange],
    /// Who acts.
    pub by: &'a str,
    /// When they acted.
    pub at: Timestamp,
}

/// What became of a change that was not refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect.
    Applied,
    /// The order was so already; who did it and when, where that is known.
    Already {
        /// Who.
        by: Option<String>,
        /// When.
        at: Option<Timestamp>,
    },
}

/// Applies a change to an order. The order is untouched unless the answer is [`Outcome::Applied`].
///
/// # Errors
/// The [`Refusal`] that desk and central both give. Changes of items and of the store are
/// [`Refusal::NotUnderstood`] here: they have functions of their own.
pub fn apply(order: &mut Order, change: &Change, context: &Context<'_>) -> Result<Outcome, Refusal> {
    match change {
        Change::OrderAccepted(c) => accept(order, c, context),
        Change::OrderRejected(c) => reject(order, c, context),
        Change::OrderSentBack(c) => decline(order, c.payment, (Reasons::SENT_BACK, false), context, |_, _| Ok(())),
        Change::PaymentDeclined(c) => decline_payment(order, c, context),
        Change::PaymentApproved(c) => approve(order, c, context),
        Change::LineSet(c) => set_line(order, c),
        Change::DueSet(c) => set_value(&mut order.due_at, &c.from, &c.to, "the promised time"),
        Change::OrderClaimed(c) => set_value(&mut order.claimed_by, &c.from, &c.to, "who takes care of the order"),
        Change::ShopperRated(c) => {
            if !(1..=5).contains(&c.rating) {
                return Err(Refusal::BadRating);
            }
            let shopper = order
                .shopper
                .as_mut()
                .filter(|s| s.shopper_id == c.shopper)
                .ok_or_else(|| Refusal::NotFound { what: format!("shopper {} on this order", c.shopper) })?;
            set_value(&mut shopper.rating, &c.from, &Some(c.rating), "the rating")
        }
        // A note and a request stand in the timeline; they change nothing in the row.
        Change::OrderNoted(_) | Change::RangeRequested(_) => Ok(Outcome::Applied),
        Change::ItemChanged(_)
        | Change::ItemCreated(_)
        | Change::ItemDeleted(_)
        | Change::StorePaused(_)
        | Change::StoreBusy(_) => {
            Err(Refusal::NotUnderstood { what: format!("{} is no change of an order", change.type_word()) })
        }
    }
}

fn already(order: &Order) -> Outcome {
    Outcome::Already { by: order.decided_by.clone(), at: order.decided_at }
}

/// Who was first: whoever decided the order, else whoever accepted it.
fn already_decided(order: &Order) -> Refusal {
    let decided = order.decision.is_some() || order.decided_at.is_some();
    let (by, at) =
        if decided { (&order.decided_by, order.decided_at) } else { (&order.accepted_by, order.accepted_at) };
    Refusal::AlreadyDecided { by: by.clone(), at: at.unwrap_or(order.queued_time), status: order.status }
}

fn accept(order: &mut Order, change: &OrderAccepted, context: &Context<'_>) -> Result<Outcome, Refusal> {
    if order.status == change.from {
        order.step(Act::Accept)?;
        order.accepted_by = Some(context.by.into());
        order.accepted_at = Some(context.at);
        // One may have come in before this accept did.
        order.resume_payments();
        return Ok(Outcome::Applied);
    }
    // Whatever lies behind Accept was accepted: a payment may have come before this desk heard of its own accept.
    let accepted = matches!(order.status, OrderStatus::Running | OrderStatus::Pending | OrderStatus::Approved)
        || (order.status == OrderStatus::Confirmed && order.decision == Some(Decision::Approved));
    if accepted {
        Ok(Outcome::Already { by: order.accepted_by.clone(), at: order.accepted_at })
    } else {
        Err(already_decided(order))
    }
}

fn reject(order: &mut Order, change: &OrderRejected, context: &Context<'_>) -> Result<Outcome, Refusal> {
    let reason = Reasons::find(&context.reasons.reject, &change.reason)
        .ok_or_else(|| Refusal::UnknownReason { reason: change.reason.clone() })?;
    if reason.needs_lines && change.lines.is_empty() {
        return Err(Refusal::NeedsLines { reason: reason.code.clone() });
    }
    if reason.needs_note && change.note.as_deref().is_none_or(|n| n.trim().is_empty()) {
        return Err(Refusal::NeedsNote { reason: reason.code.clone() });
    }
    if let Some(unknown) = change.lines.iter().find(|id| !order.lines.iter().any(|l| l.item_id == **id)) {
        return Err(Refusal::NotFound { what: format!("item {unknown} on order {}", order.order_id) });
    }
    if order.decision == Some(Decision::Rejected) {
        return Ok(already(order));
    }
    if order.status != change.from {
        return Err(already_decided(order));
    }
    order.step(Act::Reject)?;
    order.decide(Decision::Rejected, Some(&change.reason), context.by, context.at);
    Ok(Outcome::Applied)
}

/// The undecided payment a decision is about, or what to answer instead.
fn find_waiting(
    order: &Order,
    id: PaymentId,
    wanted: PaymentStatus,
) -> Result<Result<&Payment, Outcome>, Refusal> {
    let payment = order
        .payments
        .iter()
        .find(|p| p.payment_id == id)
        .ok_or_else(|| Refusal::NotFound { what: format!("payment {id} on order {}", order.order_id) })?;
    match payment.status {
        Some(status) if status == wanted => {
            Ok(Err(Outcome::Already { by: payment.decided_by.clone(), at: payment.decided_at }))
        }
        Some(_) => Err(Refusal::AlreadyDecided {
            by: payment.decided_by.clone(),
            at: payment.decided_at.unwrap_or(payment.made_at),
            status: order.status,
        }),
        None if !order.status.is_open() => Err(already_decided(order)),
        None if order.waiting_payment().is_some_and(|p| p.payment_id == id) => Ok(Ok(payment)),
        None => Err(Refusal::IllegalAct { status: order.status }),
    }
}

/// The range that a decision is judged by: the one it names, if that was in force when the payment was made or
/// later; a decision by a derived range is judged by the one in force now.
fn range_in_force<'a>(
    order: &'a Order,
    superseded: &'a [AmountRange],
    version: Option<i64>,
    made_at: Timestamp,
) -> Result<Option<&'a AmountRange>, Refusal> {
    let Some(version) = version else { return Ok(order.range.as_ref()) };
    if let Some(current) = order.range.as_ref().filter(|r| r.version == version) {
        return Ok(Some(current));
    }
    let named = superseded.iter().find(|r| r.version == version).ok_or(Refusal::RangeChanged)?;
    let successor =
        superseded.iter().chain(&order.range).filter(|r| r.version > version).min_by_key(|r| r.version);
    match successor {
        Some(next) if next.set_at <= made_at => Err(Refusal::RangeChanged),
        _ => Ok(Some(named)),
    }
}

fn check_amount(payment: &Payment, amount: Money) -> Result<(), Refusal> {
    if payment.amount == amount { Ok(()) } else { Err(Refusal::AmountChanged { amount: payment.amount }) }
}

fn approve(order: &mut Order, change: &PaymentApproved, context: &Context<'_>) -> Result<Outcome, Refusal> {
    let Some(id) = change.payment else { return approve_paid_online(order, context) };
    let payment = match find_waiting(order, id, PaymentStatus::Approved)? {
        Ok(payment) => payment,
        Err(outcome) => return Ok(outcome),
    };
    check_amount(payment, change.amount.unwrap_or(payment.amount))?;
    if let Some(range) = range_in_force(order, context.superseded, change.range_version, payment.made_at)? {
        check_range(range, payment.amount, order.used(), change, context)?;
    }
    let reason = change.override_.as_ref().map(|o| o.reason.as_str()).or(change.reason.as_deref());
    order.step(Act::Approve)?;
    settle(order, id, PaymentStatus::Approved, reason, context);
    order.decide(Decision::Approved, reason, context.by, context.at);
    Ok(Outcome::Applied)
}

fn approve_paid_online(order: &mut Order, context: &Context<'_>) -> Result<Outcome, Refusal> {
    if order.decision == Some(Decision::Approved) {
        return Ok(already(order));
    }
    if order.payment_expected {
        return Err(Refusal::IllegalAct { status: order.status });
    }
    order.step(Act::ApprovePaidOnline)?;
    order.decide(Decision::Approved, None, context.by, context.at);
    Ok(Outcome::Applied)
}

/// Inside needs nothing, below a reason, above a manager's override up to the ceiling.
fn check_range(
    range: &AmountRange,
    amount: Money,
    used: Money,
    change: &PaymentApproved,
    context: &Context<'_>,
) -> Result<(), Refusal> {
    let total = used.plus(amount);
    let known = |reason: &str| {
        Reasons::find(&context.reasons.approve_outside, reason)
            .map(|_| ())
            .ok_or_else(|| Refusal::UnknownReason { reason: reason.into() })
    };
    match range.judge(amount, used) {
        Verdict::Inside => Ok(()),
        Verdict::Below => match (&change.reason, &change.override_) {
            (Some(reason), _) => known(reason),
            (None, Some(over)) => known(&over.reason),
            (None, None) => Err(Refusal::NeedsReason { amount: total, lo: range.amount_lo }),
        },
        Verdict::Above => {
            let over =
                change.override_.as_ref().ok_or(Refusal::NeedsOverride { amount: total, hi: range.amount_hi })?;
            known(&over.reason)?;
            let ceiling = range.ceiling(context.policies);
            if total > ceiling { Err(Refusal::OverCeiling { amount: total, ceiling }) } else { Ok(()) }
        }
    }
}

fn decline_payment(
    order: &mut Order,
    change: &PaymentDeclined,
    context: &Context<'_>,
) -> Result<Outcome, Refusal> {
    if change.reason != Reasons::SENT_BACK {
        Reasons::find(&context.reasons.decline, &change.reason)
            .ok_or_else(|| Refusal::UnknownReason { reason: change.reason.clone() })?;
    }
    decline(order, change.payment, (&change.reason, change.ends_order), context, |order, payment| {
        check_amount(payment, change.amount)?;
        range_in_force(order, context.superseded, change.range_version, payment.made_at).map(|_| ())
    })
}

fn decline(
    order: &mut Order,
    id: PaymentId,
    (reason, ends_order): (&str, bool),
    context: &Context<'_>,
    check: impl FnOnce(&Order, &Payment) -> Result<(), Refusal>,
) -> Result<Outcome, Refusal> {
    match find_waiting(order, id, PaymentStatus::Rejected)? {
        Ok(payment) => check(order, payment)?,
        Err(outcome) => return Ok(outcome),
    }
    order.step(if ends_order { Act::DeclineAndEnd } else { Act::Decline })?;
    settle(order, id, PaymentStatus::Rejected, Some(reason), context);
    if ends_order {
        order.decide(Decision::Rejected, Some(reason), context.by, context.at);
    } else {
        order.resume_payments();
    }
    Ok(Outcome::Applied)
}

fn settle(order: &mut Order, id: PaymentId, status: PaymentStatus, reason: Option<&str>, context: &Context<'_>) {
    if let Some(payment) = order.payments.iter_mut().find(|p| p.payment_id == id) {
        payment.status = Some(status);
        payment.reason = reason.map(Into::into);
        payment.decided_by = Some(context.by.into());
        payment.decided_at = Some(context.at);
    }
}

fn set_line(order: &mut Order, change: &LineSet) -> Result<Outcome, Refusal> {
    let (status, order_id) = (order.status, order.order_id);
    let line = order
        .lines
        .iter_mut()
        .find(|l| l.item_id == change.item)
        .ok_or_else(|| Refusal::NotFound { what: format!("item {} on order {order_id}", change.item) })?;
    let seen = LineSeen { state: line.state, picked_quantity: line.picked_quantity };
    if seen == change.to && line.substitute == change.substitute {
        return Ok(Outcome::Already { by: None, at: None });
    }
    if !matches!(status, OrderStatus::Running | OrderStatus::Pending) {
        return Err(Refusal::IllegalAct { status });
    }
    if seen != change.from {
        return Err(Refusal::Changed { what: format!("the line of item {}", change.item) });
    }
    line.state = change.to.state;
    line.picked_quantity = change.to.picked_quantity;
    line.substitute = change.substitute;
    Ok(Outcome::Applied)
}

fn set_value<T: PartialEq + Clone>(current: &mut T, from: &T, to: &T, what: &str) -> Result<Outcome, Refusal> {
    if *current == *to {
        Ok(Outcome::Already { by: None, at: None })
    } else if *current == *from {
        *current = to.clone();
        Ok(Outcome::Applied)
    } else {
        Err(Refusal::Changed { what: what.into() })
    }
}

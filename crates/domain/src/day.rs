//! A day of the store, counted from its orders: nobody collects it, so it is the same whenever it is counted.

use std::collections::BTreeMap;

use crate::{
    ids::{OrderId, ShopperId},
    life::OrderStatus,
    money::Money,
    order::{Decision, LineState, Order, PaymentStatus},
    range::{AmountRange, Verdict},
    receipt::{self, DifferenceKind},
    store::Policies,
    time::Timestamp,
};

/// How many, and how much that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tally {
    /// How many.
    pub count: usize,
    /// How much.
    pub amount: Money,
}

impl Tally {
    fn add(&mut self, amount: Money) {
        self.count += 1;
        self.amount = self.amount.plus(amount);
    }
}

/// An order that was paid, beside what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The order.
    pub order_id: OrderId,
    /// Its last digits.
    pub display_no: String,
    /// What its lines cost.
    pub expected: Money,
    /// What was paid, or was to be.
    pub paid: Money,
    /// How that lies to its range.
    pub verdict: Verdict,
    /// Where it is.
    pub status: OrderStatus,
    /// What was decided.
    pub decision: Option<Decision>,
}

/// A shopper's day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShopperDay {
    /// Who.
    pub shopper_id: ShopperId,
    /// Orders they picked.
    pub orders: usize,
    /// Of those, paid outside the range.
    pub outside: usize,
    /// What staff rated them.
    pub ratings: Vec<u8>,
}

/// What the orders of a day came to. Times are milliseconds, shortest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Day {
    /// Orders that were queued in it.
    pub orders: usize,
    /// Their lines.
    pub lines: usize,
    /// What they were expected to cost.
    pub expected: Money,
    /// Those that were paid: how many, and what was paid.
    pub paid: Tally,
    /// What those were expected to cost.
    pub expected_of_paid: Money,
    /// Payments that were approved.
    pub approved: Tally,
    /// Payments that were declined.
    pub declined: Tally,
    /// Orders that still need somebody, and what they are expected to cost.
    pub open: Tally,
    /// Orders that were rejected or ended, by reason.
    pub rejected: BTreeMap<String, usize>,
    /// Payments that were declined, by reason.
    pub declined_for: BTreeMap<String, usize>,
    /// From being queued to being accepted at this desk.
    pub to_accept: Vec<i64>,
    /// From a payment to its decision.
    pub to_decide: Vec<i64>,
    /// Each order that was paid.
    pub marks: Vec<Mark>,
    /// Why what was paid differs from what was expected: lines, and their sum.
    pub causes: BTreeMap<DifferenceKind, Tally>,
    /// Names of ordered items that were not there as ordered, with how often, most often first.
    pub missing: Vec<(String, usize)>,
    /// Who picked, most orders first.
    pub shoppers: Vec<ShopperDay>,
}

/// What was paid for an order: what was approved, else what was to be decided last.
fn paid(order: &Order) -> Option<Money> {
    let last = order.payments.last()?.amount;
    let is_approved = order.payments.iter().any(|payment| payment.status == Some(PaymentStatus::Approved));
    Some(if is_approved { order.used() } else { last })
}

fn range(order: &Order, policies: &Policies) -> AmountRange {
    let derived = || AmountRange::derive(order.expected(), policies, 0, order.queued_time, "desk");
    order.range.clone().unwrap_or_else(derived)
}

impl Day {
    /// Counts a day's orders. `accepted` says when an order was accepted here.
    pub fn of(orders: &[Order], accepted: &BTreeMap<OrderId, Timestamp>, policies: &Policies) -> Self {
        let mut day = Self::default();
        let mut missing: BTreeMap<&str, usize> = BTreeMap::new();
        let mut shoppers: BTreeMap<ShopperId, ShopperDay> = BTreeMap::new();
        for order in orders {
            day.count(order, accepted.get(&order.order_id).copied());
            let mark = day.mark(order, policies);
            for line in &order.lines {
                if matches!(line.state, LineState::OutOfStock | LineState::Short | LineState::Substituted) {
                    *missing.entry(&line.name).or_default() += 1;
                }
            }
            if let Some(shopper) = &order.shopper {
                let new =
                    || ShopperDay { shopper_id: shopper.shopper_id, orders: 0, outside: 0, ratings: Vec::new() };
                let known = shoppers.entry(shopper.shopper_id).or_insert_with(new);
                known.orders += 1;
                known.outside += usize::from(mark.is_some_and(|verdict| verdict != Verdict::Inside));
                known.ratings.extend(shopper.rating);
            }
        }
        day.to_accept.sort_unstable();
        day.to_decide.sort_unstable();
        day.missing = missing.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        day.missing.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        day.shoppers = shoppers.into_values().collect();
        day.shoppers.sort_by_key(|shopper| (std::cmp::Reverse(shopper.orders), shopper.shopper_id));
        day
    }

    fn count(&mut self, order: &Order, accepted: Option<Timestamp>) {
        let expected = order.expected();
        self.orders += 1;
        self.lines += order.lines.len();
        self.expected = self.expected.plus(expected);
        if order.status.is_open() {
            self.open.add(expected);
        }
        if order.decision == Some(Decision::Rejected) {
            *self.rejected.entry(order.reason.clone().unwrap_or_default()).or_default() += 1;
        }
        if let Some(at) = accepted {
            // Two clocks: where this computer's was behind, it was at once.
            self.to_accept.push(at.since(order.queued_time).max(0));
        }
        for payment in &order.payments {
            match payment.status {
                Some(PaymentStatus::Approved) => self.approved.add(payment.amount),
                Some(PaymentStatus::Rejected) => {
                    self.declined.add(payment.amount);
                    *self.declined_for.entry(payment.reason.clone().unwrap_or_default()).or_default() += 1;
                }
                None => {}
            }
            if let Some(at) = payment.decided_at {
                self.to_decide.push(at.since(payment.made_at).max(0));
            }
        }
        for part in receipt::explain(&order.lines, &order.receipts) {
            self.causes.entry(part.kind).or_default().add(part.amount);
        }
    }

    fn mark(&mut self, order: &Order, policies: &Policies) -> Option<Verdict> {
        let (paid, expected) = (paid(order)?, order.expected());
        let verdict = range(order, policies).judge(paid, Money::ZERO);
        self.paid.add(paid);
        self.expected_of_paid = self.expected_of_paid.plus(expected);
        self.marks.push(Mark {
            order_id: order.order_id,
            display_no: order.display_no.clone(),
            expected,
            paid,
            verdict,
            status: order.status,
            decision: order.decision,
        });
        Some(verdict)
    }
}

/// The middle of times that are sorted; of two in the middle the longer one.
pub fn median(sorted: &[i64]) -> Option<i64> {
    sorted.get(sorted.len() / 2).copied()
}

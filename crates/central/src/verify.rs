//! Whether central's rows are what they must be.

use aisle_domain::{
    AmountRange, Decision, Lane, Money, Order, OrderStatus, PaymentStatus, StoreId, Verdict, receipt::explain,
};
use serde::Serialize;

use crate::{
    Centre,
    error::CentralError,
    ledger::{Feed, Ledger},
};

/// Problems of one check that are listed; more are only counted.
const LISTED: usize = 20;
const STEP: i64 = 200;

/// What was checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whether every check is.
    pub ok: bool,
    /// Each.
    pub checks: Vec<Check>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Its name.
    pub name: &'static str,
    /// Whether nothing is wrong.
    pub ok: bool,
    /// How many things were looked at.
    pub checked: u64,
    /// What is wrong, in words; the first twenty.
    pub problems: Vec<String>,
}

impl Check {
    const fn new(name: &'static str) -> Self {
        Self { name, ok: true, checked: 0, problems: Vec::new() }
    }

    fn problem(&mut self, text: impl FnOnce() -> String) {
        self.ok = false;
        if self.problems.len() < LISTED {
            self.problems.push(text());
        }
    }

    fn expect(&mut self, holds: bool, text: impl FnOnce() -> String) {
        if !holds {
            self.problem(text);
        }
    }
}

/// The checks that look at orders one by one.
struct OrderChecks {
    statuses: Check,
    lines: Check,
    money: Check,
    ranges: Check,
    payments: Check,
}

impl OrderChecks {
    const fn new() -> Self {
        Self {
            statuses: Check::new("statuses"),
            lines: Check::new("order_lines"),
            money: Check::new("money_sums"),
            ranges: Check::new("ranges"),
            payments: Check::new("payments"),
        }
    }

    fn look(&mut self, order: &Order, superseded: &[AmountRange]) {
        self.look_at_status(order);
        self.lines.checked += 1;
        self.lines.expect(!order.lines.is_empty(), || format!("order {} has no lines", order.order_id));
        if !order.receipts.is_empty() {
            self.money.checked += 1;
            let paid: Money = order.receipts.iter().map(|r| r.amount).sum();
            let parts: Money = explain(&order.lines, &order.receipts).iter().map(|p| p.amount).sum();
            let difference = paid.minus(order.expected());
            self.money.expect(parts == difference, || {
                format!("order {}: the parts of the difference are {parts}, not {difference}", order.order_id)
            });
        }
        self.look_at_ranges(order, superseded);
        self.look_at_payments(order, superseded);
    }

    fn look_at_status(&mut self, order: &Order) {
        self.statuses.checked += 1;
        let undecided = order.payments.iter().any(|p| p.status.is_none());
        let legal = match order.status {
            OrderStatus::New => order.decision.is_none(),
            OrderStatus::Running => order.decision.is_none() && !undecided,
            OrderStatus::Pending => order.decision.is_none() && undecided,
            // Central confirms a decision in the transaction that applies it.
            OrderStatus::Approved => false,
            OrderStatus::Rejected => order.is_ended_by_central(),
            OrderStatus::Confirmed => order.decision.is_some(),
        };
        self.statuses.expect(legal, || {
            let decision = order.decision.map_or("none", Decision::word);
            format!("order {} is {} with the decision {decision}", order.order_id, order.status)
        });
        let approved = order.payments.iter().any(|p| p.status == Some(PaymentStatus::Approved));
        let paid = !order.payment_expected || order.decision != Some(Decision::Approved) || approved;
        self.statuses.expect(paid, || format!("order {} is approved without an approved payment", order.order_id));
    }

    fn look_at_ranges(&mut self, order: &Order, superseded: &[AmountRange]) {
        self.ranges.checked += 1;
        let Some(range) = &order.range else {
            return self.ranges.problem(|| format!("order {} has no range", order.order_id));
        };
        let dense = superseded.iter().chain([range]).zip(1..).all(|(r, version)| r.version == version);
        self.ranges.expect(dense, || format!("order {}: a version of its range is missing", order.order_id));
        self.ranges.expect(range.amount_lo <= range.amount_hi, || {
            format!("order {}: the range ends below its start", order.order_id)
        });
    }

    /// Approved is only what lies inside a range the order had, or what a reason was given for.
    fn look_at_payments(&mut self, order: &Order, superseded: &[AmountRange]) {
        let mut used = Money::ZERO;
        for payment in &order.payments {
            self.payments.checked += 1;
            if payment.status != Some(PaymentStatus::Approved) {
                continue;
            }
            let inside =
                superseded.iter().chain(&order.range).any(|r| r.judge(payment.amount, used) == Verdict::Inside);
            self.payments.expect(inside || payment.reason.is_some(), || {
                format!("payment {} of {} lies outside and has no reason", payment.payment_id, payment.amount)
            });
            used = used.plus(payment.amount);
        }
    }

    fn into_checks(self) -> [Check; 5] {
        [self.statuses, self.lines, self.money, self.ranges, self.payments]
    }
}

fn check_orders(ledger: &mut Ledger, stores: &[StoreId]) -> Result<[Check; 5], CentralError> {
    let mut checks = OrderChecks::new();
    for store in stores {
        let mut after = 0;
        loop {
            let last = ledger.read(|tx| {
                let orders = tx.orders(*store, after, STEP)?;
                for order in &orders {
                    checks.look(order, &tx.superseded_ranges(*store, order.order_id)?);
                }
                Ok(orders.last().map(|o| o.order_id.get()))
            })?;
            let Some(last) = last else { break };
            after = last;
        }
    }
    Ok(checks.into_checks())
}

fn check_digests(ledger: &mut Ledger, stores: &[StoreId]) -> Result<Check, CentralError> {
    let mut check = Check::new("digests");
    for store in stores {
        ledger.read(|tx| {
            let counted = tx.counted_digests(*store)?;
            for (lane, counted) in Lane::ALL.into_iter().zip(counted) {
                let kept = tx.digest(Feed { store: *store, lane })?;
                check.checked += 1;
                check.expect(kept == counted, || {
                    format!("store {store}, {}: kept is {kept}, the rows give {counted}", lane.word())
                });
            }
            Ok(())
        })?;
    }
    Ok(check)
}

impl Centre {
    /// Checks the database, or one store's part of it.
    pub fn verify(&self, store: Option<StoreId>) -> Result<VerifyReport, CentralError> {
        let mut ledger = self.ledger()?;
        let stores = match store {
            Some(store) => vec![self.store(store)?.store_id],
            None => ledger.read(|tx| Ok(tx.stores()?.into_iter().map(|s| s.store_id).collect()))?,
        };
        let mut sqlite = Check::new("sqlite");
        sqlite.checked = 1;
        for damage in ledger.damage()? {
            sqlite.problem(|| damage);
        }
        let mut checks = vec![sqlite];
        checks.extend(check_orders(&mut ledger, &stores)?);
        checks.push(check_digests(&mut ledger, &stores)?);
        for (name, (checked, wrong)) in [
            ("orphans", ledger.read(|tx| tx.orphans())?),
            ("numbering", ledger.read(|tx| tx.holes())?),
            ("feed_outbox", ledger.read(|tx| tx.impossible_feeds())?),
        ] {
            let mut check = Check { checked, ..Check::new(name) };
            for text in wrong {
                check.problem(|| text);
            }
            checks.push(check);
        }
        Ok(VerifyReport { ok: checks.iter().all(|c| c.ok), checks })
    }
}

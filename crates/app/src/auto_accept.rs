//! Accepting orders by a rule that a manager switched on at this desk.

use std::collections::BTreeSet;

use aisle_domain::{
    Arrival, AutoAccept, Availability, Change, Eyes, Money, Order, OrderId, OrderStatus, Store,
    change::OrderAccepted,
};
use aisle_mirror::{OrderFilter, items, orders, settings};

use crate::{desk::Desk, error::AppError, present};

pub(crate) const AUTO_ACCEPT: &str = "auto_accept";
pub(crate) const UP_TO: &str = "auto_accept_up_to";
pub(crate) const LEAVES: &str = "auto_accept_leaves";
/// Who switched it on: it acts in their name.
pub(crate) const SET_BY: &str = "auto_accept_set_by";

/// The rule as it is kept: whether it is on, what it is, and who switched it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RuleSettings {
    pub(crate) is_on: bool,
    pub(crate) rule: AutoAccept,
    set_by: String,
}

/// The words of what a store chooses, as one setting has them.
pub(crate) fn eyes_in(text: &str) -> Option<BTreeSet<Eyes>> {
    let word = |word: &str| Eyes::CHOSEN.into_iter().find(|eyes| eyes.word() == word);
    text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(word).collect()
}

/// The highest amount as it is kept; none for any.
pub(crate) fn up_to_in(text: &str) -> Option<Money> {
    text.parse().ok().filter(|most: &Money| most.minor() > 0)
}

impl Desk {
    pub(crate) fn rule_settings(&self) -> Result<RuleSettings, AppError> {
        Ok(self.mirror.read(|conn| {
            let text = |key: &str| settings::get(conn, key);
            Ok(RuleSettings {
                is_on: text(AUTO_ACCEPT)?.as_deref() == Some("true"),
                rule: AutoAccept {
                    up_to: text(UP_TO)?.as_deref().and_then(up_to_in),
                    leaves: text(LEAVES)?.as_deref().and_then(eyes_in).unwrap_or_else(|| Eyes::CHOSEN.into()),
                },
                set_by: text(SET_BY)?.unwrap_or_default(),
            })
        })?)
    }

    /// Accepts the new orders that the rule takes, in the order of their queueing. Answers which.
    pub fn accept_by_rule(&self) -> Result<Vec<OrderId>, AppError> {
        let RuleSettings { is_on, rule, set_by } = self.rule_settings()?;
        if !is_on {
            return Ok(Vec::new());
        }
        let by = format!("Auto-accept, set by {set_by}");
        let filter = OrderFilter { statuses: vec![OrderStatus::New], limit: usize::MAX, ..OrderFilter::default() };
        let fresh = self.mirror.read(|conn| orders::list(conn, &filter))?;
        let store = self.store()?;
        let mut accepted = Vec::new();
        for order in fresh {
            if self.why_eyes(&rule, &order, &store)?.is_some() {
                continue;
            }
            let change = Change::OrderAccepted(OrderAccepted { order: order.order_id, from: order.status });
            match self.act_as(by.clone(), change, false, None) {
                Ok(_) => {
                    self.print_accepted(order.order_id);
                    accepted.push(order.order_id);
                }
                // Somebody was faster.
                Err(AppError::Refused(refusal)) => {
                    tracing::info!(order = %order.order_id, %refusal, "the rule was too late");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(accepted)
    }

    /// Why the rule leaves a new order to somebody; `None` while it is off, and of an order that is not new.
    pub(crate) fn needs_eyes(&self, order: &Order, store: &Store) -> Result<Option<Eyes>, AppError> {
        if order.status != OrderStatus::New {
            return Ok(None);
        }
        let RuleSettings { is_on, rule, .. } = self.rule_settings()?;
        if is_on { self.why_eyes(&rule, order, store) } else { Ok(None) }
    }

    fn why_eyes(&self, rule: &AutoAccept, order: &Order, store: &Store) -> Result<Option<Eyes>, AppError> {
        let now = self.central_now();
        let lacks_something = self.mirror.read(|conn| {
            for line in &order.lines {
                let item = items::load(conn, line.item_id)?;
                if item.is_some_and(|item| item.deleted || item.availability == Availability::OutOfStock) {
                    return Ok(true);
                }
            }
            Ok(false)
        })?;
        let arrival = Arrival {
            now,
            is_late: present::is_late_arrival(order),
            is_paused: store.paused_until.is_some_and(|until| until > now),
            lacks_something,
        };
        Ok(rule.needs_eyes(order, arrival))
    }
}

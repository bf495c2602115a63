//! The authorised range of an order and the decision on a payment against it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{money::Money, store::Policies, time::Timestamp};

/// The amounts a payment may have, both ends included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AmountRange {
    /// Lowest amount.
    pub amount_lo: Money,
    /// Highest amount.
    pub amount_hi: Money,
    /// 0 for one that the desk derived itself, else central's.
    pub version: i64,
    /// When it came into force.
    pub set_at: Timestamp,
    /// Who set it.
    pub set_by: String,
}

/// How an amount lies to its range.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Below the lowest amount: a forgotten bag, the wrong order.
    Below,
    /// Inside, ends included.
    Inside,
    /// Above the highest amount.
    Above,
}

impl Verdict {
    /// The word of the wire and of tables.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Below => "below",
            Self::Inside => "inside",
            Self::Above => "above",
        }
    }
}

impl AmountRange {
    /// The range a store's policies give an expected amount: lower end rounded down, upper end rounded up.
    pub fn derive(expected: Money, policies: &Policies, version: i64, set_at: Timestamp, set_by: &str) -> Self {
        Self {
            amount_lo: expected.percent_floor(policies.range_lo_percent),
            amount_hi: expected.percent_ceil(policies.range_hi_percent),
            version,
            set_at,
            set_by: set_by.into(),
        }
    }

    /// How `amount` lies when other payments have already used `used` of the range.
    pub fn judge(&self, amount: Money, used: Money) -> Verdict {
        judge(self.amount_lo, self.amount_hi, used.plus(amount))
    }

    /// The highest amount a manager's override may reach.
    pub fn ceiling(&self, policies: &Policies) -> Money {
        self.amount_hi.percent_floor(100 + policies.override_ceiling_percent)
    }
}

/// How `amount` lies to `[lo, hi]`: the decision itself, without allocation, as screens and rules call it.
pub const fn judge(lo: Money, hi: Money, amount: Money) -> Verdict {
    if amount.minor() < lo.minor() {
        Verdict::Below
    } else if amount.minor() > hi.minor() {
        Verdict::Above
    } else {
        Verdict::Inside
    }
}

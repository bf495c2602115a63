//! Money in minor units, never a float. One currency a store, two decimals.

use std::{fmt, iter::Sum, str::FromStr};

use rust_decimal::{Decimal, prelude::ToPrimitive};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::quantity::Quantity;

/// An ISO 4217 code, such as `USD`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Currency(pub String);

/// An amount in minor units (cents). Signed, so that differences have the same type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

/// A text that is no amount.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadMoney {
    /// More than two digits behind the point.
    #[error("\"{0}\" has more than two decimals; write it with two, such as 1.99")]
    TooManyDecimals(String),
    /// An amount below zero where none may be.
    #[error("\"{0}\" is negative; an amount here is zero or more")]
    Negative(String),
    /// Beyond what 63 bits of cents hold.
    #[error("\"{0}\" is too large for an amount")]
    TooLarge(String),
    /// Anything else.
    #[error("\"{0}\" is not an amount; write digits and a point, such as 1.99")]
    NotANumber(String),
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// The amount of this many minor units.
    pub const fn from_minor(minor: i64) -> Self {
        Self(minor)
    }

    /// The amount in minor units, as SQLite stores it.
    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Reads a price or an amount that may not be negative.
    pub fn parse_non_negative(text: &str) -> Result<Self, BadMoney> {
        let money: Self = text.parse()?;
        if money.0 < 0 { Err(BadMoney::Negative(text.into())) } else { Ok(money) }
    }

    /// The amount as a decimal with two places.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.0, 2)
    }

    /// The amount nearest to `decimal`, which must have at most two places.
    pub fn from_decimal(decimal: Decimal) -> Result<Self, BadMoney> {
        let normal = decimal.normalize();
        if normal.scale() > 2 {
            return Err(BadMoney::TooManyDecimals(decimal.to_string()));
        }
        (normal * Decimal::ONE_HUNDRED).to_i64().map(Self).ok_or_else(|| BadMoney::TooLarge(decimal.to_string()))
    }

    /// Sum, or `None` beyond 63 bits.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Sum that stops at the largest amount. For totals of values that were bounded on entry.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference that stops at the smallest amount.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Unit price times quantity, rounded half up to the cent: the one rounding rule, applied once a line.
    #[must_use]
    pub fn times(self, quantity: Quantity) -> Self {
        let product = i128::from(self.0) * i128::from(quantity.thousandths());
        let rounded = (product + 500).div_euclid(1000);
        Self(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }

    /// `percent` of the amount, rounded down (towards the smaller amount).
    #[must_use]
    pub fn percent_floor(self, percent: u32) -> Self {
        Self::clamped((i128::from(self.0) * i128::from(percent)).div_euclid(100))
    }

    /// `percent` of the amount, rounded up.
    #[must_use]
    pub fn percent_ceil(self, percent: u32) -> Self {
        Self::clamped(-(-i128::from(self.0) * i128::from(percent)).div_euclid(100))
    }

    fn clamped(value: i128) -> Self {
        Self(i64::try_from(value).unwrap_or(if value < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let minor = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

impl FromStr for Money {
    type Err = BadMoney;

    /// Reads `-12`, `12.3` or `12.34`: digits and a point, no grouping, no exponent.
    fn from_str(text: &str) -> Result<Self, BadMoney> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || text.len() > 64 {
            return Err(BadMoney::NotANumber(text.chars().take(64).collect()));
        }
        if fraction.trim_end_matches('0').len() > 2 {
            return Err(BadMoney::TooManyDecimals(text.into()));
        }
        let cents: String = fraction.chars().chain("00".chars()).take(2).collect();
        let minor: i64 = format!("{whole}{cents}").parse().map_err(|_| BadMoney::TooLarge(text.into()))?;
        Ok(Self(if text.starts_with('-') { -minor } else { minor }))
    }
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Money {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Money".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]{1,2})?$", "description": "A decimal amount with at most two places"
        })
    }
}

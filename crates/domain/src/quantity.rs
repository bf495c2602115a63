//! Quantities in thousandths of their unit: pieces or kilograms.

use std::{fmt, iter::Sum, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A quantity in thousandths of its unit, never negative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Quantity(i64);

/// A text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a quantity; write zero or more with at most three decimals, such as 2 or 0.750")]
pub struct BadQuantity(pub String);

impl Quantity {
    /// None of it.
    pub const ZERO: Self = Self(0);
    /// One piece or kilogram.
    pub const ONE: Self = Self(1000);
    const MAX_THOUSANDTHS: i64 = 1_000_000_000_000;

    /// The quantity of this many thousandths.
    pub fn from_thousandths(thousandths: i64) -> Result<Self, BadQuantity> {
        if (0..=Self::MAX_THOUSANDTHS).contains(&thousandths) {
            Ok(Self(thousandths))
        } else {
            Err(BadQuantity(thousandths.to_string()))
        }
    }

    /// Whether it is a number of pieces.
    pub const fn is_whole(self) -> bool {
        self.0 % Self::ONE.0 == 0
    }

    /// The quantity in thousandths, as SQLite stores it.
    pub const fn thousandths(self) -> i64 {
        self.0
    }
}

impl Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(quantities: I) -> Self {
        quantities.fold(Self::ZERO, |a, b| Self(a.0.saturating_add(b.0)))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1000, self.0 % 1000);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let fraction = format!("{rest:03}");
        write!(f, "{whole}.{}", fraction.trim_end_matches('0'))
    }
}

impl FromStr for Quantity {
    type Err = BadQuantity;

    fn from_str(text: &str) -> Result<Self, BadQuantity> {
        let bad = || BadQuantity(text.chars().take(64).collect());
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || fraction.trim_end_matches('0').len() > 3 || text.len() > 64 {
            return Err(bad());
        }
        let thousandths: String = fraction.chars().chain("000".chars()).take(3).collect();
        let value: i64 = format!("{whole}{thousandths}").parse().map_err(|_| bad())?;
        Self::from_thousandths(value).map_err(|_| bad())
    }
}

impl Serialize for Quantity {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Quantity {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Quantity".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^[0-9]+(\\.[0-9]{1,3})?$", "description": "Pieces or kilograms with at most three places"
        })
    }
}

//! Identifiers. Numeric ones are issued by central, positive and at most 63 bits; in JSON and on screen they are
//! strings, in SQLite they are `INTEGER`.

use std::{fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use uuid::Uuid;

/// A text that is no identifier of the wanted kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{text}\" is not {kind}: it must be {want}")]
pub struct BadId {
    /// What the identifier was wanted for, with its article: "an order id".
    pub kind: &'static str,
    /// What was given, cut to 64 characters.
    pub text: String,
    /// The form that is accepted.
    pub want: &'static str,
}

impl BadId {
    fn new(kind: &'static str, text: &str, want: &'static str) -> Self {
        Self { kind, text: text.chars().take(64).collect(), want }
    }
}

const NUMBER: &str = "a whole number from 1 to 9223372036854775807";

macro_rules! numeric_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The identifier with this number.
            ///
            /// # Errors
            /// [`BadId`] when the number is zero or negative.
            pub fn new(number: i64) -> Result<Self, BadId> {
                if number > 0 { Ok(Self(number)) } else { Err(BadId::new($kind, &number.to_string(), NUMBER)) }
            }

            /// The number, as SQLite stores it.
            pub const fn get(self) -> i64 {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.0)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                let digits_only = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                match text.parse::<i64>() {
                    Ok(number) if number > 0 && digits_only => Ok(Self(number)),
                    _ => Err(BadId::new($kind, text, NUMBER)),
                }
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
                text.parse().map_err(de::Error::custom)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({
                    "type": "string", "pattern": "^[1-9][0-9]{0,18}$", "description": concat!("The number of ", $kind, " as text")
                })
            }
        }
    };
}

numeric_id!(
    /// An order, issued by central.
    OrderId, "an order id"
);
numeric_id!(
    /// A store, issued by central.
    StoreId, "a store id"
);
numeric_id!(
    /// A catalog item. Central's own stay below bit 62; one born at a desk has it set, see [`ItemId::born_at_desk`].
    ItemId, "an item id"
);
numeric_id!(
    /// A payment on an order, issued by central.
    PaymentId, "a payment id"
);
numeric_id!(
    /// A receipt from the till.
    TransactionId, "a transaction id"
);
numeric_id!(
    /// A customer.
    UserId, "a customer id"
);
numeric_id!(
    /// A shopper, who picks orders in the store.
    ShopperId, "a shopper id"
);

impl ItemId {
    const DESK_BIT: i64 = 1 << 62;

    /// The identifier of an item made at a desk, from 62 random bits: bit 62 tells it from central's own.
    pub const fn born_at_desk(random: u64) -> Self {
        #[allow(clippy::cast_possible_wrap, reason = "two bits are masked off")]
        let low = (random & (u64::MAX >> 2)) as i64;
        Self(low | Self::DESK_BIT)
    }

    /// Whether a desk made this item.
    pub const fn is_born_at_desk(self) -> bool {
        self.0 & Self::DESK_BIT != 0
    }
}

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = BadId;

            fn from_str(text: &str) -> Result<Self, BadId> {
                Uuid::try_parse(text).map(Self).map_err(|_| BadId::new($kind, text, "a UUID"))
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                schemars::json_schema!({ "type": "string", "format": "uuid" })
            }
        }
    };
}

uuid_id!(
    /// One act of a person, for ever: a UUID of version 7 made when they act.
    ChangeId, "a change id"
);
uuid_id!(
    /// One installation of the desk.
    DeskId, "a desk id"
);
uuid_id!(
    /// Central's history: made with its database, new when that is restored from a backup.
    Epoch, "an epoch"
);

/// A desk's numbering: a random number, new on install, on restore, and when a copied data folder is noticed.
/// Written as 16 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u64);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl FromStr for Incarnation {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
        u64::from_str_radix(text, 16)
            .ok()
            .filter(|_| plain)
            .map(Self)
            .ok_or_else(|| BadId::new("an incarnation", text, "16 hex digits"))
    }
}

impl Serialize for Incarnation {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Incarnation {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        text.parse().map_err(de::Error::custom)
    }
}

impl JsonSchema for Incarnation {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Incarnation".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[0-9a-f]{16}$" })
    }
}

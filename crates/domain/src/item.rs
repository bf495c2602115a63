//! Catalog items and edits of their fields.

use std::{collections::BTreeMap, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::{ItemId, StoreId},
    money::Money,
    refusal::Refusal,
    store::{FieldPolicies, Winner},
    time::Timestamp,
};

/// A barcode as it is scanned: 1 to 48 printable ASCII characters.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct Barcode(String);

/// Digits of a GTIN.
const GTIN_LENGTHS: [usize; 4] = [8, 12, 13, 14];

/// A text that is no barcode.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is not a barcode; it has 1 to 48 letters, digits and signs without spaces")]
pub struct BadBarcode(pub String);

impl Barcode {
    /// The characters of the barcode.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both are the same code: a GTIN is the same with zeros in front, as 12, 13 or 14 digits.
    pub fn is_same_code(&self, other: &Self) -> bool {
        self == other || self.gtin().is_some_and(|own| other.gtin() == Some(own))
    }

    /// The ways in which the code may be written, itself first.
    pub fn spellings(&self) -> Vec<Self> {
        let mut all = vec![self.clone()];
        if let Some(digits) = self.gtin() {
            for length in GTIN_LENGTHS {
                let spelled = Self(format!("{digits:0>length$}"));
                if spelled.0.len() == length && !all.contains(&spelled) {
                    all.push(spelled);
                }
            }
        }
        all
    }

    /// The digits of a GTIN without the zeros in front.
    fn gtin(&self) -> Option<&str> {
        let is_gtin = GTIN_LENGTHS.contains(&self.0.len()) && self.0.bytes().all(|b| b.is_ascii_digit());
        is_gtin.then(|| self.0.trim_start_matches('0'))
    }
}

impl FromStr for Barcode {
    type Err = BadBarcode;

    fn from_str(text: &str) -> Result<Self, BadBarcode> {
        Self::try_from(text.to_owned())
    }
}

impl TryFrom<String> for Barcode {
    type Error = BadBarcode;

    fn try_from(text: String) -> Result<Self, BadBarcode> {
        if (1..=48).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic()) {
            Ok(Self(text))
        } else {
            Err(BadBarcode(text.chars().take(64).collect()))
        }
    }
}

impl From<Barcode> for String {
    fn from(barcode: Barcode) -> Self {
        barcode.0
    }
}

impl fmt::Display for Barcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether an item can be bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    /// On the shelf.
    Available,
    /// Not on the shelf, until `available_until` where that is set.
    OutOfStock,
}

impl Availability {
    /// The word of the tables and of the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Available => "available",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

impl FromStr for Availability {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "available" => Ok(Self::Available),
            "out_of_stock" => Ok(Self::OutOfStock),
            _ => Err(format!("\"{text}\" is not an availability; there are available and out_of_stock")),
        }
    }
}

/// A field of an item that can be edited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// `name`
    Name,
    /// `category`
    Category,
    /// `unit_price`
    UnitPrice,
    /// `barcode`
    Barcode,
    /// `availability`
    Availability,
    /// `available_until`
    AvailableUntil,
}

impl Field {
    /// Every field, in the order of the grid.
    pub const ALL: [Self; 6] =
        [Self::Name, Self::Category, Self::UnitPrice, Self::Barcode, Self::Availability, Self::AvailableUntil];

    /// Whether it only says what is on the shelf.
    pub const fn is_of_availability(self) -> bool {
        matches!(self, Self::Availability | Self::AvailableUntil)
    }

    /// The column's name.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Category => "category",
            Self::UnitPrice => "unit_price",
            Self::Barcode => "barcode",
            Self::Availability => "availability",
            Self::AvailableUntil => "available_until",
        }
    }

    const fn winner(self, policies: FieldPolicies) -> Winner {
        match self {
            Self::Name => policies.name,
            Self::Category => policies.category,
            Self::UnitPrice => policies.unit_price,
            Self::Barcode => policies.barcode,
            Self::Availability | Self::AvailableUntil => policies.availability,
        }
    }
}

/// Who changed a field last, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChangedBy {
    /// A person, or "central".
    pub by: String,
    /// When they acted.
    pub at: Timestamp,
}

/// An item of a store's catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The item.
    pub item_id: ItemId,
    /// Its store.
    pub store_id: StoreId,
    /// Price of one unit.
    pub unit_price: Money,
    /// Barcode, where it has one.
    #[serde(default)]
    pub barcode: Option<Barcode>,
    /// Name, not empty.
    pub name: String,
    /// Category.
    #[serde(default)]
    pub category: Option<String>,
    /// Whether it can be bought.
    pub availability: Availability,
    /// When `out_of_stock` ends by itself.
    #[serde(default)]
    pub available_until: Option<Timestamp>,
    /// Grows with every change of the row at central.
    pub version: i64,
    /// Removed from the catalog.
    #[serde(default)]
    pub deleted: bool,
    /// Who changed each field last, where known.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub changed: BTreeMap<Field, ChangedBy>,
}

/// One field's edit: what was seen and what it is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Edit<T> {
    /// The value that was seen.
    pub from: T,
    /// The value it is to have.
    pub to: T,
}

/// Edits of an item's fields, each on its own. Never a whole row.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ItemEdits {
    /// Of `name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Edit<String>>,
    /// Of `category`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Edit<Option<String>>>,
    /// Of `unit_price`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit_price: Option<Edit<Money>>,
    /// Of `barcode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barcode: Option<Edit<Option<Barcode>>>,
    /// Of `availability`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability: Option<Edit<Availability>>,
    /// Of `available_until`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub available_until: Option<Edit<Option<Timestamp>>>,
}

/// What became of one field's edit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FieldVerdict {
    /// The new value stands.
    Applied,
    /// It had that value already.
    Already,
    /// Central's value was kept, by policy.
    KeptCentral,
    /// Both changed it; a person is asked.
    Ask,
}

/// Judges one field by the value it has now: a field only conflicts when both sides gave it different values.
fn judge<T: PartialEq>(current: &T, edit: &Edit<T>, winner: Winner) -> FieldVerdict {
    if *current == edit.to {
        FieldVerdict::Already
    } else if *current == edit.from {
        FieldVerdict::Applied
    } else {
        match winner {
            Winner::Store => FieldVerdict::Applied,
            Winner::Central => FieldVerdict::KeptCentral,
            Winner::Ask => FieldVerdict::Ask,
        }
    }
}

impl ItemEdits {
    /// Whether nothing is edited.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The fields that are edited.
    pub fn fields(&self) -> Vec<Field> {
        let edited = |field: &Field| match field {
            Field::Name => self.name.is_some(),
            Field::Category => self.category.is_some(),
            Field::UnitPrice => self.unit_price.is_some(),
            Field::Barcode => self.barcode.is_some(),
            Field::Availability => self.availability.is_some(),
            Field::AvailableUntil => self.available_until.is_some(),
        };
        Field::ALL.into_iter().filter(edited).collect()
    }

    /// The edits that lead back: every field from its new value to its old one.
    #[must_use]
    pub fn reversed(&self) -> Self {
        fn back<T: Clone>(edit: Option<&Edit<T>>) -> Option<Edit<T>> {
            edit.map(|e| Edit { from: e.to.clone(), to: e.from.clone() })
        }
        Self {
            name: back(self.name.as_ref()),
            category: back(self.category.as_ref()),
            unit_price: back(self.unit_price.as_ref()),
            barcode: back(self.barcode.as_ref()),
            availability: back(self.availability.as_ref()),
            available_until: back(self.available_until.as_ref()),
        }
    }

    /// Refuses values that no item may have.
    pub fn validate(&self) -> Result<(), Refusal> {
        if let Some(edit) = &self.unit_price {
            check_price(edit.to)?;
        }
        if let Some(edit) = &self.name {
            check_name(&edit.to)?;
        }
        Ok(())
    }
}

/// Refuses a negative price.
pub fn check_price(price: Money) -> Result<(), Refusal> {
    if price < Money::ZERO {
        return Err(Refusal::BadValue { what: format!("{price} is negative; a price is zero or more") });
    }
    Ok(())
}

/// Refuses an empty name and one of more than 400 characters.
pub fn check_name(name: &str) -> Result<(), Refusal> {
    if name.trim().is_empty() || name.chars().count() > 400 {
        return Err(Refusal::BadValue { what: "a name has 1 to 400 characters".into() });
    }
    Ok(())
}

impl Item {
    /// Applies edits, each field on its own, and says what became of each. Fields that merge are written even
    /// when another one is asked or kept; nothing is written to a deleted item.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a deleted item, [`Refusal::BadValue`] for values no item may have.
    pub fn edit(
        &mut self,
        edits: &ItemEdits,
        policies: &FieldPolicies,
        who: &ChangedBy,
    ) -> Result<BTreeMap<Field, FieldVerdict>, Refusal> {
        if self.deleted {
            return Err(Refusal::NotFound { what: format!("item {} any more", self.item_id) });
        }
        edits.validate()?;
        let mut verdicts = BTreeMap::new();
        let mut changed = std::mem::take(&mut self.changed);
        macro_rules! merge {
            ($field:ident, $name:expr) => {
                if let Some(edit) = &edits.$field {
                    let verdict = judge(&self.$field, edit, $name.winner(*policies));
                    if verdict == FieldVerdict::Applied {
                        self.$field = edit.to.clone();
                        changed.insert($name, who.clone());
                    }
                    verdicts.insert($name, verdict);
                }
            };
        }
        merge!(name, Field::Name);
        merge!(category, Field::Category);
        merge!(unit_price, Field::UnitPrice);
        merge!(barcode, Field::Barcode);
        merge!(availability, Field::Availability);
        merge!(available_until, Field::AvailableUntil);
        self.changed = changed;
        Ok(verdicts)
    }
}

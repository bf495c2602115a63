//! The catalog as it is shown.

use aisle_domain::Availability;
use serde::Serialize;
use ts_rs::TS;

use super::{HistoryEntry, SyncState};

/// An item of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemView {
    /// The item.
    pub item_id: String,
    /// Its barcode.
    pub barcode: Option<String>,
    /// Its name.
    pub name: String,
    /// Its category.
    pub category: Option<String>,
    /// Price of one unit.
    pub unit_price: String,
    /// Whether it can be bought.
    #[ts(type = "Availability")]
    pub availability: Availability,
    /// When out of stock ends.
    pub available_until: Option<String>,
    /// Central's version of the row.
    pub version: i64,
    /// State of its own changes.
    pub sync: Option<SyncState>,
}

/// A page of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemPage {
    /// The rows.
    pub items: Vec<ItemView>,
    /// How many there are in all.
    pub total: i64,
    /// Of the first row.
    pub offset: i64,
}

/// A price an item had.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct PricePoint {
    /// Since when.
    pub at: String,
    /// The price before.
    pub old: Option<String>,
    /// The price from then on.
    pub new: String,
    /// Who set it.
    pub by: Option<String>,
    /// `here`, `central` or `import`.
    pub source: String,
}

/// An item with its history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, TS)]
pub struct ItemDetail {
    /// The item.
    pub item: ItemView,
    /// Its prices, newest first.
    pub prices: Vec<PricePoint>,
    /// Its timeline, oldest first.
    pub history: Vec<HistoryEntry>,
}

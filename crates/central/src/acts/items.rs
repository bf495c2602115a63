//! Items of a store's catalog, as central sets them.

use aisle_domain::{
    Availability, Barcode, Field, Item, ItemId, Money, StoreId, Subject, Timestamp,
    item::{ChangedBy, check_name, check_price},
};

use super::needed_store;
use crate::{
    Centre,
    apply::Rows,
    error::CentralError,
    ledger::{AuditEntry, Tx},
    views::ItemView,
};

/// A field and the value it is to have, as text; an empty text clears a field that may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemChange {
    /// Which.
    pub field: Field,
    /// The value.
    pub value: String,
}

impl std::str::FromStr for ItemChange {
    type Err = CentralError;

    /// Reads `unit_price=1.99`.
    fn from_str(text: &str) -> Result<Self, CentralError> {
        let fields = || Field::ALL.map(Field::word).join(", ");
        let bad = || CentralError::BadValue {
            what: format!("\"{text}\" is no field=value; the fields are {}", fields()),
        };
        let (name, value) = text.split_once('=').ok_or_else(bad)?;
        let field = Field::ALL.into_iter().find(|f| f.word() == name.trim()).ok_or_else(bad)?;
        Ok(Self { field, value: value.trim().into() })
    }
}

fn bad(error: impl std::fmt::Display) -> CentralError {
    CentralError::BadValue { what: error.to_string() }
}

fn optional<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<Option<T>, CentralError> {
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(bad) }
}

fn set(item: &mut Item, change: &ItemChange, now: Timestamp) -> Result<(), CentralError> {
    let value = change.value.as_str();
    match change.field {
        Field::Name => item.name = value.into(),
        Field::Category => item.category = Some(value.to_owned()).filter(|v| !v.is_empty()),
        Field::UnitPrice => item.unit_price = Money::parse_non_negative(value).map_err(bad)?,
        Field::Barcode => item.barcode = optional::<Barcode>(value)?,
        Field::Availability => item.availability = value.parse::<Availability>().map_err(bad)?,
        Field::AvailableUntil => item.available_until = optional::<Timestamp>(value)?,
    }
    item.changed.insert(change.field, ChangedBy { by: "central".into(), at: now });
    Ok(())
}

fn new_item(store_id: StoreId, item_id: ItemId) -> Item {
    Item {
        item_id,
        store_id,
        unit_price: Money::ZERO,
        barcode: None,
        name: String::new(),
        category: None,
        availability: Availability::Available,
        available_until: None,
        version: 0,
        deleted: false,
        changed: std::collections::BTreeMap::new(),
    }
}

/// Changes one item as central, in one transaction with its audit entry and its feed row.
fn change_item(
    tx: &Tx<'_>,
    (store, item): (StoreId, ItemId),
    kind: &str,
    now: Timestamp,
    change: impl FnOnce(&mut Option<Item>) -> Result<(), CentralError>,
) -> Result<ItemView, CentralError> {
    let currency = needed_store(tx, store)?.currency;
    let mut rows = Rows::new(tx, now);
    change(rows.item(store, item)?)?;
    rows.write()?;
    tx.audit(&AuditEntry::of_central(store, Subject::Item(item), kind, now))?;
    let row = tx.item(store, item)?.ok_or_else(|| CentralError::NotFound { what: format!("item {item}") })?;
    Ok(ItemView::of(&row, &currency))
}

impl Centre {
    /// Sets fields of an item. One that is not there is made, when `name` and `unit_price` are among the fields.
    ///
    /// # Errors
    /// [`CentralError::NotFound`], [`CentralError::BadValue`] and [`CentralError::Refused`] for values no item has.
    pub fn set_item(
        &self,
        store: StoreId,
        item: ItemId,
        changes: &[ItemChange],
    ) -> Result<ItemView, CentralError> {
        if changes.is_empty() {
            return Err(CentralError::BadValue { what: "no field=value was given".into() });
        }
        let now = self.now();
        let has = |field| changes.iter().any(|c| c.field == field);
        let complete = has(Field::Name) && has(Field::UnitPrice);
        self.ledger()?.write(|tx| {
            change_item(tx, (store, item), "item.set", now, |row| {
                if row.is_none() && complete {
                    *row = Some(new_item(store, item));
                }
                let row = row
                    .as_mut()
                    .filter(|row| !row.deleted)
                    .ok_or_else(|| CentralError::NotFound { what: format!("item {item} in store {store}") })?;
                changes.iter().try_for_each(|change| set(row, change, now))?;
                check_name(&row.name)?;
                check_price(row.unit_price)?;
                Ok(())
            })
        })
    }

    /// Removes an item from the catalog; the row stays as deleted for 90 days.
    pub fn remove_item(&self, store: StoreId, item: ItemId) -> Result<ItemView, CentralError> {
        let now = self.now();
        self.ledger()?.write(|tx| {
            change_item(tx, (store, item), "item.removed", now, |row| {
                let row = row
                    .as_mut()
                    .ok_or_else(|| CentralError::NotFound { what: format!("item {item} in store {store}") })?;
                row.deleted = true;
                Ok(())
            })
        })
    }

    /// One item.
    pub fn show_item(&self, store: StoreId, item: ItemId) -> Result<ItemView, CentralError> {
        self.ledger()?.read(|tx| {
            let currency = needed_store(tx, store)?.currency;
            let missing = || CentralError::NotFound { what: format!("item {item} in store {store}") };
            Ok(ItemView::of(&tx.item(store, item)?.ok_or_else(missing)?, &currency))
        })
    }
}

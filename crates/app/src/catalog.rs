//! The catalog: search, one item, edits of single fields.

use std::collections::BTreeMap;

use aisle_domain::{
    Availability, Barcode, Change, Item, ItemEdits, ItemId, Money, Subject, Timestamp,
    change::{ItemChanged, ItemCreated, ItemDeleted},
    item::{Edit, check_name},
};
use aisle_mirror::{audit, items, outbox, prices};
use uuid::Uuid;

use crate::{
    desk::Desk,
    error::AppError,
    present,
    views::{ActReceipt, ItemDetail, ItemPage, ItemView, Page, PricePoint},
    wording::Words,
};

const PAGE_LIMIT: i64 = 500;
const HISTORY_LIMIT: usize = 200;

/// New values of an item's fields as typed, by field name.
pub type ItemFields = BTreeMap<String, String>;

impl Desk {
    /// A page of the catalog: everything by name, or what matches the text, best first.
    pub fn items(&self, text: &str, offset: i64, limit: i64) -> Result<ItemPage, AppError> {
        let (offset, limit) = (offset.max(0), limit.clamp(1, PAGE_LIMIT));
        let (rows, total) = self.mirror.read(|conn| {
            if text.trim().is_empty() {
                Ok((items::page(conn, offset, limit)?, items::count(conn)?))
            } else {
                items::search(conn, text.trim(), offset, limit)
            }
        })?;
        let items = rows.iter().map(|item| self.item_view(item)).collect::<Result<_, _>>()?;
        Ok(ItemPage { items, total, offset })
    }

    /// A page of items for the command line: `after` is the offset that the page before answered.
    pub fn list_items(&self, text: &str, after: i64, limit: i64) -> Result<Page<ItemView>, AppError> {
        let page = self.items(text, after, limit)?;
        let end = after + i64::try_from(page.items.len()).unwrap_or(0);
        Ok(Page { next: (end < page.total).then(|| end.to_string()), items: page.items })
    }

    fn item_view(&self, item: &Item) -> Result<ItemView, AppError> {
        let worst = self.mirror.read(|conn| outbox::worst_state(conn, Subject::Item(item.item_id)))?;
        Ok(present::item(item, present::sync_state(worst)))
    }

    pub(crate) fn require_item(&self, id: ItemId) -> Result<Item, AppError> {
        self.mirror
            .read(|conn| items::load(conn, id))?
            .filter(|item| !item.deleted)
            .ok_or_else(|| AppError::NotFound(format!("item {id} in this store's catalog")))
    }

    /// One item with its prices and its timeline.
    pub fn item(&self, id: ItemId) -> Result<ItemDetail, AppError> {
        let item = self.require_item(id)?;
        let store = self.store()?;
        let (prices, entries) = self.mirror.read(|conn| {
            Ok((
                prices::history(conn, id, HISTORY_LIMIT)?,
                audit::of_subject(conn, Subject::Item(id), HISTORY_LIMIT)?,
            ))
        })?;
        Ok(ItemDetail {
            item: self.item_view(&item)?,
            prices: prices
                .iter()
                .map(|entry| PricePoint {
                    at: entry.at.to_string(),
                    old: entry.old.map(|old| old.to_string()),
                    new: entry.new.to_string(),
                    by: entry.by.clone(),
                    source: entry.source.clone(),
                })
                .collect(),
            history: Words { store: &store, name_of: &|_| None }.timeline(&entries),
        })
    }

    /// Edits fields of an item: one change with what was seen and what it is to be, field by field.
    pub fn edit_item(&self, id: ItemId, fields: &ItemFields) -> Result<ActReceipt, AppError> {
        let item = self.require_item(id)?;
        let mut edits = ItemEdits::default();
        for (field, text) in fields {
            set_field(&mut edits, &item, field, text.trim())?;
        }
        if edits.is_empty() {
            let message = format!("nothing to change: item {id} has these values already");
            return Err(AppError::Input { code: "bad_value", message });
        }
        if let Some(Edit { to: Some(barcode), .. }) = &edits.barcode {
            self.refuse_duplicate(barcode, id)?;
        }
        self.act(Change::ItemChanged(ItemChanged { item: id, changes: edits }), false, None)
    }

    /// Adds an item that is born at this desk.
    pub fn add_item(
        &self,
        name: &str,
        price: &str,
        barcode: Option<&str>,
        category: Option<&str>,
    ) -> Result<ActReceipt, AppError> {
        check_name(name)?;
        let (high, low) = Uuid::new_v4().as_u64_pair();
        let id = ItemId::born_at_desk(high.rotate_left(32) ^ low);
        let barcode = barcode.map(str::parse::<Barcode>).transpose()?;
        if let Some(barcode) = &barcode {
            self.refuse_duplicate(barcode, id)?;
        }
        let item = Item {
            item_id: id,
            store_id: self.mirror.identity().store_id,
            unit_price: Money::parse_non_negative(price)?,
            barcode,
            name: name.trim().into(),
            category: category.map(Into::into),
            availability: Availability::Available,
            available_until: None,
            version: 0,
            deleted: false,
            changed: BTreeMap::new(),
        };
        self.act(Change::ItemCreated(Box::new(ItemCreated { item })), false, None)
    }

    /// Takes an item out of the catalog.
    pub fn remove_item(&self, id: ItemId) -> Result<ActReceipt, AppError> {
        self.require_item(id)?;
        self.act(Change::ItemDeleted(ItemDeleted { item: id }), false, None)
    }

    fn refuse_duplicate(&self, barcode: &Barcode, own: ItemId) -> Result<(), AppError> {
        let others = self.mirror.read(|conn| items::by_barcode(conn, barcode))?;
        match others.iter().find(|item| item.item_id != own && !item.deleted) {
            None => Ok(()),
            Some(other) => Err(AppError::DuplicateBarcode {
                barcode: barcode.to_string(),
                name: other.name.clone(),
                item: other.item_id.to_string(),
            }),
        }
    }
}

/// Puts one typed value into the edits, unless the item has it already.
pub(crate) fn set_field(edits: &mut ItemEdits, item: &Item, field: &str, text: &str) -> Result<(), AppError> {
    let filled = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    match field {
        "name" => {
            check_name(text)?;
            edits.name = edit(&item.name, text.to_owned());
        }
        "category" => edits.category = edit(&item.category, filled(text)),
        "unit_price" => edits.unit_price = edit(&item.unit_price, Money::parse_non_negative(text)?),
        "barcode" => {
            let barcode = filled(text).map(|t| t.parse::<Barcode>()).transpose()?;
            edits.barcode = edit(&item.barcode, barcode);
        }
        "availability" => {
            let availability = text.parse().map_err(|e| AppError::input("bad_value", e))?;
            edits.availability = edit(&item.availability, availability);
            // An end of "out of stock" means nothing once the item can be bought again.
            if availability == Availability::Available && edits.available_until.is_none() {
                edits.available_until = edit(&item.available_until, None);
            }
        }
        "available_until" => {
            let until = filled(text).map(|t| t.parse::<Timestamp>()).transpose()?;
            edits.available_until = edit(&item.available_until, until);
        }
        _ => {
            let message = format!(
                "\"{field}\" is not a field of an item; there are name, category, unit_price, barcode, availability, \
                 available_until"
            );
            return Err(AppError::Input { code: "bad_value", message });
        }
    }
    Ok(())
}

fn edit<T: PartialEq + Clone>(from: &T, to: T) -> Option<Edit<T>> {
    (*from != to).then(|| Edit { from: from.clone(), to })
}

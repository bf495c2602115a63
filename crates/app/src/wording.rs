//! Changes and timelines in words, in English. One place, so that screens, the command line and exports agree.

use aisle_contract::up;
use aisle_domain::{
    Availability, Change, ItemId, LineState, Money, Store, Timestamp,
    change::{Audience, LineSet, PaymentApproved, PaymentDeclined},
    item::ItemEdits,
};
use aisle_mirror::AuditEntry;
use jiff::tz::TimeZone;

use crate::views::HistoryEntry;

/// What words need beside the change itself.
pub(crate) struct Words<'a> {
    /// Whose currency and whose time of day it is.
    pub(crate) store: &'a Store,
    /// The name of an ordered item or of one that lies in the basket instead, where it is known.
    pub(crate) name_of: &'a dyn Fn(ItemId) -> Option<String>,
}

/// A day and a time of the store's.
pub(crate) fn local(store: &Store, at: Timestamp) -> String {
    let zone = TimeZone::get(&store.time_zone).unwrap_or(TimeZone::UTC);
    let instant = jiff::Timestamp::from_millisecond(at.millis());
    instant.map_or_else(|_| at.to_string(), |at| at.to_zoned(zone).strftime("%-d %b %H:%M").to_string())
}

impl Words<'_> {
    /// What a change is, as its row on the Sync screen and its timeline entry say it.
    pub(crate) fn change(&self, change: &Change) -> String {
        match change {
            Change::OrderAccepted(_) => "Order accepted".into(),
            Change::OrderRejected(c) => format!("Order rejected: {}", reason(&c.reason)),
            Change::OrderSentBack(_) => "Sent back to picking".into(),
            Change::LineSet(c) => self.line(c),
            Change::OrderNoted(c) => match c.audience {
                Audience::Staff => format!("Note: {}", c.text),
                Audience::Customer => format!("Note to the customer: {}", c.text),
            },
            Change::PaymentApproved(c) => self.approved(c),
            Change::PaymentDeclined(c) => self.declined(c),
            Change::DueSet(c) => match c.to {
                Some(to) => format!("Promised for {}", self.at(to)),
                None => "No time promised any more".into(),
            },
            Change::OrderClaimed(c) => match &c.to {
                Some(to) => format!("{to} takes care of it"),
                None => "Nobody takes care of it any more".into(),
            },
            Change::RangeRequested(_) => "Asked central for a new range".into(),
            Change::ItemChanged(c) => self.edits(&c.changes),
            Change::ItemCreated(c) => format!("New item at {}", c.item.unit_price),
            Change::ItemDeleted(_) => "Removed from the catalog".into(),
            Change::ShopperRated(c) => format!("Shopper rated {} of 5", c.rating),
            Change::StorePaused(c) => match c.until {
                Some(until) => format!("Store paused until {}", self.at(until)),
                None => "Store takes orders again".into(),
            },
            Change::StoreBusy(c) if c.minutes == 0 => "No longer busy".into(),
            Change::StoreBusy(c) => format!("Busy: {} minutes added until {}", c.minutes, self.at(c.until)),
        }
    }

    /// The audit log of a subject as its timeline. Central's word on a change stands on the act itself, as its state.
    pub(crate) fn timeline(&self, entries: &[AuditEntry]) -> Vec<HistoryEntry> {
        let told =
            entries.iter().filter(|entry| !matches!(entry.kind.as_str(), "change.received" | "change.refused"));
        told.map(|entry| self.entry(entry)).collect()
    }

    fn entry(&self, entry: &AuditEntry) -> HistoryEntry {
        HistoryEntry {
            at: entry.at.to_string(),
            kind: entry.kind.clone(),
            text: self.of_entry(entry),
            by: entry.by.clone(),
            desk: entry.desk.clone(),
            change_id: entry.change_id.map(|id| id.to_string()),
            state: entry.state.map(aisle_mirror::ChangeState::word),
            reason: entry.reason.clone(),
        }
    }

    fn of_entry(&self, entry: &AuditEntry) -> String {
        let body = &entry.text_json;
        let field = |name: &str| body.get(name).and_then(serde_json::Value::as_str).unwrap_or("?").to_owned();
        match entry.kind.as_str() {
            "central.queued" => "Placed".into(),
            "central.range" => format!("Range set {} to {}", field("amount_lo"), field("amount_hi")),
            "central.payment" => format!("Paid {} at the till", field("amount")),
            "central.receipt" => format!("Receipt of {}", field("amount")),
            "central.cancelled" => "Cancelled by the customer".into(),
            "central.missed" => "Missed: not accepted in time".into(),
            "central.confirmed" => "Confirmed by central".into(),
            "withdrawn" => "Taken back".into(),
            kind => match up::change_of(kind, body.to_string().as_bytes()) {
                Ok(act) => self.change(&act),
                Err(_) => reason(kind).replace('.', " "),
            },
        }
    }

    fn at(&self, at: Timestamp) -> String {
        local(self.store, at)
    }

    /// Amount with the sign of the currency in front, as screens print it.
    fn money(&self, amount: Money) -> String {
        match self.store.currency.0.as_str() {
            "USD" => format!("${amount}"),
            "EUR" => format!("€{amount}"),
            "GBP" => format!("£{amount}"),
            code => format!("{amount} {code}"),
        }
    }

    fn approved(&self, change: &PaymentApproved) -> String {
        let amount = change.amount.map(|amount| format!(", {}", self.money(amount))).unwrap_or_default();
        match (&change.override_, &change.reason) {
            (Some(over), _) => format!("Payment approved by override{amount}: {}", reason(&over.reason)),
            (None, Some(code)) => format!("Payment approved{amount}: {}", reason(code)),
            (None, None) if change.payment.is_none() => "Order approved, paid online".into(),
            (None, None) => format!("Payment approved{amount}"),
        }
    }

    fn declined(&self, change: &PaymentDeclined) -> String {
        let what = format!("Payment declined, {}: {}", self.money(change.amount), reason(&change.reason));
        if change.ends_order { format!("{what}; the order ends") } else { format!("{what}; back to picking") }
    }

    fn line(&self, change: &LineSet) -> String {
        let named = |id: ItemId| (self.name_of)(id).unwrap_or_else(|| format!("Item {id}"));
        let name = named(change.item);
        let much = change.to.picked_quantity.map(|quantity| format!(", {quantity}")).unwrap_or_default();
        match change.to.state {
            LineState::Found => format!("Found: {name}{much}"),
            LineState::Short => format!("Short: {name}{much}"),
            LineState::Substituted => {
                let instead = change.substitute.map_or_else(|| "another item".into(), named);
                format!("Substituted: {name} by {instead}{much}")
            }
            LineState::OutOfStock => format!("Out of stock: {name}"),
            LineState::ToPick => format!("To pick again: {name}"),
        }
    }

    fn edits(&self, edits: &ItemEdits) -> String {
        fn shown<T: ToString>(value: Option<&T>) -> String {
            value.map_or_else(|| "none".into(), ToString::to_string)
        }
        let mut parts = Vec::new();
        if let Some(e) = &edits.unit_price {
            parts.push(format!("Unit price {} to {}", e.from, e.to));
        }
        if let Some(e) = &edits.name {
            parts.push(format!("Name \"{}\" to \"{}\"", e.from, e.to));
        }
        if let Some(e) = &edits.category {
            parts.push(format!("Category {} to {}", shown(e.from.as_ref()), shown(e.to.as_ref())));
        }
        if let Some(e) = &edits.barcode {
            parts.push(format!("Barcode {} to {}", shown(e.from.as_ref()), shown(e.to.as_ref())));
        }
        let until = edits.available_until.as_ref().and_then(|e| e.to);
        match (edits.availability.as_ref().map(|e| e.to), until) {
            (Some(Availability::OutOfStock), None) => parts.push("Out of stock".into()),
            (Some(Availability::Available), _) => parts.push("Available again".into()),
            (Some(Availability::OutOfStock) | None, Some(until)) => {
                parts.push(format!("Out of stock until {}", self.at(until)));
            }
            (None, None) => {}
        }
        if parts.is_empty() { "End of out of stock removed".into() } else { parts.join(", ") }
    }
}

/// A reason's code as people read it.
pub(crate) fn reason(code: &str) -> String {
    code.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use aisle_domain::{
        Money, Quantity, StoreId,
        change::{DueSet, ItemChanged, LineSeen},
        item::Edit,
    };

    use super::*;
    use crate::present::unknown_store;

    fn in_words(change: &Change) -> String {
        let store = Store { time_zone: "America/Chicago".into(), ..unknown_store(StoreId::new(1).unwrap()) };
        let corn = ItemId::new(7).unwrap();
        Words { store: &store, name_of: &|id| (id == corn).then(|| "Corn, 11 OZ".into()) }.change(change)
    }

    #[test]
    fn an_edit_says_the_field_with_its_old_and_new_value() {
        let edit = Edit { from: Money::from_minor(399), to: Money::from_minor(39) };
        let changes = ItemEdits { unit_price: Some(edit), ..ItemEdits::default() };
        let act = Change::ItemChanged(ItemChanged { item: ItemId::new(7).unwrap(), changes });
        assert_eq!(in_words(&act), "Unit price 3.99 to 0.39");
    }

    #[test]
    fn what_was_picked_is_told_by_name() {
        let (corn, beans) = (ItemId::new(7).unwrap(), ItemId::new(8).unwrap());
        let told = |state, picked_quantity, substitute| {
            let from = LineSeen { state: LineState::ToPick, picked_quantity: None };
            let order = aisle_domain::OrderId::new(1).unwrap();
            let to = LineSeen { state, picked_quantity };
            in_words(&Change::LineSet(LineSet { order, item: corn, from, to, substitute }))
        };
        assert_eq!(told(LineState::Found, None, None), "Found: Corn, 11 OZ");
        assert_eq!(told(LineState::Short, Some(Quantity::ONE), None), "Short: Corn, 11 OZ, 1");
        assert_eq!(told(LineState::Substituted, None, Some(beans)), "Substituted: Corn, 11 OZ by Item 8");
        assert_eq!(told(LineState::OutOfStock, None, None), "Out of stock: Corn, 11 OZ");
    }

    #[test]
    fn times_are_the_stores() {
        let order = aisle_domain::OrderId::new(1).unwrap();
        let to = Some("2017-04-05T21:10:00Z".parse().unwrap());
        assert_eq!(in_words(&Change::DueSet(DueSet { order, from: None, to })), "Promised for 5 Apr 16:10");
    }
}

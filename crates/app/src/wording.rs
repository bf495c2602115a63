//! Changes and timelines in words, in English. One place, so that screens, the command line and exports agree.

use aisle_contract::up;
use aisle_domain::{
    Availability, Change, Currency, LineState, Money,
    change::{Audience, LineSet, PaymentApproved, PaymentDeclined},
    item::ItemEdits,
};
use aisle_mirror::AuditEntry;

use crate::views::HistoryEntry;

/// What a change is, as its row on the Sync screen and its timeline entry say it.
pub(crate) fn change(change: &Change, currency: &Currency) -> String {
    match change {
        Change::OrderAccepted(_) => "Order accepted".into(),
        Change::OrderRejected(c) => format!("Order rejected: {}", reason(&c.reason)),
        Change::OrderSentBack(_) => "Sent back to picking".into(),
        Change::LineSet(c) => line(c),
        Change::OrderNoted(c) => match c.audience {
            Audience::Staff => format!("Note: {}", c.text),
            Audience::Customer => format!("Note to the customer: {}", c.text),
        },
        Change::PaymentApproved(c) => approved(c, currency),
        Change::PaymentDeclined(c) => declined(c, currency),
        Change::DueSet(c) => match c.to {
            Some(to) => format!("Due time set to {to}"),
            None => "Due time removed".into(),
        },
        Change::OrderClaimed(c) => match &c.to {
            Some(to) => format!("{to} takes care of it"),
            None => "Nobody takes care of it any more".into(),
        },
        Change::RangeRequested(_) => "Asked central for a new range".into(),
        Change::ItemChanged(c) => edits(&c.changes),
        Change::ItemCreated(c) => format!("New item at {}", c.item.unit_price),
        Change::ItemDeleted(_) => "Removed from the catalog".into(),
        Change::ShopperRated(c) => format!("Shopper rated {} of 5", c.rating),
        Change::StorePaused(c) => match c.until {
            Some(until) => format!("Store paused until {until}"),
            None => "Store takes orders again".into(),
        },
        Change::StoreBusy(c) => format!("Busy: {} minutes added until {}", c.minutes, c.until),
    }
}

/// Amount with the sign of the currency in front, as screens print it.
fn money(amount: Money, currency: &Currency) -> String {
    match currency.0.as_str() {
        "USD" => format!("${amount}"),
        "EUR" => format!("€{amount}"),
        "GBP" => format!("£{amount}"),
        code => format!("{amount} {code}"),
    }
}

/// A reason's code as people read it.
pub(crate) fn reason(code: &str) -> String {
    code.replace('_', " ")
}

fn approved(change: &PaymentApproved, currency: &Currency) -> String {
    let amount = change.amount.map(|amount| format!(", {}", money(amount, currency))).unwrap_or_default();
    match (&change.override_, &change.reason) {
        (Some(over), _) => format!("Payment approved by override{amount}: {}", reason(&over.reason)),
        (None, Some(code)) => format!("Payment approved{amount}: {}", reason(code)),
        (None, None) if change.payment.is_none() => "Order approved, paid online".into(),
        (None, None) => format!("Payment approved{amount}"),
    }
}

fn declined(change: &PaymentDeclined, currency: &Currency) -> String {
    let what = format!("Payment declined, {}: {}", money(change.amount, currency), reason(&change.reason));
    if change.ends_order { format!("{what}; the order ends") } else { format!("{what}; back to picking") }
}

fn line(change: &LineSet) -> String {
    match (change.to.state, change.to.picked_quantity) {
        (LineState::Short, Some(quantity)) => format!("Line short: {quantity} found"),
        (LineState::Found, Some(quantity)) => format!("Line found: {quantity}"),
        (LineState::Substituted, _) => "Line substituted".into(),
        (LineState::OutOfStock, _) => "Line out of stock".into(),
        (LineState::ToPick, _) => "Line to pick again".into(),
        (LineState::Found | LineState::Short, None) => format!("Line {}", reason(change.to.state.word())),
    }
}

fn edits(edits: &ItemEdits) -> String {
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
        (Some(Availability::OutOfStock) | None, Some(until)) => parts.push(format!("Out of stock until {until}")),
        (None, None) => {}
    }
    if parts.is_empty() { "End of out of stock removed".into() } else { parts.join(", ") }
}

/// The audit log of a subject as its timeline. Central's word on a change stands on the act itself, as its state.
pub(crate) fn timeline(entries: &[AuditEntry], currency: &Currency) -> Vec<HistoryEntry> {
    entries
        .iter()
        .filter(|entry| !matches!(entry.kind.as_str(), "change.received" | "change.refused"))
        .map(|entry| history(entry, currency))
        .collect()
}

fn history(entry: &AuditEntry, currency: &Currency) -> HistoryEntry {
    HistoryEntry {
        at: entry.at.to_string(),
        kind: entry.kind.clone(),
        text: entry_text(entry, currency),
        by: entry.by.clone(),
        desk: entry.desk.clone(),
        change_id: entry.change_id.map(|id| id.to_string()),
        state: entry.state.map(aisle_mirror::ChangeState::word),
        reason: entry.reason.clone(),
    }
}

fn entry_text(entry: &AuditEntry, currency: &Currency) -> String {
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
            Ok(act) => change(&act, currency),
            Err(_) => reason(kind).replace('.', " "),
        },
    }
}

#[cfg(test)]
mod tests {
    use aisle_domain::{ItemId, Money, change::ItemChanged, item::Edit};

    use super::*;

    #[test]
    fn an_edit_says_the_field_with_its_old_and_new_value() {
        let edit = Edit { from: Money::from_minor(399), to: Money::from_minor(39) };
        let changes = ItemEdits { unit_price: Some(edit), ..ItemEdits::default() };
        let act = Change::ItemChanged(ItemChanged { item: ItemId::new(7).unwrap(), changes });
        assert_eq!(change(&act, &Currency("USD".into())), "Unit price 3.99 to 0.39");
    }
}

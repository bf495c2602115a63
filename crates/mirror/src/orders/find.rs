//! Finding orders: by what people know of them, and by what they are.

use aisle_domain::{Barcode, Money, Order, OrderId, OrderStatus, Timestamp};
use rusqlite::{Connection, params_from_iter, types::Value};

use super::read;
use crate::error::Result;

/// Who takes care of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Care {
    /// Nobody yet.
    Nobody,
    /// This person.
    Of(String),
}

/// Where an order is, as people see it: one that central has confirmed is still approved or rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Nobody has accepted it.
    New,
    /// It is picked.
    Running,
    /// A payment waits for a decision.
    Pending,
    /// Its payment was approved.
    Approved,
    /// It ended otherwise.
    Rejected,
}

impl Stage {
    const fn condition(self) -> &'static str {
        match self {
            Self::New => "status = 'new'",
            Self::Running => "status = 'running'",
            Self::Pending => "status = 'pending'",
            Self::Approved => "status = 'approved' OR status = 'confirmed' AND decision = 'approved'",
            Self::Rejected => "status = 'rejected' OR status = 'confirmed' AND decision IS NOT 'approved'",
        }
    }
}

/// Which orders a list has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Only these; empty means all.
    pub statuses: Vec<OrderStatus>,
    /// Only those that are at one of these; empty means all.
    pub stages: Vec<Stage>,
    /// Only orders with changes that central has not acknowledged.
    pub unsent: bool,
    /// Only those that were queued from this instant on.
    pub queued_from: Option<Timestamp>,
    /// Only those that were queued before this instant.
    pub queued_before: Option<Timestamp>,
    /// Only those that are cared for like this.
    pub care: Option<Care>,
    /// Only those that were decided after the time they were promised for, or are open and past it at this instant.
    pub late_at: Option<Timestamp>,
    /// Only those of which something was not there as it was ordered.
    pub incomplete: bool,
    /// Only those whose payments, without the declined ones, lie outside the range in force.
    pub outside_range: bool,
    /// Behind this place.
    pub after: Option<(Timestamp, OrderId)>,
    /// At most this many.
    pub limit: usize,
}

/// An order that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The order.
    pub order: Order,
    /// The item by whose name or code it was found, as it stands on the order or on its receipt.
    pub item: Option<String>,
}

/// Where the text may be, in the order of how sure it is that it is meant.
const NUMBER: usize = 0;
const CUSTOMER: usize = 1;
const AMOUNT: usize = 2;
const ITEM: usize = 3;

/// An item's name is not looked for by less: every order has an "a".
const LETTERS_OF_AN_ITEM: usize = 3;

impl OrderFilter {
    pub(super) fn limit(&self) -> Value {
        Value::Integer(i64::try_from(self.limit).unwrap_or(i64::MAX))
    }

    /// What the rows of `orders` must be, and the values of it.
    pub(super) fn conditions(&self) -> (String, Vec<Value>) {
        let mut conditions = vec!["1 = 1".to_owned()];
        let mut values = Vec::new();
        if !self.statuses.is_empty() {
            let words: Vec<_> = self.statuses.iter().map(|s| format!("'{}'", s.word())).collect();
            conditions.push(format!("status IN ({})", words.join(", ")));
        }
        if !self.stages.is_empty() {
            let stages: Vec<_> = self.stages.iter().map(|stage| stage.condition()).collect();
            conditions.push(format!("({})", stages.join(" OR ")));
        }
        let mut only = |condition: &str, of: Vec<Value>| {
            conditions.push(condition.to_owned());
            values.extend(of);
        };
        if self.unsent {
            only(
                "orders.order_id IN (SELECT subject FROM outbox
                    WHERE state IN ('held', 'ready', 'sent') AND lane = 'orders' AND +kind = 'order')",
                vec![],
            );
        }
        if let Some(from) = self.queued_from {
            only("queued_time >= ?", vec![from.millis().into()]);
        }
        if let Some(before) = self.queued_before {
            only("queued_time < ?", vec![before.millis().into()]);
        }
        match &self.care {
            Some(Care::Nobody) => only("claimed_by IS NULL", vec![]),
            Some(Care::Of(who)) => only("claimed_by = ?", vec![who.clone().into()]),
            None => {}
        }
        if let Some(now) = self.late_at {
            only("due_at < coalesce(decided_at, ?)", vec![now.millis().into()]);
        }
        if self.incomplete {
            only(
                "EXISTS (SELECT 1 FROM client_order_items l WHERE l.order_id = orders.order_id
                    AND l.state IN ('short', 'substituted', 'out_of_stock'))",
                vec![],
            );
        }
        if self.outside_range {
            only(
                "EXISTS (SELECT 1 FROM amount_ranges r
                    WHERE r.order_id = orders.order_id AND r.store_id = orders.store_id
                    AND (SELECT sum(p.amount) FROM payments p
                         WHERE p.order_id = orders.order_id AND p.status IS NOT 'rejected')
                        NOT BETWEEN r.amount_lo AND r.amount_hi)",
                vec![],
            );
        }
        if let Some((at, id)) = self.after {
            only("(queued_time, orders.order_id) > (?, ?)", vec![at.millis().into(), id.get().into()]);
        }
        (conditions.join(" AND "), values)
    }
}

/// Orders that fit the filter and have the text as their number or its end, in their customer's number or name, as an amount
/// that was expected or paid, or as the code or a part of the name of an item; a number before a name, a
/// name before an amount, an item last, and the newest first of each. With how many there are in all.
pub fn find(conn: &Connection, text: &str, filter: &OrderFilter) -> Result<(Vec<Found>, i64)> {
    let text = text.trim();
    let (hits, mut values) = hits_of(text);
    let (conditions, of_filter) = filter.conditions();
    values.extend(of_filter);
    values.push(filter.limit());
    let source = if hits.is_empty() {
        "SELECT orders.*, NULL AS item, 0 AS place, count(*) OVER () AS total FROM orders".to_owned()
    } else {
        // With a minimum, SQLite takes the other columns from the row that has it.
        format!(
            "WITH hits (order_id, place, item) AS ({hits})
             SELECT orders.*, hits.item AS item, min(hits.place) AS place, count(*) OVER () AS total
             FROM hits JOIN orders ON orders.order_id = hits.order_id"
        )
    };
    let group = if hits.is_empty() { "" } else { "GROUP BY orders.order_id" };
    let sql = format!(
        "{source} WHERE {conditions} {group} ORDER BY place, queued_time DESC, orders.order_id DESC LIMIT ?"
    );
    let mut statement = conn.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let (mut found, mut total) = (Vec::new(), 0);
    while let Some(row) = rows.next()? {
        total = row.get("total")?;
        found.push(Found { order: read(conn, row)?, item: row.get("item")? });
    }
    Ok((found, total))
}

/// The rows `(order_id, place, item)` of everything that has the text, and the values in it. Nothing for an empty text.
fn hits_of(text: &str) -> (String, Vec<Value>) {
    if text.is_empty() {
        return (String::new(), Vec::new());
    }
    let plain: String =
        text.chars().flat_map(|c| "\\%_".contains(c).then_some('\\').into_iter().chain([c])).collect();
    let (ending, part) = (Value::Text(format!("%{plain}")), Value::Text(format!("%{plain}%")));
    let mut parts = Vec::new();
    let mut values = Vec::new();
    let mut look = |place: usize, item: &str, rest: &str, of: Vec<Value>| {
        parts.push(format!("SELECT order_id, {place}, {item} FROM {rest}"));
        values.extend(of);
    };
    if let Ok(number) = text.parse::<i64>() {
        look(NUMBER, "NULL", "orders WHERE order_id = ?", vec![number.into()]);
        look(CUSTOMER, "NULL", "orders WHERE user_id = ?", vec![number.into()]);
    }
    look(NUMBER, "NULL", "orders WHERE display_no LIKE ? ESCAPE '\\'", vec![ending]);
    look(CUSTOMER, "NULL", "orders WHERE customer_name LIKE ? ESCAPE '\\'", vec![part.clone()]);
    if let Some(amount) = amount_in(text) {
        let amount = || vec![amount.minor().into()];
        look(AMOUNT, "NULL", "payments WHERE amount = ?", amount());
        look(AMOUNT, "NULL", "shopper_order_details WHERE amount = ?", amount());
        // As the domain rounds a line.
        let expected = "client_order_items GROUP BY order_id
            HAVING sum((order_unit_price * quantity + 500) / 1000) = ?";
        look(AMOUNT, "NULL", expected, amount());
    }
    if let Ok(code) = text.parse::<Barcode>() {
        for spelling in code.spellings() {
            look(ITEM, "name", "client_order_items WHERE barcode = ?", vec![spelling.as_str().to_owned().into()]);
        }
    }
    if text.chars().count() >= LETTERS_OF_AN_ITEM {
        look(ITEM, "name", "client_order_items WHERE name LIKE ? ESCAPE '\\'", vec![part.clone()]);
        look(ITEM, "name", "shopper_order_items WHERE name LIKE ? ESCAPE '\\'", vec![part]);
    }
    (parts.join(" UNION ALL "), values)
}

/// An amount as people write it: `12.34`, `12,34`, `$1,204.50`, `42`.
fn amount_in(text: &str) -> Option<Money> {
    let digits = text.trim_matches(|c: char| !c.is_ascii_digit());
    let rest_is_short = text.chars().count() <= digits.chars().count() + 4;
    let decimal = match digits.rsplit_once(',') {
        Some((whole, cents)) if cents.len() <= 2 && !whole.contains(',') => format!("{whole}.{cents}"),
        _ => digits.replace(',', ""),
    };
    rest_is_short.then(|| decimal.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_as_people_write_it() {
        for (text, minor) in
            [("12.34", 1234), ("12,34", 1234), ("$1,204.50", 120_450), ("42", 4200), ("9,5 €", 950)]
        {
            assert_eq!(amount_in(text).map(Money::minor), Some(minor), "{text}");
        }
        for text in ["", "milk", "2 l of milk", "1.2.3", "1,2,3,4.567"] {
            assert_eq!(amount_in(text), None, "{text}");
        }
    }
}

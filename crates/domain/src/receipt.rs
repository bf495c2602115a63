//! The difference between what was ordered and what was paid, explained line by line. The parts sum to the
//! difference to the cent, always.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    ids::ItemId,
    money::Money,
    order::{OrderLine, Receipt, ReceiptLine},
    quantity::Quantity,
};

/// Why paid and ordered differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DifferenceKind {
    /// Another item was bought instead.
    Substitution,
    /// A weighed item weighs more or less.
    Weight,
    /// More or fewer pieces.
    Quantity,
    /// The till's price is another one.
    Price,
    /// Ordered and not on the receipt.
    Missing,
    /// On the receipt and not ordered.
    Extra,
    /// Taken off the whole receipt.
    Discount,
    /// The till rounds line prices to the cent.
    Rounding,
}

/// One part of the difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// Why.
    pub kind: DifferenceKind,
    /// How much: positive when it makes the payment larger. Never zero.
    pub amount: Money,
    /// The ordered item it is about, or the extra one; `None` for the receipt as a whole.
    pub item_id: Option<ItemId>,
    /// The item's name.
    pub name: Option<String>,
}

/// What the receipts say of one ordered line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineMatch {
    /// Quantity on the receipts.
    pub quantity: Quantity,
    /// Total on the receipts.
    pub total: Money,
    /// Name on the receipt.
    pub name: String,
    /// Whether it is the line's substitute that was bought.
    pub substitute: bool,
}

/// Ordered lines beside what was bought for them, and what was bought beyond.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matched<'a> {
    /// For each ordered line, in its order.
    pub lines: Vec<(&'a OrderLine, Option<LineMatch>)>,
    /// Receipt lines that match no ordered one.
    pub extra: Vec<&'a ReceiptLine>,
}

/// Matches receipts to an order's lines: by item, else by the line's substitute. A receipt line is used once.
pub fn match_lines<'a>(lines: &'a [OrderLine], receipts: &'a [Receipt]) -> Matched<'a> {
    let mut by_item: BTreeMap<ItemId, Vec<&ReceiptLine>> = BTreeMap::new();
    let mut extra = Vec::new();
    for line in receipts.iter().flat_map(|r| &r.lines) {
        match line.item_id {
            Some(id) => by_item.entry(id).or_default().push(line),
            None => extra.push(line),
        }
    }
    let mut matches: Vec<Option<LineMatch>> =
        lines.iter().map(|line| by_item.remove(&line.item_id).map(|bought| sum_up(&bought, false))).collect();
    for (line, found) in lines.iter().zip(&mut matches).filter(|(_, found)| found.is_none()) {
        *found = line.substitute.and_then(|id| by_item.remove(&id)).map(|bought| sum_up(&bought, true));
    }
    extra.extend(by_item.into_values().flatten());
    extra.sort_by_key(|line| line.line_no);
    Matched { lines: lines.iter().zip(matches).collect(), extra }
}

fn sum_up(bought: &[&ReceiptLine], substitute: bool) -> LineMatch {
    LineMatch {
        quantity: bought.iter().map(|l| l.quantity).sum(),
        total: bought.iter().map(|l| l.total()).sum(),
        name: bought.first().map(|l| l.name.clone()).unwrap_or_default(),
        substitute,
    }
}

/// Explains paid minus expected. Empty when they are equal for no reason at all; parts of zero are left out.
pub fn explain(lines: &[OrderLine], receipts: &[Receipt]) -> Vec<Difference> {
    if receipts.is_empty() {
        return Vec::new();
    }
    let matched = match_lines(lines, receipts);
    let mut parts = Vec::new();
    for (line, bought) in &matched.lines {
        explain_line(line, bought.as_ref(), &mut parts);
    }
    for line in &matched.extra {
        push(&mut parts, DifferenceKind::Extra, line.total(), line.item_id, &line.name);
    }
    parts.extend(explain_rest(receipts));
    parts
}

fn push(parts: &mut Vec<Difference>, kind: DifferenceKind, amount: Money, item_id: Option<ItemId>, name: &str) {
    if amount != Money::ZERO {
        parts.push(Difference { kind, amount, item_id, name: Some(name.into()) });
    }
}

fn explain_line(line: &OrderLine, bought: Option<&LineMatch>, parts: &mut Vec<Difference>) {
    let id = Some(line.item_id);
    match bought {
        None => push(parts, DifferenceKind::Missing, Money::ZERO.minus(line.total()), id, &line.name),
        Some(other) if other.substitute => {
            push(parts, DifferenceKind::Substitution, other.total.minus(line.total()), id, &line.name);
        }
        Some(same) => {
            let at_ordered_price = line.order_unit_price.times(same.quantity);
            let weighed = line.is_weighed() || same.quantity.thousandths() % 1000 != 0;
            let kind = if weighed { DifferenceKind::Weight } else { DifferenceKind::Quantity };
            push(parts, kind, at_ordered_price.minus(line.total()), id, &line.name);
            push(parts, DifferenceKind::Price, same.total.minus(at_ordered_price), id, &line.name);
        }
    }
}

/// What the receipts' amounts are beyond the sum of their lines: rounding as long as it is at most half a cent for
/// each unit bought, a discount when more was taken off, an extra when more was charged.
fn explain_rest(receipts: &[Receipt]) -> Option<Difference> {
    let paid: Money = receipts.iter().map(|r| r.amount).sum();
    let lines = || receipts.iter().flat_map(|r| &r.lines);
    let rest = paid.minus(lines().map(ReceiptLine::total).sum());
    let units: i64 = lines().map(|l| l.quantity.thousandths().div_euclid(1000) + 1).sum();
    let kind = if rest.minor().abs() <= units / 2 + 1 {
        DifferenceKind::Rounding
    } else if rest < Money::ZERO {
        DifferenceKind::Discount
    } else {
        DifferenceKind::Extra
    };
    (rest != Money::ZERO).then_some(Difference { kind, amount: rest, item_id: None, name: None })
}

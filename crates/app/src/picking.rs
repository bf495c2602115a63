//! Picking: where each line is, what lies in the basket instead, and what that does to the amount at the till.

use std::collections::BTreeMap;

use aisle_domain::{
    Barcode, Change, Item, ItemId, LineState, Money, Order, OrderId, OrderLine, Quantity, Store,
    change::{LineSeen, LineSet},
    order::ShelfPrices,
};
use aisle_mirror::items;

use crate::{
    desk::Desk,
    error::AppError,
    present,
    views::{
        ActReceipt, EffectView, QuantityPreview, ReplacementView, ReplacementsView, ScanOutcome, ScannedLine,
    },
};

/// Replacements that are offered.
const OFFERED: usize = 8;
/// What customers write who want nothing instead.
const LEAVE_OUT: &str = "none";
/// Nobody picks more than this many times what was ordered; a barcode that was typed as a quantity is more.
const MOST_TIMES: i64 = 10;

impl Desk {
    /// Says where a line is while the order is picked.
    pub fn set_line(
        &self,
        id: OrderId,
        item: ItemId,
        state: LineState,
        quantity: Option<Quantity>,
        substitute: Option<ItemId>,
    ) -> Result<ActReceipt, AppError> {
        let order = self.require_order(id)?;
        let line = require_line(&order, item)?;
        let picked_quantity = match state {
            LineState::ToPick | LineState::OutOfStock => None,
            LineState::Found | LineState::Short | LineState::Substituted => quantity,
        };
        check_quantity(line, state, picked_quantity)?;
        match (state, substitute) {
            (LineState::Substituted, Some(other)) => self.check_substitute(&order, item, other)?,
            (LineState::Substituted, None) => {
                return Err(AppError::input("bad_value", "name the item that lies in the basket instead"));
            }
            (_, Some(_)) => {
                return Err(AppError::input("bad_value", "only a line that is substituted names another item"));
            }
            (_, None) => {}
        }
        let change = LineSet {
            order: id,
            item,
            from: LineSeen { state: line.state, picked_quantity: line.picked_quantity },
            to: LineSeen { state, picked_quantity },
            substitute,
        };
        self.act(Change::LineSet(change), false, None)
    }

    /// Says how much of a line is in the basket: all of it, less, or what the scale shows.
    pub fn pick_quantity(&self, id: OrderId, item: ItemId, quantity: &str) -> Result<ActReceipt, AppError> {
        let quantity = typed_quantity(quantity)?;
        let order = self.require_order(id)?;
        let (state, substitute) = state_of(require_line(&order, item)?, quantity);
        self.set_line(id, item, state, Some(quantity), substitute)
    }

    /// A code that was scanned while the order is picked: its line is found; a further piece of a short line is counted.
    pub fn scan_line(&self, id: OrderId, code: &str) -> Result<ScannedLine, AppError> {
        let order = self.require_order(id)?;
        let scanned: Barcode = code.trim().parse()?;
        let told = |outcome, item: Option<(ItemId, &str)>| ScannedLine {
            outcome,
            code: scanned.to_string(),
            item_id: item.map(|(id, _)| id.to_string()),
            name: item.map(|(_, name)| name.to_owned()),
        };
        let is_its = |line: &&OrderLine| line.barcode.as_ref().is_some_and(|own| own.is_same_code(&scanned));
        let labelled = || self.labelled(&order, &scanned);
        let of_order =
            order.lines.iter().find(is_its).map(|line| (line, None)).map_or_else(labelled, |it| Ok(Some(it)))?;
        if let Some((line, weighed)) = of_order {
            let outcome = match further(line, weighed) {
                Some((state, quantity)) => {
                    self.set_line(id, line.item_id, state, quantity, None)?;
                    ScanOutcome::Found
                }
                None => ScanOutcome::Again,
            };
            return Ok(told(outcome, Some((line.item_id, &line.name))));
        }
        let Some(item) = self.on_shelf(&scanned)? else {
            return Ok(told(ScanOutcome::Unknown, None));
        };
        let instead = order.lines.iter().find(|line| line.substitute == Some(item.item_id));
        Ok(match instead {
            Some(line) => told(ScanOutcome::Again, Some((line.item_id, &item.name))),
            None => told(ScanOutcome::NotOrdered, Some((item.item_id, &item.name))),
        })
    }

    /// The line that a scale's label is of, and how much the label says it is.
    fn labelled<'o>(
        &self,
        order: &'o Order,
        scanned: &Barcode,
    ) -> Result<Option<(&'o OrderLine, Option<Quantity>)>, AppError> {
        let policies = self.store()?.policies;
        let found = policies.layouts().find_map(|layout| {
            let label = layout.read(scanned)?;
            let is_its = |line: &&OrderLine| line.barcode.as_ref().is_some_and(|own| layout.is_of(&label, own));
            let line = order.lines.iter().find(is_its)?;
            Some((line, line.is_weighed().then(|| label.says.quantity(line.order_unit_price)).flatten()))
        });
        Ok(found)
    }

    /// The item of the catalog that a code is of, a scale's label too.
    fn on_shelf(&self, scanned: &Barcode) -> Result<Option<Item>, AppError> {
        let policies = self.store()?.policies;
        let labels = policies.layouts().filter_map(|layout| Some(layout.codes(&layout.read(scanned)?)));
        for code in std::iter::once(scanned.clone()).chain(labels.flatten()) {
            let found = self.mirror.read(|conn| items::by_code(conn, &code))?;
            if let Some(item) = found.into_iter().find(|item| !item.deleted) {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }

    /// What saying this quantity of a line would come to.
    ///
    /// # Errors
    /// As [`Desk::pick_quantity`]; nothing is written.
    pub fn preview_quantity(
        &self,
        id: OrderId,
        item: ItemId,
        quantity: &str,
    ) -> Result<QuantityPreview, AppError> {
        let quantity = typed_quantity(quantity)?;
        let order = self.require_order(id)?;
        let line = require_line(&order, item)?;
        let (state, substitute) = state_of(line, quantity);
        check_quantity(line, state, Some(quantity))?;
        let prices = shelf_prices(&self.substitutes(&order)?);
        let picked = OrderLine { state, picked_quantity: Some(quantity), substitute, ..line.clone() };
        let total = picked.picked_total(&prices);
        let effect = effect(&order, line, &self.store()?, &prices, total);
        Ok(QuantityPreview { total: total.to_string(), effect })
    }

    /// What may lie in the basket instead of a line's item: what is most like it, or what a text or a scanned code finds.
    pub fn replacements(&self, id: OrderId, item: ItemId, text: &str) -> Result<ReplacementsView, AppError> {
        let order = self.require_order(id)?;
        let line = require_line(&order, item)?;
        let found = if is_replaceable(&order) { self.look_for(&order, line, text.trim())? } else { Vec::new() };
        let store = self.store()?;
        let prices = shelf_prices(&self.substitutes(&order)?);
        let effect = |total: Money| effect(&order, line, &store, &prices, total);
        let choices = found.iter().map(|other| {
            let total = other.unit_price.times(line.quantity);
            ReplacementView {
                item_id: other.item_id.to_string(),
                name: other.name.clone(),
                barcode: other.barcode.as_ref().map(ToString::to_string),
                total: total.to_string(),
                difference: total.minus(line.total()).to_string(),
                availability: other.availability,
                effect: effect(total),
            }
        });
        Ok(ReplacementsView {
            wish: order.substitution.clone(),
            replaceable: is_replaceable(&order),
            choices: choices.collect(),
            without: effect(Money::ZERO),
        })
    }

    fn look_for(&self, order: &Order, line: &OrderLine, text: &str) -> Result<Vec<Item>, AppError> {
        let is_other = |item: &Item| item.item_id != line.item_id && !item.deleted;
        if text.is_empty() {
            let category = self.mirror.read(|conn| items::load(conn, line.item_id))?.and_then(|own| own.category);
            let wanted = items::Wanted {
                item: line.item_id,
                name: &line.name,
                category: category.as_deref(),
                price: line.order_unit_price,
            };
            let most = OFFERED + order.lines.len();
            let alike = self.mirror.read(|conn| items::similar(conn, &wanted, most))?;
            let is_ordered = |item: &Item| order.lines.iter().any(|own| own.item_id == item.item_id);
            return Ok(alike.into_iter().filter(|item| !is_ordered(item)).take(OFFERED).collect());
        }
        let most = i64::try_from(OFFERED).unwrap_or(i64::MAX) + 1;
        let (found, _) = self.mirror.read(|conn| items::search(conn, text, 0, most))?;
        Ok(found.into_iter().filter(is_other).take(OFFERED).collect())
    }

    fn check_substitute(&self, order: &Order, item: ItemId, other: ItemId) -> Result<(), AppError> {
        if !is_replaceable(order) {
            return Err(AppError::input("not_wanted", "the customer wants it left out, not replaced"));
        }
        if item == other {
            return Err(AppError::input("bad_value", "the item that was ordered does not replace itself"));
        }
        self.require_item(other).map(|_| ())
    }

    /// Items that lie in the basket instead of ordered ones, as the catalog has them.
    pub(crate) fn substitutes(&self, order: &Order) -> Result<BTreeMap<ItemId, Item>, AppError> {
        let mut found = BTreeMap::new();
        for id in order.lines.iter().filter_map(|line| line.substitute) {
            if let Some(item) = self.mirror.read(|conn| items::load(conn, id))? {
                found.insert(id, item);
            }
        }
        Ok(found)
    }
}

pub(crate) fn shelf_prices(items: &BTreeMap<ItemId, Item>) -> ShelfPrices {
    items.iter().map(|(id, item)| (*id, item.unit_price)).collect()
}

fn typed_quantity(text: &str) -> Result<Quantity, AppError> {
    Ok(text.trim().replace(',', ".").parse()?)
}

/// Where a line is when so much of it is in the basket, and what lies there instead.
fn state_of(line: &OrderLine, quantity: Quantity) -> (LineState, Option<ItemId>) {
    match line.state {
        LineState::Substituted => (LineState::Substituted, line.substitute),
        _ if !line.is_weighed() && quantity < line.quantity => (LineState::Short, None),
        _ => (LineState::Found, None),
    }
}

fn require_line(order: &Order, item: ItemId) -> Result<&OrderLine, AppError> {
    let found = order.lines.iter().find(|line| line.item_id == item);
    found.ok_or_else(|| AppError::NotFound(format!("item {item} on order {}", order.order_id)))
}

fn is_replaceable(order: &Order) -> bool {
    order.substitution.as_deref() != Some(LEAVE_OUT)
}

fn check_quantity(line: &OrderLine, state: LineState, quantity: Option<Quantity>) -> Result<(), AppError> {
    let bad = |message: String| Err(AppError::Input { code: "bad_quantity", message });
    let ordered = line.quantity;
    let is_short = |picked: Quantity| picked < ordered;
    match (state, quantity) {
        (_, Some(Quantity::ZERO)) => bad("nothing of it is in the basket: say out of stock instead".into()),
        (LineState::Short, picked) if picked.is_none_or(|picked| !is_short(picked)) => {
            bad(format!("short means less than the {ordered} that were ordered; say how many"))
        }
        (LineState::Found, Some(picked)) if !line.is_weighed() && is_short(picked) => {
            bad(format!("found means all of the {ordered} that were ordered; say short where it is less"))
        }
        (_, Some(picked)) if picked.thousandths() > ordered.thousandths().saturating_mul(MOST_TIMES) => {
            bad(format!("{picked} is more than {MOST_TIMES} times the {ordered} that were ordered"))
        }
        (_, Some(picked)) if !line.is_weighed() && ordered.is_whole() && !picked.is_whole() => {
            bad(format!("{picked} is no number of pieces"))
        }
        _ => Ok(()),
    }
}

/// What one more scan of a line's item makes of it; nothing where all of it is in the basket. Of what is weighed a label adds to
/// what earlier ones said, until that is what was ordered.
fn further(line: &OrderLine, weighed: Option<Quantity>) -> Option<(LineState, Option<Quantity>)> {
    if let Some(weight) = weighed {
        let before = match line.state {
            LineState::ToPick | LineState::OutOfStock => Some(Quantity::ZERO),
            // Said to be found without a weight: the label is the first.
            LineState::Found | LineState::Short => Some(line.picked_quantity.unwrap_or(Quantity::ZERO)),
            LineState::Substituted => None,
        }?;
        let picked: Quantity = [before, weight].into_iter().sum();
        return (before < line.quantity).then_some((LineState::Found, Some(picked)));
    }
    match line.state {
        LineState::ToPick | LineState::OutOfStock => Some((LineState::Found, None)),
        LineState::Short if !line.is_weighed() => {
            let picked: Quantity = line.picked_quantity.into_iter().chain([Quantity::ONE]).sum();
            let is_short = picked < line.quantity;
            Some(if is_short { (LineState::Short, Some(picked)) } else { (LineState::Found, None) })
        }
        LineState::Short | LineState::Found | LineState::Substituted => None,
    }
}

/// What the order would come to if the line cost this much.
fn effect(order: &Order, line: &OrderLine, store: &Store, prices: &ShelfPrices, total: Money) -> EffectView {
    let range = present::effective_range(order, store);
    let forecast = order.forecast(prices).minus(line.forecast(prices)).plus(total);
    EffectView {
        forecast: forecast.to_string(),
        left: range.amount_hi.minus(order.used()).minus(forecast).to_string(),
        verdict: range.judge(forecast, order.used()),
    }
}

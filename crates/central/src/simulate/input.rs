//! The files of a simulated store: `items.csv`, `orders.jsonl`, `receipts.jsonl`. All of them are read and checked
//! before anything is written. Their `store_id` is not looked at: the days are replayed for the store that is named.

use std::{
    collections::{HashMap, HashSet},
    fmt::Display,
    path::Path,
    str::FromStr,
};

use aisle_domain::{
    Barcode, ItemId, Money, OrderId, Quantity, Timestamp, TransactionId, UserId,
    item::{check_name, check_price},
};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::CentralError;

/// A row of `items.csv`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputItem {
    pub(super) item_id: ItemId,
    pub(super) barcode: Option<Barcode>,
    pub(super) name: String,
    pub(super) category: Option<String>,
    pub(super) unit_price: Money,
}

/// A line of `orders.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputOrder {
    /// From 1.
    pub(super) line: usize,
    pub(super) order_id: OrderId,
    pub(super) user_id: UserId,
    pub(super) creation_time: Timestamp,
    pub(super) lines: Vec<InputLine>,
}

/// An ordered line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputLine {
    pub(super) item_id: ItemId,
    pub(super) unit_price: Money,
    pub(super) quantity: Quantity,
}

/// A line of `receipts.jsonl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputReceipt {
    pub(super) transaction_id: TransactionId,
    pub(super) datetime: Timestamp,
    pub(super) amount: Money,
    pub(super) lines: Vec<(InputLine, String)>,
}

/// The whole folder.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) items: Vec<InputItem>,
    /// By number, as places in `items`.
    places: HashMap<ItemId, usize>,
    pub(super) orders: Vec<InputOrder>,
    receipts: HashMap<OrderId, InputReceipt>,
}

impl Input {
    /// Reads the folder.
    ///
    /// # Errors
    /// [`CentralError::Input`] with file, line and reason.
    pub(super) fn read(folder: &Path) -> Result<Self, CentralError> {
        let items = read_items(&folder.join("items.csv"))?;
        let places: HashMap<ItemId, usize> =
            items.iter().enumerate().map(|(place, i)| (i.item_id, place)).collect();
        let orders = read_orders(&folder.join("orders.jsonl"), &places)?;
        let receipts = read_receipts(&folder.join("receipts.jsonl"), &orders)?;
        if let Some(lonely) = orders.iter().find(|o| !receipts.contains_key(&o.order_id)) {
            let reason = format!("order {} has no receipt in receipts.jsonl", lonely.order_id);
            return Err(CentralError::Input { file: folder.join("orders.jsonl"), line: lonely.line, reason });
        }
        Ok(Self { items, places, orders, receipts })
    }

    pub(super) fn item(&self, item: ItemId) -> Option<&InputItem> {
        self.places.get(&item).and_then(|place| self.items.get(*place))
    }

    pub(super) fn receipt(&self, order: OrderId) -> Option<&InputReceipt> {
        self.receipts.get(&order)
    }

    /// The order on this line.
    pub(super) fn order_at(&self, line: usize) -> Option<&InputOrder> {
        self.orders.binary_search_by_key(&line, |o| o.line).ok().and_then(|place| self.orders.get(place))
    }
}

/// A place in a file, for what is wrong there.
struct Place<'a> {
    file: &'a Path,
    line: usize,
}

impl Place<'_> {
    fn wrong(&self, reason: impl Display) -> CentralError {
        CentralError::Input { file: self.file.into(), line: self.line, reason: reason.to_string() }
    }

    fn parse<T: FromStr<Err: Display>>(&self, field: &str, text: &str) -> Result<T, CentralError> {
        text.trim().parse().map_err(|e| self.wrong(format!("{field}: {e}")))
    }

    /// A number or a text of JSON.
    fn value<T: FromStr<Err: Display>>(&self, field: &str, raw: &RawValue) -> Result<T, CentralError> {
        self.parse(field, raw.get().trim_matches('"'))
    }

    fn amount(&self, field: &str, raw: &RawValue) -> Result<Money, CentralError> {
        Money::parse_non_negative(raw.get().trim_matches('"')).map_err(|e| self.wrong(format!("{field}: {e}")))
    }
}

fn read_text(file: &Path) -> Result<String, CentralError> {
    let wrong = |reason: String| CentralError::Input { file: file.into(), line: 0, reason };
    let bytes = std::fs::read(file).map_err(|e| wrong(format!("it cannot be read: {e}")))?;
    String::from_utf8(bytes).map_err(|e| {
        let line = e.as_bytes().iter().take(e.utf8_error().valid_up_to()).filter(|b| **b == b'\n').count() + 1;
        CentralError::Input { file: file.into(), line, reason: "it is not UTF-8".into() }
    })
}

fn read_items(file: &Path) -> Result<Vec<InputItem>, CentralError> {
    let text = read_text(file)?;
    let mut reader = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let head = Place { file, line: 1 };
    let headers = reader.headers().map_err(|e| head.wrong(e))?.clone();
    let column = |name: &str| headers.iter().position(|h| h.trim() == name);
    let needed = |name: &str| column(name).ok_or_else(|| head.wrong(format!("the column {name} is missing")));
    let (id, name, price) = (needed("item_id")?, needed("name")?, needed("unit_price")?);
    let (barcode, category) = (column("barcode"), column("category"));
    let (mut items, mut seen) = (Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = record.map_err(|e| {
            let line = e.position().map_or(0, csv::Position::line);
            Place { file, line: usize::try_from(line).unwrap_or(0) }.wrong(e)
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let place = Place { file, line: usize::try_from(line).unwrap_or(0) };
        let cell = |column: usize| record.get(column).unwrap_or_default().trim();
        let optional = |column: Option<usize>| column.map(cell).filter(|text| !text.is_empty());
        let item = InputItem {
            item_id: place.parse("item_id", cell(id))?,
            barcode: optional(barcode).map(|text| place.parse("barcode", text)).transpose()?,
            name: cell(name).into(),
            category: optional(category).map(Into::into),
            unit_price: place.parse("unit_price", cell(price))?,
        };
        check_name(&item.name).and_then(|()| check_price(item.unit_price)).map_err(|e| place.wrong(e))?;
        if !seen.insert(item.item_id) {
            return Err(place.wrong(format!("item {} is there twice", item.item_id)));
        }
        items.push(item);
    }
    Ok(items)
}

#[derive(Deserialize)]
struct RawLine<'a> {
    #[serde(borrow)]
    item_id: &'a RawValue,
    #[serde(borrow)]
    unit_price: &'a RawValue,
    #[serde(borrow)]
    quantity: &'a RawValue,
    #[serde(default)]
    name: Option<String>,
}

#[derive(Deserialize)]
struct RawOrder<'a> {
    #[serde(borrow)]
    order_id: &'a RawValue,
    #[serde(borrow)]
    user_id: &'a RawValue,
    creation_time: Timestamp,
    #[serde(borrow)]
    items: Vec<RawLine<'a>>,
}

#[derive(Deserialize)]
struct RawReceipt<'a> {
    #[serde(borrow)]
    transaction_id: &'a RawValue,
    #[serde(borrow)]
    order_id: &'a RawValue,
    datetime: Timestamp,
    #[serde(borrow)]
    amount: &'a RawValue,
    #[serde(borrow)]
    items: Vec<RawLine<'a>>,
}

fn read_line(place: &Place<'_>, raw: &RawLine<'_>) -> Result<InputLine, CentralError> {
    Ok(InputLine {
        item_id: place.value("item_id", raw.item_id)?,
        unit_price: place.amount("unit_price", raw.unit_price)?,
        quantity: place.value("quantity", raw.quantity)?,
    })
}

/// The lines of a file that are not empty, with their numbers.
fn json_lines<'a>(file: &'a Path, text: &'a str) -> impl Iterator<Item = (Place<'a>, &'a str)> {
    let numbered = (1..).zip(text.lines());
    numbered.filter(|(_, text)| !text.trim().is_empty()).map(move |(line, text)| (Place { file, line }, text))
}

fn read_orders(file: &Path, items: &HashMap<ItemId, usize>) -> Result<Vec<InputOrder>, CentralError> {
    let text = read_text(file)?;
    let (mut orders, mut seen) = (Vec::new(), HashSet::new());
    for (place, text) in json_lines(file, &text) {
        let raw: RawOrder<'_> = serde_json::from_str(text).map_err(|e| place.wrong(e))?;
        let lines = raw.items.iter().map(|l| read_line(&place, l)).collect::<Result<Vec<_>, _>>()?;
        let mut known = HashSet::new();
        for line in &lines {
            if !items.contains_key(&line.item_id) {
                return Err(place.wrong(format!("item {} is not in items.csv", line.item_id)));
            }
            if !known.insert(line.item_id) {
                return Err(place.wrong(format!("item {} is on the order twice", line.item_id)));
            }
        }
        let order = InputOrder {
            line: place.line,
            order_id: place.value("order_id", raw.order_id)?,
            user_id: place.value("user_id", raw.user_id)?,
            creation_time: raw.creation_time,
            lines,
        };
        if !seen.insert(order.order_id) {
            return Err(place.wrong(format!("order {} is there twice", order.order_id)));
        }
        orders.push(order);
    }
    Ok(orders)
}

fn read_receipts(file: &Path, orders: &[InputOrder]) -> Result<HashMap<OrderId, InputReceipt>, CentralError> {
    let text = read_text(file)?;
    let known: HashSet<OrderId> = orders.iter().map(|o| o.order_id).collect();
    let (mut receipts, mut seen) = (HashMap::new(), HashSet::new());
    for (place, text) in json_lines(file, &text) {
        let raw: RawReceipt<'_> = serde_json::from_str(text).map_err(|e| place.wrong(e))?;
        let order: OrderId = place.value("order_id", raw.order_id)?;
        if !known.contains(&order) {
            return Err(place.wrong(format!("order {order} is not in orders.jsonl")));
        }
        let lines = raw
            .items
            .iter()
            .map(|l| Ok((read_line(&place, l)?, l.name.clone().unwrap_or_default())))
            .collect::<Result<Vec<_>, CentralError>>()?;
        let receipt = InputReceipt {
            transaction_id: place.value("transaction_id", raw.transaction_id)?,
            datetime: raw.datetime,
            amount: place.amount("amount", raw.amount)?,
            lines,
        };
        if !seen.insert(receipt.transaction_id) {
            return Err(place.wrong(format!("transaction {} is there twice", receipt.transaction_id)));
        }
        if receipts.insert(order, receipt).is_some() {
            return Err(place.wrong(format!("order {order} has a receipt already")));
        }
    }
    Ok(receipts)
}

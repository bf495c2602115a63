//! A real store's receipts against its orders: every difference is explained to the cent. `AISLE_STORE_FOLDER` names another
//! store's folder than the sample's.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test that cannot go on ends")]
#![allow(clippy::print_stderr, reason = "the shares must be seen")]

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use aisle_domain::{
    Difference, DifferenceKind, ItemId, LineState, Money, OrderId, OrderLine, Quantity, Receipt, ReceiptLine,
    StoreId, Timestamp, TransactionId, receipt,
};
use aisle_testkit::fixtures;
use serde_json::Value;

/// What was ordered, and the receipt of it.
struct Shopped {
    lines: Vec<OrderLine>,
    receipt: Receipt,
}

fn rows(folder: &Path, file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join(file)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn id<T>(row: &Value, name: &str, make: impl Fn(i64) -> Result<T, aisle_domain::BadId>) -> T {
    make(row[name].as_i64().unwrap()).unwrap()
}

fn quantity(row: &Value) -> Quantity {
    row["quantity"].to_string().trim_matches('"').parse().unwrap()
}

fn price(row: &Value) -> Money {
    row["unit_price"].as_str().unwrap().parse().unwrap()
}

fn ordered(row: &Value) -> OrderLine {
    OrderLine {
        item_id: id(row, "item_id", ItemId::new),
        name: String::new(),
        barcode: None,
        order_unit_price: price(row),
        quantity: quantity(row),
        unit: "each".into(),
        note: None,
        state: LineState::Found,
        picked_quantity: None,
        substitute: None,
    }
}

fn receipt_of(row: &Value) -> Receipt {
    let lines = (1..).zip(row["items"].as_array().unwrap()).map(|(line_no, line)| ReceiptLine {
        line_no,
        item_id: Some(id(line, "item_id", ItemId::new)),
        name: line["name"].as_str().unwrap().into(),
        unit_price: price(line),
        quantity: quantity(line),
    });
    Receipt {
        transaction_id: id(row, "transaction_id", TransactionId::new),
        order_id: id(row, "order_id", OrderId::new),
        store_id: id(row, "store_id", StoreId::new),
        datetime: row["datetime"].as_str().unwrap().parse::<Timestamp>().unwrap(),
        amount: row["amount"].as_str().unwrap().parse().unwrap(),
        lines: lines.collect(),
    }
}

/// Every order of the store with its receipt.
fn shopped() -> Vec<Shopped> {
    let folder = std::env::var_os("AISLE_STORE_FOLDER").map_or_else(fixtures::demo, PathBuf::from);
    let of_order = |row: &Value| {
        (
            row["order_id"].as_i64().unwrap(),
            row["items"].as_array().unwrap().iter().map(ordered).collect::<Vec<_>>(),
        )
    };
    let mut orders: BTreeMap<i64, Vec<OrderLine>> = rows(&folder, "orders.jsonl").iter().map(of_order).collect();
    let receipts = rows(&folder, "receipts.jsonl");
    let shopped: Vec<Shopped> = receipts
        .iter()
        .map(|row| Shopped {
            lines: orders.remove(&row["order_id"].as_i64().unwrap()).unwrap(),
            receipt: receipt_of(row),
        })
        .collect();
    assert!(orders.is_empty(), "every order has a receipt");
    shopped
}

fn expected(lines: &[OrderLine]) -> Money {
    lines.iter().map(OrderLine::total).sum()
}

/// The parts of the difference, which sum to it.
fn parts(shopped: &Shopped) -> Vec<Difference> {
    let parts = receipt::explain(&shopped.lines, std::slice::from_ref(&shopped.receipt));
    let sum: Money = parts.iter().map(|part| part.amount).sum();
    let difference = shopped.receipt.amount.minus(expected(&shopped.lines));
    assert_eq!(sum, difference, "order {}: {parts:?}", shopped.receipt.order_id);
    parts
}

fn has(parts: &[Difference], kind: DifferenceKind, item: Option<ItemId>) -> bool {
    parts.iter().any(|part| part.kind == kind && part.item_id == item)
}

#[test]
fn every_receipt_of_the_store_is_explained_to_the_cent() {
    let shopped = shopped();
    let mut kinds: BTreeMap<DifferenceKind, usize> = BTreeMap::new();
    let (mut rounded, mut equal) = (0, 0);
    for one in &shopped {
        let parts = parts(one);
        let matched = receipt::match_lines(&one.lines, std::slice::from_ref(&one.receipt));
        let used: Quantity =
            matched.lines.iter().filter_map(|(_, bought)| bought.as_ref().map(|b| b.quantity)).sum();
        let extra: Quantity = matched.extra.iter().map(|line| line.quantity).sum();
        let bought: Quantity = one.receipt.lines.iter().map(|line| line.quantity).sum();
        assert_eq!([used, extra].into_iter().sum::<Quantity>(), bought, "every line is used once");
        rounded += usize::from(parts.iter().any(|part| part.kind == DifferenceKind::Rounding));
        equal += usize::from(parts.is_empty());
        for part in parts {
            *kinds.entry(part.kind).or_default() += 1;
        }
    }
    let count = shopped.len();
    let whole = count - rounded;
    eprintln!(
        "{count} receipts, {equal} as ordered; without a rounding remainder {whole}, {}.{} %",
        whole * 100 / count,
        whole * 1000 / count % 10
    );
    eprintln!("parts by kind: {kinds:?}");
}

/// Other receipts of the same orders: real ones hold the ordered items only.
#[test]
fn what_is_dropped_added_replaced_or_weighed_on_a_receipt_is_named_as_that() {
    for mut one in shopped() {
        let before = one.receipt.clone();
        let at = usize::try_from(one.receipt.order_id.get()).unwrap() % one.lines.len();
        let item = one.lines[at].item_id;
        let Some(place) = before.lines.iter().position(|line| line.item_id == Some(item)) else { continue };
        let other = ItemId::new(9_000_000_000 + item.get()).unwrap();
        let of_line = before.lines[place].clone();

        one.receipt.lines.remove(place);
        one.receipt.amount = before.amount.minus(of_line.total());
        assert!(has(&parts(&one), DifferenceKind::Missing, Some(item)) || one.lines[at].total() == Money::ZERO);

        let added = ReceiptLine { item_id: Some(other), unit_price: Money::from_minor(101), ..of_line.clone() };
        one.receipt.lines = before.lines.iter().cloned().chain([added.clone()]).collect();
        one.receipt.amount = before.amount.plus(added.total());
        assert!(has(&parts(&one), DifferenceKind::Extra, Some(other)));

        one.lines[at].substitute = Some(other);
        one.receipt.lines = before.lines.clone();
        one.receipt.lines[place] =
            ReceiptLine { unit_price: of_line.unit_price.plus(Money::from_minor(1)), ..added };
        let told = parts(&one);
        let moved = one.receipt.lines[place].total() != one.lines[at].total();
        assert_eq!(has(&told, DifferenceKind::Substitution, Some(item)), moved, "{told:?}");
        assert!(
            !has(&told, DifferenceKind::Missing, Some(item)) && !has(&told, DifferenceKind::Extra, Some(other))
        );
        one.lines[at].substitute = None;

        one.receipt.lines = before.lines.clone();
        let heavier = Quantity::from_thousandths(of_line.quantity.thousandths() + 137).unwrap();
        one.receipt.lines[place].quantity = heavier;
        let told = parts(&one);
        let costs = one.lines[at].order_unit_price.times(heavier) != one.lines[at].total();
        assert_eq!(has(&told, DifferenceKind::Weight, Some(item)), costs, "{told:?}");
        assert!(!has(&told, DifferenceKind::Quantity, Some(item)), "what has grams is weighed");
    }
}

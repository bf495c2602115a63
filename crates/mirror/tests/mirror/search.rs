//! Finding items and orders as staff type.

use aisle_contract::DownBody;
use aisle_domain::{Availability, Item, ItemId};
use aisle_mirror::{OrderFilter, items, orders, payments};

use crate::fixtures::{Desk, barcode, item, item_id, money, order, order_id, payment_id, pending_order};

fn named(number: i64, name: &str, category: &str) -> Item {
    Item { name: name.into(), category: Some(category.into()), ..item(number, 1) }
}

fn shelf() -> Desk {
    let mut desk = Desk::new();
    let rows = [
        named(1, "MILK CHOCOLATE BAR", "Sweets"),
        named(2, "Whole Milk 1 gal", "Dairy"),
        named(3, "milk", "Dairy"),
        named(4, "Crème fraîche", "Dairy"),
        named(5, "हिन्दी चाय", "Tea"),
        named(6, "100% Juice", "Drinks"),
        named(7, "Milk", "Dairy"),
        named(8, "Buttermilk", "Dairy"),
    ];
    desk.catalog(rows.into_iter().map(|row| DownBody::Item(Box::new(row))).collect());
    desk
}

fn found(desk: &Desk, text: &str) -> Vec<i64> {
    let (items, total) = desk.mirror.read(|conn| items::search(conn, text, 0, 20)).unwrap();
    assert_eq!(i64::try_from(items.len()).unwrap(), total.min(20));
    items.iter().map(|item| item.item_id.get()).collect()
}

#[test]
fn the_name_itself_comes_first_then_what_begins_so_then_the_words() {
    assert_eq!(found(&shelf(), "milk"), [3, 7, 1, 2]);
    assert_eq!(found(&shelf(), " MILK "), [3, 7, 1, 2]);
}

#[test]
fn words_are_found_in_any_order_by_their_first_letters_and_by_category() {
    let desk = shelf();
    assert_eq!(found(&desk, "gal who"), [2]);
    assert_eq!(found(&desk, "dairy wh"), [2]);
    assert_eq!(found(&desk, "w"), [2]);
    assert_eq!(found(&desk, "utter"), Vec::<i64>::new(), "only from the first letter on");
}

#[test]
fn accents_and_other_scripts_are_found() {
    let desk = shelf();
    assert_eq!(found(&desk, "creme fra"), [4]);
    assert_eq!(found(&desk, "CRÈME"), [4]);
    assert_eq!(found(&desk, "चाय हिन्दी"), [5]);
}

#[test]
fn numbers_find_the_item_its_barcode_and_names_with_digits() {
    let desk = shelf();
    assert_eq!(found(&desk, "6")[0], 6);
    assert_eq!(found(&desk, barcode(4).as_str()), [4]);
    assert_eq!(found(&desk, "200000").len(), 8);
    assert_eq!(found(&desk, "100"), [6]);
}

#[test]
fn signs_of_the_query_language_are_only_letters() {
    let desk = shelf();
    for text in
        ["\"", "milk\"", "NEAR(", "a OR b", "*", "mil* -who", "name:milk", "'; --", "", "  ", "\u{1f95b}", "™x™"]
    {
        found(&desk, text);
    }
    assert_eq!(found(&desk, "name:milk"), Vec::<i64>::new());
    assert_eq!(found(&desk, "\"milk\""), [1, 2, 3, 7]);
}

#[test]
fn a_name_typed_letter_by_letter_ends_among_the_first_twenty() {
    let mut desk = Desk::new();
    let colours = ["red", "green", "blue", "white"];
    let things = ["apple", "pear", "plum", "grape", "melon"];
    let rows: Vec<_> = (0..2000_i64)
        .map(|n| {
            let pick = |words: &[&'static str], by: i64| words[usize::try_from(n / by).unwrap() % words.len()];
            named(n + 1, &format!("{} {} pack of {}", pick(&colours, 1), pick(&things, 4), n / 20), "Fruit")
        })
        .collect();
    desk.catalog(rows.iter().cloned().map(|row| DownBody::Item(Box::new(row))).collect());
    for row in rows.iter().step_by(97) {
        for end in 1..=row.name.len() {
            let ids = found(&desk, &row.name[..end]);
            assert!(!ids.is_empty());
        }
        assert!(found(&desk, &row.name).contains(&row.item_id.get()), "{}", row.name);
    }
}

#[test]
fn pages_follow_each_other_without_gap_or_double() {
    let mut desk = Desk::new();
    desk.catalog(
        (1..=50)
            .map(|n| DownBody::Item(Box::new(named(n, ["b", "A", "c"][usize::try_from(n).unwrap() % 3], "x"))))
            .collect(),
    );
    let all: Vec<ItemId> =
        desk.mirror.read(|conn| items::page(conn, 0, 100)).unwrap().iter().map(|i| i.item_id).collect();
    assert_eq!(all.len(), 50);
    let mut paged = Vec::new();
    while let page @ [_, ..] =
        desk.mirror.read(|conn| items::page(conn, i64::try_from(paged.len()).unwrap(), 7)).unwrap().as_slice()
    {
        paged.extend(page.iter().map(|i| i.item_id));
    }
    assert_eq!(paged, all);
    let mut listed: Vec<Item> = Vec::new();
    loop {
        let after = listed.last().map(|item| (item.name.clone(), item.item_id));
        let after = after.as_ref().map(|(name, id)| (name.as_str(), *id));
        let next = desk.mirror.read(|conn| items::list(conn, after, 7)).unwrap();
        if next.is_empty() {
            break;
        }
        listed.extend(next);
    }
    assert_eq!(listed.iter().map(|i| i.item_id).collect::<Vec<_>>(), all);
    assert_eq!(listed[0].name, "A");
}

#[test]
fn a_barcode_finds_every_item_that_has_it() {
    let mut desk = Desk::new();
    let twin = Item { barcode: Some(barcode(1)), ..item(2, 1) };
    desk.catalog(vec![DownBody::Item(Box::new(item(1, 1))), DownBody::Item(Box::new(twin))]);
    let twins = desk.mirror.read(|conn| items::by_barcode(conn, &barcode(1))).unwrap();
    assert_eq!(twins.iter().map(|i| i.item_id).collect::<Vec<_>>(), [item_id(1), item_id(2)]);
}

#[test]
fn lists_of_orders_are_stable_and_filtered() {
    let mut desk = Desk::with_rows();
    desk.orders((2..=9).map(|n| DownBody::Order(Box::new(order(n, 1)))).collect());
    desk.act(crate::fixtures::accept(4));
    let list = |filter: &OrderFilter| -> Vec<i64> {
        desk.mirror.read(|conn| orders::list(conn, filter)).unwrap().iter().map(|o| o.order_id.get()).collect()
    };
    let all = OrderFilter { limit: 5, ..OrderFilter::default() };
    assert_eq!(list(&all), [1, 2, 3, 4, 5]);
    let after = desk.order(5);
    assert_eq!(
        list(&OrderFilter { after: Some((after.queued_time, after.order_id)), ..all.clone() }),
        [6, 7, 8, 9]
    );
    assert_eq!(list(&OrderFilter { statuses: vec![aisle_domain::OrderStatus::Running], ..all.clone() }), [4]);
    assert_eq!(list(&OrderFilter { unsent: true, ..all }), [4]);
    let counts = desk.mirror.read(orders::counts).unwrap();
    assert_eq!(counts[&aisle_domain::OrderStatus::New], 8);
    assert_eq!(desk.mirror.read(|conn| orders::count_of_user(conn, order(3, 1).user_id)).unwrap(), 1);
}

#[test]
fn payments_are_listed_and_lead_to_their_order() {
    let mut desk = Desk::new();
    desk.orders((1..=3).map(|n| DownBody::Order(Box::new(pending_order(n, 1, "20.00")))).collect());
    desk.act(crate::fixtures::approve(2, "20.00"));
    let list = |undecided| -> Vec<i64> {
        let rows = desk.mirror.read(|conn| payments::list(conn, undecided, None, 10)).unwrap();
        rows.iter().map(|p| p.order_id.get()).collect()
    };
    assert_eq!(list(false), [1, 2, 3]);
    assert_eq!(list(true), [1, 3]);
    let order = desk.mirror.read(|conn| payments::order_of(conn, payment_id(3))).unwrap();
    assert_eq!(order, Some(order_id(3)));
    let (decided, total) =
        desk.mirror.read(|conn| orders::decided_since(conn, crate::fixtures::at(0), 5)).unwrap();
    assert_eq!((decided[0].order_id, total), (order_id(2), 1));
}

#[test]
fn an_index_that_was_merged_since_a_connection_last_looked_is_not_taken_for_damaged() {
    let mut desk = shelf();
    for version in 2..80 {
        // The connection knows how the index is built now; the rows to come build it anew.
        desk.assert_sound();
        for number in 1..=8 {
            let row = Item { version, ..named(number, &format!("Milk {version} {number}"), "Dairy") };
            desk.catalog(vec![DownBody::Item(Box::new(row))]);
        }
    }
    desk.assert_sound();
}

#[test]
fn what_may_replace_an_item_is_most_alike_near_in_price_and_on_the_shelf() {
    let mut desk = Desk::new();
    let at = |price: &str, row: Item| Item { unit_price: money(price), ..row };
    let mut gone = at("1.78", named(17, "Shredded Cheese, 8 OZ", "Dairy"));
    gone.deleted = true;
    let mut out = at("1.78", named(16, "Shredded Cheese, 8 OZ", "Dairy"));
    out.availability = Availability::OutOfStock;
    let rows = [
        at("1.78", named(10, "Shredded Cheese, 8 OZ", "Dairy")),
        at("2.79", named(12, "SHREDDED CHEESE, 8 OZ", "Dairy")),
        at("1.60", named(11, "Shredded cheese 6 oz", "Dairy")),
        at("1.78", named(14, "Cheese knife", "Household")),
        at("1.80", named(15, "Yoghurt", "Dairy")),
        at("0.99", named(18, "Batteries", "Household")),
        out,
        gone,
    ];
    desk.catalog(rows.into_iter().map(|row| DownBody::Item(Box::new(row))).collect());
    let like = |name: &str, category: Option<&str>, limit| {
        let wanted = items::Wanted { item: item_id(10), name, category, price: money("1.78") };
        let found = desk.mirror.read(|conn| items::similar(conn, &wanted, limit)).unwrap();
        found.iter().map(|item| item.item_id.get()).collect::<Vec<_>>()
    };
    assert_eq!(like("Shredded Cheese, 8 OZ", Some("Dairy"), 9), [11, 12, 15, 14]);
    assert_eq!(like("Shredded Cheese, 8 OZ", Some("Dairy"), 2), [11, 12]);
    // One that vanished from the catalog is known by its name alone.
    assert_eq!(like("Shredded Cheese, 8 OZ", None, 9), [11, 12, 14]);
    assert_eq!(like("8", None, 9), Vec::<i64>::new());
}

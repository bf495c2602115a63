//! Picking: lines by quantity, by scan and by what lies in the basket instead, and what that does to the amount.

use aisle_app::{AppError, ApprovalReason, views::ScanOutcome};
use aisle_contract::DownBody;
use aisle_domain::{
    Barcode, Item, ItemId, Lane, LineState, Money, Order, OrderId, OrderLine, OrderStatus, Policies, Quantity,
    Store, UserId, Verdict,
};

use crate::shop::{Shop, item, now, refused, store, store_id};

const CHEESE: i64 = 1;
const CORN: i64 = 2;
const APPLES: i64 = 3;
const OTHER_CHEESE: i64 = 11;
const BATTERIES: i64 = 12;
const HAM: i64 = 13;
const CHEESE_CODE: &str = "2000008189804";
const CORN_CODE: &str = "012345678905";
const BATTERIES_CODE: &str = "2000008189811";

fn id(number: i64) -> ItemId {
    ItemId::new(number).unwrap()
}

fn order_id() -> OrderId {
    OrderId::new(6472).unwrap()
}

fn coded(code: &str, item: Item) -> Item {
    Item { barcode: code.parse::<Barcode>().ok(), ..item }
}

fn shelf() -> [Item; 5] {
    [
        coded(CHEESE_CODE, item(CHEESE, "Shredded Cheese, 8 OZ", 178)),
        coded(CORN_CODE, item(CORN, "Corn, 11 OZ", 62)),
        item(APPLES, "Apples", 299),
        item(OTHER_CHEESE, "Shredded Cheese, 6 OZ", 238),
        coded(BATTERIES_CODE, item(BATTERIES, "Batteries", 599)),
    ]
}

fn line(of: &Item, unit: &str, thousandths: i64) -> OrderLine {
    OrderLine {
        item_id: of.item_id,
        name: of.name.clone(),
        barcode: of.barcode.clone(),
        order_unit_price: of.unit_price,
        quantity: Quantity::from_thousandths(thousandths).unwrap(),
        unit: unit.into(),
        note: None,
        state: LineState::ToPick,
        picked_quantity: None,
        substitute: None,
    }
}

/// 1.78 of cheese, 4 times 0.62 of corn, a kilogram of apples at 2.99: 7.25, with a range of 5.07 to 7.98.
pub(crate) fn order() -> Order {
    let [cheese, corn, apples, ..] = shelf();
    Order {
        order_id: order_id(),
        store_id: store_id(),
        user_id: UserId::new(5).unwrap(),
        creation_time: now(),
        status: OrderStatus::Running,
        queued_time: now(),
        accept_by: None,
        due_at: None,
        display_no: "6472".into(),
        customer_name: None,
        note: None,
        substitution: None,
        payment_expected: true,
        decision: None,
        reason: None,
        decided_by: None,
        decided_at: None,
        claimed_by: None,
        accepted_by: None,
        accepted_at: None,
        version: 1,
        lines: vec![line(&cheese, "each", 1000), line(&corn, "each", 4000), line(&apples, "kg", 1000)],
        range: None,
        payments: Vec::new(),
        receipts: Vec::new(),
        shopper: None,
    }
}

fn shop_with(order: Order) -> Shop {
    let mut shop = Shop::open();
    for item in shelf() {
        shop.feed(Lane::Catalog, &DownBody::Item(Box::new(item)));
    }
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    shop
}

impl Shop {
    fn set(&self, item: i64, state: LineState, substitute: Option<i64>) -> Result<(), AppError> {
        self.desk.set_line(order_id(), id(item), state, None, substitute.map(id)).map(|_| ())
    }

    fn pick(&self, item: i64, quantity: &str) -> Result<(), AppError> {
        self.desk.pick_quantity(order_id(), id(item), quantity).map(|_| ())
    }

    fn scan(&self, code: &str) -> (ScanOutcome, Option<String>) {
        let scanned = self.desk.scan_line(order_id(), code).unwrap();
        (scanned.outcome, scanned.name)
    }

    /// State, quantity and amount of a line in the basket.
    fn line(&self, item: i64) -> (LineState, Option<String>, Option<String>) {
        let order = self.desk.order(order_id()).unwrap();
        let line = order.lines.into_iter().find(|line| line.item_id == item.to_string()).unwrap();
        (line.state, line.picked_quantity, line.picked_total)
    }

    /// What is picked, and what it will come to.
    fn figures(&self) -> (String, String) {
        let order = self.desk.order(order_id()).unwrap();
        (order.picked, order.forecast)
    }
}

fn figures(picked: &str, forecast: &str) -> (String, String) {
    (picked.into(), forecast.into())
}

#[test]
fn the_running_total_and_the_forecast_follow_every_line() {
    let shop = shop_with(order());
    assert_eq!(shop.figures(), figures("0.00", "7.25"));
    shop.set(CHEESE, LineState::Found, None).unwrap();
    assert_eq!(shop.figures(), figures("1.78", "7.25"));
    shop.pick(CORN, "3").unwrap();
    assert_eq!(shop.line(CORN), (LineState::Short, Some("3".into()), Some("1.86".into())));
    assert_eq!(shop.figures(), figures("3.64", "6.63"));
    shop.pick(APPLES, "1,250").unwrap();
    assert_eq!(shop.line(APPLES), (LineState::Found, Some("1.25".into()), Some("3.74".into())));
    assert_eq!(shop.figures(), figures("7.38", "7.38"));
    shop.set(CHEESE, LineState::OutOfStock, None).unwrap();
    assert_eq!(shop.figures(), figures("5.60", "5.60"));
    shop.set(CHEESE, LineState::ToPick, None).unwrap();
    assert_eq!(shop.figures(), figures("5.60", "7.38"));
}

#[test]
fn a_quantity_says_by_itself_whether_the_line_is_short() {
    let shop = shop_with(order());
    shop.pick(CORN, "4").unwrap();
    assert_eq!(shop.line(CORN).0, LineState::Found);
    shop.pick(CORN, " 1 ").unwrap();
    assert_eq!(shop.line(CORN).0, LineState::Short);
    // A scale never shows just what was ordered.
    shop.pick(APPLES, "0.940").unwrap();
    assert_eq!(shop.line(APPLES).0, LineState::Found);
}

#[test]
fn a_quantity_that_cannot_be_is_refused_in_words_and_changes_nothing() {
    let shop = shop_with(order());
    shop.pick(CORN, "3").unwrap();
    let before = (shop.line(CORN), shop.figures());
    for (quantity, words) in [
        ("0", "say out of stock instead"),
        ("-1", "is not a quantity"),
        ("1000000000", "more than 10 times the 4"),
        ("2000008189804", "is not a quantity"),
        ("2.5", "no number of pieces"),
        ("2.5001", "at most three decimals"),
        ("many", "is not a quantity"),
        ("", "is not a quantity"),
    ] {
        let (code, message) = refused(shop.pick(CORN, quantity));
        assert_eq!(code, "bad_quantity", "{quantity}");
        assert!(message.contains(words), "{quantity}: {message}");
    }
    let two = Some(Quantity::from_thousandths(2000).unwrap());
    let set = |state, quantity| shop.desk.set_line(order_id(), id(CORN), state, quantity, None);
    assert!(refused(set(LineState::Found, two)).1.contains("found means all of the 4"));
    assert!(refused(set(LineState::Short, None)).1.contains("say how many"));
    assert_eq!((shop.line(CORN), shop.figures()), before);
    assert_eq!(refused(shop.pick(99, "1")).0, "not_found");
}

#[test]
fn a_replacement_is_offered_with_what_it_does_and_counts_at_its_own_price() {
    let shop = shop_with(order());
    let offered = shop.desk.replacements(order_id(), id(CHEESE), "").unwrap();
    let first = &offered.choices[0];
    assert_eq!((first.name.as_str(), first.difference.as_str()), ("Shredded Cheese, 6 OZ", "0.60"));
    assert_eq!((first.effect.forecast.as_str(), first.effect.left.as_str()), ("7.85", "0.13"));
    assert_eq!((offered.without.forecast.as_str(), offered.without.left.as_str()), ("5.47", "2.51"));
    let ordered = [CHEESE, CORN, APPLES].map(|item| item.to_string());
    assert!(
        offered.choices.iter().all(|choice| !ordered.contains(&choice.item_id)),
        "ordered items are picked anyhow"
    );
    let by_code = shop.desk.replacements(order_id(), id(CHEESE), BATTERIES_CODE).unwrap();
    assert_eq!(by_code.choices.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["Batteries"]);
    assert_eq!(by_code.choices[0].effect.left, "-3.48");

    shop.set(CHEESE, LineState::Substituted, Some(OTHER_CHEESE)).unwrap();
    assert_eq!(shop.figures(), figures("2.38", "7.85"));
    let order = shop.desk.order(order_id()).unwrap();
    assert_eq!(order.lines[0].substitute_name.as_deref(), Some("Shredded Cheese, 6 OZ"));
    let told = order.history.last().unwrap();
    assert_eq!(told.text, "Substituted: Shredded Cheese, 8 OZ by Shredded Cheese, 6 OZ");
    // What is offered next is counted from what lies in the basket now.
    let again = shop.desk.replacements(order_id(), id(CHEESE), "").unwrap();
    assert_eq!(again.choices[0].effect.left, "0.13");
    shop.pick(CHEESE, "2").unwrap();
    assert_eq!(shop.line(CHEESE), (LineState::Substituted, Some("2".into()), Some("4.76".into())));
}

#[test]
fn nothing_lies_in_the_basket_instead_that_is_not_wanted_not_there_or_the_item_itself() {
    let shop = shop_with(order());
    let substitute = |shop: &Shop, other| refused(shop.set(CHEESE, LineState::Substituted, other));
    assert_eq!(substitute(&shop, Some(99)).0, "not_found");
    assert!(substitute(&shop, Some(CHEESE)).1.contains("does not replace itself"));
    assert!(substitute(&shop, None).1.contains("name the item"));
    assert!(refused(shop.set(CHEESE, LineState::Found, Some(OTHER_CHEESE))).1.contains("only a line"));
    let firm = shop_with(Order { substitution: Some("none".into()), ..order() });
    assert_eq!(substitute(&firm, Some(OTHER_CHEESE)).0, "not_wanted");
    let offered = firm.desk.replacements(order_id(), id(CHEESE), "").unwrap();
    assert_eq!((offered.replaceable, offered.choices.len()), (false, 0));
    for shop in [shop, firm] {
        assert_eq!(shop.figures(), figures("0.00", "7.25"));
    }
}

#[test]
fn an_item_that_vanished_from_the_catalog_is_picked_and_replaced_by_its_name() {
    let mut shop = shop_with(order());
    shop.feed(Lane::Catalog, &DownBody::ItemGone(id(CHEESE)));
    assert_eq!(shop.scan(CHEESE_CODE), (ScanOutcome::Found, Some("Shredded Cheese, 8 OZ".into())));
    let offered = shop.desk.replacements(order_id(), id(CHEESE), "").unwrap();
    assert_eq!(offered.choices[0].item_id, OTHER_CHEESE.to_string());
    // One that vanished after it went into the basket counts as it was ordered.
    shop.set(CHEESE, LineState::Substituted, Some(OTHER_CHEESE)).unwrap();
    shop.feed(Lane::Catalog, &DownBody::ItemGone(id(OTHER_CHEESE)));
    assert_eq!(shop.figures(), figures("1.78", "7.25"));
}

#[test]
fn a_scan_finds_its_line_and_says_what_else_it_is() {
    let shop = shop_with(order());
    assert_eq!(shop.scan(CHEESE_CODE), (ScanOutcome::Found, Some("Shredded Cheese, 8 OZ".into())));
    assert_eq!(shop.line(CHEESE).0, LineState::Found);
    assert_eq!(shop.scan(CHEESE_CODE).0, ScanOutcome::Again);
    assert_eq!(shop.scan(BATTERIES_CODE), (ScanOutcome::NotOrdered, Some("Batteries".into())));
    assert_eq!(shop.scan("4006381333931"), (ScanOutcome::Unknown, None));
    // A scanner may write twelve digits as thirteen.
    assert_eq!(shop.scan("0012345678905").0, ScanOutcome::Found);
    assert_eq!(shop.line(CORN), (LineState::Found, None, Some("2.48".into())));
    assert_eq!(refused(shop.desk.scan_line(order_id(), "no code")).0, "bad_barcode");
    shop.set(APPLES, LineState::Substituted, Some(BATTERIES)).unwrap();
    assert_eq!(shop.scan(BATTERIES_CODE).0, ScanOutcome::Again, "it lies in the basket instead");
}

#[test]
fn a_further_piece_of_a_short_line_is_counted_until_it_is_whole() {
    let shop = shop_with(order());
    shop.pick(CORN, "2").unwrap();
    assert_eq!(shop.scan(CORN_CODE).0, ScanOutcome::Found);
    assert_eq!(shop.line(CORN), (LineState::Short, Some("3".into()), Some("1.86".into())));
    assert_eq!(shop.scan(CORN_CODE).0, ScanOutcome::Found);
    assert_eq!(shop.line(CORN).0, LineState::Found);
    assert_eq!(shop.scan(CORN_CODE).0, ScanOutcome::Again);
}

/// A shop whose scale prints weights; apples and ham are weighed.
fn shop_with_a_scale(layout: &str) -> Shop {
    let weighed = order().lines.into_iter().map(|line| match line.item_id.get() {
        APPLES => OrderLine { barcode: "2100345000005".parse().ok(), ..line },
        _ => line,
    });
    let mut shop = shop_with(Order { lines: weighed.collect(), ..order() });
    let policies = Policies { scale_labels: vec![layout.into(), "of tomorrow".into()], ..Policies::default() };
    shop.feed(Lane::Orders, &DownBody::Store(Box::new(Store { policies, version: 2, ..store() })));
    let ham = coded("2100777000000", item(HAM, "Ham", 1990));
    shop.feed(Lane::Catalog, &DownBody::Item(Box::new(ham)));
    shop
}

#[test]
fn the_label_of_a_scale_says_how_much_is_in_the_basket_and_a_second_bag_is_added() {
    let shop = shop_with_a_scale("21IIIIIWWWWWC");
    assert_eq!(shop.scan("2100345006007"), (ScanOutcome::Found, Some("Apples".into())));
    assert_eq!(shop.line(APPLES), (LineState::Found, Some("0.6".into()), Some("1.79".into())));
    assert_eq!(shop.scan("2100345004508").0, ScanOutcome::Found);
    assert_eq!(shop.line(APPLES).1.as_deref(), Some("1.05"));
    assert_eq!(shop.scan("2100345004508").0, ScanOutcome::Again, "a kilogram was ordered");
    assert_eq!(shop.scan("2100777001236"), (ScanOutcome::NotOrdered, Some("Ham".into())));
    assert_eq!(shop.scan("2100999001236").0, ScanOutcome::Unknown);
}

#[test]
fn a_label_with_a_price_says_as_much_as_costs_that() {
    let shop = shop_with_a_scale("21IIIIIPPPPPC");
    assert_eq!(shop.scan("2100345002993").0, ScanOutcome::Found);
    assert_eq!(shop.line(APPLES), (LineState::Found, Some("1".into()), Some("2.99".into())));
}

#[test]
fn without_a_layout_a_label_is_a_code_like_any_other() {
    let shop = shop_with_a_scale("of yesterday");
    assert_eq!(shop.scan("2100345006007").0, ScanOutcome::Unknown);
    assert_eq!(shop.line(APPLES).0, LineState::ToPick);
}

#[test]
fn what_a_quantity_comes_to_is_told_before_it_is_said_and_changes_nothing() {
    let shop = shop_with(order());
    let preview = shop.desk.preview_quantity(order_id(), id(CORN), "2").unwrap();
    assert_eq!((preview.total.as_str(), preview.effect.forecast.as_str()), ("1.24", "6.01"));
    assert_eq!((preview.effect.left.as_str(), preview.effect.verdict), ("1.97", Verdict::Inside));
    let dear = shop.desk.preview_quantity(order_id(), id(APPLES), "1,9").unwrap();
    assert_eq!((dear.effect.left.as_str(), dear.effect.verdict), ("-1.96", Verdict::Above));
    assert_eq!(refused(shop.desk.preview_quantity(order_id(), id(CORN), "0")).0, "bad_quantity");
    assert_eq!(shop.line(CORN).0, LineState::ToPick);
}

#[test]
fn only_an_order_that_is_picked_has_lines_to_say_something_of() {
    let shop = shop_with(Order { status: OrderStatus::New, ..order() });
    assert_eq!(refused(shop.set(CHEESE, LineState::Found, None)).0, "illegal_act");
    assert_eq!(refused(shop.desk.scan_line(order_id(), CHEESE_CODE)).0, "illegal_act");
    assert_eq!(shop.figures(), figures("0.00", "7.25"));
}

#[test]
fn an_order_that_was_paid_online_is_approved_only_once_every_line_has_a_state() {
    let shop = shop_with(Order { payment_expected: false, ..order() });
    let approve = || shop.desk.approve_order(order_id(), &ApprovalReason::default(), false);
    shop.set(CHEESE, LineState::Found, None).unwrap();
    let (code, message) = refused(approve());
    assert_eq!((code.as_str(), message.as_str()), ("lines_to_pick", "2 of 3 lines are still to pick"));
    shop.set(CORN, LineState::OutOfStock, None).unwrap();
    shop.pick(APPLES, "0.9").unwrap();
    approve().unwrap();
    assert_eq!(shop.desk.order(order_id()).unwrap().status, OrderStatus::Approved);
}

#[test]
fn the_amount_that_a_line_comes_to_is_rounded_once() {
    let shop = shop_with(order());
    shop.pick(APPLES, "0.335").unwrap();
    // 2.99 x 0.335 = 1.00165
    assert_eq!(shop.line(APPLES).2, Some(Money::from_minor(100).to_string()));
}

#[test]
fn an_order_whose_promise_is_over_rings_once_as_late() {
    let shop = shop_with(Order { due_at: Some(now().plus_millis(-1000)), ..order() });
    assert_eq!(shop.desk.ring_late().unwrap(), [order_id()]);
    assert_eq!(shop.desk.ring_late().unwrap(), []);
    let unheard = |shop: &Shop| shop.desk.queue().unwrap().picking.iter().filter(|card| card.unheard).count();
    assert_eq!((unheard(&shop), shop.desk.status().unwrap().waiting.unheard), (1, 1));
    // Whoever does something about it has heard it.
    shop.set(CHEESE, LineState::Found, None).unwrap();
    assert_eq!(unheard(&shop), 0);
}

//! Who works at a desk, signing in and out, and what a role lets somebody do.

use aisle_app::{AppError, ApprovalReason, Desk, ItemFields, ManagerPin, Pin};
use aisle_contract::DownBody;
use aisle_domain::{ItemId, Lane, Money, Order, OrderStatus, Payment, PaymentId, Role, Subject};
use aisle_mirror::{audit, outbox, staff};

use crate::{
    picking,
    shop::{Shop, item, now, refused, store_id},
};

pub(crate) const TEO: &str = "73915284";
const NOOR: &str = "24681379";

fn pin(text: &str) -> Pin {
    Pin::new(text)
}

fn number(desk: &Desk, name: &str) -> String {
    let people = desk.staff().unwrap().people;
    people.into_iter().find(|person| person.name == name).unwrap().staff_id
}

/// A desk of Teo, the manager, and Noor, a clerk. Teo is signed in.
fn shop() -> Shop {
    let mut shop = Shop::open();
    shop.feed(Lane::Catalog, &DownBody::Item(Box::new(item(5, "Whole milk", 199))));
    shop.desk.rename_member("1", "Teo").unwrap();
    shop.desk.set_pin("1", &pin(TEO), None).unwrap();
    shop.desk.add_member("Noor", Role::Clerk, &pin(NOOR)).unwrap();
    shop
}

pub(crate) fn with_noor() -> Shop {
    let shop = shop();
    let noor = number(&shop.desk, "Noor");
    shop.desk.sign_in(&noor, Some(&pin(NOOR))).unwrap();
    shop
}

fn edit(desk: &Desk, field: &str, value: &str) -> Result<(), AppError> {
    let fields = ItemFields::from([(field.to_owned(), value.to_owned())]);
    desk.edit_item(ItemId::new(5).unwrap(), &fields).map(|_| ())
}

fn kinds(shop: &Shop) -> Vec<(String, Option<String>)> {
    let entries = shop.desk.mirror().read(|conn| audit::of_subject(conn, Subject::Store, 100)).unwrap();
    entries.into_iter().map(|entry| (entry.kind, entry.by)).collect()
}

#[test]
fn the_first_person_is_the_manager_and_needs_no_pin() {
    let shop = Shop::open();
    let session = shop.desk.session();
    let person = session.person.unwrap();
    assert_eq!((person.name.as_str(), person.has_pin, person.rights.len()), ("Manager", false, 7));
    assert!(session.locked.is_none());
    assert_eq!(refused(shop.desk.lock()).0, "needs_pin", "it would lock nobody out");
}

#[test]
fn with_a_second_person_everybody_needs_a_pin() {
    let shop = Shop::open();
    let refusal = refused(shop.desk.add_member("Noor", Role::Clerk, &pin(NOOR)));
    assert_eq!(refusal, ("needs_pin".into(), "Manager needs a PIN for this".into()));
    shop.desk.set_pin("1", &pin(TEO), None).unwrap();
    let people = shop.desk.add_member(" Noor ", Role::Clerk, &pin(NOOR)).unwrap().people;
    let shown: Vec<_> = people.iter().map(|person| (person.name.as_str(), person.has_pin)).collect();
    assert_eq!(shown, [("Manager", true), ("Noor", true)]);
}

#[test]
fn a_name_is_one_person_s_and_what_is_no_name_or_no_pin_is_told() {
    let shop = shop();
    let add = |name: &str, text: &str| refused(shop.desk.add_member(name, Role::Clerk, &pin(text))).0;
    assert_eq!(add("NOOR", "8520"), "name_taken");
    assert_eq!(add("  ", "8520"), "bad_name");
    assert_eq!(add("Sam", "85"), "bad_pin");
    assert_eq!(add("Sam", "1111"), "bad_pin");
    assert_eq!(shop.desk.staff().unwrap().people.len(), 2, "nobody was added");
}

#[test]
fn whoever_leaves_locks_the_desk_and_nobody_does_anything_until_somebody_signs_in() {
    let shop = with_noor();
    edit(&shop.desk, "availability", "out_of_stock").unwrap();
    shop.desk.lock().unwrap();
    let session = shop.desk.session();
    assert!(session.person.is_none());
    assert_eq!(session.locked.unwrap().by.as_deref(), Some("Noor"));
    assert_eq!(refused(edit(&shop.desk, "availability", "available")).0, "locked");
    assert_eq!(refused(shop.desk.undo(None)).0, "locked");
    assert_eq!(refused(shop.desk.set_setting("theme", "dark")).0, "locked");
    assert!(shop.desk.queue().is_ok() && shop.desk.status().is_ok(), "what is there can be seen to");
    shop.desk.sign_in("1", Some(&pin(TEO))).unwrap();
    assert_eq!(shop.desk.session().person.unwrap().name, "Teo");
    let told = kinds(&shop);
    assert!(told.contains(&("desk.locked".into(), Some("Noor".into()))), "{told:?}");
    assert!(told.contains(&("desk.signed_in".into(), Some("Teo".into()))), "{told:?}");
}

#[test]
fn a_clerk_says_what_is_out_of_stock_and_changes_neither_prices_nor_people_nor_the_line() {
    let shop = with_noor();
    edit(&shop.desk, "availability", "out_of_stock").unwrap();
    let denied = refused(edit(&shop.desk, "unit_price", "2.49"));
    assert_eq!(denied, ("not_allowed".into(), "only a lead changes the catalog, and a clerk does not".into()));
    let code = |result: Result<(), AppError>| refused(result).0;
    assert_eq!(code(shop.desk.pause(Some(now().plus_millis(600_000))).map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.add_member("Sam", Role::Clerk, &pin("8520")).map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.set_role("1", Role::Clerk).map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.disable_member("1").map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.set_pin("1", &pin("8520"), None).map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.rename_member("1", "Ted").map(|_| ())), "not_allowed");
    assert_eq!(code(shop.desk.set_setting("push_interval_s", "600").map(|_| ())), "not_allowed");
    shop.desk.set_setting("theme", "dark").unwrap();
}

#[test]
fn wrong_pins_are_counted_and_after_five_the_right_one_waits_as_well() {
    let shop = shop();
    let noor = number(&shop.desk, "Noor");
    for left in ["4 tries are", "3 tries are", "2 tries are", "one try is"] {
        let (code, words) = refused(shop.desk.sign_in(&noor, Some(&pin("9999"))));
        assert_eq!(code, "wrong_pin");
        assert!(words.contains(left), "{words}");
    }
    let (_, words) = refused(shop.desk.sign_in(&noor, Some(&pin("9999"))));
    assert!(words.contains("the next try is in 30 s"), "{words}");
    for _ in 0..45 {
        assert_eq!(refused(shop.desk.sign_in(&noor, Some(&pin(NOOR)))).0, "pin_wait", "nothing is tried");
    }
    let counted = shop.desk.mirror().read(|conn| staff::by_name(conn, "noor")).unwrap().unwrap();
    assert_eq!(counted.wrong_pins, 5, "what is not tried is not counted");
    let waits = shop.desk.staff().unwrap().people[1].waits_s.unwrap();
    assert!((1..=30).contains(&waits), "{waits}");
    assert_eq!(shop.desk.session().person.unwrap().name, "Teo", "nobody else waits");
    shop.desk.sign_in("1", Some(&pin(TEO))).unwrap();
    shop.desk.set_pin(&noor, &pin("8520"), None).unwrap();
    shop.desk.sign_in(&noor, Some(&pin("8520"))).unwrap();
}

#[test]
fn pins_that_are_tried_side_by_side_wait_for_each_other() {
    let shop = shop();
    let noor = number(&shop.desk, "Noor");
    let codes: Vec<String> = std::thread::scope(|scope| {
        let tried: Vec<_> =
            (0..24).map(|_| scope.spawn(|| refused(shop.desk.sign_in(&noor, Some(&pin("9999")))).0)).collect();
        tried.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert_eq!(codes.iter().filter(|code| *code == "wrong_pin").count(), 5, "{codes:?}");
    assert_eq!(codes.iter().filter(|code| *code == "pin_wait").count(), 19);
}

#[test]
fn what_a_role_may_not_do_it_does_not_undo_either() {
    let shop = shop();
    edit(&shop.desk, "unit_price", "2.49").unwrap();
    shop.desk.sign_in(&number(&shop.desk, "Noor"), Some(&pin(NOOR))).unwrap();
    assert_eq!(refused(shop.desk.undo(None)).0, "not_allowed");
    shop.desk.sign_in("1", Some(&pin(TEO))).unwrap();
    shop.desk.undo(None).unwrap();
}

#[test]
fn a_right_pin_forgets_the_wrong_ones_before_it() {
    let shop = shop();
    let noor = number(&shop.desk, "Noor");
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(refused(shop.desk.sign_in(&noor, Some(&pin("9999")))).0, "wrong_pin");
        }
        shop.desk.sign_in(&noor, Some(&pin(NOOR))).unwrap();
    }
}

#[test]
fn one_s_own_pin_is_changed_with_the_one_before() {
    let shop = with_noor();
    let noor = number(&shop.desk, "Noor");
    let set = |before: Option<&Pin>| shop.desk.set_pin(&noor, &pin("8520"), before);
    assert_eq!(refused(set(None)).0, "needs_pin");
    assert_eq!(refused(set(Some(&pin("9999")))).0, "wrong_pin");
    set(Some(&pin(NOOR))).unwrap();
    assert_eq!(refused(shop.desk.sign_in(&noor, Some(&pin(NOOR)))).0, "wrong_pin");
    shop.desk.sign_in(&noor, Some(&pin("8520"))).unwrap();
}

#[test]
fn the_last_manager_stays_one() {
    let shop = shop();
    assert_eq!(refused(shop.desk.disable_member("1")).0, "last_manager");
    assert_eq!(refused(shop.desk.set_role("1", Role::Lead)).0, "last_manager");
    let noor = number(&shop.desk, "Noor");
    shop.desk.set_role(&noor, Role::Manager).unwrap();
    shop.desk.disable_member("1").unwrap();
    assert!(shop.desk.session().locked.is_some(), "who does not work here any more is not signed in");
    assert_eq!(refused(shop.desk.sign_in("1", Some(&pin(TEO)))).0, "not_found");
    shop.desk.sign_in(&noor, Some(&pin(NOOR))).unwrap();
    shop.desk.add_member("Teo", Role::Clerk, &pin("8520")).unwrap();
}

/// An order whose range ends at 7.98, with a payment that waits.
pub(crate) fn pending(minor: i64) -> Order {
    let order = picking::order();
    let payment = Payment {
        payment_id: PaymentId::new(1).unwrap(),
        order_id: order.order_id,
        store_id: store_id(),
        amount: Money::from_minor(minor),
        made_at: now(),
        decide_by: None,
        status: None,
        reason: None,
        decided_by: None,
        decided_at: None,
    };
    Order { status: OrderStatus::Pending, payments: vec![payment], ..order }
}

#[test]
fn a_manager_approves_above_the_range_where_a_clerk_stays_signed_in() {
    let mut shop = shop();
    let noor = number(&shop.desk, "Noor");
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(pending(850))));
    shop.desk.sign_in(&noor, Some(&pin(NOOR))).unwrap();
    let payment = PaymentId::new(1).unwrap();
    let approve = |manager: Option<(&str, &str)>| {
        let manager = manager.map(|(id, text)| ManagerPin { staff_id: id.parse().unwrap(), pin: pin(text) });
        let why = ApprovalReason { override_reason: Some("weighed".into()), manager, ..ApprovalReason::default() };
        shop.desk.approve(payment, &why, false)
    };
    assert_eq!(refused(approve(None)).0, "not_allowed");
    assert_eq!(refused(approve(Some((&noor, NOOR)))).0, "not_allowed", "her own PIN makes her no manager");
    assert_eq!(refused(approve(Some(("1", NOOR)))).0, "wrong_pin");
    let done = approve(Some(("1", TEO))).unwrap();
    assert_eq!(shop.desk.session().person.unwrap().name, "Noor");
    let row =
        shop.desk.mirror().read(|conn| outbox::load(conn, done.change_id.parse().unwrap())).unwrap().unwrap();
    let body = format!("{:?}", row.change);
    assert_eq!(row.by, "Noor");
    assert!(body.contains("Teo") && !body.contains(TEO), "{body}");
}

#[test]
fn a_pin_that_was_set_with_another_file_is_told_and_a_manager_s_is_recovered_at_the_terminal() {
    let shop = shop();
    std::fs::remove_file(shop.desk.data().join("pepper")).unwrap();
    assert_eq!(refused(shop.desk.sign_in("1", Some(&pin(TEO)))).0, "pin_untold");
    assert_eq!(refused(shop.desk.recover("Noor", &pin("8520"))).0, "not_allowed", "it is for managers");
    shop.desk.recover("teo", &pin("8520")).unwrap();
    shop.desk.sign_in("1", Some(&pin("8520"))).unwrap();
    let told = kinds(&shop);
    assert!(told.contains(&("staff.pin_set".into(), Some("the terminal".into()))), "{told:?}");
}

#[test]
fn no_pin_and_no_hash_stands_in_the_log_in_diagnostics_or_in_what_is_shown() {
    let shop = with_noor();
    let file = shop.desk.data().join("told.json");
    let told = shop.desk.write_diagnostics(&file).unwrap().to_string();
    let entries = shop.desk.mirror().read(|conn| audit::of_subject(conn, Subject::Store, 100)).unwrap();
    let text = format!("{told}{entries:?}{}", serde_json::to_string(&shop.desk.staff().unwrap()).unwrap());
    for secret in [TEO, NOOR, "argon2"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(!told.contains("Noor") && !told.contains("Teo"), "diagnostics name nobody: {told}");
}

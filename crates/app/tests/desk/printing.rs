//! Pick lists: what stands on one, and what is told where none comes out.

use std::sync::{Arc, Mutex};

use aisle_app::Printer;
use aisle_contract::DownBody;
use aisle_domain::{Lane, LineState, Order, OrderId};

use crate::{
    picking,
    shop::{Shop, now, refused},
};

/// Printers on whose paper a test looks.
#[derive(Default)]
struct Paper(Mutex<Vec<(String, String, String)>>);

impl Printer for Paper {
    fn queues(&self) -> Result<Vec<String>, String> {
        Ok(vec!["kitchen".into(), "office".into()])
    }

    fn print(&self, queue: &str, title: &str, text: &str) -> Result<(), String> {
        if queue == "office" {
            return Err("lp: out of paper".into());
        }
        self.0.lock().unwrap().push((queue.into(), title.into(), text.into()));
        Ok(())
    }
}

fn shop() -> (Shop, Arc<Paper>) {
    let paper = Arc::new(Paper::default());
    let mut shop = Shop::open();
    shop.desk = shop.desk.with_printer(Arc::clone(&paper) as Arc<dyn Printer>);
    let mut order = Order {
        due_at: Some(now().plus_millis(3_600_000)),
        customer_name: Some("Mary Miller".into()),
        note: Some("Ring twice\u{1b}@".into()),
        substitution: Some("similar".into()),
        ..picking::order()
    };
    order.lines[1].state = LineState::Found;
    order.lines[2].note = Some("green ones".into());
    shop.feed(Lane::Orders, &DownBody::Order(Box::new(order)));
    (shop, paper)
}

fn id() -> OrderId {
    OrderId::new(6472).unwrap()
}

#[test]
fn a_pick_list_has_all_that_whoever_picks_needs_on_the_paper_s_width() {
    let (shop, paper) = shop();
    shop.desk.set_setting("printer", "kitchen").unwrap();
    assert_eq!(shop.desk.session().desk.unwrap().printer.as_deref(), Some("kitchen"));
    shop.desk.print_order(id()).unwrap();
    let printed = paper.0.lock().unwrap();
    let [(queue, title, text)] = printed.as_slice() else { panic!("{printed:?}") };
    assert_eq!((queue.as_str(), title.as_str()), ("kitchen", "Pick list 6472"));
    for words in [
        "Store 367",
        "PICK LIST   6472",
        "For Mary Miller",
        "Note: Ring twice @",
        "Instead of what is missing: similar",
        "[ ] 1 x Shredded Cheese, 8 OZ",
        "[x] 4 x Corn, 11 OZ",
        "[ ] 1 kg Apples",
        "note: green ones",
        "2000008189804",
        "7.25 USD",
        "5.07 to 7.98",
    ] {
        assert!(text.contains(words), "{words} is not on it:\n{text}");
    }
    assert!(text.lines().all(|line| line.chars().count() <= 42), "{text}");
    assert!(!text.contains('\u{1b}'), "nothing that a printer would obey");
}

#[test]
fn a_printer_that_is_not_set_not_there_or_out_of_paper_is_told_and_nothing_else_happens() {
    let (shop, paper) = shop();
    assert_eq!(refused(shop.desk.print_order(id())).0, "printer_failed");
    let (code, words) = refused(shop.desk.set_setting("printer", "attic"));
    assert_eq!(code, "printer_failed");
    assert!(words.contains("no printer \"attic\"; there are kitchen, office"), "{words}");
    assert_eq!(refused(shop.desk.set_setting("printer", "-o raw")).0, "bad_value");
    shop.desk.set_setting("printer", "office").unwrap();
    assert_eq!(refused(shop.desk.print_order(id())), ("printer_failed".into(), "lp: out of paper".into()));
    assert_eq!(refused(shop.desk.print_order(OrderId::new(1).unwrap())).0, "not_found");
    assert!(paper.0.lock().unwrap().is_empty());
    shop.desk.set_setting("printer", "").unwrap();
    assert_eq!(shop.desk.session().desk.unwrap().printer, None);
}

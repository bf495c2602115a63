//! An order picked line by line in the real window, by keyboard and scanner alone.

use std::time::Duration;

use aisle_testkit::window::{PATIENCE, Theme, Window, can_show, until};
use serde_json::Value;

use crate::{fine::assert_fine, store};

/// What a line of the list says, the first being 1.
fn line(window: &Window, number: usize) -> String {
    window.text(&format!("tbody tr:nth-of-type({number})")).unwrap_or_default()
}

fn says(window: &Window, number: usize, words: &str) {
    until(&format!("line {number} says {words}"), PATIENCE, || line(window, number).contains(words).then_some(()));
}

/// The line that keys act on, the first being 1.
fn current(window: &Window) -> Option<i64> {
    let place =
        "return [...document.querySelectorAll('tbody tr')].findIndex(row => row.ariaCurrent === 'true') + 1";
    window.js(place).as_i64()
}

fn stands_at(window: &Window, number: i64) {
    until(&format!("line {number} is the one that keys act on"), PATIENCE, || {
        (current(window) == Some(number)).then_some(())
    });
}

/// The open order, as the desk has it.
fn order(window: &Window) -> Value {
    let id = window.js("return document.querySelector('[data-testid=order]').dataset.order");
    window.call("order", &serde_json::json!({ "order_id": id })).unwrap()
}

fn pick(theme: Theme, name: &str) {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&store::cut_off(dir.path(), 1), theme);
    window.set_size(1366, 768);
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.press("Space a");
    window.sees("[data-testid=status]", "Picking", PATIENCE);
    let expected = order(&window)["expected"].clone();
    stands_at(&window, 1);
    // Each key is the line's that stands there, and leads on to the next.
    window.press("f f");
    stands_at(&window, 3);
    says(&window, 2, "Found");
    window.sees("[data-testid=headline]", "$", PATIENCE);
    assert_fine(&window, "an order that is picked");

    // Two were ordered, and there is one.
    window.press("w");
    window.sees("aside", "2 ordered", PATIENCE);
    window.type_text("1");
    window.sees("aside [role=status]", " left", PATIENCE);
    assert_fine(&window, "the quantity and what it comes to");
    window.picture(&format!("quantity-1366x768-{name}"));
    window.press("Enter");
    says(&window, 3, "1 of 2");
    stands_at(&window, 4);

    // Nothing of this one, and something like it instead.
    window.press("o");
    says(&window, 4, "Out of stock");
    stands_at(&window, 5);
    window.press("Enter Up s");
    window.sees("aside", "No replacement", PATIENCE);
    until("something else is offered", PATIENCE, || {
        window.text("aside [role=radio]").filter(|one| one.contains("left"))
    });
    assert_fine(&window, "replacements");
    window.picture(&format!("substitute-1366x768-{name}"));
    window.press("Enter");
    says(&window, 4, "Substituted");
    stands_at(&window, 5);

    // A scan finds its line wherever one stands, and says of a wrong item that it is none of these.
    let code = order(&window)["lines"][6]["barcode"].as_str().unwrap().to_owned();
    window.scan(&code);
    says(&window, 7, "Found");
    stands_at(&window, 7);
    window.scan("4006381333931");
    window.sees(".top [role=alert]", "No item of this store", PATIENCE);
    window.scan(&code);
    window.sees(".top [role=alert]", "in the basket already", PATIENCE);
    assert_fine(&window, "a scan that found nothing");
    window.picture(&format!("scan-1366x768-{name}"));

    // A line that is found already is passed by. What was done last can be taken back.
    window.press("f f");
    says(&window, 8, "Found");
    window.press("Ctrl+z");
    says(&window, 8, "To pick");
    for _ in 0..9 {
        window.press("f");
    }
    until("nothing is left to pick", PATIENCE, || {
        let lines = order(&window)["lines"].as_array().cloned().unwrap();
        lines.iter().all(|line| line["state"] != "to_pick").then_some(())
    });
    let now = order(&window);
    assert_eq!(now["picked"], now["forecast"]);
    assert_ne!(now["forecast"], expected, "a line is short and another was substituted");
    window.sees("[data-testid=headline]", now["picked"].as_str().unwrap(), PATIENCE);
    for (width, height) in [(1366, 768), (1920, 1080)] {
        window.set_size(width, height);
        std::thread::sleep(Duration::from_millis(400));
        assert_fine(&window, "all is picked");
        window.picture(&format!("picked-{width}x{height}-{name}"));
    }
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn an_order_is_picked_by_keyboard_and_scanner_in_the_light() {
    pick(Theme::Light, "light");
}

#[test]
fn an_order_is_picked_by_keyboard_and_scanner_in_the_dark() {
    pick(Theme::Dark, "dark");
}

#[test]
fn a_store_is_paused_and_an_order_taken_noted_and_promised_for_later_by_keyboard() {
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&store::cut_off(dir.path(), 1), Theme::Light);
    window.set_size(1366, 768);
    window.sees("[data-testid=status]", "New", PATIENCE);
    window.press("Space c");
    window.sees("[data-testid=order] dl", "Manager", PATIENCE);
    window.press("d");
    window.sees("aside", "10 minutes later", PATIENCE);
    assert_fine(&window, "the promise");
    window.picture("due-1366x768-light");
    window.press("Down Enter");
    window.sees("[aria-label=Timeline]", "Promised for", PATIENCE);
    window.press("e");
    window.sees("aside", "Colleagues", PATIENCE);
    window.type_text("Call before six, a r");
    assert_fine(&window, "a note");
    window.picture("note-1366x768-light");
    window.press("Enter");
    window.sees("[aria-label=Timeline]", "Note: Call before six, a r", PATIENCE);
    window.sees("[data-testid=status]", "New", PATIENCE);

    window.press("b");
    window.sees("aside[aria-label='Busy or pause']", "no new orders", PATIENCE);
    assert_fine(&window, "busy or paused");
    window.press("p Right");
    window.picture("capacity-1366x768-light");
    window.press("Enter");
    window.sees("[data-testid=capacity]", "Paused until", PATIENCE);
    assert_fine(&window, "a paused store");
    window.picture("paused-1366x768-light");
    window.press("b Enter");
    until("the store takes orders again", PATIENCE, || {
        window.text("[data-testid=capacity]").is_none().then_some(())
    });
    window.press("?");
    window.sees("dialog", "Picking", PATIENCE);
    assert_fine(&window, "the keys");
    window.picture("keys-1366x768-light");
    assert_eq!(window.errors(), Vec::<String>::new());
}

//! Finding orders and what can be done, by keyboard alone.

use std::time::Duration;

use aisle_testkit::window::{PATIENCE, Theme, Window, can_show, until};
use serde_json::{Value, json};

use crate::{fine::assert_fine, store};

/// Numbers on screen of the orders in the list.
fn listed(window: &Window) -> Vec<String> {
    let numbers = "return [...document.querySelectorAll('[role=listbox]:not(#found):not(#what) .number')]
        .map(number => number.firstChild.textContent.trim())";
    serde_json::from_value(window.js(numbers)).unwrap()
}

fn lists(window: &Window, count: usize) {
    until("so many orders are in the list", PATIENCE, || (listed(window).len() == count).then_some(()));
}

fn focused(window: &Window) -> Value {
    window.js("return document.activeElement?.getAttribute('maxlength')")
}

/// A desk without a line on which eight orders wait.
fn eight_orders(theme: Theme) -> (tempfile::TempDir, Window) {
    let dir = tempfile::tempdir().unwrap();
    let window = Window::open(&store::cut_off(dir.path(), 8), theme);
    window.set_size(1366, 768);
    window.sees("[data-testid=status]", "New", PATIENCE);
    (dir, window)
}

fn find(theme: Theme, name: &str) {
    if !can_show() {
        return;
    }
    let (_dir, window) = eight_orders(theme);
    let all = listed(&window);
    let picture = |what: &str| {
        for (width, height) in [(1366, 768), (1920, 1080)] {
            window.set_size(width, height);
            std::thread::sleep(Duration::from_millis(300));
            assert_fine(&window, what);
            window.picture(&format!("{what}-{width}x{height}-{name}"));
        }
        window.set_size(1366, 768);
    };

    // An item leads to the orders that have it.
    let item = window.call("orders", &Value::Null).unwrap()["new"][0]["order_id"].clone();
    let order = window.call("order", &json!({ "order_id": item })).unwrap();
    let barcode = order["lines"][0]["barcode"].as_str().unwrap().to_owned();
    window.press("/");
    window.type_text(&barcode);
    window.sees("#found", "with", PATIENCE);
    picture("found");
    window.press("Esc Esc");

    // A filter, put together by Tab and Space.
    window.press("v");
    until("the sheet has the focus", PATIENCE, || (focused(&window) == "200").then_some(()));
    picture("filter");
    window.type_text(&all[1]);
    window.press("Enter");
    lists(&window, 1);
    assert_eq!(listed(&window), [all[1].clone()]);
    window.sees("main", "not in this view", PATIENCE);
    picture("filtered");

    // It gets a name, is left, and comes back by that name.
    window.press("v F2");
    until("the name has the focus", PATIENCE, || (focused(&window) == "40").then_some(()));
    window.type_text("Just one");
    picture("view-named");
    window.press("Enter");
    window.sees("main", "Just one", PATIENCE);
    window.press("Esc");
    lists(&window, all.len());
    window.press("Ctrl+k");
    window.sees("[data-testid=palette]", "View: Just one", PATIENCE);
    picture("palette");
    window.type_text("just one");
    window.press("Enter");
    lists(&window, 1);
    window.press("Esc");
    lists(&window, all.len());

    // Two orders are marked and accepted at once.
    window.press("x x");
    window.sees("[role=region] [role=status]", "2 orders marked", PATIENCE);
    picture("marked");
    window.press("Ctrl+Enter");
    until("both are picked", PATIENCE, || {
        let queue = window.call("orders", &Value::Null).unwrap();
        (queue["picking"].as_array().unwrap().len() == 2).then_some(())
    });
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn orders_are_found_filtered_named_and_marked_by_keyboard_in_the_light() {
    find(Theme::Light, "light");
}

#[test]
fn orders_are_found_filtered_named_and_marked_by_keyboard_in_the_dark() {
    find(Theme::Dark, "dark");
}

/// Walks with Tab until something in this has the focus.
fn tab_into(window: &Window, testid: &str) {
    let is_there = format!("return document.activeElement?.closest('[data-testid={testid}]') != null");
    for _ in 0..60 {
        if window.js(&is_there) == json!(true) {
            return;
        }
        window.press("Tab");
    }
    panic!("Tab never comes to {testid}");
}

/// How many orders are new, and how many are picked.
fn queue(window: &Window) -> (usize, usize) {
    let queue = window.call("orders", &Value::Null).unwrap();
    let count = |group: &str| queue[group].as_array().unwrap().len();
    (count("new"), count("picking"))
}

fn accept_by_rule(theme: Theme, name: &str) {
    if !can_show() {
        return;
    }
    let (_dir, window) = eight_orders(theme);
    window.go(",", "Settings");
    tab_into(&window, "auto-accept");
    window.press("Left");
    window.sees("[data-testid=auto-accept]", "Saved here", PATIENCE);
    until("all were accepted", PATIENCE, || (queue(&window) == (0, 8)).then_some(()));
    assert_fine(&window, "the rule");
    tab_into(&window, "auto-accept-up-to");
    window.type_text("30.001");
    window.press("Tab");
    window.sees("[data-testid=auto-accept-up-to]", "an amount above zero", PATIENCE);
    tab_into(&window, "auto-accept-up-to");
    window.js("document.activeElement.select()");
    window.type_text("30");
    window.press("Tab");
    window.sees("[data-testid=auto-accept-up-to]", "Saved here", PATIENCE);
    window.js("document.querySelector('[data-testid=auto-accept]').scrollIntoView({ block: 'nearest' })");
    assert_fine(&window, "the rule's limits");
    window.picture(&format!("auto-accept-1366x768-{name}"));
    assert_eq!(window.call("settings", &Value::Null).unwrap()["auto_accept_up_to"], "30.00");
    assert_eq!(window.errors(), Vec::<String>::new());
}

#[test]
fn orders_are_accepted_by_a_rule_that_is_set_by_keyboard_in_the_light() {
    accept_by_rule(Theme::Light, "light");
}

#[test]
fn orders_are_accepted_by_a_rule_that_is_set_by_keyboard_in_the_dark() {
    accept_by_rule(Theme::Dark, "dark");
}

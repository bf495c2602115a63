//! The store's busiest day: a dozen orders wait, and the others come while somebody writes why one is rejected.

use std::time::Duration;

use aisle_testkit::{
    fixtures,
    kafka::Kit,
    program::Running,
    window::{PATIENCE, Theme, Window, can_show, until},
};
use serde_json::Value;

use crate::cluster::{run, town};

const STEP: Duration = Duration::from_secs(60);
/// More than the list has room for.
const WAITING: usize = 12;
/// Of the day.
const ALL: usize = 18;

/// Where somebody is: what has the focus, what is typed there and where in it, the open order, how far both lists are scrolled.
fn place(window: &Window) -> Value {
    window.js("const active = document.activeElement;
        const queue = document.querySelector('section:has([role=listbox])');
        return {
            focus: active?.id, typed: active?.value, at: active?.selectionStart,
            open: document.querySelector('[data-testid=order]').dataset.order,
            reason: document.querySelector('aside [role=radio][aria-checked=true]')?.dataset.value,
            queue: queue.scrollTop, lines: document.querySelector('.lines')?.scrollTop,
        }")
}

fn waiting(window: &Window) -> usize {
    window.call("orders", &Value::Null).unwrap()["new"].as_array().unwrap().len()
}

#[test]
fn orders_that_come_move_neither_focus_nor_selection_nor_scroll_nor_what_is_typed() {
    let Some(kit) = Kit::require("the busiest day in the window") else { return };
    if !can_show() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (cluster, aisle) = town(&kit, dir.path());
    run(&aisle, &["init", "--store", "367", "--brokers", &cluster.brokers()]);
    let _work = aisle.start(&["central", "work"], &dir.path().join("work.log")).unwrap();
    let parts = ["first", "rest"].map(|part| dir.path().join(part));
    fixtures::busiest_day(&fixtures::demo(), WAITING, (&parts[0], &parts[1])).unwrap();
    let simulate = |part: usize| -> Running {
        let from = parts[part].display().to_string();
        let args = ["central", "simulate", "--store", "367", "--from", &from, "--speed", "max", "--until", "done"];
        aisle.start(&args, &dir.path().join(format!("days-{part}.log"))).unwrap()
    };

    let first = simulate(0);
    let window = Window::open(&dir.path().join("desk"), Theme::Light);
    window.set_size(1366, 768);
    until("a dozen orders wait", STEP, || (waiting(&window) == WAITING).then_some(()));
    window.press("Down Down r");
    until("the reasons have the focus", PATIENCE, || window.text("aside [role=radio]"));
    window.press("o");
    until("another reason is chosen", PATIENCE, || (place(&window)["reason"] == "other").then_some(()));
    window.press("Tab");
    window.type_text("Half of the");
    window.js("const field = document.activeElement; field.setSelectionRange(4, 4);
        document.querySelector('section:has([role=listbox])').scrollTop = 60");
    let before = place(&window);
    assert_eq!((before["typed"].as_str(), before["at"].as_i64()), (Some("Half of the"), Some(4)), "{before}");
    assert_eq!(before["queue"], 60, "the list is scrolled");

    drop(first);
    let _rest = simulate(1);
    until("the others have come", STEP, || (waiting(&window) == ALL).then_some(()));
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(place(&window), before, "nothing has moved");
    window.type_text("!");
    assert_eq!(place(&window)["typed"], "Half! of the", "the next key goes where it would have gone");
    window.picture("busiest-day-1366x768-light");
    assert_eq!(window.errors(), Vec::<String>::new());
}
